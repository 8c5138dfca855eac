#include "interval.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "buckets.h"
#include "units.h"
#include "utc.h"

/* ---- life ---------------------------------------------------------------------------------- */

bool intervals_init(struct intervals *intervals, uint64_t length_ns,
                    const struct percentiles *percentiles,
                    void (*on_interval)(void *context, const struct interval *interval),
                    void *context)
{
    uint64_t slice_ns = slice_length_ns(length_ns);
    *intervals = (struct intervals){.percentiles = percentiles,
                                    .slices = length_ns / slice_ns,
                                    .sum = slice_make(),
                                    .on_interval = on_interval,
                                    .context = context};
    return intervals->sum != NULL;
}

void intervals_keep_buckets(struct intervals *intervals)
{
    intervals->keeps_buckets = true;
}

void intervals_free(struct intervals *intervals)
{
    for (size_t i = 0; i < intervals->count; i++) {
        text_free(&intervals->kept[i].buckets);
    }
    intervals->count = 0;
    free(intervals->sum);
    free(intervals->kept);
    intervals->sum = NULL;
    intervals->kept = NULL;
}

void intervals_begin(struct intervals *intervals, uint64_t unix_ns)
{
    intervals->began_unix_ns = unix_ns;
}

void intervals_drop(struct intervals *intervals, uint64_t count)
{
    intervals->dropped += count;
}

/* ---- intervals ----------------------------------------------------------------------------- */

static struct interval interval_make(const struct intervals *intervals)
{
    const struct slice *sum = intervals->sum;
    struct interval interval = {.from_ns = sum->from_ns,
                                .until_ns = sum->until_ns,
                                .messages = sum->messages,
                                .bytes = sum->bytes,
                                .up = sum->up,
                                .failures = sum->failures,
                                .backlog = sum->backlog,
                                .answers = sum->latency.count,
                                .min_ns = sum->latency.min,
                                .p50_ns = histogram_percentile(&sum->latency, 50),
                                .p99_ns = histogram_percentile(&sum->latency, 99),
                                .max_ns = sum->latency.max};
    for (size_t i = 0; i < intervals->percentiles->count; i++) {
        interval.percentile_ns[i] =
            histogram_percentile(&sum->latency, intervals->percentiles->values[i]);
    }
    return interval;
}

/* Makes room for one more, as long as there are fewer than INTERVALS_MAX. */
static bool intervals_grow(struct intervals *intervals)
{
    size_t size = intervals->size == 0 ? 64 : intervals->size * 2;
    size = size < INTERVALS_MAX ? size : INTERVALS_MAX;
    struct interval *kept = realloc(intervals->kept, size * sizeof(*kept));
    if (kept != NULL) {
        intervals->kept = kept;
        intervals->size = size;
    }
    return kept != NULL;
}

/* Keeps it instead of the oldest, if there is no room for more. */
static void intervals_keep(struct intervals *intervals, struct interval *interval)
{
    if (intervals->keeps_buckets) {
        buckets_pack(&intervals->sum->latency, &interval->buckets);
    }
    if (interval->buckets.failed) {
        text_free(&interval->buckets);
        intervals->dropped++;
        return;
    }
    bool full = intervals->count == intervals->size;
    if (full && intervals->size < INTERVALS_MAX && intervals->oldest == 0) {
        full = !intervals_grow(intervals);
    }
    if (!full) {
        intervals->kept[intervals->count++] = *interval;
        return;
    }
    intervals->dropped++;
    if (intervals->size == 0) {
        text_free(&interval->buckets);
        return;
    }
    text_free(&intervals->kept[intervals->oldest].buckets);
    intervals->kept[intervals->oldest] = *interval;
    intervals->oldest = (intervals->oldest + 1) % intervals->size;
}

static void intervals_close(struct intervals *intervals)
{
    struct interval interval = interval_make(intervals);
    intervals->begun = false;
    intervals_keep(intervals, &interval);
    intervals->on_interval(intervals->context, &interval);
}

void intervals_on_slice(void *context, const struct slice *slice)
{
    struct intervals *intervals = context;
    struct slice *sum = intervals->sum;
    if (!intervals->begun) {
        slice_clear(sum);
        sum->first = slice->first;
        sum->from_ns = slice->from_ns;
        sum->phase = slice->phase;
        intervals->begun = true;
    }
    slice_add(sum, slice);
    sum->up = slice->up;
    sum->backlog = slice->backlog;
    if ((slice->index + 1) / intervals->slices > sum->first / intervals->slices) {
        intervals_close(intervals);
    }
}

