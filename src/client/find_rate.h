#ifndef ECHOPORT_FIND_RATE_H
#define ECHOPORT_FIND_RATE_H

/*
 * --find-rate: runs one step after another until the search for the highest rate is over, and
 * reports how it went. Each step is a whole run of the load, with connections of its own and every
 * byte verified. Main thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "search.h"
#include "text.h"

/* A step at the lowest rate has at least this many messages, and enough for the percentile: 100 for
 * p99, 1,000 for p99.9. */
#define FIND_RATE_MESSAGES 10

struct find_rate {
    const char *condition; /* as it was given */
    struct search search;
    bool stopped; /* before its end, by the user */
    bool broken;  /* a step failed, for another reason than its rate */
};

enum find_rate_end {
    FIND_RATE_MEASURED,
    FIND_RATE_STOPPED, /* the user has asked to stop */
    FIND_RATE_BROKEN   /* it failed, for another reason than its rate */
};

/* What runs a step, at messages per second. */
struct find_rate_runner {
    enum find_rate_end (*run)(void *context, double rate, struct search_figures *figures);
    void (*judged)(void *context,
                   const struct search_step *step); /* after each that was measured */
    void *context;
};

/*
 * Prepares a search for `condition`, which condition_is_highest() and which must stay. `first`:
 * messages per second of the first step, or the lowest rate if that is more; 0: 1,000. `step_ns`:
 * the measured time of a step.
 */
void find_rate_init(struct find_rate *find, const char *condition, double first, uint64_t step_ns);

/* Runs steps until the search is over, is stopped or breaks. Prints a line for each to stderr. */
void find_rate_run(struct find_rate *find, const struct find_rate_runner *runner);

/* The exit code of the search: 0: it has found the rate; 1: broken; 3: it can't tell, or the
 * condition does not hold even at the lowest rate. */
int find_rate_code(const struct find_rate *find);

/* The line of a report, and the member `find_rate`. */
void find_rate_text(const struct find_rate *find, struct text *out);
void find_rate_json(const struct find_rate *find, struct json *json);

#endif
