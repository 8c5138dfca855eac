#ifndef ECHOPORT_SUMMARY_H
#define ECHOPORT_SUMMARY_H

/*
 * A summary of each subject of a case, and ratios between subjects, each with an exact interval. A
 * ratio is made of pairs, the two runs of a round, so a disturbance that lasts a while disturbs
 * both.
 *
 * A run counts for nothing if it failed or its books disagree. A run in which the client was the
 * bottleneck counts only for what a message costs, which does not depend on that. A subject with
 * more than one such run in a case has no figures of speed there and no ratios of them. The
 * remaining runs would be those in which it happened to be slow.
 */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* The least confidence of an interval. */
#define SUMMARY_CONFIDENCE 0.95

/* A quantity that has ratios. */
struct summary_metric {
    const char *name;    /* the member of a run */
    bool less_is_better; /* else more */
};

extern const struct summary_metric summary_metrics[]; /* the last has the name NULL */

/* Whether the run is good: it did not fail, and its books agree. */
bool summary_is_good(const json_t *run);

/* Whether a subject has a good run in the case. */
bool summary_has_good_run(const json_t *test_case, const char *subject);

/* Whether the run has that quantity, a member or a path, and it counts. */
bool summary_counts(const json_t *run, const char *metric);

/* Whether the client was the bottleneck in more than one run of the subject. */
bool summary_is_client_bound(const json_t *test_case, const char *subject);

/* The logarithms of the ratios subject : base of one metric, one for each round in which both have
 * it. There are none for a metric of speed if either is client-bound. Returns how many there are,
 * at most ESTIMATE_MAX; `logs` must have room for that. */
size_t summary_pairs(const json_t *test_case, const char *subject, const char *base,
                     const char *metric, double *logs);

/* The ratio subject : base of one metric, as an object of the results; the caller owns it. NULL:
 * there is no pair. */
json_t *summary_make_ratio(const json_t *test_case, const char *subject, const char *base,
                           const char *metric);

/* Makes the members "subjects" and "ratios" of a case from its "runs". Ratios are to the first
 * subject. Those of our backends are also to each peer and target, and to the same of the older
 * server. */
void summary_make(json_t *test_case);

/* The ratio of these in a case, or NULL. */
const json_t *summary_ratio(const json_t *test_case, const char *subject, const char *base,
                            const char *metric);

/* Whether it is one of our backends, and not an older server's. */
bool summary_is_ours(const char *subject);

#endif
