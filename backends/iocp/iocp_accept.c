/*
 * One listener. A connection passes through a slot: a request, a socket that AcceptEx is given in
 * advance, and room for what it returns.
 *
 *     idle --AcceptEx--> waiting --(it is there, its bytes aren't)--> silent --> completed
 *
 * With `acceptex` and `wsaaccept` there is a slot for each accept that is outstanding, and a
 * completion ends an accept.
 *
 * With `acceptex-data` the completion comes with a connection's first bytes, so a client that says
 * nothing keeps its slot. SO_CONNECT_TIME tells which slots are so kept: they are set aside as
 * silent, others take their place, up to a limit, and after a time they are closed. So a silent
 * client delays no other. See "AcceptEx function" in Microsoft's documentation.
 */

#include "iocp.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

/* How often slots are asked whether they are kept; and if all were, which may hide more. */
#define IOCP_LOOK_NS (25 * NS_PER_MS)
#define IOCP_LOOK_AGAIN_NS NS_PER_MS

/* After so many looks a thread that was asked to accept has long been in its wait. */
#define IOCP_LOOKS_AT_A_THREAD 100

/* Of each of the two addresses that AcceptEx writes behind the data. */
#define IOCP_ADDRESS_SIZE (sizeof(struct sockaddr_storage) + 16)

struct iocp_slot {
    struct iocp_wait wait; /* first; its request is the slot's */
    struct queue_node node;
    struct io_listener *listener;
    struct io_token token; /* once it is ready */
    size_t length;         /* bytes that came with it, if it came at once */
    uint64_t silent_ns;    /* since when; 0: it isn't */
    bool reaped;
    uint8_t buffer[]; /* first_size bytes, and the two addresses */
};

struct io_listener {
    struct iocp_loop *loop;
    struct queue_node node; /* in loop->listeners, until nothing is outstanding */
    SOCKET os_socket;       /* INVALID_SOCKET once it has been closed */
    int family;
    size_t first_size;          /* bytes that an accept waits for, at most; 0: it doesn't wait */
    struct iocp_thread *thread; /* that accepts; NULL: AcceptEx does */
    struct io_accept *ops;      /* outstanding, oldest first */
    struct io_accept **ops_end;
    size_t op_count;
    struct queue waiting; /* slots in the system's hands, as far as is known without connection */
    struct queue silent;  /* slots in the system's hands with one, longest first */
    struct queue ready;   /* slots with a connection for the next accept */
    struct queue idle;    /* slots to be used again */
    size_t waiting_count;
    size_t silent_count;
    uint64_t look_ns;        /* when to look at the slots; UINT64_MAX: never */
    unsigned failed_cancels; /* that were to end the thread's wait */
    bool inline_outcomes;
    bool stopped;
};

static struct io_listener *iocp_listener_of(struct queue_node *node)
{
    return CONTAINER_OF(node, struct io_listener, node);
}

static struct iocp_slot *iocp_slot_of(struct queue_node *node)
{
    return CONTAINER_OF(node, struct iocp_slot, node);
}

/* ---- accepts ------------------------------------------------------------------------------- */

static void iocp_push_op(struct io_listener *listener, struct io_accept *op)
{
    op->next = NULL;
    *listener->ops_end = op;
    listener->ops_end = &op->next;
    listener->op_count++;
}

/* Ends the oldest accept by its callback, with a token or an error. */
static void iocp_end_op(struct io_listener *listener, const struct io_token *token, int status)
{
    struct io_accept *op = listener->ops;
    assert(op != NULL);
    listener->ops = op->next;
    if (listener->ops == NULL) {
        listener->ops_end = &listener->ops;
    }
    listener->op_count--;
    op->token = *token;
    op->status = status;
    listener->loop->base.stats.completions++;
    op->done(op);
}

static const struct io_token iocp_no_token = {.os_socket = INVALID_SOCKET};

static void iocp_drop_token(struct io_listener *listener, struct io_token *token)
{
    listener->loop->base.backend->refuse(&listener->loop->base, token);
}

/* ---- slots --------------------------------------------------------------------------------- */

