// Invented reports of echo-client for the tests of the page: plausible, and the same each time.
// `node runs.mjs > FILE.json`

import { pathToFileURL } from "node:url";

const MS = 1e6;
const QUANTILES = { 50: 0.5, 90: 0.9, 99: 0.99, 99.9: 0.999 };

// Latency by quantile, in nanoseconds.
const latencyAt = (quantile, p50) => Math.round(p50 * (1 + Math.log2(0.5 / (1 - quantile)) ** 2 / 4));

function bucketsOf(count, p50) {
    const upper = Array.from({ length: 40 }, (_, index) => 1 - 0.5 ** ((index + 1) / 3));
    let passed = 0;
    return upper
        .map((share, index) => {
            const until = index === upper.length - 1 ? count : Math.round(count * share);
            const bucket = [latencyAt(Math.max(share, 0.5), p50) + index, until - passed];
            passed = until;
            return bucket;
        })
        .filter(([, number]) => number > 0);
}

function intervalOf(index, rate, p50) {
    const swing = 1 + 0.1 * Math.sin(index);
    const latency = Object.entries(QUANTILES).map(([key, quantile]) => [
        key,
        Math.round(latencyAt(quantile, p50) * swing),
    ]);
    return {
        from_seconds: index,
        until_seconds: index + 1,
        at: `2026-11-29T09:00:${String(index).padStart(2, "0")}Z`,
        messages: Math.round(rate / swing),
        bytes: Math.round(rate / swing) * 64,
        messages_per_second: rate / swing,
        latency_ns: { ...Object.fromEntries(latency), max: Math.round(20 * p50 * swing) },
        up: 50,
        failures: 0,
        backlog: 50,
    };
}

/** A report. `seconds`: how many intervals it has; null: it has no member `intervals`. */
export function sampleReport({ seconds = 10, rate = 80e3, p50 = 0.6 * MS, ...more } = {}) {
    const measured = seconds ?? 10;
    const count = Math.round(rate * measured);
    const buckets = bucketsOf(count, p50);
    const max = buckets.at(-1)[0];
    const percentile = (quantile) => Math.min(latencyAt(quantile, p50), max);
    const report = {
        program: "echo-client",
        format: 1,
        started_at: "2026-11-29T09:00:00Z",
        backend: "uv",
        recv: null,
        share: null,
        connections: 50,
        size: 64,
        duration_seconds: 10,
        rate: 0,
        fail_if: [],
        seed: 1,
        ok: true,
        verdict: "OK",
        failures: [],
        address: "127.0.0.1:5001",
        seconds: measured,
        measured_messages: count,
        measured_bytes: 64 * count,
        messages_per_second: rate,
        bytes_per_second: 64 * rate,
        unsent: null,
        latency_ns: {
            since: "begin",
            count,
            min: Math.round(p50 / 2),
            mean: 1.1 * p50,
            p50: percentile(0.5),
            p90: percentile(0.9),
            p99: percentile(0.99),
            p999: percentile(0.999),
            max,
            buckets,
        },
        latency_since_sent_ns: null,
        lateness_ns: null,
        fairness: { slowest: 90, median: 100, none: 0 },
        thresholds: [],
        trust: { ok: true, findings: [], p50: { low: 0.99 * p50, high: 1.01 * p50 }, p99: null },
        environment: { system: "Linux", machine: "x86_64", cpu: "Synthetic CPU", cpus: 2 },
        ...more,
    };
    if (seconds !== null) {
        report.intervals = Array.from({ length: seconds }, (_, i) => intervalOf(i, rate, p50));
        report.intervals_dropped = 0;
    }
    return report;
}

/** A run that failed after a while, with a gap in which nothing was measured. */
export function failedReport() {
    const report = sampleReport({
        rate: 40e3,
        p50: 1.5 * MS,
        ok: false,
        verdict: "3 mismatches: the first at byte 4,096",
        failures: [
            { class: "mismatch", count: 3, text: "3 mismatches: the first at byte 4,096" },
            { class: "lost", count: 64, text: "64 bytes were lost" },
        ],
        thresholds: [{ condition: "p99>5ms", measured: 4.1e6, ok: true }],
        trust: {
            ok: false,
            findings: [{ class: "client-bound", text: "thread 0 was busy 99 % of the time" }],
            p50: null,
            p99: null,
        },
    });
    report.intervals[4].latency_ns = { 50: null, 90: null, 99: null, 99.9: null, max: null };
    report.intervals[4].messages_per_second = 0;
    report.intervals[6].failures = 3;
    return report;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
    console.log(JSON.stringify(sampleReport()));
}
