/*
 * Every submit is pending when it returns: poll() submits all requests and waits, in one call.
 *
 * A receive gets its buffer from the kernel when there is data. If the previous receive took all
 * there was, a try would be in vain: this one first waits for data (IORING_RECVSEND_POLL_FIRST).
 *
 * A receive is one-shot. A multishot receive would take data that is not wanted yet. So one peer
 * that never reads could take all buffers of the ring.
 *
 * A close cancels, waits for what is in flight, and only then gives the descriptor back.
 */

#include "io_uring_socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "io_uring_buffers.h"
#include "net.h"
#include "untaken.h"
#include "untaken_acked.h"
#include "util.h"

#define URING_PAUSE_NS (IO_PAUSE_MS * NS_PER_MS)

static void uring_join(struct io_socket *socket);

static int uring_stream_error(struct io_socket *socket, int result)
{
    return io_stream_failed(uv_translate_sys_error(-result), &socket->lost);
}

/* ---- listen and accept --------------------------------------------------------------------- */

static void uring_init(struct uring_loop *loop, struct io_socket *socket, int fd)
{
    memset(socket, 0, sizeof(*socket));
    socket->loop = loop;
    socket->fd = fd;
    loop->sockets++;
}

int uring_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket)
{
    uring_init(uring_self(loop), socket, token->os_socket);
    *token = (struct io_token){.os_socket = -1};
    return 0;
}

/* ---- connect ------------------------------------------------------------------------------- */

static void uring_prepare_connect(struct uring_request *request, struct io_uring_sqe *sqe)
{
    const struct io_socket *socket = CONTAINER_OF(request, struct io_socket, out);
    const struct sockaddr *address = &socket->address.any;
    io_uring_prep_connect(sqe, socket->fd, address, net_address_size(address));
}

static void uring_on_connect(struct uring_request *request, int result, unsigned flags)
{
    struct io_socket *socket = CONTAINER_OF(request, struct io_socket, out);
    struct io_connect *op = socket->connect;
    (void)flags;
    socket->connect = NULL;
    op->status = socket->close != NULL ? UV_ECANCELED : uv_translate_sys_error(-result);
    socket->loop->base.stats.completions++;
    op->done(op);
    uring_join(socket);
}

int uring_connect(struct io_loop *loop, struct io_socket *socket, const struct sockaddr *address,
                  struct io_connect *op)
{
    static const struct uring_operation operation = {uring_prepare_connect, uring_on_connect};
    struct uring_loop *self = uring_self(loop);
    uv_os_sock_t fd;
    assert(op->done != NULL);
    int status = io_loop_open_socket(loop, &self->config, address, &fd);
    if (status != 0) {
        return status;
    }
    loop->stats.connect_calls++;
    uring_init(self, socket, fd);
    memcpy(&socket->address, address, net_address_size(address));
    socket->connected = true;
    socket->connect = op;
    return uring_begin(self, &socket->out, &operation);
}

/* ---- receive ------------------------------------------------------------------------------- */

