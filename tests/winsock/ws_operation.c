#include "ws_world.h"

#include <stdlib.h>
#include <string.h>

#define POISON 0xdb

void ws_operation_list_add(struct operation_list *list, struct operation *op)
{
    op->next = NULL;
    if (list->first == NULL) {
        list->first = op;
    } else {
        list->last->next = op;
    }
    list->last = op;
}

static void list_remove(struct operation_list *list, struct operation *op)
{
    struct operation *before = NULL;
    struct operation **link = &list->first;
    while (*link != op) {
        before = *link;
        link = &before->next;
    }
    *link = op->next;
    if (list->last == op) {
        list->last = before;
    }
}

static struct operation *operation_new(void)
{
    struct operation *op = ws_world.free_operations;
    if (op != NULL) {
        struct operation *all = op->all;
        ws_world.free_operations = op->next;
        *op = (struct operation){.all = all};
    } else {
        op = ws_world_allocate(sizeof(*op));
        op->all = ws_world.operations;
        ws_world.operations = op;
    }
    ws_world.operations_open++;
    return op;
}

static void operation_free(struct operation *op)
{
    if (op->buffers != &op->one) {
        free(op->buffers);
    }
    free(op->staged);
    op->buffers = NULL;
    op->staged = NULL;
    op->next = ws_world.free_operations;
    ws_world.free_operations = op;
    ws_world.operations_open--;
}

/* ---- beginning ------------------------------------------------------------------------------- */

static bool is_outstanding(const OVERLAPPED *overlapped)
{
    if ((NTSTATUS)overlapped->Internal != STATUS_PENDING) {
        return false;
    }
    for (const struct operation *op = ws_world.operations; op != NULL; op = op->all) {
        if (op->overlapped == overlapped) {
            return true;
        }
    }
    return false;
}

static struct operation *operation_at(enum operation_kind kind, struct endpoint *endpoint,
                                      OVERLAPPED *overlapped)
{
    struct operation *op = operation_new();
    op->kind = kind;
    op->endpoint = endpoint;
    op->port = endpoint->port;
    op->key = endpoint->key;
    op->overlapped = overlapped;
    op->buffers = &op->one;
    if (op->port != NULL) {
        op->port->outstanding++;
    }
    return op;
}

struct operation *ws_operation_begin(enum operation_kind kind, struct endpoint *endpoint,
                                     OVERLAPPED *overlapped)
{
    (void)ws_world_require(endpoint->port != NULL, "an overlapped call on a socket without a port");
    (void)ws_world_require(!is_outstanding(overlapped), "an OVERLAPPED is used twice at once");
    struct operation *op = operation_at(kind, endpoint, overlapped);
    overlapped->Internal = (ULONG_PTR)(DWORD)STATUS_PENDING;
    overlapped->InternalHigh = 0;
    ws_operation_list_add(&endpoint->operations[kind], op);
    return op;
}

