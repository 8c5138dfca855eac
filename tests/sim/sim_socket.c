#include "sim_world.h"
#include "util.h"

#include <assert.h>
#include <string.h>

#define SOCKET_MAGIC UINT64_C(0x51b0c4e7a11fe000)
#define SOCKET_GONE 0xDD     /* what a socket is filled with before its close callback */
#define BUFFER_RELEASED 0xA5 /* what a buffer is filled with */

#define HASH_START UINT64_C(0xcbf29ce484222325) /* FNV-1a, 64 bits */
#define HASH_PRIME UINT64_C(0x100000001b3)

static void check_socket(const struct sim_loop *loop, const struct io_socket *socket)
{
    sim_require(socket->magic == SOCKET_MAGIC, "the socket is not in use");
    sim_require(socket->loop == loop, "the socket belongs to another loop");
    sim_require(socket->close == NULL, "the socket is being closed");
}

static void check_connected(const struct sim_loop *loop, const struct io_socket *socket)
{
    check_socket(loop, socket);
    sim_require(socket->connected, "the socket is not connected");
}

static void deliver_later(struct io_socket *socket, void (*run)(const struct sim_event *event))
{
    uint64_t at_ns = sim_delivery_time();
    if (at_ns > socket->last_ns) {
        socket->last_ns = at_ns;
    }
    sim_post(&socket->loop->due, (struct sim_event){.at_ns = at_ns, .run = run, .subject = socket});
}

void sim_socket_open(struct io_socket *socket, struct sim_loop *loop, struct sim_conn *conn,
                     int side)
{
    *socket = (struct io_socket){
        .magic = SOCKET_MAGIC, .loop = loop, .conn = conn, .side = side, .connected = side == 1};
    conn->side[side].socket = socket;
    conn->side[side].memory = socket;
    loop->sockets++;
}

void sim_socket_check_unused(const struct io_socket *socket)
{
    for (size_t i = sim_net_first_live(); i < sim_world.conn_count; i++) {
        const struct sim_conn *conn = sim_world.conns[i];
        sim_require(conn->side[0].memory != socket && conn->side[1].memory != socket,
                    "the memory of the socket is in use");
    }
}

/* ---- connect ------------------------------------------------------------------------------- */

static void run_connect(const struct sim_event *event)
{
    struct io_socket *socket = event->subject;
    struct io_connect *op = socket->connect.op;
    sim_require(op->status == STATUS_BUSY, "a connect was changed while it was outstanding");
    socket->connect.op = NULL;
    socket->connected = socket->connect.status == 0;
    op->status = socket->connect.status;
    op->done(op);
}

static void end_connect(struct io_socket *socket, int status)
{
    socket->connect.ended = true;
    socket->connect.status = status;
    sim_completion(socket->loop);
    deliver_later(socket, run_connect);
}

void sim_socket_connected(struct io_socket *socket, int status)
{
    end_connect(socket, status);
}

/* The port of an IPv4 or IPv6 address; -1: neither. */
static int32_t address_port(const struct sockaddr *address)
{
    uint16_t port;
    uint8_t bytes[2];
    if (address->sa_family == AF_INET) {
        port = ((const struct sockaddr_in *)(const void *)address)->sin_port;
    } else if (address->sa_family == AF_INET6) {
        port = ((const struct sockaddr_in6 *)(const void *)address)->sin6_port;
    } else {
        return -1;
    }
    memcpy(bytes, &port, sizeof(bytes));
    return bytes[0] * 256 + bytes[1];
}

