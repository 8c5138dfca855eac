#ifndef ECHOPORT_UV_CALLS_H
#define ECHOPORT_UV_CALLS_H

/*
 * The system calls that libuv makes by itself, for io_stats: uv_calls_linux.c, uv_calls_bsd.c,
 * uv_calls_windows.c. libuv tells of none of them. They follow from its sources, and from what it
 * was asked for, which is what the functions here are told. Each costs a few instructions. They
 * belong to the loop's thread.
 */

#include "backend.h"

enum uv_want { UV_WANT_RECV = 1, UV_WANT_SEND = 2 };

/* What libuv watches a descriptor for. All zero: nothing yet. */
struct uv_watch {
    uint32_t turn; /* of the last change */
    uint8_t asked; /* what it was asked to watch for */
    uint8_t told;  /* what it has told the system; 0: nothing, as far as it remembers */
    bool queued;   /* a change waits for the next turn */
    bool repeated; /* it will fail at first, and be made in another way */
    bool known;    /* the system has been told of the descriptor */
    bool ended;    /* the end of the stream was read: it stays readable */
};

struct uv_calls {
    struct io_stats *stats;
    uint32_t turn;    /* number of the present one, from 1 on */
    unsigned changes; /* that wait for the next turn */
    unsigned repeats; /* of which so many will be repeated */
    bool rings;       /* libuv hands its changes over through an io_uring of its own */
};

/* How many receives without a buffer libuv makes before one with a buffer: 0 or 1. */
extern const unsigned uv_calls_asks;

/* Once the loop has been initialised. `stats` is counted into from then on. */
void uv_calls_open(struct uv_calls *calls, const uv_loop_t *loop, struct io_stats *stats);

/* Whether what is counted here has not been compared with the system: with this version of libuv,
 * or on this system. Any thread. */
bool uv_calls_are_estimates(void);

/* In uv_run(), before it waits. */
void uv_calls_turn(struct uv_calls *calls);

/* libuv begins to watch for `what`, of enum uv_want, or ceases to. */
void uv_calls_watch(struct uv_calls *calls, struct uv_watch *watch, unsigned what);
void uv_calls_unwatch(struct uv_calls *calls, struct uv_watch *watch, unsigned what);

/* A listener's callback has ended. `probed` is the turn of the last accept in vain, 0 at first.
 * `held`: the connection was not taken from libuv within the callback. */
void uv_calls_accept(struct uv_calls *calls, struct uv_watch *watch, uint32_t *probed, bool held);

/* The beginning and the end of a connection: uv_accept(); uv_tcp_open(); the callback of a connect,
 * before libuv ceases to watch; uv_close() of a handle that has a descriptor. */
void uv_calls_adopt(struct uv_calls *calls);
void uv_calls_socket(struct uv_calls *calls);
void uv_calls_connected(struct uv_calls *calls, const struct uv_watch *watch);
void uv_calls_close(struct uv_calls *calls, struct uv_watch *watch);

/* A callback of uv_async_t. */
void uv_calls_woken(struct uv_calls *calls);

#endif
