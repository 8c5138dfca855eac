/*
 * Completions from readiness.
 *
 *     submit --try--> done
 *               \--would block--> parked --the poller says ready--> try --> done, by callback
 *
 * A receive that did not fill its buffer has taken all there was. So the next one parks without a
 * try, which would be a third call for each echo. Edge-triggered pollers report what arrives later.
 *
 * They do not report again what arrived before: the end of the stream, an error, or data after
 * urgent data, where a receive stops. So a short receive proves nothing once the poller has
 * reported READY_END, or more bytes than have been received since. Then the next receive is tried.
 *
 * Nothing is ever in flight, so a close has nothing to wait for: the descriptor is closed at once,
 * which removes it from the poller, and the callbacks follow after the batch.
 */

#include "readiness.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net.h"
#include "untaken.h"
#include "util.h"

/* After this many turns in a row without progress, each further turn pauses for so long. */
#define READINESS_IDLE_TURNS 16
#define READINESS_PAUSE_MS 4

struct io_listener {
    struct readiness_watch watch; /* first */
    struct readiness_loop *loop;
    struct io_accept *ops; /* outstanding, oldest first */
    struct io_accept **ops_end;
    struct queue_node node; /* in loop->stopped */
    bool drained;           /* as far as is known, no connection waits */
};

static struct readiness_loop *readiness_self(struct io_loop *loop)
{
    struct readiness_loop *self = (struct readiness_loop *)(void *)loop;
    assert(loop->backend == self->poller->backend);
    return self;
}

static int readiness_error(void)
{
    return uv_translate_sys_error(errno);
}

static int readiness_stream_error(struct io_socket *socket)
{
    int status = io_stream_error(readiness_error());
    if (io_stream_is_lost(status)) {
        socket->lost = status;
    }
    return status;
}

/* Makes the operation wait until the poller reports `what`. IO_PENDING, or a UV error. */
static int readiness_park(struct readiness_loop *loop, struct readiness_watch *watch, unsigned what)
{
    if ((watch->watched & what) != 0) {
        return IO_PENDING;
    }
    loop->base.stats.control_calls++;
    int status = loop->poller->watch(loop, watch, what);
    return status == 0 ? IO_PENDING : status;
}

static int readiness_count_inline(struct io_loop *loop, int outcome)
{
    loop->stats.inline_outcomes += outcome == IO_DONE;
    return outcome;
}

/* ---- receive ------------------------------------------------------------------------------- */

static int readiness_set_outcome(struct io_recv *op, uint8_t *data, size_t length, int status)
{
    op->data = data;
    op->length = length;
    op->status = status;
    return IO_DONE;
}

static ssize_t readiness_call_recv(struct io_socket *socket, uint8_t *buffer)
{
    ssize_t count;
    do {
        socket->loop->base.stats.recv_calls++;
        count = recv(socket->watch.fd, buffer, socket->loop->base.pool.buffer_size, 0);
    } while (count < 0 && errno == EINTR);
    return count;
}

/* As a submit answers. */
static int readiness_try_recv(struct io_socket *socket)
{
    struct pool *pool = &socket->loop->base.pool;
    assert(socket->recv != NULL);
    if (socket->drained) {
        return readiness_park(socket->loop, &socket->watch, READY_RECV);
    }
    int status = IO_PENDING;
    uint8_t *buffer = waiters_take(&socket->loop->waiters, &socket->waiter, socket->recv, &status);
    if (buffer == NULL) {
        return status;
    }
    ssize_t count = readiness_call_recv(socket, buffer);
    if (count > 0) {
        socket->unread -= (size_t)count < socket->unread ? (size_t)count : socket->unread;
        socket->drained =
            (size_t)count < pool->buffer_size && !socket->ended && socket->unread == 0;
        return readiness_set_outcome(socket->recv, buffer, (size_t)count, 0);
    }
    pool_put(pool, buffer);
    if (count == 0) {
        return readiness_set_outcome(socket->recv, NULL, 0, socket->lost);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        socket->drained = true;
        socket->unread = 0;
        return readiness_park(socket->loop, &socket->watch, READY_RECV);
    }
    return readiness_stream_error(socket);
}

