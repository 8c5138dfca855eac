/*
 * One connection.
 *
 * A receive with `zero-byte`: an idle connection must hold no buffer. A pending WSARecv would hold
 * one, and taking it back could lose bytes. So a receive asks with an empty buffer. The completion
 * says that there is something to receive: data, the end or an error. Then it receives without
 * waiting. After a receive that filled its buffer there is probably more, so the next one does not
 * ask.
 *
 *     recv --more is there--> WSARecv(buffer) --data--> done
 *          \                    ^      \--would block--.
 *           `--> WSARecv(0 bytes)  <-------------------'
 *
 * A receive with `posted`: WSARecv(buffer) at once. It costs one call less, and a buffer for as
 * long as the connection is idle. The mode is for comparison.
 *
 * A send: WSASend of what is left, until nothing is left.
 *
 * A close: CancelIoEx; wait for each of the two requests; closesocket; the close callback, after
 * the batch.
 */

#include "iocp_socket.h"

#include <stdlib.h>
#include <string.h>

#include "untaken.h"
#include "util.h"

/* Most bytes of one call: its counts are DWORDs, and its memory stays locked. */
#define IOCP_TRANSFER_MAX ((size_t)1 << 30)

/* How often one turn looks for data of a connection before it goes on to the others. */
#define IOCP_TRIES 2

static struct io_socket *iocp_of_in(struct iocp_request *request)
{
    return CONTAINER_OF(request, struct io_socket, in);
}

static struct io_socket *iocp_of_out(struct iocp_request *request)
{
    return CONTAINER_OF(request, struct io_socket, out);
}

static void iocp_join(struct io_socket *socket);
static void iocp_on_in(struct iocp_request *request, size_t bytes, int status);
static void iocp_on_send(struct iocp_request *request, size_t bytes, int status);
static void iocp_on_connect(struct iocp_request *request, size_t bytes, int status);

/* ---- listen and accept --------------------------------------------------------------------- */

static int iocp_init(struct iocp_loop *loop, struct io_socket *socket, SOCKET os_socket)
{
    u_long yes = 1; /* FIONBIO: calls without an OVERLAPPED must not block */
    loop->base.stats.other_calls++;
    memset(socket, 0, sizeof(*socket));
    socket->loop = loop;
    socket->os_socket = os_socket;
    socket->in.completed = iocp_on_in;
    socket->out.completed = iocp_on_send;
    socket->drained = true;
    if (ioctlsocket(os_socket, (long)FIONBIO, &yes) != 0) {
        return iocp_last_error();
    }
    int status = iocp_attach(loop, os_socket, &socket->inline_outcomes);
    loop->sockets += status == 0;
    return status;
}

int iocp_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket)
{
    int status = iocp_init(iocp_self(loop), socket, token->os_socket);
    if (status != 0) {
        iocp_refuse(loop, token);
        return status;
    }
    socket->first = token->first;
    socket->first_length = token->first_length;
    *token = (struct io_token){.os_socket = INVALID_SOCKET};
    return 0;
}

/* ---- connect ------------------------------------------------------------------------------- */

static int iocp_address_size(const struct sockaddr *address)
{
    return address->sa_family == AF_INET6 ? (int)sizeof(struct sockaddr_in6)
                                          : (int)sizeof(struct sockaddr_in);
}

static bool iocp_is_bound(SOCKET os_socket)
{
    struct sockaddr_storage name;
    int size = (int)sizeof(name);
    return getsockname(os_socket, (struct sockaddr *)&name, &size) == 0;
}

/* ConnectEx wants a socket that is bound. The config's open_socket may have bound it. */
static int iocp_bind_any(SOCKET os_socket, const struct sockaddr *address)
{
    struct sockaddr_storage any = {0};
    memcpy(&any, address, offsetof(struct sockaddr, sa_data)); /* the family */
    if (bind(os_socket, (struct sockaddr *)&any, iocp_address_size(address)) == 0) {
        return 0;
    }
    int status = iocp_last_error();
    return status == UV_EINVAL && iocp_is_bound(os_socket) ? 0 : status;
}

