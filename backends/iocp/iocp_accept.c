/*
 * Accepts. A completion of a slot ends the oldest accept:
 *
 *     accept --> iocp_start_slot --> ... completion ... --> iocp_on_slot --> op->done
 *
 * A failed accept is never the listener's end: the caller retries with a back-off. What differs
 * between the modes, in iocp_acceptex.c, iocp_accept_data.c and iocp_thread.c, is how a connection
 * comes into the slot.
 */

#include "iocp_accept.h"

#include <stdlib.h>
#include <string.h>

#include "iocp_accept_data.h"
#include "iocp_acceptex.h"
#include "iocp_listener.h"
#include "iocp_thread.h"
#include "util.h"

/* How often a thread that was missed by CancelIoEx is cancelled again. */
#define IOCP_CANCEL_AGAIN_NS NS_PER_MS

static struct io_listener *iocp_listener_of(struct queue_node *node)
{
    return CONTAINER_OF(node, struct io_listener, node);
}

/* ---- a slot's connection ------------------------------------------------------------------- */

static void iocp_close_slot(struct iocp_slot *slot)
{
    slot->listener->loop->base.stats.other_calls++;
    iocp_close_handle(slot->os_socket);
}

/* 0, or a UV error: the slot has no connection that could be served. */
static int iocp_check_slot(const struct iocp_slot *slot)
{
    if (slot->listener->os_socket == INVALID_SOCKET) { /* closed, as it could not be cancelled */
        return UV_ECANCELED;
    }
    return slot->listener->thread != NULL ? 0 : iocp_acceptex_finish(slot);
}

/* Makes a token of the slot's connection, which brought `bytes`. 0; or a UV error, and it is
 * closed. */
static int iocp_make_token(struct iocp_slot *slot, size_t bytes, struct io_token *token)
{
    struct io_stats *stats = &slot->listener->loop->base.stats;
    uint8_t *first = NULL;
    int status = iocp_check_slot(slot);
    if (status == 0 && bytes > 0) {
        first = malloc(bytes);
        status = first != NULL ? 0 : UV_ENOMEM;
    }
    if (status != 0) {
        iocp_close_slot(slot);
        return iocp_stream_error(status);
    }
    if (first != NULL) {
        memcpy(first, slot->buffer, bytes);
        stats->accepts_with_data++;
    }
    stats->accepts++;
    *token = (struct io_token){.os_socket = slot->os_socket, .first = first, .first_length = bytes};
    return 0;
}

/* A connection ends the oldest accept; if there is none, it waits for the next. */
static void iocp_slot_succeeded(struct iocp_slot *slot, struct io_token *token)
{
    struct io_listener *listener = slot->listener;
    if (listener->op_count > 0) {
        iocp_slot_give(slot);
        iocp_listener_end_op(listener, token, 0);
    } else if (listener->stopped) {
        iocp_slot_give(slot);
        iocp_refuse(&listener->loop->base, token);
    } else {
        slot->token = *token;
        queue_push(&listener->ready, &slot->node);
    }
}

/* An accept fails for it, unless this side ended the request. Only a stop cancels an accept, so any
 * other cancel is a lost connection. */
static void iocp_slot_failed(struct iocp_slot *slot, int status)
{
    struct io_listener *listener = slot->listener;
    struct io_stats *stats = &listener->loop->base.stats;
    bool reaped = slot->reaped;
    iocp_slot_give(slot);
    if (reaped) {
        stats->accepts_reaped++;
    } else if (!listener->stopped) {
        stats->accepts_failed++;
        if (listener->op_count > 0) {
            iocp_listener_end_op(listener, NULL, status == UV_ECANCELED ? UV_ECONNABORTED : status);
        }
    }
}

static void iocp_slot_done(struct iocp_slot *slot, size_t bytes, int status)
{
    struct io_token token;
    if (slot->os_socket == INVALID_SOCKET) { /* closed to end the accept, perhaps too late */
        status = status != 0 ? status : UV_ECANCELED;
    } else if (status == 0) {
        status = iocp_make_token(slot, bytes, &token);
    } else {
        iocp_close_slot(slot);
    }
    if (status == 0) {
        iocp_slot_succeeded(slot, &token);
    } else {
        iocp_slot_failed(slot, status);
    }
}

