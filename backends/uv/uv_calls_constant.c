/*
 * For systems where changes of interest need no extra call: the call that waits makes them
 * (kqueue), or there are none (a completion port). The calls of a connection are constants of the
 * system, in uv_calls_bsd.c or uv_calls_windows.c.
 */

#include "uv_calls.h"

bool uvio_calls_are_estimates(void)
{
    return true;
}

void uvio_calls_open(struct uvio_calls *calls, const uv_loop_t *loop, struct io_stats *stats)
{
    (void)loop;
    *calls = (struct uvio_calls){.stats = stats, .turn = 1};
}

void uvio_calls_turn(struct uvio_calls *calls)
{
    calls->turn++;
}

void uvio_calls_watch(struct uvio_calls *calls, struct uvio_watch *watch, unsigned what)
{
    (void)calls;
    (void)watch;
    (void)what;
}

void uvio_calls_unwatch(struct uvio_calls *calls, struct uvio_watch *watch, unsigned what)
{
    (void)calls;
    (void)watch;
    (void)what;
}

/* libuv knows how many connections wait, so no accept is tried in vain. */
void uvio_calls_accept(struct uvio_calls *calls, struct uvio_watch *watch, uint32_t *probed,
                       bool held)
{
    (void)watch;
    (void)probed;
    (void)held;
    calls->stats->accept_calls++;
    calls->stats->other_calls += uvio_calls_costs.accept;
}

void uvio_calls_adopt(struct uvio_calls *calls)
{
    calls->stats->other_calls += uvio_calls_costs.adopt;
}

void uvio_calls_socket(struct uvio_calls *calls)
{
    calls->stats->other_calls += uvio_calls_costs.socket;
}

void uvio_calls_connected(struct uvio_calls *calls, const struct uvio_watch *watch)
{
    (void)watch;
    calls->stats->other_calls += uvio_calls_costs.connected;
}

void uvio_calls_close(struct uvio_calls *calls, struct uvio_watch *watch)
{
    (void)watch;
    calls->stats->other_calls += uvio_calls_costs.close;
}

void uvio_calls_woken(struct uvio_calls *calls)
{
    calls->stats->other_calls += uvio_calls_costs.woken;
}
