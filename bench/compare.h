#ifndef ECHOPORT_COMPARE_H
#define ECHOPORT_COMPARE_H

/*
 * Has a backend got worse from one document of results to another? Never by absolute figures, which
 * are the machine's, but by its ratios to the other backends.
 *
 * It has in a case and a metric if its ratio to every other backend is worse by more than the
 * threshold, and surely so: by the exact test of two samples, at 5 % for all questions of the
 * comparison together (Bonferroni). To every other, since if one of them got better nobody else got
 * worse. With two backends the first, to which ratios are, is taken as it was.
 */

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#define COMPARE_ERROR 0.05 /* the chance of any false alarm in a comparison */

struct compare_outcome {
    size_t questions;   /* of a case, a backend and a metric */
    size_t regressions; /* of these, those with the answer yes */
    size_t unanswered;  /* of these, those with too few rounds for being sure of anything */
};

/* `threshold` as a share: 0.03. Says to `out`, which may be NULL, what was found, and which cases
 * are in one document alone. */
struct compare_outcome compare_documents(const json_t *old_document, const json_t *new_document,
                                         double threshold, FILE *out);

/* The command: reads both files. The exit code: 0; 1: a regression, or nothing to compare; 2: a
 * file is not good. */
int compare_run(const char *old_path, const char *new_path, double threshold);

#endif
