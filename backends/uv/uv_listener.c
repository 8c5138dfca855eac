/*
 * Accepts of the `uv` backend: a queue of ours above one libuv listener. A connection that libuv
 * accepts while no accept is outstanding waits in libuv for the next accept.
 */

#include "uvio.h"

#include <assert.h>
#include <stdlib.h>

#include "net.h"

static uv_stream_t *uvio_listening(const struct io_listener *listener)
{
    return (uv_stream_t *)(void *)listener->tcp;
}

static void uvio_free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void uvio_close_and_free(uv_tcp_t *tcp)
{
    uv_close((uv_handle_t *)(void *)tcp, uvio_free_handle);
}

/* ---- outcomes ------------------------------------------------------------------------------ */

static void uvio_finish_accept(struct io_accept *op, struct io_listener *listener, int status)
{
    struct io_stats *stats = &listener->loop->base.stats;
    stats->accepts += status == 0;
    stats->accepts_failed += status != 0 && status != UV_ECANCELED;
    op->status = status;
    op->token = (struct io_token){.claim = status == 0 ? listener : NULL};
}

static void uvio_deliver_accept(struct io_accept *op, struct io_listener *listener, int status)
{
    uvio_finish_accept(op, listener, status);
    listener->loop->base.stats.completions++;
    op->done(op);
}

/* ---- listener ------------------------------------------------------------------------------ */

/* A handle for the listener, without a socket. NULL without memory. */
static uv_tcp_t *uvio_listener_handle(struct io_listener *listener)
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

static void uvio_listener_replace(struct io_listener *listener, uv_tcp_t *tcp)
{
    uvio_close_and_free(listener->tcp);
    listener->tcp = tcp;
}

/*
 * An accept has failed. On Windows the listener makes no further one. Elsewhere libuv tries again
 * at once, and while there are no descriptors its loop does nothing else. Only closing the listener
 * stops that.
 */
static void uvio_listener_failed(struct io_listener *listener)
{
    uv_tcp_t *none = net_accepts_ahead ? NULL : uvio_listener_handle(listener);
    if (none != NULL) {
        uvio_listener_replace(listener, none);
    }
}

static void uvio_on_connection(uv_stream_t *stream, int status)
{
    struct io_listener *listener = stream->data;
    listener->loop->events++;
    if (status != 0) {
        uvio_listener_failed(listener);
    }
    struct io_accept *op = accepts_pop(&listener->accepts);
    bool held = op == NULL && status == 0;
    if (op != NULL) {
        uvio_deliver_accept(op, listener, status);
    } else if (held) {
        listener->waiting++;
    } else {
        listener->error = status;
    }
    uvio_calls_accept(&listener->loop->calls, &listener->watch, &listener->probed, held);
}

/* Makes libuv listen on `os_socket`, which it takes over. 0 and *opened; or an error, and the
 * socket is closed. */
static int uvio_listener_open(struct io_listener *listener, uv_os_sock_t os_socket,
                              uv_tcp_t **opened)
{
    uv_tcp_t *tcp = uvio_listener_handle(listener);
    if (tcp == NULL) {
        net_close(os_socket);
        return UV_ENOMEM;
    }
    int status = uv_tcp_open(tcp, os_socket);
    if (status != 0) {
        net_close(os_socket);
    } else {
        if (net_accepts_ahead) {
            /* One accept at a time, or each worker gets 32 connections in a row. On other systems
             * this option makes libuv sleep after each connection. */
            (void)uv_tcp_simultaneous_accepts(tcp, 0);
        }
        status = uv_listen((uv_stream_t *)(void *)tcp, listener->backlog, uvio_on_connection);
    }
    if (status != 0) {
        uvio_close_and_free(tcp);
        return status;
    }
    listener->watch = (struct uvio_watch){.asked = 0};
    uvio_calls_watch(&listener->loop->calls, &listener->watch, UVIO_WANT_RECV);
    *opened = tcp;
    return 0;
}

/* Replaces a listener that has died by a duplicate. Until then the dead one's socket, which is
 * still open, or the spare keeps the port and the backlog. */
static int uvio_listener_revive(struct io_listener *listener)
{
    const uv_handle_t *dead = (const uv_handle_t *)(const void *)listener->tcp;
    uv_os_sock_t os_socket = listener->spare;
    uv_tcp_t *tcp = NULL;
    int status = net_accepts_ahead ? uvio_os_socket(dead, &os_socket) : 0;
    if (status == 0) {
        status = net_duplicate(os_socket, &os_socket);
    }
    if (status == 0) {
        status = uvio_listener_open(listener, os_socket, &tcp);
    }
    if (status == 0) {
        uvio_listener_replace(listener, tcp);
    }
    return status;
}

