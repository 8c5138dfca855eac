#ifndef ECHOPORT_BOOKS_H
#define ECHOPORT_BOOKS_H

/*
 * The books over all machines: what the clients sent and verified, and what their servers received
 * and sent back (docs/report.md). Main thread.
 */

#include "fleet_report.h"
#include "option_table.h"
#include "refusal.h"
#include "stats.h"

/* The reports of the servers, all generations added up. */
struct books {
    uint64_t generations;
    struct server_counters counters;
};

/* Reads the files of --server. What is wrong becomes a refusal. */
void books_read(struct books *books, const struct option_strings *files, struct refusals *refusals);

/* Compares them with the sums of all clients. */
void books_judge(const struct books *books, const struct client_counters *clients,
                 struct fleet_server *server);

#endif
