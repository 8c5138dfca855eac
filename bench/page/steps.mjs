// The `run:` steps of workflows. `lint` runs shellcheck over all of them, also over those for other
// systems. `run` runs on this machine what a job runs on Linux.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, win32 } from "node:path";

import { hasExpression, readSteps } from "./workflow.mjs";

const USAGE = `usage: steps list WORKFLOW.yml...
       steps lint WORKFLOW.yml...
       steps run WORKFLOW.yml JOB [NAME=VALUE...]`;

const FAILED_TO_START = 127;

// Shells by the dialect that shellcheck has for them.
const DIALECTS = { sh: "sh", bash: "bash", msys2: "bash" };

const cellText = (cell) => Object.values(cell).join(", ") || "-";

function table(head, rows) {
    const line = (row) => `| ${row.map((text) => String(text).replaceAll("|", "\\|")).join(" | ")} |`;
    console.log([line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n"));
}

function list(paths) {
    const rows = paths
        .flatMap(readSteps)
        .map((s) => [s.path, s.job, cellText(s.cell), s.system, s.container ?? "-", s.shell.join(" "), s.title]);
    table(["workflow", "job", "matrix", "system", "container", "shell", "step"], rows);
    return 0;
}

// ---- lint ------------------------------------------------------------------------------------

// What is wrong with a step's script, as text; "" for nothing.
function complaint({ shell, script }) {
    const name = win32.basename(shell[0], ".exe");
    if (hasExpression(script)) {
        return "its script has an expression, which becomes code; give its value by env";
    }
    if (DIALECTS[name] === undefined) {
        return `nothing here can check scripts of ${name}; shell: bash`;
    }
    const { error, status, stdout } = spawnSync("shellcheck", [`--shell=${DIALECTS[name]}`, "-"], {
        input: script,
        encoding: "utf8",
    });
    if (error !== undefined) {
        throw new Error(`shellcheck doesn't start: ${error.message}`);
    }
    return status === 0 ? "" : stdout;
}

function lint(paths) {
    const steps = paths.flatMap(readSteps);
    const bad = steps.map((step) => ({ step, text: complaint(step) })).filter(({ text }) => text !== "");
    for (const { step, text } of bad) {
        console.error(`${step.path}: job ${step.job}: step "${step.title}": ${text}`);
    }
    console.log(`steps: ${steps.length - bad.length} of ${steps.length} are well`);
    return bad.length === 0 && steps.length > 0 ? 0 : 1;
}

// ---- run -------------------------------------------------------------------------------------

// What only a runner knows.
function refuse({ title, script, env, system, condition }) {
    if (system !== "linux") {
        throw new Error(`the step "${title}" runs on ${system}`);
    }
    if (condition !== undefined || hasExpression(script)) {
        throw new Error(`the step "${title}" has an expression, which only a runner can evaluate`);
    }
    for (const [name, value] of Object.entries(env)) {
        if (hasExpression(value)) {
            throw new Error(`the step "${title}" takes ${name} from a runner; give ${name}=VALUE`);
        }
    }
}

// The job's steps, with what was given: values of its matrix choose among its combinations, others
// go into the environment.
function chosenSteps(path, job, given) {
    const steps = readSteps(path).filter((step) => step.job === job);
    if (steps.length === 0) {
        const jobs = new Set(readSteps(path).map((step) => step.job));
        throw new Error(`${path}: no job ${job} that runs something; there are ${[...jobs].join(", ")}`);
    }
    const choice = Object.entries(given).filter(([name]) => name in steps[0].cell);
    const env = Object.fromEntries(Object.entries(given).filter(([name]) => !(name in steps[0].cell)));
    const chosen = steps
        .filter((step) => choice.every(([name, value]) => String(step.cell[name]) === value))
        .map((step) => ({ ...step, env: { ...step.env, ...env } }));
    if (chosen.length === 0) {
        throw new Error(`the matrix of ${job} has no ${choice.map((pair) => pair.join("=")).join(" ")}`);
    }
    return chosen;
}

function runStep({ title, script, env, shell, cell }, runner, scratch) {
    const file = join(scratch, "script");
    const began = Date.now();
    writeFileSync(file, script);
    console.log(`==== ${title} (${cellText(cell)})`);
    const { status } = spawnSync(shell[0], [...shell.slice(1), file], {
        stdio: "inherit",
        env: { ...process.env, ...runner, ...env },
    });
    const code = status ?? FAILED_TO_START;
    const seconds = Math.round((Date.now() - began) / 1000);
    console.log(`==== ${title}: exit code ${code} in ${seconds} s`);
    return { code, seconds };
}

// The steps of each combination of the matrix up to its first failure, as a runner has it.
function runSteps(steps, runner, scratch) {
    const failed = new Set();
    return steps.map((step) => {
        const cell = cellText(step.cell);
        const row = [step.job, cell, step.title, step.shell.join(" ")];
        if (failed.has(cell)) {
            return [...row, "not run", "-"];
        }
        const { code, seconds } = runStep(step, runner, scratch);
        if (code !== 0) {
            failed.add(cell);
        }
        return [...row, code === 0 ? "passed" : `exit code ${code}`, `${seconds} s`];
    });
}

function run([path, job, ...pairs]) {
    if (job === undefined || pairs.some((pair) => !pair.includes("="))) {
        throw new Error(USAGE);
    }
    const given = Object.fromEntries(pairs.map((pair) => pair.match(/^([^=]*)=(.*)$/s).slice(1)));
    const steps = chosenSteps(path, job, given);
    steps.forEach(refuse);
    if (steps[0].container !== undefined) {
        console.log(`==== ${job} runs in a container of ${steps[0].container}; here it has this system`);
    }
    const scratch = mkdtempSync(join(tmpdir(), "echoport-steps-"));
    const summary = join(scratch, "summary.md");
    writeFileSync(summary, "");
    try {
        const rows = runSteps(steps, { CI: "true", GITHUB_STEP_SUMMARY: summary }, scratch);
        console.log(`==== summary of the job\n${readFileSync(summary, "utf8")}`);
        table(["job", "matrix", "step", "shell", "result", "took"], rows);
        return rows.every((row) => row.includes("passed")) ? 0 : 1;
    } finally {
        rmSync(scratch, { recursive: true });
    }
}

function main([command, ...args]) {
    const commands = { list, lint, run };
    if (!Object.hasOwn(commands, command ?? "") || args.length === 0) {
        throw new Error(USAGE);
    }
    return commands[command](args);
}

try {
    process.exitCode = main(process.argv.slice(2));
} catch (error) {
    console.error(`steps: ${error.message}`);
    process.exitCode = 2;
}
