#ifndef ECHOPORT_HISTOGRAM_H
#define ECHOPORT_HISTOGRAM_H

/*
 * A histogram of durations in nanoseconds, log-linear like HdrHistogram. Each power of two is
 * divided into 128 buckets of equal width. So a bucket is less than 1 % (1/128) of its values wide.
 *
 * Fixed in size, without pointers: it may be copied by assignment. It isn't locked: a thread
 * records into its own histogram, and they are merged when the threads are done.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values from 2^42 ns (73 minutes) on are counted in the last bucket. */
#define HISTOGRAM_VALUE_BITS 42
#define HISTOGRAM_SUB_BITS 7
#define HISTOGRAM_BUCKETS ((HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t count;
    uint64_t min;     /* exact; UINT64_MAX when empty */
    uint64_t max;     /* exact; 0 when empty */
    uint64_t sum_low; /* the exact sum, in two words: 2^23 values of one hour overflow one */
    uint64_t sum_high;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

struct histogram_bucket {
    uint64_t lower; /* the values counted, both bounds included */
    uint64_t upper;
    uint64_t count; /* never 0 */
};

/* Makes `histogram` empty. */
void histogram_init(struct histogram *histogram);

/* Makes a zeroed one empty. It writes no bucket: memory that calloc() has not touched stays so. */
void histogram_init_zeroed(struct histogram *histogram);

/* Empties one that has been initialised. Takes less time if its values are close together. */
void histogram_clear(struct histogram *histogram);

/* Counts `value`, in nanoseconds. Any value is allowed. */
void histogram_record(struct histogram *histogram, uint64_t value);

/* Adds to `into` what was recorded in `from`: as if all of it had been recorded in `into`. Takes
 * less time if the values of `from` are close together. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/*
 * The smallest recorded value that `percentile` per cent (0 to 100) of the recorded values don't
 * exceed (nearest rank), in nanoseconds; 0 when nothing is recorded.
 *
 * The result is never less than the exact value, and less than 1 % more. It is exact below 256 ns,
 * for 0 (the minimum) and for 100 (the maximum). A value in the last bucket, of 73 minutes or more,
 * is reported as the maximum.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percentile);

/*
 * Makes a histogram of what another one has told: its buckets, and then its minimum, maximum and
 * mean. It has the same percentiles, and the same mean up to a rounding error of 1e-15 of it.
 *
 * The first adds a bucket to one that is empty or was made so, by its upper bound; the last bucket
 * has any upper bound from 2^42 on. False: no bucket ends there, it is not above the one before,
 * `count` is 0, or all counts together are 2^63 or more. The second is called once. False: they
 * can't be those of the buckets. After false the histogram has no defined value.
 */
bool histogram_add_bucket(struct histogram *histogram, uint64_t upper, uint64_t count);
bool histogram_set_summary(struct histogram *histogram, uint64_t min, uint64_t max, double mean);

/* The mean of the exact values, in nanoseconds; 0 when nothing is recorded. */
double histogram_mean(const struct histogram *histogram);

/* The standard deviation of the values from their exact mean, in nanoseconds; 0 when nothing is
 * recorded. Each value counts as the middle of its bucket, so it is off by less than 1 % of the
 * value. The buckets of the minimum and of the maximum end there. */
double histogram_deviation(const struct histogram *histogram);

/*
 * Steps through the buckets that aren't empty, in ascending order. Fills `bucket` and returns true,
 * or returns false if there are no more. Set `*position` to 0 before the first call.
 */
bool histogram_next(const struct histogram *histogram, size_t *position,
                    struct histogram_bucket *bucket);

#endif