static void iocp_on_slot(struct iocp_request *request, size_t bytes, int status);

static struct iocp_slot *iocp_take_slot(struct io_listener *listener)
{
    struct queue_node *node = queue_pop(&listener->idle);
    if (node != NULL) {
        return iocp_slot_of(node);
    }
    struct iocp_slot *slot =
        calloc(1, sizeof(*slot) + listener->first_size + 2 * IOCP_ADDRESS_SIZE);
    if (slot != NULL) {
        slot->listener = listener;
        slot->wait.request.completed = iocp_on_slot;
    }
    return slot;
}

static void iocp_give_slot(struct iocp_slot *slot)
{
    slot->reaped = false;
    slot->silent_ns = 0;
    queue_push(&slot->listener->idle, &slot->node);
}

/* Asks for one connection, as a submit answers. */
static int iocp_call_accept_ex(struct iocp_slot *slot)
{
    struct io_listener *listener = slot->listener;
    const DWORD address_size = (DWORD)IOCP_ADDRESS_SIZE;
    DWORD bytes = 0;
    listener->loop->base.stats.other_calls++;
    SOCKET os_socket = iocp_open_handle(listener->family);
    if (os_socket == INVALID_SOCKET) {
        return iocp_last_error();
    }
    OVERLAPPED *overlapped = iocp_begin(&slot->wait.request);
    bool succeeded = listener->loop->accept_ex(listener->os_socket, os_socket, slot->buffer,
                                               (DWORD)listener->first_size, address_size,
                                               address_size, &bytes, overlapped) != FALSE;
    int outcome = iocp_started(&slot->wait.request, succeeded, listener->inline_outcomes);
    if (outcome < 0) {
        iocp_close_handle(os_socket);
        return outcome;
    }
    slot->wait.os_socket = os_socket;
    slot->length = bytes;
    return outcome;
}

/* Puts one more slot to waiting. IO_PENDING; IO_DONE, *slot has a connection; or an error. */
static int iocp_wait_for_one(struct io_listener *listener, struct iocp_slot **slot)
{
    int outcome = IO_PENDING;
    *slot = iocp_take_slot(listener);
    if (*slot == NULL) {
        return UV_ENOMEM;
    }
    listener->loop->base.stats.accept_calls++;
    (*slot)->wait.status = 0;
    (*slot)->wait.os_socket = INVALID_SOCKET;
    if (listener->thread != NULL) {
        iocp_thread_ask(listener->thread, &(*slot)->wait);
    } else {
        outcome = iocp_call_accept_ex(*slot);
    }
    if (outcome == IO_PENDING) {
        listener->waiting_count++;
        queue_push(&listener->waiting, &(*slot)->node);
    } else if (outcome < 0) {
        iocp_give_slot(*slot);
        listener->loop->base.stats.accepts_failed++;
    }
    return outcome;
}

/* The socket that AcceptEx filled takes after its listener; until then half of Winsock refuses it.
 * 0, or a UV error: the peer has gone already. */
static int iocp_update(const struct iocp_slot *slot)
{
    const struct io_listener *listener = slot->listener;
    if (listener->os_socket == INVALID_SOCKET) { /* closed, for want of a cancel */
        return UV_ECANCELED;
    }
    if (listener->thread != NULL) {
        return 0;
    }
    listener->loop->base.stats.other_calls++;
    return iocp_set_option(slot->wait.os_socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                           &listener->os_socket, sizeof(listener->os_socket));
}

/* Makes a token of the slot's connection, which brought `bytes`. 0; or a UV error, and it is
 * closed. */
static int iocp_make_token(struct iocp_slot *slot, size_t bytes, struct io_token *token)
{
    struct io_stats *stats = &slot->listener->loop->base.stats;
    uint8_t *first = NULL;
    int status = iocp_update(slot);
    if (status == 0 && bytes > 0) {
        first = malloc(bytes);
        status = first != NULL ? 0 : UV_ENOMEM;
    }
    if (status != 0) {
        stats->other_calls++;
        iocp_close_handle(slot->wait.os_socket);
        return iocp_stream_error(status);
    }
    if (first != NULL) {
        memcpy(first, slot->buffer, bytes);
        stats->accepts_with_data++;
    }
    stats->accepts++;
    *token =
        (struct io_token){.os_socket = slot->wait.os_socket, .first = first, .first_length = bytes};
    return 0;
}

