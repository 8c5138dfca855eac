#ifndef ECHOPORT_CLIENT_REPORT_H
#define ECHOPORT_CLIENT_REPORT_H

#include "client_options.h"
#include "fleet_report.h"
#include "hostile_report.h"
#include "interval.h"
#include "report.h"
#include "report_format.h"
#include "stats.h"
#include "threshold.h"
#include "trust.h"
#include "until.h"
#include "verdict.h"

/* A run, added up over all workers. */
struct client_report {
    const struct client_options *options;
    struct report_backend backend;
    struct report_process process; /* that ran it */
    const char *address;           /* at which the connections came up */
    uint64_t seed;
    uint64_t run_id;                   /* that all clients of a --barrier have in common */
    double seconds;                    /* of the measured time */
    uint64_t began_unix_ns;            /* when the run began, since 1970 */
    uint64_t ended_unix_ns;            /* when its last worker had ended */
    uint64_t first_message_unix_ns;    /* when its first message began; 0: none has */
    uint64_t measured_from_ns;         /* the measured time, since the run began; none if the end */
    uint64_t measured_until_ns;        /* is not later */
    const struct intervals *intervals; /* NULL: no --interval */
    bool so_far;                       /* the run goes on */
    size_t columns;                    /* of the text, see report_wrap() */
    const struct client_stats *stats;
    const struct report_worker *workers;
    size_t worker_count;
    const struct trust *trust;            /* NULL: not judged, as while the run goes on */
    const struct until *until;            /* NULL if `trust` is */
    const struct hostile_report *hostile; /* NULL without --hostile */
    const struct fleet_report *fleet;     /* NULL: it is the report of one client */
};

/* How the run went, by its statistics and options. */
void client_report_judge(const struct client_report *report, struct verdict *verdict);

/* Whether what was measured is good enough: --fail-if. A share of a load is not judged: conditions
 * are about the whole. */
void client_report_thresholds(const struct client_report *report, struct thresholds *thresholds);

/* While the run goes on. */
struct client_progress {
    uint64_t run_ns;  /* since it began */
    uint64_t tick_ns; /* since `before` */
    uint64_t up;      /* connections that are up now */
    const struct client_counters *before;
    const struct client_counters *now;
};

#define CLIENT_PROGRESS_TEXT 200

/* The line of progress: a rate, and the failures so far. */
void client_report_progress(const struct client_progress *progress, char *text);

/* For people, in several lines. The first is the verdict: "OK", or "FAILED: " and the reason. While
 * the run goes on it is "so far: no failure", or "so far: FAILED: " and the reason. */
void client_report_text(const struct client_report *report, struct text *out);

/* Adds the members of the JSON (docs/report.md) to the object that is open, except `find_rate`. */
void client_report_json_members(const struct client_report *report, struct json *json);

/* Of them only what is known when the run begins. */
void client_report_json_start(const struct client_report *report, struct json *json);

#endif
