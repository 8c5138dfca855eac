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

    /* Stop when the reader of stdout or of stderr has gone. */
    bool needs_reader;
};

struct control {
    const struct control_events *events;
    uv_loop_t loop;
    uv_async_t async;
    uv_timer_t timer;
    uv_timer_t grace;    /* runs if the system will soon end this process */
    uv_timer_t progress; /* runs while there is a line of progress */
    uv_signal_t signals[SYS_SIGNALS_MAX];
    struct trigger *trigger;
    struct worker **workers; /* the enlisted ones; NULL once joined */
    size_t enlisted;
    size_t worker_count; /* how many of them have begun */
    size_t running;
    const char *resolving; /* the host that is being resolved; NULL: none is */
    unsigned stops;        /* how often the user has asked to stop */
    uint64_t stopped_ns;   /* by uv_hrtime(), when the user first did */
    bool failed;           /* a worker has ended with an error, which has been reported */
    bool finishing;        /* control_finish() has begun: the workers' memory may have been freed */
};

/* Opens the loop and handles the signals, except those that sys_is_ignored(). From now on a Ctrl-C
 * stops in good order; before, it ends the process. Listens to --signal as well; if that fails,
 * says why and goes on. 0, or a UV error and nothing to undo. */
int control_open(struct control *control, const struct control_events *events);
void control_close(struct control *control);

/*
 * Resolves, and waits for it. 0 and `resolution`, to be freed by net_resolution_free(); or UV_EAI_*
 * or another UV error: UV_ECANCELED if the user has asked to stop meanwhile.
 */
int control_resolve(struct control *control, struct net_resolution *resolution, const char *host,
                    const char *service, bool passive);

/* Runs the loop for `ms`, or until the user asks to stop. Before control_run(). */
void control_pause(struct control *control, uint64_t ms);

/* Says what is wrong with a name, in a message to the user. */
void control_resolve_failed(const char *option, const char *host, const char *service, int status);

/*
 * The start of the workers: every worker has a loop before any of them serves. Main thread.
 *
 * control_enlist() adds a worker, of at most `count` in all. It belongs to the caller and must stay
 * until control_close(). 0; or UV_ENOMEM, which has been reported.
 *
 * control_launch() opens all loops. 0; or a UV error and nothing to undo. Then *error says what
 * failed; the text belongs to a worker. The workers may be launched again, over another backend.
 *
 * control_begin() starts the role of each. 0; or a UV error, which has been reported. Then the
 * workers that had begun go on running.
 */
int control_enlist(struct control *control, struct worker *worker, size_t count);
int control_launch(struct control *control, const char **error);
int control_begin(struct control *control);

/*
 * For use when control_launch() has failed for the reason `error`. `name` is the value of
 * --backend; if it is `raw`, the next backend that works takes the place of *backend. 0: *backend
 * is that one, and `note` says why. Otherwise a UV error, and `error` has been reported.
 */
int control_fall_back(const char *name, const struct backend **backend, const char *error,
                      char *note, size_t note_size);

/* Runs until the last worker has ended. The first stop drains, the second aborts. */
void control_run(struct control *control, uint64_t tick_ms);

/*
 * After control_run() and the last report: waits until stdout, stderr and the file of --json have
 * been written. If the user has asked to stop twice, it does not wait for readers that take
 * nothing.
 */
void control_finish(struct control *control);

/* Gives a command to every worker that runs. */
void control_post(struct control *control, enum worker_command command);

/* From now on calls `progress` ten times a second until control_run() ends, if stderr shows a line
 * of progress. The first stop does the same, so that the user sees what the program waits for. */
void control_show_progress(struct control *control);

/* Shows the line of progress while connections end. `since_ns`: when that began, by uv_hrtime();
 * `left`: connections; `timeout_ns`: how long it may take (--drain-timeout). */
void control_progress_draining(const struct control *control, uint64_t since_ns, uint64_t left,
                               uint64_t timeout_ns);

/* backend_find_mode() for what the command line says; a message if there is no such mode. */
int control_find_mode(const char *option, const struct backend *backend, const char *const *modes,
                      const char *name, unsigned *mode);

/* --backend=help: a line for each backend, and its modes, on stdout. */
void control_print_backends(void);

/* --version, on stdout. */
void control_print_version(const char *program);

/* Flushes what was printed with <stdio.h>, without output.h. 0, or 1 and a message. */
int control_finish_output(void);

#endif
