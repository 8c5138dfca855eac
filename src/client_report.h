#ifndef ECHOPORT_CLIENT_REPORT_H
#define ECHOPORT_CLIENT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "client_options.h"
#include "report.h"
#include "stats.h"

/* A run, added up over all workers. */
struct client_report {
    const struct client_options *options;
    const struct backend *backend;
    unsigned recv_mode;  /* of the backend's, that was in force */
    const char *address; /* that the connections came up at */
    uint64_t seed;       /* that was used */
    double seconds;      /* that were measured */
    const struct client_stats *stats;
    const struct report_worker *workers;
    size_t worker_count;
};

/* Nothing failed: no connection, no byte; and of what was sent something has come back. */
bool client_report_ok(const struct client_report *report);

/* For people; several lines. */
void client_report_text(const struct client_report *report, FILE *out);

/* One line of JSON: docs/report.md. */
void client_report_json(const struct client_report *report, FILE *out);

#endif
