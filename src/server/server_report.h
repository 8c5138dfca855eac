#ifndef ECHOPORT_SERVER_REPORT_H
#define ECHOPORT_SERVER_REPORT_H

#include <stdbool.h>

#include "report.h"
#include "server_options.h"
#include "stats.h"

/* What one worker did in a generation. */
struct server_report_worker {
    struct report_worker common;
    struct server_counters counters;
};

/* A generation, added up over all workers. */
struct server_report {
    const struct server_options *options;
    const struct backend *backend;
    unsigned accept_mode; /* the backend's modes that were in force */
    unsigned recv_mode;
    unsigned generation;
    bool last;      /* the process ends with it */
    bool so_far;    /* it goes on */
    uint64_t open;  /* connections, while it goes on */
    size_t columns; /* of the text, see report_wrap() */
    double seconds;
    struct server_stats stats;
    struct server_report_worker *workers;
    size_t worker_count;
    const char *const *addresses; /* that it listened on */
    size_t address_count;
};

/* For people; several lines. */
void server_report_text(const struct server_report *report, struct text *out);

/* One line of JSON: docs/report.md. */
void server_report_json(const struct server_report *report, struct text *out);

#endif
