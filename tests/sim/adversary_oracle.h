#ifndef ECHOPORT_ADVERSARY_ORACLE_H
#define ECHOPORT_ADVERSARY_ORACLE_H

/*
 * The results of a client that are possible after what the peer has done, as far as the peer can
 * know. TCP may lose what was under way before a reset, and events that cross may come in either
 * order. Each connection has a set of possible ends, and the client's counters are a choice of
 * them.
 */

#include "adversary.h"
#include "stats.h"

/* How a connection can have ended for the client. */
enum adversary_outcome {
    ADVERSARY_COMPLETED,
    ADVERSARY_CLOSED_BY_SERVER,
    ADVERSARY_DRAINED,
    ADVERSARY_RESET_AT_END,
    ADVERSARY_CUT,
    ADVERSARY_MISMATCH,
    ADVERSARY_LOST,
    ADVERSARY_TIMEOUT,
    ADVERSARY_END_TIMEOUT,
    ADVERSARY_UNANSWERED,
    ADVERSARY_FAILED,
    ADVERSARY_NOT_CONNECTED,
    ADVERSARY_OUTCOMES
};

extern const char *const adversary_outcome_names[ADVERSARY_OUTCOMES];

/* The number of connections of a run that ended in each way. */
struct adversary_tally {
    uint64_t of[ADVERSARY_OUTCOMES];
};

void adversary_tally(const struct client_counters *counters, struct adversary_tally *tally);

/* Other circumstances of the run. */
struct adversary_circumstances {
    uint64_t timeout_ns; /* the --timeout of the client */
    bool connects_fail;  /* the network refuses or forgets some */
    bool slow;           /* the peer as a whole did not run for a time near the timeout */
    bool may_cut;        /* the end of the run may have cut connections */
    bool lossy_reset;    /* the system may show a reset as an end of the stream: Wine */
};

/* The set of possible outcomes, bit i for outcome i. 0: what the peer saw is impossible. */
unsigned adversary_permits(const struct adversary_record *record, const struct adversary_run *run,
                           const struct adversary_circumstances *how);

/* Whether the counters are a possible choice from the sets. If not, `text` says which record or
 * outcome has no counterpart. */
bool adversary_agrees(const struct adversary *adversary, const struct client_counters *counters,
                      const struct adversary_circumstances *how, char *text, size_t size);

#endif
