#ifndef ECHOPORT_INTERVAL_H
#define ECHOPORT_INTERVAL_H

/*
 * The time series of a run: its slices, added up to the intervals of --interval. The last ones are
 * kept for the report, so that endless runs need a bounded memory. Main thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "percentiles.h"
#include "slice.h"
#include "text.h"

/* How many intervals are kept for the report. */
#define INTERVALS_MAX 3600

/* What one interval had. It lasts longer than asked for if one of its slices does. */
struct interval {
    uint64_t from_ns; /* since the run began */
    uint64_t until_ns;
    uint64_t messages;
    uint64_t bytes;
    uint64_t up; /* at its end */
    uint64_t failures;
    uint64_t backlog; /* at its end */
    uint64_t answers; /* those with a latency; 0: the times below were not measured */
    uint64_t p50_ns;
    uint64_t p99_ns;
    uint64_t max_ns;
    uint64_t percentile_ns[PERCENTILES_MAX]; /* of --percentiles */
    uint64_t min_ns;
    struct text buckets; /* buckets_pack(); empty unless they are kept */
};

/* Members are private. */
struct intervals {
    const struct percentiles *percentiles;
    uint64_t slices;        /* of an interval */
    uint64_t began_unix_ns; /* of the run, since 1970 */
    struct slice *sum;      /* of the current interval */
    bool begun;             /* it has a slice */
    bool keeps_buckets;
    struct interval *kept; /* a ring; the oldest is at `oldest` */
    size_t size;           /* of its memory */
    size_t count;
    size_t oldest;
    uint64_t dropped;
    void (*on_interval)(void *context, const struct interval *interval);
    void *context;
};

/* For intervals of `length_ns`, of slices of slice_length_ns(length_ns). `percentiles` must stay.
 * `on_interval` gets each complete interval. False: out of memory, and nothing to free. */
bool intervals_init(struct intervals *intervals, uint64_t length_ns,
                    const struct percentiles *percentiles,
                    void (*on_interval)(void *context, const struct interval *interval),
                    void *context);

/* From now on intervals have their `min` and `buckets` in the report, so that those of several
 * clients can be added up exactly. */
void intervals_keep_buckets(struct intervals *intervals);

/* Does nothing if it is zero. */
void intervals_free(struct intervals *intervals);

/* The run began at this time, nanoseconds since 1970. */
void intervals_begin(struct intervals *intervals, uint64_t unix_ns);

/* So many intervals before the first were not kept. */
void intervals_drop(struct intervals *intervals, uint64_t count);

/* The consumer of the series; `context` is the struct intervals. */
void intervals_on_slice(void *context, const struct slice *slice);

/* No more slices come: the last interval is complete. It is left out if nothing happened in it. */
void intervals_end(struct intervals *intervals);

/* One line for people, without a newline: time of day, rate, bytes, latency, connections,
 * failures. */
void interval_text(const struct intervals *intervals, const struct interval *interval,
                   struct text *out);

/* Adds the members of an interval to the object that is open, without what only the report has. */
void interval_json(const struct intervals *intervals, const struct interval *interval,
                   struct json *json);

/* Adds `intervals` and `intervals_dropped` to the report. NULL: both are null. */
void intervals_json(const struct intervals *intervals, struct json *json);

#endif
