// Runs here what a workflow runs on Linux, so that it is known to work before it is pushed: the
// `run:` steps of a job, one after the other, as a runner would. `node steps.mjs FILE.yml JOB`

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parse } from "yaml";

const FAILED_TO_START = 127;

// The steps of a job that run something: [{ title, script, env }].
function readSteps(path, name) {
    const workflow = parse(readFileSync(path, "utf8"));
    const job = workflow.jobs?.[name];
    if (job === undefined) {
        throw new Error(`${path}: no job ${name}; there are ${Object.keys(workflow.jobs ?? {})}`);
    }
    return job.steps
        .filter((step) => step.run !== undefined)
        .map((step) => ({
            title: step.name ?? step.run,
            script: step.run,
            env: { ...workflow.env, ...job.env, ...step.env },
        }));
}

// What only a runner can fill in.
function refuseExpressions({ title, script, env }) {
    if (JSON.stringify([script, env]).includes("${{")) {
        throw new Error(`the step "${title}" has an expression, which only a runner can evaluate`);
    }
}

function runStep({ title, script, env }, runner) {
    console.log(`==== ${title}`);
    const { status } = spawnSync("bash", ["-e", "-c", script], {
        stdio: "inherit",
        env: { ...process.env, ...runner, ...env },
    });
    console.log(`==== ${title}: exit code ${status ?? FAILED_TO_START}`);
    return status ?? FAILED_TO_START;
}

function main(path, name) {
    const steps = readSteps(path, name);
    steps.forEach(refuseExpressions);
    const scratch = mkdtempSync(join(tmpdir(), "echoport-steps-"));
    const summary = join(scratch, "summary.md");
    writeFileSync(summary, "");
    try {
        const runner = { CI: "true", GITHUB_STEP_SUMMARY: summary };
        const failed = steps.find((step) => runStep(step, runner) !== 0);
        console.log(`==== summary of the job\n${readFileSync(summary, "utf8")}`);
        process.exitCode = failed === undefined && steps.length > 0 ? 0 : 1;
    } finally {
        rmSync(scratch, { recursive: true });
    }
}

try {
    main(process.argv[2], process.argv[3]);
} catch (error) {
    console.error(`steps: ${error.message}`);
    process.exitCode = 2;
}
