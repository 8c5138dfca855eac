/*
 * One connection. Nothing is ever over when a submit returns: a submission lies in the ring until
 * the next poll, which submits all there are and waits in one call.
 *
 * A receive selects its buffer when there is data. After one that left nothing behind it first
 * waits for data and only then tries (IORING_RECVSEND_POLL_FIRST), which spares a try in vain.
 *
 * It is one-shot. A multishot receive would take data while nobody wants any: one peer that never
 * reads what it is sent could take all of the ring from its neighbours.
 *
 * A close cancels, waits for what is in flight, and only then gives the descriptor back.
 */

#include "io_uring.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "untaken_acked.h"
#include "net.h"
#include "untaken.h"
#include "util.h"

#define URING_PAUSE_NS 4000000

static int uring_stream_error(struct io_socket *socket, int result)
{
    int status = io_stream_error(uv_translate_sys_error(-result));
    if (io_stream_is_lost(status)) {
        socket->lost = status;
    }
    return status;
}

static void uring_on_recv(struct uring_request *request, int result, unsigned flags);
static void uring_on_send(struct uring_request *request, int result, unsigned flags);
static void uring_on_connect(struct uring_request *request, int result, unsigned flags);
static void uring_on_close(struct uring_request *request, int result, unsigned flags);
static void uring_join(struct io_socket *socket);

static void uring_init(struct uring_loop *loop, struct io_socket *socket, int fd)
{
    memset(socket, 0, sizeof(*socket));
    socket->loop = loop;
    socket->fd = fd;
    socket->in.completed = uring_on_recv;
    socket->out.completed = uring_on_send;
    socket->end.completed = uring_on_close;
    loop->sockets++;
}

int uring_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket)
{
    uring_init(uring_self(loop), socket, token->os_socket);
    *token = (struct io_token){.os_socket = -1};
    return 0;
}

/* ---- connect ------------------------------------------------------------------------------- */

static void uring_on_connect(struct uring_request *request, int result, unsigned flags)
{
    struct io_socket *socket = CONTAINER_OF(request, struct io_socket, out);
    struct io_connect *op = socket->connect;
    (void)flags;
    socket->connect = NULL;
    request->completed = uring_on_send;
    op->status = uv_translate_sys_error(-result);
    if (socket->close != NULL) {
        op->status = UV_ECANCELED;
    }
    socket->loop->base.stats.completions++;
    op->done(op);
    uring_join(socket);
}

int uring_connect(struct io_loop *loop, struct io_socket *socket, const struct sockaddr *address,
                  struct io_connect *op)
{
    struct uring_loop *self = uring_self(loop);
    socklen_t size = net_address_size(address);
    uv_os_sock_t fd;
    assert(op->done != NULL && self->config.open_socket != NULL);
    struct io_uring_sqe *sqe = uring_sqe(self);
    if (sqe == NULL) {
        return UV_ENOBUFS;
    }
    int status = self->config.open_socket(self->config.open_context, address->sa_family, &fd);
    if (status != 0) {
        io_uring_prep_nop(sqe); /* a submission that was taken can't be given back */
        io_uring_sqe_set_data(sqe, NULL);
        return status;
    }
    loop->stats.connect_calls++;
    loop->stats.other_calls += self->config.open_calls;
    uring_init(self, socket, fd);
    memcpy(&socket->address, address, size);
    socket->connected = true;
    socket->out.completed = uring_on_connect;
    socket->connect = op;
    io_uring_prep_connect(sqe, fd, &socket->address.any, size);
    return uring_begin(sqe, &socket->out);
}

/* ---- receive ------------------------------------------------------------------------------- */

static void uring_deliver_recv(struct io_socket *socket, uint8_t *data, size_t length, int status)
{
    struct io_recv *op = socket->recv;
    assert(op != NULL);
    socket->recv = NULL;
    op->data = data;
    op->length = length;
    op->status = status;
    socket->loop->base.stats.completions++;
    op->done(op);
}