static bool iocp_is_loopback(const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    if (address->sa_family == AF_INET) {
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
}

/* Windows retransmits a SYN after a reset, and reports the refusal only after two seconds. On the
 * loopback this is useless. If the option can't be set, a refusal takes that long. */
static void iocp_refuse_at_once(const struct io_socket *socket, const struct sockaddr *address)
{
    TCP_INITIAL_RTO_PARAMETERS once = {
        .Rtt = TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS,
        .MaxSynRetransmissions = TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS,
    };
    DWORD bytes = 0;
    if (socket->loop->refuses_at_once && iocp_is_loopback(address)) {
        socket->loop->base.stats.other_calls++;
        (void)WSAIoctl(socket->os_socket, SIO_TCP_INITIAL_RTO, &once, sizeof(once), NULL, 0, &bytes,
                       NULL, NULL);
    }
}

static int iocp_connected(struct io_socket *socket)
{
    socket->loop->base.stats.other_calls++;
    return iocp_set_option(socket->os_socket, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0);
}

static void iocp_on_connect(struct iocp_request *request, size_t bytes, int status)
{
    struct io_socket *socket = iocp_of_out(request);
    struct io_connect *op = socket->connect;
    (void)bytes;
    assert(op != NULL);
    socket->connect = NULL;
    request->completed = iocp_on_send;
    if (socket->close != NULL) {
        op->status = UV_ECANCELED;
    } else {
        op->status = status != 0 ? iocp_stream_error(status) : iocp_connected(socket);
    }
    socket->loop->base.stats.completions++;
    op->done(op);
    iocp_join(socket);
}

static int iocp_start_connect(struct io_socket *socket, const struct sockaddr *address)
{
    socket->loop->base.stats.other_calls++;
    int status = iocp_bind_any(socket->os_socket, address);
    if (status != 0) {
        return status;
    }
    iocp_refuse_at_once(socket, address);
    socket->loop->base.stats.connect_calls++;
    socket->out.completed = iocp_on_connect;
    bool succeeded =
        socket->loop->connect_ex(socket->os_socket, address, iocp_address_size(address), NULL, 0,
                                 NULL, iocp_begin(&socket->out)) != FALSE;
    return iocp_started(&socket->out, succeeded, socket->inline_outcomes);
}

int iocp_connect(struct io_loop *loop, struct io_socket *socket, const struct sockaddr *address,
                 struct io_connect *op)
{
    struct iocp_loop *self = iocp_self(loop);
    uv_os_sock_t os_socket;
    assert(op->done != NULL);
    int status = io_loop_open_socket(loop, &self->config, address, &os_socket);
    if (status != 0) {
        return status;
    }
    status = iocp_init(self, socket, os_socket);
    if (status != 0) {
        loop->stats.other_calls++;
        iocp_close_handle(os_socket);
        return status;
    }
    status = iocp_start_connect(socket, address);
    if (status == IO_PENDING) {
        socket->connect = op;
        return IO_PENDING;
    }
    socket->out.completed = iocp_on_send;
    op->status = status < 0 ? status : iocp_connected(socket);
    loop->stats.inline_outcomes++;
    return IO_DONE;
}

/* ---- receive ------------------------------------------------------------------------------- */

static int iocp_set_outcome(struct io_socket *socket, uint8_t *data, size_t length, int status)
{
    struct io_recv *op = socket->recv;
    assert(op != NULL);
    op->data = data;
    op->length = length;
    op->status = status;
    return IO_DONE;
}

/* The outcome is `length` bytes in `buffer`; 0: the end of the stream. */
static int iocp_received(struct io_socket *socket, uint8_t *buffer, size_t length)
{
    struct pool *pool = &socket->loop->base.pool;
    socket->drained = length < pool->buffer_size;
    if (length == 0) {
        pool_put(pool, buffer);
        return iocp_set_outcome(socket, NULL, 0, 0);
    }
    return iocp_set_outcome(socket, buffer, length, 0);
}

/* What the accept brought is in memory of its own: its loop was not known yet. */
static size_t iocp_take_first(struct io_socket *socket, uint8_t *buffer)
{
    size_t left = socket->first_length - socket->first_taken;
    size_t size = socket->loop->base.pool.buffer_size;
    size_t length = left < size ? left : size;
    memcpy(buffer, socket->first + socket->first_taken, length);
    socket->first_taken += length;
    if (length == left) {
        free(socket->first);
        socket->first = NULL;
    }
    return length;
}

/* WSARecv into `buffer`, with its answer. `overlapped` NULL: it does not wait. */
static int iocp_call_recv(struct io_socket *socket, uint8_t *buffer, size_t size, DWORD *bytes,
                          OVERLAPPED *overlapped)
{
    size_t most = size < IOCP_TRANSFER_MAX ? size : IOCP_TRANSFER_MAX;
    WSABUF into = {.len = (ULONG)most, .buf = (char *)buffer};
    DWORD flags = 0;
    *bytes = 0;
    socket->loop->base.stats.recv_calls++;
    return WSARecv(socket->os_socket, &into, 1, bytes, &flags, overlapped, NULL);
}

/* A buffer to receive into. NULL, and *outcome: IO_PENDING, the receive is starved; UV_ENOMEM; or
 * IO_DONE, it was given what the accept brought. */
static uint8_t *iocp_take_buffer(struct io_socket *socket, int *outcome)
{
    uint8_t *buffer = waiters_take(&socket->loop->waiters, &socket->waiter, socket->recv, outcome);
    if (buffer != NULL && socket->first != NULL) {
        *outcome = iocp_received(socket, buffer, iocp_take_first(socket, buffer));
        return NULL;
    }
    return buffer;
}

/* Receives without waiting: IO_DONE; IO_PENDING, it is starved; or an error: UV_EAGAIN if there is
 * nothing. */
static int iocp_try_recv(struct io_socket *socket)
{
    struct pool *pool = &socket->loop->base.pool;
    DWORD bytes;
    int status = IO_PENDING;
    uint8_t *buffer = iocp_take_buffer(socket, &status);
    if (buffer == NULL) {
        return status;
    }
    if (iocp_call_recv(socket, buffer, pool->buffer_size, &bytes, NULL) == 0) {
        return iocp_received(socket, buffer, bytes);
    }
    status = iocp_last_error();
    pool_put(pool, buffer);
    return status == UV_EAGAIN ? status : iocp_stream_error(status);
}

/* Asks for a completion when there is something. IO_DONE: there is. */
static int iocp_ask_recv(struct io_socket *socket)
{
    DWORD bytes;
    OVERLAPPED *overlapped = iocp_begin(&socket->in);
    bool succeeded = iocp_call_recv(socket, NULL, 0, &bytes, overlapped) == 0;
    return iocp_stream_error(iocp_started(&socket->in, succeeded, socket->inline_outcomes));
}

/* Tries and asks in turn, until there is an outcome or a request is outstanding. Answers as a
 * submit. */
static int iocp_go_on_recv(struct io_socket *socket)
{
    for (int n = 0; n < IOCP_TRIES; n++) {
        if (!socket->drained || socket->first != NULL) {
            int outcome = iocp_try_recv(socket);
            if (outcome != UV_EAGAIN) {
                return outcome;
            }
        }
        int outcome = iocp_ask_recv(socket);
        if (outcome != IO_DONE) {
            return outcome;
        }
        socket->drained = false;
    }
    /* the completions said that there is something, and there was nothing */
    return waiters_join(&socket->loop->waiters, &socket->waiter, socket->recv);
}

/* Receives into a buffer, with or without waiting. Answers as a submit. */
static int iocp_post_recv(struct io_socket *socket)
{
    struct pool *pool = &socket->loop->base.pool;
    DWORD bytes;
    int status = IO_PENDING;
    uint8_t *buffer = iocp_take_buffer(socket, &status);
    if (buffer == NULL) {
        return status;
    }
    OVERLAPPED *overlapped = iocp_begin(&socket->in);
    bool succeeded = iocp_call_recv(socket, buffer, pool->buffer_size, &bytes, overlapped) == 0;
    status = iocp_started(&socket->in, succeeded, socket->inline_outcomes);
    if (status == IO_DONE) {
        return iocp_received(socket, buffer, bytes);
    }
    if (status == IO_PENDING) {
        socket->posted = buffer;
        return IO_PENDING;
    }
    pool_put(pool, buffer);
    return iocp_stream_error(status);
}

static int iocp_start_recv(struct io_socket *socket)
{
    bool posted = socket->loop->config.recv_mode == IOCP_RECV_POSTED;
    return posted ? iocp_post_recv(socket) : iocp_go_on_recv(socket);
}

int iocp_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op)
{
    assert(op->done != NULL && socket->recv == NULL && socket->close == NULL);
    assert(!socket->in.pending);
    socket->recv = op;
    op->waiting = false;
    int outcome = iocp_start_recv(socket);
    if (outcome != IO_PENDING) {
        socket->recv = NULL;
        loop->stats.inline_outcomes += outcome == IO_DONE;
    }
    return outcome;
}

