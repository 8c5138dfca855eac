#ifndef ECHOPORT_TOTAL_H
#define ECHOPORT_TOTAL_H

/*
 * The whole run of a fleet: the sums of all its clients, in the report that one client would have
 * made. Main thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "batches.h"
#include "books.h"
#include "client_report.h"
#include "fleet.h"
#include "interval.h"
#include "merge_options.h"
#include "trust.h"
#include "until.h"

#define TOTAL_NAMES 256

/* Different names with commas between them. */
struct total_names {
    char text[TOTAL_NAMES];
};

struct total {
    const struct fleet *fleet;
    struct client_options options;
    struct client_stats *stats;
    struct report_worker *workers;
    size_t worker_count;
    struct total_names backends;
    struct total_names modes;
    struct total_names addresses;
    struct total_names servers;
    struct fleet_client *clients;
    struct fleet_server server;
    struct fleet_report parts;
    struct batches batches;
    struct intervals intervals;
    bool has_intervals;
    struct trust trust;
    struct until until; /* none */
    struct client_report report;
};

/* Adds the clients of a fleet that has been checked. `books`: NULL without --server. All must stay.
 * What can't be added becomes a refusal. Call total_free() in any case. */
void total_make(struct total *total, const struct fleet *fleet, const struct merge_options *options,
                const struct books *books, struct refusals *refusals);
void total_free(struct total *total);

/* ---- total_series.c and total_trust.c, for total.c ------------------------------------------- */

/* Adds the intervals, if the clients kept any. False: out of memory. */
bool total_add_intervals(struct total *total);

/* Judges the whole run, and takes over what was found of single clients. */
void total_judge(struct total *total);

/* "rank 2 (n3): TEXT", or "rank 2 (n3) and 3 others: TEXT", cut to `size` bytes. */
void total_name_rank(const struct rank *rank, size_t others, const char *text, char *named,
                     size_t size);

#endif
