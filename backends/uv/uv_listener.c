/*
 * Accepts of the `uv` backend: a queue of ours above one libuv listener. A connection that libuv
 * accepts while no accept is outstanding waits in libuv for the next accept.
 */

#include "uv_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "net.h"

static uv_stream_t *uv_listening(const struct io_listener *listener)
{
    return (uv_stream_t *)(void *)listener->tcp;
}

/* Closes a handle of malloc's that nothing else is about. */
static void uv_on_closed_free(uv_handle_t *handle)
{
    free(handle);
}

static void uv_close_and_free(uv_tcp_t *tcp)
{
    uv_close((uv_handle_t *)(void *)tcp, uv_on_closed_free);
}

/* ---- accept -------------------------------------------------------------------------------- */

static void uv_accept_push(struct io_listener *listener, struct io_accept *op)
{
    op->next = NULL;
    *listener->last = op;
    listener->last = &op->next;
}

static struct io_accept *uv_accept_pop(struct io_listener *listener)
{
    struct io_accept *op = listener->first;
    if (op != NULL) {
        listener->first = op->next;
        if (listener->first == NULL) {
            listener->last = &listener->first;
        }
    }
    return op;
}

static void uv_accept_finish(struct io_accept *op, struct io_listener *listener, int status)
{
    struct io_stats *stats = &listener->loop->base.stats;
    stats->accepts += status == 0;
    stats->accepts_failed += status != 0 && status != UV_ECANCELED;
    op->status = status;
    op->token = (struct io_token){.claim = status == 0 ? listener : NULL};
}

static void uv_accept_deliver(struct io_accept *op, struct io_listener *listener, int status)
{
    uv_accept_finish(op, listener, status);
    listener->loop->base.stats.completions++;
    op->done(op);
}

/* ---- listener ------------------------------------------------------------------------------ */

/* A handle for the listener, without a socket. NULL without memory. */
static uv_tcp_t *uv_listener_handle(struct io_listener *listener)
{
    uv_tcp_t *tcp = malloc(sizeof(*tcp));
    if (tcp != NULL) {
        int status = uv_tcp_init(&listener->loop->uv, tcp);
        assert(status == 0); /* it makes no OS socket and so can't fail */
        (void)status;
        tcp->data = listener;
    }
    return tcp;
}

static void uv_listener_replace(struct io_listener *listener, uv_tcp_t *tcp)
{
    uv_close_and_free(listener->tcp);
    listener->tcp = tcp;
}

/*
 * An accept has failed. On Windows that was the listener's last one. Elsewhere libuv tries again at
 * once, and as long as there are no descriptors its loop does nothing else: only closing the
 * listener makes it stop.
 */
static void uv_listener_failed(struct io_listener *listener)
{
    uv_tcp_t *none = net_accepts_ahead ? NULL : uv_listener_handle(listener);
    if (none != NULL) {
        uv_listener_replace(listener, none);
    }
}

static void uv_on_connection(uv_stream_t *stream, int status)
{
    struct io_listener *listener = stream->data;
    listener->loop->events++;
    if (status != 0) {
        uv_listener_failed(listener);
    }
    struct io_accept *op = uv_accept_pop(listener);
    bool held = op == NULL && status == 0;
    if (op != NULL) {
        uv_accept_deliver(op, listener, status);
    } else if (held) {
        listener->waiting++;
    } else {
        listener->error = status;
    }
    uv_calls_accept(&listener->loop->calls, &listener->watch, &listener->probed, held);
}

/* Makes libuv listen on `os_socket`, which it takes over. 0 and *opened; or an error, and the
 * socket is closed. */
static int uv_listener_open(struct io_listener *listener, uv_os_sock_t os_socket, uv_tcp_t **opened)
{
    uv_tcp_t *tcp = uv_listener_handle(listener);
    if (tcp == NULL) {
        net_close(os_socket);
        return UV_ENOMEM;
    }
    int status = uv_tcp_open(tcp, os_socket);
    if (status != 0) {
        net_close(os_socket);
    } else {
        if (net_accepts_ahead) {
            /* One accept at a time, not 32, or workers get their connections in stripes of 32.
             * Elsewhere it would be a nap after each connection. */
            (void)uv_tcp_simultaneous_accepts(tcp, 0);
        }
        status = uv_listen((uv_stream_t *)(void *)tcp, listener->backlog, uv_on_connection);
    }
    if (status != 0) {
        uv_close_and_free(tcp);
        return status;
    }
    listener->watch = (struct uv_watch){.asked = 0};
    uv_calls_watch(&listener->loop->calls, &listener->watch, UV_WANT_RECV);
    *opened = tcp;
    return 0;
}

/*
 * A duplicate takes the place of a listener that has died. Port and backlog are kept meanwhile: by
 * the dead one's socket, which stays open until then, or by the spare.
 */
