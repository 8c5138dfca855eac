#include "ws_world.h"

#include <stdlib.h>
#include <string.h>

#define POISON 0xdb

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t total(const WSABUF *buffers, DWORD count)
{
    size_t sum = 0;
    for (DWORD i = 0; i < count; i++) {
        sum += buffers[i].len;
    }
    return sum;
}

/* The array may be freed when the call returns, but not the memory it points to. */
static void keep_buffers(struct operation *op, const WSABUF *buffers, DWORD count)
{
    if (count > 1) {
        op->buffers = ws_world_allocate(count * sizeof(WSABUF));
    }
    if (count > 0) {
        memcpy(op->buffers, buffers, count * sizeof(WSABUF));
    }
    op->buffer_count = count;
    op->wanted = total(buffers, count);
}

static int stream_check(const struct endpoint *endpoint)
{
    if (endpoint == NULL) {
        return WSAENOTSOCK;
    }
    if (endpoint->state != ENDPOINT_CONNECTED) {
        return WSAENOTCONN;
    }
    (void)ws_world_require(!endpoint->without_context, "SO_UPDATE_*_CONTEXT was forgotten");
    return 0;
}

static void maybe_break(struct endpoint *endpoint)
{
    if (ws_world_chance(ws_world.config.reset_ppm)) {
        ws_net_break(endpoint->conn);
    }
}

/* An error ends the connection, except a shortage of resources. */
static void after_error(struct endpoint *endpoint, bool fatal)
{
    if (fatal && endpoint != NULL && endpoint->state == ENDPOINT_CONNECTED) {
        ws_net_break(endpoint->conn);
    }
}

/* ---- receiving ------------------------------------------------------------------------------- */

struct reader {
    struct connection *conn;
    int side;
};

static void read_part(void *context, uint8_t *data, size_t length)
{
    const struct reader *reader = context;
    ws_net_read(reader->conn, reader->side, data, length);
}

static size_t some_of(size_t length)
{
    if (length > 1 && ws_world_chance(ws_world.config.short_recv_ppm)) {
        ws_world_count(WINSOCK_SHORT_RECV);
        return 1 + (size_t)ws_world_below(length - 1);
    }
    return length;
}

/* Receives without waiting: 0, WSAEWOULDBLOCK or the error. */
static int receive(struct endpoint *endpoint, const WSABUF *buffers, DWORD count, size_t *bytes)
{
    struct side *side = &endpoint->conn->side[endpoint->side];
    *bytes = 0;
    if (side->reset) {
        bool known = side->reset_known;
        side->reset_known = true;
        return known && ws_world.config.wine ? 0 : WSAECONNRESET;
    }
    size_t readable = ws_net_readable(endpoint->conn, endpoint->side);
    if (readable > 0) {
        struct reader reader = {endpoint->conn, endpoint->side};
        *bytes = some_of(at_most(readable, total(buffers, count)));
        ws_buffers_each(buffers, count, 0, *bytes, read_part, &reader);
        return 0;
    }
    return ws_net_at_end(endpoint->conn, endpoint->side) ? 0 : WSAEWOULDBLOCK;
}

static int receive_now(struct endpoint *endpoint, const WSABUF *buffers, DWORD count,
                       LPDWORD received)
{
    size_t bytes;
    int error;
    while ((error = receive(endpoint, buffers, count, &bytes)) == WSAEWOULDBLOCK &&
           endpoint->blocking) {
        (void)ws_world_require(ws_world_wait(UINT64_MAX),
                               "a receive waits for what will never come");
    }
    *received = (DWORD)bytes;
    return error;
}

static void poison_part(void *context, uint8_t *data, size_t length)
{
    (void)context;
    memset(data, POISON, length);
}

void ws_stream_poison(const struct operation *op)
{
    ws_buffers_each(op->buffers, op->buffer_count, 0, total(op->buffers, op->buffer_count),
                    poison_part, NULL);
}

void ws_stream_receive(struct operation *op, size_t length)
{
    struct connection *conn = op->conn != NULL ? op->conn : op->endpoint->conn;
    op->staged = ws_world_allocate(length);
    op->moved = length;
    ws_net_read(conn, op->conn != NULL ? 1 : op->endpoint->side, op->staged, length);
}

static void receive_later(struct endpoint *endpoint, const WSABUF *buffers, DWORD count,
                          OVERLAPPED *overlapped)
{
    struct operation *op = ws_operation_begin(OP_RECV, endpoint, overlapped);
    keep_buffers(op, buffers, count);
    ws_stream_poison(op);
    if (op->wanted == 0 && ws_world_chance(ws_world.config.spurious_ppm)) {
        ws_world_count(WINSOCK_SPURIOUS);
        ws_operation_end(op, STATUS_SUCCESS);
    } else {
        ws_endpoint_pump_later(endpoint, ws_world_below(ws_world.config.delay_ns + 1));
    }
}

