/*
 * One listener: as many one-shot accepts in the ring as are outstanding. Not multishot, which would
 * accept connections that no worker has room for.
 */

#include "io_uring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "net.h"
#include "util.h"

struct uring_slot {
    struct uring_request request; /* first */
    struct io_listener *listener;
    struct io_accept *op;
    struct uring_slot *next; /* in listener->idle */
};

struct io_listener {
    struct uring_loop *loop;
    struct queue_node node; /* in loop->over */
    struct uring_slot *idle;
    size_t outstanding;
    int fd;
    bool stopped;
};

static void uring_on_accept(struct uring_request *request, int result, unsigned flags);

static struct uring_slot *uring_take_slot(struct io_listener *listener)
{
    struct uring_slot *slot = listener->idle;
    if (slot != NULL) {
        listener->idle = slot->next;
        return slot;
    }
    slot = calloc(1, sizeof(*slot));
    if (slot != NULL) {
        slot->request.completed = uring_on_accept;
        slot->listener = listener;
    }
    return slot;
}

static void uring_give_slot(struct uring_slot *slot)
{
    slot->next = slot->listener->idle;
    slot->listener->idle = slot;
}

static void uring_check_over(struct io_listener *listener)
{
    if (listener->stopped && listener->outstanding == 0 && !queue_has(&listener->node)) {
        queue_push(&listener->loop->over, &listener->node);
    }
}

static void uring_on_accept(struct uring_request *request, int result, unsigned flags)
{
    struct uring_slot *slot = (struct uring_slot *)(void *)request;
    struct io_listener *listener = slot->listener;
    struct io_stats *stats = &listener->loop->base.stats;
    struct io_accept *op = slot->op;
    (void)flags;
    assert(listener->outstanding > 0);
    listener->outstanding--;
    uring_give_slot(slot);
    op->token = (struct io_token){.os_socket = result};
    op->status = result >= 0 ? 0 : uv_translate_sys_error(-result);
    if (listener->stopped && result < 0) {
        op->status = UV_ECANCELED;
    }
    stats->accepts += result >= 0;
    stats->accepts_failed += op->status != 0 && op->status != UV_ECANCELED;
    stats->completions++;
    op->done(op);
    uring_check_over(listener);
}

int uring_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op)
{
    struct uring_loop *self = uring_self(loop);
    assert(op->done != NULL && !listener->stopped);
    struct uring_slot *slot = uring_take_slot(listener);
    if (slot == NULL) {
        return UV_ENOMEM;
    }
    struct io_uring_sqe *sqe = uring_sqe(self);
    if (sqe == NULL) {
        uring_give_slot(slot);
        return UV_ENOBUFS;
    }
    loop->stats.accept_calls++;
    slot->op = op;
    listener->outstanding++;
    io_uring_prep_accept(sqe, listener->fd, NULL, NULL, SOCK_CLOEXEC);
    return uring_begin(sqe, &slot->request);
}

int uring_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                 struct io_listener **out)
{
    struct io_listener *listener = calloc(1, sizeof(*listener));
    int status = listener != NULL ? 0 : UV_ENOMEM;
    if (status == 0 && listen(os_socket, backlog) != 0) {
        status = uv_translate_sys_error(errno);
    }
    if (status != 0) {
        net_close(os_socket);
        free(listener);
        return status;
    }
    listener->loop = uring_self(loop);
    listener->fd = os_socket;
    listener->loop->listeners++;
    *out = listener;
    return 0;
}

void uring_accept_stop(struct io_loop *loop, struct io_listener *listener)
{
    assert(!listener->stopped);
    listener->stopped = true;
    if (listener->outstanding > 0) {
        uring_cancel(uring_self(loop), listener->fd);
    }
    uring_check_over(listener);
}

void uring_finish_listeners(struct uring_loop *loop)
{
    struct queue_node *node;
    while ((node = queue_pop(&loop->over)) != NULL) {
        struct io_listener *listener = CONTAINER_OF(node, struct io_listener, node);
        net_close(listener->fd);
        while (listener->idle != NULL) {
            struct uring_slot *slot = listener->idle;
            listener->idle = slot->next;
            free(slot);
        }
        loop->listeners--;
        free(listener);
    }
}
