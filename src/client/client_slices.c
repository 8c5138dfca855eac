#include "client_slices.h"

#include "log.h"
#include "units.h"

bool client_slices_init(struct client_slices *slices, struct control *control, size_t workers)
{
    slices->control = control;
    if (!series_init(&slices->series, workers)) {
        log_message("out of memory for the slices of the run");
        return false;
    }
    return true;
}

void client_slices_free(struct client_slices *slices)
{
    series_free(&slices->series);
}

static struct load *client_slices_load(const struct client_slices *slices, size_t worker)
{
    return (struct load *)(void *)crew_worker(&slices->control->crew, worker);
}

/* Adds what the worker has completed. */
static void client_slices_take(struct client_slices *slices, size_t worker)
{
    struct slicer *slicer = &client_slices_load(slices, worker)->slices;
    struct slice *slice = slicer_take(slicer);
    while (slice != NULL) {
        struct slice *next = slice->next;
        series_add(&slices->series, worker, slice);
        slicer_give_back(slicer, slice);
        slice = next;
    }
}

/* A worker that has ended early must not hold up the slices of the others. */
static void client_slices_collect(struct client_slices *slices)
{
    for (size_t i = 0; i < slices->control->crew.count; i++) {
        bool ended = !crew_worker(&slices->control->crew, i)->running;
        client_slices_take(slices, i);
        if (ended) {
            series_end(&slices->series, i);
        }
    }
}

static void client_slices_on_timer(uv_timer_t *timer)
{
    client_slices_collect(timer->data);
}

void client_slices_begin(struct client_slices *slices, uint64_t length_ns)
{
    uint64_t ms = (length_ns + NS_PER_MS - 1) / NS_PER_MS;
    if (!slices->has_timer) {
        (void)uv_timer_init(&slices->control->loop, &slices->timer);
        slices->timer.data = slices;
        slices->has_timer = true;
    }
    (void)uv_timer_start(&slices->timer, client_slices_on_timer, ms, ms);
}

void client_slices_end(struct client_slices *slices)
{
    (void)uv_timer_stop(&slices->timer);
    client_slices_collect(slices);
}
