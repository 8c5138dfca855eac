#ifndef ECHOPORT_CONTROL_H
#define ECHOPORT_CONTROL_H

/*
 * The main thread of either program: a plain libuv loop with the signals and what --signal sends, a
 * tick, the line of progress, name resolution and the news from the workers. No byte of a
 * connection passes through here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "backend.h"
#include "net.h"
#include "trigger.h"
#include "worker.h"

struct control;

/*
 * Any may be NULL. All are called on the main thread, from control_run(); `restart` and `report`
 * also from control_resolve() and control_pause(), since they may be asked for at any time. Without
 * `restart` the program can't begin anew, and ends in good order when it is asked to.
 */
struct control_events {
    void (*restart)(struct control *control);
    void (*report)(struct control *control); /* the report so far is to be printed */
    void (*tick)(struct control *control);
    void (*progress)(struct control *control); /* the line of progress is to be replaced */
    void (*news)(struct control *control);     /* a worker has published something or ended */

    /* Without a reader of stdout or of stderr there is nothing to go on for: stop. */
    bool needs_reader;
};

struct control {
    const struct control_events *events;
    uv_loop_t loop;
    uv_async_t async;
    uv_timer_t timer;
    uv_timer_t grace;    /* runs when the system will soon end this process */
    uv_timer_t progress; /* runs while there is a line of progress */
    uv_signal_t signals[SYS_SIGNALS_MAX];
    struct trigger *trigger;
    struct worker **workers; /* the enlisted; those that have been joined are NULL */
    size_t enlisted;
    size_t worker_count; /* of them, that have begun */
    size_t running;
    const char *resolving; /* the host whose address is being sought; NULL: none is */
    unsigned stops;        /* how often the user has asked for the end */
    uint64_t stopped_ns;   /* by uv_hrtime(), when that was for the first time */
    bool failed;           /* a worker has ended with an error, which has been reported */
    bool finishing;        /* control_finish() has begun: the workers' memory may have been freed */
};

/* Opens the loop and takes the signals, but for those that sys_is_ignored(): from now on a Ctrl-C
 * stops in good order; until now it ends the process, as it ends any. Listens to --signal as well,
 * or says why it can't and does without. 0, or a UV error and nothing to undo. */
int control_open(struct control *control, const struct control_events *events);
void control_close(struct control *control);

/*
 * Resolves, and waits for it. 0 and `resolution`, to be freed by net_resolution_free(); or UV_EAI_*
 * or another UV error, which is UV_ECANCELED if the user asked for the end meanwhile.
 */
int control_resolve(struct control *control, struct net_resolution *resolution, const char *host,
                    const char *service, bool passive);

/* Lets the loop run for so long, or until the user asks for the end; before control_run(). */
void control_pause(struct control *control, uint64_t ms);

/* Says what is wrong with a name, in a message to the user. */
void control_resolve_failed(const char *option, const char *host, const char *service, int status);

/*
 * The start of the workers: all have a loop before one of them serves.
 *
 * control_enlist() adds one more, of at most `count` in all, which belongs to the caller and stays
 * until control_close(). control_launch() opens all loops: 0; or a UV error and nothing to undo,
 * and *error, which is a worker's, says what failed. Then they may be launched over another
 * backend.
 * control_begin() lets those that have been launched begin: 0; or a UV error, which has been
 * reported, and those run that had begun.
 */
int control_enlist(struct control *control, struct worker *worker, size_t count);
int control_launch(struct control *control, const char **error);
int control_begin(struct control *control);

/*
 * What to do when control_launch() has failed for the reason `error`: takes the next backend in the
 * place of *backend, if --backend is `name` and that leaves a choice. 0 and *backend, and `note`
 * says why; or a UV error, and `error` has been reported.
 */
int control_fall_back(const char *name, const struct backend **backend, const char *error,
                      char *note, size_t note_size);

/* Runs until the last worker has ended. The first stop drains, the second aborts. */
void control_run(struct control *control, uint64_t tick_ms);

/*
 * After control_run() and the last report: waits until stdout, stderr and the file of --json have
 * been written. If the user has asked for the end twice, readers that take nothing are given up.
 */
void control_finish(struct control *control);

/* Gives a command to every worker that runs. */
void control_post(struct control *control, enum worker_command command);

/* Lets `progress` be called ten times a second until control_run() ends, where stderr shows a line
 * of progress. The first stop does the same: whoever has asked for the end sees what is awaited. */
void control_show_progress(struct control *control);

/* The line of progress while connections end: since when, by uv_hrtime(), how many are left, and
 * how long that may take (--drain-timeout). */
void control_progress_draining(const struct control *control, uint64_t since_ns, uint64_t left,
                               uint64_t timeout_ns);

/* backend_find_mode() for what the command line says; a message if there is no such mode. */
int control_find_mode(const char *option, const struct backend *backend, const char *const *modes,
                      const char *name, unsigned *mode);

/* --backend=help: a line for each backend, and its modes, on stdout. */
void control_print_backends(void);

/* --version, on stdout. */
void control_print_version(const char *program);

/* What was printed with <stdio.h>, without output.h, is flushed: 0, or 1 and a message. */
int control_finish_output(void);

#endif
