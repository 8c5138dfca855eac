#ifndef ECHOPORT_WAITERS_H
#define ECHOPORT_WAITERS_H

/*
 * The receives of a loop that wait for a buffer of its pool, first come, first served: rule 8 of
 * backend.h. The backends differ only in how a receive begins again.
 *
 * While the pool is at its limit, a new receive goes behind those that wait. If only the system had
 * no buffer (io_uring's ring is smaller than the pool), a new receive may overtake them. But one
 * that was overtaken WAITERS_PASSED_OVER_MAX times in a row goes first. All functions belong to the
 * loop's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "queue.h"

#define WAITERS_PASSED_OVER_MAX 16

/* A socket's place among them, all zero at first. */
struct waiter {
    struct queue_node node; /* first */
    struct io_recv *op;     /* the receive that waits */
    unsigned passed_over;   /* times in a row that others got its buffer */
};

struct waiters {
    struct io_loop *loop;
    void (*retry)(struct waiter *waiter);
    struct queue queue;
    size_t count;
    const struct waiter *turn; /* the one that may take a buffer now */
    bool scarce;               /* the pool was at its limit since the first of them came */
    bool overtaken;            /* one of them was passed over WAITERS_PASSED_OVER_MAX times */
};

/* `retry` begins a waiter's receive again, and delivers its outcome if there is one at once. */
void waiters_init(struct waiters *waiters, struct io_loop *loop,
                  void (*retry)(struct waiter *waiter));

/* Lets `op` wait behind all others, for a buffer or only for its turn. IO_PENDING. */
int waiters_join(struct waiters *waiters, struct waiter *waiter, struct io_recv *op);

/* The same if there is no buffer; or UV_ENOMEM: none is in use, so none will come back. */
int waiters_await_buffer(struct waiters *waiters, struct waiter *waiter, struct io_recv *op);

/* The same if others took the buffer that `waiter` was due. */
int waiters_pass_over(struct waiters *waiters, struct waiter *waiter, struct io_recv *op);

/* `waiter` waits no longer. No-op if it does not wait. */
void waiters_leave(struct waiters *waiters, struct waiter *waiter);

/* Gives one a turn for each free buffer, the longest waiting first. A receive that joins meanwhile
 * goes behind those that wait now. */
void waiters_feed(struct waiters *waiters);

/* Whether a new receive has to join them. */
static inline bool waiters_go_first(const struct waiters *waiters)
{
    return waiters->scarce || waiters->overtaken;
}

/* Whether a buffer is free for the next waiter: then the loop doesn't block. The last one that was
 * fed may have read nothing, and left its buffer to the next. */
static inline bool waiters_can_feed(const struct waiters *waiters)
{
    const struct pool *pool = &waiters->loop->pool;
    return waiters->count > 0 && (pool->offered > 0 || pool_can_give(pool));
}

/* A buffer, if it is `waiter`'s turn or none has to wait. Else NULL, and *status is IO_PENDING (the
 * receive waits) or UV_ENOMEM. */
static inline uint8_t *waiters_take(struct waiters *waiters, struct waiter *waiter,
                                    struct io_recv *op, int *status)
{
    bool in_turn = !waiters_go_first(waiters) || waiters->turn == waiter;
    uint8_t *buffer = in_turn ? pool_take(&waiters->loop->pool) : NULL;
    waiters->turn = NULL;
    if (buffer == NULL) {
        *status =
            in_turn ? waiters_await_buffer(waiters, waiter, op) : waiters_join(waiters, waiter, op);
    }
    return buffer;
}

/* `waiter` has got a buffer from the system. */
static inline void waiters_served(struct waiters *waiters, struct waiter *waiter)
{
    if (waiter->passed_over >= WAITERS_PASSED_OVER_MAX) {
        waiters->overtaken = false;
    }
    waiter->passed_over = 0;
}

#endif
