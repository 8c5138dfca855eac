#include "precision.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "chance.h"
#include "units.h"

#define TAIL ((1 - PRECISION_CONFIDENCE) / 2)

/* The interval is not made narrower by more messages than this: the histogram is no finer. */
#define EFFECTIVE_MAX 1e6

/* How many standard errors a correlation must be above 0 so that it is no chance: one in 200. */
#define CORRELATION_ERRORS 2.6
#define CORRELATION_BATCHES_MIN 16

/* The messages of a batch, and how many of them are at or below the percentile. */
struct batch_share {
    double messages;
    double below;
};

/* ---- the shares of the batches ------------------------------------------------------------- */

static double count_below(const struct histogram *histogram, uint64_t value_ns)
{
    struct histogram_bucket bucket;
    size_t position = 0;
    uint64_t below = 0;
    while (histogram_next(histogram, &position, &bucket) && bucket.lower <= value_ns) {
        below += bucket.count;
    }
    return (double)below;
}

static void share_batches(const struct batches *batches, size_t first, size_t count,
                          uint64_t value_ns, struct batch_share *shares)
{
    for (size_t i = 0; i < count; i++) {
        const struct histogram *latency = &batches->list[first + i].latency;
        shares[i] = (struct batch_share){.messages = (double)latency->count,
                                         .below = count_below(latency, value_ns)};
    }
}

/* Makes one of each two neighbours. Returns how many are left; an odd one joins the last. */
static size_t share_halve(struct batch_share *shares, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct batch_share from = shares[i];
        size_t to = i / 2 < count / 2 ? i / 2 : count / 2 - 1;
        if (i % 2 == 0 && to == i / 2) {
            shares[to] = from;
        } else {
            shares[to].messages += from.messages;
            shares[to].below += from.below;
        }
    }
    return count / 2;
}

static double share_mean(const struct batch_share *shares, size_t count)
{
    struct batch_share sum = {0};
    for (size_t i = 0; i < count; i++) {
        sum.messages += shares[i].messages;
        sum.below += shares[i].below;
    }
    return sum.below / sum.messages;
}

/* By how much the share may be wrong: Student's t times its standard error. It is the error of a
 * ratio, since the batches have different numbers of messages. */
static double share_error(const struct batch_share *shares, size_t count)
{
    double mean = share_mean(shares, count);
    double squares = 0;
    double messages = 0;
    for (size_t i = 0; i < count; i++) {
        double rest = shares[i].below - mean * shares[i].messages;
        squares += rest * rest;
        messages += shares[i].messages;
    }
    double variance = squares * (double)count / (double)(count - 1);
    return chance_student((double)(count - 1), TAIL) * sqrt(variance) / messages;
}

/* Between neighbours. */
static double share_correlation(const struct batch_share *shares, size_t count)
{
    double mean = share_mean(shares, count);
    double squares = 0;
    double products = 0;
    double last = 0;
    for (size_t i = 0; i < count; i++) {
        double rest = shares[i].below - mean * shares[i].messages;
        squares += rest * rest;
        products += rest * last;
        last = rest;
    }
    return squares > 0 ? products / squares : 0;
}

/* ---- the interval -------------------------------------------------------------------------- */

/* Looks at batches of several lengths. Finds the greatest error, and the correlation of the longest
 * batches that are enough to tell. */
static double find_error(struct batch_share *shares, size_t count, struct precision *precision)
{
    double error = 0;
    for (; count >= PRECISION_BATCHES_MIN; count = share_halve(shares, count)) {
        error = fmax(error, share_error(shares, count));
        if (count >= CORRELATION_BATCHES_MIN) {
            precision->correlation = share_correlation(shares, count);
            precision->dependent =
                precision->correlation > CORRELATION_ERRORS / sqrt((double)count);
        }
    }
    return error;
}

/* How many independent messages would have that error. */
static double find_effective(double error, double share, double messages)
{
    double ratio = chance_normal(TAIL) / error;
    double effective = error > 0 ? share * (1 - share) * ratio * ratio : messages;
    return fmin(effective, messages);
}

