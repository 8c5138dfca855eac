/*
 * libuv where changes of interest cost no call of their own: the call that waits makes them
 * (kqueue), or there are none (a completion port). What a connection costs there is a constant of
 * the system, in uv_calls_bsd.c or uv_calls_windows.c.
 */

#include "uv_calls.h"

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

/* libuv knows how many connections wait, and tries no accept in vain. */
void uv_calls_accept(struct uv_calls *calls, struct uv_watch *watch, uint32_t *probed, bool held)
{
    (void)watch;
    (void)probed;
    (void)held;
    calls->stats->accept_calls++;
    calls->stats->other_calls += uv_calls_costs.accept;
}

void uv_calls_adopt(struct uv_calls *calls)
{
    calls->stats->other_calls += uv_calls_costs.adopt;
}

void uv_calls_socket(struct uv_calls *calls)
{
    calls->stats->other_calls += uv_calls_costs.socket;
}

void uv_calls_connected(struct uv_calls *calls, const struct uv_watch *watch)
{
    (void)watch;
    calls->stats->other_calls += uv_calls_costs.connected;
}

void uv_calls_close(struct uv_calls *calls, struct uv_watch *watch)
{
    (void)watch;
    calls->stats->other_calls += uv_calls_costs.close;
}

void uv_calls_woken(struct uv_calls *calls)
{
    calls->stats->other_calls += uv_calls_costs.woken;
}