/* ---- a slot's request ---------------------------------------------------------------------- */

static void iocp_on_slot(struct iocp_request *request, size_t bytes, int status);

/* Makes one more slot wait. IO_PENDING; IO_DONE, *slot has a connection; or an error. */
static int iocp_start_slot(struct io_listener *listener, struct iocp_slot **out)
{
    int outcome = IO_PENDING;
    struct iocp_slot *slot = iocp_slot_take(listener);
    *out = slot;
    if (slot == NULL) {
        return UV_ENOMEM;
    }
    listener->loop->base.stats.accept_calls++;
    slot->request.completed = iocp_on_slot;
    slot->status = 0;
    slot->os_socket = INVALID_SOCKET;
    if (listener->thread != NULL) {
        iocp_thread_ask(slot);
    } else {
        outcome = iocp_acceptex_start(slot);
    }
    if (outcome == IO_PENDING) {
        listener->waiting_count++;
        queue_push(&listener->waiting, &slot->node);
    } else if (outcome < 0) {
        iocp_slot_give(slot);
        listener->loop->base.stats.accepts_failed++;
    }
    return outcome;
}

/* Whether this number of accepts wants another slot. */
static bool iocp_wants_slot(const struct io_listener *listener, size_t accepts)
{
    return !listener->stopped && listener->waiting_count < accepts &&
           iocp_accept_data_has_room(listener);
}

/* Makes slots wait until each accept has one. */
static void iocp_refill(struct io_listener *listener)
{
    while (iocp_wants_slot(listener, listener->op_count)) {
        struct iocp_slot *slot;
        int outcome = iocp_start_slot(listener, &slot);
        if (outcome == IO_DONE) {
            iocp_slot_done(slot, slot->length, 0);
        } else if (outcome < 0) {
            iocp_listener_end_op(listener, NULL, outcome);
            return;
        }
    }
}

static void iocp_on_slot(struct iocp_request *request, size_t bytes, int status)
{
    struct iocp_slot *slot = (struct iocp_slot *)(void *)request;
    struct io_listener *listener = slot->listener;
    queue_remove(&slot->node);
    if (slot->silent_ns != 0) {
        listener->silent_count--;
    } else {
        listener->waiting_count--;
    }
    iocp_slot_done(slot, bytes, status != 0 ? status : slot->status);
    iocp_refill(listener);
}

/* ---- listen and accept --------------------------------------------------------------------- */

static int iocp_open_listener(struct io_listener *listener, int backlog)
{
    struct sockaddr_storage name;
    int size = sizeof(name);
    unsigned mode = listener->loop->config.accept_mode;
    int status = iocp_attach(listener->loop, listener->os_socket, &listener->inline_outcomes);
    if (status != 0) {
        return status == UV_EINVAL ? UV_ENOTSUP : status; /* another loop has it already */
    }
    if (getsockname(listener->os_socket, (struct sockaddr *)&name, &size) != 0 ||
        listen(listener->os_socket, backlog) != 0) {
        return iocp_last_error();
    }
    listener->family = name.ss_family;
    if (mode == IOCP_ACCEPTEX_DATA) {
        iocp_accept_data_open(listener);
    }
    return mode == IOCP_WSAACCEPT ? iocp_thread_start(listener) : 0;
}

int iocp_listen(struct io_loop *base, uv_os_sock_t os_socket, int backlog, struct io_listener **out)
{
    struct iocp_loop *loop = iocp_self(base);
    struct io_listener *listener = iocp_listener_new(loop, os_socket);
    if (listener == NULL) {
        iocp_close_handle(os_socket);
        return UV_ENOMEM;
    }
    int status = iocp_open_listener(listener, backlog);
    if (status != 0) {
        iocp_listener_free(listener);
        return status;
    }
    queue_push(&loop->listeners, &listener->node);
    loop->open_listeners++;
    *out = listener;
    return 0;
}

