/*
 * The `uv` backend: libuv streams. On Windows that is libuv's own completion port with AcceptEx and
 * zero-byte receives, on Linux epoll, on macOS kqueue.
 *
 * A recv, once: the first submit starts libuv's reading, which takes a buffer from the pool when
 * there is data and calls back. Reading stays on as long as a new recv is submitted from within the
 * callback of the last, and stops at the end of a callback that left none: so recv means one shot
 * without costing two epoll_ctl for each message, and nothing is read that nobody asked for. libuv
 * reads one socket at most 32 times in a turn; policy asks for less than that of a busy one.
 *
 * libuv keeps a handle until its close callback, so a socket whose set-up failed half-way is in use
 * like any other: it carries the error in `broken` and answers it to every submit.
 */

#include "backend.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "util.h"
#include "uv_internal.h"

/* A turn in which libuv told of so many events may have left others behind. Not each that it takes
 * from the system is told of: a read that a close cancels is not, and a send that goes on. */
#define UV_FULL_EVENTS (net_turn_events / 2)

int uv_os_socket(const uv_handle_t *handle, uv_os_sock_t *os_socket)
{
    uv_os_fd_t fd;
    int status = uv_fileno(handle, &fd);
    if (status == 0) {
        *os_socket = (uv_os_sock_t)fd;
    }
    return status;
}

int uv_stream_error(struct io_socket *socket, int status)
{
    status = io_stream_error(status);
    if (io_stream_is_lost(status)) {
        socket->lost = status;
    }
    return status;
}

/* ---- loop ---------------------------------------------------------------------------------- */

static void uv_on_wake(uv_async_t *async)
{
    struct uv_backend_loop *self = async->data;
    self->woken = true;
    self->events++;
    uv_calls_woken(&self->calls);
}

/* libuv is about to poll. */
static void uv_on_prepare(uv_prepare_t *prepare)
{
    struct uv_backend_loop *self = prepare->data;
    uv_calls_turn(&self->calls);
}

static void uv_on_alarm(uv_timer_t *alarm)
{
    struct uv_backend_loop *self = alarm->data;
    self->alarm_ns = UINT64_MAX;
    self->events++;
    uv_stop(
        &self->uv); /* it may ring before libuv waits, and would leave nothing to end the wait */
}

static void uv_retry_recv(struct waiter *waiter);

static int uv_backend_loop_open(const struct io_config *config, struct io_loop **loop)
{
    assert(config->buffer_size > 0 && config->buffer_size <= INT_MAX);
    struct uv_backend_loop *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return UV_ENOMEM;
    }
    int status = uv_loop_init(&self->uv);
    if (status != 0) {
        goto free_self;
    }
    status = uv_async_init(&self->uv, &self->async, uv_on_wake);
    if (status != 0) {
        goto close_loop;
    }
    status = uv_timer_init(&self->uv, &self->alarm);
    assert(status == 0);
    status = uv_prepare_init(&self->uv, &self->prepare);
    assert(status == 0);
    self->prepare.data = self;
    status = uv_prepare_start(&self->prepare, uv_on_prepare);
    assert(status == 0);

    self->base.backend = &backend_uv;
    pool_init(&self->base.pool, config->buffer_size, config->buffer_memory);
    waiters_init(&self->waiters, &self->base, uv_retry_recv);
    queue_init(&self->sends);
    uv_calls_open(&self->calls, &self->uv, &self->base.stats);
    self->config = *config;
    self->async.data = self;
    self->alarm.data = self;
    self->alarm_ns = UINT64_MAX;
    *loop = &self->base;
    return 0;

close_loop:
    (void)uv_loop_close(&self->uv);
free_self:
    free(self);
    return status;
}

static void uv_backend_loop_close(struct io_loop *loop)
{
    struct uv_backend_loop *self = uv_self(loop);
    assert(self->sockets == 0);
    assert(self->listeners == 0);
    uv_close((uv_handle_t *)(void *)&self->async, NULL);
    uv_close((uv_handle_t *)(void *)&self->alarm, NULL);
    uv_close((uv_handle_t *)(void *)&self->prepare, NULL);
    (void)uv_run(&self->uv, UV_RUN_DEFAULT); /* stopped listeners and refused tokens end here too */
    int status = uv_loop_close(&self->uv);
    assert(status == 0);
    (void)status;
    pool_destroy(&self->base.pool);
    free(self);
}

