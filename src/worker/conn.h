#ifndef ECHOPORT_CONN_H
#define ECHOPORT_CONN_H

/*
 * What connections of the server and of the client ("sides") have in common: operations, a timer,
 * and a task in the worker's queue.
 *
 *     conn_alloc -> connect or adopt -> recv, send ... -> conn_close -> closed() -> conn_free
 *
 * One block of memory holds the side's struct, which begins with struct conn, and behind it the
 * backend's socket. All on the worker's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "watch.h"
#include "worker.h"

/* The most outcomes and bytes that one connection may have in a turn, before the others have
 * theirs. They bound the length of a turn, however busy one peer is. */
#define CONN_SHARE 32
#define CONN_SHARE_BYTES ((uint64_t)512 * 1024)

/* When bytes last moved. Private to progress.c; times are on the worker's awake clock. */
struct progress {
    uint64_t moved_ns; /* when a recv or a send last brought bytes */
    uint64_t taken;    /* bytes that the peer had taken at the last look */
    uint64_t taken_ns; /* time of the look that last found more */

    /* Of the first look since when every look found bytes left to take; 0: none are left. */
    uint64_t behind_ns;
};

struct conn {
    struct worker *worker;
    struct conn *next; /* in the list of conn_list_add */
    struct conn **link;
    struct io_recv recv; /* the side sets `done` of these three */
    struct io_send send;
    struct io_close close;
    struct watch timer; /* the side sets `judge` */
    struct worker_task task;
    struct io_socket *socket;
    uint64_t number;    /* for messages; the side chooses it */
    uint64_t submitted; /* bytes given to sends since progress_begin() */
    struct progress progress;
    uint64_t turn;        /* the turn that the next two count for */
    uint64_t share_bytes; /* bytes moved */
    unsigned share;       /* outcomes */
    bool recv_pending;    /* the backend owns `recv` */
    bool send_pending;
    bool closing; /* conn_close() has been called, closed() has not */
    bool trace;   /* -v */
};

/*
 * Allocates `size` zeroed bytes, which begin with a struct conn, and behind them a socket of the
 * worker's backend. NULL: out of memory. conn_free() frees both, when nothing is outstanding.
 */
struct conn *conn_alloc(struct worker *worker, size_t size);
void conn_free(struct conn *conn);

/* Adds the connection to the front of a list, or removes it from its list. */
void conn_list_add(struct conn **list, struct conn *conn);
void conn_list_remove(struct conn *conn);

/*
 * Submits `recv` or `send` as in backend.h: IO_DONE, IO_PENDING or a UV error. `data` must stay
 * until the outcome. The side's `done` must first call conn_recv_done() or conn_send_done(). They
 * return false if the connection is closing: then it must not go on.
 */
int conn_recv(struct conn *conn);
int conn_send(struct conn *conn, const uint8_t *data, size_t length);
bool conn_recv_done(struct conn *conn);
bool conn_send_done(struct conn *conn);

/* Whether the connection may submit more in this turn. If not, its task has been queued, and the
 * connection goes on when the task runs. */
bool conn_has_share(struct conn *conn);

/* Whether a connection that has just come up is connected to itself: see net_is_own_peer(). */
bool conn_met_itself(const struct conn *conn);

/* Returns the buffer of a recv to the backend. */
void conn_release(struct conn *conn, uint8_t *data);

/*
 * Starts or moves the connection's timer, to a time of the awake clock; stops it. The timer is a
 * watch: `judge` is called after the polls that show whether the peer did something in time.
 */
void conn_set_timer(struct conn *conn, uint64_t deadline_ns);
void conn_stop_timer(struct conn *conn);

/* Private to conn_trace_bytes(). */
void conn_print_bytes(const struct conn *conn, const char *what, size_t bytes, bool queued,
                      const char *next);

/*
 * Print lines of -v: "worker 0 conn 3: recv 64 bytes, queued; send follows" for an outcome with
 * bytes, "worker 0 conn 3: end of stream; close follows" for another event. Nothing without -v.
 */
static inline void conn_trace_bytes(const struct conn *conn, const char *what, size_t bytes,
                                    bool queued, const char *next)
{
    if (conn->trace) {
        conn_print_bytes(conn, what, bytes, queued, next);
    }
}
void conn_trace(const struct conn *conn, const char *what, const char *next);

/* How an outcome came: "queued" (by a callback) or "inline". */
const char *conn_trace_way(bool queued);

/* Stops the timer, cancels the task and closes the socket; close.done follows. */
void conn_close(struct conn *conn, enum io_close_how how);

#endif
