#ifndef ECHOPORT_ESTIMATE_H
#define ECHOPORT_ESTIMATE_H

/*
 * Medians of a few measurements, and intervals that are exact for small numbers and assume no
 * distribution. Pure functions.
 *
 * Hollander, Wolfe, Chicken: Nonparametric Statistical Methods, 3rd edition, chapters 3 and 4.
 */

#include <stdbool.h>
#include <stddef.h>

/* The most values that a function here takes. */
#define ESTIMATE_MAX 32

/* Fewer pairs never give an interval of 95 %: 2 x 2^-5 is more than 5 %. */
#define ESTIMATE_PAIRS_MIN 6

struct estimate {
    double value;
    bool bounded; /* the count allows an interval; else the members below are 0 */
    double low;
    double high;
    double confidence; /* of the interval, at least what was asked for */
};

/* The median of 1 to ESTIMATE_MAX values. Sorts them. */
double estimate_median(double *values, size_t count);

/*
 * The middle of the differences of 1 to ESTIMATE_MAX pairs: the estimate of Hodges and Lehmann,
 * which is the median of all Walsh averages. The interval is that of Wilcoxon's signed ranks at
 * `confidence` (below 1) or more. Assumes that the differences are spread alike on both sides.
 */
struct estimate estimate_paired(const double *differences, size_t count, double confidence);

/*
 * The probability that the differences of 1 to ESTIMATE_MAX pairs lie this far above 0 although
 * they are spread alike on both sides of it. This is the one-sided exact test of Wilcoxon's signed
 * ranks. Differences of 0 and equal differences make it larger. It is at least 2^-count.
 */
double estimate_paired_above(const double *differences, size_t count);

/* How far `after` lies above `before`, 1 to ESTIMATE_MAX values each: the median of all
 * differences between one of these and one of those. */
double estimate_shift(const double *before, size_t before_count, const double *after,
                      size_t after_count);

/*
 * The probability that `after` lies this far above `before` although both come from the same
 * source. This is the one-sided exact test of Wilcoxon, Mann and Whitney. Equal values make it
 * larger.
 */
double estimate_above(const double *before, size_t before_count, const double *after,
                      size_t after_count);

/* The smallest value of estimate_above() for these numbers of values. */
double estimate_above_least(size_t before_count, size_t after_count);

#endif
