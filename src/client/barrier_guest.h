#ifndef ECHOPORT_BARRIER_GUEST_H
#define ECHOPORT_BARRIER_GUEST_H

/*
 * A rank other than 0 at a barrier. It connects to rank 0 until that answers, proves that it has
 * the token of the run, and begins when it is told to. It obeys only what has the token. Main
 * thread.
 */

#include "barrier.h"
#include "barrier_peer.h"

struct barrier_guest {
    const struct barrier_plan *plan;
    struct barrier_peer *peer; /* NULL: none now */
    size_t tries;
    uint64_t pause_ms;   /* after the next try that fails */
    int status;          /* the error of the last try; 0: none has failed */
    bool joined;         /* rank 0 knows this client */
    bool open;           /* it has neither begun nor failed */
    uv_timer_t deadline; /* of --barrier-timeout */
    uv_timer_t next;     /* the end of a try, or of the pause before the next */
};

/* This rank is ready to begin, and connects. `plan` must stay. */
void barrier_guest_open(struct barrier_guest *guest, const struct barrier_plan *plan);

/* Leaves the barrier. Does nothing if that has been closed already. */
void barrier_guest_close(struct barrier_guest *guest);

#endif
