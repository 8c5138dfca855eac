#ifndef ECHOPORT_BACKLOG_H
#define ECHOPORT_BACKLOG_H

/* The mean backlog in each quarter of the measured time, from the slices of a run. Main thread. */

#include <stdint.h>

#include "search.h"
#include "slice.h"

struct backlog {
    uint64_t from_ns; /* the measured time, since the run began */
    uint64_t until_ns;
    double sums[SEARCH_QUARTERS];
    uint64_t slices[SEARCH_QUARTERS];
};

/* Of a run with this measured time. */
void backlog_init(struct backlog *backlog, uint64_t from_ns, uint64_t until_ns);

/* Adds a complete slice; `context` is the backlog. A consumer of a series. */
void backlog_on_slice(void *context, const struct slice *slice);

/* The mean of each quarter, in messages; NAN: no slice ended in it. */
void backlog_means(const struct backlog *backlog, double means[SEARCH_QUARTERS]);

#endif