int readiness_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op)
{
    assert(op->done != NULL && socket->recv == NULL && socket->close == NULL);
    socket->recv = op;
    op->waiting = false;
    int outcome = readiness_try_recv(socket);
    if (outcome != IO_PENDING) {
        socket->recv = NULL;
    }
    return readiness_count_inline(loop, outcome);
}

/* Ends the receive that is outstanding, if it has an outcome by now. */
static void readiness_deliver_recv(struct io_socket *socket, int outcome)
{
    struct io_recv *op = socket->recv;
    if (outcome == IO_PENDING) {
        return;
    }
    if (outcome < 0) {
        (void)readiness_set_outcome(op, NULL, 0, outcome);
    }
    socket->recv = NULL;
    socket->loop->base.stats.completions++;
    op->done(op);
}

void readiness_release(struct io_loop *loop, uint8_t *data)
{
    pool_put(&loop->pool, data); /* a receive that waits for it gets it at the next poll */
}

static void readiness_retry_recv(struct waiter *waiter)
{
    struct io_socket *socket = CONTAINER_OF(waiter, struct io_socket, waiter);
    readiness_deliver_recv(socket, readiness_try_recv(socket));
}

/* ---- send ---------------------------------------------------------------------------------- */

static bool readiness_would_block(const struct io_socket *socket, int error)
{
    return error == EAGAIN || error == EWOULDBLOCK ||
           (error == ENOBUFS && socket->loop->poller->waits_for_buffers);
}

/* As a submit answers. */
static int readiness_try_send(struct io_socket *socket)
{
    struct io_send *op = socket->send;
    while (!socket->blocked && op->sent < op->length) {
        size_t left = op->length - op->sent;
        socket->loop->base.stats.send_calls++;
        ssize_t count = send(socket->watch.fd, op->data + op->sent, left, 0);
        if (count >= 0) {
            op->sent += (size_t)count;
            socket->blocked = (size_t)count < left;
        } else if (readiness_would_block(socket, errno)) {
            socket->blocked = true;
        } else if (errno != EINTR) {
            return readiness_stream_error(socket);
        }
    }
    if (op->sent < op->length) {
        return readiness_park(socket->loop, &socket->watch, READY_SEND);
    }
    op->status = 0;
    return IO_DONE;
}

int readiness_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op)
{
    assert(op->done != NULL && op->length > 0);
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    op->sent = 0;
    socket->send = op;
    int outcome = readiness_try_send(socket);
    if (outcome != IO_PENDING) {
        socket->send = NULL;
    }
    return readiness_count_inline(loop, outcome);
}

static void readiness_deliver_send(struct io_socket *socket, int outcome)
{
    struct io_send *op = socket->send;
    if (outcome == IO_PENDING) {
        return;
    }
    op->status = outcome;
    socket->send = NULL;
    socket->loop->base.stats.completions++;
    op->done(op);
}

int readiness_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes)
{
    const struct io_send *op = socket->send;
    if (socket->lost != 0) {
        return socket->lost;
    }
    loop->stats.other_calls++;
    return untaken_ask(socket->watch.fd, 0, op != NULL ? op->length - op->sent : 0, bytes);
}

int readiness_shutdown(struct io_loop *loop, struct io_socket *socket)
{
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    loop->stats.other_calls++;
    return shutdown(socket->watch.fd, SHUT_WR) == 0 ? 0 : readiness_stream_error(socket);
}

/* ---- connect ------------------------------------------------------------------------------- */

static void readiness_deliver_connect(struct io_socket *socket, int status)
{
    struct io_connect *op = socket->connect;
    socket->connect = NULL;
    socket->loop->base.stats.completions++;
    op->status = status;
    op->done(op);
}