/* Ends the outstanding receive by its callback, unless `outcome` is IO_PENDING. */
static void iocp_deliver_recv(struct io_socket *socket, int outcome)
{
    struct io_recv *op = socket->recv;
    assert(op != NULL);
    if (outcome == IO_PENDING) {
        return;
    }
    if (outcome < 0) {
        (void)iocp_set_outcome(socket, NULL, 0, outcome);
    }
    socket->recv = NULL;
    socket->loop->base.stats.completions++;
    op->done(op);
}

static int iocp_on_posted(struct io_socket *socket, size_t bytes, int status)
{
    uint8_t *buffer = socket->posted;
    socket->posted = NULL;
    if (status == 0 && socket->close == NULL) {
        return iocp_received(socket, buffer, bytes);
    }
    pool_put(&socket->loop->base.pool, buffer);
    return iocp_stream_error(status);
}

static void iocp_on_in(struct iocp_request *request, size_t bytes, int status)
{
    struct io_socket *socket = iocp_of_in(request);
    int outcome = iocp_stream_error(status);
    if (socket->posted != NULL) {
        outcome = iocp_on_posted(socket, bytes, status);
    } else if (status == 0 && socket->close == NULL) {
        socket->drained = false;
        outcome = iocp_go_on_recv(socket);
    }
    iocp_deliver_recv(socket, socket->close != NULL ? UV_ECANCELED : outcome);
    iocp_join(socket);
}

