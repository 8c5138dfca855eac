// Invented results for the tests and for a look at the page: plausible, and the same each time. `node sample.mjs > FILE.json`

import { pathToFileURL } from "node:url";

const QUANTILES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];

// messages/s and p50 of `uv`, and the other subjects in relation to it: [rate, CPU per message]
const CASES = [
    { name: "1x64B", connections: 1, size: 64, depth: 1, rate: 29e3, p50: 31e-6 },
    { name: "50x64B", connections: 50, size: 64, depth: 1, rate: 152e3, p50: 310e-6 },
    { name: "1000x64B", connections: 1000, size: 64, depth: 1, rate: 118e3, p50: 8.1e-3 },
    { name: "50x4KiB", connections: 50, size: 4096, depth: 1, rate: 121e3, p50: 390e-6 },
    { name: "16x64KiB-depth4", connections: 16, size: 65536, depth: 4, rate: 38e3, p50: 1.6e-3 },
    { name: "churn", connections: 20, size: 64, depth: 1, lifetime: 1, rate: 21e3, p50: 420e-6 },
];
const SUBJECTS = {
    uv: [1, 1],
    epoll: [1.05, 0.93],
    io_uring: [1.21, 0.74],
    "peer:libuv-sample": [0.55, 1.8],
    "peer:asio": [0.99, 1.02],
    "peer:go": [0.79, 1.35],
};

// A small generator of the same numbers each time (a linear congruential one), in [0, 1).
function generator(seed) {
    let state = seed;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
    };
}

function sampleRun(benchCase, subject, round, random) {
    const [rateFactor, cpuFactor] = SUBJECTS[subject];
    const noise = 0.97 + 0.06 * random();
    const rate = benchCase.rate * rateFactor * noise;
    const tail = (quantile) => 1 + 0.35 * Math.log10(1 / (1 - quantile)) ** 1.8;
    const percentiles = QUANTILES.map((quantile) => [
        quantile,
        (benchCase.p50 / rateFactor / noise) *
            (tail(quantile) / tail(0.5)) *
            (0.95 + 0.1 * random()),
    ]);
    const at = (quantile) => percentiles.find(([each]) => each === quantile)[1];
    const run = {
        subject,
        round,
        order: 0,
        marks: [],
        messages_per_second: rate,
        bytes_per_second: rate * benchCase.size,
        latency: {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: 2 * at(0.9999),
        },
        percentiles,
        server_cpu_per_message: (0.92 / benchCase.rate) * cpuFactor * (0.99 + 0.02 * random()),
        client_cpu_per_message: (0.9 / benchCase.rate) * (0.99 + 0.02 * random()),
        server_peak_rss: (4 + 0.002 * benchCase.connections + random()) * 2 ** 20,
        client_peak_rss: (5 + random()) * 2 ** 20,
    };
    if (!subject.startsWith("peer:")) {
        run.system_calls_per_message =
            subject === "io_uring" ? 0.1 + 2 / benchCase.connections : 2.03;
    }
    return run;
}

const METRICS = ["messages_per_second", "server_cpu_per_message"];
const SUMMARIZED = [
    ...METRICS,
    "bytes_per_second",
    "client_cpu_per_message",
    "system_calls_per_message",
    "server_peak_rss",
    "client_peak_rss",
    "idle_bytes_per_connection",
    "p50",
    "p90",
    "p99",
    "p999",
    "max",
];

const clean = (runs, subject) =>
    runs.filter((run) => run.subject === subject && run.marks.length === 0);

function summarize(runs, subject) {
    const summary = { subject, runs: runs.filter((run) => run.subject === subject).length };
    for (const metric of SUMMARIZED) {
        const values = clean(runs, subject)
            .map((run) => run[metric] ?? run.latency?.[metric])
            .filter(Number.isFinite)
            .sort((a, b) => a - b);
        if (values.length > 0) {
            summary[metric] = {
                median: values[values.length >> 1],
                low: values[0],
                high: values.at(-1),
            };
        }
    }
    return summary;
}