/* A connection, for the accept that waits longest; for the next, if none does. */
static void iocp_slot_succeeded(struct iocp_slot *slot, struct io_token *token)
{
    struct io_listener *listener = slot->listener;
    if (listener->op_count > 0) {
        iocp_give_slot(slot);
        iocp_end_op(listener, token, 0);
    } else if (listener->stopped) {
        iocp_give_slot(slot);
        iocp_drop_token(listener, token);
    } else {
        slot->token = *token;
        queue_push(&listener->ready, &slot->node);
    }
}

/* None. An accept fails for it, unless that was our doing: and only then it was cancelled. */
static void iocp_slot_failed(struct iocp_slot *slot, int status)
{
    struct io_listener *listener = slot->listener;
    struct io_stats *stats = &listener->loop->base.stats;
    bool reaped = slot->reaped;
    iocp_give_slot(slot);
    if (reaped) {
        stats->accepts_reaped++;
    } else if (!listener->stopped) {
        stats->accepts_failed++;
        if (listener->op_count > 0) {
            iocp_end_op(listener, &iocp_no_token,
                        status == UV_ECANCELED ? UV_ECONNABORTED : status);
        }
    }
}

static void iocp_slot_done(struct iocp_slot *slot, size_t bytes, int status)
{
    struct io_token token;
    if (slot->wait.os_socket == INVALID_SOCKET) {
        /* It was closed to end the accept, which may have been too late. */
        status = status != 0 ? status : UV_ECANCELED;
    } else if (status == 0) {
        status = iocp_make_token(slot, bytes, &token);
    } else {
        slot->listener->loop->base.stats.other_calls++;
        iocp_close_handle(slot->wait.os_socket);
    }
    if (status == 0) {
        iocp_slot_succeeded(slot, &token);
    } else {
        iocp_slot_failed(slot, status);
    }
}

/* Whether another slot is wanted for so many accepts, and the silent ones leave room for it. */
static bool iocp_wants_slot(const struct io_listener *listener, size_t accepts)
{
    return !listener->stopped && listener->waiting_count < accepts &&
           (listener->silent_count == 0 ||
            listener->silent_count < listener->loop->config.accept_silent_max);
}