/* connect(2): when the descriptor is writable, SO_ERROR tells how it went. */
static int readiness_connect_status(const struct io_socket *socket)
{
    int error = 0;
    socklen_t size = sizeof(error);
    socket->loop->base.stats.other_calls++;
    if (getsockopt(socket->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return readiness_error();
    }
    return error == 0 ? 0 : uv_translate_sys_error(error);
}

static void readiness_on_ready(struct readiness_watch *watch, const struct readiness_event *event);

static void readiness_init(struct readiness_loop *loop, struct io_socket *socket, int fd)
{
    memset(socket, 0, sizeof(*socket));
    socket->watch = (struct readiness_watch){
        .ready = readiness_on_ready, .fd = fd, .wanted = READY_RECV | READY_SEND};
    socket->loop = loop;
    loop->sockets++;
}

/* EINTR goes on in the background, as EINPROGRESS does. */
static int readiness_start_connect(struct io_socket *socket, const struct sockaddr *address)
{
    socket->loop->base.stats.connect_calls++;
    if (connect(socket->watch.fd, address, net_address_size(address)) == 0) {
        return IO_DONE;
    }
    if (errno != EINPROGRESS && errno != EINTR) {
        return readiness_error();
    }
    return readiness_park(socket->loop, &socket->watch, READY_SEND);
}

int readiness_connect(struct io_loop *loop, struct io_socket *socket,
                      const struct sockaddr *address, struct io_connect *op)
{
    struct readiness_loop *self = readiness_self(loop);
    uv_os_sock_t fd;
    assert(op->done != NULL && self->config.open_socket != NULL);
    int status = self->config.open_socket(self->config.open_context, address->sa_family, &fd);
    if (status != 0) {
        return status;
    }
    loop->stats.other_calls += self->config.open_calls + NET_NONBLOCKING_CALLS;
    status = net_set_nonblocking(fd);
    if (status != 0) {
        net_close(fd);
        return status;
    }
    readiness_init(self, socket, fd);
    int outcome = readiness_start_connect(socket, address);
    if (outcome == IO_PENDING) {
        socket->connect = op;
        return IO_PENDING;
    }
    op->status = outcome;
    return readiness_count_inline(loop, IO_DONE);
}

/* ---- ready --------------------------------------------------------------------------------- */

static void readiness_on_sendable(struct io_socket *socket)
{
    socket->blocked = false;
    if (socket->connect != NULL) {
        readiness_deliver_connect(socket, readiness_connect_status(socket));
    } else if (socket->send != NULL) {
        size_t before = socket->send->sent;
        int outcome = readiness_try_send(socket);
        socket->loop->denied += outcome == IO_PENDING && socket->send->sent == before;
        readiness_deliver_send(socket, outcome);
    }
}

static void readiness_on_receivable(struct io_socket *socket)
{
    socket->drained = false;
    if (socket->recv != NULL && !socket->recv->waiting) {
        readiness_deliver_recv(socket, readiness_try_recv(socket));
    }
}

static void readiness_on_ready(struct readiness_watch *watch, const struct readiness_event *event)
{
    struct io_socket *socket = (struct io_socket *)(void *)watch;
    unsigned what = event->what;
    if ((what & READY_RECV) != 0) {
        socket->unread = event->unread;
    }
    socket->ended = socket->ended || (what & READY_END) != 0;
    if (socket->close == NULL && (what & (READY_SEND | READY_END)) != 0) {
        readiness_on_sendable(socket);
    }
    if (socket->close == NULL && (what & (READY_RECV | READY_END)) != 0) {
        readiness_on_receivable(socket);
    }
}

/* ---- close --------------------------------------------------------------------------------- */

void readiness_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                     struct io_close *op)
{
    assert(op->done != NULL && socket->close == NULL);
    socket->close = op;
    if (how == IO_CLOSE_RESET) {
        loop->stats.other_calls++;
        (void)net_reset_on_close(socket->watch.fd);
    }
    loop->stats.other_calls++;
    net_close(socket->watch.fd);
    socket->watch.fd = -1;
    waiters_leave(&readiness_self(loop)->waiters, &socket->waiter);
    queue_push(&readiness_self(loop)->closed, &socket->closed);
}

