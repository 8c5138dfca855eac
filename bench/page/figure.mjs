// A plot as markup: within a page, or as a picture of its own. Either has a title and a description
// for readers that can't see it.

import { withColours } from "./palette.mjs";

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export const escape = (text) => String(text).replace(/[&<>"]/g, (each) => ENTITIES[each]);

const FONT =
    'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif';

// Plot leaves sizes to its user's style sheet, which a picture of its own doesn't have. Its font
// size is 10 px, too little for a phone.
function markup({ svg, description }, { id, title, standalone }) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-labelledby", `${id}-title ${id}-description`);
    svg.setAttribute("font-size", "12");
    for (const part of svg.querySelectorAll("[aria-label]")) {
        part.removeAttribute("aria-label"); // Plot's names of parts, which screen readers don't reach
    }
    if (standalone) {
        svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
        svg.setAttribute("font-family", FONT);
        svg.setAttribute("color", "var(--ink)"); // what Plot draws axes in
    }
    const words =
        `<title id="${id}-title">${escape(title)}</title>` +
        `<desc id="${id}-description">${escape(description)}</desc>`;
    return svg.outerHTML.replace(/^<svg[^>]*>/, (tag) => `${tag}${words}`);
}

/**
 * A figure of the page. `draw(width)` returns a plot of plots.mjs or null. It is drawn for each of
 * `widths`, in pixels: style.css shows what fits.
 */
export function figure({ id, caption, title, draw, widths }) {
    const plots = widths.map((width, index) => {
        const plot = draw(width);
        const size = widths.length === 1 ? "any" : index === 0 ? "narrow" : "wide";
        return plot === null
            ? '<p class="nothing">Nothing that counts was measured.</p>'
            : `<div class="${size}">${markup(plot, { id: `${id}-${width}`, title })}</div>`;
    });
    return (
        `<figure class="plot" id="${id}"><figcaption>${caption}</figcaption>` +
        `${[...new Set(plots)].join("")}</figure>`
    );
}

/** The same as an SVG document in the colours of `scheme`, no background; null if there is none. */
export function picture({ id, title, draw, widths }, scheme) {
    const plot = draw(widths.at(-1));
    return plot && `${withColours(markup(plot, { id, title, standalone: true }), scheme)}\n`;
}
