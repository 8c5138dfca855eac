#ifndef ECHOPORT_WORKER_H
#define ECHOPORT_WORKER_H

/*
 * A worker: one thread, one loop of the chosen backend, and what stands on it.
 *
 *     while (running) { fire timers; run the queue; poll(next deadline); judge; take commands }
 *
 * What it does with its connections is its role's affair (echo.c: the server's, load.c: the
 * client's). The main thread and a worker meet at four points: start, worker_post() with its
 * wake-up, what the role publishes under `lock`, and the end; two workers at handover.h. All else
 * here belongs to the worker's thread, and no lock is taken for a message.
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

/* The pools of a worker: its loop's, and one of its role. */
#define WORKER_POOLS 2

enum worker_command {
    WORKER_BEGIN,    /* all have started: begin, if that is what you wait for */
    WORKER_SNAPSHOT, /* publish the few statistics that change while people watch */
    WORKER_RESTART,  /* begin a new generation */
    WORKER_REPORT,   /* publish what a report needs, up to now, restarts included */
    WORKER_DRAIN,    /* take nothing new on, finish what is under way, end */
    WORKER_ABORT,    /* end at once */
    WORKER_TAKE,     /* take on what another worker has handed over (handover.h) */
    WORKER_REACH,    /* connect once, try until that has succeeded, and wait for WORKER_BEGIN */
    WORKER_COMMANDS  /* how many there are */
};

/* Something to be run in the next turn, once. While there is one in the queue poll() does not
 * wait. */
struct worker_task {
    void (*run)(struct worker_task *task);
    struct worker_task *next;
    struct worker_task **link; /* what points to it; NULL when it is not in the queue */
};

struct worker;

struct worker_role {
    /* On the worker's thread, when its loop is open. 0, or a UV error with the sentence for the
     * user in worker->error. */
    int (*start)(struct worker *worker);
    /* In each turn before the poll: what is due by the role's own schedule. The time of the next,
     * UINT64_MAX if there is none. May be NULL. */
    uint64_t (*turn)(struct worker *worker);
    void (*command)(struct worker *worker, enum worker_command command);
    /* Every connection and listener is gone and none will come: the worker may end. */
    bool (*finished)(const struct worker *worker);
    /* On the worker's thread, after the last turn or a failed start, its loop still open: publish
     * the last statistics, free what start made. */
    void (*stop)(struct worker *worker);
};

struct worker {
    /* Set before the start, read-only afterwards. */
    const struct worker_role *role;
    const struct backend *backend;
    struct io_config io_config;
    unsigned index;
    int cpu;               /* to be pinned to; -1: to none, also when that has failed */
    uint64_t busy_poll_ns; /* so long after the last outcome it asks without waiting; 0: never */
    uv_async_t *control;   /* told when something has been published; NULL: nobody */

    /* The worker's own. */
    struct io_loop *io;
    struct timer_wheel timers;
    struct watches watches; /* that are judged after a poll (watch.h) */
    struct worker_task *tasks;
    struct worker_task **tasks_end;
    struct pool *pools[WORKER_POOLS]; /* NULL: none */
    struct timer trim;                /* of the pools, while they have something to spare */
    uint64_t turn;                    /* how many there have been */
    uint64_t now_ns;
    uint64_t expected_ns; /* when the next look at the clock was to come, at the latest */
    uint64_t late_ns;     /* what the awake clock has left out */
    bool now_valid;
    uint64_t busy_until_ns;
    uint64_t outcomes; /* of the loop, when they were last looked at */

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
    uv_sem_t started; /* by the worker, after each stage of its start */
    uv_sem_t told;    /* by the main thread: begin, or see `dismissed` */
    int start_status;
    bool dismissed;
    int status;      /* 0, or the UV error that ended it */
    char error[256]; /* the sentence that goes with it */
};

/*
 * Prepares a worker whose first group of members is set. worker_destroy() undoes it.
 */
void worker_init(struct worker *worker);
void worker_destroy(struct worker *worker);

/*
 * The start, in two stages, so that every worker has a loop before any of them serves.
 * worker_launch() starts the thread and opens the loop; worker_begin() starts the role. Each waits
 * until that is done, and returns 0; or a UV error, and the thread has ended: worker->error says
 * what failed.
 *
 * worker_dismiss() is for a worker that has been launched and is not to begin: the worker closes
 * its loop and ends. It may be launched again, also over another backend.
 */
int worker_launch(struct worker *worker);
int worker_begin(struct worker *worker);
void worker_dismiss(struct worker *worker);

/* Both stages. */
int worker_start(struct worker *worker);

/* Waits for the end of the thread. Then `status` and `error` say how it ended. */
void worker_join(struct worker *worker);

/* Gives a command to a worker that has started, from any thread. Each that was posted is delivered,
 * in the order of the enum. */
void worker_post(struct worker *worker, enum worker_command command);

/* Whether the worker has taken its last turn. From any thread. */
bool worker_has_ended(struct worker *worker);

/*
 * The three stages of the thread, for callers that run workers without one: opens the loop and
 * starts the role (0 or a UV error, and all is undone), takes one turn (false: that was the last
 * one), and closes.
 */
int worker_open(struct worker *worker);
bool worker_turn(struct worker *worker);
void worker_close(struct worker *worker);

/* ---- for roles, on the worker's thread ---- */

/* The clock, exactly; and the time of this turn, which costs one look at the clock before the poll
 * and one after it. */
uint64_t worker_clock(const struct worker *worker);
void worker_look(struct worker *worker); /* for worker_now() */
static inline uint64_t worker_now(struct worker *worker)
{
    if (!worker->now_valid) {
        worker_look(worker);
    }
    return worker->now_ns;
}

/*
 * The time of this turn on the awake clock, which says for how long a peer has kept us waiting. It
 * is the loop's clock without the time by which turns overran their deadlines, and without as much
 * of the wait before. A turn overruns when the process is stopped, frozen or not scheduled, or when
 * its work takes long. Only what exceeds WORKER_LATE_NS is left out: no load stops this clock.
 * worker_clock_at() is the time of the loop's clock that is `awake_ns` if no turn overruns until
 * then.
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

void worker_task_init(struct worker_task *task, void (*run)(struct worker_task *task));
void worker_defer(struct worker *worker, struct worker_task *task); /* no-op if queued already */
void worker_cancel(struct worker *worker, struct worker_task *task);

/* From start to stop the worker gives back what lies idle in the role's pool, too. */
void worker_tend(struct worker *worker, struct pool *pool);

/* Tells the main thread that something has been published. */
void worker_notify(struct worker *worker);

/* Hands the report so far to the main thread, at WORKER_REPORT. The last one has been taken. */
void worker_publish_report(struct worker *worker, void *report);

/* ---- the report so far, on the main thread ---- */

/* Whether a report has been published and not taken. */
bool worker_has_report(struct worker *worker);

/* Takes the report, which is now the caller's. NULL: none is there, or there was no memory. */
void *worker_take_report(struct worker *worker);

#endif
