#include "slice.h"

#include <assert.h>
#include <stdlib.h>

/* ---- one slice ----------------------------------------------------------------------------- */

struct slice *slice_make(void)
{
    struct slice *slice = calloc(1, sizeof(*slice));
    if (slice != NULL) {
        histogram_init_zeroed(&slice->latency);
        histogram_init_zeroed(&slice->since_sent);
        histogram_init_zeroed(&slice->lateness);
    }
    return slice;
}

void slice_clear(struct slice *slice)
{
    slice->first = slice->index = slice->from_ns = slice->until_ns = 0;
    slice->phase = SLICE_WARMUP;
    slice->messages = slice->bytes = slice->failures = slice->up = slice->backlog = 0;
    histogram_clear(&slice->latency);
    histogram_clear(&slice->since_sent);
    histogram_clear(&slice->lateness);
    slice->next = NULL;
}

/* Of slices that are not of one phase: that of the one that begins before, or ends after. */
static enum slice_phase slice_join_phases(enum slice_phase one, enum slice_phase other)
{
    if (one == SLICE_WARMUP || other == SLICE_WARMUP) {
        return SLICE_WARMUP;
    }
    return one == SLICE_AFTER ? one : other;
}

void slice_add(struct slice *into, const struct slice *from)
{
    into->first = from->first < into->first ? from->first : into->first;
    into->index = from->index > into->index ? from->index : into->index;
    into->from_ns = from->from_ns < into->from_ns ? from->from_ns : into->from_ns;
    into->until_ns = from->until_ns > into->until_ns ? from->until_ns : into->until_ns;
    into->phase = slice_join_phases(into->phase, from->phase);
    into->messages += from->messages;
    into->bytes += from->bytes;
    into->failures += from->failures;
    histogram_merge(&into->latency, &from->latency);
    histogram_merge(&into->since_sent, &from->since_sent);
    histogram_merge(&into->lateness, &from->lateness);
}

uint64_t slice_length_ns(uint64_t interval_ns)
{
    if (interval_ns == 0) {
        return SLICE_NS;
    }
    return interval_ns / ((interval_ns + SLICE_NS - 1) / SLICE_NS);
}

/* ---- slicer -------------------------------------------------------------------------------- */

bool slicer_init(struct slicer *slicer, uint64_t length_ns, struct client_stats *totals,
                 uv_mutex_t *lock)
{
    assert(length_ns > 0);
    *slicer = (struct slicer){.now = slice_make(),
                              .until_ns = UINT64_MAX,
                              .length_ns = length_ns,
                              .totals = totals,
                              .made = 1,
                              .lock = lock};
    return slicer->now != NULL;
}

static void slice_free_list(struct slice *list)
{
    while (list != NULL) {
        struct slice *next = list->next;
        free(list);
        list = next;
    }
}

void slicer_free(struct slicer *slicer)
{
    free(slicer->now);
    slice_free_list(slicer->ready);
    slice_free_list(slicer->spare);
    slicer->now = slicer->ready = slicer->spare = NULL;
}

/* The number of the slice in which the time is. */
static uint64_t slicer_index(const struct slicer *slicer, uint64_t now_ns)
{
    return (now_ns > slicer->began_ns ? now_ns - slicer->began_ns : 0) / slicer->length_ns;
}

/* Sets until when the current slice lasts: to the end of slice `index`. */
static void slicer_extend(struct slicer *slicer, uint64_t index)
{
    slicer->now->index = index;
    slicer->now->until_ns = (index + 1) * slicer->length_ns;
    slicer->until_ns = slicer->began_ns + slicer->now->until_ns;
}

void slicer_begin(struct slicer *slicer, uint64_t began_ns, uint64_t warmup_ns)
{
    slicer->began_ns = began_ns;
    slicer->measured_ns = warmup_ns;
    slicer_extend(slicer, 0);
}

static enum slice_phase slicer_phase(const struct slicer *slicer, uint64_t over_ns)
{
    const struct slice *now = slicer->now;
    if (now->from_ns < slicer->measured_ns) {
        return SLICE_WARMUP;
    }
    return slicer->began_ns + now->until_ns > over_ns ? SLICE_AFTER : SLICE_MEASURED;
}

