#ifndef ECHOPORT_COMPARE_H
#define ECHOPORT_COMPARE_H

/*
 * Has a backend got worse from one document of results to another? Never by absolute figures, which
 * are the machine's, but by its ratios to the other backends.
 *
 * It has in a case and a metric if its ratio to every other backend is surely worse, and by more
 * than the threshold as estimated. Surely: by the exact test of two samples, at 5 % for all
 * questions of the comparison together (Bonferroni). To every other, since if one of them got
 * better no other got worse. Where two backends have the metric the first, to which ratios are,
 * is taken as it was.
 *
 * A backend that has a good run of a case (summary.h) in the old document alone is gone, which is
 * worse than any ratio.
 */

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "summary.h"

/*
 * What is compared. The client is the same program for all and has the same CPU in the same moments
 * where it shares one with the server: then its CPU time is a yardstick that shrinks and grows with
 * the machine's, and what of the server's is counted in it repeats ten times better. It can't stand
 * alone: what a server costs both sides alike does not show in it.
 */
extern const struct summary_metric compare_metrics[]; /* ended by a name that is NULL */

#define COMPARE_ERROR 0.05 /* the chance of any false alarm in a comparison */

struct compare_outcome {
    size_t questions;   /* of a case, a backend and a metric */
    size_t regressions; /* of these, those with the answer yes */
    size_t unanswered;  /* of these, those with too few rounds for being sure of anything */
    size_t gone;        /* backends, each counted in every case that it is gone from */
};

/* `threshold` as a share: 0.03. Says to `out`, which may be NULL, what was found, and which cases
 * are in one document alone, or have another load in the new one and aren't compared. */
struct compare_outcome compare_documents(const json_t *old_document, const json_t *new_document,
                                         double threshold, FILE *out);

/* The command: reads both files, and says what came of it. The exit code: 0; 1: a regression, or a
 * backend is gone, or not one question has an answer; 2: a file is not good, or the two were
 * measured with other options. */
int compare_run(const char *old_path, const char *new_path, double threshold);

#endif