static int uv_listener_revive(struct io_listener *listener)
{
    const uv_handle_t *dead = (const uv_handle_t *)(const void *)listener->tcp;
    uv_os_sock_t os_socket = listener->spare;
    uv_tcp_t *tcp = NULL;
    int status = net_accepts_ahead ? uv_os_socket(dead, &os_socket) : 0;
    if (status == 0) {
        status = net_duplicate(os_socket, &os_socket);
    }
    if (status == 0) {
        status = uv_listener_open(listener, os_socket, &tcp);
    }
    if (status == 0) {
        uv_listener_replace(listener, tcp);
    }
    return status;
}

static void uv_on_listener_closed(uv_handle_t *handle)
{
    struct io_listener *listener = handle->data;
    struct io_accept *op;
    while ((op = uv_accept_pop(listener)) != NULL) {
        uv_accept_deliver(op, listener, UV_ECANCELED);
    }
    free(listener->tcp);
    free(listener);
}

static int uv_listener_start(struct io_listener *listener, uv_os_sock_t os_socket)
{
    int status = net_accepts_ahead ? 0 : net_duplicate(os_socket, &listener->spare);
    if (status != 0) {
        net_close(os_socket);
        return status;
    }
    status = uv_listener_open(listener, os_socket, &listener->tcp);
    if (status != 0 && !net_accepts_ahead) {
        net_close(listener->spare);
    }
    return status;
}

int uv_backend_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                      struct io_listener **out)
{
    struct uv_backend_loop *self = uv_self(loop);
    struct io_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        net_close(os_socket);
        return UV_ENOMEM;
    }
    listener->loop = self;
    listener->last = &listener->first;
    listener->backlog = backlog;
    int status = uv_listener_start(listener, os_socket);
    if (status != 0) {
        free(listener);
        return status;
    }
    self->listeners++;
    *out = listener;
    return 0;
}

/* What an accept without a connection at hand has to say before it may wait: 0 or an error. */
static int uv_listener_check(struct io_listener *listener)
{
    int status = listener->error;
    listener->error = 0;
    if (status == 0 && !uv_is_active((const uv_handle_t *)(const void *)listener->tcp)) {
        status = uv_listener_revive(listener);
    }
    listener->loop->base.stats.accepts_failed += status != 0;
    return status;
}

int uv_backend_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op)
{
    assert(op->done != NULL);
    if (listener->waiting > 0) {
        listener->waiting--;
        uv_accept_finish(op, listener, 0);
        loop->stats.inline_outcomes++;
        return IO_DONE;
    }
    int status = uv_listener_check(listener);
    if (status != 0) {
        return status;
    }
    uv_accept_push(listener, op);
    return IO_PENDING;
}

void uv_backend_accept_stop(struct io_loop *loop, struct io_listener *listener)
{
    assert(uv_self(loop)->listeners > 0);
    uv_self(loop)->listeners--;
    if (!net_accepts_ahead) {
        net_close(listener->spare);
    }
    uv_close((uv_handle_t *)(void *)listener->tcp, uv_on_listener_closed);
}

/* ---- token --------------------------------------------------------------------------------- */

int uv_backend_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket)
{
    struct uv_calls *calls = &uv_self(loop)->calls;
    uv_os_sock_t os_socket;
    assert(token->claim != NULL);
    uv_socket_init(uv_self(loop), socket);
    socket->broken = uv_accept(uv_listening(token->claim), uv_stream(socket));
    uv_calls_adopt(calls);
    uv_calls_watch(calls, &token->claim->watch, UV_WANT_RECV);
    if (uv_os_socket((const uv_handle_t *)&socket->tcp, &os_socket) == 0) {
        net_keep_urgent_out(os_socket);
        loop->stats.other_calls += net_urgent_calls;
    }
    *token = (struct io_token){.claim = NULL};
    return 0;
}

int uv_backend_detach(struct io_loop *loop, struct io_token *token)
{
    (void)loop;
    (void)token;
    return UV_ENOTSUP; /* uv_accept works on the listener's own loop alone */
}

/* libuv gives no way to drop a connection but to accept it. */
void uv_backend_refuse(struct io_loop *loop, struct io_token *token)
{
    (void)loop;
    assert(token->claim != NULL);
    uv_tcp_t *tcp = uv_listener_handle(token->claim);
    if (tcp == NULL) {
        token->claim->waiting++;
    } else {
        struct uv_calls *calls = &token->claim->loop->calls;
        struct uv_watch never = {.asked = 0};
        (void)uv_accept(uv_listening(token->claim), (uv_stream_t *)(void *)tcp);
        uv_close_and_free(tcp);
        uv_calls_adopt(calls);
        uv_calls_close(calls, &never);
        uv_calls_watch(calls, &token->claim->watch, UV_WANT_RECV);
    }
    *token = (struct io_token){.claim = NULL};
}