static void uring_prepare_recv(struct uring_request *request, struct io_uring_sqe *sqe)
{
    const struct io_socket *socket = CONTAINER_OF(request, struct io_socket, in);
    io_uring_prep_recv(sqe, socket->fd, NULL, socket->loop->base.pool.buffer_size, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = URING_BUFFER_GROUP;
    sqe->ioprio |= socket->wait_first ? IORING_RECVSEND_POLL_FIRST : 0;
}

static void uring_on_recv(struct uring_request *request, int result, unsigned flags);

static int uring_start_recv(struct io_socket *socket)
{
    static const struct uring_operation operation = {uring_prepare_recv, uring_on_recv};
    struct uring_loop *loop = socket->loop;
    if (!uring_buffers_have_one(loop)) {
        return waiters_await_buffer(&loop->waiters, &socket->waiter, socket->recv);
    }
    loop->base.stats.recv_calls++;
    return uring_begin(loop, &socket->in, &operation);
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

/* Delivers the error of a receive that could not begin again. */
static void uring_settle_recv(struct io_socket *socket, int outcome)
{
    if (outcome < 0) {
        uring_deliver_recv(socket, NULL, 0, outcome);
    }
}

void uring_retry_recv(struct waiter *waiter)
{
    struct io_socket *socket = CONTAINER_OF(waiter, struct io_socket, waiter);
    uring_settle_recv(socket, uring_start_recv(socket));
}

/* The kernel's ring of buffers was empty. */
static int uring_starve(struct io_socket *socket)
{
    uring_buffers_grow(socket->loop);
    return waiters_pass_over(&socket->loop->waiters, &socket->waiter, socket->recv);
}

/*
 * The end of the stream, or of the connection: a reset may be hidden behind the bytes that were
 * sent before it. After a reset the kernel has closed the connection.
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

/* A receive that got no data. */
static void uring_recv_nothing(struct io_socket *socket, int result)
{
    if (socket->close != NULL) {
        uring_deliver_recv(socket, NULL, 0, UV_ECANCELED);
    } else if (result == 0) {
        uring_deliver_recv(socket, NULL, 0, uring_end_status(socket));
    } else if (result == -ENOBUFS) {
        uring_settle_recv(socket, uring_starve(socket));
    } else if (result == -EINTR || result == -EAGAIN) {
        uring_settle_recv(socket, uring_start_recv(socket));
    } else {
        uring_deliver_recv(socket, NULL, 0, uring_stream_error(socket, result));
    }
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
    uring_recv_nothing(socket, result);
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

void uring_release(struct io_loop *loop, uint8_t *data)
{
    pool_put(&loop->pool, data); /* the next poll offers it again */
}

/* ---- send ---------------------------------------------------------------------------------- */

static void uring_prepare_send(struct uring_request *request, struct io_uring_sqe *sqe)
{
    const struct io_socket *socket = CONTAINER_OF(request, struct io_socket, out);
    const struct io_send *op = socket->send;
    io_uring_prep_send(sqe, socket->fd, op->data + op->sent, op->length - op->sent,
                       MSG_NOSIGNAL | MSG_WAITALL);
}

static void uring_prepare_pause(struct uring_request *request, struct io_uring_sqe *sqe)
{
    static struct __kernel_timespec pause = {.tv_nsec = URING_PAUSE_NS};
    (void)request;
    io_uring_prep_timeout(sqe, &pause, 0, 0);
}

static void uring_on_send(struct uring_request *request, int result, unsigned flags);

static int uring_start_send(struct io_socket *socket)
{
    static const struct uring_operation operation = {uring_prepare_send, uring_on_send};
    socket->loop->base.stats.send_calls++;
    return uring_begin(socket->loop, &socket->out, &operation);
}

/*
 * The kernel has refused a send to a socket that it reports as writable, which happens when it is
 * out of memory for TCP. A loop that tried again at once would do nothing else, so a timeout comes
 * first.
 */
static int uring_pause_send(struct io_socket *socket)
{
    static const struct uring_operation operation = {uring_prepare_pause, uring_on_send};
    return uring_begin(socket->loop, &socket->out, &operation);
}

int uring_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op)
{
    (void)loop;
    assert(op->done != NULL && op->length > 0);
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    op->sent = 0;
    socket->send = op;
    socket->submitted += op->length;
    return uring_start_send(socket);
}

/* The outcome of the send, a UV code; or IO_PENDING: the rest is under way. */
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

/* The ring does not tell how much of a pending send the kernel has taken. The kernel tells how much
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

/* ---- shutdown and close -------------------------------------------------------------------- */

int uring_shutdown(struct io_loop *loop, struct io_socket *socket)
{
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    loop->stats.other_calls++;
    return shutdown(socket->fd, SHUT_WR) == 0 ? 0 : uring_stream_error(socket, -errno);
}

static void uring_prepare_close(struct uring_request *request, struct io_uring_sqe *sqe)
{
    io_uring_prep_close(sqe, CONTAINER_OF(request, struct io_socket, end)->fd);
}

static void uring_on_close(struct uring_request *request, int result, unsigned flags)
{
    struct io_socket *socket = CONTAINER_OF(request, struct io_socket, end);
    (void)result; /* the descriptor is gone even after an error of close() */
    (void)flags;
    socket->fd = -1;
    queue_push(&socket->loop->closed, &socket->closed);
}

/* Called when a request has come back. The last one of a socket that is being closed lets the
 * descriptor go. */
static void uring_join(struct io_socket *socket)
{
    static const struct uring_operation operation = {uring_prepare_close, uring_on_close};
    if (socket->close != NULL && !uring_is_pending(&socket->in) &&
        !uring_is_pending(&socket->out) && !uring_is_pending(&socket->end)) {
        (void)uring_begin(socket->loop, &socket->end, &operation);
    }
}

static void uring_prepare_cancel_all(struct uring_request *request, struct io_uring_sqe *sqe)
{
    uring_prepare_cancel(sqe, CONTAINER_OF(request, struct io_socket, end)->fd);
}

static void uring_on_cancel_all(struct uring_request *request, int result, unsigned flags)
{
    (void)result; /* each cancelled operation has a completion of its own */
    (void)flags;
    uring_join(CONTAINER_OF(request, struct io_socket, end));
}

void uring_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                 struct io_close *op)
{
    static const struct uring_operation cancel = {uring_prepare_cancel_all, uring_on_cancel_all};
    assert(op->done != NULL && socket->close == NULL);
    socket->close = op;
    waiters_leave(&uring_self(loop)->waiters, &socket->waiter);
    if (how == IO_CLOSE_RESET) {
        loop->stats.other_calls++;
        (void)net_reset_on_close(socket->fd);
    }
    if (uring_is_pending(&socket->in) || uring_is_pending(&socket->out)) {
        (void)uring_begin(socket->loop, &socket->end, &cancel);
    }
    uring_join(socket);
}

static void uring_finish_close(struct queue_node *node)
{
    struct io_socket *socket = CONTAINER_OF(node, struct io_socket, closed);
    if (socket->recv != NULL) { /* it waited for a buffer */
        uring_deliver_recv(socket, NULL, 0, UV_ECANCELED);
    }
    assert(socket->send == NULL && socket->connect == NULL);
    socket->loop->sockets--;
    socket->close->done(socket->close); /* the socket may be gone after it */
}

/* Sockets that these callbacks close wait for the next turn. */
void uring_finish_closed(struct uring_loop *loop)
{
    queue_drain(&loop->closed, uring_finish_close);
}

int uring_handle(struct io_socket *socket, uv_os_sock_t *os_socket)
{
    *os_socket = socket->fd;
    return socket->fd >= 0 ? 0 : UV_EBADF;
}
