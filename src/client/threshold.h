#ifndef ECHOPORT_THRESHOLD_H
#define ECHOPORT_THRESHOLD_H

/*
 * --fail-if: conditions under which what was measured is not good enough. They say nothing about
 * whether the run succeeded: that is the verdict. Any thread; no state.
 */

#include <stdbool.h>
#include <stddef.h>

#include "condition.h"
#include "json.h"
#include "option_table.h"
#include "text.h"

struct threshold {
    const char *text; /* as it was given */
    struct condition condition;
    double measured; /* in the unit of the figure; NAN: it was not measured */
    bool ok;         /* it was measured, and the condition does not hold */
};

struct thresholds {
    struct threshold items[OPTION_STRINGS_MAX]; /* in the order given */
    size_t count;
    bool ok; /* all are */
};

/* Measures each of `conditions`, which are conditions. Their texts must stay. */
void threshold_judge(const struct option_strings *conditions,
                     const struct condition_figures *figures, struct thresholds *thresholds);

/* A line for each. */
void threshold_text(const struct thresholds *thresholds, struct text *out);

/* The member `thresholds`. */
void threshold_json(const struct thresholds *thresholds, struct json *json);

#endif
