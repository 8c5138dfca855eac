/*
 * libuv on Linux, from src/unix/ of 1.44.2 and 1.50.0: linux-core.c, epoll.c, linux.c, stream.c.
 *
 * libuv makes a change of interest in the next turn. If the change is undone before, libuv makes
 * none. When libuv ceases to watch a descriptor, it forgets it and does not tell the kernel. To
 * watch it again takes EPOLL_CTL_ADD, which fails with EEXIST, and EPOLL_CTL_MOD. If an event comes
 * in between, it takes EPOLL_CTL_DEL and EPOLL_CTL_ADD.
 *
 * A close always makes an EPOLL_CTL_DEL. Since 1.45 one call submits all changes of a turn through
 * an io_uring of libuv's own, except EPOLL_CTL_DEL.
 */

#include "uv_calls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UVIO_LIBUV_1_44_2 0x012c02u
#define UVIO_LIBUV_1_45_0 0x012d00u
#define UVIO_LIBUV_1_50_0 0x013200u

/* How many changes libuv's ring has room for. */
#define UVIO_RING_ENTRIES 256u

/* How many descriptors other threads may open between two that libuv opens. */
#define UVIO_RING_WITHIN 64

const unsigned uvio_calls_asks = 0;

bool uvio_calls_are_estimates(void)
{
    return uv_version() != UVIO_LIBUV_1_44_2 && uv_version() != UVIO_LIBUV_1_50_0;
}

/* libuv opens its ring right after its epoll: it is one of the next descriptors. */
static bool uvio_has_ring(const uv_loop_t *loop)
{
    int first = uv_backend_fd(loop) + 1;
    for (int fd = first; fd < first + UVIO_RING_WITHIN; fd++) {
        char path[64];
        char name[32] = "";
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (readlink(path, name, sizeof(name) - 1) > 0 &&
            strcmp(name, "anon_inode:[io_uring]") == 0) {
            return true;
        }
    }
    return false;
}

void uvio_calls_open(struct uvio_calls *calls, const uv_loop_t *loop, struct io_stats *stats)
{
    *calls = (struct uvio_calls){.stats = stats, .turn = 1};
    calls->rings = uv_version() >= UVIO_LIBUV_1_45_0 && uvio_has_ring(loop);
}

void uvio_calls_turn(struct uvio_calls *calls)
{
    calls->turn++;
    if (calls->changes == 0) {
        return;
    }
    if (calls->rings) {
        calls->stats->control_calls += (calls->changes + UVIO_RING_ENTRIES - 1) / UVIO_RING_ENTRIES;
        calls->stats->control_calls += (calls->repeats + UVIO_RING_ENTRIES - 1) / UVIO_RING_ENTRIES;
    } else {
        calls->stats->control_calls += calls->changes + calls->repeats;
    }
    calls->changes = calls->repeats = 0;
}

/* If a turn has begun since the last change, the change has been made. */
static void uvio_watch_settle(const struct uvio_calls *calls, struct uvio_watch *watch)
{
    if (watch->queued && watch->turn != calls->turn) {
        watch->queued = watch->repeated = false;
        watch->told = watch->asked;
        watch->known = true;
    }
}

static void uvio_watch_queue(struct uvio_calls *calls, struct uvio_watch *watch)
{
    if (!watch->queued) {
        watch->queued = true;
        watch->repeated = watch->told == 0 && watch->known;
        watch->turn = calls->turn;
        calls->changes++;
        calls->repeats += watch->repeated;
    }
}

void uvio_calls_watch(struct uvio_calls *calls, struct uvio_watch *watch, unsigned what)
{
    uvio_watch_settle(calls, watch);
    watch->asked |= (uint8_t)what;
    if (watch->told != watch->asked) {
        uvio_watch_queue(calls, watch);
    }
}

void uvio_calls_unwatch(struct uvio_calls *calls, struct uvio_watch *watch, unsigned what)
{
    uvio_watch_settle(calls, watch);
    watch->asked &= (uint8_t)~what;
    if (watch->asked != 0) {
        uvio_watch_queue(calls, watch); /* even if nothing has changed */
        return;
    }
    calls->changes -= watch->queued;
    calls->repeats -= watch->repeated;
    watch->queued = watch->repeated = false;
    watch->told = 0;
    watch->turn = calls->turn;
}

/* Before 1.45 libuv accepts until no connection waits; since then, once for each event. */
void uvio_calls_accept(struct uvio_calls *calls, struct uvio_watch *watch, uint32_t *probed,
                       bool held)
{
    calls->stats->accept_calls++;
    if (held) {
        uvio_calls_unwatch(calls, watch, UVIO_WANT_RECV);
    }
    if (uv_version() >= UVIO_LIBUV_1_45_0) {
        return;
    }
    if (!held && *probed != calls->turn) {
        calls->stats->accept_calls++;
        *probed = calls->turn;
    } else if (held && *probed == calls->turn) {
        calls->stats->accept_calls--;
        *probed = 0;
    }
}

void uvio_calls_adopt(struct uvio_calls *calls)
{
    (void)calls; /* accept4() needs no further call */
}

void uvio_calls_socket(struct uvio_calls *calls)
{
    calls->stats->other_calls++; /* FIONBIO */
}

void uvio_calls_connected(struct uvio_calls *calls, const struct uvio_watch *watch)
{
    bool at_once = watch->queued && watch->turn == calls->turn;
    calls->stats->other_calls += !at_once; /* SO_ERROR; not if connect() failed at once */
}

void uvio_calls_close(struct uvio_calls *calls, struct uvio_watch *watch)
{
    uvio_watch_settle(calls, watch);
    bool rang = watch->ended && watch->known && watch->asked == 0 && watch->turn != calls->turn;
    uvio_calls_unwatch(calls, watch, UVIO_WANT_RECV | UVIO_WANT_SEND);
    calls->stats->control_calls += 1U + rang; /* EPOLL_CTL_DEL */
    calls->stats->other_calls++;              /* close */
}

void uvio_calls_woken(struct uvio_calls *calls)
{
    calls->stats->other_calls++; /* read, of an eventfd */
}