static int receive_overlapped(struct endpoint *endpoint, const WSABUF *buffers, DWORD count,
                              LPDWORD received, OVERLAPPED *overlapped)
{
    size_t bytes;
    int error = WSAEWOULDBLOCK;
    if (endpoint->operations[OP_RECV].first == NULL &&
        ws_world_chance(ws_world.config.inline_ppm)) {
        error = receive(endpoint, buffers, count, &bytes);
    }
    if (error == WSAEWOULDBLOCK) {
        receive_later(endpoint, buffers, count, overlapped);
        return WSA_IO_PENDING;
    }
    if (error == 0) {
        ws_operation_inline(OP_RECV, endpoint, overlapped, bytes);
        if (received != NULL) {
            *received = (DWORD)bytes;
        }
    }
    return error;
}

static bool receive_is_over(const struct endpoint *endpoint)
{
    const struct connection *conn = endpoint->conn;
    return conn->side[endpoint->side].reset || ws_net_readable(conn, endpoint->side) > 0 ||
           ws_net_at_end(conn, endpoint->side);
}

static void receive_end(struct endpoint *endpoint, struct operation *op)
{
    NTSTATUS status = STATUS_CONNECTION_RESET;
    if (!endpoint->conn->side[endpoint->side].reset) {
        status = ws_call_ends(OP_RECV);
        after_error(endpoint, status != 0 && status != STATUS_INSUFFICIENT_RESOURCES);
    } else {
        endpoint->conn->side[endpoint->side].reset_known = true;
    }
    size_t readable = at_most(ws_net_readable(endpoint->conn, endpoint->side), op->wanted);
    if (status == STATUS_SUCCESS && readable > 0) {
        ws_stream_receive(op, some_of(readable));
    }
    ws_operation_end(op, status);
}

void ws_stream_pump_recv(struct endpoint *endpoint)
{
    struct operation *op;
    while ((op = endpoint->operations[OP_RECV].first) != NULL && receive_is_over(endpoint)) {
        receive_end(endpoint, op);
    }
}

int WSARecv(SOCKET socket, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
            LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    (void)routine;
    int error = ws_call_begin(CALL_WSARECV);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    *flags = 0;
    if (error != 0) {
        after_error(endpoint, error != WSAENOBUFS);
    } else if ((error = stream_check(endpoint)) == 0) {
        maybe_break(endpoint);
        error = overlapped == NULL
                    ? receive_now(endpoint, buffers, count, received)
                    : receive_overlapped(endpoint, buffers, count, received, overlapped);
    }
    return ws_call_answer(error);
}

int winsock_recv(SOCKET socket, char *data, int size, int flags)
{
    WSABUF buffer = {.len = (ULONG)size, .buf = data};
    DWORD received = 0;
    int error = ws_call_begin(CALL_OTHER);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    (void)flags;
    error = error != 0 ? error : stream_check(endpoint);
    if (error == 0) {
        error = receive_now(endpoint, &buffer, 1, &received);
    }
    ws_call_end(error);
    return error == 0 ? (int)received : SOCKET_ERROR;
}

/* ---- sending --------------------------------------------------------------------------------- */

static void write_part(void *context, uint8_t *data, size_t length)
{
    const struct endpoint *endpoint = context;
    ws_net_write(endpoint->conn, endpoint->side, data, length);
}

static void hash_part(void *context, uint8_t *data, size_t length)
{
    uint64_t *hash = context;
    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = 0;
        memcpy(&word, data + i, at_most(8, length - i));
        *hash = (*hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        *hash ^= *hash >> 32;
    }
}

uint64_t ws_stream_hash(const WSABUF *buffers, DWORD count, size_t length)
{
    uint64_t hash = length;
    ws_buffers_each(buffers, count, 0, length, hash_part, &hash);
    return hash;
}

static int send_check(const struct endpoint *endpoint, const WSABUF *buffers, DWORD count)
{
    int error = stream_check(endpoint);
    if (error != 0) {
        return error == WSAENOTCONN && ws_world.config.wine ? WSAECONNRESET : error;
    }
    if (endpoint->shut) {
        return WSAESHUTDOWN;
    }
    bool fits = ws_world_require(count <= WSABUFS_MAX, "more than 1024 buffers") &&
                ws_world_require(total(buffers, count) <= TRANSFER_MAX, "more than 1 GiB");
    if (!fits && ws_world.config.wine) {
        return WSAEMSGSIZE;
    }
    return endpoint->conn->side[endpoint->side].reset ? WSAECONNRESET : 0;
}

static void send_end(struct operation *op, NTSTATUS status)
{
    op->hash = ws_stream_hash(op->buffers, op->buffer_count, op->moved);
    ws_operation_end(op, status);
}

size_t ws_stream_move(struct operation *op, size_t most)
{
    struct endpoint *endpoint = op->endpoint;
    size_t length =
        at_most(at_most(ws_net_room(endpoint->conn, endpoint->side), most), op->wanted - op->moved);
    ws_buffers_each(op->buffers, op->buffer_count, op->moved, length, write_part, endpoint);
    op->moved += length;
    op->hash = ws_stream_hash(op->buffers, op->buffer_count, op->moved);
    return length;
}