int sim_connect(struct io_loop *loop, struct io_socket *socket, const struct sockaddr *address,
                struct io_connect *op)
{
    struct sim_loop *connecting = sim_own(loop);
    int32_t port = address_port(address);
    sim_socket_check_unused(socket);
    if (port < 0) {
        return UV_EAFNOSUPPORT;
    }
    if (sim_submit_fails()) {
        return UV_ENOBUFS;
    }
    connecting->head.stats.connect_calls++;
    struct sim_conn *conn = sim_net_connect((uint16_t)port);
    sim_socket_open(socket, connecting, conn, 0);
    bool hangs = sim_chance(sim_world.config.connect_hangs_ppm);
    int status = UV_EAGAIN;
    if (hangs) {
        sim_count(SIM_HANGING);
    } else if (sim_inline()) {
        status = sim_net_syn(conn);
    } else {
        sim_net_syn_later(conn, 0);
    }
    if (status != UV_EAGAIN) {
        op->status = status;
        socket->connected = status == 0;
        return sim_answer_done(connecting);
    }
    socket->connect = (struct sim_connect){.op = op};
    op->status = STATUS_BUSY;
    return IO_PENDING;
}

/* ---- receive ------------------------------------------------------------------------------- */

/* A buffer; or NULL, and the socket waits for one. */
static uint8_t *take_buffer(struct sim_loop *loop, struct io_socket *socket)
{
    uint8_t *buffer = pool_take(&loop->head.pool);
    if (buffer != NULL) {
        waiters_leave(&loop->waiters, &socket->waiter);
        loop->held = sim_grow(loop->held, &loop->held_room, loop->held_count, sizeof(uint8_t *));
        loop->held[loop->held_count++] = buffer;
        loop->head.stats.buffers_peak = loop->head.pool.in_use_peak;
    } else if (!socket->recv.op->waiting) {
        (void)waiters_join(&loop->waiters, &socket->waiter, socket->recv.op);
        sim_count(SIM_STARVED);
    }
    return buffer;
}

/* How much of `available` bytes the next receive gives. */
static size_t recv_length(struct io_socket *socket, size_t available)
{
    struct sim_conn *conn = socket->conn;
    size_t size = socket->loop->head.pool.buffer_size;
    size_t most = available < size ? available : size;
    if (socket->side == 1 && conn->first > 0) {
        most = conn->first < most ? conn->first : most;
        conn->first -= most;
    } else if (most > 1 && sim_chance(sim_world.config.short_ppm)) {
        sim_count(SIM_SHORT_RECV);
        return 1 + (size_t)sim_below(most);
    }
    return most;
}

/* Finds the outcome. False if there is none yet. */
static bool recv_try(struct io_socket *socket)
{
    struct sim_recv *recv = &socket->recv;
    struct sim_conn *conn = socket->conn;
    size_t available = sim_net_readable(conn, socket->side);
    socket->loop->head.stats.recv_calls++;
    if (conn->side[socket->side].reset) {
        waiters_leave(&socket->loop->waiters, &socket->waiter);
        recv->status = UV_ECONNRESET;
        return true;
    }
    if (available == 0) {
        /* if it waited for a buffer, a reset has discarded the bytes */
        waiters_leave(&socket->loop->waiters, &socket->waiter);
        return sim_net_ended(conn, socket->side);
    }
    uint8_t *buffer = take_buffer(socket->loop, socket);
    if (buffer == NULL) {
        return false;
    }
    recv->data = buffer;
    recv->length = recv_length(socket, available);
    sim_net_receive(conn, socket->side, recv->data, recv->length);
    return true;
}

static void set_recv(struct sim_recv *recv, struct io_recv *op)
{
    op->data = recv->data;
    op->length = recv->length;
    op->status = recv->status;
    recv->op = NULL;
}

static void run_recv(const struct sim_event *event)
{
    struct io_socket *socket = event->subject;
    struct io_recv *op = socket->recv.op;
    sim_require(op->status == STATUS_BUSY && op->done == socket->recv.done,
                "a recv was changed while it was outstanding");
    set_recv(&socket->recv, op);
    op->done(op);
}

static void end_recv(struct io_socket *socket)
{
    socket->recv.ended = true;
    sim_completion(socket->loop);
    deliver_later(socket, run_recv);
}

