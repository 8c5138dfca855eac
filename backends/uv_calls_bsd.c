/*
 * libuv on macOS and the BSDs, from src/unix/kqueue.c and stream.c of 1.44.2 and 1.50.0. The call
 * that waits also makes the changes of interest, so these need no call of their own.
 */

#include "uv_calls.h"

#include "net.h"

const unsigned uv_calls_asks = 0;

bool uv_calls_are_estimates(void)
{
    return true;
}

void uv_calls_open(struct uv_calls *calls, const uv_loop_t *loop, struct io_stats *stats)
{
    (void)loop;
    *calls = (struct uv_calls){.stats = stats, .turn = 1};
}

void uv_calls_turn(struct uv_calls *calls)
{
    calls->turn++;
}

void uv_calls_watch(struct uv_calls *calls, struct uv_watch *watch, unsigned what)
{
    (void)calls;
    (void)watch;
    (void)what;
}

void uv_calls_unwatch(struct uv_calls *calls, struct uv_watch *watch, unsigned what)
{
    (void)calls;
    (void)watch;
    (void)what;
}

/* kqueue reports how many connections wait, and libuv accepts that many. */
void uv_calls_accept(struct uv_calls *calls, struct uv_watch *watch, uint32_t *probed, bool held)
{
    (void)watch;
    (void)probed;
    (void)held;
    calls->stats->accept_calls++;
    calls->stats->other_calls += net_accepted_calls;
}

void uv_calls_adopt(struct uv_calls *calls)
{
    (void)calls;
}

void uv_calls_socket(struct uv_calls *calls)
{
    calls->stats->other_calls++; /* FIONBIO */
}

void uv_calls_connected(struct uv_calls *calls, const struct uv_watch *watch)
{
    (void)watch;
    calls->stats->other_calls++; /* SO_ERROR */
}

void uv_calls_close(struct uv_calls *calls, struct uv_watch *watch)
{
    (void)watch;
    calls->stats->other_calls++;
}

void uv_calls_woken(struct uv_calls *calls)
{
    calls->stats->other_calls++; /* read, of a pipe */
}
