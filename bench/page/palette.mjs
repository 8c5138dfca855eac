// The colours, by the names that plots.mjs and style.css call them. On both papers each has a
// contrast of at least 3:1, and text of at least 4.5:1. Peers and targets are the background that
// our backends stand before.

export const PALETTE = {
    light: {
        paper: "#ffffff",
        panel: "#f6f7f9",
        ink: "#1c2330",
        faint: "#566074",
        axis: "#7b8496",
        grid: "#dde1e8",
        link: "#1d5fc4",
        uv: "#1d5fc4",
        io_uring: "#b9460a",
        epoll: "#0b7a6e",
        iocp: "#7a3fd1",
        kqueue: "#b3226f",
        raw: "#7d5a00",
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
        link: "#7db2ff",
        uv: "#6aa5ff",
        io_uring: "#ff9a57",
        epoll: "#41c9b8",
        iocp: "#bb95ff",
        kqueue: "#ff82bd",
        raw: "#e0bb4e",
        other: "#b3bfd2",
        peer: "#98a2b4",
        target: "#d6a878",
    },
};

/** Custom properties of one scheme, "light" or "dark", for a CSS rule. */
export const properties = (scheme) =>
    Object.entries(PALETTE[scheme])
        .map(([name, value]) => `--${name}: ${value};`)
        .join(" ");

/** `text` with the properties replaced by their values, for a picture that stands alone. */
export const withColours = (text, scheme) =>
    text.replace(/var\(--([a-z_]+)\)/g, (_, name) => PALETTE[scheme][name]);
