#ifndef ECHOPORT_HOSTILE_CONN_H
#define ECHOPORT_HOSTILE_CONN_H

/*
 * One hostile connection: what it sends, reads and leaves undone. Private to hostile.c and
 * hostile_conn.c; on the worker's thread.
 *
 *     IDLE -> CONNECTING -> UP -> CLOSING -> IDLE ... -> DONE
 *
 * After each end it pauses and connects again, until hostile_conn_end(). A connection of a storm
 * waits for hostile_conn_begin() instead.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "hostile.h"

#define HOSTILE_CHUNK ((size_t)64 * 1024) /* the most bytes of a send */

enum hostile_state { HOSTILE_IDLE, HOSTILE_CONNECTING, HOSTILE_UP, HOSTILE_CLOSING, HOSTILE_DONE };

struct hostile_conn {
    struct conn conn; /* first */
    struct io_connect connect;
    struct hostile_squad *squad;
    uint64_t up_ns;    /* when it came up */
    uint64_t sent;     /* bytes, on this connection */
    uint64_t received; /* likewise */
    uint64_t
        read_ns; /* it may receive from then on, by the loop's clock; only a slow reader waits */
    int error;   /* of the last connect; 0: none */
    bool deaf;   /* no urgent bytes on this connection */
    enum hostile_state state;
};

/* A new connection, IDLE. NULL: out of memory. */
struct hostile_conn *hostile_conn_new(struct hostile_squad *squad);

/* Frees a connection that is IDLE or DONE. */
void hostile_conn_free(struct hostile_conn *c);

/* An IDLE connection connects, after `pause_ns`. */
void hostile_conn_begin(struct hostile_conn *c, uint64_t pause_ns);

/* Resets it in any state. It is DONE now or after its close callback: then hostile.live falls. */
void hostile_conn_end(struct hostile_conn *c);

/* Adds a connection that is up to `stats`, as held until `now_ns`. */
void hostile_conn_count_held(const struct hostile_conn *c, uint64_t now_ns,
                             struct hostile_stats *stats);

#endif
