#ifndef ECHOPORT_VERDICT_H
#define ECHOPORT_VERDICT_H

/*
 * Whether a run of the client succeeded. One table, in verdict.c, lists how a connection and a run
 * can end, and which ends are failures. It is also in docs/report.md. Any thread; no state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats.h"

/* Kinds of failures, the most serious first. VERDICT_NONE: no failure. */
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
    VERDICT_BOOKS, /* those of the clients and of the server do not agree: --merge with --server */
    VERDICT_NONE,
    VERDICT_CLASSES
};

/* What is judged: the statistics of a whole run, summed over all workers, and its options. */
struct verdict_run {
    const struct client_stats *stats;
    uint64_t connections; /* to be kept up */
    double rate;          /* messages per second; 0: closed loop */
    uint64_t timeout_ns;  /* only for texts, as the next */
    uint64_t give_up_ns;
    bool so_far; /* the run goes on: judge only failures that are final */
};

#define VERDICT_TEXT 256

struct verdict_failure {
    enum verdict_class class;
    uint64_t count;          /* of connections, connects or messages, as the text says */
    char text[VERDICT_TEXT]; /* "3 connections brought wrong data" */
};

/* How many rows of the table are failures; and room for one of each class of single clients that
 * shared the run. */
#define VERDICT_ROWS_MAX 11
#define VERDICT_FAILURES_MAX (VERDICT_ROWS_MAX + VERDICT_CLASSES)

struct verdict {
    bool ok;      /* no failure */
    size_t count; /* of failures, the most serious first */
    struct verdict_failure failures[VERDICT_FAILURES_MAX];
};

void verdict_judge(const struct verdict_run *run, struct verdict *verdict);

/* "OK", or the text of the most serious failure. While the run goes on, "OK" means that there has
 * been no failure yet. */
const char *verdict_text(const struct verdict *verdict);

/* "wrong_data", "lost" ...; "none" of VERDICT_NONE. */
const char *verdict_class_name(enum verdict_class class);

/* How many connections and connects have failed so far, while the run goes on. */
uint64_t verdict_failures_so_far(const struct client_counters *counters);

/* Which side was late in a run with --rate: "server" or "client"; NULL if the schedule was kept. */
const char *verdict_late_side(const struct verdict_run *run);

/* A row of the table, to compare it with the document. */
struct verdict_row {
    enum verdict_class class;
    const char *counter; /* its name in the JSON; NULL: it is not among the counters */
    const char *what;    /* happened, in words */
};

size_t verdict_row_count(void);
struct verdict_row verdict_row(size_t i);

#endif