static void uvio_on_listener_closed(uv_handle_t *handle)
{
    struct io_listener *listener = handle->data;
    struct io_accept *op;
    while ((op = accepts_pop(&listener->accepts)) != NULL) {
        uvio_deliver_accept(op, listener, UV_ECANCELED);
    }
    free(listener->tcp);
    free(listener);
}

static int uvio_listener_start(struct io_listener *listener, uv_os_sock_t os_socket)
{
    int status = net_accepts_ahead ? 0 : net_duplicate(os_socket, &listener->spare);
    if (status != 0) {
        net_close(os_socket);
        return status;
    }
    status = uvio_listener_open(listener, os_socket, &listener->tcp);
    if (status != 0 && !net_accepts_ahead) {
        net_close(listener->spare);
    }
    return status;
}

/* ---- listen and accept --------------------------------------------------------------------- */

int uvio_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog, struct io_listener **out)
{
    struct uvio_loop *self = uvio_self(loop);
    struct io_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        net_close(os_socket);
        return UV_ENOMEM;
    }
    listener->loop = self;
    listener->backlog = backlog;
    int status = uvio_listener_start(listener, os_socket);
    if (status != 0) {
        free(listener);
        return status;
    }
    self->listeners++;
    *out = listener;
    return 0;
}

/* Whether an accept may wait for a connection: 0; or a UV error that it has to report. */
static int uvio_listener_check(struct io_listener *listener)
{
    int status = listener->error;
    listener->error = 0;
    if (status == 0 && !uv_is_active((const uv_handle_t *)(const void *)listener->tcp)) {
        status = uvio_listener_revive(listener);
    }
    listener->loop->base.stats.accepts_failed += status != 0;
    return status;
}

int uvio_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op)
{
    assert(op->done != NULL);
    if (listener->waiting > 0) {
        listener->waiting--;
        uvio_finish_accept(op, listener, 0);
        loop->stats.inline_outcomes++;
        return IO_DONE;
    }
    int status = uvio_listener_check(listener);
    if (status != 0) {
        return status;
    }
    accepts_push(&listener->accepts, op);
    return IO_PENDING;
}

void uvio_accept_stop(struct io_loop *loop, struct io_listener *listener)
{
    assert(uvio_self(loop)->listeners > 0);
    uvio_self(loop)->listeners--;
    if (!net_accepts_ahead) {
        net_close(listener->spare);
    }
    uv_close((uv_handle_t *)(void *)listener->tcp, uvio_on_listener_closed);
}

int uvio_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket)
{
    struct uvio_calls *calls = &uvio_self(loop)->calls;
    uv_os_sock_t os_socket;
    assert(token->claim != NULL);
    uvio_socket_init(uvio_self(loop), socket);
    socket->broken = uv_accept(uvio_listening(token->claim), uvio_as_stream(socket));
    uvio_calls_adopt(calls);
    uvio_calls_watch(calls, &token->claim->watch, UVIO_WANT_RECV);
    if (uvio_os_socket((const uv_handle_t *)&socket->tcp, &os_socket) == 0) {
        net_keep_urgent_out(os_socket);
        loop->stats.other_calls += net_urgent_calls;
    }
    *token = (struct io_token){.claim = NULL};
    return 0;
}

int uvio_detach(struct io_loop *loop, struct io_token *token)
{
    (void)loop;
    (void)token;
    return UV_ENOTSUP; /* uv_accept works only on the listener's own loop */
}

/* With libuv a connection has to be accepted before it can be closed. */
void uvio_refuse(struct io_loop *loop, struct io_token *token)
{
    (void)loop;
    assert(token->claim != NULL);
    uv_tcp_t *tcp = uvio_listener_handle(token->claim);
    if (tcp == NULL) {
        token->claim->waiting++;
    } else {
        struct uvio_calls *calls = &token->claim->loop->calls;
        struct uvio_watch never = {.asked = 0};
        (void)uv_accept(uvio_listening(token->claim), (uv_stream_t *)(void *)tcp);
        uvio_close_and_free(tcp);
        uvio_calls_adopt(calls);
        uvio_calls_close(calls, &never);
        uvio_calls_watch(calls, &token->claim->watch, UVIO_WANT_RECV);
    }
    *token = (struct io_token){.claim = NULL};
}
