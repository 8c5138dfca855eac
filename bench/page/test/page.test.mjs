// The page, as a reader has it: made by report.mjs as by a user, and opened in a real browser.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { look, openBrowser } from "./look.mjs";
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

inBrowser("a plot without marks is found", async () => {
    await makePage("empty.html", sample({ rounds: 0 }));
    const { problems } = await look(browser, path("empty.html"));
    for (const plot of ["ratio-cpu", "throughput-50x64B", "latency-churn", "memory-1x64B"]) {
        assert.ok(problems.includes(`400 px, dark: ${plot}: the plot is empty`), plot);
    }
});

inBrowser("so is a plot whose marks are gone", async () => {
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

test("the page asks nothing of a network and runs no script", async () => {
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

test("without its packages it says so, and tries again the next time", async () => {
    const sources = fileURLToPath(new URL("../../../bench/page", import.meta.url));
    await cp(sources, path("tree/bench/page"), { recursive: true });
    await mkdir(path("bin"));
    await writeFile(path("bin/npm"), "#!/bin/sh\necho no route to the registry >&2\nexit 1\n", {
        mode: 0o755,
    });
    const env = { ...process.env, PATH: `${path("bin")}:${process.env.PATH}` };
    const { status, stderr } = await new Promise((resolve) => {
        execFile(path("tree/bench/page/run"), ["report", "none.json"], { env }, (error, _, stderr) =>
            resolve({ status: error?.code ?? 0, stderr }),
        );
    });
    assert.equal(status, 1);
    assert.match(stderr, /no route to the registry/);
    assert.match(stderr, /bench\/page: npm can't install its packages/);
    await assert.rejects(access(path("tree/build/page/installed.json")));
});
