#include "rank.h"

#include <stdlib.h>

#include "interval.h"

bool rank_interval_latency(const struct rank_interval *interval, struct histogram *histogram)
{
    bool possible = true;
    for (size_t i = 0; i < interval->bucket_count && possible; i++) {
        const struct rank_bucket *bucket = &interval->buckets[i];
        possible = histogram_add_bucket(histogram, bucket->upper, bucket->count);
    }
    if (interval->bucket_count == 0 || !possible) {
        return possible;
    }
    double middle = ((double)interval->min_ns + (double)interval->max_ns) / 2;
    return histogram_set_summary(histogram, interval->min_ns, interval->max_ns, middle);
}

/* Reads pairs of an upper bound and a count. */
static void rank_read_pairs(const struct part *of, struct rank_interval *interval)
{
    struct part buckets = part_member(of, "buckets");
    size_t count = part_items(&buckets, HISTOGRAM_BUCKETS);
    for (size_t i = 0; i < count; i++) {
        struct part bucket = part_item(&buckets, i);
        (void)part_items(&bucket, 2);
        struct part upper = part_item(&bucket, 0);
        struct part messages = part_item(&bucket, 1);
        interval->buckets[interval->bucket_count++] = (struct rank_bucket){
            part_count(&upper, INT64_MAX), part_count(&messages, RANK_COUNT_MAX)};
    }
}

static void rank_read_interval(const struct part *part, struct rank_interval *interval)
{
    struct part latency = part_member(part, "latency_ns");
    interval->from_ns = rank_read_ns(part, "from_seconds");
    interval->until_ns = rank_read_ns(part, "until_seconds");
    interval->messages = part_member_count(part, "messages", RANK_COUNT_MAX);
    interval->bytes = part_member_count(part, "bytes", RANK_COUNT_MAX);
    interval->failures = part_member_count(part, "failures", RANK_COUNT_MAX);
    interval->up = part_member_count(part, "up", RANK_COUNT_MAX);
    interval->backlog = part_member_count(part, "backlog", RANK_COUNT_MAX);
    interval->min_ns = part_member_count_if(part, "min_ns", INT64_MAX);
    interval->max_ns = part_member_count_if(&latency, "max", INT64_MAX);
    rank_read_pairs(part, interval);
}

/* They follow each other. */
static void rank_check_interval(const struct part *part, const struct rank_interval *interval,
                                uint64_t earliest_ns, struct histogram *histogram)
{
    histogram_init(histogram);
    if (interval->until_ns <= interval->from_ns || interval->from_ns < earliest_ns) {
        part_fail(part, "it ends before it begins, or begins before the end of the last one");
    } else if (!rank_interval_latency(interval, histogram)) {
        part_fail(part,
                  "its `buckets` are not in order, or are not those of its minimum and maximum");
    }
}

/* How many buckets all have together. */
static size_t rank_count_buckets(const struct part *list, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        struct part interval = part_item(list, i);
        struct part buckets = part_member(&interval, "buckets");
        sum += part_items(&buckets, HISTOGRAM_BUCKETS);
    }
    return sum;
}

static void rank_read_list(struct rank_intervals *intervals, const struct part *list, size_t count)
{
    struct histogram histogram;
    struct rank_bucket *buckets = intervals->buckets;
    uint64_t earliest_ns = 0;
    for (size_t i = 0; i < count && list->file->error[0] == '\0'; i++) {
        struct part part = part_item(list, i);
        struct rank_interval *interval = &intervals->list[i];
        *interval = (struct rank_interval){.buckets = buckets};
        rank_read_interval(&part, interval);
        rank_check_interval(&part, interval, earliest_ns, &histogram);
        buckets += interval->bucket_count;
        earliest_ns = interval->until_ns;
    }
    intervals->count = count;
}

void rank_read_intervals(struct rank *rank, const struct part *root)
{
    struct rank_intervals *intervals = &rank->intervals;
    struct part list = part_member(root, "intervals");
    if (part_is_null(&list)) {
        return;
    }
    size_t count = part_items(&list, INTERVALS_MAX);
    size_t buckets = rank_count_buckets(&list, count);
    intervals->dropped = part_member_count(root, "intervals_dropped", RANK_COUNT_MAX);
    intervals->list =
        calloc(count + 1, sizeof(*intervals->list)); /* NULL means that there is none */
    intervals->buckets = calloc(buckets + 1, sizeof(*intervals->buckets));
    if (intervals->list == NULL || intervals->buckets == NULL) {
        part_fail(root, "out of memory");
    } else {
        rank_read_list(intervals, &list, count);
    }
}
