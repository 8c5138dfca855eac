#include "ws_world.h"

#include <string.h>

#define ADDRESS_MIN (sizeof(struct sockaddr_in) + 16)

/* ---- the queue of connections that wait to be accepted --------------------------------------- */

static void queue_add(struct endpoint *listener, struct connection *conn)
{
    conn->next = NULL;
    if (listener->queue_first == NULL) {
        listener->queue_first = conn;
    } else {
        listener->queue_last->next = conn;
    }
    listener->queue_last = conn;
    listener->queued++;
}

static struct connection *queue_take(struct endpoint *listener)
{
    struct connection *conn = listener->queue_first;
    listener->queue_first = conn->next;
    listener->queued--;
    return conn;
}

static bool is_any(const struct address *address)
{
    static const uint8_t any[16] = {0};
    static const uint8_t mapped_any[16] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address->host, any, 16) == 0 || memcmp(address->host, mapped_any, 16) == 0;
}

static bool is_mapped(const struct address *address)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address->host, prefix, sizeof(prefix)) == 0;
}

static bool listens_at(const struct endpoint *endpoint, const struct address *address)
{
    if (endpoint == NULL || endpoint->state != ENDPOINT_LISTENING ||
        endpoint->local.port != address->port) {
        return false;
    }
    if (!is_any(&endpoint->local)) {
        return memcmp(endpoint->local.host, address->host, 16) == 0;
    }
    return is_mapped(address) ? endpoint->family == AF_INET || !endpoint->v6only
                              : endpoint->family == AF_INET6;
}

/* The first AcceptEx that has no connection yet. */
static struct operation *idle_accept(const struct endpoint *listener)
{
    struct operation *op = listener->operations[OP_ACCEPT].first;
    while (op != NULL && op->conn != NULL) {
        op = op->next;
    }
    return op;
}

NTSTATUS ws_listen_arrive(struct connection *conn, const struct address *address)
{
    struct endpoint *listener = NULL;
    for (size_t i = 0; i < ws_world.handle_count && listener == NULL; i++) {
        if (listens_at(ws_world.handles[i], address)) {
            listener = ws_world.handles[i];
        }
    }
    if (listener == NULL ||
        (listener->queued >= listener->backlog && idle_accept(listener) == NULL)) {
        return STATUS_CONNECTION_REFUSED;
    }
    queue_add(listener, conn);
    ws_endpoint_pump(listener);
    return STATUS_SUCCESS;
}

void ws_listen_close(struct endpoint *listener)
{
    while (listener->queue_first != NULL) {
        ws_net_close(queue_take(listener), 1, true);
    }
    for (struct operation *op = listener->operations[OP_ACCEPT].first; op != NULL; op = op->next) {
        if (op->conn != NULL) {
            ws_net_reset(op->conn, 1);
        }
    }
}

/* ---- AcceptEx -------------------------------------------------------------------------------- */

static void accept_end(struct operation *op, NTSTATUS status)
{
    op->accepting->accepting = NULL;
    ws_operation_end(op, status);
}

/* The peer has reset the connection while it was in the queue. Windows does not document how that
 * shows; Wine ends the accept. False: the accept goes on to the next connection. */
static bool accept_reset(struct operation *op, struct connection *conn)
{
    static const NTSTATUS endings[] = {STATUS_CONNECTION_RESET, STATUS_NETWORK_NAME_DELETED,
                                       STATUS_REMOTE_DISCONNECT};
    ws_world_count(WINSOCK_ACCEPT_RESET);
    ws_net_close(conn, 1, true);
    if (ws_world.config.wine) {
        accept_end(op, STATUS_INVALID_CONNECTION);
    } else if (ws_world_below(2) == 0) {
        accept_end(op, endings[ws_world_below(3)]);
    } else {
        return false;
    }
    return true;
}

static void accept_connection(struct operation *op, struct connection *conn)
{
    ws_endpoint_connected(op->accepting, conn, 1);
    op->accepting->without_context = true;
    op->conn = conn;
    if (op->one.len == 0) {
        accept_end(op, STATUS_SUCCESS);
    } else {
        ws_listen_accept_pump(op->accepting);
    }
}

/* After a shortage of resources the connection stays in the queue. */
static bool is_shortage(NTSTATUS status)
{
    return status == STATUS_INSUFFICIENT_RESOURCES || status == STATUS_TOO_MANY_OPENED_FILES;
}

void ws_listen_pump(struct endpoint *listener)
{
    struct operation *op;
    while (listener->queue_first != NULL && (op = idle_accept(listener)) != NULL) {
        bool reset = listener->queue_first->side[1].reset;
        NTSTATUS status = ws_call_ends(OP_ACCEPT);
        if (is_shortage(status)) {
            accept_end(op, status);
            continue;
        }
        struct connection *conn = queue_take(listener);
        if (status != STATUS_SUCCESS) {
            ws_net_close(conn, 1, true);
            accept_end(op, status);
        } else if (!reset || (!ws_world.config.wine && ws_world_below(3) == 0)) {
            accept_connection(op, conn);
        } else {
            (void)accept_reset(op, conn);
        }
    }
}