function ratioOf(runs, subject, metric) {
    const base = new Map(clean(runs, "uv").map((run) => [run.round, run]));
    const pairs = clean(runs, subject)
        .filter((run) => base.has(run.round))
        .map((run) => run[metric] / base.get(run.round)[metric])
        .sort((a, b) => a - b);
    const ratio = {
        subject,
        base: "uv",
        metric,
        ratio: pairs[pairs.length >> 1],
        pairs: pairs.length,
    };
    const [low, high] = [pairs[0], pairs.at(-1)];
    return pairs.length < 6
        ? { ...ratio, verdict: "too few pairs" }
        : {
              ...ratio,
              low,
              high,
              confidence: 1 - 2 ** (1 - pairs.length),
              verdict: low > 1 ? "more" : high < 1 ? "less" : "no difference",
          };
}

// A case of the file, of its runs.
function caseOf(load, runs) {
    const subjects = [...new Set(runs.map((run) => run.subject))];
    const rated = load.idle ? [] : subjects.filter((subject) => subject !== "uv");
    return {
        depth: 1,
        workers: 1,
        lifetime: 0,
        idle: false,
        ...load,
        runs,
        subjects: subjects.map((subject) => summarize(runs, subject)),
        ratios: rated.flatMap((subject) => METRICS.map((metric) => ratioOf(runs, subject, metric))),
    };
}

// 1000 idle connections.
function idleCase(rounds) {
    const bytes = { uv: 759, epoll: 319, io_uring: 384 };
    const runs = Array.from({ length: rounds }, (_, round) =>
        Object.keys(bytes).map((subject) => ({
            subject,
            round,
            order: 0,
            marks: [],
            idle_bytes_per_connection: bytes[subject] + round,
        })),
    ).flat();
    return caseOf({ name: "idle", connections: 1000, size: 64, idle: true }, runs);
}

function loadedCase({ rate, p50, ...load }, index, rounds, random) {
    const runs = Array.from({ length: rounds }, (_, round) =>
        Object.keys(SUBJECTS).map((subject) =>
            sampleRun({ ...load, rate, p50 }, subject, round, random),
        ),
    ).flat();
    if (rounds > 0 && index === 0) {
        runs[2].marks = ["client-bound"];
    }
    if (rounds > 0 && index === 4) {
        runs[6].marks = ["books"];
    }
    return caseOf(load, runs);
}

/** A result of echo-bench's format. `rounds` 0: nothing was run; under 6: too few for intervals. */
export function sample({
    date = "2026-11-24T15:30:00Z",
    seed = 1,
    rounds = 7,
    environment = {},
} = {}) {
    const random = generator(seed);
    return {
        format: 1,
        synthetic: "invented for the tests of the page",
        date,
        environment: {
            os: "Linux",
            kernel: "6.1.0",
            machine: "x86_64",
            cpu: "Synthetic CPU",
            cpus: 2,
            wine: false,
            compiler: "gcc 12.2.0",
            libuv: "1.44.2",
            liburing: "2.3",
            echoport: "0.1.0",
            server_cpu: 0,
            client_cpu: 1,
            ...environment,
        },
        options: { rounds, duration: 2, warmup: 0.3, quick: false, command: "sample.mjs" },
        harness: {
            bench_load: 0.0021,
            case: "50x64B",
            subject: "uv",
            client_cpu_per_message: 5.9e-6,
            server_cpu_per_message: 6.0e-6,
            null_cpu_per_message: 0.11e-6,
            floor_per_message: 4.5e-6,
            empty_call: 0.25e-6,
        },
        cases: [
            ...CASES.map((load, index) => loadedCase(load, index, rounds, random)),
            idleCase(rounds),
        ],
    };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
    console.log(JSON.stringify(sample(), null, 1));
}
