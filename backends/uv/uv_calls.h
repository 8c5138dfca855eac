#ifndef ECHOPORT_UV_CALLS_H
#define ECHOPORT_UV_CALLS_H

/*
 * Counts the system calls that libuv makes by itself, for io_stats: uv_calls_linux.c,
 * uv_calls_bsd.c, uv_calls_windows.c. libuv does not report them. They follow from its sources and
 * from the backend's requests, so the backend calls the functions below with each request. Each
 * costs a few instructions. They belong to the loop's thread, unless stated otherwise.
 */

#include "backend.h"

enum uvio_want { UVIO_WANT_RECV = 1, UVIO_WANT_SEND = 2 };

/* What libuv watches a descriptor for. All zero: nothing so far. */
struct uvio_watch {
    uint32_t turn; /* the turn of the last change */
    uint8_t asked; /* what libuv was asked to watch for */
    uint8_t told;  /* what libuv has registered, as far as it remembers; 0: nothing */
    bool queued;   /* a change is made in the next turn */
    bool repeated; /* that change takes two calls: the first fails */
    bool known;    /* the descriptor is registered with the system */
    bool ended;    /* the end of the stream was read: it remains readable */
};

struct uvio_calls {
    struct io_stats *stats;
    uint32_t turn;    /* number of the current turn, from 1 */
    unsigned changes; /* of interest that are made in the next turn */
    unsigned repeats; /* how many of them take two calls */
    bool rings;       /* libuv submits its changes through an io_uring of its own */
};

/* How many receives without a buffer libuv makes before one with a buffer: 0 or 1. */
extern const unsigned uvio_calls_asks;

/* The calls of a connection that are not counted by kind, on systems where their number is
 * constant. For uv_calls_constant.c; Linux does not use it. */
struct uvio_calls_costs {
    unsigned accept;
    unsigned adopt;
    unsigned socket;
    unsigned connected;
    unsigned close;
    unsigned woken;
};

extern const struct uvio_calls_costs uvio_calls_costs;

/* Call it when the loop has been initialised. From then on `stats` gets the counts. */
void uvio_calls_open(struct uvio_calls *calls, const uv_loop_t *loop, struct io_stats *stats);

/* Whether the counts have not been compared with the kernel for this version of libuv, or on this
 * system. Any thread. */
bool uvio_calls_are_estimates(void);

/* Call it in uv_run(), before libuv waits. */
void uvio_calls_turn(struct uvio_calls *calls);

/* libuv begins, or ceases, to watch for `what` (enum uvio_want). */
void uvio_calls_watch(struct uvio_calls *calls, struct uvio_watch *watch, unsigned what);
void uvio_calls_unwatch(struct uvio_calls *calls, struct uvio_watch *watch, unsigned what);

/* A listener's callback has ended. *probed is the turn of the last accept that found no connection,
 * 0 at first. `held`: the connection was not taken from libuv within the callback. */
void uvio_calls_accept(struct uvio_calls *calls, struct uvio_watch *watch, uint32_t *probed,
                       bool held);

/* Events of a connection: uv_accept(); uv_tcp_open(); the callback of a connect, before libuv
 * ceases to watch; uv_close() of a handle that has a descriptor. */
void uvio_calls_adopt(struct uvio_calls *calls);
void uvio_calls_socket(struct uvio_calls *calls);
void uvio_calls_connected(struct uvio_calls *calls, const struct uvio_watch *watch);
void uvio_calls_close(struct uvio_calls *calls, struct uvio_watch *watch);

/* A callback of uv_async_t. */
void uvio_calls_woken(struct uvio_calls *calls);

#endif