/* An alarm that is set for earlier stays: it costs one early return, not a change for each turn. */
static void uv_set_alarm(struct uv_backend_loop *self, uint64_t deadline_ns, uint64_t now_ns)
{
    assert(deadline_ns > now_ns);
    if (deadline_ns >= self->alarm_ns) {
        return;
    }
    uv_update_time(&self->uv);
    uint64_t wait_ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    int status = uv_timer_start(&self->alarm, uv_on_alarm, wait_ms, 0);
    assert(status == 0);
    (void)status;
    self->alarm_ns = deadline_ns;
}

/* How to run for a turn; sets the alarm that ends it. */
static uv_run_mode uv_prepare_turn(struct uv_backend_loop *self, uint64_t deadline_ns)
{
    if (deadline_ns == 0 || waiters_can_feed(&self->waiters)) {
        return UV_RUN_NOWAIT;
    }
    if (deadline_ns < self->alarm_ns) {
        uint64_t now_ns = uv_hrtime();
        if (deadline_ns <= now_ns) {
            return UV_RUN_NOWAIT;
        }
        uv_set_alarm(self, deadline_ns, now_ns);
    }
    return UV_RUN_ONCE;
}

static int uv_backend_poll(struct io_loop *loop, uint64_t deadline_ns)
{
    struct uv_backend_loop *self = uv_self(loop);
    uint64_t before = loop->stats.completions;
    waiters_feed(&self->waiters);
    bool delivered = loop->stats.completions != before;
    uv_run_mode mode = uv_prepare_turn(self, delivered ? 0 : deadline_ns);
    loop->stats.wait_calls++;
    self->events = 0;
    (void)uv_run(&self->uv, mode);
    uv_sends_after_turn(self, mode);
    loop->full = self->events >= UV_FULL_EVENTS;
    bool woken = self->woken;
    self->woken = false;
    io_loop_end_turn(loop, before, woken);
    return woken;
}

static void uv_backend_wake(struct io_loop *loop)
{
    (void)uv_async_send(&uv_self(loop)->async);
}

static uint64_t uv_backend_now(struct io_loop *loop)
{
    (void)loop;
    return uv_hrtime();
}

/* ---- connect ------------------------------------------------------------------------------- */

static void uv_on_connect(uv_connect_t *request, int status)
{
    struct io_socket *socket = (struct io_socket *)(void *)request->handle;
    struct io_connect *op = socket->connect;
    assert(op != NULL);
    struct uv_calls *calls = &socket->loop->calls;
    socket->connect = NULL;
    socket->loop->events++;
    if (status != UV_ECANCELED) {
        uv_calls_connected(calls, &socket->watch);
        uv_calls_unwatch(calls, &socket->watch, UV_WANT_SEND);
    }
    socket->loop->base.stats.completions++;
    op->status = status;
    op->done(op);
}

void uv_socket_init(struct uv_backend_loop *self, struct io_socket *socket)
{
    memset(socket, 0, sizeof(*socket));
    socket->loop = self;
    int status = uv_tcp_init(&self->uv, &socket->tcp);
    assert(status == 0); /* it makes no OS socket and so can't fail */
    (void)status;
    self->sockets++;
}

static int uv_backend_connect(struct io_loop *loop, struct io_socket *socket,
                              const struct sockaddr *address, struct io_connect *op)
{
    struct uv_backend_loop *self = uv_self(loop);
    uv_os_sock_t os_socket;
    assert(op->done != NULL && self->config.open_socket != NULL);
    int status =
        self->config.open_socket(self->config.open_context, address->sa_family, &os_socket);
    if (status != 0) {
        return status;
    }
    loop->stats.other_calls += self->config.open_calls;
    uv_socket_init(self, socket);
    socket->connected = true;
    uv_calls_socket(&self->calls);
    status = uv_tcp_open(&socket->tcp, os_socket);
    if (status != 0) {
        loop->stats.other_calls++;
        net_close(os_socket);
    } else {
        loop->stats.connect_calls++;
        net_keep_urgent_out(os_socket);
        loop->stats.other_calls += net_urgent_calls;
        status = uv_tcp_connect(&socket->request.connect, &socket->tcp, address, uv_on_connect);
    }
    if (status != 0) {
        socket->broken = status;
        loop->stats.inline_outcomes++;
        op->status = status;
        return IO_DONE;
    }
    uv_calls_watch(&self->calls, &socket->watch, UV_WANT_SEND);
    socket->connect = op;
    return IO_PENDING;
}

