/* Connections of the backends over readiness. An operation is tried, and parked if it blocks. */

#include "readiness.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net.h"
#include "untaken.h"
#include "util.h"

static int readiness_stream_error(struct io_socket *socket)
{
    return io_stream_failed(readiness_error(), &socket->lost);
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
    assert(op->done != NULL);
    int status = io_loop_open_socket(loop, &self->config, address, &fd);
    if (status != 0) {
        return status;
    }
    loop->stats.other_calls += NET_NONBLOCKING_CALLS;
    status = net_set_nonblocking(fd);
    if (status != 0) {
        net_close(fd);
        return status;
    }
    readiness_socket_init(self, socket, fd);
    int outcome = readiness_start_connect(socket, address);
    if (outcome == IO_PENDING) {
        socket->connect = op;
        return IO_PENDING;
    }
    op->status = outcome;
    return readiness_count_inline(loop, IO_DONE);
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

/* What a submit returns. */
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

void readiness_retry_recv(struct waiter *waiter)
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

/* What a submit returns. */
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

/* ---- shutdown and close -------------------------------------------------------------------- */

int readiness_shutdown(struct io_loop *loop, struct io_socket *socket)
{
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    loop->stats.other_calls++;
    return shutdown(socket->watch.fd, SHUT_WR) == 0 ? 0 : readiness_stream_error(socket);
}

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

static void readiness_finish_close(struct queue_node *node)
{
    struct io_socket *socket = CONTAINER_OF(node, struct io_socket, closed);
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
    socket->close->done(socket->close); /* after it the socket may be gone */
}

/* Sockets that these callbacks close wait for the next turn. */
void readiness_finish_closed(struct readiness_loop *loop)
{
    queue_drain(&loop->closed, readiness_finish_close);
}

int readiness_handle(struct io_socket *socket, uv_os_sock_t *os_socket)
{
    *os_socket = socket->watch.fd;
    return socket->watch.fd >= 0 ? 0 : UV_EBADF;
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

void readiness_socket_init(struct readiness_loop *loop, struct io_socket *socket, int fd)
{
    memset(socket, 0, sizeof(*socket));
    socket->watch = (struct readiness_watch){
        .ready = readiness_on_ready, .fd = fd, .wanted = READY_RECV | READY_SEND};
    socket->loop = loop;
    loop->sockets++;
}
