// Reads reports of echo-client (docs/report.md), and picks what is drawn. Times become seconds.

import { basename } from "node:path";

const NS = 1e-9;

/** Whether a JSON object is such a report. */
export const isReport = (object) => object?.program === "echo-client";

const inSeconds = (ns) => (ns === null || ns === undefined ? undefined : ns * NS);

// "p99.9" -> "99.9"; "max" stays. In order: percentiles, then the maximum.
function keysOf(intervals) {
    const keys = new Set(intervals.flatMap(({ latency_ns: latency }) => Object.keys(latency ?? {})));
    return [...keys].sort((a, b) => (a === "max") - (b === "max") || Number(a) - Number(b));
}

function readInterval({ latency_ns: latency, ...interval }) {
    const values = Object.entries(latency ?? {}).map(([key, ns]) => [key, inSeconds(ns)]);
    return {
        from: interval.from_seconds,
        until: interval.until_seconds,
        rate: interval.messages_per_second,
        failures: interval.failures ?? 0,
        latency: Object.fromEntries(values),
    };
}

// The options that were in force begin with the backend, and end where the results begin.
const RESULTS = ["ok", "address", "seconds"];
const NO_OPTIONS = ["system_calls_estimated"];

function optionsOf(report) {
    const entries = Object.entries(report);
    const rest = entries.slice(entries.findIndex(([key]) => key === "backend"));
    const end = rest.findIndex(([key]) => RESULTS.includes(key));
    return rest.slice(0, end).filter(([key]) => !NO_OPTIONS.includes(key));
}

/**
 * A report as `run`: { name, report, options: [[key, value]], intervals: [{ from, until, rate,
 * failures, latency: { "50": seconds, max: seconds } }], keys: ["50", "99", "max"] }. `name` is
 * that of the file. If the report isn't complete, it throws an Error that names the file.
 */
export function readReport(report, path) {
    if (!Array.isArray(report.latency_ns?.buckets)) {
        throw new Error(`${path}: has no latency_ns.buckets`);
    }
    const intervals = report.intervals ?? [];
    return {
        name: basename(path).replace(/\.json$/, ""),
        report,
        options: optionsOf(report),
        intervals: steady(intervals.map(readInterval)),
        keys: keysOf(intervals),
    };
}

/** The runs with `subject`, which the plots need: { id, kind, name }. No two have the same name. */
export function withSubjects(runs) {
    const names = new Map();
    return runs.map((run, index) => {
        const before = names.get(run.name) ?? 0;
        names.set(run.name, before + 1);
        const name = before === 0 ? run.name : `${run.name} (${before + 1})`;
        return { ...run, name, subject: { id: `run-${index}`, kind: "own", name } };
    });
}

/** The options in which runs differ: [key], in the order of the reports. */
export function differences(runs) {
    const keys = [...new Set(runs.flatMap(({ options }) => options.map(([key]) => key)))];
    const values = (key) => runs.map(({ report }) => JSON.stringify(report[key] ?? null));
    return keys.filter((key) => new Set(values(key)).size > 1);
}

// What people ask for. Only these get a dot.
const NAMED = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];

// Those, and five for each halving of the rest, ascending.
const HALVINGS = Array.from({ length: 5 * 40 }, (_, index) => index).map(
    (index) => 1 - 2 ** -Math.floor(index / 5) * (1 - (index % 5) / 10),
);
const QUANTILES = [...new Set([...HALVINGS, ...NAMED])].sort((a, b) => a - b);

/**
 * Latency by percentile: [{ subject, quantile, latency, plain }], from the median to the highest
 * quantile that is not yet the maximum. `plain`: no dot. Empty if there were no messages.
 */
export function quantilesOf({ subject, report }) {
    const { buckets, count, max } = report.latency_ns;
    const points = [];
    let index = 0;
    let passed = buckets[0]?.[1] ?? 0;
    for (const quantile of QUANTILES) {
        while (passed < quantile * count) {
            index += 1;
            passed += buckets[index][1];
        }
        if (count === 0 || quantile > 1 - 1 / count) {
            break;
        }
        if (quantile >= 0.5) {
            const latency = Math.min(buckets[index][0], max) * NS;
            points.push({ subject, quantile, latency, plain: !NAMED.includes(quantile) });
        }
    }
    return points.length > 0 || count === 0
        ? points
        : [{ subject, quantile: 0.5, latency: report.latency_ns.p50 * NS }];
}

// Without intervals so short that they say little: the drain at the end of a run is one.
function steady(intervals) {
    const long = Math.max(...intervals.map(({ from, until }) => until - from));
    return intervals.filter(({ from, until }) => until - from >= long / 2);
}

/** One member of all intervals of a run: [{ subject, at, value, failures }], `at` in seconds. */
export const series = ({ subject, intervals }, valueOf) =>
    intervals.map((each) => ({
        subject,
        at: each.until,
        value: valueOf(each),
        failures: each.failures,
    }));
