#ifndef ECHOPORT_WORKER_H
#define ECHOPORT_WORKER_H

/*
 * A worker: one thread and one loop of the chosen backend.
 *
 *     while (running) { fire timers; run tasks; poll(next deadline); judge watches; take commands }
 *
 * The role decides what the worker does with its connections (echo.c: the server's, load.c: the
 * client's). The main thread and a worker meet at four points: start, worker_post(), what the role
 * publishes under `lock`, and the end. Two workers meet in handover.h. Everything else belongs to
 * the worker's thread, and no lock is taken per message.
 *
 * worker.c and watch.c are one module: a worker judges its watches after each poll.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "backend.h"
#include "pool.h"
#include "timer.h"
#include "util.h"
#include "watch.h"

/* The pools of a worker: its loop's, and its role's. */
#define WORKER_POOLS 2

enum worker_command {
    WORKER_BEGIN,    /* all workers have started: the client's run begins */
    WORKER_SNAPSHOT, /* publish the statistics for the line of progress */
    WORKER_RESTART,  /* begin a new generation */
    WORKER_REPORT,   /* publish the report so far */
    WORKER_DRAIN,    /* accept and begin nothing new, finish what is under way, end */
    WORKER_ABORT,    /* end at once */
    WORKER_TAKE,     /* take the connections that another worker has handed over (handover.h) */
    WORKER_REACH,    /* open one connection, retry until it succeeds, wait for WORKER_BEGIN */
    WORKER_COMMANDS  /* the number of commands */
};

/* A function to be called once, in the next turn. While one is queued, poll() does not wait. */
struct worker_task {
    void (*run)(struct worker_task *task);
    struct worker_task *next;
    struct worker_task **link; /* the pointer to it; NULL: not queued */
};

struct worker;

struct worker_role {
    /* On the worker's thread, when its loop is open. 0; or a UV error, with a message in
     * worker->error. */
    int (*start)(struct worker *worker);
    /* In each turn before the poll: does what is due by the role's schedule. Returns when it must
     * be called next, by the loop's clock; UINT64_MAX: no such time. May be NULL. */
    uint64_t (*turn)(struct worker *worker);
    void (*command)(struct worker *worker, enum worker_command command);
    /* Whether all connections and listeners are gone and none will come: the worker may end. */
    bool (*finished)(const struct worker *worker);
    /* Publishes the last statistics and frees what start made. On the worker's thread, after the
     * last turn or a failed start, while the loop is still open. */
    void (*stop)(struct worker *worker);
};

struct worker {
    /* Set before the start, read-only later. */
    const struct worker_role *role;
    const struct backend *backend;
    struct io_config io_config;
    unsigned index;
    int cpu; /* the thread is pinned to it; -1: to none, or pinning has failed */
    uint64_t
        busy_poll_ns;    /* polls don't wait for this long after the last outcome; 0: always wait */
    uv_async_t *control; /* woken when something has been published; may be NULL */

    /* The worker thread's. */
    struct io_loop *io;
    struct timer_wheel timers;
    struct watches watches;
    struct worker_task *tasks;
    struct worker_task **tasks_end;
    struct pool *pools[WORKER_POOLS]; /* NULL: none */
    struct timer trim;                /* trims the pools, while they have spare buffers */
    uint64_t turn;                    /* the number of turns so far */
    uint64_t now_ns;                  /* see worker_now() */
    uint64_t expected_ns;             /* the latest time expected for the next look at the clock */
    uint64_t late_ns;                 /* the time that the awake clock has left out */
    bool now_valid;
    bool spins; /* this turn only looks for events: nothing is queued, and its poll does not wait */
    uint64_t busy_until_ns;
    uint64_t outcomes; /* of the loop, at the last look */
    uint64_t began_ns; /* of this turn */
    uint64_t idle_ns;  /* spent in turns that did not wait and found nothing to do */
    uint64_t work;     /* outcomes and calls of the loop, at the last turn */

    /* Shared with the threads that post, under `lock`. */
    uv_mutex_t lock;
    unsigned posted[WORKER_COMMANDS];
    bool ended;
    bool has_report; /* `report` has been published and not taken */
    void *report;    /* of the role's type; NULL: there was no memory for it */