static int uring_start_recv(struct io_socket *socket)
{
    struct uring_loop *loop = socket->loop;
    if (loop->buffers.offered == 0) {
        uring_buffers_offer(loop);
    }
    if (loop->buffers.offered == 0) {
        return waiters_await_buffer(&loop->waiters, &socket->waiter, socket->recv);
    }
    struct io_uring_sqe *sqe = uring_sqe(loop);
    if (sqe == NULL) {
        return UV_ENOBUFS;
    }
    loop->base.stats.recv_calls++;
    io_uring_prep_recv(sqe, socket->fd, NULL, loop->base.pool.buffer_size, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    sqe->ioprio |= socket->wait_first ? IORING_RECVSEND_POLL_FIRST : 0;
    return uring_begin(sqe, &socket->in);
}

int uring_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op)
{
    struct waiters *waiters = &uring_self(loop)->waiters;
    assert(op->done != NULL && socket->recv == NULL && socket->close == NULL);
    socket->recv = op;
    op->waiting = false;
    int outcome = waiters_go_first(waiters) ? waiters_join(waiters, &socket->waiter, op)
                                            : uring_start_recv(socket);
    if (outcome != IO_PENDING) {
        socket->recv = NULL;
    }
    return outcome;
}

/* None, since the ring was empty just then, or since a signal came. */
static void uring_recv_again(struct io_socket *socket, int result)
{
    int outcome = IO_PENDING;
    if (result == -ENOBUFS) {
        uring_buffers_grow(socket->loop);
        outcome = waiters_pass_over(&socket->loop->waiters, &socket->waiter, socket->recv);
    } else {
        outcome = uring_start_recv(socket);
    }
    if (outcome < 0) {
        uring_deliver_recv(socket, NULL, 0, outcome);
    }
}

/*
 * The end of the stream, or of the connection: a reset may be hidden behind the bytes that were
 * sent before it. Then the connection is in no state any more.
 */
static int uring_end_status(struct io_socket *socket)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    if (socket->send == NULL) {
        return socket->lost;
    }
    socket->loop->base.stats.other_calls++;
    if (getsockopt(socket->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
        info.tcpi_state == TCP_CLOSE) {
        socket->lost = UV_ECONNRESET;
    }
    return socket->lost;
}

static void uring_recv_outcome(struct io_socket *socket, uint8_t *data, int result)
{
    if (result > 0 && socket->close == NULL) {
        uring_deliver_recv(socket, data, (size_t)result, 0);
        return;
    }
    if (data != NULL) {
        pool_put(&socket->loop->base.pool, data);
    }
    if (socket->close != NULL) {
        uring_deliver_recv(socket, NULL, 0, UV_ECANCELED);
    } else if (result == 0) {
        uring_deliver_recv(socket, NULL, 0, uring_end_status(socket));
    } else if (result == -ENOBUFS || result == -EINTR || result == -EAGAIN) {
        uring_recv_again(socket, result);
    } else {
        uring_deliver_recv(socket, NULL, 0, uring_stream_error(socket, result));
    }
}

static void uring_on_recv(struct uring_request *request, int result, unsigned flags)
{
    struct io_socket *socket = CONTAINER_OF(request, struct io_socket, in);
    uint8_t *data = NULL;
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        data = uring_buffers_take(socket->loop, flags, result);
        waiters_served(&socket->loop->waiters, &socket->waiter);
    }
    socket->wait_first = (flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
    uring_recv_outcome(socket, data, result);
    uring_join(socket);
}

void uring_retry_recv(struct waiter *waiter)
{
    struct io_socket *socket = CONTAINER_OF(waiter, struct io_socket, waiter);
    int outcome = uring_start_recv(socket);
    if (outcome < 0) {
        uring_deliver_recv(socket, NULL, 0, outcome);
    }
}

/* ---- send ---------------------------------------------------------------------------------- */

static int uring_start_send(struct io_socket *socket)
{
    const struct io_send *op = socket->send;
    struct io_uring_sqe *sqe = uring_sqe(socket->loop);
    if (sqe == NULL) {
        return UV_ENOBUFS;
    }
    socket->loop->base.stats.send_calls++;
    io_uring_prep_send(sqe, socket->fd, op->data + op->sent, op->length - op->sent,
                       MSG_NOSIGNAL | MSG_WAITALL);
    return uring_begin(sqe, &socket->out);
}

/*
 * The kernel has refused a send to a socket that it reports as writable, which happens when it is
 * out of memory for TCP. A loop that tried again at once would do nothing else, so a timeout comes
 * first.
 */
static int uring_pause_send(struct io_socket *socket)
{
    static struct __kernel_timespec pause = {.tv_nsec = URING_PAUSE_NS};
    struct io_uring_sqe *sqe = uring_sqe(socket->loop);
    if (sqe == NULL) {
        return UV_ENOBUFS;
    }
    io_uring_prep_timeout(sqe, &pause, 0, 0);
    return uring_begin(sqe, &socket->out);
}

int uring_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op)
{
    (void)loop;
    assert(op->done != NULL && op->length > 0);
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    op->sent = 0;
    socket->send = op;
    int outcome = uring_start_send(socket);
    if (outcome == IO_PENDING) {
        socket->submitted += op->length;
    } else {
        socket->send = NULL;
    }
    return outcome;
}

