// Numbers for people: three significant digits and a unit.

const digits = (value) => {
    const decimals = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
    return value.toFixed(Math.min(decimals, 3));
};

// The largest of `steps` ([size, name], ascending) that `value` reaches; the first for what is
// smaller.
const scaled = (value, steps) => {
    const rounded = Number(value.toPrecision(3));
    const step = steps.findLast(([size]) => Math.abs(rounded) >= size) ?? steps[0];
    return `${digits(rounded / step[0])} ${step[1]}`.trim();
};

const COUNTS = [
    [1, ""],
    [1e3, "k"],
    [1e6, "M"],
    [1e9, "G"],
];
const TIMES = [
    [1e-9, "ns"],
    [1e-6, "µs"],
    [1e-3, "ms"],
    [1, "s"],
];
const SIZES = [
    [1, "B"],
    [2 ** 10, "KiB"],
    [2 ** 20, "MiB"],
    [2 ** 30, "GiB"],
];

/** 183204 -> "183 k" */
export const count = (value) => scaled(value, COUNTS);

/** Seconds: 0.0000051 -> "5.10 µs" */
export const time = (seconds) => scaled(seconds, TIMES);

/** Bytes: 4833280 -> "4.61 MiB" */
export const size = (bytes) => scaled(bytes, SIZES);

/** 1.2149 -> "1.21" */
export const ratio = (value) => value.toFixed(2);

/** 0.999 -> "99.9 %" */
export const percent = (share) => `${Number((100 * share).toFixed(3))} %`;

/** A label for a tick: without trailing zeros, tick(time)(0.01) -> "10 ms" */
export const tick = (format) => (value) => {
    if (value === 0) {
        return "0";
    }
    const [number, unit = ""] = format(value).split(" ");
    return `${Number(number)} ${unit}`.trim();
};
