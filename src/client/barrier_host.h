#ifndef ECHOPORT_BARRIER_HOST_H
#define ECHOPORT_BARRIER_HOST_H

/*
 * Rank 0 at a barrier. It listens, and lets the other ranks join that have the token of the run and
 * its options. When all are there it measures the round trip to each, and tells each when to begin.
 *
 * A rank that leaves ends the barrier for all, and so does one that does not fit: it can't become
 * complete any more. Strangers do not: they are few at a time, and only for a while. Main thread.
 */

#include "agreement.h"
#include "barrier.h"
#include "barrier_book.h"
#include "barrier_peer.h"
#include "log.h"
#include "queue.h"

struct barrier_host {
    const struct barrier_plan *plan;
    uint64_t run_id;
    char digests[AGREEMENT_TEXT];
    struct barrier_book book;
    struct queue strangers; /* the connections that have proven nothing yet, the oldest first */
    size_t stranger_count;
    struct barrier_peer **guests; /* by rank; NULL: not there, or this one */
    uv_tcp_t listener;
    uv_timer_t timeout; /* of --barrier-timeout */
    uv_timer_t sweep;
    bool open;
    struct log_limit log; /* of strangers */
};

/* Listens, and lets ranks join from now on. `plan` must stay. `run_id`: for all ranks. 0; or a UV
 * error, which has been reported; nothing to undo. */
int barrier_host_open(struct barrier_host *host, const struct barrier_plan *plan, uint64_t run_id);

/* Rank 0 itself is ready to begin, and from now on waits no longer than --barrier-timeout. */
void barrier_host_ready(struct barrier_host *host);

/* Tells all ranks that there will be no run, and why; then closes. Does nothing if it has closed
 * already. */
void barrier_host_end(struct barrier_host *host, const char *why);

#endif
