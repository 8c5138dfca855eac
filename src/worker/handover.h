#ifndef ECHOPORT_HANDOVER_H
#define ECHOPORT_HANDOVER_H

/*
 * Accepted connections on their way to another worker.
 *
 * Where a mechanism lets but one loop listen at an address, the worker that listens there hands its
 * connections over to those that may not, in turn, itself among them:
 *
 *     listen() = 0           handover_give() for each connection that is accepted
 *     listen() = UV_ENOTSUP  handover_join(); handover_take() at each WORKER_TAKE; handover_leave()
 *
 * Nothing is lost on the way: a worker that has left gets no more connections, and takes those that
 * it was given before. The lock is taken for a connection and never for a message.
 */

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "backend.h"
#include "worker.h"

/* How many connections may wait for one worker; more go to the next in turn. */
#define HANDOVER_INBOX 64

/* What waits for one worker, oldest first, in a ring. */
struct handover_inbox {
    struct worker *taker; /* NULL: has not joined, or has left */
    size_t first;
    size_t count;
    struct io_token tokens[HANDOVER_INBOX];
};

/* Whose turn it is at one address. */
struct handover_address {
    struct handover_inbox **takers; /* those that have joined, in that order */
    size_t taker_count;
    size_t next; /* of the takers; past the last: the giver himself */
};

struct handover {
    uv_mutex_t lock;
    struct handover_inbox *inboxes; /* [worker->index] */
    struct handover_address *addresses;
    size_t worker_count;
    size_t address_count;
};

/* For workers of the indices 0 to worker_count - 1. 0; or UV_ENOMEM, and nothing to undo. */
int handover_init(struct handover *handover, size_t worker_count, size_t address_count);

/* When every worker has left and nothing waits. Of one that is all zero it does nothing. */
void handover_destroy(struct handover *handover);

/* From now on the worker takes connections of the address, on its thread. Once for each address. */
void handover_join(struct handover *handover, struct worker *taker, size_t address);

/*
 * Gives the connection to the next worker in turn. Call it on the thread of a worker that listens
 * at the address. Returns the other worker, which now has the token and has been told by
 * WORKER_TAKE. NULL: the giver keeps the token, since it is its own turn, no other worker has room,
 * or its loop can't detach.
 */
struct worker *handover_give(struct handover *handover, struct worker *giver, size_t address,
                             struct io_token *token);

/* The token that waits longest, to be adopted or refused by the taker; false if there is none. */
bool handover_take(struct handover *handover, struct worker *taker, struct io_token *token);

/* The worker, whether it has joined or not, is given nothing any more: what it takes after this is
 * the last. Before its loop is closed. */
void handover_leave(struct handover *handover, struct worker *taker);

#endif