static void readiness_finish_close(struct io_socket *socket)
{
    if (socket->recv != NULL) {
        readiness_deliver_recv(socket, UV_ECANCELED);
    }
    if (socket->send != NULL) {
        readiness_deliver_send(socket, UV_ECANCELED);
    }
    if (socket->connect != NULL) {
        readiness_deliver_connect(socket, UV_ECANCELED);
    }
    socket->loop->sockets--;
    socket->close->done(socket->close); /* the last word: the socket may be gone after it */
}

/* Those that are closed meanwhile are for the next turn. */
static void readiness_finish_closed(struct readiness_loop *loop)
{
    struct queue due;
    struct queue_node *node;
    queue_take_all(&due, &loop->closed);
    while ((node = queue_pop(&due)) != NULL) {
        readiness_finish_close(CONTAINER_OF(node, struct io_socket, closed));
    }
}

int readiness_handle(struct io_socket *socket, uv_os_sock_t *os_socket)
{
    *os_socket = socket->watch.fd;
    return socket->watch.fd >= 0 ? 0 : UV_EBADF;
}

/* ---- accept -------------------------------------------------------------------------------- */

static const struct io_token readiness_no_token = {.os_socket = -1};

/* As a submit answers. */
static int readiness_try_accept(struct io_listener *listener, struct io_accept *op)
{
    struct io_stats *stats = &listener->loop->base.stats;
    uv_os_sock_t fd;
    op->token = readiness_no_token;
    if (listener->drained) {
        return readiness_park(listener->loop, &listener->watch, READY_RECV);
    }
    stats->accept_calls++;
    int status = net_accept(listener->watch.fd, &fd);
    if (status == UV_EAGAIN) {
        listener->drained = true;
        return readiness_park(listener->loop, &listener->watch, READY_RECV);
    }
    stats->accepts += status == 0;
    stats->accepts_failed += status != 0;
    if (status == 0) {
        stats->other_calls += net_accepted_calls;
        op->token.os_socket = fd;
        op->status = 0;
    }
    return status;
}

int readiness_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op)
{
    assert(op->done != NULL && listener->watch.fd >= 0);
    int outcome = readiness_try_accept(listener, op);
    if (outcome == IO_PENDING) {
        op->next = NULL;
        *listener->ops_end = op;
        listener->ops_end = &op->next;
    }
    return readiness_count_inline(loop, outcome);
}

static void readiness_deliver_accept(struct io_listener *listener, int status)
{
    struct io_accept *op = listener->ops;
    listener->ops = op->next;
    if (listener->ops == NULL) {
        listener->ops_end = &listener->ops;
    }
    listener->loop->base.stats.completions++;
    op->status = status;
    op->done(op);
}

static void readiness_on_connection(struct readiness_watch *watch,
                                    const struct readiness_event *event)
{
    struct io_listener *listener = (struct io_listener *)(void *)watch;
    (void)event;
    listener->drained = false;
    while (listener->ops != NULL && listener->watch.fd >= 0) {
        int outcome = readiness_try_accept(listener, listener->ops);
        if (outcome == IO_PENDING) {
            return;
        }
        readiness_deliver_accept(listener, outcome);
    }
}

int readiness_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                     struct io_listener **out)
{
    struct io_listener *listener = calloc(1, sizeof(*listener));
    int status = listener != NULL ? net_set_nonblocking(os_socket) : UV_ENOMEM;
    if (status == 0 && listen(os_socket, backlog) != 0) {
        status = readiness_error();
    }
    if (status != 0) {
        net_close(os_socket);
        free(listener);
        return status;
    }
    listener->watch = (struct readiness_watch){
        .ready = readiness_on_connection, .fd = os_socket, .wanted = READY_RECV};
    listener->loop = readiness_self(loop);
    listener->ops_end = &listener->ops;
    listener->loop->listeners++;
    *out = listener;
    return 0;
}

void readiness_accept_stop(struct io_loop *loop, struct io_listener *listener)
{
    assert(listener->watch.fd >= 0);
    net_close(listener->watch.fd);
    listener->watch.fd = -1;
    queue_push(&readiness_self(loop)->stopped, &listener->node);
}

