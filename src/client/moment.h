#ifndef ECHOPORT_MOMENT_H
#define ECHOPORT_MOMENT_H

/*
 * A timer of the main loop for the begin of a run: it is late by far less than a millisecond, if
 * its thread has a CPU. The last 2 ms it does not leave to libuv, but spins.
 */

#include <stdint.h>

#include <uv.h>

struct moment {
    uv_timer_t timer; /* the loop's end closes it */
    uint64_t at_ns;
    void (*come)(void *context);
    void *context;
};

/* Calls `come` from the loop at `at_ns` by uv_hrtime(), or at once if that has passed. It must not
 * be pending. */
void moment_await(struct moment *moment, uv_loop_t *loop, uint64_t at_ns,
                  void (*come)(void *context), void *context);

/* No call comes any more. Does nothing to a moment that is all zero. */
void moment_cancel(struct moment *moment);

#endif