int iocp_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op)
{
    struct queue_node *node = queue_pop(&listener->ready);
    assert(op->done != NULL && !listener->stopped);
    if (node != NULL) {
        op->token = iocp_slot_of(node)->token;
        op->status = 0;
        iocp_slot_give(iocp_slot_of(node));
        loop->stats.inline_outcomes++;
        return IO_DONE;
    }
    if (iocp_wants_slot(listener, listener->op_count + 1)) {
        struct iocp_slot *slot;
        int outcome = iocp_start_slot(listener, &slot);
        if (outcome < 0) {
            return outcome;
        }
        if (outcome == IO_DONE) {
            op->status = iocp_make_token(slot, slot->length, &op->token);
            loop->stats.accepts_failed += op->status != 0;
            loop->stats.inline_outcomes++;
            iocp_slot_give(slot);
            return IO_DONE;
        }
    }
    iocp_listener_push(listener, op);
    return IO_PENDING;
}

/* Cancels all that waits. If that fails, closing the socket ends it, too. */
static void iocp_cancel_slots(struct io_listener *listener)
{
    if (listener->os_socket == INVALID_SOCKET || iocp_cancel(listener->os_socket, NULL)) {
        return;
    }
    if (listener->thread == NULL || iocp_thread_cancel_failed(listener->thread)) {
        iocp_listener_close(listener);
    }
}

void iocp_accept_stop(struct io_loop *base, struct io_listener *listener)
{
    struct iocp_loop *loop = iocp_self(base);
    struct queue_node *node;
    assert(loop->open_listeners > 0 && !listener->stopped);
    loop->open_listeners--;
    listener->stopped = true;
    listener->look_ns = listener->thread != NULL ? uv_hrtime() + IOCP_CANCEL_AGAIN_NS : UINT64_MAX;
    while ((node = queue_pop(&listener->ready)) != NULL) {
        iocp_refuse(base, &iocp_slot_of(node)->token);
        iocp_slot_give(iocp_slot_of(node));
    }
    if (listener->thread != NULL) {
        iocp_thread_stop(listener->thread);
    }
    iocp_cancel_slots(listener);
}

/* ---- each turn ----------------------------------------------------------------------------- */

/* Whether it was stopped, and no request of it is outstanding. */
static bool iocp_is_over(const struct io_listener *listener)
{
    return listener->stopped && listener->waiting_count == 0 && listener->silent_count == 0;
}

static void iocp_end_listener(struct io_listener *listener)
{
    while (listener->op_count > 0) {
        iocp_listener_end_op(listener, NULL, UV_ECANCELED);
    }
    if (listener->thread != NULL) {
        iocp_thread_end(listener->thread);
    }
    iocp_listener_free(listener);
}

uint64_t iocp_listeners_due(const struct iocp_loop *loop)
{
    uint64_t due_ns = UINT64_MAX;
    for (struct queue_node *node = loop->listeners.head.next; node != &loop->listeners.head;
         node = node->next) {
        const struct io_listener *listener = iocp_listener_of(node);
        uint64_t own_ns = iocp_is_over(listener) ? 0 : listener->look_ns;
        due_ns = own_ns < due_ns ? own_ns : due_ns;
    }
    return due_ns;
}

static void iocp_look(struct io_listener *listener)
{
    uint64_t now_ns = uv_hrtime();
    if (now_ns < listener->look_ns) {
        return;
    }
    if (listener->stopped) { /* the thread was not in its wait yet */
        iocp_cancel_slots(listener);
        listener->look_ns = now_ns + IOCP_CANCEL_AGAIN_NS;
    } else {
        iocp_accept_data_look(listener, now_ns);
        iocp_refill(listener);
    }
}

void iocp_look_after_listeners(struct iocp_loop *loop)
{
    struct queue_node *next;
    for (struct queue_node *node = loop->listeners.head.next; node != &loop->listeners.head;
         node = next) {
        struct io_listener *listener = iocp_listener_of(node);
        next = node->next; /* callbacks stop listeners, and only this function frees them */
        if (listener->look_ns != UINT64_MAX) {
            iocp_look(listener);
        }
        if (iocp_is_over(listener)) {
            iocp_end_listener(listener);
        }
    }
}
