#include "ws_world.h"

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Moves bytes while the cancel is on its way. The result counts them. */
static void move_some(struct operation *op)
{
    const struct endpoint *endpoint = op->endpoint;
    if (endpoint->state != ENDPOINT_CONNECTED ||
        !ws_world_chance(ws_world.config.cancel_moved_ppm)) {
        return;
    }
    size_t moved = 0;
    if (op->kind == OP_SEND && op->wanted - op->moved > 1) {
        moved = ws_stream_move(op, 1 + (size_t)ws_world_below(op->wanted - op->moved - 1));
    } else if (op->kind == OP_RECV && op->wanted > 0) {
        moved = at_most(ws_net_readable(endpoint->conn, endpoint->side), op->wanted);
        if (moved > 0) {
            ws_stream_receive(op, moved);
        }
    }
    if (moved > 0) {
        ws_world_count(WINSOCK_CANCEL_MOVED);
    }
}

static void cancel(struct operation *op)
{
    struct endpoint *endpoint = op->endpoint;
    move_some(op);
    if (op->kind == OP_ACCEPT && op->conn != NULL) {
        ws_net_reset(op->conn, 1);
    }
    if (op->kind == OP_CONNECT) {
        ws_connect_give_up(endpoint);
    }
    ws_operation_cancel(op, STATUS_CANCELLED);
}

/* Cancels the operations of one kind. */
static void cancel_kind(struct endpoint *endpoint, enum operation_kind kind,
                        const OVERLAPPED *overlapped)
{
    struct operation *op = endpoint->operations[kind].first;
    while (op != NULL) {
        struct operation *next = op->next;
        if (overlapped == NULL || op->overlapped == overlapped) {
            cancel(op);
        }
        op = next;
    }
}

static bool any_outstanding(const struct endpoint *endpoint, const OVERLAPPED *overlapped)
{
    for (size_t kind = 0; kind < OPERATION_KINDS; kind++) {
        const struct operation *op = endpoint->operations[kind].first;
        for (; op != NULL; op = op->next) {
            if (overlapped == NULL || op->overlapped == overlapped) {
                return true;
            }
        }
    }
    return false;
}

/* An operation that has ended is not found, even if its packet is still on its way. */
static int cancel_io(struct endpoint *endpoint, const OVERLAPPED *overlapped)
{
    if (endpoint == NULL) {
        return ERROR_INVALID_HANDLE;
    }
    if (overlapped == NULL && endpoint->acceptors > 0) {
        endpoint->cancels++;
        ws_world_changed();
    } else if (!any_outstanding(endpoint, overlapped)) {
        return ws_world.config.wine ? 0 : ERROR_NOT_FOUND;
    }
    if (ws_world_chance(ws_world.config.cancel_late_ppm)) {
        ws_world_count(WINSOCK_CANCEL_LATE);
        ws_endpoint_pump(endpoint);
    }
    for (size_t kind = 0; kind < OPERATION_KINDS; kind++) {
        cancel_kind(endpoint, (enum operation_kind)kind, overlapped);
    }
    return 0;
}

BOOL CancelIoEx(HANDLE file, LPOVERLAPPED overlapped)
{
    int error = ws_call_begin(CALL_CANCEL);
    struct endpoint *endpoint = ws_endpoint_find((SOCKET)(uintptr_t)file);
    return ws_call_success(error != 0 ? error : cancel_io(endpoint, overlapped));
}
