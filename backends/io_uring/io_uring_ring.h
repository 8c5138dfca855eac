#ifndef ECHOPORT_IO_URING_RING_H
#define ECHOPORT_IO_URING_RING_H

/*
 * The ground floor of the io_uring backend: the loop that its files share, and the requests that
 * the ring takes to the kernel.
 *
 *     uring_begin() ........... the request is in loop->unqueued, in order
 *     operation->prepare() .... it has an entry (SQE) of the submission queue; the kernel does not
 *                               know of it yet
 *     uring_enter() ........... one call submits all entries and waits
 *     uring_reap() ............ its completion (CQE) is there: operation->completed()
 *
 * A full submission queue fails no request: the request stays in loop->unqueued until an entry is
 * free. None overtakes another, so a cancel always reaches the kernel after what it cancels.
 *
 * Everything belongs to the loop's thread.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <liburing.h>

#include "backend.h"
#include "queue.h"
#include "waiters.h"

struct uring_buffers;
struct uring_request;

struct uring_operation {
    /* Writes the request into the entry. May run in a later turn than uring_begin(). */
    void (*prepare)(struct uring_request *request, struct io_uring_sqe *sqe);

    /* The request is no longer pending. `result` is the operation's own, or a negative errno;
     * `flags` are those of the completion. */
    void (*completed)(struct uring_request *request, int result, unsigned flags);
};

/* All zero at first. From uring_begin() until `completed` is called, it and the memory that it
 * names belong to the ring, cancelled or not. */
struct uring_request {
    const struct uring_operation *operation; /* NULL: it is not pending */
    struct queue_node node;                  /* in loop->unqueued */
};

struct uring_loop {
    struct io_loop base; /* first */
    struct io_config config;
    struct io_uring ring;
    struct queue unqueued; /* requests that have no entry of the submission queue yet */
    struct uring_buffers *buffers;
    struct uring_request wake;
    uint64_t wake_count; /* read from wake_fd */
    int wake_fd;
    bool woken;
    struct waiters waiters;
    struct queue closed; /* sockets with a close callback due */
    struct queue over;   /* stopped listeners of which nothing is outstanding */
    size_t sockets;
    size_t listeners;
};

extern const struct backend backend_io_uring; /* in io_uring.c */

/* The backend's loop behind the public head. */
struct uring_loop *uring_self(struct io_loop *loop);

/* Sets up the kernel's rings: 0 or a negative errno, and nothing to undo. */
int uring_ring_open(struct io_uring *ring);
void uring_ring_close(struct io_uring *ring);

static inline bool uring_is_pending(const struct uring_request *request)
{
    return request->operation != NULL;
}

/* Begins an operation with a request that is not pending. Always IO_PENDING. */
int uring_begin(struct uring_loop *loop, struct uring_request *request,
                const struct uring_operation *operation);

/* Prepares the cancel of all that began on the descriptor before this request. */
void uring_prepare_cancel(struct io_uring_sqe *sqe, int fd);

/* Submits what has begun and waits up to `wait_ns` for a completion. Does not wait while requests
 * are left in loop->unqueued. Sets base.full. 0; or a UV error, and the ring is unusable. */
int uring_enter(struct uring_loop *loop, uint64_t wait_ns);

/* Takes the completions that are there, and runs `completed` of each request. */
void uring_reap(struct uring_loop *loop);

#endif
