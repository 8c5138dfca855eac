#ifndef ECHOPORT_ESTIMATE_H
#define ECHOPORT_ESTIMATE_H

/*
 * What a few measurements tell, and how sure it is: medians, and intervals that are exact for small
 * numbers and assume no distribution. Pure functions.
 *
 * Hollander, Wolfe, Chicken: Nonparametric Statistical Methods, 3rd edition, chapters 3 and 4.
 */

#include <stdbool.h>
#include <stddef.h>

/* No function here takes more values than that. */
#define ESTIMATE_MAX 32

/* Fewer pairs don't give an interval of 95 %, whatever they are: 2 x 2^-5 is more than 5 %. */
#define ESTIMATE_PAIRS_MIN 6

struct estimate {
    double value;
    bool bounded; /* the count allows an interval; else the members below are 0 */
    double low;
    double high;
    double confidence; /* that the interval really has, at least what was asked for */
};

/* Of 1 to ESTIMATE_MAX values, which it leaves sorted. */
double estimate_median(double *values, size_t count);

/*
 * Where the differences of 1 to ESTIMATE_MAX pairs have their middle: the estimate of Hodges and
 * Lehmann, the median of all Walsh averages, with the interval of Wilcoxon's signed ranks at
 * `confidence` (below 1) or more. Assumes that the differences are spread alike on both sides.
 */
struct estimate estimate_paired(const double *differences, size_t count, double confidence);

/*
 * The probability that the differences of 1 to ESTIMATE_MAX pairs would lie as far above 0, if they
 * were spread alike on both sides of it: the one-sided exact test of Wilcoxon's signed ranks.
 * Differences of 0 and equal ones speak against it. The least that it can be is 2^-count.
 */
double estimate_paired_above(const double *differences, size_t count);

/* How far `after` lies above `before`, 1 to ESTIMATE_MAX values each: the median of all
 * differences between one of these and one of those. */
double estimate_shift(const double *before, size_t before_count, const double *after,
                      size_t after_count);

/*
 * The probability that `after` would lie as far above `before`, if both came from the same source:
 * the one-sided exact test of Wilcoxon, Mann and Whitney. Values that are equal speak against it.
 */
double estimate_above(const double *before, size_t before_count, const double *after,
                      size_t after_count);

/* The least that estimate_above() can be for as many values. */
double estimate_above_least(size_t before_count, size_t after_count);

#endif
