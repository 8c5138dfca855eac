#ifndef ECHOPORT_REPORT_H
#define ECHOPORT_REPORT_H

/*
 * What the reports of both programs have in common, for people and as JSON: counters, workers,
 * process, machine. Main thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counter.h"
#include "json.h"
#include "stats.h"
#include "text.h"

/* What one worker did. */
struct report_worker {
    struct worker_stats work;
    int cpu; /* that it is pinned to; -1: none */
};

/* What a report says of the backend. The texts must stay. */
struct report_backend {
    const char *name;
    const char *recv;     /* the mode that was in force; NULL: it has only one */
    bool estimates_calls; /* a library makes calls that were not compared with the kernel here */
};

struct report_backend report_backend_of(const struct backend *backend, unsigned recv_mode);

/* What a process took since its start. */
struct report_process {
    uint64_t user_ns; /* of CPU time */
    uint64_t system_ns;
    uint64_t peak_rss_bytes;
};

/* Of this one, so far. */
struct report_process report_process_now(void);

/* The machine and the build. The texts must stay. */
struct report_environment {
    const char *system;
    const char *release;
    const char *machine;
    const char *cpu;
    uint64_t cpus;
    bool wine; /* it makes speeds meaningless */
    const char *version;
    const char *commit;
    const char *compiler;
    const char *build;
    const char *libuv;
};

/* {"operation": "connect", "code": "ECONNREFUSED", "count": 3} ... under "errors". */
void report_json_errors(struct json *json, const struct stats_errors *errors);

/* The name of a mode of a backend; NULL where the backend has only one. */
const char *report_mode(const char *const *modes, unsigned mode);

/* "backend", "system_calls_estimated", "recv". */
void report_json_backend(struct json *json, const struct report_backend *backend);

/* A member for each counter of the list, into the object that is open. */
void report_json_members(struct json *json, const struct counter_list *list, const void *counts);

/* "counters": each of the list, from the struct `counts`. */
void report_json_counters(struct json *json, const struct counter_list *list, const void *counts);

/* The members of the `index`th worker, into the object that is open. */
void report_json_worker(struct json *json, size_t index, const struct report_worker *worker);

/* "process": CPU time and peak memory. */
void report_json_process(struct json *json, const struct report_process *process);

/* "environment": of this process, or a given one. */
void report_json_environment(struct json *json);
void report_json_environment_of(struct json *json, const struct report_environment *environment);

/* The indent of a continued line of a report. */
#define REPORT_INDENT 15

/* Ends a report that began at the offset `begin` of the text: lines are broken to fit `columns`, or
 * 80 if that is more. SIZE_MAX: no limit. */
void report_wrap(struct text *out, size_t begin, size_t columns);

/* Adds `separator` and "12 idle", unless the count is 0. Returns the separator for what follows in
 * the same list. */
const char *report_text_count(struct text *out, const char *separator, uint64_t count,
                              const char *word);

/* Does the same for each counter that is shown in `line`. */
const char *report_text_counters(struct text *out, const char *separator,
                                 const struct counter_list *list, enum counter_line line,
                                 const void *counts);

/* "errors   connect ECONNREFUSED 3, recv ECONNRESET 1"; nothing if there are none. */
void report_text_errors(struct text *out, const struct stats_errors *errors);

/* What --details adds in both programs: a table of the workers, how many completions a turn
 * delivered, the calls per message, and the CPU time. */
struct report_details {
    bool estimates_calls; /* of report_backend */
    struct report_process process;
    const struct report_worker *workers;
    size_t worker_count;
    uint64_t messages; /* by which the calls are divided */
    const char *label; /* of that line: "per message" */
};

void report_text_details(struct text *out, const struct report_details *details);

/* The state of a program that drains, or ends at once. */
struct report_end {
    uint64_t passed_ns; /* since it was told to end */
    uint64_t left;      /* connections */
    uint64_t timeout_ns;
    bool at_once;
};

/* The line of progress: "draining 3.2 s: 17 connections left, up to --drain-timeout 10s". */
void report_end_text(const struct report_end *end, char *text, size_t size);

#endif
