#ifndef ECHOPORT_CREW_H
#define ECHOPORT_CREW_H

/*
 * The workers of a program, as its main thread sees them. A program's own worker struct begins with
 * struct worker; the crew allocates an array of them.
 *
 *     crew_init -> crew_make -> crew_start -> crew_post, crew_reap ... -> crew_free
 *
 * Main thread only.
 */

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "backend.h"
#include "program_options.h"
#include "worker.h"

struct crew {
    const struct program_options *options;
    const char *accept;            /* value of --accept; NULL: the backend's default mode */
    const struct backend *backend; /* the one in use; crew_start() may replace it */
    char note[512];                /* why it is this one; empty: nothing to say */
    unsigned accept_mode;          /* of `backend` */
    unsigned recv_mode;
    size_t count;             /* workers that crew_make() has made: all or none */
    size_t size;              /* bytes of each */
    void *workers;            /* the array */
    struct worker *companion; /* of crew_add(); NULL: none */
    size_t running;           /* all that have begun and have not been joined */
    bool failed;              /* a worker ended with an error, which has been reported */
};

/* What crew_make() needs to know. */
struct crew_plan {
    const struct worker_role *role;
    size_t count; /* workers, at least 1 */
    size_t size;  /* bytes of the program's worker struct */
    const struct option_cpus *cpus;
    struct io_config io_config; /* without the modes */
    uv_async_t *control;        /* woken by the workers */
};

/*
 * Chooses the modes of `backend` by the options. `options` and `accept` must stay. `note` is
 * copied. 0; or a UV error, which has been reported: the backend has no such mode. Nothing to undo.
 */
int crew_init(struct crew *crew, const struct program_options *options, const char *accept,
              const struct backend *backend, const char *note);

/* Makes all workers; what follows struct worker is zero. 0; or UV_ENOMEM, which has been
 * reported. */
int crew_make(struct crew *crew, const struct crew_plan *plan);

/*
 * Adds one worker with a role of its own, on a thread of its own, after crew_make(). `companion` is
 * zero but for the role's part. It is the caller's and must stay until crew_free(). Of `plan` only
 * the role, the io_config and the control are read. Its index is `count`; it is not pinned and does
 * not poll busily.
 *
 * All functions below include the companion, except crew_worker(). It does not keep a program
 * running: when the other workers have ended, crew_reap() posts WORKER_ABORT to it.
 */
void crew_add(struct crew *crew, const struct crew_plan *plan, struct worker *companion);

/* Destroys the workers, none of which is running. Does nothing if none were made. */
void crew_free(struct crew *crew);

/* Worker `index`, 0 to count - 1: not the companion. */
struct worker *crew_worker(const struct crew *crew, size_t index);

/*
 * Starts the workers: opens the loop of each, then starts the role of each. So no worker serves
 * before all have a loop. If a loop does not open and --backend is `raw`, the next backend that
 * works is used. 0; or a UV error, which has been reported. Then some workers may have started
 * their role and go on running: post WORKER_ABORT and wait for them.
 */
int crew_start(struct crew *crew);

/* Gives a command to every running worker. */
void crew_post(struct crew *crew, enum worker_command command);

/* Joins the workers that have ended. If one ended with an error, reports it, sets `failed`, and
 * tells the others to end at once. */
void crew_reap(struct crew *crew);

/* Whether every running worker has published its report so far (worker_publish_report). */
bool crew_has_reports(const struct crew *crew);

#endif
