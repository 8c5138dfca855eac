// What a page shows of echo-client's reports (client.mjs): the verdicts, the plots, the options.

import { differences, quantilesOf, series, withSubjects } from "./client.mjs";
import { latencyDomain, latencyOverTimePlot, ratePlot } from "./clientplots.mjs";
import { escape, figure } from "./figure.mjs";
import { colours } from "./palette.mjs";
import { quantilePlot } from "./plots.mjs";
import { count, percent, size, tick, time } from "./units.mjs";

const PANEL = [368]; // as wide as a phone; side by side where there is room
const BOTH = [368, 640];

const CHOSEN = ["50", "99", "max"]; // of more percentiles than these, the lines that are drawn

const nameOf = (key) => (key === "max" ? "max" : `p${key}`);

const percentileSubject = (key) => ({ id: key, kind: "own", name: nameOf(key) });

function chosenKeys({ keys }) {
    const chosen = keys.filter((key) => CHOSEN.includes(key));
    return chosen.length > 0 ? chosen : keys;
}

// The lines of a run's latencies over time, the highest first: so are their labels if they meet.
const latencyLines = (run) =>
    chosenKeys(run)
        .reverse()
        .flatMap((key) =>
            series({ ...run, subject: percentileSubject(key) }, ({ latency }) => latency[key]),
        );

function rateFigure(runs, colour) {
    const data = runs.flatMap((run) => series(run, ({ rate }) => rate));
    return {
        id: "run-rate-all",
        caption: "<b>Messages per second</b> of each interval; a cross: something failed",
        title: "Messages per second over time",
        draw: (width) => ratePlot(data, { width, colour }),
        widths: BOTH,
    };
}

// All share an axis, so that runs can be compared.
function latencyFigures(runs) {
    const lines = runs.map(latencyLines);
    const domain = latencyDomain(lines.flat());
    const colour = colours(runs.flatMap(chosenKeys).map(percentileSubject));
    return runs.map((run, index) => ({
        id: `run-latency-${index + 1}`,
        caption: `<b>${escape(run.name)}</b> latency of each interval`,
        title: `Latency over time, ${run.name}`,
        draw: (width) => latencyOverTimePlot(lines[index], domain, { width, colour }),
        widths: PANEL,
    }));
}

function percentileFigure(runs, colour) {
    const data = runs.flatMap(quantilesOf);
    return {
        id: "run-percentiles-all",
        caption: "<b>Latency</b> by share of all messages of the measured time",
        title: "Latency by percentile",
        draw: (width) => quantilePlot(data, { width, colour }),
        widths: BOTH,
    };
}

const LOG = "The axis of latency is logarithmic.";

function timeSections(runs, colour) {
    const timed = runs.filter(({ intervals }) => intervals.length > 0);
    const without = runs.filter(({ intervals }) => intervals.length === 0);
    const lacks =
        without.length > 0
            ? ` Without intervals: ${without.map(({ name }) => escape(name)).join(", ")}.`
            : "";
    return timed.length === 0
        ? []
        : [
              {
                  id: "run-rate",
                  title: "Rate over time",
                  text: `Verified messages per second, interval by interval.${lacks}`,
                  figures: [rateFigure(timed, colour)],
              },
              {
                  id: "run-latency",
                  title: "Latency over time",
                  text: `The latency of the messages that ended in each interval. ${LOG}${lacks}`,
                  figures: latencyFigures(timed),
              },
          ];
}

/** The sections of plots for runs (client.mjs), as those of sections.mjs. */
export function clientSections(unnamed) {
    const runs = withSubjects(unnamed);
    const colour = colours(runs.map(({ subject }) => subject));
    return [
        ...timeSections(runs, colour),
        {
            id: "run-percentiles",
            title: "Latency by percentile",
            text: "How long a message took, by share of all; lower is better. Logarithmic axes.",
            figures: [percentileFigure(runs, colour)],
        },
    ];
}

// ---- what each run says of itself

const items = (texts) => texts.map((text) => `<li>${escape(text)}</li>`).join("");

// A figure of --fail-if, by what the condition begins with; the others are durations in ns.
function threshold({ condition, measured, ok }) {
    const format =
        { rate: count, bytes: size, failures: String }[/^[a-z]*/.exec(condition)[0]] ??
        ((ns) => time(ns * 1e-9));
    const figure = measured === null ? "it was not measured" : format(measured);
    return `--fail-if ${condition}: ${ok ? "no" : "not good enough"}, ${figure}`;
}

function statements({ report }) {
    const rest = (report.failures ?? []).slice(1).map(({ text }) => text);
    const doubts = report.trust?.findings?.map(({ text }) => `In doubt: ${text}`) ?? [];
    return items([...rest, ...(report.thresholds ?? []).map(threshold), ...doubts]);
}

const YES_NO = { true: "yes", false: "no", null: "–" };

function shown(key, value) {
    if (Array.isArray(value)) {
        return value.map((one) => YES_NO[one] ?? one).join(", ") || "–";
    }
    if (key === "share" && value !== null) {
        return `${value.rank}/${value.ranks}`;
    }
    if (key === "percentiles") {
        return String(value).replaceAll(",", ", ");
    }
    if (typeof value === "number" && key.endsWith("_seconds")) {
        return tick(time)(value);
    }
    return YES_NO[value] ?? value;
}

