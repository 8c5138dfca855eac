// check.mjs FILE.yaml...: holds each manifest to the schema of its kind, and writes all of them into
// manifests.mts. The compiler then finds a member that its kind does not have; a schema allows any.
import { readFileSync, writeFileSync } from "node:fs";
import YAML from "yaml";

function fail(text) {
    console.error(text);
    process.exit(1);
}

const lines = [];
for (const file of process.argv.slice(2)) {
    for (const document of YAML.parseAllDocuments(readFileSync(file, "utf8"), { strict: true })) {
        const [problem] = [...document.errors, ...document.warnings];
        if (problem) fail(`${file}: ${problem.message}`);
        const manifest = document.toJS();
        const { apiVersion, kind } = manifest;
        const name = manifest.metadata?.name;
        const models = await import(`kubernetes-models/${apiVersion}`);
        if (!models[kind]) fail(`${file}: ${apiVersion} has no ${kind}`);
        try {
            new models[kind](manifest).validate();
        } catch (error) {
            fail(`${file}: ${kind} ${name}: ${error.message}`);
        }
        const number = lines.length;
        lines.push(
            `import { I${kind} as I${number} } from "kubernetes-models/${apiVersion}/${kind}";\n` +
                `export const manifest${number}: I${number} = ${JSON.stringify(manifest, null, 2)};\n`,
        );
        console.log(`${file.split("/").pop()}: ${kind} ${name}`);
    }
}
writeFileSync("manifests.mts", lines.join(""));
