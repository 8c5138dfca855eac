/* The slices of a worker's run (slice.h). */

#include "load.h"

#include "util.h"
#include "verdict.h"

/* Messages that have begun and have neither been answered nor given up. */
static uint64_t load_all_outstanding(const struct load *load)
{
    const struct client_counters *n = &load->stats.counters;
    return load->begun_messages - n->messages - n->lost_messages - n->drained_messages -
           n->unanswered_messages - n->unchecked_messages;
}

/* Messages of the schedule that are due and have not begun. */
static uint64_t load_all_owed(const struct load *load)
{
    if (load->plan->rate <= 0 || !load_has_more(load)) {
        return 0;
    }
    uint64_t owed = load->ticks - load->begun_messages;
    return owed < load->requests_left ? owed : load->requests_left;
}

static struct slice_counts load_slice_counts(const struct load *load)
{
    const struct client_counters *n = &load->stats.counters;
    return (struct slice_counts){.messages = n->messages,
                                 .bytes = n->verified,
                                 .failures = verdict_failures_so_far(n),
                                 .up = load->stats.up,
                                 .backlog = load_all_outstanding(load) + load_all_owed(load)};
}

void load_cut_slice(struct load *load, uint64_t now_ns)
{
    struct slice_counts counts = load_slice_counts(load);
    slicer_cut(&load->slices, now_ns, load->measure_until_ns, &counts);
    timer_start(&load->worker.timers, &load->slice_timer, load->slices.until_ns);
}

static void load_on_slice(struct timer *timer)
{
    struct load *load = CONTAINER_OF(timer, struct load, slice_timer);
    (void)load_slice(load, worker_clock(&load->worker));
    if (!timer_active(timer)) {
        timer_start(&load->worker.timers, timer, load->slices.until_ns);
    }
}

bool load_make_slices(struct load *load)
{
    uint64_t length_ns = load->plan->slice_ns > 0 ? load->plan->slice_ns : SLICE_NS;
    timer_init(&load->slice_timer, load_on_slice);
    return slicer_init(&load->slices, length_ns, &load->stats, &load->worker.lock);
}

void load_begin_slices(struct load *load)
{
    slicer_begin(&load->slices, load->plan->began_ns, load->plan->warmup_ns);
    timer_start(&load->worker.timers, &load->slice_timer, load->slices.until_ns);
}

void load_end_slices(struct load *load, uint64_t now_ns)
{
    struct slice_counts counts = load_slice_counts(load);
    timer_stop(&load->worker.timers, &load->slice_timer);
    slicer_close(&load->slices, now_ns, load->measure_until_ns, &counts);
}
