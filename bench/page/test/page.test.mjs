// The page, as a reader has it: made by report.mjs, and opened in a real browser.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { colours } from "../palette.mjs";
import { look, openBrowser } from "./look.mjs";
import { failedReport, sampleReport } from "./runs.mjs";
import { sample } from "./sample.mjs";

const REPORT = fileURLToPath(new URL("../report.mjs", import.meta.url));

let directory;
let browser;
before(async () => {
    directory = await mkdtemp(join(tmpdir(), "echoport-page-"));
    browser = await openBrowser();
});
after(async () => {
    await browser?.close();
    await rm(directory, { recursive: true });
});

const path = (name) => join(directory, name);

async function save(name, result) {
    await writeFile(path(name), JSON.stringify(result));
    return path(name);
}

// { status, stdout, stderr } of report.mjs.
const report = (...args) =>
    new Promise((resolve) => {
        execFile(process.execPath, [REPORT, ...args], (error, stdout, stderr) => {
            resolve({ status: error?.code ?? 0, stdout, stderr });
        });
    });

async function makePage(name, ...results) {
    const files = await Promise.all(
        results.map((result, index) => save(`${name}-${index}.json`, result)),
    );
    const { status, stderr } = await report(...files, "-o", path(name));
    assert.equal(stderr, "");
    assert.equal(status, 0);
    return readFile(path(name), "utf8");
}

// A test that needs a browser: without one it is skipped, but not in CI.
const inBrowser = (name, body) =>
    test(name, async (t) => {
        if (browser === null && !process.env.CI) {
            t.skip("there's no Chromium on this machine");
            return;
        }
        assert.notEqual(browser, null, "there's no Chromium on this machine, and CI is set");
        await body();
    });

const month = (index) => `2026-0${index + 1}-15T12:00:00Z`;

inBrowser("every plot has marks, on a phone and a desk, in light and dark", async () => {
    await makePage("page.html", sample());
    const { figures, papers, problems } = await look(browser, path("page.html"));
    assert.deepEqual(problems, []);
    assert.equal(papers.size, 2, "light and dark differ");
    // two of ratios; throughput, latency, CPU, memory of six cases; idle connections
    assert.equal(figures, 2 + 4 * 6 + 1);
});

inBrowser(
    "several results of a machine have a history, of other machines their own part",
    async () => {
        const ofOne = [0, 1, 2].map((index) => sample({ date: month(index), seed: index + 1 }));
        const few = sample({ rounds: 3, environment: { os: "Darwin" } });
        const wine = sample({ environment: { os: "Windows", wine: true } });
        const html = await makePage("history.html", ...ofOne, few, wine);
        const { figures, problems } = await look(browser, path("history.html"));
        assert.deepEqual(problems, []);
        assert.equal(figures, 2 * (2 + 4 * 6 + 1) + 2 * 6, "and none of Wine's");
        assert.match(html, /No plots: this ran in Wine/);
    },
);

inBrowser("a page on which nothing was measured is found", async () => {
    await makePage("empty.html", sample({ rounds: 0 }));
    const { problems } = await look(browser, path("empty.html"));
    assert.ok(problems.includes("400 px, dark: nothing that counts was measured at all"));
});

// The case as it is when the client was the bottleneck in all of its runs.
function clientBound(result, name) {
    const benchCase = result.cases.find((each) => each.name === name);
    const cost = /cpu|rss|calls|subject|runs/;
    const costsOf = (summary) => Object.entries(summary).filter(([key]) => cost.test(key));
    benchCase.runs.forEach((run) => (run.marks = ["client-bound"]));
    benchCase.subjects = benchCase.subjects.map((each) => Object.fromEntries(costsOf(each)));
    benchCase.ratios = benchCase.ratios.filter(({ metric }) => cost.test(metric));
    return result;
}

inBrowser("a case in which the client was the bottleneck throughout is no problem", async () => {
    const html = await makePage("bound.html", clientBound(sample(), "churn"));
    const { problems } = await look(browser, path("bound.html"));
    assert.deepEqual(problems, []);
    for (const panel of ["throughput-churn", "latency-churn"]) {
        assert.match(html, new RegExp(`id="${panel}">.{0,200}Nothing that counts was measured`, "s"));
    }
    assert.match(html, /id="cpu-churn">.{0,200}<svg/s);
});

