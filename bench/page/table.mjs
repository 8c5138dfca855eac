// Everything that was measured, as a table: of a page, and of a CI job's summary.

import { escape } from "./figure.mjs";
import { baseOf, isClientBound, ratios, subjectsOf, summaryOf, tally } from "./result.mjs";
import { count, ratio, size, time } from "./units.mjs";

const measured = (metric, format) => (benchCase, subject) => {
    const values = summaryOf(benchCase, subject.id)[metric];
    return (
        values &&
        `${format(values.median)} <small>${format(values.low)}–${format(values.high)}</small>`
    );
};

const middle = (metric, format) => (benchCase, subject) => {
    const values = summaryOf(benchCase, subject.id)[metric];
    return values && format(values.median);
};

const between = (each) =>
    each.low === undefined ? "" : `${ratio(each.low)}–${ratio(each.high)}, `;

const against = (metric) => (benchCase, subject, base) => {
    const found = benchCase.ratios.find(
        (each) => each.metric === metric && each.base === base && each.subject === subject.id,
    );
    return (
        found && `${ratio(found.ratio)} <small>${between(found)}${escape(found.verdict)}</small>`
    );
};

function runs(benchCase, subject) {
    const { all, clean, marks } = tally(benchCase, subject.id);
    const marked = Object.entries(marks).map(([mark, number]) => `${number} ${escape(mark)}`);
    return `${clean} of ${all}${marked.length > 0 ? ` <small>${marked.join(", ")}</small>` : ""}`;
}

const COLUMNS = [
    ["messages/s", measured("messages_per_second", count)],
    ["ratio", against("messages_per_second")],
    ["bytes/s", middle("bytes_per_second", size)],
    ["accepts/s", middle("accepts_per_second", count)],
    ["p50", middle("p50", time)],
    ["p90", middle("p90", time)],
    ["p99", middle("p99", time)],
    ["p99.9", middle("p999", time)],
    ["max", middle("max", time)],
    ["server CPU per message", measured("server_cpu_per_message", time)],
    ["ratio", against("server_cpu_per_message")],
    ["client CPU per message", middle("client_cpu_per_message", time)],
    ["system calls per message", middle("system_calls_per_message", ratio)],
    ["server’s memory", middle("server_peak_rss", size)],
    ["client’s memory", middle("client_peak_rss", size)],
    ["per idle connection", middle("idle_bytes_per_connection", size)],
    ["runs without a mark", runs],
];

function row(benchCase, subject, columns, base) {
    const cells = columns.map(
        ([, cell]) =>
            `<td>${cell(benchCase, subject, base) ?? '<span class="absent">–</span>'}</td>`,
    );
    const name = `<th scope="row">${escape(subject.name)}</th>`;
    return `<tr class="${subject.kind}">${name}${cells.join("")}</tr>`;
}

function body(benchCase, columns, base) {
    const rows = subjectsOf(benchCase).map((subject) => row(benchCase, subject, columns, base));
    const span = `scope="rowgroup" colspan="${columns.length + 1}"`;
    const heading = `<th ${span}>${escape(benchCase.name)}</th>`;
    return `<tbody><tr class="case">${heading}</tr>${rows.join("")}</tbody>`;
}

/** A result's table: a row for each subject of each case, without empty columns. */
export function table(result) {
    const base = baseOf(result);
    const pairs = result.cases.flatMap((benchCase) =>
        subjectsOf(benchCase).map((subject) => [benchCase, subject]),
    );
    const columns = COLUMNS.filter(([, cell]) =>
        pairs.some(([benchCase, subject]) => cell(benchCase, subject, base)),
    );
    const heads = columns.map(([head]) => `<th scope="col">${head}</th>`);
    return (
        `<table><thead><tr><th scope="col">subject</th>${heads.join("")}</tr></thead>` +
        `${result.cases.map((benchCase) => body(benchCase, columns, base)).join("")}</table>`
    );
}

// Why there is no ratio of throughput.
function withoutRate(result, { case: name, subject }) {
    const benchCase = result.cases.find((each) => each.name === name);
    const bound = [subject.id, baseOf(result)].some((id) => isClientBound(benchCase, id));
    return bound ? "client-bound" : "–";
}

/** Markdown for the summary of a CI job: the ratios to the base. */
export function markdown(result) {
    const [rates, costs] = ["messages_per_second", "server_cpu_per_message"].map((metric) =>
        ratios(result, metric),
    );
    const text = (each) => each && `${ratio(each.ratio)} (${between(each)}${each.verdict})`;
    const of = (list, { case: name, subject }) =>
        list.find((each) => each.case === name && each.subject.id === subject.id);
    const base = baseOf(result);
    // Where the client was the bottleneck there is a cost and no rate. For peers there is a rate and
    // no cost on some systems.
    const rows = [...costs, ...rates.filter((rate) => !of(costs, rate))].map((each) => {
        const rate = text(of(rates, each)) ?? withoutRate(result, each);
        const cost = text(of(costs, each)) ?? "–";
        return `| ${each.case} | ${each.subject.name} | ${rate} | ${cost} |`;
    });
    const { os, cpu, cpus } = result.environment;
    return [
        `### ${[os, cpu, cpus && `${cpus} CPUs`].filter(Boolean).join(", ")}`,
        "",
        `| case | subject | messages/s : ${base} | server CPU per message : ${base} |`,
        "|---|---|---|---|",
        ...rows,
        "",
    ].join("\n");
}
