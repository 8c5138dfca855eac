#ifndef ECHOPORT_AGAINST_H
#define ECHOPORT_AGAINST_H

/*
 * Is a backend slower than the same backend of an older server? Both run in the same rounds, so the
 * ratio of a pair is new to old and nothing else.
 *
 * A backend seems slower in a case and a metric if two conditions hold. The estimate of its ratio
 * is worse by more than the threshold, and the chance of that by accident is 5 % or less. Suspects
 * are measured again. A backend is slower if the second run says the same, at 5 % for all its
 * questions together (Bonferroni). So for equal builds at most one comparison in twenty says
 * "slower".
 */

#include <stdbool.h>

#include <jansson.h>

#include "text.h"

#define AGAINST_THRESHOLD 0.03
#define AGAINST_ERROR 0.05

struct against_outcome {
    size_t questions;  /* of a case, a backend and a metric, in the first run */
    size_t suspects;   /* of these, those that seem slower in it */
    size_t slower;     /* of these, those that are slower in the second run */
    size_t unanswered; /* of these, those with too few rounds for an answer */
    size_t gone;       /* backends without a good run in a case of which the older server has one */
};

/* Whether a backend of ours seems slower in a case, in any metric. For a backend of the older
 * server: whether ours of that name does. */
bool against_seems_slower(const json_t *test_case, const char *subject);

/* `again`: the cases of the second run, or NULL if there was none. Adds to `out`, unless it is
 * NULL, the suspects and whether the second run confirmed them. */
struct against_outcome against_judge(const json_t *cases, const json_t *again, struct text *out);

/* Adds a summary to `out`. Returns the exit code: 0; 1: something is slower or gone, or could not
 * be confirmed, or nothing was compared. */
int against_conclude(const struct against_outcome *outcome, struct text *out);

#endif
