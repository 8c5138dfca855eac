#ifndef ECHOPORT_HANDOVER_H
#define ECHOPORT_HANDOVER_H

/*
 * Hands accepted connections over to other workers.
 *
 * With some mechanisms only one loop can listen at an address. Then the worker that listens (the
 * giver) distributes its connections among all workers in turn, itself included:
 *
 *     listen() = 0           handover_give() for each accepted connection
 *     listen() = UV_ENOTSUP  handover_join(); handover_take() at each WORKER_TAKE; handover_leave()
 *
 * No connection is lost: a worker that has left gets no more, and takes those that it was given
 * before. The lock is taken once or twice per connection, never per message.
 */

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "backend.h"
#include "worker.h"

/* The most connections that may wait for one worker. Further ones go to the next in turn. */
#define HANDOVER_INBOX 64

/* The connections that wait for one worker: a ring, oldest first. */
struct handover_inbox {
    struct worker *taker; /* NULL: has not joined, or has left */
    size_t first;
    size_t count;
    struct io_token tokens[HANDOVER_INBOX];
};

/* The turns at one address. */
struct handover_address {
    struct handover_inbox **takers; /* in the order in which they joined */
    size_t taker_count;
    size_t next; /* index of the next taker; taker_count: the giver itself */
};

struct handover {
    uv_mutex_t lock;
    struct handover_inbox *inboxes; /* [worker->index] */
    struct handover_address *addresses;
    size_t worker_count;
    size_t address_count;
};

/* For workers with the indices 0 to worker_count - 1. Main thread. 0; or UV_ENOMEM, and nothing to
 * undo. */
int handover_init(struct handover *handover, size_t worker_count, size_t address_count);

/* Call it when every worker has left and nothing waits. Does nothing for an all-zero struct. */
void handover_destroy(struct handover *handover);

/* From now on the worker takes connections of the address. On its thread, once per address. */
void handover_join(struct handover *handover, struct worker *taker, size_t address);

/*
 * Gives the connection to the next worker in turn. On the thread of the worker that listens at the
 * address. Returns the taker, which now owns the token and gets WORKER_TAKE. NULL: the giver keeps
 * the token: it is its own turn, no taker has room, or its loop can't detach.
 */
struct worker *handover_give(struct handover *handover, struct worker *giver, size_t address,
                             struct io_token *token);

/* Takes the token that has waited longest, which the taker must adopt or refuse. False: there is
 * none. On the taker's thread. */
bool handover_take(struct handover *handover, struct worker *taker, struct io_token *token);

/* From now on the worker is given nothing. Call it, joined or not, before the loop is closed, and
 * then take what still waits. On the worker's thread. */
void handover_leave(struct handover *handover, struct worker *taker);

#endif
