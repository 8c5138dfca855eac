#include "watch.h"

#include <assert.h>
#include <stddef.h>

#include "worker.h"

/* A suspect waits for at most WATCH_POLLS + watches / WATCH_BATCH polls. A full poll delivers at
 * least WATCH_BATCH outcomes, those that were ready first. The fixed part is for sockets without a
 * watch. */
#define WATCH_POLLS 64
#define WATCH_BATCH 128

void watches_init(struct watches *watches)
{
    watches->suspects = NULL;
    watches->end = &watches->suspects;
    watches->count = 0;
}

/* ---- suspects ------------------------------------------------------------------------------ */

static void watch_suspect(struct watch *watch)
{
    struct worker *worker = watch->worker;
    struct watches *watches = &worker->watches;
    assert(watch->link == NULL);
    watch->turn = worker->turn;
    watch->seen_ns = worker_awake(worker);
    watch->seen_clock_ns = worker_now(worker);
    watch->next = NULL;
    watch->link = watches->end;
    *watches->end = watch;
    watches->end = &watch->next;
}

static void watch_acquit(struct watch *watch)
{
    struct watches *watches = &watch->worker->watches;
    *watch->link = watch->next;
    if (watch->next != NULL) {
        watch->next->link = watch->link;
    } else {
        watches->end = watch->link;
    }
    watch->link = NULL;
}

/* If turns have been late since the watch was set, its deadline is later on the loop's clock. */
static void watch_on_timer(struct timer *timer)
{
    struct watch *watch = (struct watch *)(void *)timer;
    struct worker *worker = watch->worker;
    if (worker_awake(worker) < watch->due_ns) {
        timer_start(&worker->timers, timer, worker_clock_at(worker, watch->due_ns));
    } else {
        watch_suspect(watch);
    }
}

void watch_judge(struct worker *worker)
{
    struct watches *watches = &worker->watches;
    bool calm = !worker->io->full && worker->tasks == NULL;
    uint64_t polls = WATCH_POLLS + watches->count / WATCH_BATCH;
    while (watches->suspects != NULL &&
           (calm || worker->turn - watches->suspects->turn + 1 >= polls)) {
        struct watch *watch = watches->suspects;
        watch_stop(watch);
        watch->judge(watch);
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

void watch_init(struct watch *watch, struct worker *worker, void (*judge)(struct watch *watch))
{
    *watch = (struct watch){.worker = worker, .judge = judge};
    timer_init(&watch->timer, watch_on_timer);
}

static void watch_start(struct watch *watch, uint64_t due_ns, uint64_t clock_ns)
{
    watch_stop(watch);
    watch->due_ns = due_ns;
    watch->worker->watches.count++;
    timer_start(&watch->worker->timers, &watch->timer, clock_ns);
}

void watch_set(struct watch *watch, uint64_t due_ns)
{
    watch_start(watch, due_ns, worker_clock_at(watch->worker, due_ns));
}

void watch_set_by_clock(struct watch *watch, uint64_t due_ns)
{
    watch_start(watch, 0, due_ns);
}

bool watch_active(const struct watch *watch)
{
    return watch->link != NULL || timer_active(&watch->timer);
}

void watch_stop(struct watch *watch)
{
    struct worker *worker = watch->worker;
    if (!watch_active(watch)) {
        return;
    }
    assert(worker->watches.count > 0);
    worker->watches.count--;
    timer_stop(&worker->timers, &watch->timer);
    if (watch->link != NULL) {
        watch_acquit(watch);
    }
}
