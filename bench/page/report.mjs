// Makes a page, pictures or a summary from results of echo-bench. `node report.mjs --help`

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { picture } from "./figure.mjs";
import { page } from "./page.mjs";
import { byMachine, readResult } from "./result.mjs";
import { sectionsOf } from "./sections.mjs";
import { markdown } from "./table.mjs";

const USAGE = `usage: report.mjs RESULT.json... [-o PAGE.html] [--svg DIRECTORY] [--markdown]

  -o, --output PAGE.html   one HTML file with plots and a table; several results
                           of a machine make a history
      --svg DIRECTORY      each plot as NAME-light.svg and NAME-dark.svg; of one machine only
      --markdown           a table of the ratios on stdout, for the summary of a CI job
`;

const OPTIONS = {
    output: { type: "string", short: "o" },
    svg: { type: "string" },
    markdown: { type: "boolean" },
    help: { type: "boolean", short: "h" },
};

class UsageError extends Error {}

function readArguments() {
    try {
        return parseArgs({ options: OPTIONS, allowPositionals: true });
    } catch (error) {
        throw new UsageError(error.message);
    }
}

async function writePictures(results, directory) {
    const machines = byMachine(results);
    if (machines.length !== 1) {
        throw new Error(`--svg takes results of one machine, these are of ${machines.length}`);
    }
    if (machines[0].wine) {
        throw new Error("--svg: results from Wine are not drawn, since its times are its own");
    }
    await mkdir(directory, { recursive: true });
    for (const figure of sectionsOf(machines[0].results).flatMap((section) => section.figures)) {
        for (const scheme of ["light", "dark"]) {
            const text = picture(figure, scheme);
            if (text !== null) {
                await writeFile(join(directory, `${figure.id}-${scheme}.svg`), text);
            }
        }
    }
}

async function main() {
    const { values, positionals } = readArguments();
    if (values.help) {
        process.stdout.write(USAGE);
        return;
    }
    if (positionals.length === 0 || !(values.output ?? values.svg ?? values.markdown)) {
        throw new UsageError("results and what to make of them are needed");
    }
    const results = await Promise.all(positionals.map(readResult));
    if (values.output) {
        await writeFile(values.output, await page(results));
    }
    if (values.svg) {
        await writePictures(results, values.svg);
    }
    if (values.markdown) {
        process.stdout.write(
            byMachine(results)
                .map(({ newest }) => markdown(newest))
                .join("\n"),
        );
    }
}

try {
    await main();
} catch (error) {
    process.stderr.write(`report: ${error.message}\n${error instanceof UsageError ? USAGE : ""}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
}
