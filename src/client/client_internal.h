#ifndef ECHOPORT_CLIENT_INTERNAL_H
#define ECHOPORT_CLIENT_INTERNAL_H

/* The client's main thread: private to client.c and client_search.c. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backlog.h"
#include "client_gate.h"
#include "client_outputs.h"
#include "client_report.h"
#include "client_slices.h"
#include "client_sum.h"
#include "client_trust.h"
#include "control.h"
#include "find_rate.h"
#include "hostile.h"
#include "interval.h"
#include "load.h"
#include "net.h"
#include "source.h"
#include "stream_json.h"

struct client {
    struct control control;               /* first */
    const struct client_options *options; /* of the run */
    struct source source;                 /* of connections */
    struct client_gate gate;              /* before the run, or the first of a search */
    struct net_resolution resolution;
    struct load_plan plan;
    struct client_slices slices;
    struct client_trust trust;
    struct intervals intervals;
    struct stream_json stream;
    struct hostile hostile; /* the crew's companion, with --hostile */
    uint64_t run_id;        /* random; that of rank 0 after a --barrier */
    uint64_t began_unix_ns; /* the run, since 1970 */
    uint64_t ended_unix_ns;
    uint64_t ticked_ns;
    struct client_counters ticked; /* at the last tick */
    bool stopped;                  /* by --stop-on-error or --until */
    uint64_t stopped_ns;           /* when, by uv_hrtime() */
    bool gave_up;                  /* --give-up is over */
    struct client_outputs outputs; /* of the run, or of the last one that is worth a report */

    /* --find-rate. */
    struct client_options step_options; /* of a step */
    struct find_rate find;
    struct backlog backlog;
    struct client_outputs step; /* of the last step */
    bool searches;
};

static inline struct load *client_load(const struct client *client, size_t worker)
{
    return (struct load *)(void *)crew_worker(&client->control.crew, worker);
}

/* ---- client.c ---- */

/* A run, until the last worker has ended. If it has begun, its figures are there then. `first`: it
 * begins when the gate opens, and not at once. */
void client_once(struct client *client, bool first);

/* Makes room for another run. */
void client_free_run(struct client *client);

/* Sums up what the workers have counted until their end. False: out of memory, which has been
 * reported; nothing to free. */
bool client_sum_ended(const struct client *client, struct client_sum *sum);

/* How that run went. */
void client_judge_sum(const struct client *client, const struct client_sum *sum,
                      struct verdict *verdict);

/* Composes its outputs. */
void client_make_outputs(struct client *client, const struct client_sum *sum,
                         struct client_outputs *outputs);

/* ---- client_search.c ---- */

/* --find-rate: runs the steps of the search, and prints the report. Returns the exit code. */
int client_find_rate(struct client *client);

#endif
