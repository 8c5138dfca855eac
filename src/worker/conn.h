#ifndef ECHOPORT_CONN_H
#define ECHOPORT_CONN_H

/*
 * What a connection is on either side: a slot of memory that holds the side's own state, this, and
 * behind them the backend's socket; the operations; a timer; a place in the worker's queue.
 *
 *     conn_alloc -> connect or adopt -> recv, send ... -> conn_close -> closed() -> conn_free
 *
 * A side's structure begins with struct conn. All on the worker's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "progress.h"
#include "watch.h"
#include "worker.h"

/* In one turn a connection may have so many outcomes, or move so many bytes, before the others get
 * theirs: what bounds how long a turn lasts, however busy one peer is. */
#define CONN_SHARE 32
#define CONN_SHARE_BYTES ((uint64_t)512 * 1024)

struct conn {
    struct worker *worker;
    struct conn *next; /* in the list of conn_list_add */
    struct conn **link;
    struct io_recv recv; /* `done` is set by the side */
    struct io_send send;
    struct io_close close;
    struct watch timer; /* judge is set by the side */
    struct worker_task task;
    struct io_socket *socket;
    uint64_t number;    /* as people read it; the side's to choose */
    uint64_t submitted; /* bytes given to sends since progress_begin() */
    struct progress progress;
    uint64_t turn;        /* in which the two that follow were used */
    uint64_t share_bytes; /* moved */
    unsigned share;       /* outcomes */
    bool recv_pending;    /* true exactly while the backend owns `recv` */
    bool send_pending;
    bool closing; /* conn_close() has been called, closed() has not */
    bool trace;   /* -v */
};

/*
 * A zeroed slot of `size` bytes, which begins with a struct conn, and a socket of the worker's
 * backend. NULL without memory. conn_free() frees it, when nothing is outstanding.
 */
struct conn *conn_alloc(struct worker *worker, size_t size);
void conn_free(struct conn *conn);

void conn_list_add(struct conn **list, struct conn *conn);
void conn_list_remove(struct conn *conn);

/*
 * Submits `recv`, `send`, as in backend.h, and keeps track of what is outstanding. The side's
 * `done` must begin with conn_recv_done(), conn_send_done(), which say whether it is to go on:
 * false once the connection is closing.
 */
int conn_recv(struct conn *conn);
int conn_send(struct conn *conn, const uint8_t *data, size_t length);
bool conn_recv_done(struct conn *conn);
bool conn_send_done(struct conn *conn);

/* Whether the connection may submit more in this turn. If not, it has been put into the worker's
 * queue, and is to go on when its task runs. */
bool conn_has_share(struct conn *conn);

/* Gives back the buffer of a recv. */
void conn_release(struct conn *conn, uint8_t *data);

/*
 * (Re)starts the connection's timer, for a time of the awake clock; stops it. It is a watch: its
 * callback comes after the polls that show whether the peer has done something in time.
 */
void conn_set_timer(struct conn *conn, uint64_t deadline_ns);
void conn_stop_timer(struct conn *conn);

/* What conn_trace_bytes() says with -v. */
void conn_print_bytes(const struct conn *conn, const char *what, size_t bytes, bool queued,
                      const char *next);

/*
 * Lines of -v: "worker 0 conn 3: recv 64 bytes, queued; send follows" for a completion with bytes,
 * "worker 0 conn 3: end of stream; close follows" for what has none. Nothing without -v.
 */
static inline void conn_trace_bytes(const struct conn *conn, const char *what, size_t bytes,
                                    bool queued, const char *next)
{
    if (conn->trace) {
        conn_print_bytes(conn, what, bytes, queued, next);
    }
}
void conn_trace(const struct conn *conn, const char *what, const char *next);

/* "queued" or "inline": how an outcome came. */
const char *conn_trace_way(bool queued);

/* Closes; the side's close.done follows. The timer and the place in the queue are given up. */
void conn_close(struct conn *conn, enum io_close_how how);

#endif