test("a client-bound subject has no latency, and its ratio says why", async () => {
    const result = sample();
    const churn = result.cases.find((each) => each.name === "churn");
    const some = churn.runs.filter((run) => run.subject === "epoll").slice(0, 2);
    some.forEach((run) => (run.marks = ["client-bound"]));
    churn.ratios = churn.ratios.filter(
        (each) => each.subject !== "epoll" || each.metric !== "messages_per_second",
    );
    const html = await makePage("two-bound.html", result);
    const figure = /id="latency-churn">.*?<\/figure>/s.exec(html)[0];
    assert.match(figure, /io_uring: 99 % within/);
    assert.doesNotMatch(figure, /epoll: 99 % within/);
    const { stdout } = await report(await save("two-bound.json", result), "--markdown");
    assert.match(stdout, /^\| churn \| epoll \| client-bound \| 0\.\d\d \(/m);
});

inBrowser("a plot whose marks are gone is found", async () => {
    const html = await makePage("gone.html", sample());
    const bare = html.replace(/(id="cpu-churn">.*?)<g [^>]*class="data".*?<\/g>/s, "$1");
    assert.notEqual(bare, html);
    await writeFile(path("gone.html"), bare);
    const { problems } = await look(browser, path("gone.html"));
    assert.deepEqual(
        new Set(problems.map((problem) => problem.replace(/^.*: (?=cpu)/, ""))),
        new Set(["cpu-churn: the plot is empty"]),
    );
});

// Lines and dots of a page's history, case by case.
const historyIn = (html, id) =>
    [...html.matchAll(new RegExp(`<figure[^>]* id="[^"]*${id}-([^"]*)">.*?</figure>`, "gs"))].map(
        ([figure, name]) => [name, figure.match(/<circle/g).length],
    );

test("only what was measured alike has a history together", async () => {
    const options = [
        { pin: "apart", client_backend: "io_uring" },
        { pin: "together", client_backend: "io_uring" },
        { pin: "apart", client_backend: "uv" },
        { pin: "apart", client_backend: "uv", client_command: "ssh h2 echo-client" },
    ];
    const each = options.map((some, index) => {
        const result = sample({ date: month(index), seed: index + 1 });
        Object.assign(result.options, some);
        return result;
    });
    const again = { ...each[0], date: month(4) };
    const html = await makePage("alike.html", ...each, again);
    assert.equal(html.match(/<article/g).length, 4);
    assert.match(html, /Synthetic CPU, --pin=together, client on io_uring/);
    assert.equal(historyIn(html, "history-cpu").length, 6);
});

test("a client elsewhere is named, with its machine, and without figures of this one", async () => {
    const result = sample();
    Object.assign(result.options, {
        client_command: "ssh <h2> echo-client",
        server_address: "10.77.0.1",
    });
    result.client = {
        backend: "epoll",
        environment: { system: "Linux", cpu: "Other CPU", cpus: 8, version: "0.2.0" },
    };
    delete result.harness.null_cpu_per_message;
    delete result.harness.floor_per_message;
    const html = await makePage("elsewhere.html", result);
    assert.match(html, /“ssh &lt;h2&gt; echo-client” started it, and it connected to 10\.77\.0\.1\./);
    assert.match(html, /<dt>client machine<\/dt><dd>Linux, Other CPU, 8 CPUs<\/dd>/);
    assert.match(html, /5\.90 µs of the client’s CPU; echo-bench itself used/);
    assert.doesNotMatch(html, /undefined|NaN/);
});

test("a case that has another load now begins its history anew", async () => {
    const [before, between, after] = [0, 1, 2].map((index) =>
        sample({ date: month(index), seed: index + 1 }),
    );
    before.cases[1].connections = 7;
    const html = await makePage("loads.html", before, between, after);
    const dots = new Map(historyIn(html, "history-cpu"));
    assert.equal(dots.get("1x64B"), 3 * 5);
    assert.equal(dots.get("50x64B"), 2 * 5);
});

test("the page makes no requests and runs no script", async () => {
    const html = await makePage("alone.html", sample());
    assert.doesNotMatch(html, /<script|<link|<img|@import|url\((?!#)|\bsrc=/);
});

test("marked runs are counted, by mark", async () => {
    const html = await makePage("marked.html", sample());
    assert.match(html, /<b>2 of 273 runs are marked<\/b>.*1 client-bound.*1 books/);
    assert.match(html, /<td>6 of 7 <small>1 books<\/small><\/td>/);
});

test("what a result calls itself is text, not markup", async () => {
    const result = sample({ environment: { cpu: "<script>alert(1)</script>" } });
    result.cases[0].name = "a<b>&";
    const html = await makePage("markup.html", result);
    assert.doesNotMatch(html, /<script/);
    assert.match(html, /a&lt;b&gt;&amp;/);
});

test("a backend has the colour of its place among those that were measured", () => {
    const own = (name) => ({ kind: "own", name });
    const names = ["new", "uv", "new", "c", "d", "e", "f", "g"];
    const colour = colours([...names.map(own), { kind: "peer", name: "asio" }]);
    assert.equal(colour(own("new")), "var(--own1)");
    assert.equal(colour(own("uv")), "var(--own2)");
    assert.equal(colour(own("f")), "var(--own6)");
    assert.equal(colour(own("g")), "var(--other)");
    assert.equal(colour({ kind: "peer", name: "asio" }), "var(--peer)");
});

test("pictures for both schemes, with colours of their own", async () => {
    const file = await save("pictures.json", sample());
    const { status } = await report(file, "--svg", path("svg"));
    assert.equal(status, 0);
    const names = await readdir(path("svg"));
    assert.equal(names.length, 2 * (2 + 4 * 6 + 1));
    for (const name of names) {
        const text = await readFile(join(path("svg"), name), "utf8");
        assert.match(text, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/, name);
        assert.match(
            text,
            name.endsWith("dark.svg") ? /^<svg[^>]* color="#e6eaf1"/ : / color="#1c2330"/,
        );
        assert.doesNotMatch(text, /var\(|undefined|NaN/, name);
    }
});

test("no pictures of results from Wine", async () => {
    const file = await save("wine.json", sample({ environment: { wine: true } }));
    const { status, stderr } = await report(file, "--svg", path("wine-svg"));
    assert.equal(status, 1);
    assert.match(stderr, /results from Wine are not drawn/);
});

test("the summary of a job has a row for each ratio of throughput", async () => {
    const file = await save("summary.json", sample());
    const { stdout } = await report(file, "--markdown");
    assert.equal(stdout.match(/^\| (?!case)/gm).length, 6 * 5);
    assert.match(
        stdout,
        /^\| 50x64B \| io_uring \| 1\.\d\d \(.*, more\) \| 0\.\d\d \(.*, less\) \|$/m,
    );
});

test("what can't be read is refused with the file's name", async () => {
    for (const [name, text, reason] of [
        ["other.json", '{"format": 2}', /other\.json: format 2; this reads format 1/],
        ["broken.json", '{"format": 1', /broken\.json: /],
        ["bare.json", '{"format": 1}', /bare\.json: has no cases or no environment/],
    ]) {
        await writeFile(path(name), text);
        const { status, stderr } = await report(path(name), "-o", path("never.html"));
        assert.equal(status, 1, name);
        assert.match(stderr, reason);
    }
    assert.equal((await report()).status, 2);
    assert.equal((await report("--nonsense")).status, 2);
});

// `bench/page/run` of a copy, with such a build/page: { status, stderr }.
async function runCopy(name, env, prepare) {
    const sources = fileURLToPath(new URL("../../../bench/page", import.meta.url));
    await cp(sources, path(`${name}/bench/page`), { recursive: true });
    await prepare();
    return new Promise((resolve) => {
        execFile(path(`${name}/bench/page/run`), ["report", "none.json"], { env }, (error, _, stderr) =>
            resolve({ status: error?.code ?? 0, stderr }),
        );
    });
}

test("where it can't have its packages it says so and does nothing else", async () => {
    const { status, stderr } = await runCopy("blocked", process.env, async () => {
        await mkdir(path("blocked/build"));
        await writeFile(path("blocked/build/page"), "in the way");
    });
    assert.equal(status, 1);
    assert.match(stderr, /mkdir/);
    assert.doesNotMatch(stderr, /cp:|node:/);
});

test("without its packages it says so, and tries again the next time", async () => {
    const env = { ...process.env, PATH: `${path("bin")}:${process.env.PATH}` };
    const { status, stderr } = await runCopy("tree", env, async () => {
        await mkdir(path("bin"));
        await writeFile(path("bin/npm"), "#!/bin/sh\necho no route to the registry >&2\nexit 1\n", {
            mode: 0o755,
        });
    });
    assert.equal(status, 1);
    assert.match(stderr, /no route to the registry/);
    assert.match(stderr, /bench\/page: npm can't install its packages/);
    await assert.rejects(access(path("tree/build/page/installed.json")));
});

// ---- reports of echo-client

const without = () => sampleReport({ seconds: null, rate: 60e3, p50: 0.8e6 });

inBrowser("reports of the client have their plots, side by side", async () => {
    const html = await makePage("runs.html", sampleReport(), failedReport(), without());
    const { figures, papers, problems } = await look(browser, path("runs.html"));
    assert.deepEqual(problems, []);
    assert.equal(papers.size, 2, "light and dark differ");
    assert.equal(figures, 1 + 2 + 1, "rate; latency of two runs with intervals; percentiles");
    assert.match(html, /Without intervals: runs\.html-2\./);
});

inBrowser("a report without intervals has the plot by percentile", async () => {
    const html = await makePage("plain.html", without());
    const { figures, problems } = await look(browser, path("plain.html"));
    assert.deepEqual(problems, []);
    assert.equal(figures, 1);
    assert.doesNotMatch(html, /over time/);
});

inBrowser("one interval, one message, and many intervals are drawn, too", async () => {
    const one = sampleReport({ seconds: 1, rate: 1 });
    await makePage("few.html", one, sampleReport({ seconds: 59 }));
    const { figures, problems } = await look(browser, path("few.html"));
    assert.deepEqual(problems, []);
    assert.equal(figures, 1 + 2 + 1);
});

inBrowser("a run in which nothing was measured says so", async () => {
    const empty = sampleReport({ seconds: null });
    Object.assign(empty.latency_ns, { count: 0, p50: null, p90: null, p99: null, max: null });
    empty.latency_ns.buckets = [];
    const html = await makePage("none.html", empty, sampleReport());
    const { problems } = await look(browser, path("none.html"));
    assert.deepEqual(problems, []);
    assert.match(await makePage("only.html", empty), /Nothing that counts was measured/);
    assert.match(html, /none\.html-1: 99 % within/);
    assert.doesNotMatch(html, /none\.html-0: 99 % within/);
});

inBrowser("results of the bench and reports share a page", async () => {
    await makePage("both.html", sample(), sampleReport());
    const { figures, problems } = await look(browser, path("both.html"));
    assert.deepEqual(problems, []);
    assert.equal(figures, 2 + 4 * 6 + 1 + 3);
});

// What the client wrote, without its tables of workers and of the histograms that aren't drawn.
const REAL = fileURLToPath(new URL("report.json", import.meta.url));

inBrowser("a report that the client wrote is drawn", async () => {
    const { status, stderr } = await report(REAL, "-o", path("real.html"));
    assert.equal(stderr, "");
    assert.equal(status, 0);
    const { figures, problems } = await look(browser, path("real.html"));
    assert.deepEqual(problems, []);
    assert.equal(figures, 3);
    const html = await readFile(path("real.html"), "utf8");
    const { latency_ns: latency, seed } = JSON.parse(await readFile(REAL, "utf8"));
    assert.match(html, new RegExp(`<dt>seed</dt><dd>${seed}</dd>`));
    assert.doesNotMatch(html, /<dt>(ok|verdict|seconds)<\/dt>/);
    const shown = /99 % within ([\d.]+) ms/.exec(html)[1];
    assert.ok(Math.abs(shown * 1e6 - latency.p99) <= 0.01 * latency.p99, shown);
});

test("the verdict, further failures, thresholds, doubts and options are shown", async () => {
    const html = await makePage("verdicts.html", sampleReport(), failedReport());
    assert.match(html, /<b>OK<\/b>/);
    assert.match(html, /<b>FAILED: 3 mismatches: the first at byte 4,096<\/b>/);
    assert.match(html, /<li>64 bytes were lost<\/li>/);
    assert.match(html, /<li>--fail-if p99&gt;5ms: no, 4\.10 ms<\/li>/);
    assert.match(html, /<li>In doubt: thread 0 was busy 99 % of the time<\/li>/);
    assert.match(html, /<dt>connections<\/dt><dd>50<\/dd>/);
    assert.match(html, /<dt>duration<\/dt><dd>10 s<\/dd>/);
});

test("the table has the options in which runs differ", async () => {
    const html = await makePage("differ.html", sampleReport(), sampleReport({ size: 4096 }));
    const table = /<section id="run-table">.*<\/section>/s.exec(html)[0];
    assert.match(table, /<th scope="row">size<\/th><td>64<\/td><td>4096<\/td>/);
    assert.doesNotMatch(table, /<th scope="row">connections</);
});

test("clients of one load show their shares, and their merge all machines", async () => {
    const ranks = [0, 1].map((rank) => sampleReport({ share: { rank, ranks: 2, host: `h${rank}` } }));
    const clients = ["Z80", "6502"].map((cpu) => ({ environment: { cpu, cpus: 2, wine: false } }));
    const whole = sampleReport({ environment: null, clients, fleet: { hosts: 2 } });
    const html = await makePage("fleet.html", ...ranks, whole);
    assert.doesNotMatch(html, /object Object|undefined/);
    const table = /<section id="run-table">.*<\/section>/s.exec(html)[0];
    assert.match(table, /<th scope="row">share<\/th><td>0\/2<\/td><td>1\/2<\/td><td>–<\/td>/);
    assert.match(html, /<dt>share<\/dt><dd>1\/2<\/dd>/);
    assert.match(html, /<dt>clients<\/dt><dd>2<\/dd><\/div><div><dt>hosts<\/dt><dd>2<\/dd>/);
    assert.match(html, /<dt>cpu<\/dt><dd>Z80, 6502<\/dd>.*<dt>wine<\/dt><dd>no<\/dd>/);
    assert.match(html, /<dt>CPUs of the machine<\/dt><dd>2<\/dd>/);
});

test("percentiles are those of the report", async () => {
    const report = sampleReport();
    const html = await makePage("points.html", report);
    const shown = /99 % within ([\d.]+) ms/.exec(html)[1];
    assert.ok(Math.abs(shown - report.latency_ns.p99 / 1e6) < 0.25 * shown, shown);
});

test("reports are pictures, too, but no summary", async () => {
    const file = await save("picture.json", sampleReport());
    assert.equal((await report(file, "--svg", path("pictures"))).status, 0);
    const names = await readdir(path("pictures"));
    assert.deepEqual(
        names.filter((name) => name.endsWith("light.svg")).sort(),
        ["run-latency-1-light.svg", "run-percentiles-all-light.svg", "run-rate-all-light.svg"],
    );
    const { status, stderr } = await report(file, "--markdown");
    assert.equal(status, 1);
    assert.match(stderr, /--markdown takes results of echo-bench/);
});

test("a report that is cut or has no histogram is refused by name", async () => {
    const file = await save("cut.json", { program: "echo-client", ok: true });
    const { status, stderr } = await report(file, "-o", path("never.html"));
    assert.equal(status, 1);
    assert.match(stderr, /cut\.json: has no latency_ns\.buckets/);
});

test("what a report says is text, not markup", async () => {
    const html = await makePage("evil.html", sampleReport({ verdict: "<script>x</script>" }));
    assert.doesNotMatch(html, /<script/);
});
