/*
 * Each outstanding accept is a one-shot operation in the ring. A multishot accept would take
 * connections for which no worker has room.
 */

#include "io_uring_accept.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "net.h"
#include "util.h"

struct uring_slot {
    struct uring_request request;
    struct io_listener *listener;
    struct io_accept *op;
    struct uring_slot *next; /* in listener->idle */
};

struct io_listener {
    struct uring_loop *loop;
    struct uring_request cancel;
    struct queue_node node; /* in loop->over */
    struct uring_slot *idle;
    size_t outstanding;
    int fd;
    bool stopped;
};

/* ---- listen and accept --------------------------------------------------------------------- */

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

static struct uring_slot *uring_take_slot(struct io_listener *listener)
{
    struct uring_slot *slot = listener->idle;
    if (slot != NULL) {
        listener->idle = slot->next;
        return slot;
    }
    slot = calloc(1, sizeof(*slot));
    if (slot != NULL) {
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
    if (listener->stopped && listener->outstanding == 0 && !uring_is_pending(&listener->cancel)) {
        queue_push(&listener->loop->over, &listener->node);
    }
}

static void uring_prepare_accept(struct uring_request *request, struct io_uring_sqe *sqe)
{
    const struct uring_slot *slot = CONTAINER_OF(request, struct uring_slot, request);
    io_uring_prep_accept(sqe, slot->listener->fd, NULL, NULL, SOCK_CLOEXEC);
}

static void uring_on_accept(struct uring_request *request, int result, unsigned flags)
{
    struct uring_slot *slot = CONTAINER_OF(request, struct uring_slot, request);
    struct io_listener *listener = slot->listener;
    struct io_stats *stats = &listener->loop->base.stats;
    struct io_accept *op = slot->op;
    (void)flags;
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
    assert(listener->outstanding > 0);
    listener->outstanding--;
    uring_check_over(listener);
}

int uring_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op)
{
    static const struct uring_operation operation = {uring_prepare_accept, uring_on_accept};
    assert(op->done != NULL && !listener->stopped);
    struct uring_slot *slot = uring_take_slot(listener);
    if (slot == NULL) {
        return UV_ENOMEM;
    }
    loop->stats.accept_calls++;
    slot->op = op;
    listener->outstanding++;
    return uring_begin(listener->loop, &slot->request, &operation);
}

static void uring_prepare_cancel_accepts(struct uring_request *request, struct io_uring_sqe *sqe)
{
    uring_prepare_cancel(sqe, CONTAINER_OF(request, struct io_listener, cancel)->fd);
}

static void uring_on_cancel_accepts(struct uring_request *request, int result, unsigned flags)
{
    (void)result; /* each accept has a completion of its own */
    (void)flags;
    uring_check_over(CONTAINER_OF(request, struct io_listener, cancel));
}

void uring_accept_stop(struct io_loop *loop, struct io_listener *listener)
{
    static const struct uring_operation operation = {uring_prepare_cancel_accepts,
                                                     uring_on_cancel_accepts};
    assert(!listener->stopped);
    listener->stopped = true;
    if (listener->outstanding > 0) {
        (void)uring_begin(uring_self(loop), &listener->cancel, &operation);
    }
    uring_check_over(listener);
}

int uring_detach(struct io_loop *loop, struct io_token *token)
{
    (void)loop;
    (void)token;
    return 0;
}

void uring_refuse(struct io_loop *loop, struct io_token *token)
{
    loop->stats.other_calls++;
    net_close(token->os_socket);
    *token = (struct io_token){.os_socket = -1};
}

/* ---- shutdown and close -------------------------------------------------------------------- */

static void uring_finish_stop(struct io_listener *listener)
{
    net_close(listener->fd);
    while (listener->idle != NULL) {
        struct uring_slot *slot = listener->idle;
        listener->idle = slot->next;
        free(slot);
    }
    listener->loop->listeners--;
    free(listener);
}

void uring_finish_stopped(struct uring_loop *loop)
{
    struct queue_node *node;
    while ((node = queue_pop(&loop->over)) != NULL) {
        uring_finish_stop(CONTAINER_OF(node, struct io_listener, node));
    }
}
