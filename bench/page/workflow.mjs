// What a workflow of GitHub Actions runs: its `run:` steps, each with its job, system and shell.

import { readFileSync } from "node:fs";

import { parse } from "yaml";

// What a runner does with a script, by the name of the shell and without one.
const SHELLS = {
    bash: ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    sh: ["sh", "-e"],
};
const SHELL_OF_SYSTEM = {
    linux: ["bash", "-e"],
    macos: ["bash", "-e"],
    windows: ["pwsh"],
};

export const hasExpression = (value) => JSON.stringify(value ?? null).includes("${{");

// `value` with the matrix's values in it; other expressions stay, since only a runner knows them.
function fill(value, cell) {
    if (typeof value === "string") {
        return value.replace(/\$\{\{\s*matrix\.([\w-]+)\s*\}\}/g, (all, key) => cell[key] ?? all);
    }
    return Object.fromEntries(Object.entries(value ?? {}).map(([k, v]) => [k, fill(v, cell)]));
}

function valuesOf(values, key) {
    const json = typeof values === "string" && values.match(/^\$\{\{\s*fromJSON\('(.*)'\)\s*\}\}$/);
    const list = json ? JSON.parse(json[1]) : values;
    if (!Array.isArray(list) || key === "include" || key === "exclude") {
        throw new Error(`matrix.${key}: only lists of values are understood here`);
    }
    return list;
}

// Every combination of a matrix: [{ key: value }].
function cellsOf(matrix) {
    return Object.entries(matrix ?? {}).reduce(
        (cells, [key, values]) =>
            cells.flatMap((cell) => valuesOf(values, key).map((v) => ({ ...cell, [key]: v }))),
        [{}],
    );
}

function systemOf(runner) {
    const system = { ubuntu: "linux", macos: "macos", windows: "windows" }[runner.split("-")[0]];
    if (system === undefined) {
        throw new Error(`runs-on: ${runner}: which system is it?`);
    }
    return system;
}

// The command before the name of the script's file.
function shellOf(name, system, container) {
    if (name === undefined) {
        return container === undefined ? SHELL_OF_SYSTEM[system] : SHELLS.sh;
    }
    return SHELLS[name] ?? name.split(/\s+/).filter((word) => word !== "{0}");
}

function stepsOf(workflow, job, cell, place) {
    const system = systemOf(fill(job["runs-on"], cell));
    const defaults = job.defaults?.run?.shell ?? workflow.defaults?.run?.shell;
    return job.steps
        .filter((step) => step.run !== undefined)
        .map((step) => ({
            ...place,
            cell,
            system,
            container: job.container,
            shell: shellOf(step.shell ?? defaults, system, job.container),
            condition: step.if,
            title: step.name ?? step.run.trim().split("\n")[0],
            script: step.run,
            env: fill({ ...workflow.env, ...job.env, ...step.env }, cell),
        }));
}

// The steps of a workflow's jobs, in their order, for each combination of a job's matrix.
export function readSteps(path) {
    const workflow = parse(readFileSync(path, "utf8"));
    return Object.entries(workflow.jobs).flatMap(([name, job]) =>
        cellsOf(job.strategy?.matrix).flatMap((cell) =>
            stepsOf(workflow, job, cell, { path, job: name }),
        ),
    );
}
