/*
 * The `uv` backend: libuv streams. On Windows that is libuv's own completion port with AcceptEx and
 * zero-byte receives, on Linux epoll, on macOS kqueue.
 *
 * The first recv starts libuv's reading. When there is data, libuv takes a buffer from the pool and
 * calls back. Reading goes on while each callback submits the next recv. It stops after a callback
 * that submitted none. So a recv is one shot, without two epoll_ctl for each message, and nothing
 * is read without a recv. In a turn libuv reads one socket at most 32 times; policy asks for less.
 *
 * libuv keeps a handle until its close callback. So a socket stays in use even if its set-up failed
 * half-way: then every submit returns the error in `broken`.
 */

#include "backend.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "util.h"
#include "uvio.h"

/* After this many callbacks in a turn, other events may be ready. Some events cause no callback: a
 * read that a close has cancelled, a send that goes on. */
#define UVIO_FULL_EVENTS (net_turn_events / 2)

int uvio_os_socket(const uv_handle_t *handle, uv_os_sock_t *os_socket)
{
    uv_os_fd_t fd;
    int status = uv_fileno(handle, &fd);
    if (status == 0) {
        *os_socket = (uv_os_sock_t)fd;
    }
    return status;
}

/* ---- loop ---------------------------------------------------------------------------------- */

static void uvio_on_wake(uv_async_t *async)
{
    struct uvio_loop *self = async->data;
    self->woken = true;
    self->events++;
    uvio_calls_woken(&self->calls);
}

/* libuv is about to poll. */
static void uvio_on_prepare(uv_prepare_t *prepare)
{
    struct uvio_loop *self = prepare->data;
    uvio_calls_turn(&self->calls);
}

static void uvio_on_alarm(uv_timer_t *alarm)
{
    struct uvio_loop *self = alarm->data;
    self->alarm_ns = UINT64_MAX;
    self->events++;
    uv_stop(&self->uv); /* if the alarm rings before libuv waits, nothing else ends the wait */
}

static void uvio_retry_recv(struct waiter *waiter);

/* libuv's loop and the handles for a wake, a deadline and the begin of a wait. 0 or a UV error. */
static int uvio_open_handles(struct uvio_loop *self)
{
    int status = uv_loop_init(&self->uv);
    if (status != 0) {
        return status;
    }
    status = uv_async_init(&self->uv, &self->async, uvio_on_wake);
    if (status != 0) {
        (void)uv_loop_close(&self->uv);
        return status;
    }
    status = uv_timer_init(&self->uv, &self->alarm);
    assert(status == 0);
    status = uv_prepare_init(&self->uv, &self->prepare);
    assert(status == 0);
    status = uv_prepare_start(&self->prepare, uvio_on_prepare);
    assert(status == 0);
    self->async.data = self;
    self->alarm.data = self;
    self->prepare.data = self;
    return 0;
}

static int uvio_loop_open(const struct io_config *config, struct io_loop **loop)
{
    assert(config->buffer_size > 0 && config->buffer_size <= INT_MAX);
    struct uvio_loop *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return UV_ENOMEM;
    }
    int status = uvio_open_handles(self);
    if (status != 0) {
        free(self);
        return status;
    }
    self->base.backend = &backend_uv;
    pool_init(&self->base.pool, config->buffer_size, config->buffer_memory);
    waiters_init(&self->waiters, &self->base, uvio_retry_recv);
    queue_init(&self->sends);
    uvio_calls_open(&self->calls, &self->uv, &self->base.stats);
    self->config = *config;
    self->alarm_ns = UINT64_MAX;
    *loop = &self->base;
    return 0;
}

static void uvio_loop_close(struct io_loop *loop)
{
    struct uvio_loop *self = uvio_self(loop);
    assert(self->sockets == 0);
    assert(self->listeners == 0);
    uv_close((uv_handle_t *)(void *)&self->async, NULL);
    uv_close((uv_handle_t *)(void *)&self->alarm, NULL);
    uv_close((uv_handle_t *)(void *)&self->prepare, NULL);
    (void)uv_run(&self->uv, UV_RUN_DEFAULT); /* also closes stopped listeners, refused tokens */
    int status = uv_loop_close(&self->uv);
    assert(status == 0);
    (void)status;
    pool_destroy(&self->base.pool);
    free(self);
}

