#include "histogram.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/*
 * The index of a value is (shift << 7) + (value >> shift), with the least shift that leaves at most
 * 8 bits. Values of up to 8 bits are their own index. Each further power of two has the next 128
 * indices: the highest of its 8 bits is always set.
 */

#define SUB_COUNT (UINT64_C(1) << HISTOGRAM_SUB_BITS)
#define COUNT_MAX (UINT64_MAX / 2)  /* of a histogram that another one has told */
#define WORD 18446744073709551616.0 /* 2^64 */
#define VALUE_LIMIT (UINT64_C(1) << HISTOGRAM_VALUE_BITS)

/* By halving, without a branch that could be mispredicted; C has no operator for it. */
static unsigned highest_bit(uint64_t value)
{
    unsigned index = 0;

    for (unsigned width = 32; width > 0; width /= 2) {
        unsigned shift = (unsigned)(value >> width != 0) * width;

        value >>= shift;
        index += shift;
    }
    return index;
}

static size_t bucket_index(uint64_t value)
{
    unsigned shift;

    if (value >= VALUE_LIMIT) {
        return HISTOGRAM_BUCKETS - 1;
    }
    shift = highest_bit(value | SUB_COUNT) - HISTOGRAM_SUB_BITS;
    return (size_t)(shift * SUB_COUNT + (value >> shift));
}

static uint64_t bucket_lower(size_t index)
{
    size_t octave = index >> HISTOGRAM_SUB_BITS;
    size_t shift = octave > 0 ? octave - 1 : 0;

    assert(index <= HISTOGRAM_BUCKETS);
    return (index - shift * SUB_COUNT) << shift;
}

/* The last bucket has no upper bound of its own. */
static uint64_t bucket_upper(size_t index)
{
    assert(index < HISTOGRAM_BUCKETS);
    return index == HISTOGRAM_BUCKETS - 1 ? UINT64_MAX : bucket_lower(index + 1) - 1;
}

void histogram_init(struct histogram *histogram)
{
    assert(histogram != NULL);
    memset(histogram, 0, sizeof *histogram);
    histogram_init_zeroed(histogram);
}

void histogram_init_zeroed(struct histogram *histogram)
{
    assert(histogram->count == 0 && histogram->max == 0);
    histogram->min = UINT64_MAX;
}

void histogram_clear(struct histogram *histogram)
{
    if (histogram->count > 0) {
        size_t first = bucket_index(histogram->min);
        size_t count = bucket_index(histogram->max) - first + 1;

        memset(&histogram->buckets[first], 0, count * sizeof histogram->buckets[0]);
    }
    histogram->count = histogram->max = histogram->sum_low = histogram->sum_high = 0;
    histogram->min = UINT64_MAX;
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    size_t index = bucket_index(value);

    assert(index < HISTOGRAM_BUCKETS);
    histogram->buckets[index]++;
    histogram->count++;
    histogram->sum_low += value;
    histogram->sum_high += histogram->sum_low < value;
    if (value < histogram->min) {
        histogram->min = value;
    }
    if (value > histogram->max) {
        histogram->max = value;
    }
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    size_t last;

    assert(into != from);
    assert(from->count <= UINT64_MAX - into->count);
    if (from->count == 0) {
        return;
    }
    last = bucket_index(from->max);
    for (size_t index = bucket_index(from->min); index <= last; index++) {
        into->buckets[index] += from->buckets[index];
    }
    into->count += from->count;
    into->sum_low += from->sum_low;
    into->sum_high += from->sum_high + (into->sum_low < from->sum_low);
    if (from->min < into->min) {
        into->min = from->min;
    }
    if (from->max > into->max) {
        into->max = from->max;
    }
}

/* The nearest rank, 1 to count. Few decimal fractions are exact, so the product may be slightly too
 * large. That must not round up to the next rank. */