/* What the send has come to: a UV code, or IO_PENDING: the rest is under way. */
static int uring_send_outcome(struct io_socket *socket, int result)
{
    struct io_send *op = socket->send;
    op->sent += result > 0 ? (size_t)result : 0;
    if (op->sent == op->length) {
        return 0;
    }
    if (socket->close != NULL) {
        return UV_ECANCELED;
    }
    if (result == -EAGAIN) {
        return uring_pause_send(socket);
    }
    if (result >= 0 || result == -EINTR || result == -ETIME) { /* ETIME: the pause is over */
        return uring_start_send(socket);
    }
    return uring_stream_error(socket, result);
}

static void uring_on_send(struct uring_request *request, int result, unsigned flags)
{
    struct io_socket *socket = CONTAINER_OF(request, struct io_socket, out);
    struct io_send *op = socket->send;
    (void)flags;
    assert(op != NULL);
    int outcome = uring_send_outcome(socket, result);
    if (outcome == IO_PENDING) {
        return;
    }
    socket->send = NULL;
    op->status = outcome;
    socket->loop->base.stats.completions++;
    op->done(op);
    uring_join(socket);
}

/* The ring does not tell how much of a pending send the kernel has taken; but the kernel tells what
 * was acknowledged. */
int uring_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes)
{
    uint64_t acked = 0;
    if (socket->lost != 0) {
        return socket->lost;
    }
    loop->stats.other_calls++;
    if (socket->send == NULL) {
        return untaken_ask(socket->fd, socket->submitted, 0, bytes);
    }
    int error = untaken_acked(socket->fd, &acked);
    *bytes = socket->submitted - (acked - socket->connected);
    return uv_translate_sys_error(error);
}

/* ---- end ----------------------------------------------------------------------------------- */

int uring_shutdown(struct io_loop *loop, struct io_socket *socket)
{
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    loop->stats.other_calls++;
    return shutdown(socket->fd, SHUT_WR) == 0 ? 0 : uring_stream_error(socket, -errno);
}

static void uring_on_close(struct uring_request *request, int result, unsigned flags)
{
    struct io_socket *socket = CONTAINER_OF(request, struct io_socket, end);
    (void)result; /* whatever close() answers, the descriptor is gone */
    (void)flags;
    socket->fd = -1;
    queue_push(&socket->loop->closed, &socket->closed);
}

/* Called when a request has come back: the last one of a socket that is being closed lets the
 * descriptor go. */
static void uring_join(struct io_socket *socket)
{
    if (socket->close == NULL || socket->in.pending || socket->out.pending || socket->end.pending ||
        socket->fd < 0) {
        return;
    }
    struct io_uring_sqe *sqe = uring_sqe(socket->loop);
    if (sqe == NULL) {
        socket->loop->base.stats.other_calls++;
        net_close(socket->fd);
        uring_on_close(&socket->end, 0, 0);
        return;
    }
    io_uring_prep_close(sqe, socket->fd);
    (void)uring_begin(sqe, &socket->end);
}

void uring_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                 struct io_close *op)
{
    assert(op->done != NULL && socket->close == NULL);
    socket->close = op;
    waiters_leave(&uring_self(loop)->waiters, &socket->waiter);
    if (how == IO_CLOSE_RESET) {
        loop->stats.other_calls++;
        (void)net_reset_on_close(socket->fd);
    }
    if (socket->in.pending || socket->out.pending) {
        uring_cancel(uring_self(loop), socket->fd);
    }
    uring_join(socket);
}

static void uring_finish_close(struct io_socket *socket)
{
    if (socket->recv != NULL) { /* it waited for a buffer, and nothing was in flight */
        uring_deliver_recv(socket, NULL, 0, UV_ECANCELED);
    }
    assert(socket->send == NULL && socket->connect == NULL);
    socket->loop->sockets--;
    socket->close->done(socket->close); /* the last word: the socket may be gone after it */
}

/* Those that are closed meanwhile are for the next turn. */
void uring_finish_closed(struct uring_loop *loop)
{
    struct queue due;
    struct queue_node *node;
    queue_take_all(&due, &loop->closed);
    while ((node = queue_pop(&due)) != NULL) {
        uring_finish_close(CONTAINER_OF(node, struct io_socket, closed));
    }
}

int uring_handle(struct io_socket *socket, uv_os_sock_t *os_socket)
{
    *os_socket = socket->fd;
    return socket->fd >= 0 ? 0 : UV_EBADF;
}
