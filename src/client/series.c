#include "series.h"

#include <assert.h>
#include <stdlib.h>

/* ---- life ---------------------------------------------------------------------------------- */

bool series_init(struct series *series, size_t workers)
{
    *series = (struct series){.workers = calloc(workers, sizeof(*series->workers)),
                              .worker_count = workers};
    for (size_t i = 0; i < SERIES_OPEN && series->workers != NULL; i++) {
        struct slice *slice = slice_make();
        if (slice == NULL) {
            series_free(series);
            return false;
        }
        slice->next = series->spare;
        series->spare = slice;
    }
    return series->workers != NULL;
}

void series_free(struct series *series)
{
    for (size_t i = 0; i < series->open_count; i++) {
        free(series->open[i]);
    }
    while (series->spare != NULL) {
        struct slice *next = series->spare->next;
        free(series->spare);
        series->spare = next;
    }
    free(series->workers);
    *series = (struct series){0};
}

void series_begin_at(struct series *series, uint64_t number, uint64_t ns)
{
    assert(series->open_count == 0 && series->next == 0);
    series->next = number;
    series->next_ns = ns;
}

void series_subscribe(struct series *series, series_consume on_slice, void *context)
{
    assert(series->consumer_count < SERIES_CONSUMERS);
    series->consumers[series->consumer_count++] =
        (struct series_consumer){.on_slice = on_slice, .context = context};
}

/* ---- incomplete slices --------------------------------------------------------------------- */

/* Removes an incomplete slice from the list. */
static void series_remove(struct series *series, size_t at)
{
    struct slice *slice = series->open[at];
    series->open_count--;
    for (size_t i = at; i < series->open_count; i++) {
        series->open[i] = series->open[i + 1];
    }
    slice->next = series->spare;
    series->spare = slice;
}

/* Adds an incomplete slice, or the part of a worker. Here `up` and `backlog` are changes. */
static void series_join(struct slice *into, const struct slice *from, uint64_t up, uint64_t backlog)
{
    slice_add(into, from);
    into->up += up;
    into->backlog += backlog;
}

/* The first incomplete slice that ends with `number` or later; open_count: there is none. */
static size_t series_find(const struct series *series, uint64_t number)
{
    size_t i = 0;
    while (i < series->open_count && series->open[i]->index < number) {
        i++;
    }
    return i;
}

/* An empty slice at the end of the list, up to the end of `like`. */
static struct slice *series_open(struct series *series, const struct slice *like)
{
    const struct slice *last = series->open_count > 0 ? series->open[series->open_count - 1] : NULL;
    struct slice *slice = series->spare;
    assert(series->open_count < SERIES_OPEN && slice != NULL);
    series->spare = slice->next;
    slice_clear(slice);
    slice->first = last != NULL ? last->index + 1 : series->next;
    slice->from_ns = last != NULL ? last->until_ns : series->next_ns; /* may still grow */
    slice->index = like->index;
    slice->until_ns = like->until_ns;
    slice->phase = like->phase;
    series->open[series->open_count++] = slice;
    return slice;
}

/* The incomplete slice that has all numbers of `slice`. */
static struct slice *series_place(struct series *series, const struct slice *slice)
{
    size_t at = series_find(series, slice->first);
    if (at == series->open_count && at < SERIES_OPEN) {
        return series_open(series, slice);
    }
    if (at == series->open_count) {
        return series->open[at - 1]; /* becomes longer */
    }
    while (at + 1 < series->open_count && series->open[at + 1]->first <= slice->index) {
        const struct slice *next = series->open[at + 1];
        series_join(series->open[at], next, next->up, next->backlog);
        series_remove(series, at + 1);
    }
    return series->open[at];
}

/* ---- complete slices ----------------------------------------------------------------------- */

static bool series_is_complete(const struct series *series, const struct slice *slice)
{
    for (size_t i = 0; i < series->worker_count; i++) {
        if (series->workers[i].reached <= slice->index) {
            return false;
        }
    }
    return true;
}

static void series_hand_out(struct series *series)
{
    while (series->open_count > 0 && series_is_complete(series, series->open[0])) {
        struct slice *slice = series->open[0];
        slice->up = series->up += slice->up;
        slice->backlog = series->backlog += slice->backlog;
        slice->from_ns = series->next_ns;
        series->next = slice->index + 1;
        series->next_ns = slice->until_ns;
        for (size_t i = 0; i < series->consumer_count; i++) {
            series->consumers[i].on_slice(series->consumers[i].context, slice);
        }
        series_remove(series, 0);
    }
}

void series_add(struct series *series, size_t worker, const struct slice *slice)
{
    struct series_worker *from = &series->workers[worker];
    assert(worker < series->worker_count && from->reached <= slice->first);
    struct slice *into = series_place(series, slice);
    series_join(into, slice, slice->up - from->up, slice->backlog - from->backlog);
    *from = (struct series_worker){
        .reached = slice->index + 1, .up = slice->up, .backlog = slice->backlog};
    series_hand_out(series);
}

void series_end(struct series *series, size_t worker)
{
    series->workers[worker].reached = UINT64_MAX;
    series_hand_out(series);
}