static uint64_t nearest_rank(uint64_t count, double percentile)
{
    const double tolerance = 1e-12;
    double exact = percentile * (double)count / 100.0 * (1.0 - tolerance);
    uint64_t rank;

    assert(count > 0);
    if (percentile >= 100.0) {
        return count;
    }
    rank = (uint64_t)exact;
    rank += (double)rank < exact;
    return rank > 0 ? rank : 1;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percentile)
{
    uint64_t rank;
    uint64_t passed = 0;
    size_t index = 0;

    assert(percentile >= 0.0 && percentile <= 100.0);
    if (histogram->count == 0) {
        return 0;
    }
    rank = nearest_rank(histogram->count, percentile);
    if (rank == 1) {
        return histogram->min;
    }
    while (passed + histogram->buckets[index] < rank) {
        passed += histogram->buckets[index];
        index++;
        assert(index < HISTOGRAM_BUCKETS);
    }
    return bucket_upper(index) < histogram->max ? bucket_upper(index) : histogram->max;
}

double histogram_mean(const struct histogram *histogram)
{
    if (histogram->count == 0) {
        return 0.0;
    }
    assert(histogram->min <= histogram->max);
    return ((double)histogram->sum_high * WORD + (double)histogram->sum_low) /
           (double)histogram->count;
}

bool histogram_add_bucket(struct histogram *histogram, uint64_t upper, uint64_t count)
{
    size_t index = bucket_index(upper);
    bool ends_there = index == HISTOGRAM_BUCKETS - 1 || bucket_upper(index) == upper;
    bool above = histogram->count == 0 || index > bucket_index(histogram->max);

    if (!ends_there || !above || count == 0 || count > COUNT_MAX - histogram->count) {
        return false;
    }
    if (histogram->count == 0) {
        histogram->min = bucket_lower(index);
    }
    histogram->max = bucket_lower(index);
    histogram->buckets[index] = count;
    histogram->count += count;
    return true;
}

/* Sets the sum to a number of 0 or more. It is less than 2^127, since the count is less than 2^63
 * and no value is greater than 2^64. */
static void set_sum(struct histogram *histogram, double sum)
{
    double high = floor(sum / WORD);
    double low = round(sum - high * WORD); /* exact, except for the fraction */

    histogram->sum_high = (uint64_t)high;
    histogram->sum_low = low < WORD ? (uint64_t)low : UINT64_MAX;
}

bool histogram_set_summary(struct histogram *histogram, uint64_t min, uint64_t max, double mean)
{
    const double tolerance = 1e-12; /* the mean may be rounded to a value beyond */
    bool between = mean >= (double)min * (1 - tolerance) && mean <= (double)max * (1 + tolerance);

    if (histogram->count == 0 || min > max || !between ||
        bucket_index(min) != bucket_index(histogram->min) ||
        bucket_index(max) != bucket_index(histogram->max)) {
        return false;
    }
    histogram->min = min;
    histogram->max = max;
    set_sum(histogram, mean * (double)histogram->count);
    return true;
}

/* The middle of the values that a bucket can hold, given the minimum and the maximum. */
static double bucket_middle(const struct histogram *histogram,
                            const struct histogram_bucket *bucket)
{
    uint64_t lower = bucket->lower > histogram->min ? bucket->lower : histogram->min;
    uint64_t upper = bucket->upper < histogram->max ? bucket->upper : histogram->max;

    return ((double)lower + (double)upper) / 2.0;
}

double histogram_deviation(const struct histogram *histogram)
{
    double mean = histogram_mean(histogram);
    double squares = 0.0;
    struct histogram_bucket bucket;
    size_t position = 0;

    while (histogram_next(histogram, &position, &bucket)) {
        double distance = bucket_middle(histogram, &bucket) - mean;

        squares += distance * distance * (double)bucket.count;
    }
    return histogram->count > 0 ? sqrt(squares / (double)histogram->count) : 0.0;
}

bool histogram_next(const struct histogram *histogram, size_t *position,
                    struct histogram_bucket *bucket)
{
    size_t index = *position;

    assert(index <= HISTOGRAM_BUCKETS);
    while (index < HISTOGRAM_BUCKETS && histogram->buckets[index] == 0) {
        index++;
    }
    if (index == HISTOGRAM_BUCKETS) {
        *position = index;
        return false;
    }
    bucket->lower = bucket_lower(index);
    bucket->upper = bucket_upper(index);
    bucket->count = histogram->buckets[index];
    *position = index + 1;
    return true;
}
