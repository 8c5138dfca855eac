#ifndef ECHOPORT_LOAD_H
#define ECHOPORT_LOAD_H

/*
 * The client's side of a worker: its users. Each has one connection after another.
 *
 *     connect -> { send | recv, both at once } -> FIN -> end of stream -> close -> connect ...
 *
 * A message is a number of bytes of the connection's own stream (stream.h). Its answer is the same
 * bytes. Sending and receiving don't wait for each other: otherwise a message larger than the
 * socket buffers on the way would block both ends. Messages are made and checked in chunks, so
 * their size costs no memory.
 *
 * Closed loop: a user begins a message when fewer than `depth` of its messages await their answer.
 * Open loop (with a rate): messages are due by a schedule, users in turn, whatever the server does.
 * A message that its user can't begin in time waits, and its latency counts from when it was due.
 *
 * load.c and load_conn.c with its helpers (load_conn.h) are one module: a worker and its users call
 * each other.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrival.h"
#include "conn.h"
#include "log.h"
#include "pool.h"
#include "share.h"
#include "sizes.h"
#include "slice.h"
#include "stats.h"
#include "strain.h"
#include "worker.h"

/* The most bytes that are prepared for one send of a connection. */
#define LOAD_CHUNK_MAX ((size_t)256 * 1024)

/* Shared by all workers, and read-only from WORKER_BEGIN on. */
struct load_plan {
    const struct sockaddr_storage *addresses; /* at least one; tried in turn */
    size_t address_count;
    struct share share; /* the part of the run that this client does */
    size_t workers;     /* of all clients together, as all that is of the run */
    uint64_t seed;
    uint64_t size; /* bytes of a message, at least 1; without effect if there are `sizes` */
    const struct sizes *sizes; /* of messages; NULL: all have `size` */
    uint64_t depth;            /* outstanding messages per connection, at least 1 */
    uint64_t lifetime;         /* messages per connection; 0: no limit */
    uint64_t think_ns;    /* closed loop: after an echo, before the connection's next message */
    bool close_reset;     /* a connection that has used up `lifetime` is reset */
    double rate;          /* messages per second of all workers; 0: closed loop */
    uint64_t connections; /* users of all workers; only for `ramp_ns` */
    double connect_rate;  /* connects per second of all workers; 0: no limit */
    uint64_t ramp_ns;     /* in which the users begin, evenly; 0: all at once */
    bool crowded;         /* load_is_crowded(): workers sleep until a message of the rate is due */
    enum arrival_kind arrival; /* of the gaps of the rate */
    uint64_t began_ns;         /* start of the run, by the loops' clock; set before WORKER_BEGIN */
    uint64_t warmup_ns;
    uint64_t slice_ns;           /* length of a slice; 0: SLICE_NS */
    uint64_t duration_ns;        /* with the warm-up; 0: until told to end */
    uint64_t connect_timeout_ns; /* 0: only the system's */
    uint64_t timeout_ns;         /* for an answer, while no byte moves; 0: no limit */
    uint64_t drain_timeout_ns;   /* for outstanding messages at the end of the run */
    bool hostile;                /* there are hostile connections, from then on: */
    uint64_t hostile_from_ns;    /* since the start of the run */
    uint64_t give_up_ns;         /* of waiting in vain, after which the run is given up; 0: never */
    bool allow_drain;            /* the server may end a connection with messages outstanding */
    bool stop_on_error;          /* the first failure ends the run */
    bool trace;                  /* -v */
};

struct load_conn;

/* The state of the search for the server, which WORKER_REACH begins. */
struct load_reach {
    bool up;        /* a connection has come up */
    int status;     /* the error of the last try; 0: none has failed */
    size_t address; /* index of the address of the last try */
};

/* What a worker shows of its run while it goes on. */
struct load_snapshot {
    struct client_counters counters;
    uint64_t up; /* connections */
};

