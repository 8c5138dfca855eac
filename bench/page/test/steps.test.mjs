// steps.mjs as a user has it, over workflows that are written here.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const STEPS = fileURLToPath(new URL("../steps.mjs", import.meta.url));

let directory;
before(() => {
    directory = mkdtempSync(join(tmpdir(), "echoport-steps-test-"));
});
after(() => rmSync(directory, { recursive: true }));

const job = (runner, steps, more = "") =>
    `jobs:\n  a:\n    runs-on: ${runner}\n${more}    steps:\n${steps.map((s) => `      - ${s}\n`).join("")}`;

// { status, stdout, stderr } of steps.mjs with a workflow in the place of FILE.
function steps(workflow, ...args) {
    const file = join(directory, "workflow.yml");
    writeFileSync(file, workflow);
    const words = args.map((word) => (word === "FILE" ? file : word));
    return spawnSync(process.execPath, [STEPS, ...words], { encoding: "utf8" });
}

test("the steps of a job run in its shell, up to the first that fails", () => {
    const flow = job("ubuntu-latest", [
        "run: echo first",
        "{ run: 'false | cat', shell: bash }",
        "run: echo third",
    ]);
    const { status, stdout } = steps(flow, "run", "FILE", "a");
    assert.equal(status, 1);
    assert.match(stdout, /\| echo first \| bash -e \| passed \|/);
    assert.match(stdout, /\| bash --noprofile --norc -eo pipefail \| exit code 1 \|/);
    assert.match(stdout, /\| echo third \| bash -e \| not run \|/);
    assert.doesNotMatch(stdout, /^third/m);
});

test("without pipefail a pipe is as its last command", () => {
    assert.equal(steps(job("ubuntu-latest", ["run: false | cat"]), "run", "FILE", "a").status, 0);
});

test("a container's shell is sh", () => {
    const flow = job("ubuntu-latest", ["run: 'true'"], "    container: debian:12\n");
    const { status, stdout } = steps(flow, "run", "FILE", "a");
    assert.equal(status, 0);
    assert.match(stdout, /runs in a container of debian:12/);
    assert.match(stdout, /\| sh -e \| passed \|/);
});

test("each combination of a matrix runs, or the chosen one", () => {
    const more = "    strategy: { matrix: { x: [1, 2], y: [b] } }\n    env: { X: '${{ matrix.x }}' }\n";
    const flow = job("ubuntu-latest", ['run: echo "got $X."'], more);
    const all = steps(flow, "run", "FILE", "a").stdout;
    assert.match(all, /^got 1\.$/m);
    assert.match(all, /^got 2\.$/m);
    const one = steps(flow, "run", "FILE", "a", "x=2").stdout;
    assert.doesNotMatch(one, /^got 1\.$/m);
    assert.match(one, /^got 2\.$/m);
    assert.equal(steps(flow, "run", "FILE", "a", "x=3").status, 2);
});

test("what only a runner knows has to be given", () => {
    const flow = job("ubuntu-latest", ['{ run: echo "got $T.", env: { T: "${{ secrets.T }}" } }']);
    const { status, stderr } = steps(flow, "run", "FILE", "a");
    assert.equal(status, 2);
    assert.match(stderr, /give T=VALUE/);
    assert.match(steps(flow, "run", "FILE", "a", "T=t=1").stdout, /^got t=1\.$/m);
});

test("a job of another system does not run", () => {
    const { status, stderr } = steps(job("macos-latest", ["run: exit 0"]), "run", "FILE", "a");
    assert.equal(status, 2);
    assert.match(stderr, /runs on macos/);
    assert.equal(steps(job("macos-latest", ["run: exit 0"]), "run", "FILE", "b").status, 2);
});

test("scripts of every system are checked", () => {
    const msys = "    defaults: { run: { shell: 'msys2 {0}' } }\n";
    for (const [runner, more] of [["ubuntu-latest", ""], ["macos-latest", ""], ["windows-latest", msys]]) {
        assert.equal(steps(job(runner, ['run: echo "$A"'], more), "lint", "FILE").status, 0, runner);
        const { status, stderr } = steps(job(runner, ["run: echo $A"], more), "lint", "FILE");
        assert.equal(status, 1, runner);
        assert.match(stderr, /SC2086/);
    }
});

test("a script that nothing can check, and one made of an expression, are refused", () => {
    const { status, stderr } = steps(job("windows-latest", ["run: echo 1"]), "lint", "FILE");
    assert.equal(status, 1);
    assert.match(stderr, /nothing here can check scripts of pwsh/);
    const made = steps(job("ubuntu-latest", ["run: echo ${{ github.ref }}"]), "lint", "FILE");
    assert.equal(made.status, 1);
    assert.match(made.stderr, /has an expression/);
});

test("what isn't understood is said, not passed over", () => {
    const include = "    strategy: { matrix: { include: [{ x: 1 }] } }\n";
    assert.match(steps(job("ubuntu-latest", ["run: exit 0"], include), "lint", "FILE").stderr, /include/);
    assert.match(steps(job("solaris-11", ["run: exit 0"]), "lint", "FILE").stderr, /which system/);
    assert.equal(steps("", "lint").status, 2);
});