/* Lets the wait end in time. An alarm for an earlier time stays: it costs one early return, and no
 * change in each turn. */
static void uvio_set_alarm(struct uvio_loop *self, uint64_t deadline_ns, uint64_t wait_ns)
{
    uv_update_time(&self->uv);
    int status = uv_timer_start(&self->alarm, uvio_on_alarm, io_wait_ms(wait_ns, UINT64_MAX), 0);
    assert(status == 0);
    (void)status;
    self->alarm_ns = deadline_ns;
}

/* How to run for a turn; sets the alarm that ends it. */
static uv_run_mode uvio_prepare_turn(struct uvio_loop *self, uint64_t deadline_ns)
{
    if (deadline_ns == 0 || waiters_can_feed(&self->waiters)) {
        return UV_RUN_NOWAIT;
    }
    if (deadline_ns < self->alarm_ns) {
        uint64_t wait_ns = io_wait_ns(deadline_ns);
        if (wait_ns == 0) {
            return UV_RUN_NOWAIT;
        }
        uvio_set_alarm(self, deadline_ns, wait_ns);
    }
    return UV_RUN_ONCE;
}

static int uvio_poll(struct io_loop *loop, uint64_t deadline_ns)
{
    struct uvio_loop *self = uvio_self(loop);
    uint64_t before = loop->stats.completions;
    waiters_feed(&self->waiters);
    bool delivered = loop->stats.completions != before;
    uv_run_mode mode = uvio_prepare_turn(self, delivered ? 0 : deadline_ns);
    loop->stats.wait_calls++;
    self->events = 0;
    (void)uv_run(&self->uv, mode);
    uvio_sends_after_turn(self, mode);
    loop->full = self->events >= UVIO_FULL_EVENTS;
    bool woken = self->woken;
    self->woken = false;
    io_loop_end_turn(loop, before, woken);
    return woken;
}

static void uvio_wake(struct io_loop *loop)
{
    (void)uv_async_send(&uvio_self(loop)->async);
}

static uint64_t uvio_now(struct io_loop *loop)
{
    (void)loop;
    return uv_hrtime();
}

/* ---- connect ------------------------------------------------------------------------------- */

static void uvio_on_connect(uv_connect_t *request, int status)
{
    struct io_socket *socket = (struct io_socket *)(void *)request->handle;
    struct io_connect *op = socket->connect;
    assert(op != NULL);
    struct uvio_calls *calls = &socket->loop->calls;
    socket->connect = NULL;
    socket->loop->events++;
    if (status != UV_ECANCELED) {
        uvio_calls_connected(calls, &socket->watch);
        uvio_calls_unwatch(calls, &socket->watch, UVIO_WANT_SEND);
    }
    socket->loop->base.stats.completions++;
    op->status = status;
    op->done(op);
}

void uvio_socket_init(struct uvio_loop *self, struct io_socket *socket)
{
    memset(socket, 0, sizeof(*socket));
    socket->loop = self;
    int status = uv_tcp_init(&self->uv, &socket->tcp);
    assert(status == 0); /* it makes no OS socket and so can't fail */
    (void)status;
    self->sockets++;
}

/* Gives the OS socket to libuv, and begins to connect. 0 or a UV error. */
static int uvio_start_connect(struct io_socket *socket, uv_os_sock_t os_socket,
                              const struct sockaddr *address)
{
    struct io_stats *stats = &socket->loop->base.stats;
    socket->connected = true;
    uvio_calls_socket(&socket->loop->calls);
    int status = uv_tcp_open(&socket->tcp, os_socket);
    if (status != 0) {
        stats->other_calls++;
        net_close(os_socket);
        return status;
    }
    stats->connect_calls++;
    net_keep_urgent_out(os_socket);
    stats->other_calls += net_urgent_calls;
    return uv_tcp_connect(&socket->request.connect, &socket->tcp, address, uvio_on_connect);
}

static int uvio_connect(struct io_loop *loop, struct io_socket *socket,
                        const struct sockaddr *address, struct io_connect *op)
{
    struct uvio_loop *self = uvio_self(loop);
    uv_os_sock_t os_socket;
    assert(op->done != NULL);
    int status = io_loop_open_socket(loop, &self->config, address, &os_socket);
    if (status != 0) {
        return status;
    }
    uvio_socket_init(self, socket);
    status = uvio_start_connect(socket, os_socket, address);
    if (status != 0) {
        socket->broken = status;
        loop->stats.inline_outcomes++;
        op->status = status;
        return IO_DONE;
    }
    uvio_calls_watch(&self->calls, &socket->watch, UVIO_WANT_SEND);
    socket->connect = op;
    return IO_PENDING;
}

