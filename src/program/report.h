#ifndef ECHOPORT_REPORT_H
#define ECHOPORT_REPORT_H

/*
 * What both programs' reports have in common: the counters, the workers, the process, the machine;
 * once for people and once as JSON. Main thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "stats.h"
#include "text.h"

/* What one worker did, as the reports show it. */
struct report_worker {
    struct worker_stats work;
    int cpu; /* that it is pinned to; -1: none */
};

/* {"operation": "connect", "code": "ECONNREFUSED", "count": 3} ... under "errors". */
void report_json_errors(struct json *json, const struct stats_errors *errors);

/* The name of a mode of a backend; NULL where there is but one way, without a name. */
const char *report_mode(const char *const *modes, unsigned mode);

/* The member `key`: the name, or null. */
void report_json_mode(struct json *json, const char *key, const char *const *modes, unsigned mode);

/* The members of the I/O counters, into the object that is open. */
void report_json_io(struct json *json, const struct io_stats *io);

/* "process": CPU time and peak memory, so far. */
void report_json_process(struct json *json);

/* "environment": system, CPU, versions; "wine": true makes speeds meaningless. */
void report_json_environment(struct json *json);

/* "errors   connect ECONNREFUSED 3, recv ECONNRESET 1"; nothing if there are none. */
void report_text_errors(struct text *out, const struct stats_errors *errors);

/* "12 idle, 3 cut": a count and what it counts. */
struct report_count {
    uint64_t count;
    const char *name;
};

/* Those of the `length` counts that are not zero, with `before` in front of the first. */
void report_text_counts(struct text *out, const char *before, const struct report_count *counts,
                        size_t length);

/* Whether the backend's count of system calls is an estimate here. */
bool report_estimates_calls(const struct backend *backend);

/* The table of the I/O counters by worker, and below it what holds for all: how many completions
 * the waits brought, and the calls, divided by `echoes`. */
void report_text_io(struct text *out, const struct backend *backend,
                    const struct report_worker *workers, size_t count, uint64_t echoes);

/* "cpu      1.21 s (user 0.30 s, system 0.91 s), peak memory 4.2 MiB". */
void report_text_process(struct text *out);

/* The state of a program that ends in good order, or at once. */
struct report_end {
    uint64_t passed_ns;  /* since that began */
    uint64_t left;       /* connections */
    uint64_t timeout_ns; /* how long it may take; 0: ends at once */
    bool at_once;
};

/* "draining 3.2 s: 17 connections left, up to --drain-timeout 10 s", the line of progress. */
void report_end_text(const struct report_end *end, char *text, size_t size);

#endif