/* Sees to it that there is a waiting slot for each accept. */
static void iocp_refill(struct io_listener *listener)
{
    while (iocp_wants_slot(listener, listener->op_count)) {
        struct iocp_slot *slot;
        int outcome = iocp_wait_for_one(listener, &slot);
        if (outcome == IO_DONE) {
            iocp_slot_done(slot, slot->length, 0);
        } else if (outcome < 0) {
            iocp_end_op(listener, &iocp_no_token, outcome); /* policy tries again after a pause */
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
    iocp_slot_done(slot, bytes, status != 0 ? status : slot->wait.status);
    iocp_refill(listener);
}

int iocp_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op)
{
    struct queue_node *node = queue_pop(&listener->ready);
    assert(op->done != NULL && !listener->stopped);
    if (node != NULL) {
        op->token = iocp_slot_of(node)->token;
        op->status = 0;
        iocp_give_slot(iocp_slot_of(node));
        loop->stats.inline_outcomes++;
        return IO_DONE;
    }
    if (iocp_wants_slot(listener, listener->op_count + 1)) {
        struct iocp_slot *slot;
        int outcome = iocp_wait_for_one(listener, &slot);
        if (outcome < 0) {
            return outcome;
        }
        if (outcome == IO_DONE) {
            op->status = iocp_make_token(slot, slot->length, &op->token);
            loop->stats.accepts_failed += op->status != 0;
            loop->stats.inline_outcomes++;
            iocp_give_slot(slot);
            return IO_DONE;
        }
    }
    iocp_push_op(listener, op);
    return IO_PENDING;
}

/* ---- end --------------------------------------------------------------------------------- */

static void iocp_close_listener(struct io_listener *listener)
{
    if (listener->os_socket != INVALID_SOCKET) {
        iocp_close_handle(listener->os_socket);
        listener->os_socket = INVALID_SOCKET;
    }
}

/*
 * Asks for the end of all that waits, or else closes the handle, which ends it, too. A thread that
 * waits in WSAAccept is reached in both ways. But the handle stays open while the thread may be on
 * its way there: the number might be another socket's when the thread comes to use it. So it is
 * asked again in the next look.
 */
static void iocp_cancel(struct io_listener *listener)
{
    HANDLE handle = (HANDLE)(uintptr_t)listener->os_socket;
    if (listener->os_socket == INVALID_SOCKET || CancelIoEx(handle, NULL) ||
        GetLastError() == ERROR_NOT_FOUND) {
        return;
    }
    if (listener->thread == NULL || ++listener->failed_cancels == IOCP_LOOKS_AT_A_THREAD) {
        iocp_close_listener(listener);
    }
}

/* ---- silence ------------------------------------------------------------------------------- */

/* Since when the slot has a connection; 0: it has none. */
static uint64_t iocp_connected_since(const struct iocp_slot *slot, uint64_t now_ns)
{
    DWORD seconds = 0;
    int size = sizeof(seconds);
    slot->listener->loop->base.stats.other_calls++;
    if (getsockopt(slot->wait.os_socket, SOL_SOCKET, SO_CONNECT_TIME, (char *)&seconds, &size) !=
            0 ||
        seconds == UINT32_MAX) {
        return 0;
    }
    uint64_t ago_ns = seconds * NS_PER_S;
    return ago_ns < now_ns ? now_ns - ago_ns : 1;
}

/* Sets aside the slots that have a connection. Whether all had one. */
static bool iocp_find_silent(struct io_listener *listener, uint64_t now_ns)
{
    struct queue_node *next;
    for (struct queue_node *node = listener->waiting.head.next; node != &listener->waiting.head;
         node = next) {
        struct iocp_slot *slot = iocp_slot_of(node);
        next = node->next;
        slot->silent_ns = iocp_connected_since(slot, now_ns);
        if (slot->silent_ns != 0) {
            queue_remove(node);
            queue_push(&listener->silent, node);
            listener->waiting_count--;
            listener->silent_count++;
        }
    }
    return listener->waiting_count == 0;
}

/* Its completion closes it. */
static void iocp_reap(struct iocp_slot *slot)
{
    HANDLE handle = (HANDLE)(uintptr_t)slot->listener->os_socket;
    slot->reaped = true;
    slot->listener->loop->base.stats.other_calls++;
    if (!CancelIoEx(handle, &slot->wait.request.overlapped) && GetLastError() != ERROR_NOT_FOUND) {
        iocp_close_handle(slot->wait.os_socket); /* which ends an accept as well */
        slot->wait.os_socket = INVALID_SOCKET;
    }
}

static void iocp_reap_silent(struct io_listener *listener, uint64_t now_ns)
{
    uint64_t timeout_ns = listener->loop->config.accept_timeout_ns;
    for (struct queue_node *node = listener->silent.head.next;
         timeout_ns != 0 && node != &listener->silent.head; node = node->next) {
        struct iocp_slot *slot = iocp_slot_of(node);
        if (now_ns - slot->silent_ns < timeout_ns) {
            return;
        }
        if (!slot->reaped) {
            iocp_reap(slot);
        }
    }
}

static void iocp_look(struct io_listener *listener)
{
    uint64_t now_ns = uv_hrtime();
    if (now_ns < listener->look_ns) {
        return;
    }
    if (listener->stopped) { /* the thread had not come to its wait yet */
        iocp_cancel(listener);
        listener->look_ns = now_ns + IOCP_LOOK_AGAIN_NS;
        return;
    }
    bool all = iocp_find_silent(listener, now_ns);
    iocp_reap_silent(listener, now_ns);
    iocp_refill(listener);
    listener->look_ns = now_ns + (all ? IOCP_LOOK_AGAIN_NS : IOCP_LOOK_NS);
}

/* ---- life ---------------------------------------------------------------------------------- */

static int iocp_open_listener(struct io_listener *listener, int backlog)
{
    struct sockaddr_storage name;
    int size = sizeof(name);
    unsigned mode = listener->loop->config.accept_mode;
    int status = iocp_attach(listener->loop, listener->os_socket, &listener->inline_outcomes);
    if (status != 0) {
        return status == UV_EINVAL ? UV_ENOTSUP : status; /* it is another loop's already */
    }
    if (getsockname(listener->os_socket, (struct sockaddr *)&name, &size) != 0 ||
        listen(listener->os_socket, backlog) != 0) {
        return iocp_last_error();
    }
    listener->family = name.ss_family;
    listener->first_size = mode == IOCP_ACCEPTEX_DATA ? IOCP_FIRST_SIZE : 0;
    listener->look_ns = mode == IOCP_ACCEPTEX_DATA ? 0 : UINT64_MAX;
    if (mode == IOCP_WSAACCEPT) {
        return iocp_thread_start(listener->loop->port, listener->os_socket, &listener->thread);
    }
    return 0;
}

int iocp_listen(struct io_loop *base, uv_os_sock_t os_socket, int backlog, struct io_listener **out)
{
    struct iocp_loop *loop = iocp_self(base);
    struct io_listener *listener = calloc(1, sizeof(*listener));
    int status = UV_ENOMEM;
    if (listener != NULL) {
        listener->loop = loop;
        listener->os_socket = os_socket;
        listener->ops_end = &listener->ops;
        queue_init(&listener->waiting);
        queue_init(&listener->silent);
        queue_init(&listener->ready);
        queue_init(&listener->idle);
        status = iocp_open_listener(listener, backlog);
    }
    if (status != 0) {
        iocp_close_handle(os_socket);
        free(listener);
        return status;
    }
    queue_push(&loop->listeners, &listener->node);
    loop->open_listeners++;
    *out = listener;
    return 0;
}

void iocp_accept_stop(struct io_loop *base, struct io_listener *listener)
{
    struct iocp_loop *loop = iocp_self(base);
    struct queue_node *node;
    assert(loop->open_listeners > 0 && !listener->stopped);
    loop->open_listeners--;
    listener->stopped = true;
    listener->look_ns = listener->thread != NULL ? uv_hrtime() + IOCP_LOOK_AGAIN_NS : UINT64_MAX;
    while ((node = queue_pop(&listener->ready)) != NULL) { /* no accept is outstanding for it */
        iocp_drop_token(listener, &iocp_slot_of(node)->token);
        iocp_give_slot(iocp_slot_of(node));
    }
    if (listener->thread != NULL) {
        iocp_thread_stop(listener->thread);
    }
    iocp_cancel(listener);
}

static bool iocp_is_over(const struct io_listener *listener)
{
    return listener->stopped && listener->waiting_count == 0 && listener->silent_count == 0;
}

/* Nothing of it is in the system's hands: what is outstanding ends, and so does it. */
static void iocp_end_listener(struct io_listener *listener)
{
    struct queue_node *node;
    while (listener->op_count > 0) {
        iocp_end_op(listener, &iocp_no_token, UV_ECANCELED);
    }
    if (listener->thread != NULL) {
        iocp_thread_end(listener->thread);
    }
    iocp_close_listener(listener);
    while ((node = queue_pop(&listener->idle)) != NULL) {
        free(iocp_slot_of(node));
    }
    queue_remove(&listener->node);
    free(listener);
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

void iocp_look_after_listeners(struct iocp_loop *loop)
{
    struct queue_node *next;
    for (struct queue_node *node = loop->listeners.head.next; node != &loop->listeners.head;
         node = next) {
        struct io_listener *listener = iocp_listener_of(node);
        next = node->next; /* callbacks stop listeners, and this function alone frees them */
        if (listener->look_ns != UINT64_MAX) {
            iocp_look(listener);
        }
        if (iocp_is_over(listener)) {
            iocp_end_listener(listener);
        }
    }
}
