#ifndef ECHOPORT_TRUST_H
#define ECHOPORT_TRUST_H

/*
 * Whether the result of a run can be trusted: how precise its percentiles are, and what disturbed
 * it. A finding names one disturbance, for people. Pure functions; main thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batches.h"
#include "json.h"
#include "precision.h"
#include "strain.h"
#include "text.h"

/* In the order of the report. */
enum trust_class {
    TRUST_CLIENT_BOUND, /* a thread of the client was busy nearly all the time */
    TRUST_LATE,         /* the client itself gave out messages late */
    TRUST_SATURATED,    /* the server did not keep up with the schedule */
    TRUST_DRIFT,        /* the halves of the run differ */
    TRUST_DEPENDENT,    /* even long batches depend on each other */
    TRUST_BUSY_MACHINE, /* the client's threads had to wait for a CPU */
    TRUST_CLOCK_STEP,   /* the time of day was set */
    TRUST_TOO_FEW,      /* too few messages for an interval of p99 */
    TRUST_APART,        /* clients that share a load did not measure at the same time */
    TRUST_CLASSES
};

/* A run with any of these is doubtful. */
#define TRUST_BUSY_SHARE 0.95  /* of the time, by one thread */
#define TRUST_LATE_SHARE 0.01  /* of the messages of the schedule */
#define TRUST_DRIFT_SHARE 0.05 /* between the halves, beyond what their intervals explain */
#define TRUST_WAIT_SHARE 0.10  /* of the time, of one thread for a CPU */
#define TRUST_WAIT_LEAST 0.01  /* the same, of a thread that ran for less than it waited */
#define TRUST_STEAL_SHARE 0.01 /* of the time of all CPUs */

/* A shorter schedule is not judged. */
#define TRUST_DUE_MIN 100

/* The threads and the machine are not judged by a shorter run. */
#define TRUST_RUN_NS_MIN UINT64_C(500000000)

#define TRUST_UNKNOWN UINT64_MAX

/* What is known of a run. Times that the system does not provide are TRUST_UNKNOWN. */
struct trust_run {
    const struct batches *batches; /* of the measured time */
    const struct strain *strains;  /* of each worker */
    size_t strain_count;
    size_t cpus;    /* that the workers may use, at least 1 */
    bool scheduled; /* --rate */
    uint64_t begun; /* messages of the schedule that began, and that never did */
    uint64_t unsent;
    uint64_t late;                    /* that the client gave out late, or not at all */
    uint64_t blocked;                 /* that found their connection down or full */
    const struct histogram *lateness; /* how late the client gave out each; may be NULL */
    uint64_t steal_ns;                /* that the hypervisor took from a CPU, on average */
    int64_t clock_step_ns;            /* see trust_clock */
};

/* The time of day, looked at again and again during a run. All zero at first. */
struct trust_clock {
    bool known;       /* it has been looked at */
    int64_t ahead_ns; /* of the monotonic clock, at the last look */
    int64_t step_ns;  /* the largest change between two looks; below 0: it was set back */
};

#define TRUST_TEXT 280

/* Of a run at most one of each class; and the same of single clients that shared it. */
#define TRUST_FINDINGS_MAX (2 * TRUST_CLASSES)

struct trust_finding {
    enum trust_class class;
    char text[TRUST_TEXT];
};

struct trust {
    struct precision p50;
    struct precision p99;
    double busy_share_max; /* of the busiest thread; NAN: not known */
    uint64_t wait_ns;      /* of the thread that waited longest for a CPU, or TRUST_UNKNOWN */
    uint64_t steal_ns;     /* or TRUST_UNKNOWN */
    double step_seconds;   /* the largest by which the time of day was set; 0: it was not */
    size_t count;
    struct trust_finding findings[TRUST_FINDINGS_MAX];
};

/* The time of day is ahead of the monotonic clock by so much now. */
void trust_look_at_clock(struct trust_clock *clock, int64_t ahead_ns);

void trust_judge(const struct trust_run *run, struct trust *trust);

/* "client_bound" and so on. */
const char *trust_class_name(enum trust_class class);

/* The line "trust", and a line "doubt" for each finding. */
void trust_text(const struct trust *trust, struct text *out);

/* The member "trust". */
void trust_json(const struct trust *trust, struct json *json);

#endif
