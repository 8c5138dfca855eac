#ifndef ECHOPORT_VERDICT_H
#define ECHOPORT_VERDICT_H

/*
 * Whether a run of the client succeeded. One table, in verdict.c, lists how a connection and a run
 * can end and whether that is a failure; docs/report.md has the same table. Any thread; no state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats.h"

/* Kinds of failures, the most serious first; VERDICT_NONE is the class of what is none. */
enum verdict_class {
    VERDICT_WRONG_DATA,
    VERDICT_LOST,
    VERDICT_TIMEOUT,
    VERDICT_UNANSWERED,
    VERDICT_FAILED,
    VERDICT_SILENT,
    VERDICT_GAVE_UP,
    VERDICT_NOT_UP,
    VERDICT_CONNECT,
    VERDICT_RATE,
    VERDICT_NONE,
    VERDICT_CLASSES
};

/* What is judged: the statistics of a whole run, all workers together, and what was asked for. */
struct verdict_run {
    const struct client_stats *stats;
    uint64_t connections; /* that were to be kept up */
    uint64_t rate;        /* messages per second; 0: closed loop */
    uint64_t timeout_ns;  /* for the texts alone, as the next */
    uint64_t give_up_ns;
    bool so_far; /* the run goes on: judge only failures that are final */
};

#define VERDICT_TEXT 256

struct verdict_failure {
    enum verdict_class class;
    uint64_t count;          /* of connections, connects or messages, as the text says */
    char text[VERDICT_TEXT]; /* "3 connections brought wrong data" */
};

/* Every row of the table that fails at once. */
#define VERDICT_FAILURES_MAX 11

struct verdict {
    bool ok;      /* there is no failure */
    size_t count; /* of failures, the most serious first */
    struct verdict_failure failures[VERDICT_FAILURES_MAX];
};

void verdict_judge(const struct verdict_run *run, struct verdict *verdict);

/* "OK", or the text of the most serious failure. While the run goes on, "OK" means that there has
 * been no failure yet. */
const char *verdict_text(const struct verdict *verdict);

/* "wrong_data", "lost" ...; "none" of VERDICT_NONE. */
const char *verdict_class_name(enum verdict_class class);

/* How many failures connections and connects have met so far, while the run goes on: a sum of the
 * table's rows that are counters. */
uint64_t verdict_failures_so_far(const struct client_counters *counters);

/* Which side was late, of a run with a rate: "server", "client"; NULL if the schedule was kept. */
const char *verdict_late_side(const struct verdict_run *run);

/* A row of the table, to compare it with the document. */
struct verdict_row {
    enum verdict_class class;
    const char *counter; /* in the JSON report; NULL: it is none of `counters` */
    const char *what;    /* happened, in words */
};

size_t verdict_row_count(void);
struct verdict_row verdict_row(size_t i);

#endif