void iocp_retry_recv(struct waiter *waiter)
{
    struct io_socket *socket = CONTAINER_OF(waiter, struct io_socket, waiter);
    iocp_deliver_recv(socket, iocp_start_recv(socket));
}

/* ---- send ---------------------------------------------------------------------------------- */

/* Sends what is left. Answers as a submit. */
static int iocp_go_on_send(struct io_socket *socket)
{
    struct io_send *op = socket->send;
    while (op->sent < op->length) {
        size_t left = op->length - op->sent;
        WSABUF from = {.len = (ULONG)(left < IOCP_TRANSFER_MAX ? left : IOCP_TRANSFER_MAX),
                       .buf = (char *)(uintptr_t)(op->data + op->sent)};
        DWORD bytes = 0;
        socket->loop->base.stats.send_calls++;
        OVERLAPPED *overlapped = iocp_begin(&socket->out);
        bool succeeded = WSASend(socket->os_socket, &from, 1, &bytes, 0, overlapped, NULL) == 0;
        int outcome = iocp_started(&socket->out, succeeded, socket->inline_outcomes);
        if (outcome != IO_DONE) {
            return iocp_stream_error(outcome);
        }
        if (bytes == 0 || bytes > from.len) {
            return UV_EIO;
        }
        op->sent += bytes;
    }
    op->status = 0;
    return IO_DONE;
}

