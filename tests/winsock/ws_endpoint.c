#include "ws_world.h"

#include <stdlib.h>
#include <string.h>

/* ---- values ---------------------------------------------------------------------------------- */

static size_t index_of(SOCKET socket)
{
    return (size_t)(socket - FIRST_HANDLE) / 4; /* as on Windows, every fourth value */
}

static SOCKET value_of(size_t index)
{
    return FIRST_HANDLE + 4 * (SOCKET)index;
}

static bool is_open(SOCKET socket)
{
    return socket >= FIRST_HANDLE && socket % 4 == 0 && index_of(socket) < ws_world.handle_count &&
           ws_world.handles[index_of(socket)] != NULL;
}

bool winsock_is_open(int socket)
{
    return is_open(socket);
}

struct endpoint *ws_endpoint_find(SOCKET socket)
{
    bool open = is_open(socket);
    (void)ws_world_require(open, "a call names a socket that is not open");
    return open ? ws_world.handles[index_of(socket)] : NULL;
}

static void handles_grow(void)
{
    size_t room = ws_world.handle_room == 0 ? 16 : 2 * ws_world.handle_room;
    struct endpoint **handles = ws_world_allocate(room * sizeof(struct endpoint *));
    if (ws_world.handle_count > 0) {
        memcpy(handles, ws_world.handles, ws_world.handle_count * sizeof(struct endpoint *));
    }
    free(ws_world.handles);
    ws_world.handles = handles;
    ws_world.handle_room = room;
}

/* The value that was closed last is used first, so that a use after the close shows. */
static size_t free_index(void)
{
    if (ws_world.last_closed != INVALID_SOCKET && !is_open(ws_world.last_closed)) {
        ws_world_count(WINSOCK_REUSED);
        return index_of(ws_world.last_closed);
    }
    size_t index = 0;
    while (index < ws_world.handle_count && ws_world.handles[index] != NULL) {
        index++;
    }
    return index;
}

static SOCKET name_endpoint(struct endpoint *endpoint)
{
    size_t index = free_index();
    if (index == ws_world.handle_room) {
        handles_grow();
    }
    ws_world.handle_count = index < ws_world.handle_count ? ws_world.handle_count : index + 1;
    ws_world.handles[index] = endpoint;
    ws_world.handles_open++;
    endpoint->handles++;
    return value_of(index);
}

SOCKET ws_endpoint_open(int family, struct endpoint **endpoint)
{
    *endpoint = ws_world_allocate(sizeof(**endpoint));
    (*endpoint)->all = ws_world.endpoints;
    (*endpoint)->family = family;
    (*endpoint)->blocking = true;
    (*endpoint)->v6only = true;
    ws_world.endpoints = *endpoint;
    return name_endpoint(*endpoint);
}

/* ---- the life of an endpoint ----------------------------------------------------------------- */

void ws_endpoint_connected(struct endpoint *endpoint, struct connection *conn, int side)
{
    endpoint->state = ENDPOINT_CONNECTED;
    endpoint->conn = conn;
    endpoint->side = side;
    endpoint->remote = conn->remote[side];
    endpoint->connected_ns = ws_world.now_ns;
    conn->side[side].endpoint = endpoint;
    if (side == 1) {
        endpoint->local = conn->remote[0];
        ws_world_count(WINSOCK_CONNECTIONS);
    }
}

void ws_endpoint_pump(struct endpoint *endpoint)
{
    ws_world_changed();
    if (endpoint->handles == 0) {
        return;
    }
    if (endpoint->state == ENDPOINT_LISTENING) {
        ws_listen_pump(endpoint);
    } else if (endpoint->state == ENDPOINT_CONNECTED) {
        ws_listen_accept_pump(endpoint);
        ws_stream_pump_recv(endpoint);
        ws_stream_pump_send(endpoint);
    }
}

static void pump_event(void *subject, size_t detail)
{
    (void)detail;
    ws_endpoint_pump(subject);
}

void ws_endpoint_pump_later(struct endpoint *endpoint, uint64_t delay_ns)
{
    ws_world_post(ws_world.now_ns + delay_ns, pump_event, endpoint, 0);
}

bool ws_endpoint_context_missing(const struct endpoint *endpoint)
{
    if (!endpoint->without_context || ws_world.config.wine) {
        return false;
    }
    ws_world_count(WINSOCK_CONTEXT_MISSING);
    return true;
}

/* RFC 2525, 2.17: a close with bytes unread sends a reset. So does Windows if a receive is
 * outstanding. Wine ends the connection in both cases. */
