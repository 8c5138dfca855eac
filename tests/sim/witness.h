#ifndef ECHOPORT_WITNESS_H
#define ECHOPORT_WITNESS_H

/*
 * The oracle of the simulation. It stands between the client and the backend sim. It sees each
 * operation that the client submits, and each outcome before the client does. From these it counts
 * how every connection ends. The counts are compared with the client's counters.
 *
 * Only the client knows how many messages it meant to send, so `begun` is taken from it. The
 * witness checks that it fits what was sent. Everything else comes from the seam and the clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load.h"

/* For the client's worker: sim as the client sees it. Made by witness_begin(). */
extern struct backend backend_witness;

struct witness {
    struct client_counters expected;
    uint64_t begun;       /* messages, on connections that have ended */
    uint64_t given_back;  /* of these, not answered before the run was told to end */
    uint64_t not_up;      /* users that never came up */
    uint64_t end_ns;      /* when the run was told to end; UINT64_MAX: it was not */
    uint64_t abort_ns;    /* likewise, at once */
    uint64_t verified_ns; /* when a message was last whole, or the beginning, on the awake clock */
    uint64_t failures;    /* connections and connects */
    uint64_t frozen_ns;   /* the time in which the client did not run; set by the test */
    bool polled;          /* in this turn; false at its begin, set by the test */
    uint64_t either;      /* ends at which both a timeout and the cut were due */
    const char *wrong;    /* what the client did wrong; NULL: nothing */
};

extern struct witness witness;

/* There is one client at a time, of one worker. */
void witness_begin(struct load *load);

/* When the client has ended: completes the counts, and frees. */
void witness_end(void);

#endif