void ws_operation_inline(enum operation_kind kind, struct endpoint *endpoint,
                         OVERLAPPED *overlapped, size_t bytes)
{
    (void)ws_world_require(endpoint->port != NULL, "an overlapped call on a socket without a port");
    (void)ws_world_require(!is_outstanding(overlapped), "an OVERLAPPED is used twice at once");
    ws_world_count(WINSOCK_INLINE);
    overlapped->Internal = (ULONG_PTR)(DWORD)STATUS_SUCCESS;
    overlapped->InternalHigh = bytes;
    if (!endpoint->skip) {
        struct operation *op = ws_operation_begin(kind, endpoint, overlapped);
        op->inline_packet = true;
        op->moved = bytes;
        ws_operation_end(op, STATUS_SUCCESS);
        overlapped->Internal = (ULONG_PTR)(DWORD)STATUS_SUCCESS;
        overlapped->InternalHigh = bytes;
    }
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void packet_arrives(void *subject, size_t detail)
{
    struct operation *op = subject;
    (void)detail;
    ws_operation_list_add(&op->port->packets, op);
    ws_world_changed();
}

/* Packets of one endpoint and kind keep their order, others don't. */
void ws_operation_end(struct operation *op, NTSTATUS status)
{
    uint64_t *last_ns = &op->endpoint->packet_ns[op->kind];
    uint64_t at_ns = ws_world.now_ns + ws_world_below(ws_world.config.delay_ns + 1);
    list_remove(&op->endpoint->operations[op->kind], op);
    op->status = status;
    *last_ns = at_ns > *last_ns ? at_ns : *last_ns;
    if (op->port == NULL) {
        operation_free(op); /* a forgiving world */
    } else if (*last_ns <= ws_world.now_ns) {
        packet_arrives(op, 0);
    } else {
        ws_world_post(*last_ns, packet_arrives, op, 0);
    }
}

void ws_operation_cancel(struct operation *op, NTSTATUS status)
{
    ws_world_count(WINSOCK_CANCELED);
    if (op->kind == OP_ACCEPT && op->accepting != NULL) {
        op->accepting->accepting = NULL;
    }
    ws_operation_end(op, status);
}

void ws_operation_cancel_all(struct endpoint *endpoint, NTSTATUS status)
{
    for (size_t kind = 0; kind < OPERATION_KINDS; kind++) {
        while (endpoint->operations[kind].first != NULL) {
            ws_world_count(WINSOCK_CLOSED_UNDER_WAY);
            ws_operation_cancel(endpoint->operations[kind].first, status);
        }
    }
}

void ws_operation_posted(struct port *port, DWORD bytes, ULONG_PTR key, OVERLAPPED *overlapped)
{
    struct operation *op = operation_new();
    op->port = port;
    op->key = key;
    op->overlapped = overlapped;
    op->moved = bytes;
    op->buffers = &op->one;
    port->outstanding++;
    packet_arrives(op, 0);
}

/* ---- the packet is taken --------------------------------------------------------------------- */

static void copy_part(void *context, uint8_t *data, size_t length)
{
    const uint8_t **from = context;
    for (size_t i = 0; i < length; i++) {
        (void)ws_world_require(data[i] == POISON, "a receive buffer was written to while lent");
    }
    memcpy(data, *from, length);
    *from += length;
}

static void write_results(struct operation *op)
{
    OVERLAPPED *overlapped = op->overlapped;
    NTSTATUS expected = op->inline_packet ? op->status : STATUS_PENDING;
    (void)ws_world_require((NTSTATUS)overlapped->Internal == expected,
                           "an OVERLAPPED was changed while outstanding");
    overlapped->Internal = (ULONG_PTR)(DWORD)op->status;
    overlapped->InternalHigh = op->moved;
    if (op->staged != NULL) {
        const uint8_t *from = op->staged;
        ws_buffers_each(op->buffers, op->buffer_count, 0, op->moved, copy_part, &from);
    }
    if (op->kind == OP_ACCEPT && op->status == STATUS_SUCCESS) {
        memset(op->one.buf + op->one.len, POISON,
               op->wanted); /* the addresses, which the backend does not read */
    }
    if (op->kind == OP_SEND && !op->inline_packet) {
        (void)ws_world_require(ws_stream_hash(op->buffers, op->buffer_count, op->moved) == op->hash,
                               "bytes were changed while a send had them");
    }
}

void ws_operation_take(struct operation *op, OVERLAPPED_ENTRY *entry)
{
    ws_world_count(WINSOCK_PACKETS);
    op->port->outstanding--;
    if (op->endpoint != NULL) {
        write_results(op);
    }
    *entry = (OVERLAPPED_ENTRY){
        .lpCompletionKey = op->key,
        .lpOverlapped = op->overlapped,
        .Internal = (ULONG_PTR)(DWORD)op->status,
        .dwNumberOfBytesTransferred = (DWORD)op->moved,
    };
    op->overlapped = NULL;
    operation_free(op);
}

void ws_buffers_each(const WSABUF *buffers, DWORD count, size_t offset, size_t length,
                     void (*part)(void *context, uint8_t *data, size_t length), void *context)
{
    for (DWORD i = 0; i < count && length > 0; i++) {
        if (offset >= buffers[i].len) {
            offset -= buffers[i].len;
            continue;
        }
        size_t here = buffers[i].len - offset;
        here = here < length ? here : length;
        part(context, (uint8_t *)buffers[i].buf + offset, here);
        length -= here;
        offset = 0;
    }
}
