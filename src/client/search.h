#ifndef ECHOPORT_SEARCH_H
#define ECHOPORT_SEARCH_H

/*
 * The search for the highest rate at which a percentile of the latency stays below a limit. It
 * doubles the rate until a step fails, and then halves the interval until it is narrow enough. If
 * the first step fails, it halves the rate until a step holds.
 *
 * A step holds if enough of the messages that were due in it were answered in time, and no backlog
 * grows. A step that fails is repeated at the same rate
 *
 *   - once, if it failed narrowly: at least half as many messages as needed were in time;
 *   - twice at most, if it was disturbed: the client itself was late; or it failed narrowly, and a
 *     thread of the client had to wait for a CPU.
 *
 *     search_init -> while (search_next) search_judge
 *
 * No clock and no I/O: what a step measured is given. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

#define SEARCH_STEPS_MAX 128
#define SEARCH_RESOLUTION 0.01 /* the search ends when the interval is this share of the answer */
#define SEARCH_QUARTERS 4

struct search_plan {
    double percentile; /* above 0, below 100 */
    uint64_t limit_ns; /* above 0 */
    double first;      /* messages per second; from `lowest` to `highest` */
    double lowest;     /* above 0 */
    double highest;
};

/* What a step measured. */
struct search_figures {
    uint64_t due;                    /* messages in the measured time */
    uint64_t in_time;                /* those of them that were answered within the limit */
    double backlog[SEARCH_QUARTERS]; /* messages due and not answered, mean of each quarter; NAN:
                                        not measured */
    uint64_t lateness_ns;            /* of the client itself, at the percentile */
    double waited;                   /* the share of the time, 0 to 1, that a thread of the client
                                        was ready and had no CPU; NAN: not known */
    bool failed;                     /* the run did not succeed: a part of it was never sent, or
                                        timed out */
};

enum search_outcome {
    SEARCH_HELD,
    SEARCH_SLOW,     /* too few messages were in time */
    SEARCH_GROWS,    /* the backlog grows */
    SEARCH_FAILED,   /* the run did not succeed */
    SEARCH_DISTURBED /* one of these three, but the client itself was late */
};

struct search_step {
    double rate;   /* messages per second */
    double share;  /* of messages in time, 0 to 1 */
    double growth; /* of the backlog, as a share of the messages due; NAN: not measured */
    uint64_t lateness_ns;
    double waited; /* as above */
    enum search_outcome outcome;
    bool repeated; /* it does not count: the next step has the same rate */
};

struct search {
    struct search_plan plan;
    struct search_step steps[SEARCH_STEPS_MAX];
    size_t count;
    double held;      /* the highest rate that held; 0: none */
    double failed;    /* the lowest rate that failed; INFINITY: none */
    bool client_late; /* at `failed` the client itself was late, each time */
};

void search_init(struct search *search, const struct search_plan *plan);

/* The rate of the next step. False: the search is over. */
bool search_next(const struct search *search, double *rate);

/* Judges the step at the rate that search_next() gave. Returns it. */
const struct search_step *search_judge(struct search *search, const struct search_figures *figures);

/* How it stands, or how it ended. */
enum search_end {
    SEARCH_OPEN,   /* the interval is not narrow enough yet */
    SEARCH_FOUND,  /* the answer is `held`; `failed` is within the resolution */
    SEARCH_NEVER,  /* it does not hold even at the lowest rate */
    SEARCH_ALWAYS, /* it holds at the highest rate, too */
    SEARCH_CLIENT  /* above `held`, the client itself was late: that can't be told from a server
                      that is late */
};

enum search_end search_end(const struct search *search);

/* "found", "never", ... */
const char *search_end_name(enum search_end end);

/* "held", "slow", "backlog", "failed", "disturbed". */
const char *search_outcome_name(enum search_outcome outcome);

/* How many of the recorded values are below `limit_ns`, to the histogram's resolution: as
 * histogram_percentile() counts. */
uint64_t search_in_time(const struct histogram *latency, uint64_t limit_ns);

#endif
