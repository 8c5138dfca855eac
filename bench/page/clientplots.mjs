// The plots of echo-client's reports (client.mjs): what intervals measured, over time. Each function
// returns null if nothing of it was measured.

import * as Plot from "@observablehq/plot";

import { DATA, LINES, decades, document, endLabels, labelled, linearTicks } from "./plots.mjs";
import { count, tick, time } from "./units.mjs";

// More dots than these would touch each other.
const DOTS = 60;

const HEIGHT = LINES.height - LINES.marginTop - LINES.marginBottom;

const measured = (d) => Number.isFinite(d.value);

// Lines over the seconds of a run, with a gap where nothing was measured, a name at each end, and a
// cross where something failed. `scale` is { y, ticks, format, toPixel }.
function overTime(data, scale, { width, colour }) {
    const shade = (d) => colour(d.subject);
    const seconds = Math.max(...data.map((d) => d.at));
    const ticks = linearTicks(seconds, 10, 6);
    const title = (d) =>
        `${d.subject.name}, ${Number(d.at.toFixed(3))} s: ${scale.format(d.value)}` +
        (d.failures > 0 ? `, ${d.failures} failed` : "");
    const lengths = new Map();
    data.forEach(({ subject }) => lengths.set(subject.id, (lengths.get(subject.id) ?? 0) + 1));
    const shown = data.filter(measured);
    const failed = shown.filter((d) => d.failures > 0);
    const few = shown.filter((d) => lengths.get(d.subject.id) <= DOTS);
    const at = { x: "at", y: "value" };
    return {
        svg: Plot.plot({
            document,
            width,
            ...LINES,
            x: { domain: [0, seconds] },
            y: scale.y,
            marks: [
                labelled(Plot.axisX, ticks, tick(time), {
                    label: "since the start",
                    labelAnchor: "center",
                    labelArrow: "none",
                }),
                labelled(Plot.axisY, scale.ticks, tick(scale.format)),
                Plot.gridY(scale.ticks, { stroke: "var(--grid)", strokeOpacity: 1 }),
                Plot.line(data, {
                    ...DATA,
                    ...at,
                    z: (d) => d.subject.id,
                    stroke: shade,
                    strokeWidth: 1.75,
                }),
                Plot.dot(few, { ...DATA, ...at, r: 2, fill: shade, title }),
                Plot.dot(failed, {
                    ...at,
                    symbol: "times",
                    r: 5,
                    stroke: "var(--notice)",
                    strokeWidth: 2,
                    title,
                }),
                ...endLabels(shown, {
                    x: "at",
                    y: (d) => d.value,
                    toPixel: scale.toPixel,
                    colour,
                }),
            ],
        }),
        description: describe(shown, scale.format),
    };
}

// For each line its lowest, its highest and its last value.
function describe(data, format) {
    const lines = new Map();
    data.forEach((d) => lines.set(d.subject.name, [...(lines.get(d.subject.name) ?? []), d.value]));
    return [...lines]
        .map(
            ([name, values]) =>
                `${name}: ${format(Math.min(...values))} to ${format(Math.max(...values))}, ` +
                `at last ${format(values.at(-1))}`,
        )
        .join("; ");
}

/** Messages per second over time, [{ subject, at, value, failures }]: a line for each run. */
export function ratePlot(data, look) {
    if (!data.some(measured)) {
        return null;
    }
    const high = Math.max(...data.filter(measured).map((d) => d.value), 1) * 1.04;
    return overTime(
        data,
        {
            y: { domain: [0, high] },
            ticks: linearTicks(high, 10, 6),
            format: count,
            toPixel: (value) => (1 - value / high) * HEIGHT,
        },
        look,
    );
}

/** The domain that fits all latencies of `data`: [low, high]; undefined if there are none. */
export function latencyDomain(data) {
    const values = data.filter(measured).map((d) => d.value);
    return values.length > 0 ? [Math.min(...values) / 1.1, Math.max(...values) * 1.1] : undefined;
}

/** Latency over time, a line for each percentile; the axis of latency is logarithmic. */
export function latencyOverTimePlot(data, domain, look) {
    if (!data.some(measured)) {
        return null;
    }
    const [low, high] = domain;
    return overTime(
        data,
        {
            y: { type: "log", domain },
            ticks: decades(domain),
            format: time,
            toPixel: (value) => (1 - Math.log(value / low) / Math.log(high / low)) * HEIGHT,
        },
        look,
    );
}