/* An empty slice; NULL: there is none. */
static struct slice *slicer_spare(struct slicer *slicer)
{
    uv_mutex_lock(slicer->lock);
    struct slice *slice = slicer->spare;
    if (slice != NULL) {
        slicer->spare = slice->next;
    }
    uv_mutex_unlock(slicer->lock);
    if (slice == NULL && slicer->made < SLICE_MAX) {
        slice = slice_make();
        slicer->made += slice != NULL;
    }
    if (slice != NULL) {
        slice_clear(slice);
    }
    return slice;
}

void slicer_add_now(const struct slicer *slicer, struct client_stats *totals)
{
    if (slicer->now != NULL && slicer_counts(slicer)) {
        histogram_merge(&totals->latency, &slicer->now->latency);
        histogram_merge(&totals->since_sent, &slicer->now->since_sent);
        histogram_merge(&totals->lateness, &slicer->now->lateness);
    }
}

static void slicer_queue(struct slicer *slicer, struct slice *slice)
{
    struct slice **end = &slicer->ready;
    uv_mutex_lock(slicer->lock);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = slice;
    uv_mutex_unlock(slicer->lock);
}

/* Completes the current slice and queues it. There is none until the caller sets another. */
static void slicer_hand_over(struct slicer *slicer, uint64_t over_ns,
                             const struct slice_counts *counts)
{
    struct slice *done = slicer->now;
    done->phase = slicer_phase(slicer, over_ns);
    done->messages = counts->messages - slicer->before.messages;
    done->bytes = counts->bytes - slicer->before.bytes;
    done->failures = counts->failures - slicer->before.failures;
    done->up = counts->up;
    done->backlog = counts->backlog;
    slicer_add_now(slicer, slicer->totals);
    slicer->before = *counts;
    slicer->now = NULL;
    slicer_queue(slicer, done);
}

/* The current slice becomes longer. Of a warm-up slice that reaches into the measured time, only
 * messages that count may stay: it forgets the others. */
static void slicer_prolong(struct slicer *slicer, uint64_t index)
{
    bool counted = slicer_counts(slicer);
    slicer_extend(slicer, index);
    if (slicer_counts(slicer) && !counted) {
        histogram_clear(&slicer->now->latency);
        histogram_clear(&slicer->now->since_sent);
        histogram_clear(&slicer->now->lateness);
    }
}

void slicer_cut(struct slicer *slicer, uint64_t now_ns, uint64_t over_ns,
                const struct slice_counts *counts)
{
    struct slice *next = slicer_spare(slicer);
    assert(slicer->until_ns <= now_ns);
    if (next == NULL) {
        slicer_prolong(slicer, slicer_index(slicer, now_ns));
        return;
    }
    slicer_hand_over(slicer, over_ns, counts);
    slicer->now = next;
    next->first = slicer_index(slicer, now_ns);
    next->from_ns = next->first * slicer->length_ns;
    slicer_extend(slicer, next->first);
}

void slicer_close(struct slicer *slicer, uint64_t now_ns, uint64_t over_ns,
                  const struct slice_counts *counts)
{
    uint64_t run_ns = now_ns > slicer->began_ns ? now_ns - slicer->began_ns : 0;
    if (slicer->now == NULL || slicer->until_ns == UINT64_MAX) {
        return; /* the run has not begun */
    }
    if (run_ns >= slicer->now->until_ns) {
        slicer_prolong(slicer, slicer_index(slicer, now_ns));
    }
    if (run_ns > slicer->now->from_ns) {
        slicer->now->until_ns = run_ns;
    }
    slicer_hand_over(slicer, over_ns, counts);
    slicer->until_ns = UINT64_MAX;
}

/* ---- the main thread ----------------------------------------------------------------------- */

struct slice *slicer_take(struct slicer *slicer)
{
    uv_mutex_lock(slicer->lock);
    struct slice *list = slicer->ready;
    slicer->ready = NULL;
    uv_mutex_unlock(slicer->lock);
    return list;
}

void slicer_give_back(struct slicer *slicer, struct slice *slice)
{
    uv_mutex_lock(slicer->lock);
    slice->next = slicer->spare;
    slicer->spare = slice;
    uv_mutex_unlock(slicer->lock);
}
