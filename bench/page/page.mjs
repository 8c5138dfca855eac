// The page: one HTML file without scripts and without requests to a network.

import { readFile } from "node:fs/promises";

import { clientMarkup } from "./clientpage.mjs";
import { escape, figure } from "./figure.mjs";
import { properties } from "./palette.mjs";
import { byMachine, subjectsOf, tally } from "./result.mjs";
import { sectionsOf } from "./sections.mjs";
import { table } from "./table.mjs";
import { percent, size, tick, time } from "./units.mjs";

const style = async () =>
    `:root { color-scheme: light dark; ${properties("light")} }\n` +
    `@media (prefers-color-scheme: dark) { :root { ${properties("dark")} } }\n` +
    (await readFile(new URL("style.css", import.meta.url), "utf8"));

const words = (key) => key.replaceAll("_", " ");

const YES_NO = { true: "yes", false: "no" };

// As people write it: the name of a value tells its unit.
function shown(key, value) {
    if (typeof value !== "number") {
        return YES_NO[value] ?? value;
    }
    const format = { duration: time, warmup: time, buffer_size: size }[key];
    return format === undefined ? value : tick(format)(value);
}

// How much of a message's cost is the measuring itself: what the null case and the other side say.
function harnessMarkup({ harness }) {
    if (harness?.client_cpu_per_message === undefined) {
        return "";
    }
    const { client_cpu_per_message: client, null_cpu_per_message: own } = harness;
    const bytes = own === undefined ? "" : `, ${time(own)} of it for making and checking the bytes`;
    const floor =
        harness.floor_per_message === undefined
            ? ""
            : ` The system alone takes ${time(harness.floor_per_message)} for one receive and ` +
              `one send of such a message, and ${time(harness.empty_call)} for a receive that ` +
              `brings nothing.`;
    return (
        `<p class="harness">Cost of the measuring: in ${escape(harness.case)} a message takes ` +
        `${time(client)} of the client’s CPU${bytes}; echo-bench itself used ` +
        `${percent(Number(harness.bench_load.toFixed(4)))} of a CPU.${floor}</p>`
    );
}

function facts({ date, environment, options, client }) {
    const { system, release, machine, cpu, cpus, version, commit } = client?.environment ?? {};
    const place = [system, release, machine, cpu, cpus && `${cpus} CPUs`];
    const entries = [
        ["date", date.replace("T", " ").replace("Z", " UTC")],
        ["command", options?.command],
        ...Object.entries(environment).filter(([key]) => key !== "wine"),
        ["client_machine", client && place.filter(Boolean).join(", ")],
        ["client_version", client && [version, commit && `(${commit})`].filter(Boolean).join(" ")],
        ...Object.entries(options ?? {}).filter(([key]) => key !== "command"),
    ];
    return entries
        .filter(([, value]) => value !== undefined && value !== null && typeof value !== "object")
        .map(
            ([key, value]) =>
                `<div><dt>${escape(words(key))}</dt><dd>${escape(shown(key, value))}</dd></div>`,
        )
        .join("");
}

const WHY = {
    books: "server and client counted differently",
    "client-bound": "the client was the bottleneck, so that only the cost of a message counts",
    failed: "a program failed",
};

// How many runs are marked, and so not part of the averages.
function markedNotice(result) {
    const tallies = result.cases.flatMap((each) =>
        subjectsOf(each).map(({ id }) => tally(each, id)),
    );
    const marked = tallies.reduce((sum, each) => sum + each.all - each.clean, 0);
    if (marked === 0) {
        return "";
    }
    const all = tallies.reduce((sum, each) => sum + each.all, 0);
    const numbers = {};
    for (const [mark, number] of tallies.flatMap((each) => Object.entries(each.marks))) {
        numbers[mark] = (numbers[mark] ?? 0) + number;
    }
    const reasons = Object.entries(numbers).map(
        ([mark, number]) => `${number} ${mark}${mark in WHY ? ` (${WHY[mark]})` : ""}`,
    );
    return (
        `<p class="notice"><b>${marked} of ${all} runs are marked</b> and not averaged in: ` +
        `${escape(reasons.join(", "))}.</p>`
    );
}

function sectionMarkup({ id, title, text, figures }, prefix) {
    const all =
        figures.length > 0
            ? figures.map((each) => figure({ ...each, id: `${prefix}${each.id}` })).join("\n")
            : '<figure class="plot"><p class="nothing">Nothing that counts was measured.</p></figure>';
    return (
        `<section id="${prefix}${id}"><h2>${title}</h2><p>${text}</p>\n` +
        `<div class="figures">${all}</div></section>`
    );
}

function tableMarkup(result, prefix, name) {
    return (
        `<section id="${prefix}table"><h2>Everything</h2><p>Medians over the rounds; small: ` +
        "lowest to highest, or the interval of the ratio.</p>\n" +
        `<div class="table" role="region" tabindex="0" aria-label="Everything, ${escape(name)}">` +
        `${table(result)}</div></section>`
    );
}

const notice = (head, text) => `<p class="notice"><b>${head}</b>${text}</p>`;

// Where the client of --client-command was.
function remoteNotice({ client, options }) {
    if (!client) {
        return "";
    }
    const { client_command: command, server_address: address } = options;
    const where = address === undefined ? "" : `, and it connected to ${address}`;
    return notice("Client elsewhere", `: “${escape(command)}” started it${escape(where)}.`);
}

const WINE = ", which shows that the programs are right, never how fast they are.";

function machineMarkup({ name, results, newest, wine }, index, all) {
    const prefix = index === 0 ? "" : `machine-${index + 1}-`;
    const sections = wine ? [] : sectionsOf(results, all);
    const links = [...sections.map(({ id, title }) => [id, title]), ["table", "Everything"]]
        .map(([id, title]) => `<a href="#${prefix}${id}">${title}</a>`)
        .join(" ");
    return `<article aria-label="${escape(name)}">
<header><p class="machine">${escape(name)}</p>
${newest.synthetic ? notice("Not a measurement", `: ${escape(newest.synthetic)}.`) : ""}
${wine ? notice("No plots: this ran in Wine", WINE) : ""}
${remoteNotice(newest)}
${markedNotice(newest)}
<details open><summary>Machine, command and date</summary><dl>${facts(newest)}</dl></details>
${harnessMarkup(newest)}
<nav aria-label="Sections, ${escape(name)}">${links}</nav></header>
${sections.map((section) => sectionMarkup(section, prefix)).join("\n")}
${tableMarkup(newest, prefix, name)}
</article>`;
}

const BENCH = "echoport: which backend is faster";

/** The page for results of echo-bench, of one machine or several, and for runs of echo-client. */
export async function page(results, runs = []) {
    const ofBench = results.length > 0;
    const heading = ofBench ? `${BENCH}, by how much, how sure` : "echo-client: how the runs went";
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${ofBench ? BENCH : heading}</title>
<style>
${await style()}</style>
</head>
<body>
<main>
<h1>${heading}</h1>
${byMachine(results)
    .map((machine, index) => machineMarkup(machine, index, results))
    .join("\n")}
${runs.length > 0 ? clientMarkup(runs, sectionMarkup) : ""}
</main>
</body>
</html>
`;
}