int sim_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op)
{
    struct sim_loop *receiving = sim_own(loop);
    check_connected(receiving, socket);
    sim_require(socket->recv.op == NULL, "recv() while one is outstanding");
    if (sim_submit_fails()) {
        return UV_ENOBUFS;
    }
    sim_net_break(socket->conn);
    socket->recv = (struct sim_recv){.op = op, .done = op->done};
    op->waiting = false;
    bool first = socket->side == 1 && socket->conn->first > 0;
    if ((first || sim_inline()) && recv_try(socket)) {
        set_recv(&socket->recv, op);
        return sim_answer_done(receiving);
    }
    op->data = NULL;
    op->length = 0;
    op->status = STATUS_BUSY;
    sim_net_pump_later(socket->conn, socket->side);
    return IO_PENDING;
}

void sim_retry_recv(struct waiter *waiter)
{
    struct io_socket *socket = CONTAINER_OF(waiter, struct io_socket, waiter);
    if (recv_try(socket)) {
        end_recv(socket);
    }
}

void sim_release(struct io_loop *loop, uint8_t *data)
{
    struct sim_loop *releasing = sim_own(loop);
    size_t i = 0;
    while (i < releasing->held_count && releasing->held[i] != data) {
        i++;
    }
    sim_require(i < releasing->held_count, "release() of what no recv of this loop delivered");
    releasing->held[i] = releasing->held[--releasing->held_count];
    memset(data, BUFFER_RELEASED, releasing->head.pool.buffer_size);
    pool_put(&releasing->head.pool, data);
    while (waiters_can_feed(
        &releasing->waiters)) { /* one that finds nothing leaves the buffer to the next */
        waiters_feed(&releasing->waiters);
    }
}

/* ---- send ---------------------------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t hash, const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ data[i]) * HASH_PRIME;
    }
    return hash;
}

/* Moves what there is room for, and finds the outcome. False if there is none yet. */
static bool send_try(struct io_socket *socket)
{
    struct sim_send *send = &socket->send;
    size_t rest = send->given.length - send->moved;
    size_t room = sim_net_room(socket->conn, socket->side);
    size_t most = rest < room ? rest : room;
    socket->loop->head.stats.send_calls++;
    if (socket->conn->side[socket->side].reset) {
        send->status = UV_ECONNRESET;
        return true;
    }
    if (most == 0) {
        return false;
    }
    size_t length = most;
    if (most > 1 && sim_chance(sim_world.config.short_ppm)) {
        length = 1 + (size_t)sim_below(most);
    }
    const uint8_t *data = send->given.data + send->moved;
    send->hash_moved = hash_bytes(send->hash_moved, data, length);
    sim_net_send(socket->conn, socket->side, data, length);
    send->moved += length;
    if (length < rest) {
        sim_count(SIM_SHORT_SEND);
        sim_net_pump_later(socket->conn, socket->side);
        return false;
    }
    return true;
}

/* The bytes of a send stay the same from the submit to the outcome. */
static void check_sent(const struct sim_send *send)
{
    const struct io_send *given = &send->given;
    sim_require(send->op->status == STATUS_BUSY && send->op->done == given->done &&
                    send->op->data == given->data && send->op->length == given->length,
                "a send was changed while it was outstanding");
    uint64_t moved =
        hash_bytes(send->hash_moved, given->data + send->moved, given->length - send->moved);
    uint64_t now = hash_bytes(HASH_START, given->data, given->length);
    sim_require(moved == send->hash && now == send->hash,
                "the memory of a send was changed while it was outstanding");
}

static void run_send(const struct sim_event *event)
{
    struct io_socket *socket = event->subject;
    struct io_send *op = socket->send.op;
    check_sent(&socket->send);
    op->sent = socket->send.moved;
    op->status = socket->send.status;
    socket->send.op = NULL;
    op->done(op);
}

static void end_send(struct io_socket *socket)
{
    socket->send.ended = true;
    sim_completion(socket->loop);
    deliver_later(socket, run_send);
}