void intervals_end(struct intervals *intervals)
{
    const struct slice *sum = intervals->sum;
    if (intervals->begun && (sum->messages > 0 || sum->bytes > 0 || sum->failures > 0)) {
        intervals_close(intervals);
    }
    intervals->begun = false;
}

/* ---- text ---------------------------------------------------------------------------------- */

static double interval_per_second(const struct interval *interval, uint64_t count)
{
    uint64_t length_ns = interval->until_ns - interval->from_ns;
    return length_ns > 0 ? (double)count * 1e9 / (double)length_ns : NAN;
}

static void interval_text_latency(const struct interval *interval, struct text *out)
{
    char p50[UNITS_TEXT_SIZE];
    char p99[UNITS_TEXT_SIZE];
    char max[UNITS_TEXT_SIZE];
    if (interval->answers == 0) {
        text_string(out, "no latency");
        return;
    }
    text_printf(out, "p50 %s  p99 %s  max %s",
                units_format_duration(p50, sizeof(p50), interval->p50_ns),
                units_format_duration(p99, sizeof(p99), interval->p99_ns),
                units_format_duration(max, sizeof(max), interval->max_ns));
}

void interval_text(const struct intervals *intervals, const struct interval *interval,
                   struct text *out)
{
    char at[UTC_TEXT_SIZE];
    char rate[UNITS_TEXT_SIZE];
    char bytes[UNITS_TEXT_SIZE];
    uint64_t end_ns = intervals->began_unix_ns + interval->until_ns;
    text_printf(
        out, "%s  %.*f s  %s  %s/s  ", utc_format_time(at, sizeof(at), end_ns),
        intervals->slices < 10 ? 2 : 1, (double)interval->until_ns / 1e9,
        units_format_rate(rate, sizeof(rate), interval_per_second(interval, interval->messages)),
        units_format_bytes(bytes, sizeof(bytes), interval_per_second(interval, interval->bytes)));
    interval_text_latency(interval, out);
    text_printf(out, "  %" PRIu64 " up  %" PRIu64 " failed", interval->up, interval->failures);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void interval_json_latency(const struct intervals *intervals,
                                  const struct interval *interval, struct json *json)
{
    const struct percentiles *percentiles = intervals->percentiles;
    json_object(json, "latency_ns");
    for (size_t i = 0; i < percentiles->count; i++) {
        json_uint_if(json, percentiles->names[i], interval->answers > 0,
                     interval->percentile_ns[i]);
    }
    json_uint_if(json, "max", interval->answers > 0, interval->max_ns);
    json_end_object(json);
}

void interval_json(const struct intervals *intervals, const struct interval *interval,
                   struct json *json)
{
    char at[UTC_TEXT_SIZE];
    uint64_t from_ns = intervals->began_unix_ns + interval->from_ns;
    json_double(json, "from_seconds", (double)interval->from_ns / 1e9);
    json_double(json, "until_seconds", (double)interval->until_ns / 1e9);
    json_string(json, "at", utc_format(at, sizeof(at), from_ns));
    json_uint(json, "messages", interval->messages);
    json_uint(json, "bytes", interval->bytes);
    json_double(json, "messages_per_second", interval_per_second(interval, interval->messages));
    interval_json_latency(intervals, interval, json);
    json_uint(json, "up", interval->up);
    json_uint(json, "failures", interval->failures);
    json_uint(json, "backlog", interval->backlog);
}

static void interval_json_kept(const struct intervals *intervals, const struct interval *interval,
                               struct json *json)
{
    json_object(json, NULL);
    interval_json(intervals, interval, json);
    if (intervals->keeps_buckets) {
        json_uint_if(json, "min_ns", interval->answers > 0, interval->min_ns);
        buckets_packed_json(&interval->buckets, json);
    }
    json_end_object(json);
}

void intervals_json(const struct intervals *intervals, struct json *json)
{
    if (intervals == NULL) {
        json_null(json, "intervals");
        json_null(json, "intervals_dropped");
        return;
    }
    json_array(json, "intervals");
    for (size_t i = 0; i < intervals->count; i++) {
        size_t at = (intervals->oldest + i) % intervals->size;
        interval_json_kept(intervals, &intervals->kept[at], json);
    }
    json_end_array(json);
    json_uint(json, "intervals_dropped", intervals->dropped);
}