/* ---- recv ---------------------------------------------------------------------------------- */

static void uv_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct io_socket *socket = (struct io_socket *)(void *)handle;
    struct pool *pool = &socket->loop->base.pool;
    (void)suggested;
    buffer->base = (char *)pool_take(pool);
    buffer->len = buffer->base != NULL ? (unsigned)pool->buffer_size : 0;
    socket->denied = buffer->base == NULL;
}

static void uv_on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

static int uv_start_reading(struct io_socket *socket)
{
    assert(!socket->reading);
    int status = uv_read_start(uv_stream(socket), uv_on_alloc, uv_on_read);
    socket->reading = status == 0;
    if (status == 0) {
        uv_calls_watch(&socket->loop->calls, &socket->watch, UV_WANT_RECV);
    }
    return uv_stream_error(socket, status);
}

static void uv_stop_reading(struct io_socket *socket)
{
    assert(socket->reading);
    socket->reading = false;
    socket->filled = false;
    uv_calls_unwatch(&socket->loop->calls, &socket->watch, UV_WANT_RECV);
    (void)uv_read_stop(uv_stream(socket));
}

/* Ends the recv. On an error or at the end of the stream libuv has stopped reading by itself. */
static void uv_recv_deliver(struct io_socket *socket, uint8_t *data, size_t length, int status)
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
        uv_stop_reading(socket);
    }
}

static void uv_recv_without_buffer(struct io_socket *socket)
{
    uv_stop_reading(socket);
    int status = waiters_await_buffer(&socket->loop->waiters, &socket->waiter, socket->recv);
    if (status < 0) {
        uv_recv_deliver(socket, NULL, 0, status);
    }
}

/* libuv has stopped reading by itself. */
static void uv_reading_ended(struct io_socket *socket)
{
    socket->reading = false;
    socket->filled = false;
    socket->watch.ended = true;
    uv_calls_unwatch(&socket->loop->calls, &socket->watch, UV_WANT_RECV);
}

/* After a read that left room in its buffer, libuv takes a hang-up for the end of the stream,
 * without a read, and has stopped reading. Only a read can tell a reset from the end. */
static void uv_ask_again(struct io_socket *socket)
{
    uv_reading_ended(socket);
    int status = uv_start_reading(socket);
    if (status != 0) {
        uv_recv_deliver(socket, NULL, 0, status);
    }
}

static void uv_on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct io_socket *socket = (struct io_socket *)(void *)stream;
    struct pool *pool = &socket->loop->base.pool;
    uint8_t *data = (uint8_t *)buffer->base;
    assert(socket->recv != NULL && socket->close == NULL);
    socket->loop->events++;
    if (count == UV_ENOBUFS && socket->denied) { /* else it is the system that has no buffers */
        socket->denied = false;
        uv_recv_without_buffer(socket);
        return;
    }
    if (count == UV_EOF && data == NULL) {
        uv_ask_again(socket);
        return;
    }
    socket->loop->base.stats.recv_calls += 1 + (socket->filled ? 0 : uv_calls_asks);
    socket->filled = count > 0 && (size_t)count == pool->buffer_size;
    if (count > 0) {
        uv_recv_deliver(socket, data, (size_t)count, 0);
        return;
    }
    if (data != NULL) {
        pool_put(pool, data);
    }
    if (count < 0) {
        uv_reading_ended(socket);
        int status = count == UV_EOF ? socket->lost : uv_stream_error(socket, (int)count);
        uv_recv_deliver(socket, NULL, 0, status);
    }
}

static void uv_retry_recv(struct waiter *waiter)
{
    struct io_socket *socket = CONTAINER_OF(waiter, struct io_socket, waiter);
    int status = uv_start_reading(socket);
    if (status != 0) { /* it had ended before it came to wait */
        uv_recv_deliver(socket, NULL, 0, status);
    }
}

