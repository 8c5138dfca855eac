// The plots, drawn by Observable Plot. Each function returns null if nothing of it was measured.
// Colours are custom properties of style.css, so a page follows the reader's light or dark scheme.
// No plot relies on colour alone: a name stands beside each mark.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

import { latencies, spreads } from "./result.mjs";
import { count, percent, ratio, size, tick, time } from "./units.mjs";

export const { document } = parseHTML("<!doctype html><html><body></body></html>");

// The class of marks that show data, and not axes or labels: the test counts them.
export const DATA = { className: "data" };

const ROW = 24;
const AXIS = 44;

// A plot with a name at each row. All share these margins, so that columns line up.
const rows = (width, names, options) =>
    Plot.plot({
        document,
        width,
        height: names.length * ROW + AXIS,
        marginLeft: 104,
        marginRight: 64,
        marginTop: 4,
        marginBottom: AXIS - 4,
        ...options,
        y: { domain: names, label: null, tickSize: 0, tickPadding: 8, ...options.y },
    });

// The labels of several lines at their right ends: moved apart where they would overlap. `values`
// are positions in pixels. Returns them at least `gap` apart, moved down as little as one pass can.
function spreadOut(values, gap) {
    const order = values
        .map((value, index) => ({ value, index }))
        .sort((a, b) => a.value - b.value);
    const placed = [];
    let above = -Infinity;
    for (const { value, index } of order) {
        above = Math.max(value, above + gap);
        placed[index] = above;
    }
    return placed;
}

// About `number` ticks from 0 to `high`, round in the unit that `high` is shown in: powers of `base`.
export function linearTicks(high, base, number = 4) {
    const unit = base ** Math.floor(Math.log(high) / Math.log(base) + 1e-9);
    const rough = high / unit / number;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((each) => each * power >= rough) * power * unit;
    return Array.from({ length: Math.floor(high / step) + 1 }, (_, index) => index * step);
}

const interval = ({ low, high }, format) =>
    low === undefined ? "no interval" : `${format(low)} to ${format(high)}`;

// An axis with a label at every tick: by default Plot drops dense labels of a logarithmic axis.
export const labelled = (axis, ticks, format, options) =>
    axis(ticks, { text: ticks.map(format), label: null, ...options });

/** A metric of one case by subject: a bar to the median, a whisker from low to high, the number. */
export function bars(benchCase, { metric, label, format, base }, { width, colour }) {
    const data = spreads(benchCase, metric);
    if (data.length === 0) {
        return null;
    }
    const high = Math.max(...data.map((d) => d.high));
    const ticks = linearTicks(high, base);
    const name = (d) => d.subject.name;
    const title = (d) => `${d.subject.name}: ${format(d.median)} (${interval(d, format)})`;
    return {
        svg: rows(width, data.map(name), {
            x: {
                domain: [0, high],
                ticks,
                tickFormat: tick(format),
                label,
                labelAnchor: "center",
                labelArrow: "none",
            },
            marks: [
                Plot.gridX(ticks, { stroke: "var(--grid)", strokeOpacity: 1 }),
                Plot.barX(data, {
                    ...DATA,
                    y: name,
                    x: "median",
                    fill: (d) => colour(d.subject),
                    insetTop: 4,
                    insetBottom: 4,
                    title,
                }),
                Plot.ruleY(data, {
                    y: name,
                    x1: "low",
                    x2: "high",
                    stroke: "var(--ink)",
                    strokeWidth: 1.5,
                    marker: "tick",
                }),
                Plot.text(data, {
                    y: name,
                    x: "high",
                    text: (d) => format(d.median),
                    textAnchor: "start",
                    dx: 6,
                    fill: "var(--ink)",
                }),
                Plot.ruleX([0], { stroke: "var(--axis)" }),
            ],
        }),
        description: data.map(title).join("; "),
    };
}

// Round ratios on either side of 1, and from 1 outwards those that have room on a logarithmic axis.
const ABOVE = [1.1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 20, 50, 100];
const BELOW = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01];

function ratioScale(data) {
    const low = Math.min(0.9, ...data.map((d) => d.low ?? d.ratio)) / 1.04;
    const high = Math.max(1.12, ...data.map((d) => d.high ?? d.ratio)) * 1.04;
    const gap = Math.log(high / low) / 5.5;
    const outwards = (candidates) => {
        let last = 1;
        return candidates.filter((each) => {
            const fits = each >= low && each <= high && Math.abs(Math.log(each / last)) >= gap;
            last = fits ? each : last;
            return fits;
        });
    };
    return { domain: [low, high], ticks: [...outwards(BELOW), 1, ...outwards(ABOVE)] };
}

const isSure = (d) => d.verdict === "more" || d.verdict === "less";

