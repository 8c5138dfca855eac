#include "total.h"

#include <math.h>
#include <stdlib.h>

#include "series.h"
#include "units.h"

/*
 * The intervals of all clients, as if each client were a worker: series.h adds those of the same
 * time up. Their times are counted in slices, as those of a worker are.
 */

/* A slice may end so much after the measured time by the rounding of their times. */
#define EDGE_NS UINT64_C(1000000)

/* A client, of which the next interval is to be added. */
struct lane {
    const struct rank *rank;
    size_t next;
    uint64_t shift; /* slices, by which it is placed after the first client */
    uint64_t first; /* slice of the next interval; UINT64_MAX: there is none */
    uint64_t reached;
};

struct merger {
    struct total *total;
    struct series series;
    struct slice *slice; /* room for one */
    struct lane *lanes;
    size_t count;
    uint64_t slice_ns;
};

static uint64_t interval_ns(const struct total *total)
{
    uint64_t length_ns = total->options.interval_ns;
    return length_ns > 0 ? length_ns : NS_PER_S; /* that of --json-stream */
}

/* Finds the number at which the next interval begins. */
static void lane_look(const struct merger *merger, struct lane *lane)
{
    const struct rank_intervals *intervals = &lane->rank->intervals;
    lane->first = UINT64_MAX;
    if (lane->next < intervals->count) {
        uint64_t from_ns = intervals->list[lane->next].from_ns;
        uint64_t first = lane->shift + (from_ns + merger->slice_ns / 2) / merger->slice_ns;
        lane->first = first > lane->reached ? first : lane->reached;
    }
}

static enum slice_phase lane_phase(const struct lane *lane, const struct rank_interval *interval)
{
    const struct rank *rank = lane->rank;
    if ((double)(interval->from_ns + EDGE_NS) < rank->from_seconds * 1e9) {
        return SLICE_WARMUP;
    }
    bool within = (double)interval->until_ns <= rank->until_seconds * 1e9 + EDGE_NS;
    return within ? SLICE_MEASURED : SLICE_AFTER; /* after, if nothing was measured */
}

static void lane_give(struct merger *merger, size_t index)
{
    struct lane *lane = &merger->lanes[index];
    const struct rank_interval *interval = &lane->rank->intervals.list[lane->next++];
    struct slice *slice = merger->slice;
    uint64_t last = lane->shift + (interval->until_ns - 1) / merger->slice_ns;
    slice_clear(slice);
    slice->first = lane->first;
    slice->index = last > lane->first ? last : lane->first;
    slice->from_ns = interval->from_ns + lane->shift * merger->slice_ns;
    slice->until_ns = interval->until_ns + lane->shift * merger->slice_ns;
    if (slice->until_ns <= lane->first * merger->slice_ns) { /* it has been put behind another */
        slice->until_ns = (slice->index + 1) * merger->slice_ns;
    }
    slice->phase = lane_phase(lane, interval);
    slice->messages = interval->messages;
    slice->bytes = interval->bytes;
    slice->failures = interval->failures;
    slice->up = interval->up;
    slice->backlog = interval->backlog;
    (void)rank_interval_latency(interval, &slice->latency); /* has been checked */
    series_add(&merger->series, index, slice);
    lane->reached = slice->index + 1;
    lane_look(merger, lane);
    if (lane->first == UINT64_MAX) {
        series_end(&merger->series, index);
    }
}

/* The lowest number at which an interval begins. */
static uint64_t merger_next(const struct merger *merger)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < merger->count; i++) {
        next = merger->lanes[i].first < next ? merger->lanes[i].first : next;
    }
    return next;
}

/* Gives all intervals, in order of time. */
static void merger_run(struct merger *merger)
{
    uint64_t next = merger_next(merger);
    if (next < UINT64_MAX) {
        series_begin_at(&merger->series, next, next * merger->slice_ns);
    }
    for (size_t i = 0; i < merger->count; i++) {
        if (merger->lanes[i].first == UINT64_MAX) {
            series_end(&merger->series, i);
        }
    }
    for (; next < UINT64_MAX; next = merger_next(merger)) {
        for (size_t i = 0; i < merger->count; i++) {
            if (merger->lanes[i].first == next) {
                lane_give(merger, i);
            }
        }
    }
}

/* As client_trust_on_slice() does. */
static void total_on_slice(void *context, const struct slice *slice)
{
    struct batches *batches = &((struct total *)context)->batches;
    if (slice->phase == SLICE_MEASURED || (slice->phase == SLICE_AFTER && batches->count == 0)) {
        batches_add(batches, slice->from_ns, slice->until_ns, slice->messages, &slice->latency);
    } else if (slice->phase == SLICE_AFTER) {
        batches_add_latency(batches, &slice->latency);
    }
}

static void total_on_interval(void *context, const struct interval *interval)
{
    (void)context;
    (void)interval; /* it is kept */
}

/* An interval can't be split. So a client is placed by whole intervals. Otherwise each interval
 * would overlap two of another client, and all would become one. */
static void merger_place(struct merger *merger)
{
    const struct fleet *fleet = merger->total->fleet;
    uint64_t length_ns = interval_ns(merger->total);
    for (size_t i = 0; i < merger->count; i++) {
        double offset_ns = fleet_offset(fleet, &fleet->ranks[i]) * 1e9;
        uint64_t intervals = (uint64_t)llround(offset_ns / (double)length_ns);
        merger->lanes[i] = (struct lane){.rank = &fleet->ranks[i],
                                         .shift = intervals * (length_ns / merger->slice_ns)};
        lane_look(merger, &merger->lanes[i]);
    }
}

static bool merger_init(struct merger *merger, struct total *total)
{
    *merger = (struct merger){.total = total,
                              .slice = slice_make(),
                              .lanes = calloc(total->fleet->count, sizeof(*merger->lanes)),
                              .count = total->fleet->count,
                              .slice_ns = slice_length_ns(interval_ns(total))};
    return merger->slice != NULL && merger->lanes != NULL &&
           series_init(&merger->series, merger->count);
}

static void merger_free(struct merger *merger)
{
    series_free(&merger->series);
    free(merger->slice);
    free(merger->lanes);
}

static uint64_t most_dropped(const struct fleet *fleet)
{
    uint64_t most = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        uint64_t dropped = fleet->ranks[i].intervals.dropped;
        most = dropped > most ? dropped : most;
    }
    return most;
}

bool total_add_intervals(struct total *total)
{
    struct merger merger;
    const struct fleet *fleet = total->fleet;
    if (!batches_init(&total->batches)) {
        return false;
    }
    if (fleet->ranks[0].intervals.list == NULL) {
        return true;
    }
    bool made = merger_init(&merger, total) &&
                intervals_init(&total->intervals, interval_ns(total), &total->options.percentile,
                               total_on_interval, NULL);
    if (made) {
        total->has_intervals = true;
        intervals_begin(&total->intervals, (uint64_t)llround(fleet->timeline.began_unix * 1e9));
        intervals_drop(&total->intervals, most_dropped(fleet));
        series_subscribe(&merger.series, intervals_on_slice, &total->intervals);
        series_subscribe(&merger.series, total_on_slice, total);
        merger_place(&merger);
        merger_run(&merger);
        intervals_end(&total->intervals);
    }
    merger_free(&merger);
    return made;
}
