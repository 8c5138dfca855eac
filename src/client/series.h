#ifndef ECHOPORT_SERIES_H
#define ECHOPORT_SERIES_H

/*
 * The slices of a whole run: adds those of all workers with the same number up, and hands each
 * complete one to consumers, in order of time. A slice is complete when every worker has given it,
 * or has ended. Numbers and times follow each other without gaps. Where a worker gives a longer
 * slice, the sum is longer too. It also is where no worker has a slice.
 *
 * It keeps a few incomplete slices. If a worker lags further behind, the newest of them becomes
 * longer. So the memory is bounded, and nothing gets lost. Main thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

#define SERIES_CONSUMERS 8
#define SERIES_OPEN 8 /* incomplete slices */

/* Gets a complete slice, which is valid during the call. */
typedef void (*series_consume)(void *context, const struct slice *slice);

struct series_consumer {
    series_consume on_slice;
    void *context;
};

/* What a worker has given so far. */
struct series_worker {
    uint64_t reached; /* the number of its next slice; UINT64_MAX: it has ended */
    uint64_t up;      /* of its last slice */
    uint64_t backlog;
};

/* All members are private. */
struct series {
    struct series_worker *workers;
    size_t worker_count;
    struct slice *open[SERIES_OPEN]; /* the oldest first; `up` and `backlog` are changes */
    size_t open_count;
    struct slice *spare; /* a list */
    uint64_t next;       /* number after the last complete slice */
    uint64_t next_ns;    /* its end */
    uint64_t up;         /* then */
    uint64_t backlog;
    struct series_consumer consumers[SERIES_CONSUMERS];
    size_t consumer_count;
};

/* For `workers` workers. False: out of memory, and nothing to free. */
bool series_init(struct series *series, size_t workers);
void series_free(struct series *series);

/* The first slice has this number, and begins at this time, instead of 0 and 0. */
void series_begin_at(struct series *series, uint64_t number, uint64_t ns);

/* Adds a consumer, at most SERIES_CONSUMERS. Each slice goes to all, in this order. */
void series_subscribe(struct series *series, series_consume on_slice, void *context);

/* Adds the worker's next slice, with any number after its last. It stays the caller's. May call the
 * consumers. */
void series_add(struct series *series, size_t worker, const struct slice *slice);

/* No more slices come from the worker. May call the consumers. When it was the last worker, every
 * slice has been handed out. */
void series_end(struct series *series, size_t worker);

#endif
