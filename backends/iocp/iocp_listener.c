#include "iocp_listener.h"

#include <stdlib.h>

#include "util.h"

struct io_listener *iocp_listener_new(struct iocp_loop *loop, SOCKET os_socket)
{
    struct io_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        return NULL;
    }
    listener->loop = loop;
    listener->os_socket = os_socket;
    listener->look_ns = UINT64_MAX;
    queue_init(&listener->idle);
    queue_init(&listener->waiting);
    queue_init(&listener->silent);
    queue_init(&listener->ready);
    return listener;
}

void iocp_listener_close(struct io_listener *listener)
{
    if (listener->os_socket != INVALID_SOCKET) {
        iocp_close_handle(listener->os_socket);
        listener->os_socket = INVALID_SOCKET;
    }
}

void iocp_listener_free(struct io_listener *listener)
{
    struct queue_node *node;
    assert(listener->waiting_count == 0 && listener->silent_count == 0);
    iocp_listener_close(listener);
    while ((node = queue_pop(&listener->idle)) != NULL) {
        free(iocp_slot_of(node));
    }
    queue_remove(&listener->node);
    free(listener);
}

/* ---- accepts ------------------------------------------------------------------------------- */

void iocp_listener_push(struct io_listener *listener, struct io_accept *op)
{
    accepts_push(&listener->accepts, op);
    listener->op_count++;
}

void iocp_listener_end_op(struct io_listener *listener, const struct io_token *token, int status)
{
    static const struct io_token none = {.os_socket = INVALID_SOCKET};
    struct io_accept *op = accepts_pop(&listener->accepts);
    assert(op != NULL);
    listener->op_count--;
    op->token = token != NULL ? *token : none;
    op->status = status;
    listener->loop->base.stats.completions++;
    op->done(op);
}

/* ---- slots --------------------------------------------------------------------------------- */

struct iocp_slot *iocp_slot_of(struct queue_node *node)
{
    return CONTAINER_OF(node, struct iocp_slot, node);
}

struct iocp_slot *iocp_slot_take(struct io_listener *listener)
{
    struct queue_node *node = queue_pop(&listener->idle);
    if (node != NULL) {
        return iocp_slot_of(node);
    }
    struct iocp_slot *slot =
        calloc(1, sizeof(*slot) + listener->first_size + 2 * IOCP_ADDRESS_SIZE);
    if (slot != NULL) {
        slot->listener = listener;
    }
    return slot;
}

void iocp_slot_give(struct iocp_slot *slot)
{
    slot->reaped = false;
    slot->silent_ns = 0;
    queue_push(&slot->listener->idle, &slot->node);
}