/* What a worker contributes to a report. */
struct load_report {
    struct client_stats stats;
    struct worker_stats work;
    uint64_t measured_from_ns; /* the measured time; none if the end is not later */
    uint64_t measured_until_ns;
    uint64_t first_message_ns; /* as in struct load */
    bool connected;            /* a connection has come up */
    size_t address;            /* index of the address at which it did */
};

struct load {
    struct worker worker; /* first */
    const struct load_plan *plan;
    size_t user_count;
    uint64_t requests_left; /* messages that may still begin; UINT64_MAX: no limit */

    struct load_conn **users;
    size_t users_live; /* users that are not done */
    size_t connecting; /* users with an outstanding connect */
    struct pool chunks;
    uint64_t connects;               /* turns of --connect-rate that have been taken */
    uint64_t next_number;            /* of a connection; unique in a run */
    size_t address;                  /* index of the address that worked last */
    uint64_t ticks;                  /* messages of the schedule that were due so far */
    struct arrivals arrivals;        /* from WORKER_BEGIN on, if they are random */
    uint64_t sent_ns;                /* open loop: when a user last sent something */
    struct worker_task spent_task;   /* queued when its last message has begun */
    struct worker_task abandon_task; /* queued at the end, while outstanding connects still end */
    size_t connecting_last;          /* `connecting` when the task ran last */
    struct timer end_timer;          /* --duration */
    struct watch cut;                /* --drain-timeout */
    bool begun;                      /* after WORKER_BEGIN */
    bool reaching;                   /* after WORKER_REACH, until WORKER_BEGIN */
    bool ending;                     /* no message begins any more */
    bool ever_connected;
    bool reported_mismatch;
    bool reported_shortage;
    struct log_limit connect_log;
    struct log_limit error_log;
    struct client_stats stats;
    uint64_t begun_messages;   /* on all connections */
    uint64_t first_message_ns; /* when the first of them began, by the loop's clock; 0: none has */
    struct slicer slices;      /* records the latencies, and adds them to `stats` */
    struct timer slice_timer;  /* its end */
    uint64_t measure_from_ns;
    uint64_t measure_until_ns; /* UINT64_MAX: not known yet; 0: the run has not begun */
    uint64_t hostile_from_ns;  /* if plan->hostile */
    struct worker_stats work;  /* complete at the end */
    struct strain strain;      /* complete at the end */

    /* For how long users have waited in vain for something, by the worker's awake clock: for an
     * answer, a connection, or the server's FIN. */
    size_t awaiting;          /* users that await something */
    uint64_t awaited_ns;      /* since a byte was last verified, up to `awaited_from_ns` */
    uint64_t awaited_from_ns; /* if `awaiting` > 0: the time since then counts too */
    struct watch give_up;
    struct worker_task stop_task; /* --stop-on-error */

    /* Under worker.lock. */
    struct load_snapshot snapshot;
    bool hopeless;           /* something has been awaited in vain for --give-up */
    bool stopping;           /* --stop-on-error: there was a failure */
    struct load_reach reach; /* each change wakes the main thread */
};

extern const struct worker_role load_role;

/*
 * Prepares the role's part of a zeroed struct: `user_count` users (at least 1), and `requests`, its
 * part of the run's messages; UINT64_MAX: no limit. `plan` must stay. The caller sets the worker's
 * part, with role = &load_role.
 *
 * The worker does nothing before WORKER_BEGIN, so that all workers measure the same time. But at
 * WORKER_REACH its first user connects, and retries until it succeeds. The run uses that
 * connection. Failed tries are not counted.
 */
void load_init(struct load *load, const struct load_plan *plan, size_t user_count,
               uint64_t requests);

/* Whether workers that stay awake before each message of the schedule would need more than `cpus`
 * CPUs: then they would take the time from each other. `rate` is that of these workers. */
bool load_is_crowded(size_t workers, double rate, size_t cpus);

/* Frees what the worker keeps for the main thread after its end: slices that nobody has taken. Does
 * nothing if it never started. */
