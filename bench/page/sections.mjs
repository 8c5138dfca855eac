// What a page shows of one machine, in order: sections of figures, each ready to be drawn.

import { colours } from "./palette.mjs";
import { baseOf, byCase, ratios, subjectsOf } from "./result.mjs";
import { METRICS, bars, historyPlot, latencyPlot, ratioPlot } from "./plots.mjs";
import { escape } from "./figure.mjs";
import { size, tick, time } from "./units.mjs";

const PANEL = [368]; // as wide as a phone; side by side where there is room
const BOTH = [368, 640];

const slug = (text) => text.replace(/[^\w.-]+/g, "-");

/** "50 connections, 64 B" */
export function describeCase(benchCase) {
    const { connections, size: bytes, depth, workers, lifetime, busy_poll: spin } = benchCase;
    return [
        `${connections} ${connections === 1 ? "connection" : "connections"}`,
        tick(size)(bytes),
        depth > 1 && `${depth} in flight`,
        workers > 1 && `${workers} workers`,
        spin > 0 && `busy-polling for ${tick(time)(spin)}`,
        lifetime > 0 && `${lifetime} ${lifetime === 1 ? "message" : "messages"} each`,
    ]
        .filter(Boolean)
        .join(", ");
}

const caption = (benchCase) =>
    `<b>${escape(benchCase.name)}</b> ${escape(describeCase(benchCase))}`;

// Whether a case can have this metric: not if there are runs and none of them has it.
const concerns = (benchCase, has) => benchCase.runs.length === 0 || benchCase.runs.some(has);

function casePanels(result, { id, title, has, draw }) {
    return result.cases
        .filter((benchCase) => concerns(benchCase, has))
        .map((benchCase) => ({
            id: `${id}-${slug(benchCase.name)}`,
            caption: caption(benchCase),
            title: `${title}, ${benchCase.name}`,
            draw: (look) => draw(benchCase, look),
            widths: PANEL,
        }));
}

const barPanels = (result, id, title, metric) =>
    casePanels(result, {
        id,
        title,
        has: (run) => run[metric.metric] !== undefined,
        draw: (benchCase, look) => bars(benchCase, metric, look),
    });

const ratioFigure = (result, id, metric, title, label) => ({
    id,
    caption: `<b>${title}</b>`,
    title: `${title}, ratios to ${baseOf(result)}`,
    draw: (look) => ratioPlot(ratios(result, metric), label, look),
    widths: BOTH,
});

// The ratios of one result that belong in the history: of the loads that its cases have now.
function historyOf(result, loads, metric) {
    const same = new Set(
        result.cases.filter((each) => describeCase(each) === loads.get(each.name)).map(({ name }) => name),
    );
    return ratios(result, metric)
        .filter((each) => same.has(each.case))
        .map((each) => ({ ...each, date: new Date(result.date) }));
}

function historyPanels(results, id, metric, title) {
    const loads = new Map(
        results.flatMap(({ cases }) => cases.map((each) => [each.name, describeCase(each)])),
    );
    const data = results.flatMap((result) => historyOf(result, loads, metric));
    return byCase(data).map(([name, ofCase]) => ({
        id: `${id}-${slug(name)}`,
        caption: `<b>${escape(name)}</b> ${title}`,
        title: `${title} over time, ${name}, ratios to ${baseOf(results.at(-1))}`,
        draw: (look) => historyPlot(ofCase, look),
        widths: PANEL,
    }));
}

const coloured = (figures, colour) =>
    figures.map((each) => ({ ...each, draw: (width) => each.draw({ width, colour }) }));

/**
 * The sections for results of one machine, oldest first; all but the history show the newest. The
 * results of `all`, the whole page, name the subjects that have colours.
 */
export function sectionsOf(results, all = results) {
    const colour = colours(all.flatMap(({ cases }) => cases.flatMap(subjectsOf)));
    const newest = results.at(-1);
    const base = escape(baseOf(newest));
    const rate = "messages_per_second";
    const cpu = "server_cpu_per_message";
    const sections = [
        {
            id: "ratio",
            title: `Against ${base}`,
            text:
                `Ratios to <b>${base}</b> in the same rounds, with intervals of at least 95 %. ` +
                "A hollow dot: no difference is shown, since the interval holds 1. " +
                "Only ratios carry over to other machines.",
            figures: [
                ratioFigure(
                    newest,
                    "ratio-throughput",
                    rate,
                    "Messages per second",
                    "more is better →",
                ),
                ratioFigure(
                    newest,
                    "ratio-cpu",
                    cpu,
                    "CPU time of the server per message",
                    "← less is better",
                ),
            ],
        },
        {
            id: "throughput",
            title: "Throughput",
            text: "Messages per second, verified: the median of the rounds, and their spread.",
            figures: barPanels(newest, "throughput", "Throughput", METRICS.throughput),
        },
        {
            id: "latency",
            title: "Latency",
            text: "How long a message took, by share of all; lower is better. Logarithmic axes.",
            figures: casePanels(newest, {
                id: "latency",
                title: "Latency by percentile",
                has: (run) => (run.percentiles ?? null) !== null,
                draw: latencyPlot,
            }),
        },
        {
            id: "cpu",
            title: "CPU time",
            text: "The server’s, per message, in user space and in the kernel; less is better.",
            figures: barPanels(
                newest,
                "cpu",
                "CPU time of the server per message",
                METRICS.serverCpu,
            ),
        },
        {
            id: "memory",
            title: "Memory",
            text: "The server’s resident memory: the peak, and by idle connection; less is better.",
            figures: [
                ...barPanels(newest, "idle", "Memory of an idle connection", METRICS.idle),
                ...barPanels(newest, "memory", "Peak memory of the server", METRICS.memory),
            ],
        },
    ];
    if (results.length > 1) {
        sections.push({
            id: "history",
            title: "History",
            text: `The ratios of ${results.length} results of this machine, with their intervals.`,
            figures: [
                ...historyPanels(results, "history-throughput", rate, "messages per second"),
                ...historyPanels(results, "history-cpu", cpu, "CPU time per message"),
            ],
        });
    }
    return sections.map((each) => ({ ...each, figures: coloured(each.figures, colour) }));
}
