#ifndef ECHOPORT_COMPARE_H
#define ECHOPORT_COMPARE_H

/*
 * Has a backend got worse from one document of results to another? Only its ratios to the other
 * backends count: absolute figures depend on the machine.
 *
 * A backend got worse in a case and a metric if its ratio to every other backend is surely worse,
 * by more than the threshold. "Surely" means by the exact test of two samples, at 5 % for all
 * questions of the comparison together (Bonferroni). The ratio to every other must be worse: if one
 * of the others got better, only the ratio to that one looks worse. Where only two backends have
 * the metric, the first counts as unchanged; ratios are made to it.
 *
 * A backend that has a good run of a case (summary.h) only in the old document is gone, which is
 * worse than any ratio.
 */

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "summary.h"

/*
 * What is compared. The client is the same program for all servers. Where it shares a CPU with the
 * server, its CPU time changes with the machine as the server's does. So the ratio of the two
 * repeats ten times better. It is not enough alone: it does not show what a server costs both sides
 * alike.
 */
extern const struct summary_metric compare_metrics[]; /* ended by a name that is NULL */

#define COMPARE_ERROR 0.05 /* the chance of a false alarm in a comparison */

struct compare_outcome {
    size_t questions;   /* of a case, a backend and a metric */
    size_t regressions; /* of these, those with the answer yes */
    size_t unanswered;  /* of these, those with too few rounds for an answer */
    size_t gone;        /* backends, each counted in every case that it is gone from */
};

/* `threshold` is a share: 0.03. Writes the findings to `out`, unless it is NULL. It also names the
 * cases that are not compared: in one document alone, or with another load in the new one. */
struct compare_outcome compare_documents(const json_t *old_document, const json_t *new_document,
                                         double threshold, FILE *out);

/* The command: reads both files and prints the result. Returns the exit code: 0; 1: a regression, a
 * backend that is gone, or no question has an answer; 2: a file is not good, or the two were
 * measured with different options. */
int compare_run(const char *old_path, const char *new_path, double threshold);

#endif