/* The rank that at least so many of the independent messages reach with that chance. */
static double find_rank(double messages, double share, double chance)
{
    double low = 0;
    double high = messages;
    for (int i = 0; i < 60 && high - low > 1e-9 * messages; i++) {
        double middle = (low + high) / 2;
        if (chance_at_least(middle, messages, share) > chance) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}

/* The bucket of the rank, from 1. */
static struct histogram_bucket find_bucket(const struct histogram *histogram, double rank)
{
    struct histogram_bucket bucket = {0};
    size_t position = 0;
    uint64_t passed = 0;
    while ((double)passed < rank && histogram_next(histogram, &position, &bucket)) {
        passed += bucket.count;
    }
    return bucket;
}

static void set_interval(const struct histogram *all, struct precision *precision)
{
    double share = precision->percentile / 100;
    double effective = fmin(precision->effective, EFFECTIVE_MAX);
    double scale = (double)all->count / effective;
    double low = floor(find_rank(effective, share, 1 - TAIL) * scale);
    double high = ceil(find_rank(effective, share, TAIL) * scale);
    uint64_t lower = find_bucket(all, fmax(low, 1)).lower;
    uint64_t upper = find_bucket(all, fmin(high, (double)all->count)).upper;
    precision->low_ns = lower > all->min ? lower : all->min;
    precision->high_ns = upper < all->max ? upper : all->max;
    precision->known = true;
}

/* With fewer independent messages the highest or the lowest one is no bound. */
static double messages_needed(double share)
{
    double rare = share > 0.5 ? share : 1 - share;
    return ceil(log(TAIL) / log(rare));
}

static void explain(struct precision *precision, double needed)
{
    char all[UNITS_TEXT_SIZE];
    uint64_t effective = (uint64_t)precision->effective;
    int used = snprintf(precision->why, sizeof(precision->why),
                        "p%g needs at least %.0f independent messages, and there were %s",
                        precision->percentile, needed,
                        units_format_grouped(all, sizeof(all), precision->messages));
    if ((double)precision->messages >= needed && used > 0) {
        (void)snprintf(precision->why + used, sizeof(precision->why) - (size_t)used,
                       ", which are worth %" PRIu64, effective);
    }
}

void precision_estimate(const struct batches *batches, size_t first, size_t count,
                        double percentile, struct precision *precision)
{
    struct batch_share shares[BATCHES_MAX];
    struct histogram all;
    double share = percentile / 100;
    double needed = messages_needed(share);
    assert(percentile > 0 && percentile < 100);
    batches_sum(batches, first, count, &all);
    *precision = (struct precision){.percentile = percentile,
                                    .value_ns = histogram_percentile(&all, percentile),
                                    .messages = all.count,
                                    .correlation = NAN};
    if (all.count > 0 && count >= PRECISION_BATCHES_MIN) {
        share_batches(batches, first, count, precision->value_ns, shares);
        double error = find_error(shares, count, precision);
        precision->effective = find_effective(error, share, (double)all.count);
        if (precision->effective >= needed) {
            set_interval(&all, precision);
            return;
        }
    } else if ((double)all.count >= needed) {
        (void)snprintf(precision->why, sizeof(precision->why),
                       "the measured time was too short to see how much the latency varies");
        return;
    }
    explain(precision, needed);
}

double precision_half_width_percent(const struct precision *precision)
{
    if (!precision->known || precision->value_ns == 0) {
        return NAN;
    }
    double width = (double)(precision->high_ns - precision->low_ns);
    return 100 * width / 2 / (double)precision->value_ns;
}

/* ---- the rate ------------------------------------------------------------------------------ */

/* A rate is messages by time, as a share is messages by messages. */
void precision_rate(const struct batches *batches, size_t first, size_t count, double *low,
                    double *high)
{
    struct batch_share shares[BATCHES_MAX];
    *low = *high = NAN;
    for (size_t i = 0; i < count; i++) {
        const struct batch *batch = &batches->list[first + i];
        shares[i] =
            (struct batch_share){.messages = (double)(batch->until_ns - batch->from_ns) / 1e9,
                                 .below = (double)batch->messages};
    }
    if (count >= PRECISION_BATCHES_MIN) {
        double error = 0;
        double mean = share_mean(shares, count);
        for (; count >= PRECISION_BATCHES_MIN; count = share_halve(shares, count)) {
            error = fmax(error, share_error(shares, count));
        }
        *low = mean - error;
        *high = mean + error;
    }
}
