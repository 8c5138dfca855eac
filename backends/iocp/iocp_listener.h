#ifndef ECHOPORT_IOCP_LISTENER_H
#define ECHOPORT_IOCP_LISTENER_H

/*
 * One listener, and what all ways of accepting have in common: the accepts that are outstanding,
 * and the slots through which connections come.
 *
 * A slot is one request for one connection. It is in one of the listener's queues:
 *
 *     idle --> waiting --> idle      its completion ends an accept, with a connection or an error
 *
 * Two more queues are for AcceptEx that waits for first bytes, see iocp_accept_data.h:
 *
 *     waiting --> silent             there is a connection, its first bytes are missing
 *     silent --> ready               they came, and no accept is outstanding
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iocp_port.h"
/* After win.h, which must come before uv.h. */
#include "accepts.h"

/* Of each of the two addresses that AcceptEx writes behind the data. */
#define IOCP_ADDRESS_SIZE (sizeof(struct sockaddr_storage) + 16)

struct iocp_slot {
    struct iocp_request request; /* first */
    struct queue_node node;      /* in a queue of the listener */
    struct io_listener *listener;
    SOCKET os_socket;        /* of the connection; INVALID_SOCKET: none, or closed */
    size_t length;           /* bytes that came with it, if it came at once */
    struct io_token token;   /* while it is ready */
    struct queue_node asked; /* wsaaccept: in the queue of the thread */
    int status;              /* wsaaccept: how the thread's call ended, a UV code */
    uint64_t silent_ns;      /* acceptex-data: since when; 0: it isn't silent */
    bool reaped;             /* acceptex-data: its connection was silent for too long */
    uint8_t buffer[];        /* first_size bytes, and the two addresses */
};

struct io_listener {
    struct iocp_loop *loop;
    struct queue_node node; /* in loop->listeners, until nothing is outstanding */
    SOCKET os_socket;       /* INVALID_SOCKET once it has been closed */
    int family;
    struct accepts accepts; /* outstanding */
    size_t op_count;
    struct queue idle;
    struct queue waiting;
    struct queue silent; /* longest first */
    struct queue ready;
    size_t waiting_count;
    size_t silent_count;
    size_t first_size;          /* acceptex-data: bytes that come with a connection, at most */
    struct iocp_thread *thread; /* wsaaccept: it accepts; NULL: AcceptEx does */
    uint64_t look_ns;           /* when to look at the slots; UINT64_MAX: never */
    bool inline_outcomes;
    bool stopped;
};

/* Takes over `os_socket`. NULL: out of memory. */
struct io_listener *iocp_listener_new(struct iocp_loop *loop, SOCKET os_socket);

/* Closes the socket, which ends every request; no-op if it is closed. */
void iocp_listener_close(struct io_listener *listener);

/* Closes and frees it; no request is outstanding. */
void iocp_listener_free(struct io_listener *listener);

/* An accept is outstanding, behind all others. */
void iocp_listener_push(struct io_listener *listener, struct io_accept *op);

/* Ends the oldest accept by its callback: with `token`, or with an error and NULL. */
void iocp_listener_end_op(struct io_listener *listener, const struct io_token *token, int status);

/* A slot to be used; NULL: out of memory. And back again. */
struct iocp_slot *iocp_slot_take(struct io_listener *listener);
void iocp_slot_give(struct iocp_slot *slot);

struct iocp_slot *iocp_slot_of(struct queue_node *node);

#endif