/* Whether bytes are on their way that still lie in the sender's memory. */
static bool is_under_way(const struct endpoint *endpoint)
{
    return ws_world.config.unbuffered && endpoint->conn->pipe[endpoint->side].flying > 0;
}

/* False: it goes on. */
static bool send_go_on(struct endpoint *endpoint, struct operation *op)
{
    if (endpoint->conn->side[endpoint->side].reset) {
        send_end(op, STATUS_CONNECTION_RESET);
        return true;
    }
    (void)ws_stream_move(op, op->wanted);
    bool all = op->moved == op->wanted;
    if (!all && op->moved > 0 && ws_world_chance(ws_world.config.short_send_ppm)) {
        ws_world_count(WINSOCK_SHORT_SEND);
        all = true;
    }
    all = all && !is_under_way(endpoint);
    if (all) {
        NTSTATUS status = ws_call_ends(OP_SEND);
        after_error(endpoint, status != 0 && status != STATUS_INSUFFICIENT_RESOURCES);
        send_end(op, status);
    }
    return all;
}

void ws_stream_pump_send(struct endpoint *endpoint)
{
    struct operation *op;
    while ((op = endpoint->operations[OP_SEND].first) != NULL && send_go_on(endpoint, op)) {
    }
}

static int send_now(struct endpoint *endpoint, const WSABUF *buffers, DWORD count, LPDWORD sent)
{
    size_t wanted = total(buffers, count);
    size_t moved = 0;
    while (moved < wanted) {
        size_t length = at_most(ws_net_room(endpoint->conn, endpoint->side), wanted - moved);
        ws_buffers_each(buffers, count, moved, length, write_part, endpoint);
        moved += length;
        if (moved == wanted || (moved > 0 && !endpoint->blocking)) {
            break;
        }
        if (endpoint->conn->side[endpoint->side].reset) {
            return WSAECONNRESET;
        }
        if (!endpoint->blocking) {
            return WSAEWOULDBLOCK;
        }
        (void)ws_world_require(ws_world_wait(UINT64_MAX), "a send waits for what will never come");
    }
    *sent = (DWORD)moved;
    return 0;
}

static int send_overlapped(struct endpoint *endpoint, const WSABUF *buffers, DWORD count,
                           LPDWORD sent, OVERLAPPED *overlapped)
{
    size_t wanted = total(buffers, count);
    if (endpoint->operations[OP_SEND].first == NULL && !ws_world.config.unbuffered &&
        ws_net_room(endpoint->conn, endpoint->side) >= wanted &&
        ws_world_chance(ws_world.config.inline_ppm)) {
        ws_buffers_each(buffers, count, 0, wanted, write_part, endpoint);
        ws_operation_inline(OP_SEND, endpoint, overlapped, wanted);
        if (sent != NULL) {
            *sent = (DWORD)wanted;
        }
        return 0;
    }
    keep_buffers(ws_operation_begin(OP_SEND, endpoint, overlapped), buffers, count);
    ws_endpoint_pump_later(endpoint, ws_world_below(ws_world.config.delay_ns + 1));
    return WSA_IO_PENDING;
}

int WSASend(SOCKET socket, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
            LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    (void)flags;
    (void)routine;
    int error = ws_call_begin(CALL_WSASEND);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    if (error != 0) {
        after_error(endpoint, error != WSAENOBUFS);
    } else if ((error = send_check(endpoint, buffers, count)) == 0) {
        maybe_break(endpoint);
        error = overlapped == NULL ? send_now(endpoint, buffers, count, sent)
                                   : send_overlapped(endpoint, buffers, count, sent, overlapped);
    }
    return ws_call_answer(error);
}

int winsock_send(SOCKET socket, const char *data, int length, int flags)
{
    WSABUF buffer = {.len = (ULONG)length};
    DWORD sent = 0;
    (void)flags;
    memcpy(&buffer.buf, &data, sizeof(data)); /* Winsock's buffers are never const */
    int error = ws_call_begin(CALL_OTHER);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    error = error != 0 ? error : send_check(endpoint, &buffer, 1);
    if (error == 0) {
        error = send_now(endpoint, &buffer, 1, &sent);
    }
    ws_call_end(error);
    return error == 0 ? (int)sent : SOCKET_ERROR;
}

/* ---- shutdown -------------------------------------------------------------------------------- */

int winsock_shutdown(SOCKET socket, int how)
{
    int error = ws_call_begin(CALL_SHUTDOWN);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    error = error != 0 ? error : stream_check(endpoint);
    if (error == 0 &&
        (ws_endpoint_context_missing(endpoint) || endpoint->conn->side[endpoint->side].reset)) {
        error = WSAENOTCONN;
    }
    if (error == 0 && how != SD_RECEIVE) {
        endpoint->shut = true;
        ws_net_shutdown(endpoint->conn, endpoint->side);
    }
    return ws_call_answer(error);
}