const words = (key) => key.replace(/_seconds$/, "").replaceAll("_", " ");

const moment = (iso) => iso.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");

// The machine and the build: [key, values]. Those of all clients, if it is a merge.
function machineOf({ environment, clients }) {
    const all = environment ? [environment] : (clients ?? []).map((client) => client.environment);
    const values = (key) => [...new Set(all.map((one) => one[key]))];
    const { cpus, ...rest } = all[0] ?? {};
    const named = Object.keys(rest).map((key) => [key, values(key)]);
    return cpus === undefined ? named : [...named, ["CPUs of the machine", values("cpus")]];
}

function facts({ report, options }) {
    const start = report.started_at === undefined ? [] : [["started", moment(report.started_at)]];
    const merged = report.clients
        ? [
              ["clients", report.clients.length],
              ["hosts", report.fleet?.hosts],
          ]
        : [];
    return [...start, ...merged, ["address", report.address], ...options, ...machineOf(report)]
        .filter(([, value]) => value !== undefined)
        .map(
            ([key, value]) =>
                `<div><dt>${escape(words(key))}</dt><dd>${escape(shown(key, value))}</dd></div>`,
        )
        .join("");
}

function runMarkup(run) {
    const { report, name } = run;
    const list = statements(run);
    const verdict = `${report.ok ? "" : "FAILED: "}${report.verdict}`;
    return (
        `<div class="run"><h3>${escape(name)}</h3>` +
        `<p class="${report.ok ? "verdict" : "notice"}"><b>${escape(verdict)}</b></p>` +
        `${list ? `<ul>${list}</ul>` : ""}` +
        `<details><summary>Options and machine</summary><dl>${facts(run)}</dl></details></div>`
    );
}

// ---- the table

const latency = (key) => (report) => {
    const value = report.latency_ns[key];
    return value === null || value === undefined ? undefined : time(value * 1e-9);
};

const between = (key) => (report) => {
    const interval = report.trust?.[key] ?? undefined;
    return interval && `${time(interval.low * 1e-9)}–${time(interval.high * 1e-9)}`;
};

const since = (name) => (report) => {
    const value = report[name]?.p99;
    return value === null || value === undefined ? undefined : time(value * 1e-9);
};

const ROWS = [
    ["verdict", ({ ok }) => (ok ? "OK" : "FAILED")],
    ["messages/s", ({ messages_per_second: rate }) => count(rate ?? 0)],
    ["bytes/s each way", ({ bytes_per_second: bytes }) => size(bytes ?? 0)],
    ["measured", ({ seconds }) => time(seconds)],
    ["messages measured", ({ measured_messages: messages }) => count(messages)],
    ["mean", latency("mean")],
    ["p50", latency("p50")],
    ["p50, interval", between("p50")],
    ["p90", latency("p90")],
    ["p99", latency("p99")],
    ["p99, interval", between("p99")],
    ["p99.9", latency("p999")],
    ["max", latency("max")],
    ["p99 since sent", since("latency_since_sent_ns")],
    ["p99 of the client’s lateness", since("lateness_ns")],
    ["unsent", ({ unsent }) => (unsent === null ? undefined : unsent)],
    [
        "messages of the slowest connection",
        ({ fairness }) =>
            fairness?.median > 0
                ? `${percent(Number((fairness.slowest / fairness.median).toFixed(3)))} of the median`
                : undefined,
    ],
];

function tableMarkup(runs) {
    const differ = differences(runs).filter((key) => key !== "seed");
    const options = differ.map((key) => [words(key), (report) => shown(key, report[key] ?? null)]);
    const rows = [...options, ...ROWS].filter(([, cell]) =>
        runs.some(({ report }) => (cell(report) ?? undefined) !== undefined),
    );
    const heads = runs.map(({ name }) => `<th scope="col">${escape(name)}</th>`).join("");
    const body = rows.map(([head, cell]) => {
        const cells = runs.map(({ report }) => {
            const text = cell(report);
            return `<td>${text === undefined ? '<span class="absent">–</span>' : escape(text)}</td>`;
        });
        return `<tr><th scope="row">${escape(head)}</th>${cells.join("")}</tr>`;
    });
    return (
        '<div class="table" role="region" tabindex="0" aria-label="Runs side by side"><table>' +
        `<thead><tr><th scope="col">run</th>${heads}</tr></thead>` +
        `<tbody>${body.join("")}</tbody></table></div>`
    );
}

/** The part of the page for reports of echo-client. `sectionMarkup` is that of page.mjs. */
export function clientMarkup(unnamed, sectionMarkup) {
    const runs = withSubjects(unnamed);
    const sections = clientSections(unnamed);
    const links = [...sections.map(({ id, title }) => [id, title]), ["run-table", "Side by side"]]
        .map(([id, title]) => `<a href="#${id}">${title}</a>`)
        .join(" ");
    return `<article aria-label="Runs of echo-client">
<header><h2>Verdicts</h2>
<div class="runs">${runs.map(runMarkup).join("\n")}</div>
<nav aria-label="Sections, runs of echo-client">${links}</nav></header>
${sections.map((section) => sectionMarkup(section, "")).join("\n")}
<section id="run-table"><h2>Side by side</h2>
<p>What the reports say, with the options in which they differ.</p>
${tableMarkup(runs)}</section>
</article>`;
}
