/*
 * libuv on Windows, from src/win/tcp.c of 1.44.2. A receive without a buffer comes before the one
 * with a buffer. A completion port has no changes of interest.
 */

#include "uv_calls.h"

/* ioctlsocket, SetHandleInformation, CreateIoCompletionPort, SetFileCompletionNotificationModes. */
#define UV_SET_SOCKET_CALLS 4

const unsigned uv_calls_asks = 1;

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

void uv_calls_accept(struct uv_calls *calls, struct uv_watch *watch, uint32_t *probed, bool held)
{
    (void)watch;
    (void)probed;
    (void)held;
    calls->stats->accept_calls++; /* AcceptEx */
}

/* SO_UPDATE_ACCEPT_CONTEXT; socket and SetHandleInformation for the next AcceptEx. */
void uv_calls_adopt(struct uv_calls *calls)
{
    calls->stats->other_calls += UV_SET_SOCKET_CALLS + 3;
}

void uv_calls_socket(struct uv_calls *calls)
{
    calls->stats->other_calls += UV_SET_SOCKET_CALLS + 3; /* getsockopt and two names */
}

void uv_calls_connected(struct uv_calls *calls, const struct uv_watch *watch)
{
    (void)watch;
    calls->stats->other_calls += 2; /* bind, SO_UPDATE_CONNECT_CONTEXT */
}

void uv_calls_close(struct uv_calls *calls, struct uv_watch *watch)
{
    (void)watch;
    calls->stats->other_calls += 2; /* CancelIoEx, closesocket */
}

void uv_calls_woken(struct uv_calls *calls)
{
    (void)calls; /* a wake comes through the port */
}
