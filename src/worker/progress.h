#ifndef ECHOPORT_PROGRESS_H
#define ECHOPORT_PROGRESS_H

/*
 * When bytes last moved on a connection, in either direction. The side that owns the connection
 * calls progress_moved() for a recv or a send. The backend is asked how much the peer has taken out
 * of the send queue. That may cost a system call, so it happens only when a timer is due.
 *
 * All times are in nanoseconds on the worker's awake clock. All on the worker's thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "conn.h"

/* The number of looks at a connection in the time for which it may be quiet. */
#define PROGRESS_LOOKS 4

/* Resets the progress for a new connection: nothing has been sent, and its time begins now. */
void progress_begin(struct conn *conn);

/* Bytes have moved; or from now on they are awaited. */
void progress_moved(struct conn *conn);

/* When the timer of a connection that may be quiet for `limit_ns` must first be due. */
uint64_t progress_first_look(const struct conn *conn, uint64_t limit_ns);

/* Looks at how much the peer has taken. 0; or the error of untaken() in backend.h, and nothing
 * changes. */
int progress_look(struct conn *conn);

/*
 * For judge() of the connection's timer: whether nothing has moved for `limit_ns`. If false, call
 * it again at *next_ns. A look tells that the peer took bytes, but not when. So a connection is
 * found quiet at most a quarter of the limit too late, and never too early.
 */
bool progress_is_quiet(struct conn *conn, uint64_t limit_ns, uint64_t *next_ns);

/* For how many nanoseconds, up to `seen_ns`, a peer with bytes left to take has taken none; 0: none
 * are left. Where the system can't tell what a peer takes, completed sends count instead. */
uint64_t progress_stalled_ns(struct conn *conn, uint64_t seen_ns);

#endif
