#ifndef ECHOPORT_LOAD_H
#define ECHOPORT_LOAD_H

/*
 * The client's side of a worker: so many users, each with one connection after another.
 *
 *     connect -> { send | recv, both at once } -> FIN -> end of stream -> close -> connect ...
 *
 * A message is so many bytes of the connection's own stream (stream.h); its answer is the same
 * bytes. Sending and receiving don't wait for each other, or a message that exceeds the socket
 * buffers on the way would stop both ends. A message is made and checked in chunks, so its size
 * costs no memory.
 *
 * Closed loop: a user begins a message as soon as fewer than `depth` of its own await their answer.
 * Open loop (a rate is given): messages are due by a schedule, users in turn, whatever the server
 * does; one that its user can't begin in time waits, and its latency counts from when it was due.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "log.h"
#include "pool.h"
#include "stats.h"
#include "worker.h"

/* At most so much of a message is made ahead of its sending, for each connection. */
#define LOAD_CHUNK_MAX ((size_t)256 * 1024)

/* Shared by all workers, and read-only from WORKER_BEGIN on. */
struct load_plan {
    const struct sockaddr_storage *addresses; /* tried in turn */
    size_t address_count;
    size_t workers;
    uint64_t seed;
    uint64_t size;     /* of a message, bytes */
    uint64_t depth;    /* messages that may await their answers, per connection */
    uint64_t lifetime; /* messages per connection; 0: no limit */
    double rate;       /* messages per second of all workers together; 0: closed loop */
    uint64_t began_ns; /* of the run, by the loops' clock; set before WORKER_BEGIN */
    uint64_t warmup_ns;
    uint64_t duration_ns;        /* the warm-up among it; 0: until told to end */
    uint64_t connect_timeout_ns; /* 0: the system's */
    uint64_t timeout_ns;         /* awaiting an answer while no byte moves; 0: no limit */
    uint64_t drain_timeout_ns;   /* for unfinished messages at the end */
    uint64_t give_up_ns;         /* of waiting in vain, after which the run is hopeless; 0: never */
    bool allow_drain;            /* the server may end a connection with messages outstanding */
    bool stop_on_error;          /* the first failure ends the run */
    bool trace;
};

struct load_conn;

/* How the search for the server stands, which WORKER_REACH begins. */
struct load_reach {
    bool up;        /* a connection has come up */
    int status;     /* why the last try failed; 0: none has yet */
    size_t address; /* of the plan, at which it did */
};

/* What a worker contributes to a report. */
struct load_report {
    struct client_stats stats;
    struct worker_stats work;
    uint64_t measured_from_ns; /* of the measured time; there was none if the end is not later */
    uint64_t measured_until_ns;
    bool connected; /* at some time */
    size_t address; /* at which it was, an index of the plan's */
};

struct load {
    struct worker worker; /* first */
    const struct load_plan *plan;
    size_t user_count;
    uint64_t requests_left; /* messages that may still begin; UINT64_MAX: no limit */

    struct load_conn **users;
    size_t users_live; /* that have a connection or will have one */
    size_t connecting; /* users whose connect is under way */
    struct pool chunks;
    uint64_t next_number;            /* of a connection; those of a run are distinct */
    size_t address;                  /* the one that worked last */
    uint64_t ticks;                  /* messages of the schedule that have come due */
    struct worker_task spent_task;   /* queued when the last message of the share has begun */
    struct worker_task abandon_task; /* queued from the end on, while connects still succeed */
    size_t connecting_last;          /* when the task has last run */
    struct timer end_timer;
    struct watch cut; /* at the end of --drain-timeout */
    bool begun;       /* WORKER_BEGIN has come */
    bool reaching;    /* WORKER_REACH has come, and WORKER_BEGIN has not */
    bool ending;      /* no message begins any more */
    bool ever_connected;
    bool reported_mismatch;
    bool reported_shortage;
    struct log_limit connect_log;
    struct log_limit error_log;
    struct client_stats stats;
    uint64_t measure_from_ns;
    uint64_t measure_until_ns; /* UINT64_MAX until known; 0: it has not begun */
    struct worker_stats work;  /* complete at the end */

    /* How long something has been awaited in vain: an answer, a connection, the server's FIN; on
     * the worker's awake clock. */
    size_t awaiting;          /* users that await something */
    uint64_t awaited_ns;      /* since a byte was last verified, up to `awaited_from_ns` */
    uint64_t awaited_from_ns; /* with `awaiting` above 0 */
    struct watch give_up;
    struct worker_task stop_task; /* --stop-on-error */

    /* Under worker.lock, but for the histogram. */
    struct client_stats snapshot;
    bool hopeless;           /* something has been awaited for --give-up, and still is */
    bool stopping;           /* --stop-on-error has seen a failure */
    struct load_reach reach; /* the worker notifies of each change */
};

extern const struct worker_role load_role;

/* The worker does nothing before WORKER_BEGIN, so that all of a run have the same time to measure;
 * but at WORKER_REACH its first user connects, in as many tries as it takes. That connection is the
 * first of the run. Tries that failed are in no count.
 * Prepares the role's part: `user_count` users, at least one, and a share of the run's messages,
 * UINT64_MAX for no limit. The worker's part is the caller's, with role = &load_role. */
void load_init(struct load *load, const struct load_plan *plan, size_t user_count,
               uint64_t requests);

/* What a worker has published. Main thread: all workers that still run are hopeless; one has met a
 * failure that is to end the run. */
bool load_is_hopeless(struct load *load);
bool load_is_stopping(struct load *load);

/* What a worker that has ended contributes to the report, over the whole run. A running one
 * publishes its struct load_report (worker_take_report), which free() frees. Main thread. */
void load_report(const struct load *load, struct load_report *report);

/* ---- between load.c and load_conn.c ---- */

/* One more user awaits something, or one less. */
void load_one_awaits(struct load *load);
void load_one_awaits_no_more(struct load *load);

/* A byte has been verified: nothing has been awaited in vain so far. */
void load_has_progress(struct load *load);

/* A connection or a connect has failed. */
void load_has_failed(struct load *load);

/* A new user, which does nothing yet. NULL: out of memory. */
struct load_conn *load_conn_start(struct load *load, size_t index);

/* Lets the user connect; or go on, if WORKER_REACH has done that. */
void load_conn_begin(struct load_conn *c);

/* Frees what is left of a user, whose connection is closed. */
void load_conn_free(struct load_conn *c);

/* A message of the user's schedule came due at `due_ns`; `late`: some time ago. */
void load_conn_due(struct load_conn *c, uint64_t due_ns, bool late);

/* No message is left for now: end the connection if it has nothing under way. */
void load_conn_settle(struct load_conn *c);

/* The run is ending: finish what is under way. */
void load_conn_end(struct load_conn *c);

/* Give up a connect that is still under way. */
void load_conn_abandon(struct load_conn *c);

/* Reset it, wherever it is. */
void load_conn_cut(struct load_conn *c);

/* When the message was due that is the user's n-th by the schedule, n from 0. */
uint64_t load_due_ns(const struct load *load, size_t user, uint64_t n);

/* Whether another message may begin in this run, as far as the worker knows. */
bool load_has_more(const struct load *load);

/* The outcome of a try to reach the server, at an address of the plan; before WORKER_BEGIN. */
void load_reached(struct load *load, int status, size_t address);

#endif