static int uv_backend_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op)
{
    assert(op->done != NULL && socket->recv == NULL && socket->close == NULL);
    struct waiters *waiters = &uv_self(loop)->waiters;
    int status = 0;
    if (socket->broken != 0) {
        return socket->broken;
    }
    op->waiting = false;
    if (waiters_go_first(waiters)) {
        if (socket->reading) {
            uv_stop_reading(socket);
        }
        status = waiters_join(waiters, &socket->waiter, op);
    } else if (!socket->reading) {
        status = uv_start_reading(socket);
    }
    if (status < 0) {
        return status;
    }
    socket->recv = op;
    return IO_PENDING;
}

static void uv_backend_release(struct io_loop *loop, uint8_t *data)
{
    pool_put(&loop->pool, data); /* a receive that waits for it gets it at the next poll */
}

/* ---- end ----------------------------------------------------------------------------------- */

static void uv_on_shutdown(uv_shutdown_t *request, int status)
{
    struct io_socket *socket = (struct io_socket *)(void *)request->handle;
    socket->loop->events++;
    if (status != UV_ECANCELED) { /* an error shows in the outstanding recv, or the next */
        socket->loop->base.stats.other_calls++;
        uv_calls_unwatch(&socket->loop->calls, &socket->watch, UV_WANT_SEND);
    }
}

static int uv_backend_shutdown(struct io_loop *loop, struct io_socket *socket)
{
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    (void)loop;
    if (socket->broken != 0) {
        return socket->broken;
    }
    return uv_stream_error(
        socket, uv_shutdown(&socket->request.shutdown, uv_stream(socket), uv_on_shutdown));
}

static void uv_on_closed(uv_handle_t *handle)
{
    struct io_socket *socket = (struct io_socket *)(void *)handle;
    assert(socket->send == NULL && socket->connect == NULL); /* libuv has ended both */
    if (socket->recv != NULL) {
        uv_recv_deliver(socket, NULL, 0, UV_ECANCELED);
    }
    socket->loop->events++;
    socket->loop->sockets--;
    struct io_close *op = socket->close;
    op->done(op);
}

static void uv_backend_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                             struct io_close *op)
{
    assert(uv_self(loop)->sockets > 0);
    assert(op->done != NULL && socket->close == NULL);
    socket->close = op;
    socket->unsent = net_holds_sends ? 0 : uv_stream_get_write_queue_size(uv_stream(socket));
    waiters_leave(&uv_self(loop)->waiters, &socket->waiter);
    uv_os_sock_t os_socket;
    if (uv_os_socket(uv_handle(socket), &os_socket) == 0) {
        if (how == IO_CLOSE_RESET) {
            /* uv_tcp_close_reset refuses a socket that has been shut down */
            loop->stats.other_calls++;
            (void)net_reset_on_close(os_socket);
        }
        uv_calls_close(&uv_self(loop)->calls, &socket->watch);
    }
    uv_close(uv_handle(socket), uv_on_closed);
}

static int uv_backend_handle(struct io_socket *socket, uv_os_sock_t *os_socket)
{
    return uv_os_socket(uv_handle(socket), os_socket);
}

const struct backend backend_uv = {
    .name = "uv",
    .native = false,
    .socket_size = sizeof(struct io_socket),
    .estimates_calls = uv_calls_are_estimates,
    .loop_open = uv_backend_loop_open,
    .loop_close = uv_backend_loop_close,
    .poll = uv_backend_poll,
    .wake = uv_backend_wake,
    .now = uv_backend_now,
    .listen = uv_backend_listen,
    .accept = uv_backend_accept,
    .accept_stop = uv_backend_accept_stop,
    .adopt = uv_backend_adopt,
    .detach = uv_backend_detach,
    .refuse = uv_backend_refuse,
    .connect = uv_backend_connect,
    .recv = uv_backend_recv,
    .release = uv_backend_release,
    .send = uv_backend_send,
    .untaken = uv_backend_untaken,
    .shutdown = uv_backend_shutdown,
    .close = uv_backend_close,
    .handle = uv_backend_handle,
};