void ws_listen_accept_pump(struct endpoint *accepted)
{
    struct operation *op = accepted->accepting;
    if (op == NULL || op->conn == NULL) {
        return;
    }
    size_t readable = ws_net_readable(op->conn, 1);
    if (op->conn->side[1].reset) {
        ws_world_count(WINSOCK_ACCEPT_RESET);
        accept_end(op, STATUS_CONNECTION_RESET);
    } else if (readable > 0) {
        ws_stream_receive(op, readable < op->one.len ? readable : op->one.len);
        accept_end(op, STATUS_SUCCESS);
    } else if (ws_net_at_end(op->conn, 1)) {
        accept_end(op, STATUS_SUCCESS);
    }
}

static int accept_check(const struct endpoint *listener, const struct endpoint *accepting,
                        DWORD local_length, DWORD remote_length)
{
    if (listener == NULL || accepting == NULL) {
        return WSAENOTSOCK;
    }
    if (listener->state != ENDPOINT_LISTENING || accepting->state != ENDPOINT_FRESH ||
        accepting->bound || accepting->accepting != NULL) {
        return WSAEINVAL;
    }
    return local_length < ADDRESS_MIN || remote_length < ADDRESS_MIN ? WSAEINVAL : 0;
}

BOOL PASCAL ws_accept_ex(SOCKET listener, SOCKET accepting, void *output, DWORD receive_length,
                         DWORD local_length, DWORD remote_length, LPDWORD received,
                         LPOVERLAPPED overlapped)
{
    int error = ws_call_begin(CALL_ACCEPTEX);
    struct endpoint *from = ws_endpoint_find(listener);
    struct endpoint *to = ws_endpoint_find(accepting);
    *received = 0;
    if (error == 0) {
        error = accept_check(from, to, local_length, remote_length);
        (void)ws_world_require(error == 0, "AcceptEx with wrong sockets or lengths");
    }
    if (error != 0) {
        return ws_call_success(error);
    }
    struct operation *op = ws_operation_begin(OP_ACCEPT, from, overlapped);
    op->one = (WSABUF){.len = receive_length, .buf = output};
    op->buffer_count = 1;
    op->wanted = local_length + remote_length;
    op->accepting = to;
    to->accepting = op;
    ws_stream_poison(op);
    ws_endpoint_pump_later(from, 0);
    return ws_call_success(WSA_IO_PENDING);
}

/* ---- listen, accept -------------------------------------------------------------------------- */

int winsock_listen(SOCKET socket, int backlog)
{
    int error = ws_call_begin(CALL_LISTEN);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    if (error == 0 && endpoint == NULL) {
        error = WSAENOTSOCK;
    } else if (error == 0 && (!endpoint->bound || endpoint->state == ENDPOINT_CONNECTED)) {
        error = endpoint->bound ? WSAEISCONN : WSAEINVAL;
    } else if (error == 0) {
        endpoint->state = ENDPOINT_LISTENING;
        endpoint->backlog = backlog < 1 ? 1 : (size_t)backlog;
    }
    return ws_call_answer(error);
}

/* Waits for a connection, if the listener blocks. */
static int accept_wait(struct endpoint *listener)
{
    const uint64_t cancels = listener->cancels;
    while (listener->queue_first == NULL) {
        if (!listener->blocking) {
            return WSAEWOULDBLOCK;
        }
        if (!ws_world_pause() && !ws_world.config.threads) {
            (void)ws_world_require(ws_world_wait(UINT64_MAX),
                                   "an accept waits for what will never come");
        }
        if (listener->handles == 0) {
            return WSAEINTR;
        }
        if (listener->cancels != cancels) {
            return WSA_OPERATION_ABORTED;
        }
    }
    return 0;
}

static int accept_next(struct endpoint *listener, SOCKET *socket)
{
    struct endpoint *accepted;
    if (listener == NULL || listener->state != ENDPOINT_LISTENING) {
        return listener == NULL ? WSAENOTSOCK : WSAEINVAL;
    }
    listener->acceptors++;
    int error = accept_wait(listener);
    listener->acceptors--;
    if (error != 0) {
        return error;
    }
    struct connection *conn = queue_take(listener);
    if (conn->side[1].reset && !ws_world.config.wine) {
        ws_world_count(WINSOCK_ACCEPT_RESET);
        ws_net_close(conn, 1, true);
        return WSAECONNRESET;
    }
    *socket = ws_endpoint_open(listener->family, &accepted);
    accepted->blocking = listener->blocking;
    accepted->inherited = true;
    ws_endpoint_connected(accepted, conn, 1);
    return 0;
}

SOCKET WSAAccept(SOCKET listener, struct sockaddr *address, int *length, LPCONDITIONPROC condition,
                 DWORD_PTR context)
{
    (void)condition;
    (void)context;
    SOCKET socket = INVALID_SOCKET;
    int error = ws_call_begin(CALL_WSAACCEPT);
    if (error == 0) {
        error = accept_next(ws_endpoint_find(listener), &socket);
    }
    if (error == 0 && address != NULL) {
        const struct endpoint *accepted = ws_endpoint_find(socket);
        error = ws_address_out(&accepted->remote, accepted->family, address, length);
    }
    ws_call_end(error);
    return socket;
}

SOCKET winsock_accept(SOCKET socket, struct sockaddr *address, int *length)
{
    return WSAAccept(socket, address, length, NULL, 0);
}
