// Makes a page, pictures or a summary from results of echo-bench and reports of echo-client.
// `node report.mjs --help`

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { clientSections } from "./clientpage.mjs";
import { picture } from "./figure.mjs";
import { page } from "./page.mjs";
import { byMachine, readResult } from "./result.mjs";
import { sectionsOf } from "./sections.mjs";
import { markdown } from "./table.mjs";

const USAGE = `usage: report.mjs RESULT.json... [-o PAGE.html] [--svg DIRECTORY] [--markdown]

RESULT.json is a result of echo-bench, or a report of echo-client --json=FILE.

  -o, --output PAGE.html   one HTML file with plots and a table; several results
                           of a machine make a history, several reports stand side by side
      --svg DIRECTORY      each plot as NAME-light.svg and NAME-dark.svg; of one machine only
      --markdown           a table of the ratios on stdout, for the summary of a CI job; of
                           results of echo-bench only
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

async function writeFigures(figures, directory) {
    await mkdir(directory, { recursive: true });
    for (const figure of figures) {
        for (const scheme of ["light", "dark"]) {
            const text = picture(figure, scheme);
            if (text !== null) {
                await writeFile(join(directory, `${figure.id}-${scheme}.svg`), text);
            }
        }
    }
}

const figuresOf = (sections) => sections.flatMap(({ figures }) => figures);

async function writePictures(results, directory) {
    const machines = byMachine(results);
    if (machines.length !== 1) {
        throw new Error(`--svg takes results of one machine, these are of ${machines.length}`);
    }
    if (machines[0].wine) {
        throw new Error("--svg: results from Wine are not drawn, since its times are its own");
    }
    await writeFigures(figuresOf(sectionsOf(machines[0].results)), directory);
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
    const all = await Promise.all(positionals.map(readResult));
    const runs = all.filter(({ report }) => report !== undefined);
    const results = all.filter(({ report }) => report === undefined);
    if (values.markdown && runs.length > 0) {
        throw new Error("--markdown takes results of echo-bench, not reports of echo-client");
    }
    if (values.output) {
        await writeFile(values.output, await page(results, runs));
    }
    if (values.svg && results.length > 0) {
        await writePictures(results, values.svg);
    }
    if (values.svg && runs.length > 0) {
        await writeFigures(figuresOf(clientSections(runs)), values.svg);
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