int sim_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op)
{
    struct sim_loop *sending = sim_own(loop);
    check_connected(sending, socket);
    sim_require(socket->send.op == NULL, "send() while one is outstanding");
    sim_require(!socket->conn->pipe[socket->side].end_sent, "send() after shutdown()");
    sim_require(op->length > 0, "send() of nothing");
    op->sent = 0;
    if (sim_submit_fails()) {
        return UV_ENOBUFS;
    }
    sim_net_break(socket->conn);
    socket->send = (struct sim_send){.op = op,
                                     .given = *op,
                                     .hash = hash_bytes(HASH_START, op->data, op->length),
                                     .hash_moved = HASH_START};
    if (sim_inline() && send_try(socket)) {
        op->sent = socket->send.moved;
        op->status = socket->send.status;
        socket->send.op = NULL;
        return sim_answer_done(sending);
    }
    op->status = STATUS_BUSY;
    sim_net_pump_later(socket->conn, socket->side);
    return IO_PENDING;
}

/* What has arrived is acknowledged, read or not. */
int sim_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes)
{
    const struct sim_send *send = &socket->send;
    check_connected(sim_own(loop), socket);
    if (socket->conn->side[socket->side].reset) {
        return UV_ECONNRESET;
    }
    *bytes = sim_net_flying(socket->conn, socket->side);
    *bytes += send->op != NULL ? send->given.length - send->moved : 0;
    return 0;
}

/* ---- shutdown and close -------------------------------------------------------------------- */

int sim_shutdown(struct io_loop *loop, struct io_socket *socket)
{
    check_connected(sim_own(loop), socket);
    sim_require(socket->send.op == NULL, "shutdown() while a send is outstanding");
    sim_require(!socket->conn->pipe[socket->side].end_sent, "shutdown() twice");
    socket->loop->head.stats.other_calls++;
    sim_net_shutdown(socket->conn, socket->side);
    return socket->conn->side[socket->side].reset ? UV_ECONNRESET : 0;
}

static void run_close(const struct sim_event *event)
{
    struct io_socket *socket = event->subject;
    struct io_close *op = socket->close;
    assert(socket->recv.op == NULL && socket->send.op == NULL && socket->connect.op == NULL);
    socket->conn->side[socket->side].memory = NULL;
    socket->loop->sockets--;
    memset(socket, SOCKET_GONE, sizeof(*socket));
    op->done(op);
}

/* After close(): whether chance lets the operation still succeed. Else it is cancelled. */
static bool race(bool (*try)(struct io_socket *socket), struct io_socket *socket)
{
    if (sim_chance(sim_world.config.race_ppm) && try(socket)) {
        sim_count(SIM_RACES);
        return true;
    }
    sim_count(SIM_CANCELED);
    return false;
}

static void end_all(struct io_socket *socket)
{
    if (socket->connect.op != NULL && !socket->connect.ended) {
        sim_count(SIM_CANCELED);
        end_connect(socket, UV_ECANCELED);
    }
    if (socket->recv.op != NULL && !socket->recv.ended) {
        if (!race(recv_try, socket)) {
            socket->recv.status = UV_ECANCELED;
        }
        waiters_leave(&socket->loop->waiters, &socket->waiter);
        end_recv(socket);
    }
    if (socket->send.op != NULL && !socket->send.ended) {
        if (!race(send_try, socket)) {
            socket->send.status = UV_ECANCELED;
        }
        end_send(socket);
    }
}

void sim_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
               struct io_close *op)
{
    struct sim_loop *closing = sim_own(loop);
    check_socket(closing, socket);
    end_all(socket);
    socket->close = op;
    loop->stats.other_calls += how == IO_CLOSE_RESET ? 2 : 1;
    sim_net_close(socket->conn, socket->side, how);
    uint64_t at_ns = sim_delivery_time();
    sim_post(&closing->due,
             (struct sim_event){.at_ns = at_ns > socket->last_ns ? at_ns : socket->last_ns,
                                .run = run_close,
                                .subject = socket});
}

int sim_handle(struct io_socket *socket, uv_os_sock_t *os_socket)
{
    (void)socket;
    (void)os_socket;
    return UV_ENOTSUP;
}

/* ---- the network --------------------------------------------------------------------------- */

void sim_socket_pump(struct io_socket *socket)
{
    if (socket->recv.op != NULL && !socket->recv.ended && recv_try(socket)) {
        end_recv(socket);
    }
    if (socket->send.op != NULL && !socket->send.ended && send_try(socket)) {
        end_send(socket);
    }
}