    /* The main thread's; the worker writes the results before worker_start() or worker_join()
     * returns. */
    bool running; /* its role has started, and the thread has not been joined */
    uv_thread_t thread;
    uv_sem_t started; /* posted by the worker, after each stage of its start */
    uv_sem_t told;    /* posted by the main thread: begin, or end if `dismissed` */
    int start_status;
    bool dismissed;
    int status;      /* 0, or the UV error that ended the worker */
    char error[256]; /* the message for `status` or `start_status` */
};

/* Prepares a worker. The caller has set its first group of members; the rest is zero.
 * worker_destroy() undoes it, when the thread has ended. */
void worker_init(struct worker *worker);
void worker_destroy(struct worker *worker);

/*
 * The start has two stages, so that every worker has a loop before any of them serves.
 * worker_launch() starts the thread and opens the loop. worker_begin() starts the role. Each waits
 * until that is done and returns 0; or a UV error. Then the thread has ended, and worker->error
 * says what failed.
 *
 * worker_dismiss() ends a worker that has been launched and has not begun: it closes the loop. The
 * worker may be launched again, also with another backend. Main thread.
 */
int worker_launch(struct worker *worker);
int worker_begin(struct worker *worker);
void worker_dismiss(struct worker *worker);

/* Both stages of the start. */
int worker_start(struct worker *worker);

/* Waits for the end of the thread. Then `status` and `error` say how it ended. */
void worker_join(struct worker *worker);

/* Gives a command to a worker that has started. Every posted command is delivered; those of one
 * turn in the order of the enum. Does nothing if the worker has ended. Any thread. */
void worker_post(struct worker *worker, enum worker_command command);

/* Whether the worker has taken its last turn. Any thread. */
bool worker_has_ended(struct worker *worker);

/*
 * The three stages of a worker, for tests that run it without a thread. worker_open() opens the
 * loop and starts the role. It returns 0; or a UV error and nothing to undo. worker_turn() takes
 * one turn, and returns false for the last one. worker_close() stops the role and closes the loop.
 */
int worker_open(struct worker *worker);
bool worker_turn(struct worker *worker);
void worker_close(struct worker *worker);

/* ---- for roles, on the worker's thread ---- */

/* worker_clock() reads the loop's clock, in nanoseconds. worker_now() is the time of this turn. It
 * reads the clock at most twice in a turn, before the poll and after it. */
uint64_t worker_clock(const struct worker *worker);
void worker_look(struct worker *worker); /* private to worker_now() */
static inline uint64_t worker_now(struct worker *worker)
{
    if (!worker->now_valid) {
        worker_look(worker);
    }
    return worker->now_ns;
}

/*
 * The awake clock measures for how long a peer has kept us waiting. worker_awake() is the time of
 * this turn on it. It is the loop's clock, without the time by which turns overran their deadlines.
 * The same amount of the wait before each such turn is left out too. A turn overruns when the
 * process is stopped, frozen or not scheduled, or when its work takes long. Only what exceeds
 * WORKER_LATE_NS is left out, so that load does not stop this clock. worker_clock_at() converts a
 * time of the awake clock to the loop's clock, provided that no turn overruns until then.
 */
#define WORKER_LATE_NS UINT64_C(20000000)
static inline uint64_t worker_awake(struct worker *worker)
{
    uint64_t now_ns = worker_now(worker); /* before late_ns is read: it may add to it */
    return now_ns - worker->late_ns;
}
static inline uint64_t worker_clock_at(const struct worker *worker, uint64_t awake_ns)
{
    return awake_ns + worker->late_ns;
}

/* Queues a task for the next turn, or removes it from the queue. Does nothing if it is queued
 * already, or not queued. */
void worker_task_init(struct worker_task *task, void (*run)(struct worker_task *task));
void worker_defer(struct worker *worker, struct worker_task *task);
void worker_cancel(struct worker *worker, struct worker_task *task);

/* From start to stop, the worker also trims the role's pool. Call it in start. */
void worker_tend(struct worker *worker, struct pool *pool);

/* Wakes the main thread: something has been published. */
void worker_notify(struct worker *worker);

/* Hands the report so far to the main thread, at WORKER_REPORT. The last one has been taken. */
void worker_publish_report(struct worker *worker, void *report);

/* ---- the report so far, on the main thread ---- */

/* Whether a report has been published and not taken. */
bool worker_has_report(struct worker *worker);

/* Takes the report, which is now the caller's. NULL: none is there, or there was no memory. */
void *worker_take_report(struct worker *worker);

#endif
