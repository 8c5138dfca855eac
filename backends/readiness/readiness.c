/*
 * Completions from readiness.
 *
 *     submit --try--> done
 *               \--would block--> parked --the poller says ready--> try --> done, by callback
 *
 * A receive that did not fill its buffer has taken all there was. So the next one parks without a
 * try, which would be a third call for each echo. Edge-triggered pollers report what arrives later.
 *
 * They do not report again what arrived before: the end of the stream, an error, or data after
 * urgent data, where a receive stops. So a short receive proves nothing once the poller has
 * reported READY_END, or more bytes than have been received since. Then the next receive is tried.
 *
 * No operation is ever in the kernel's hands, so a close waits for nothing. It closes the
 * descriptor at once, which removes it from the poller. The callbacks follow after the batch.
 *
 * readiness.c is the loop, readiness_accept.c a listener, readiness_socket.c a connection.
 */

#include "readiness.h"

#include <assert.h>
#include <stdlib.h>

/* ---- loop ---------------------------------------------------------------------------------- */

int readiness_open(const struct poller *poller, const struct io_config *config,
                   struct io_loop **out)
{
    struct readiness_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return UV_ENOMEM;
    }
    int status = poller->open(loop);
    if (status != 0) {
        free(loop);
        return status;
    }
    loop->base.backend = poller->backend;
    loop->poller = poller;
    loop->config = *config;
    pool_init(&loop->base.pool, config->buffer_size, config->buffer_memory);
    waiters_init(&loop->waiters, &loop->base, readiness_retry_recv);
    queue_init(&loop->closed);
    queue_init(&loop->stopped);
    *out = &loop->base;
    return 0;
}

void readiness_loop_close(struct io_loop *base)
{
    struct readiness_loop *loop = readiness_self(base);
    readiness_finish_stopped(loop);
    assert(loop->sockets == 0 && loop->listeners == 0);
    loop->poller->close(loop);
    pool_destroy(&base->pool);
    free(loop);
}

/* How long the poller may wait: not at all while callbacks are due. */
static uint64_t readiness_wait_ns(const struct readiness_loop *loop, uint64_t deadline_ns)
{
    bool due = waiters_can_feed(&loop->waiters) || !queue_is_empty(&loop->closed) ||
               !queue_is_empty(&loop->stopped);
    return due ? 0 : io_wait_ns(deadline_ns);
}

/* Returns whether there was a wake. */
static bool readiness_dispatch(const struct readiness_event *events, int count)
{
    bool woken = false;
    for (int i = 0; i < count; i++) {
        if (events[i].watch == NULL) {
            woken = true;
        } else {
            events[i].watch->ready(events[i].watch, &events[i]);
        }
    }
    return woken;
}

int readiness_poll(struct io_loop *base, uint64_t deadline_ns)
{
    struct readiness_loop *loop = readiness_self(base);
    struct readiness_event events[READINESS_BATCH];
    uint64_t before = base->stats.completions;
    waiters_feed(&loop->waiters);
    bool delivered = base->stats.completions != before;
    base->stats.wait_calls++;
    int count =
        loop->poller->wait(loop, events, readiness_wait_ns(loop, delivered ? 0 : deadline_ns));
    loop->denied = 0;
    bool woken = readiness_dispatch(events, count);
    io_loop_pause(base, count > 0 && loop->denied >= count);
    base->full = count == READINESS_BATCH || count == UV_EINTR;
    readiness_finish_stopped(loop);
    readiness_finish_closed(loop);
    io_loop_end_turn(base, before, woken);
    return count < 0 && count != UV_EINTR ? count : woken;
}

void readiness_wake(struct io_loop *base)
{
    struct readiness_loop *loop = readiness_self(base);
    loop->poller->wake(loop);
}

uint64_t readiness_now(struct io_loop *loop)
{
    (void)loop;
    return uv_hrtime();
}