static void readiness_finish_stopped(struct readiness_loop *loop)
{
    struct queue_node *node;
    while ((node = queue_pop(&loop->stopped)) != NULL) {
        struct io_listener *listener = CONTAINER_OF(node, struct io_listener, node);
        while (listener->ops != NULL) {
            readiness_deliver_accept(listener, UV_ECANCELED);
        }
        loop->listeners--;
        free(listener);
    }
}

int readiness_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket)
{
    readiness_init(readiness_self(loop), socket, token->os_socket);
    *token = readiness_no_token;
    return 0;
}

/* A descriptor is no loop's own until it is watched. */
int readiness_detach(struct io_loop *loop, struct io_token *token)
{
    (void)loop;
    (void)token;
    return 0;
}

void readiness_refuse(struct io_loop *loop, struct io_token *token)
{
    loop->stats.other_calls++;
    net_close(token->os_socket);
    *token = readiness_no_token;
}

/* ---- loop ---------------------------------------------------------------------------------- */

int readiness_open(const struct poller *poller, const struct io_config *config,
                   struct io_loop **out)
{
    struct readiness_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return UV_ENOMEM;
    }
    int status = poller->open(loop);
    if (status != 0) {
        free(loop);
        return status;
    }
    loop->base.backend = poller->backend;
    loop->poller = poller;
    loop->config = *config;
    pool_init(&loop->base.pool, config->buffer_size, config->buffer_memory);
    waiters_init(&loop->waiters, &loop->base, readiness_retry_recv);
    queue_init(&loop->closed);
    queue_init(&loop->stopped);
    *out = &loop->base;
    return 0;
}

void readiness_loop_close(struct io_loop *base)
{
    struct readiness_loop *loop = readiness_self(base);
    readiness_finish_stopped(loop);
    assert(loop->sockets == 0 && loop->listeners == 0);
    loop->poller->close(loop);
    pool_destroy(&base->pool);
    free(loop);
}

/* Not at all while there is something to do. */
static uint64_t readiness_wait_ns(const struct readiness_loop *loop, uint64_t deadline_ns)
{
    if (deadline_ns == 0 || waiters_can_feed(&loop->waiters) || !queue_is_empty(&loop->closed) ||
        !queue_is_empty(&loop->stopped)) {
        return 0;
    }
    if (deadline_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    uint64_t now_ns = uv_hrtime();
    return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

/* A system that is out of memory for sockets may report one as writable, and refuse the send. If
 * READINESS_IDLE_TURNS turns in a row brought nothing else, the loop pauses. */
static void readiness_look_at_turn(struct readiness_loop *loop, int events)
{
    if (events <= 0 || loop->denied < events) {
        loop->idle_turns = 0;
    } else if (++loop->idle_turns >= READINESS_IDLE_TURNS) {
        uv_sleep(READINESS_PAUSE_MS);
    }
    loop->denied = 0;
}

int readiness_poll(struct io_loop *base, uint64_t deadline_ns)
{
    struct readiness_loop *loop = readiness_self(base);
    struct readiness_event events[READINESS_BATCH];
    uint64_t before = base->stats.completions;
    bool woken = false;
    waiters_feed(&loop->waiters);
    bool delivered = base->stats.completions != before;
    base->stats.wait_calls++;
    int count =
        loop->poller->wait(loop, events, readiness_wait_ns(loop, delivered ? 0 : deadline_ns));
    for (int i = 0; i < count; i++) {
        if (events[i].watch == NULL) {
            woken = true;
        } else {
            events[i].watch->ready(events[i].watch, &events[i]);
        }
    }
    readiness_look_at_turn(loop, count);
    base->full = count == READINESS_BATCH || count == UV_EINTR;
    readiness_finish_stopped(loop);
    readiness_finish_closed(loop);
    io_loop_end_turn(base, before, woken);
    return count < 0 && count != UV_EINTR ? count : woken;
}

void readiness_wake(struct io_loop *base)
{
    struct readiness_loop *loop = readiness_self(base);
    loop->poller->wake(loop);
}

uint64_t readiness_now(struct io_loop *loop)
{
    (void)loop;
    return uv_hrtime();
}