/** Ratios (result.mjs), case by case: a dot and a whisker each, hollow where no difference shows. */
export function ratioPlot(data, label, { width, colour }) {
    if (data.length === 0) {
        return null;
    }
    const cases = [...new Set(data.map((d) => d.case))];
    const key = (d) => `${d.case}\n${d.subject?.name ?? ""}`;
    const lines = cases.flatMap((each) => [{ case: each }, ...data.filter((d) => d.case === each)]);
    const scale = ratioScale(data);
    const title = (d) =>
        `${d.case}, ${d.subject.name} : ${d.base} ${ratio(d.ratio)} (${interval(d, ratio)}), ${d.verdict}`;
    const shade = (d) => colour(d.subject);
    return {
        svg: rows(width, lines.map(key), {
            height: lines.length * ROW + 2 * AXIS,
            marginTop: AXIS - 16,
            marginRight: 116,
            x: { type: "log", domain: scale.domain },
            y: { tickFormat: (each) => each.split("\n")[1] },
            marks: [
                labelled(Plot.axisX, scale.ticks, tick(ratio), { anchor: "top" }),
                labelled(Plot.axisX, scale.ticks, tick(ratio), {
                    label,
                    labelAnchor: "center",
                    labelArrow: "none",
                }),
                Plot.gridX(scale.ticks, { stroke: "var(--grid)", strokeOpacity: 1 }),
                Plot.ruleX([1], { stroke: "var(--axis)", strokeWidth: 1.5 }),
                Plot.text(cases, {
                    y: (each) => key({ case: each }),
                    frameAnchor: "left",
                    dx: -104,
                    text: (each) => each,
                    textAnchor: "start",
                    fontWeight: 600,
                    fill: "var(--ink)",
                }),
                Plot.ruleY(
                    data.filter((d) => d.low !== undefined),
                    { y: key, x1: "low", x2: "high", stroke: shade, strokeWidth: 2 },
                ),
                Plot.dot(data, {
                    ...DATA,
                    y: key,
                    x: "ratio",
                    r: 3.5,
                    stroke: shade,
                    strokeWidth: 2,
                    title,
                    fill: (d) => (isSure(d) ? shade(d) : "var(--paper)"),
                }),
                Plot.text(data, {
                    y: key,
                    frameAnchor: "right",
                    dx: 8,
                    textAnchor: "start",
                    text: (d) =>
                        `${ratio(d.ratio)}  ${d.low === undefined ? "?" : `${ratio(d.low)}–${ratio(d.high)}`}`,
                    fill: "var(--ink)",
                }),
            ],
        }),
        description: data.map(title).join("; "),
    };
}

export const LINES = { height: 260, marginLeft: 56, marginRight: 96, marginTop: 12, marginBottom: 40 };

// 1, 2, 5 times the powers of ten in the domain; the powers alone if that's more than a few.
export function decades([low, high]) {
    const powers = Array.from({ length: 24 }, (_, index) => 10 ** (index - 12));
    const fine = powers
        .flatMap((power) => [power, 2 * power, 5 * power])
        .filter((each) => each >= low && each <= high);
    return fine.length <= 7
        ? fine
        : fine.filter((each) => Number.isInteger(Number(Math.log10(each).toFixed(9))));
}

// Ours last, so that they are drawn on top.
const oursOnTop = (data) =>
    [...data].sort((a, b) => (a.subject.kind === "own") - (b.subject.kind === "own"));

const lastOfEach = (data) => [...new Map(data.map((d) => [d.subject.id, d])).values()];

// What stands at the right ends of lines: the subjects' names, in their colours, apart from each
// other.
export function endLabels(data, { x, y, toPixel, colour }) {
    const ends = lastOfEach(data);
    const places = spreadOut(
        ends.map((d) => toPixel(y(d))),
        13,
    );
    return ends.map((end, index) =>
        Plot.text([end], {
            x,
            y,
            text: (d) => d.subject.name,
            textAnchor: "start",
            dx: 8,
            fill: colour(end.subject),
            dy: places[index] - toPixel(y(end)),
            fontWeight: end.subject.kind === "own" ? 600 : 400,
        }),
    );
}

/** Latency of one case by percentile, a line for each subject. */
export const latencyPlot = (benchCase, look) => quantilePlot(oursOnTop(latencies(benchCase)), look);

// As wide as a label is in the plots' font, about, with a gap.
const labelWidth = (text) => 7 * text.length + 8;

// Leaves out quantiles so that the labels of the others don't touch on a logarithmic axis. It is
// `width` pixels long and ends at `high`, which is 1 / (1 - quantile). `quantiles` ascend.
function quantilesWithRoom(quantiles, high, width) {
    let free = -Infinity;
    return quantiles.filter((quantile) => {
        const at = (width * Math.log(0.5 / (1 - quantile))) / Math.log(high / 2);
        const half = labelWidth(percent(quantile)) / 2;
        const fits = at - half >= free;
        free = fits ? at + half : free;
        return fits;
    });
}

