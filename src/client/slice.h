#ifndef ECHOPORT_SLICE_H
#define ECHOPORT_SLICE_H

/*
 * What a run measured in one slice of its time, 100 ms or less.
 *
 * Each worker has a slicer, which cuts its run at the same times as all others. The worker records
 * into the current slice. At the end of a slice the slicer adds its histograms to the worker's
 * totals and queues it for the main thread. The main thread adds the slices of all workers up
 * (series.h).
 *
 * The queue is short. When it is full, or memory runs out, the current slice goes on and becomes
 * longer. So the totals are exact however slow the main thread is, and the memory is bounded.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "histogram.h"
#include "stats.h"

/* The usual length of a slice, and the longest. */
#define SLICE_NS UINT64_C(100000000)

/* The slices of a worker: the current one, those in the queue, and those that the main thread has
 * not given back. A slice has 111 kB, but only the pages with recorded values are used. */
#define SLICE_MAX 5

enum slice_phase {
    SLICE_WARMUP,   /* begins before the measured time */
    SLICE_MEASURED, /* wholly in the measured time */
    SLICE_AFTER     /* ends after the measured time */
};

/* Slice n lasts from n to n + 1 times the length. A longer one has the numbers `first` to `index`.
 * Times are nanoseconds since the run began. */
struct slice {
    uint64_t first;
    uint64_t index;
    uint64_t from_ns;
    uint64_t until_ns;
    enum slice_phase phase;
    uint64_t messages; /* verified */
    uint64_t bytes;    /* verified */
    uint64_t failures; /* of the verdict */
    uint64_t up;       /* connections that were up at the end of the slice */
    uint64_t backlog;  /* messages at its end that were due or begun and not answered */
    /* Of the messages that were answered in the slice. Once the measured time has begun, only of
     * those that count for the report. `since_sent` and `lateness` are empty without --rate. */
    struct histogram latency;
    struct histogram since_sent;
    struct histogram lateness;
    struct slice *next; /* in a list */
};

/* A new, empty slice; NULL: out of memory. free() frees it. */
struct slice *slice_make(void);

/* Empties it. */
void slice_clear(struct slice *slice);

/* Adds counts and histograms. The numbers, times and phase become those of both together. `up` and
 * `backlog` stay. */
void slice_add(struct slice *into, const struct slice *from);

/* The length of slices: `interval_ns` (0: none) divided by the least number that leaves at most
 * SLICE_NS. */
uint64_t slice_length_ns(uint64_t interval_ns);

/* ---- a worker's slicer; on the worker's thread, except where it says so ---- */

/* What a worker has counted since its run began, and its present state. */
struct slice_counts {
    uint64_t messages;
    uint64_t bytes;
    uint64_t failures;
    uint64_t up;
    uint64_t backlog;
};

/* Members are private, except `now` and `until_ns`. */
struct slicer {
    struct slice *now;    /* the current one; NULL after slicer_close() */
    uint64_t until_ns;    /* its end by the loop's clock; UINT64_MAX: not begun, or closed */
    uint64_t began_ns;    /* start of the run, by that clock */
    uint64_t length_ns;   /* of a slice */
    uint64_t measured_ns; /* start of the measured time, since the run began */
    struct client_stats *totals;
    struct slice_counts before; /* at the start of `now` */
    size_t made;                /* slices allocated */
    uv_mutex_t *lock;           /* for the lists */
    struct slice *ready;        /* the queue, the oldest first */
    struct slice *spare;
};

/* `totals` gets the histograms; `lock` guards the queue. Both must stay. False: out of memory, and
 * nothing to undo. */
bool slicer_init(struct slicer *slicer, uint64_t length_ns, struct client_stats *totals,
                 uv_mutex_t *lock);

/* Frees all slices. Any thread, when the worker has ended. Does nothing if it is zero. */
void slicer_free(struct slicer *slicer);

/* The run begins: `began_ns` by the loop's clock, the measured time `warmup_ns` later. */
void slicer_begin(struct slicer *slicer, uint64_t began_ns, uint64_t warmup_ns);

/* Ends the current slice, at `now_ns` >= until_ns, and begins that of `now_ns`. If the worker was
 * stopped, it has no slices between them: nothing happened there. `over_ns`: the end of the
 * measured time by the loop's clock; UINT64_MAX: not known. */
void slicer_cut(struct slicer *slicer, uint64_t now_ns, uint64_t over_ns,
                const struct slice_counts *counts);

/* Ends the last slice, at `now_ns`. Then there is no current one, and nothing may be recorded. Does
 * nothing if the run has not begun. */
void slicer_close(struct slicer *slicer, uint64_t now_ns, uint64_t over_ns,
                  const struct slice_counts *counts);

/* Whether messages of the current slice count only if they are of the measured time. */
static inline bool slicer_counts(const struct slicer *slicer)
{
    return slicer->until_ns > slicer->began_ns + slicer->measured_ns;
}

/* Adds the histograms of the current slice to `totals`, a copy of the totals. */
void slicer_add_now(const struct slicer *slicer, struct client_stats *totals);

/* Takes all queued slices: a list, the oldest first, or NULL. Each must be given back. Main
 * thread. */
struct slice *slicer_take(struct slicer *slicer);
void slicer_give_back(struct slicer *slicer, struct slice *slice);

#endif
