// Opens a page in a real browser, in the widths of a phone and a desk, in light and dark, and prints
// what is wrong with it.
//
//     node look.mjs PAGE.html [SCREENSHOT_DIRECTORY]     prints it; exits 1 if there's anything

import { access, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const WIDTHS = [400, 1400];
const SCHEMES = ["light", "dark"];

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

async function findProgram() {
    const candidates = (process.env.PATH ?? "")
        .split(delimiter)
        .flatMap((directory) => NAMES.map((name) => join(directory, name)));
    for (const candidate of [process.env.CHROMIUM, ...candidates].filter(Boolean)) {
        try {
            await access(candidate);
            return candidate;
        } catch {
            // the next one
        }
    }
    return undefined;
}

/** A headless browser ($CHROMIUM, on the search path, an installed Chrome); null if none is here. */
export async function openBrowser() {
    const executablePath = await findProgram();
    const where = executablePath === undefined ? { channel: "chrome" } : { executablePath };
    try {
        return await chromium.launch({
            ...where,
            args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
        });
    } catch (error) {
        if (executablePath === undefined && /is not found|not supported/i.test(error.message)) {
            return null;
        }
        throw error;
    }
}

// In the browser: figures without a mark that one can see, though they don't say that there is
// nothing to be seen, and what is wider than the window.
function inspect() {
    const visible = (element) => element.getClientRects().length > 0;
    const drawn = (element) => {
        const { width, height } = element.getBoundingClientRect();
        return width > 0 || height > 0;
    };
    const problems = [];
    const figures = [...document.querySelectorAll("figure.plot")];
    const saysWhy = (figure) => figure.querySelector(".nothing") !== null;
    if (figures.length > 0 && figures.every(saysWhy)) {
        problems.push("nothing that counts was measured at all");
    }
    for (const figure of figures) {
        const plots = [...figure.querySelectorAll("svg")].filter(visible);
        const marks = plots.flatMap((svg) => [...svg.querySelectorAll(".data > *")]).filter(drawn);
        if (plots.length > 1) {
            problems.push(`${figure.id}: drawn ${plots.length} times`);
        } else if (marks.length === 0 && !saysWhy(figure)) {
            problems.push(`${figure.id || "a section"}: the plot is empty`);
        }
        for (const svg of plots) {
            if (
                !svg.querySelector("title")?.textContent ||
                !svg.querySelector("desc")?.textContent
            ) {
                problems.push(`${figure.id}: has no title or no description`);
            }
            const small = [...svg.querySelectorAll("text")].filter((text) => {
                const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
                return parseFloat(getComputedStyle(text).fontSize) * scale < 10;
            });
            if (small.length > 0) {
                problems.push(`${figure.id}: ${small.length} texts are smaller than 10 px`);
            }
            const outside = [...svg.querySelectorAll("text")].filter((text) => {
                const { left, right, width } = text.getBoundingClientRect();
                return width > 0 && (left < 0 || right > innerWidth);
            });
            if (outside.length > 0) {
                problems.push(`${figure.id}: leaves the window: ${outside[0].textContent}`);
            }
        }
    }
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) {
        problems.push(`scrolls sideways: ${scrollWidth} of ${clientWidth} px`);
    }
    return {
        figures: figures.length,
        problems,
        paper: getComputedStyle(document.body).backgroundColor,
    };
}

async function lookOnce(browser, path, { width, scheme, screenshots }) {
    const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme: scheme,
    });
    const tab = await context.newPage();
    const problems = [];
    tab.on(
        "console",
        (message) => message.type() === "error" && problems.push(`console: ${message.text()}`),
    );
    tab.on("pageerror", (error) => problems.push(`script: ${error.message}`));
    tab.on(
        "request",
        (request) =>
            !request.url().startsWith("file:") && problems.push(`asks for ${request.url()}`),
    );
    await tab.goto(pathToFileURL(resolve(path)).href);
    const seen = await tab.evaluate(inspect);
    if (screenshots) {
        await mkdir(screenshots, { recursive: true });
        await tab.screenshot({ path: join(screenshots, `${scheme}-${width}.png`), fullPage: true });
    }
    await tab.addScriptTag({ path: AXE });
    // Pictures are told by their title and description; what is within takes long and says nothing.
    const { violations } = await tab.evaluate(() => globalThis.axe.run({ exclude: [["svg > *"]] }));
    problems.push(
        ...seen.problems,
        ...violations.map(
            ({ id, help, nodes }) => `axe ${id}: ${help} (${nodes[0].html.slice(0, 120)})`,
        ),
    );
    await context.close();
    return { ...seen, problems: problems.map((problem) => `${width} px, ${scheme}: ${problem}`) };
}

/**
 * Looks at the page at `path` in each width and scheme: { figures, papers, problems }, where
 * `papers` are the colours of the background and `problems` sentences. Screenshots go into the
 * directory `screenshots`, if given.
 */
export async function look(browser, path, screenshots) {
    const looks = [];
    for (const width of WIDTHS) {
        for (const scheme of SCHEMES) {
            looks.push(await lookOnce(browser, path, { width, scheme, screenshots }));
        }
    }
    return {
        figures: looks[0].figures,
        papers: new Set(looks.map((each) => each.paper)),
        problems: looks.flatMap((each) => each.problems),
    };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
    const browser = await openBrowser();
    if (browser === null) {
        console.error("look: there's no Chromium on this machine");
        process.exit(1);
    }
    const { figures, problems } = await look(browser, process.argv[2], process.argv[3]);
    await browser.close();
    console.log([`${figures} plots`, ...problems].join("\n"));
    process.exitCode = figures === 0 || problems.length > 0 ? 1 : 0;
}