int iocp_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op)
{
    assert(op->done != NULL && op->length > 0);
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    op->sent = 0;
    socket->send = op;
    socket->submitted += op->length;
    int outcome = iocp_go_on_send(socket);
    if (outcome != IO_PENDING) {
        socket->send = NULL;
        loop->stats.inline_outcomes += outcome == IO_DONE;
    }
    return outcome;
}

static void iocp_on_send(struct iocp_request *request, size_t bytes, int status)
{
    struct io_socket *socket = iocp_of_out(request);
    struct io_send *op = socket->send;
    assert(op != NULL && bytes <= op->length - op->sent);
    op->sent += bytes; /* a cancelled send may have taken some, too */
    int outcome = iocp_stream_error(status);
    if (op->sent == op->length) {
        outcome = 0;
    } else if (socket->close != NULL) {
        outcome = UV_ECANCELED;
    } else if (status == 0) {
        outcome = bytes > 0 ? iocp_go_on_send(socket) : UV_EIO;
    }
    if (outcome == IO_PENDING) {
        return;
    }
    op->status = outcome;
    socket->send = NULL;
    socket->loop->base.stats.completions++;
    op->done(op);
    iocp_join(socket);
}

int iocp_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes)
{
    loop->stats.other_calls++;
    return iocp_stream_error(untaken_ask(socket->os_socket, socket->submitted, 0, bytes));
}

/* ---- shutdown and close -------------------------------------------------------------------- */

int iocp_shutdown(struct io_loop *loop, struct io_socket *socket)
{
    assert(socket->send == NULL && socket->connect == NULL && socket->close == NULL);
    loop->stats.other_calls++;
    return shutdown(socket->os_socket, SD_SEND) == 0 ? 0 : iocp_stream_error(iocp_last_error());
}

static void iocp_close_socket(struct io_socket *socket)
{
    if (socket->os_socket != INVALID_SOCKET) {
        socket->loop->base.stats.other_calls++;
        iocp_close_handle(socket->os_socket);
        socket->os_socket = INVALID_SOCKET;
    }
}

/* Called when a request has come back. If the socket is being closed and that was the last one, the
 * handle is closed and the close callback is due. */
static void iocp_join(struct io_socket *socket)
{
    if (socket->close == NULL || socket->in.pending || socket->out.pending ||
        queue_has(&socket->closed)) {
        return;
    }
    iocp_close_socket(socket);
    queue_push(&socket->loop->closed, &socket->closed);
}

void iocp_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                struct io_close *op)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    assert(op->done != NULL && socket->close == NULL);
    socket->close = op;
    waiters_leave(&iocp_self(loop)->waiters, &socket->waiter);
    if (how == IO_CLOSE_RESET) {
        loop->stats.other_calls++;
        (void)iocp_set_option(socket->os_socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    if (socket->in.pending || socket->out.pending) {
        loop->stats.other_calls++;
        if (!iocp_cancel(socket->os_socket, NULL)) {
            iocp_close_socket(socket); /* which ends the requests, too */
        }
    }
    iocp_join(socket);
}

static void iocp_finish_close(struct queue_node *node)
{
    struct io_socket *socket = CONTAINER_OF(node, struct io_socket, closed);
    if (socket->recv != NULL) { /* it was starved */
        iocp_deliver_recv(socket, UV_ECANCELED);
    }
    assert(socket->send == NULL && socket->connect == NULL);
    free(socket->first);
    socket->loop->sockets--;
    socket->close->done(socket->close); /* the callback may free the socket */
}

/* Sockets that these callbacks close wait for the next poll. */
void iocp_finish_closed(struct iocp_loop *loop)
{
    queue_drain(&loop->closed, iocp_finish_close);
}

int iocp_handle(struct io_socket *socket, uv_os_sock_t *os_socket)
{
    *os_socket = socket->os_socket;
    return socket->os_socket != INVALID_SOCKET ? 0 : UV_EBADF;
}