static void close_connected(struct endpoint *endpoint)
{
    bool unread = endpoint->operations[OP_RECV].first != NULL ||
                  ws_net_readable(endpoint->conn, endpoint->side) > 0;
    ws_net_close(endpoint->conn, endpoint->side,
                 endpoint->abortive || (unread && !ws_world.config.wine));
}

static void endpoint_close(struct endpoint *endpoint)
{
    bool listening = endpoint->state == ENDPOINT_LISTENING;
    NTSTATUS status = ws_world.config.wine && !listening ? STATUS_HANDLES_CLOSED : STATUS_CANCELLED;
    if (endpoint->accepting != NULL) {
        ws_operation_cancel(endpoint->accepting, STATUS_CANCELLED);
    }
    if (endpoint->state == ENDPOINT_CONNECTED) {
        close_connected(endpoint);
    } else if (endpoint->state == ENDPOINT_CONNECTING) {
        ws_connect_give_up(endpoint);
    } else if (endpoint->state == ENDPOINT_LISTENING) {
        ws_listen_close(endpoint);
    }
    ws_operation_cancel_all(endpoint, status);
    ws_world_changed();
}

int closesocket(SOCKET socket)
{
    int error = ws_call_begin(CALL_CLOSESOCKET);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    if (endpoint == NULL) {
        return ws_call_answer(WSAENOTSOCK);
    }
    ws_world.handles[index_of(socket)] = NULL;
    ws_world.handles_open--;
    ws_world.last_closed = socket;
    if (--endpoint->handles == 0) {
        endpoint_close(endpoint);
    }
    return ws_call_answer(error); /* the socket is closed even after an error */
}

/* ---- WSASocketW, WSADuplicateSocketW --------------------------------------------------------- */

int WSADuplicateSocketW(SOCKET socket, DWORD process, LPWSAPROTOCOL_INFOW info)
{
    (void)process;
    int error = ws_call_begin(CALL_DUPLICATE);
    const struct endpoint *endpoint = ws_endpoint_find(socket);
    if (error == 0 && endpoint == NULL) {
        error = WSAENOTSOCK;
    }
    if (error == 0) {
        *info = (WSAPROTOCOL_INFOW){.dwServiceFlags1 = ws_world.config.no_ifs ? 0 : XP1_IFS_HANDLES,
                                    .iAddressFamily = endpoint->family,
                                    .iSocketType = SOCK_STREAM,
                                    .iProtocol = IPPROTO_TCP,
                                    .simulated = socket};
    }
    return ws_call_answer(error);
}

static int open_socket(int family, int type, const WSAPROTOCOL_INFOW *info, SOCKET *socket)
{
    struct endpoint *endpoint;
    if (family == FROM_PROTOCOL_INFO) {
        endpoint = ws_endpoint_find(info->simulated);
        if (endpoint == NULL) {
            return WSAEINVAL;
        }
        *socket = name_endpoint(endpoint);
        return 0;
    }
    if (family != AF_INET && family != AF_INET6) {
        return WSAEAFNOSUPPORT;
    }
    if (type != SOCK_STREAM) {
        return WSAESOCKTNOSUPPORT;
    }
    *socket = ws_endpoint_open(family, &endpoint);
    return 0;
}

SOCKET WSASocketW(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP group,
                  DWORD flags)
{
    (void)protocol;
    (void)group;
    SOCKET socket = INVALID_SOCKET;
    int error = ws_call_begin(CALL_WSASOCKET);
    (void)ws_world_require((flags & WSA_FLAG_OVERLAPPED) != 0,
                           "a socket without WSA_FLAG_OVERLAPPED");
    if (error == 0) {
        error = open_socket(family, type, info, &socket);
    }
    if (error == 0 && info == NULL) {
        ws_endpoint_find(socket)->inherited = (flags & WSA_FLAG_NO_HANDLE_INHERIT) == 0;
    }
    ws_call_end(error);
    return socket;
}

/* ---- inheritance ----------------------------------------------------------------------------- */

BOOL SetHandleInformation(HANDLE handle, DWORD mask, DWORD flags)
{
    int error = ws_call_begin(CALL_OTHER);
    struct endpoint *endpoint = ws_endpoint_find((SOCKET)(uintptr_t)handle);
    if (error == 0 && endpoint == NULL) {
        error = ERROR_INVALID_HANDLE;
    }
    if (error == 0 && (mask & HANDLE_FLAG_INHERIT) != 0) {
        endpoint->inherited = (flags & HANDLE_FLAG_INHERIT) != 0;
    }
    return ws_call_success(error);
}

bool winsock_is_inherited(int socket)
{
    return is_open(socket) && ws_world.handles[index_of(socket)]->inherited;
}
