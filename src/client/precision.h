#ifndef ECHOPORT_PRECISION_H
#define ECHOPORT_PRECISION_H

/*
 * How well a run knows a percentile of its latency: a confidence interval.
 *
 * Messages of one time are alike: one slow moment makes many of them slow. So a million messages
 * may tell no more than a thousand independent ones would. How many they are worth shows in the
 * batches: it is the share of messages at or below the percentile, and how much that share varies
 * from batch to batch. It is looked at in batches of several lengths, and the worst counts. The
 * interval is then that of the order statistics for so many independent messages. It is never
 * narrower than for the real number, and its ends are rounded outwards to bounds of the histogram.
 */

#include <stdbool.h>
#include <stdint.h>

#include "batches.h"

#define PRECISION_CONFIDENCE 0.95

/* Fewer batches say too little about how much they vary. */
#define PRECISION_BATCHES_MIN 8

#define PRECISION_TEXT 160

struct precision {
    double percentile;
    bool known;
    uint64_t value_ns; /* the percentile; 0 without a message */
    uint64_t low_ns;   /* if known: the true value is within these, with PRECISION_CONFIDENCE */
    uint64_t high_ns;
    uint64_t messages;        /* in all batches */
    double effective;         /* how many independent messages they are worth, 0 to `messages` */
    double correlation;       /* of the shares of neighbouring batches, -1 to 1; NAN: too few */
    bool dependent;           /* it is too high to be chance: the interval may be too narrow */
    char why[PRECISION_TEXT]; /* if not known: the reason */
};

/* Of `count` batches from `first` on. `percentile` is above 0 and below 100. */
void precision_estimate(const struct batches *batches, size_t first, size_t count,
                        double percentile, struct precision *precision);

/* Half of the interval's width, in per cent of the value; NAN if it is not known. */
double precision_half_width_percent(const struct precision *precision);

/* An interval of the rate, in messages per second: the mean of the batches' rates. NAN and NAN for
 * fewer than PRECISION_BATCHES_MIN batches. */
void precision_rate(const struct batches *batches, size_t first, size_t count, double *low,
                    double *high);

#endif
