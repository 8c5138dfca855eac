#ifndef ECHOPORT_AGAINST_H
#define ECHOPORT_AGAINST_H

/*
 * Is a backend slower than the same of an older server? Both are in the same rounds, so the ratio
 * of each pair is new to old and nothing else.
 *
 * It seems slower in a case and a metric if its ratio is worse with a chance of 5 % or less that
 * this is an accident, and by more than the threshold as estimated. What seems so is measured
 * again.
 * It is slower if the second run says the same, at 5 % for all that it is asked together
 * (Bonferroni). So of builds that are alike one comparison in twenty at the most says "slower".
 */

#include <stdbool.h>

#include <jansson.h>

#include "text.h"

#define AGAINST_THRESHOLD 0.03
#define AGAINST_ERROR 0.05

struct against_outcome {
    size_t questions;  /* of a case, a backend and a metric, in the first run */
    size_t suspects;   /* of these, those that seem slower in it */
    size_t slower;     /* of these, those that are, by the second */
    size_t unanswered; /* of these, those with too few rounds for being sure of anything */
    size_t gone;       /* backends without a good run in a case of which the older server has one */
};

/* Whether one of our backends seems slower in a case, in any metric; of an older server: whether
 * the same of ours does. */
bool against_seems_slower(const json_t *test_case, const char *subject);

/* `again` has the cases of the second run; NULL: there was none. Adds to `out`, unless it is NULL,
 * what seemed slower and whether the second run confirmed it. */
struct against_outcome against_judge(const json_t *cases, const json_t *again, struct text *out);

/* Adds a summary to `out`. Returns the exit code: 0; 1: something is slower or gone, or could not
 * be confirmed, or nothing was compared. */
int against_conclude(const struct against_outcome *outcome, struct text *out);

#endif