/**
 * [{ subject, quantile, latency, plain }] as lines; both axes are logarithmic. A point that is
 * `plain` has no dot.
 */
export function quantilePlot(data, { width, colour }) {
    if (data.length === 0) {
        return null;
    }
    const values = data.map((d) => d.latency);
    const domain = [Math.min(...values) / 1.1, Math.max(...values) * 1.1];
    const toPixel = (value) =>
        (1 - Math.log(value / domain[0]) / Math.log(domain[1] / domain[0])) *
        (LINES.height - LINES.marginTop - LINES.marginBottom);
    const x = (d) => 1 / (1 - d.quantile);
    const y = (d) => d.latency;
    const highest = Math.max(...data.map((d) => d.quantile));
    const quantiles = quantilesWithRoom(
        [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999].filter((each) => each <= highest),
        x({ quantile: highest }),
        width - LINES.marginLeft - LINES.marginRight,
    );
    const title = (d) => `${d.subject.name}: ${percent(d.quantile)} within ${time(d.latency)}`;
    return {
        svg: Plot.plot({
            document,
            width,
            ...LINES,
            x: { type: "log" },
            y: { type: "log", domain },
            marks: [
                labelled(
                    Plot.axisX,
                    quantiles.map((quantile) => x({ quantile })),
                    (each) => percent(1 - 1 / each),
                    { label: "of messages within", labelAnchor: "center", labelArrow: "none" },
                ),
                labelled(Plot.axisY, decades(domain), tick(time)),
                Plot.gridY(decades(domain), { stroke: "var(--grid)", strokeOpacity: 1 }),
                Plot.line(data, {
                    ...DATA,
                    x,
                    y,
                    z: (d) => d.subject.id,
                    stroke: (d) => colour(d.subject),
                    strokeWidth: (d) => (d.subject.kind === "own" ? 2.25 : 1.25),
                }),
                Plot.dot(
                    data.filter((d) => !d.plain),
                    { ...DATA, x, y, r: 2.5, fill: (d) => colour(d.subject), title },
                ),
                ...endLabels(data, { x, y, toPixel, colour }),
            ],
        }),
        description: data
            .filter((d) => d.quantile === 0.5 || d.quantile === 0.99)
            .map(title)
            .join("; "),
    };
}

/** One case's ratios over time: what result.mjs's ratios has of several results, with a date. */
export function historyPlot(ratiosOfCase, { width, colour }) {
    const data = oursOnTop(ratiosOfCase);
    const scale = ratioScale(data);
    const [low, high] = scale.domain;
    const toPixel = (value) =>
        (1 - Math.log(value / low) / Math.log(high / low)) *
        (LINES.height - LINES.marginTop - LINES.marginBottom);
    const x = (d) => d.date;
    const y = (d) => d.ratio;
    const shade = (d) => colour(d.subject);
    const day = (date) => date.toISOString().slice(0, 10);
    const title = (d) =>
        `${d.subject.name}, ${day(d.date)}: ${ratio(d.ratio)} (${interval(d, ratio)})`;
    return {
        svg: Plot.plot({
            document,
            width,
            ...LINES,
            x: { type: "utc", ticks: 4, label: null, insetLeft: 8 },
            y: { type: "log", domain: scale.domain },
            marks: [
                labelled(Plot.axisY, scale.ticks, tick(ratio)),
                Plot.gridY(scale.ticks, { stroke: "var(--grid)", strokeOpacity: 1 }),
                Plot.ruleY([1], { stroke: "var(--axis)", strokeWidth: 1.5 }),
                Plot.ruleX(
                    data.filter((d) => d.low !== undefined),
                    {
                        x,
                        y1: "low",
                        y2: "high",
                        stroke: shade,
                        strokeOpacity: 0.6,
                        strokeWidth: 1.5,
                    },
                ),
                Plot.line(data, {
                    ...DATA,
                    x,
                    y,
                    z: (d) => d.subject.id,
                    stroke: shade,
                    strokeWidth: 2,
                }),
                Plot.dot(data, { x, y, r: 3, fill: shade, title }),
                ...endLabels(data, { x, y, toPixel, colour }),
            ],
        }),
        description: lastOfEach(data).map(title).join("; "),
    };
}

/** What is shown of each case, bar by bar. */
export const METRICS = {
    throughput: { metric: "messages_per_second", label: "messages/s", format: count, base: 10 },
    serverCpu: {
        metric: "server_cpu_per_message",
        label: "CPU time of the server per message",
        format: time,
        base: 10,
    },
    memory: {
        metric: "server_peak_rss",
        label: "peak resident memory of the server",
        format: size,
        base: 1024,
    },
    idle: {
        metric: "idle_bytes_per_connection",
        label: "resident memory of the server per idle connection",
        format: size,
        base: 1024,
    },
};