/* ---- receive ------------------------------------------------------------------------------- */

static void uvio_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct io_socket *socket = (struct io_socket *)(void *)handle;
    struct pool *pool = &socket->loop->base.pool;
    (void)suggested;
    buffer->base = (char *)pool_take(pool);
    buffer->len = buffer->base != NULL ? (unsigned)pool->buffer_size : 0;
    socket->denied = buffer->base == NULL;
}

static void uvio_on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

static int uvio_start_reading(struct io_socket *socket)
{
    assert(!socket->reading);
    int status = uv_read_start(uvio_as_stream(socket), uvio_on_alloc, uvio_on_read);
    socket->reading = status == 0;
    if (status == 0) {
        uvio_calls_watch(&socket->loop->calls, &socket->watch, UVIO_WANT_RECV);
    }
    return io_stream_failed(status, &socket->lost);
}

static void uvio_stop_reading(struct io_socket *socket)
{
    assert(socket->reading);
    socket->reading = false;
    socket->filled = false;
    uvio_calls_unwatch(&socket->loop->calls, &socket->watch, UVIO_WANT_RECV);
    (void)uv_read_stop(uvio_as_stream(socket));
}

/* Ends the recv. On an error or at the end of the stream libuv has stopped reading by itself. */
static void uvio_deliver_recv(struct io_socket *socket, uint8_t *data, size_t length, int status)
{
    struct io_recv *op = socket->recv;
    assert(op != NULL);
    socket->recv = NULL;
    socket->loop->base.stats.completions++;
    op->data = data;
    op->length = length;
    op->status = status;
    op->done(op);
    if (socket->reading && socket->recv == NULL && socket->close == NULL) {
        uvio_stop_reading(socket);
    }
}

static void uvio_recv_without_buffer(struct io_socket *socket)
{
    uvio_stop_reading(socket);
    int status = waiters_await_buffer(&socket->loop->waiters, &socket->waiter, socket->recv);
    if (status < 0) {
        uvio_deliver_recv(socket, NULL, 0, status);
    }
}

/* libuv has stopped reading by itself. */
static void uvio_reading_ended(struct io_socket *socket)
{
    socket->reading = false;
    socket->filled = false;
    socket->watch.ended = true;
    uvio_calls_unwatch(&socket->loop->calls, &socket->watch, UVIO_WANT_RECV);
}

/* After a read that left room in its buffer, libuv reports a hang-up as the end of the stream,
 * without a read, and stops reading. Only a read can tell a reset from the end. */
static void uvio_ask_again(struct io_socket *socket)
{
    uvio_reading_ended(socket);
    int status = uvio_start_reading(socket);
    if (status != 0) {
        uvio_deliver_recv(socket, NULL, 0, status);
    }
}

static void uvio_on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct io_socket *socket = (struct io_socket *)(void *)stream;
    struct pool *pool = &socket->loop->base.pool;
    uint8_t *data = (uint8_t *)buffer->base;
    assert(socket->recv != NULL && socket->close == NULL);
    socket->loop->events++;
    if (count == UV_ENOBUFS && socket->denied) { /* else it is the system that has no buffers */
        socket->denied = false;
        uvio_recv_without_buffer(socket);
        return;
    }
    if (count == UV_EOF && data == NULL) {
        uvio_ask_again(socket);
        return;
    }
    socket->loop->base.stats.recv_calls += 1 + (socket->filled ? 0 : uvio_calls_asks);
    socket->filled = count > 0 && (size_t)count == pool->buffer_size;
    if (count > 0) {
        uvio_deliver_recv(socket, data, (size_t)count, 0);
        return;
    }
    if (data != NULL) {
        pool_put(pool, data);
    }
    if (count < 0) {
        uvio_reading_ended(socket);
        int status = count == UV_EOF ? socket->lost : io_stream_failed((int)count, &socket->lost);
        uvio_deliver_recv(socket, NULL, 0, status);
    }
}

