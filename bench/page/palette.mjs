// The colours, by the names that plots.mjs and style.css use. On both papers each has a contrast of
// at least 3:1, and text of at least 4.5:1. Our backends have own1 to own6, in the order in which
// results name them; `other` is for further ones. Peers and targets are paler.

export const PALETTE = {
    light: {
        paper: "#ffffff",
        panel: "#f6f7f9",
        ink: "#1c2330",
        faint: "#566074",
        axis: "#7b8496",
        grid: "#dde1e8",
        notice: "#b9460a",
        link: "#1d5fc4",
        own1: "#1d5fc4",
        own2: "#b9460a",
        own3: "#0b7a6e",
        own4: "#7a3fd1",
        own5: "#b3226f",
        own6: "#7d5a00",
        other: "#49566b",
        peer: "#6b7486",
        target: "#8a5a2b",
    },
    dark: {
        paper: "#0e131b",
        panel: "#171e29",
        ink: "#e6eaf1",
        faint: "#a3adbd",
        axis: "#7a8597",
        grid: "#2a3341",
        notice: "#ff9a57",
        link: "#7db2ff",
        own1: "#6aa5ff",
        own2: "#ff9a57",
        own3: "#41c9b8",
        own4: "#bb95ff",
        own5: "#ff82bd",
        own6: "#e0bb4e",
        other: "#b3bfd2",
        peer: "#98a2b4",
        target: "#d6a878",
    },
};

const OWN = Object.keys(PALETTE.light).filter((name) => /^own\d$/.test(name));

/** A function that returns the colour of a subject. `subjects`: all that are drawn. */
export function colours(subjects) {
    const own = [...new Set(subjects.filter(({ kind }) => kind === "own").map(({ name }) => name))];
    const place = ({ name }) => OWN[own.indexOf(name)] ?? "other";
    return (subject) => `var(--${subject.kind === "own" ? place(subject) : subject.kind})`;
}

/** Custom properties of one scheme, "light" or "dark", for a CSS rule. */
export const properties = (scheme) =>
    Object.entries(PALETTE[scheme])
        .map(([name, value]) => `--${name}: ${value};`)
        .join(" ");

/** `text` with the properties replaced by their values, for a picture that stands alone. */
export const withColours = (text, scheme) =>
    text.replace(/var\(--([a-z0-9]+)\)/g, (_, name) => PALETTE[scheme][name]);
