#ifndef ECHOPORT_CONDITION_H
#define ECHOPORT_CONDITION_H

/*
 * Conditions on what a run measured, as a user writes them: "p99<5ms", "rate>10k", "failures>0".
 * In cmd.exe '<' and '>' redirect files. So "p99-below=5ms" and "p99-above=5ms" mean the same.
 *
 * These are pure functions, which any thread may call.
 */

#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"

enum condition_figure {
    CONDITION_LATENCY,  /* a percentile, nanoseconds */
    CONDITION_MAX,      /* of the latency, nanoseconds */
    CONDITION_MEAN,     /* of the latency, nanoseconds */
    CONDITION_LATENESS, /* a percentile of how late the client began messages, nanoseconds */
    CONDITION_RATE,     /* messages per second */
    CONDITION_BYTES,    /* verified bytes per second, in one direction */
    CONDITION_FAILURES  /* of connections and connects */
};

struct condition {
    enum condition_figure figure;
    bool above;        /* it holds if the figure is above the limit; otherwise, if below */
    double percentile; /* 0 to 100, of CONDITION_LATENCY and CONDITION_LATENESS */
    uint64_t limit;    /* in the figure's unit */
};

/* What the parsers accept, in words. */
#define CONDITION_TAKES                                                                            \
    "a figure (p0 to p100, max, mean, rate, bytes, failures, lateness-p99), < or > (or -below=, "  \
    "-above=) and a limit, as in p99>5ms or rate-below=10k"
#define CONDITION_HIGHEST_TAKES                                                                    \
    "a percentile of the latency and its upper limit, as in p99<1ms or p99.9-below=500us"
#define CONDITION_PRECISION_TAKES                                                                  \
    "a percentile of the latency and a width of 0.1% to 100%, as in p99+-5%"

/* Reads all of `text`. False: it is no condition. Then `condition` has no defined value. */
bool condition_parse(const char *text, struct condition *condition);

/* Whether `text` is a condition; and one that a search for the highest rate can use: a percentile
 * of the latency, above 0 and below 100, is below a limit. */
bool condition_is(const char *text);
bool condition_is_highest(const char *text);

/* What a run measured, or a part of one. */
struct condition_figures {
    const struct histogram *latency;
    const struct histogram *lateness; /* NULL: not measured */
    double seconds;                   /* of the measured time; 0: nothing was measured */
    uint64_t messages;                /* verified in that time */
    uint64_t bytes;
    uint64_t failures;
};

/* The figure that the condition is about, in its unit; NAN: it was not measured. */
double condition_measure(const struct condition *condition,
                         const struct condition_figures *figures);

/* Whether the condition holds for a measured figure. False for NAN. */
bool condition_holds(const struct condition *condition, double measured);

/* How exactly a percentile is to be known: "p99+-5%", with a plus-minus sign in UTF-8 as well. */
struct condition_precision {
    double percentile; /* above 0, below 100 */
    double percent;    /* half the width of the interval, in percent of the figure: 0.1 to 100 */
};

/* Reads all of `text`. False: it is no such condition. Then `precision` has no defined value. */
bool condition_parse_precision(const char *text, struct condition_precision *precision);
bool condition_is_precision(const char *text);

#endif