static void uvio_retry_recv(struct waiter *waiter)
{
    struct io_socket *socket = CONTAINER_OF(waiter, struct io_socket, waiter);
    int status = uvio_start_reading(socket);
    if (status != 0) { /* the stream had ended before the receive had to wait */
        uvio_deliver_recv(socket, NULL, 0, status);
    }
}

static int uvio_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op)
{
    assert(op->done != NULL && socket->recv == NULL && socket->close == NULL);
    struct waiters *waiters = &uvio_self(loop)->waiters;
    int status = 0;
    if (socket->broken != 0) {
        return socket->broken;
    }
    op->waiting = false;
    if (waiters_go_first(waiters)) {
        if (socket->reading) {
            uvio_stop_reading(socket);
        }
        status = waiters_join(waiters, &socket->waiter, op);
    } else if (!socket->reading) {
        status = uvio_start_reading(socket);
    }
    if (status < 0) {
        return status;
    }
    socket->recv = op;
    return IO_PENDING;
}

static void uvio_release(struct io_loop *loop, uint8_t *data)
{
    pool_put(&loop->pool, data); /* a receive that waits for it gets it at the next poll */
}

/* ---- shutdown and close -------------------------------------------------------------------- */

static void uvio_on_shutdown(uv_shutdown_t *request, int status)
{
    struct io_socket *socket = (struct io_socket *)(void *)request->handle;
    socket->loop->events++;
    if (status != UV_ECANCELED) { /* an error shows in the outstanding recv, or the next */
        socket->loop->base.stats.other_calls++;
        uvio_calls_unwatch(&socket->loop->calls, &socket->watch, UVIO_WANT_SEND);
    }
}

static int uvio_shutdown(struct io_loop *loop, struct io_socket *socket)
{
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    (void)loop;
    if (socket->broken != 0) {
        return socket->broken;
    }
    int status = uv_shutdown(&socket->request.shutdown, uvio_as_stream(socket), uvio_on_shutdown);
    return io_stream_failed(status, &socket->lost);
}

static void uvio_on_closed(uv_handle_t *handle)
{
    struct io_socket *socket = (struct io_socket *)(void *)handle;
    assert(socket->send == NULL && socket->connect == NULL); /* libuv has ended both */
    if (socket->recv != NULL) {
        uvio_deliver_recv(socket, NULL, 0, UV_ECANCELED);
    }
    socket->loop->events++;
    socket->loop->sockets--;
    struct io_close *op = socket->close;
    op->done(op);
}

static void uvio_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                       struct io_close *op)
{
    assert(uvio_self(loop)->sockets > 0);
    assert(op->done != NULL && socket->close == NULL);
    socket->close = op;
    socket->unsent = net_holds_sends ? 0 : uv_stream_get_write_queue_size(uvio_as_stream(socket));
    waiters_leave(&uvio_self(loop)->waiters, &socket->waiter);
    uv_os_sock_t os_socket;
    if (uvio_os_socket(uvio_as_handle(socket), &os_socket) == 0) {
        if (how == IO_CLOSE_RESET) {
            /* uv_tcp_close_reset refuses a socket that has been shut down */
            loop->stats.other_calls++;
            (void)net_reset_on_close(os_socket);
        }
        uvio_calls_close(&uvio_self(loop)->calls, &socket->watch);
    }
    uv_close(uvio_as_handle(socket), uvio_on_closed);
}

static int uvio_handle(struct io_socket *socket, uv_os_sock_t *os_socket)
{
    return uvio_os_socket(uvio_as_handle(socket), os_socket);
}

/* ---- table --------------------------------------------------------------------------------- */

const struct backend backend_uv = {
    .name = "uv",
    .native = false,
    .socket_size = sizeof(struct io_socket),
    .estimates_calls = uvio_calls_are_estimates,
    .loop_open = uvio_loop_open,
    .loop_close = uvio_loop_close,
    .poll = uvio_poll,
    .wake = uvio_wake,
    .now = uvio_now,
    .listen = uvio_listen,
    .accept = uvio_accept,
    .accept_stop = uvio_accept_stop,
    .adopt = uvio_adopt,
    .detach = uvio_detach,
    .refuse = uvio_refuse,
    .connect = uvio_connect,
    .recv = uvio_recv,
    .release = uvio_release,
    .send = uvio_send,
    .untaken = uvio_untaken,
    .shutdown = uvio_shutdown,
    .close = uvio_close,
    .handle = uvio_handle,
};
