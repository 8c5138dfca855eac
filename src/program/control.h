#ifndef ECHOPORT_CONTROL_H
#define ECHOPORT_CONTROL_H

/*
 * The main thread of either program: a libuv loop. It handles signals, --signal, a tick, the line
 * of progress, name resolution and news from the workers. No byte of a connection passes through
 * here. Main thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "crew.h"
#include "net.h"
#include "trigger.h"

struct control;

/*
 * What a program does, on the main thread. `restart`, `tick`, `progress` and `news` may be NULL.
 * All but `run` and `restart` are called from control_run() only. `restart` may also come from
 * control_resolve() and control_pause(). A program without `restart` drains and ends instead.
 */
struct control_events {
    bool (*open)(struct control *control); /* opens more files; false: it has said why not */
    int (*run)(struct control *control);   /* the program; returns the exit code */
    void (*restart)(struct control *control);
    void (*so_far)(struct control *control); /* print the report so far: crew_has_reports() */
    void (*tick)(struct control *control);
    void (*progress)(struct control *control); /* replace the line of progress */
    void (*news)(struct control *control);     /* a worker has published something or ended */
    const char *not_begun;                     /* why there is no report so far, for a message */
    bool needs_reader; /* stop when the reader of stdout or of stderr has gone */
};

/* Before control_main() the program sets `crew` by crew_init(), and the rest is zero. */
struct control {
    struct crew crew;
    const struct control_events *events;
    uv_loop_t loop;
    uv_async_t async;
    uv_timer_t timer;
    uv_timer_t grace;    /* runs if the system will soon end this process */
    uv_timer_t progress; /* runs while there is a line of progress */
    uv_signal_t signals[SYS_SIGNALS_MAX];
    struct trigger *trigger;
    const char *resolving; /* the host that is being resolved; NULL: none */
    unsigned stops;        /* how often the user has asked to stop */
    uint64_t stopped_ns;   /* uv_hrtime() of the first stop */
    bool begun;            /* set by the program: from now on there is something to report */
    bool reporting;        /* the workers have been asked for the report so far */
    bool finishing;        /* no more news: the outputs are being written */
};

/*
 * Opens the file `json` (NULL: none), calls `open` (NULL: nothing), opens the loop, and calls
 * `run`. Then waits until stdout, stderr and the files have been written. If the user asks to stop
 * twice, it does not wait for readers that take nothing. Returns the exit code.
 *
 * Signals are handled during the call, except those that sys_is_ignored(): a Ctrl-C stops in good
 * order. Before, it ends the process. If --signal can't reach this process, a message says so.
 */
int control_main(struct control *control, const struct control_events *events, const char *json);

/* The parts of control_main() around `run`, without outputs. 0; or a UV error and nothing to
 * undo. */
int control_open(struct control *control, const struct control_events *events);
void control_close(struct control *control);

/*
 * Resolves, and waits for it. 0 and `resolution`, to be freed by net_resolution_free(); or UV_EAI_*
 * or another UV error. UV_ECANCELED: the user has asked to stop.
 */
int control_resolve(struct control *control, struct net_resolution *resolution, const char *host,
                    const char *service, bool passive);

/* Runs the loop for `ms` milliseconds, or until the user asks to stop. Before control_run(). */
void control_pause(struct control *control, uint64_t ms);

/* Tells the user that a name was not found, and why. */
void control_resolve_failed(const char *option, const char *host, const char *service, int status);

/* Runs until the last worker has ended. The first stop drains, the second aborts. `tick` is called
 * every `tick_ms` milliseconds; 0: never. */
void control_run(struct control *control, uint64_t tick_ms);

/* Asks the workers for the report so far, which `so_far` will print. A request while one is being
 * made gets the same report. */
void control_ask_report(struct control *control);

/* From now on `progress` is called ten times a second until control_run() ends, if stderr shows a
 * line of progress. The first stop does the same, so that the user sees what the program waits
 * for. */
void control_show_progress(struct control *control);

/* Shows the line of progress while connections end. `since_ns`: uv_hrtime() when that began;
 * `left`: connections; `timeout_ns`: --drain-timeout, nanoseconds. */
void control_progress_draining(const struct control *control, uint64_t since_ns, uint64_t left,
                               uint64_t timeout_ns);

#endif
