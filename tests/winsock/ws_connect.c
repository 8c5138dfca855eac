#include "ws_world.h"

#include <string.h>

#define REFUSED_NS (2000 * MILLISECOND) /* four SYNs, half a second apart, each is refused */
#define HANG_NS (21000 * MILLISECOND)   /* three SYNs, 3, 6 and 12 seconds apart */

/* ---- bind ------------------------------------------------------------------------------------ */

static bool overlap(const struct endpoint *a, const struct endpoint *b)
{
    return a->family == b->family || (a->family == AF_INET6 && !a->v6only) ||
           (b->family == AF_INET6 && !b->v6only);
}

static bool is_taken(const struct endpoint *endpoint, uint16_t port)
{
    for (size_t i = 0; i < ws_world.handle_count; i++) {
        const struct endpoint *other = ws_world.handles[i];
        if (other != NULL && other != endpoint && other->bound && other->local.port == port &&
            overlap(endpoint, other)) {
            return true;
        }
    }
    return false;
}

static uint16_t free_port(const struct endpoint *endpoint)
{
    do {
        ws_world.next_port = ws_world.next_port == UINT16_MAX ? 49152 : ws_world.next_port + 1;
    } while (is_taken(endpoint, ws_world.next_port));
    return ws_world.next_port;
}

static int bind_to(struct endpoint *endpoint, const struct sockaddr *address, int length)
{
    struct address local;
    if (endpoint == NULL || endpoint->bound) {
        return endpoint == NULL ? WSAENOTSOCK : WSAEINVAL;
    }
    int error = ws_address_in(&local, address, length);
    if (error != 0) {
        return error;
    }
    if (address->sa_family != endpoint->family) {
        return WSAEFAULT;
    }
    if (local.port != 0 && is_taken(endpoint, local.port)) {
        return WSAEADDRINUSE;
    }
    local.port = local.port != 0 ? local.port : free_port(endpoint);
    endpoint->local = local;
    endpoint->bound = true;
    return 0;
}

int winsock_bind(SOCKET socket, const struct sockaddr *address, int length)
{
    int error = ws_call_begin(CALL_BIND);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    return ws_call_answer(error != 0 ? error : bind_to(endpoint, address, length));
}

/* ---- the handshake --------------------------------------------------------------------------- */

static int connect_error(NTSTATUS status)
{
    return status == STATUS_SUCCESS              ? 0
           : status == STATUS_CONNECTION_REFUSED ? WSAECONNREFUSED
                                                 : WSAETIMEDOUT;
}

void ws_connect_give_up(struct endpoint *endpoint)
{
    struct connection *conn = endpoint->conn;
    endpoint->state = ENDPOINT_FRESH;
    endpoint->conn = NULL;
    ws_net_close(conn, 0, true);
}

/* `detail`: the NTSTATUS. */
static void connect_answered(void *subject, size_t detail)
{
    struct connection *conn = subject;
    struct endpoint *endpoint = conn->side[0].endpoint;
    NTSTATUS status = (NTSTATUS)(uint32_t)detail;
    if (endpoint == NULL) {
        return; /* it was given up */
    }
    struct operation *op = endpoint->operations[OP_CONNECT].first;
    if (op != NULL && status == STATUS_SUCCESS) {
        status = ws_call_ends(OP_CONNECT);
    }
    if (status == STATUS_SUCCESS) {
        ws_endpoint_connected(endpoint, conn, 0);
        endpoint->without_context = op != NULL;
    } else {
        ws_connect_give_up(endpoint);
    }
    endpoint->connect_error = connect_error(status);
    if (op != NULL) {
        ws_operation_end(op, status);
    }
    ws_world_changed();
}

/* Windows repeats the SYN before it reports a refusal. */
static uint64_t repetitions_ns(const struct connection *conn, NTSTATUS status)
{
    const struct endpoint *endpoint = conn->side[0].endpoint;
    bool repeats = status == STATUS_CONNECTION_REFUSED && endpoint != NULL && !endpoint->syn_once &&
                   !ws_world.config.wine;
    return repeats ? REFUSED_NS : 0;
}

static void syn_arrives(void *subject, size_t detail)
{
    struct connection *conn = subject;
    (void)detail;
    if (!conn->cut) {
        NTSTATUS status = ws_listen_arrive(conn, &conn->remote[0]);
        ws_world_post(ws_world.now_ns + ws_world_latency() + repetitions_ns(conn, status),
                      connect_answered, conn, (size_t)(uint32_t)status);
    }
}

static void connect_start(struct endpoint *endpoint, const struct address *address)
{
    struct connection *conn = ws_net_connection();
    conn->remote[0] = *address;
    conn->remote[1] = endpoint->local;
    conn->side[0].endpoint = endpoint;
    endpoint->conn = conn;
    endpoint->state = ENDPOINT_CONNECTING;
    if (ws_world_chance(ws_world.config.hang_ppm)) {
        ws_world_count(WINSOCK_HANGS);
        ws_world_post(ws_world.now_ns + HANG_NS, connect_answered, conn,
                      (size_t)(uint32_t)STATUS_IO_TIMEOUT);
    } else {
        ws_world_post(ws_world.now_ns + ws_world_latency(), syn_arrives, conn, 0);
    }
}

static int connect_check(const struct endpoint *endpoint, struct address *address,
                         const struct sockaddr *from, int length)
{
    if (endpoint == NULL) {
        return WSAENOTSOCK;
    }
    if (endpoint->state != ENDPOINT_FRESH) {
        return endpoint->state == ENDPOINT_CONNECTED ? WSAEISCONN : WSAEINVAL;
    }
    int error = ws_address_in(address, from, length);
    return error == 0 && address->port == 0 ? WSAEADDRNOTAVAIL : error;
}

BOOL PASCAL ws_connect_ex(SOCKET socket, const struct sockaddr *address, int length, void *data,
                          DWORD data_length, LPDWORD sent, LPOVERLAPPED overlapped)
{
    struct address to;
    (void)sent;
    int error = ws_call_begin(CALL_CONNECTEX);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    (void)ws_world_require(data == NULL && data_length == 0,
                           "ConnectEx with data is not simulated");
    if (error == 0) {
        error = connect_check(endpoint, &to, address, length);
    }
    if (error == 0 &&
        !ws_world_require(endpoint->bound, "ConnectEx on a socket that is not bound")) {
        error = WSAEINVAL;
    }
    if (error == 0) {
        (void)ws_operation_begin(OP_CONNECT, endpoint, overlapped);
        connect_start(endpoint, &to);
        error = WSA_IO_PENDING;
    }
    return ws_call_success(error);
}

/* ---- connect --------------------------------------------------------------------------------- */

static int connect_wait(struct endpoint *endpoint)
{
    while (endpoint->state == ENDPOINT_CONNECTING) {
        (void)ws_world_require(ws_world_wait(UINT64_MAX),
                               "a connect waits for what will never come");
    }
    return endpoint->connect_error;
}

int winsock_connect(SOCKET socket, const struct sockaddr *address, int length)
{
    struct address to;
    int error = ws_call_begin(CALL_OTHER);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    error = error != 0 ? error : connect_check(endpoint, &to, address, length);
    if (error != 0) {
        return ws_call_answer(error);
    }
    if (!endpoint->bound) {
        memcpy(endpoint->local.host, to.host, sizeof(to.host));
        endpoint->local.port = free_port(endpoint);
        endpoint->bound = true;
    }
    connect_start(endpoint, &to);
    return ws_call_answer(endpoint->blocking ? connect_wait(endpoint) : WSAEWOULDBLOCK);
}
