#ifndef ECHOPORT_CLIENT_TRUST_H
#define ECHOPORT_CLIENT_TRUST_H

/*
 * Gathers during a run what trust.h judges at its end: the batches, and the clocks. Main thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "batches.h"
#include "client_options.h"
#include "crew.h"
#include "slice.h"
#include "stats.h"
#include "trust.h"
#include "until.h"

struct client_trust {
    const struct client_options *options;
    struct batches batches;
    struct until until;
    uint64_t steal_ns; /* when the run began; TRUST_UNKNOWN: this system does not say */
    struct trust_clock clock;
};

/* The options must stay. False: out of memory, which has been reported; nothing to free. */
bool client_trust_init(struct client_trust *trust, const struct client_options *options);
void client_trust_free(struct client_trust *trust);

/* The run begins. */
void client_trust_begin(struct client_trust *trust);

/* A consumer of series.h: the next complete slice of the run. `context` is the struct. */
void client_trust_on_slice(void *context, const struct slice *slice);

/* At the end of the run. `stats` has the sums over all workers of `crew`, which have ended. The
 * rate of the schedule is 0 without one. */
void client_trust_judge(struct client_trust *trust, const struct crew *crew,
                        const struct client_stats *stats, double rate, struct trust *judged);

#endif
