#ifndef ECHOPORT_SUMMARY_H
#define ECHOPORT_SUMMARY_H

/*
 * What the runs of a case say together: a summary of each subject, and ratios between them, each
 * with an exact interval. A ratio is made of pairs, the two runs of a round, so that what disturbs
 * the machine for a while disturbs both.
 *
 * A run with a mark is not averaged in: not at all if it failed or its books disagree; and if the
 * client was the bottleneck everywhere but in what a message costs, which it doesn't change. A
 * subject with more than one such run in a case has no figures of speed there, and no ratios of
 * them: what was left would be those of its runs in which it happened to be slow.
 */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* That an interval holds the truth, at least. */
#define SUMMARY_CONFIDENCE 0.95

/* A quantity that ratios are made of. */
struct summary_metric {
    const char *name;    /* the member of a run */
    bool less_is_better; /* else more */
};

extern const struct summary_metric summary_metrics[]; /* ended by a name that is NULL */

/* Whether the run counts for anything: it didn't fail, and its books agree. */
bool summary_is_good(const json_t *run);

/* Whether a subject has such a run in the case. */
bool summary_has_good_run(const json_t *test_case, const char *subject);

/* Whether that quantity of the run, a member or a path, is there and may be averaged. */
bool summary_counts(const json_t *run, const char *metric);

/* Whether the client was the bottleneck in more than one run of the subject. */
bool summary_is_client_bound(const json_t *test_case, const char *subject);

/* The logarithms of the ratios subject : base of one metric, one for each round in which both have
 * it; none if it is one of speed and either is client-bound. Returns how many there are, at most
 * ESTIMATE_MAX; `logs` has room for them. */
size_t summary_pairs(const json_t *test_case, const char *subject, const char *base,
                     const char *metric, double *logs);

/* The ratio subject : base of one metric, as the results have it, which is the caller's; NULL:
 * there is no pair. */
json_t *summary_make_ratio(const json_t *test_case, const char *subject, const char *base,
                           const char *metric);

/* Makes a case's members "subjects" and "ratios" out of "runs". The bases of ratios are the first
 * subject, and for our backends each peer and target besides, and the same of an older server. */
void summary_make(json_t *test_case);

/* The ratio of a case for these, or NULL. */
const json_t *summary_ratio(const json_t *test_case, const char *subject, const char *base,
                            const char *metric);

/* Whether it is one of our backends, and not an older server's. */
bool summary_is_ours(const char *subject);

#endif