void load_free(struct load *load);

/* Whether the worker has awaited something in vain for the time of --give-up. Main thread. */
bool load_is_hopeless(struct load *load);

/* Whether --stop-on-error has seen a failure: the run must end. Main thread. */
bool load_is_stopping(struct load *load);

/* What a worker that has ended contributes to the report, over the whole run. A running one
 * publishes its struct load_report (worker_take_report), which free() frees. Main thread. */
void load_report(const struct load *load, struct load_report *report);

/* The worker's number in the run. */
static inline uint64_t load_number(const struct load *load)
{
    return share_worker(&load->plan->share, load->worker.index);
}

/* ---- load.c, for its users; on the worker's thread ---- */

/* One more user awaits something, or one fewer. */
void load_one_awaits(struct load *load);
void load_one_awaits_no_more(struct load *load);

/* A byte has been verified: the time awaited in vain starts again. */
void load_has_progress(struct load *load);

/* A connection or a connect has failed. */
void load_has_failed(struct load *load);

/* Whether the time is in the measured time. */
static inline bool load_measures(const struct load *load, uint64_t at_ns)
{
    return at_ns >= load->measure_from_ns && at_ns < load->measure_until_ns;
}

/* The slice of `now_ns`, by the loop's clock. What is recorded there is of that time or later. */
void load_cut_slice(struct load *load, uint64_t now_ns); /* private to load_slice() */
static inline struct slice *load_slice(struct load *load, uint64_t now_ns)
{
    if (now_ns >= load->slices.until_ns) {
        load_cut_slice(load, now_ns);
    }
    return load->slices.now;
}

/* Whether the current slice records the latency of a message that was due at `due_ns`. */
static inline bool load_records(const struct load *load, uint64_t due_ns)
{
    return load_measures(load, due_ns) || !slicer_counts(&load->slices);
}

/* When the user's n-th message (from 0) is due by the schedule. */
uint64_t load_due_ns(const struct load *load, size_t user, uint64_t n);

/* Takes the user's turn to connect: when it comes. `first`: it has not connected before. */
uint64_t load_connect_ns(struct load *load, size_t user, bool first);

/* The user's own process of a schedule with random gaps. */
struct arrival load_arrival(const struct load *load, size_t user);

/* Whether another message may begin in this run. */
bool load_has_more(const struct load *load);

/* A try to reach the server has ended with `status`, at the address with this index. Before
 * WORKER_BEGIN. */
void load_reached(struct load *load, int status, size_t address);

/* ---- load_slice.c, for load.c; on the worker's thread ---- */

/* Before the run; at its begin; at its end, by the loop's clock. False: out of memory. */
bool load_make_slices(struct load *load);
void load_begin_slices(struct load *load);
void load_end_slices(struct load *load, uint64_t now_ns);

/* ---- load_conn.c; on the worker's thread ---- */

/* Messages that the user had in the measured time, on any connection. */
uint64_t load_conn_measured(const struct load_conn *c);

/* A new user, which does nothing yet. NULL: out of memory. */
struct load_conn *load_conn_start(struct load *load, size_t index);

/* Lets the user connect; or use the connection of WORKER_REACH. */
void load_conn_begin(struct load_conn *c);

/* Frees a user without a connection. */
void load_conn_free(struct load_conn *c);

/* A message of the schedule was due for the user at `due_ns`. `late`: the worker was late to give
 * it out. */
void load_conn_due(struct load_conn *c, uint64_t due_ns, bool late);

/* No message is left for now: ends the connection if nothing is outstanding. */
void load_conn_settle(struct load_conn *c);

/* The run is ending: finishes outstanding messages. */
void load_conn_end(struct load_conn *c);

/* Closes a connection while its connect is outstanding. */
void load_conn_abandon(struct load_conn *c);

/* Resets the connection in any state. */
void load_conn_cut(struct load_conn *c);

#endif
