#include "waiters.h"

#include <assert.h>

#include "util.h"

void waiters_init(struct waiters *waiters, struct io_loop *loop,
                  void (*retry)(struct waiter *waiter))
{
    *waiters = (struct waiters){.loop = loop, .retry = retry};
    queue_init(&waiters->queue);
}

/* Call it when the count or the pool has changed. */
static void waiters_look(struct waiters *waiters)
{
    bool some = waiters->count > 0;
    waiters->scarce = some && (waiters->scarce || !pool_can_give(&waiters->loop->pool));
    waiters->overtaken = some && waiters->overtaken;
    waiters->loop->waiting = waiters->scarce ? waiters->count : 0;
}

int waiters_join(struct waiters *waiters, struct waiter *waiter, struct io_recv *op)
{
    queue_push(&waiters->queue, &waiter->node);
    waiter->op = op;
    op->waiting = true;
    waiters->count++;
    waiters_look(waiters);
    waiters->loop->stats.starved += waiters->scarce;
    return IO_PENDING;
}

int waiters_await_buffer(struct waiters *waiters, struct waiter *waiter, struct io_recv *op)
{
    const struct pool *pool = &waiters->loop->pool;
    return pool->in_use + pool->offered > 0 ? waiters_join(waiters, waiter, op) : UV_ENOMEM;
}

int waiters_pass_over(struct waiters *waiters, struct waiter *waiter, struct io_recv *op)
{
    waiter->passed_over++;
    waiters->overtaken = waiters->overtaken || waiter->passed_over >= WAITERS_PASSED_OVER_MAX;
    return waiters_join(waiters, waiter, op);
}

void waiters_leave(struct waiters *waiters, struct waiter *waiter)
{
    if (!queue_has(&waiter->node)) {
        return;
    }
    assert(waiters->count > 0 && waiter->op->waiting);
    queue_remove(&waiter->node);
    waiter->op->waiting = false;
    waiters->count--;
    waiters_look(waiters);
}

/* The number of free buffers: those offered to the system or, if there are none, those that the
 * pool may still give. The pool may refuse one, and then the receive ends with an error. */
void waiters_feed(struct waiters *waiters)
{
    const struct pool *pool = &waiters->loop->pool;
    size_t buffers = pool->offered > 0 ? pool->offered : pool->limit - pool->in_use;
    size_t turns = buffers < waiters->count ? buffers : waiters->count;
    while (turns-- > 0 && waiters->count > 0) {
        struct waiter *waiter = CONTAINER_OF(waiters->queue.head.next, struct waiter, node);
        waiters_leave(waiters, waiter);
        waiters->turn = waiter;
        waiters->retry(waiter);
        waiters->turn = NULL;
    }
    waiters_look(waiters);
}
