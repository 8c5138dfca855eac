// Reads the result files of echo-bench (docs/benchmarking.md), and picks what is drawn.

import { readFile } from "node:fs/promises";

import { isReport, readReport } from "./client.mjs";

const FORMAT = 1;

/**
 * Reads a result file, or a report of echo-client, which becomes a `run` of client.mjs. If it is
 * neither, throws an Error that names the file.
 */
export async function readResult(path) {
    let result;
    try {
        result = JSON.parse(await readFile(path, "utf8"));
    } catch (error) {
        throw new Error(`${path}: ${error.message}`, { cause: error });
    }
    if (isReport(result)) {
        return readReport(result, path);
    }
    if (result.format !== FORMAT) {
        throw new Error(`${path}: format ${result.format}; this reads format ${FORMAT}`);
    }
    if (!Array.isArray(result.cases) || typeof result.environment !== "object") {
        throw new Error(`${path}: has no cases or no environment`);
    }
    return result;
}

// What results must have in common to share one axis of time, in words.
function placeOf({ environment, options, client: remote }) {
    const { os, machine, cpu, wine } = environment;
    const { pin, client_backend: client, client_command: command } = options ?? {};
    const parts = [
        os,
        machine,
        cpu,
        pin && `--pin=${pin}`,
        client && `client on ${client}`,
        command && `by “${command}”`,
        remote?.environment?.cpu,
    ];
    return `${wine ? "Wine on " : ""}${parts.filter(Boolean).join(", ")}`;
}

/**
 * Results of one machine each, oldest first: [{ name, results, newest }]: of the same system and
 * processor, with server and client at the same places and the same client, started in the same way.
 */
export function byMachine(results) {
    const machines = new Map();
    for (const result of results) {
        const name = placeOf(result);
        machines.set(name, [...(machines.get(name) ?? []), result]);
    }
    return [...machines].map(([name, unordered]) => {
        const ordered = unordered.sort((a, b) => a.date.localeCompare(b.date));
        return {
            name,
            results: ordered,
            newest: ordered.at(-1),
            wine: ordered[0].environment.wine === true,
        };
    });
}

const KINDS = ["own", "peer", "target"];

/** A subject's kind, and the name that is shown: "peer:asio" -> { kind: "peer", name: "asio" }. */
export function subjectOf(id) {
    const [, prefix, name] = /^(?:(peer|target):)?(.*)$/.exec(id);
    return { id, kind: prefix ?? "own", name };
}

/** The subjects of a case: our backends, peers, targets, each kind in the order of the file. */
export function subjectsOf(benchCase) {
    const ids = new Set(benchCase.runs.map((run) => run.subject));
    return [...ids].map(subjectOf).sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
}

const runsOf = (benchCase, id) => benchCase.runs.filter((run) => run.subject === id);
const isClean = (run) => run.marks.length === 0;

/** The summary of a subject in a case; empty if there is none. */
export const summaryOf = (benchCase, id) =>
    benchCase.subjects.find((each) => each.subject === id) ?? {};

/** A subject's runs, and how many have which mark: { all: 7, clean: 6, marks: { "books": 1 } }. */
export function tally(benchCase, id) {
    const runs = runsOf(benchCase, id);
    const marks = {};
    for (const mark of runs.flatMap((run) => run.marks)) {
        marks[mark] = (marks[mark] ?? 0) + 1;
    }
    return { all: runs.length, clean: runs.filter(isClean).length, marks };
}

/**
 * A metric of all subjects of a case that have it, over the runs that count for it:
 * [{ subject, median, low, high }], the latter two the lowest and the highest run.
 */
export function spreads(benchCase, metric) {
    return subjectsOf(benchCase).flatMap((subject) => {
        const values = summaryOf(benchCase, subject.id)[metric];
        return values === undefined ? [] : [{ subject, ...values }];
    });
}

function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Whether a subject has no figures of speed in a case, since the client was the bottleneck. */
export const isClientBound = (benchCase, id) => tally(benchCase, id).marks["client-bound"] > 1;

/**
 * Latency by percentile from the median up, each the median over the runs without a mark:
 * [{ subject, quantile, latency }].
 */
export function latencies(benchCase) {
    const measured = subjectsOf(benchCase).filter(({ id }) => !isClientBound(benchCase, id));
    return measured.flatMap((subject) => {
        const byQuantile = new Map();
        for (const run of runsOf(benchCase, subject.id).filter(isClean)) {
            for (const [quantile, latency] of (run.percentiles ?? []).filter(
                ([each]) => each >= 0.5 && each < 1,
            )) {
                byQuantile.set(quantile, [...(byQuantile.get(quantile) ?? []), latency]);
            }
        }
        return [...byQuantile]
            .map(([quantile, values]) => ({ subject, quantile, latency: median(values) }))
            .sort((a, b) => a.quantile - b.quantile);
    });
}

/** What the result's ratios are to: the subject that came first, as a rule "uv". */
export const baseOf = (result) =>
    result.cases.flatMap((benchCase) => benchCase.runs)[0]?.subject ?? "uv";

/** The ratios of a metric to the base, case by case, as in the file and with { case, subject }. */
export function ratios(result, metric) {
    const base = baseOf(result);
    return result.cases.flatMap((benchCase) =>
        benchCase.ratios
            .filter((each) => each.metric === metric && each.base === base)
            .map((each) => ({ ...each, case: benchCase.name, subject: subjectOf(each.subject) })),
    );
}

/** Data that has a `case`, by case: [[name, data]], in the order in which cases appear. */
export function byCase(data) {
    const cases = new Map();
    for (const each of data) {
        cases.set(each.case, [...(cases.get(each.case) ?? []), each]);
    }
    return [...cases];
}
