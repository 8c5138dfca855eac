#ifndef ECHOPORT_PROGRESS_H
#define ECHOPORT_PROGRESS_H

/*
 * When bytes last moved on a connection, in either direction. What a recv or a send brings is told
 * by the side that owns the connection. What the peer has taken out of a send queue is asked of the
 * backend, and only when a timer is due: it may cost a system call.
 *
 * All times are on the worker's awake clock; all functions belong to the worker's thread.
 */

#include <stdbool.h>
#include <stdint.h>

struct conn;

/* A connection is looked at so many times in the time for which it may be quiet. */
#define PROGRESS_LOOKS 4

struct progress {
    uint64_t moved_ns; /* when a recv or a send last brought bytes */
    uint64_t taken;    /* bytes that the peer had taken at the last look */
    uint64_t taken_ns; /* of the look that last found more */

    /* Of the first look since when some bytes were left at every look; 0: none are left. */
    uint64_t behind_ns;
};

/* A new connection of the slot: nothing has been sent, and its time begins now. */
void progress_begin(struct conn *conn);

/* Bytes have moved; or from now on they are awaited. */
void progress_moved(struct conn *conn);

/* When to set the connection's timer for the first look, if it may be quiet for `limit_ns`. */
uint64_t progress_first_look(const struct conn *conn, uint64_t limit_ns);

/* Looks at what the peer has taken. 0; or the error of untaken() in backend.h, and what is known
 * stays as it is. */
int progress_look(struct conn *conn);

/*
 * For judge() of the connection's timer: whether nothing has moved for `limit_ns`. If not, *next_ns
 * is when to ask again. A look says that the peer took bytes, but not when. So a connection is
 * found quiet at most a quarter of the limit too late, and never too early.
 */
bool progress_is_quiet(struct conn *conn, uint64_t limit_ns, uint64_t *next_ns);

/* For how long, up to `seen_ns`, a peer with bytes left to take has taken none; 0: none are left.
 * Where the system does not tell what a peer takes, a send that completes does. */
uint64_t progress_stalled_ns(struct conn *conn, uint64_t seen_ns);

#endif
