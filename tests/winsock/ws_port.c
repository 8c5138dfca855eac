#include "ws_world.h"

#include <stdlib.h>

#define LONELY_WAITS 3

struct port *ws_port_find(HANDLE handle)
{
    struct port *port = ws_world.ports;
    while (port != NULL && port != handle) {
        port = port->next;
    }
    (void)ws_world_require(port != NULL, "a handle that is no open completion port");
    return port;
}

bool ws_port_any_packet(void)
{
    for (const struct port *port = ws_world.ports; port != NULL; port = port->next) {
        if (port->packets.first != NULL) {
            return true;
        }
    }
    return false;
}

static struct port *port_open(void)
{
    struct port *port = ws_world_allocate(sizeof(*port));
    port->deadline_ns = UINT64_MAX;
    port->next = ws_world.ports;
    ws_world.ports = port;
    ws_world.port_count++;
    return port;
}

/* A socket joins one port, once. That holds for the socket, not for a value that names it. */
static int port_associate(struct port *port, HANDLE file, ULONG_PTR key)
{
    struct endpoint *endpoint = ws_endpoint_find((SOCKET)(uintptr_t)file);
    if (port == NULL || endpoint == NULL) {
        return ERROR_INVALID_HANDLE;
    }
    if (endpoint->port != NULL) {
        return ERROR_INVALID_PARAMETER;
    }
    endpoint->port = port;
    endpoint->key = key;
    return 0;
}

HANDLE CreateIoCompletionPort(HANDLE file, HANDLE handle, ULONG_PTR key, DWORD threads)
{
    (void)threads;
    int error = ws_call_begin(CALL_CREATE_PORT);
    if (error == 0 && file == INVALID_HANDLE_VALUE) {
        handle = port_open();
    } else if (error == 0) {
        error = port_associate(ws_port_find(handle), file, key);
    }
    ws_call_end(error);
    return error == 0 ? handle : NULL;
}

BOOL SetFileCompletionNotificationModes(HANDLE file, UCHAR flags)
{
    int error = ws_call_begin(CALL_SKIP);
    struct endpoint *endpoint = ws_endpoint_find((SOCKET)(uintptr_t)file);
    if (error == 0 && endpoint == NULL) {
        error = ERROR_INVALID_HANDLE;
    }
    if (error == 0 && (flags & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) != 0 &&
        !ws_world.config.no_ifs) {
        endpoint->skip = true; /* for good; other providers ignore the request */
    }
    return ws_call_success(error);
}

BOOL PostQueuedCompletionStatus(HANDLE handle, DWORD bytes, ULONG_PTR key, LPOVERLAPPED overlapped)
{
    int error = ws_call_begin(CALL_POST);
    struct port *port = ws_port_find(handle);
    if (error == 0 && port == NULL) {
        error = ERROR_INVALID_HANDLE;
    }
    if (error == 0) {
        ws_operation_posted(port, bytes, key, overlapped);
    }
    return ws_call_success(error);
}

/* Posted packets may be left. They belong to no socket. */
static int port_close(struct port *port)
{
    if (port == NULL) {
        return ERROR_INVALID_HANDLE;
    }
    OVERLAPPED_ENTRY entry;
    while (port->packets.first != NULL && port->packets.first->endpoint == NULL) {
        struct operation *op = port->packets.first;
        port->packets.first = op->next;
        ws_operation_take(op, &entry);
    }
    (void)ws_world_require(port->outstanding == 0,
                           "a completion port was closed with operations outstanding");
    struct port **link = &ws_world.ports;
    while (*link != port) {
        link = &(*link)->next;
    }
    *link = port->next;
    ws_world.port_count--;
    free(port);
    return 0;
}

BOOL CloseHandle(HANDLE handle)
{
    int error = ws_call_begin(CALL_CLOSE_HANDLE);
    if (error == 0) {
        error = port_close(ws_port_find(handle));
    }
    return ws_call_success(error);
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* In a stepped world a wait is over at once. But if one port is waited on again and again, without
 * other waits or steps, the caller means to wait: loop_close() does. */
static bool is_alone(struct port *port)
{
    ws_world.waits_in_a_row = port == ws_world.last_waiting ? ws_world.waits_in_a_row + 1 : 1;
    ws_world.last_waiting = port;
    return ws_world.waits_in_a_row > LONELY_WAITS;
}

static void port_wait(struct port *port, DWORD milliseconds)
{
    uint64_t deadline_ns =
        milliseconds == INFINITE ? UINT64_MAX : ws_world.now_ns + milliseconds * MILLISECOND;
    bool stepped = ws_world.config.waits == WINSOCK_STEPPED;
    ws_world_count(WINSOCK_WAITS);
    ws_world_pass(ws_world.now_ns + ws_world.config.wait_ns);
    port->deadline_ns = deadline_ns;
    if (stepped && !is_alone(port)) {
        return;
    }
    while (port->packets.first == NULL && ws_world.now_ns < deadline_ns) {
        if (!ws_world_wait(deadline_ns)) {
            (void)ws_world_require(stepped, "a wait for what will never come");
            return;
        }
    }
}

static ULONG port_take(struct port *port, LPOVERLAPPED_ENTRY entries, ULONG count)
{
    ULONG taken = 0;
    if (count > 1 && port->packets.first != NULL && ws_world_chance(ws_world.config.small_ppm)) {
        ws_world_count(WINSOCK_SMALL);
        count = 1 + (ULONG)ws_world_below(count < 4 ? count : 4);
    }
    while (taken < count && port->packets.first != NULL) {
        struct operation *op = port->packets.first;
        port->packets.first = op->next;
        ws_operation_take(op, &entries[taken++]);
    }
    return taken;
}

BOOL GetQueuedCompletionStatusEx(HANDLE handle, LPOVERLAPPED_ENTRY entries, ULONG count,
                                 PULONG removed, DWORD milliseconds, BOOL alertable)
{
    (void)alertable;
    int error = ws_call_begin(CALL_WAIT);
    struct port *port = ws_port_find(handle);
    *removed = 0;
    if (error == 0 && (port == NULL || count == 0)) {
        error = port == NULL ? ERROR_INVALID_HANDLE : ERROR_INVALID_PARAMETER;
    }
    if (error == 0 && milliseconds > 0 && ws_world_chance(ws_world.config.early_ppm)) {
        ws_world_count(WINSOCK_EARLY);
        port->deadline_ns = ws_world.now_ns;
        error = WAIT_TIMEOUT;
    }
    if (error == 0) {
        port_wait(port, milliseconds);
        *removed = port_take(port, entries, count);
        error = *removed == 0 ? WAIT_TIMEOUT : 0;
    }
    return ws_call_success(error);
}
