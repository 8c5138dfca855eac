#include "control.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "hint.h"
#include "log.h"
#include "output.h"
#include "report.h"
#include "sys.h"
#include "util.h"

static void control_close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* ---- progress ------------------------------------------------------------------------------ */

/* The interval between two lines of progress. */
#define CONTROL_PROGRESS_MS 100

#define CONTROL_PROGRESS_TEXT 200

void control_progress_draining(const struct control *control, uint64_t since_ns, uint64_t left,
                               uint64_t timeout_ns)
{
    char text[CONTROL_PROGRESS_TEXT];
    struct report_end end = {.passed_ns = uv_hrtime() - since_ns,
                             .left = left,
                             .timeout_ns = timeout_ns,
                             .at_once = control->stops > 1};
    report_end_text(&end, text, sizeof(text));
    log_progress(text);
}

/* The system's resolver can't be interrupted once it has begun. */
static void control_progress_resolving(const struct control *control)
{
    char text[CONTROL_PROGRESS_TEXT];
    (void)snprintf(
        text, sizeof(text),
        "ending %.1f s: the system is looking up the address of host '%.64s'; once more to "
        "end at once",
        (double)(uv_hrtime() - control->stopped_ns) / 1e9, control->resolving);
    log_progress(text);
}

static void control_on_progress(uv_timer_t *timer)
{
    struct control *control = timer->data;
    if (control->resolving != NULL) {
        control_progress_resolving(control);
    } else if (control->crew.running > 0 && control->events->progress != NULL) {
        control->events->progress(control);
    }
}

void control_show_progress(struct control *control)
{
    if (log_has_progress() && !uv_is_active((const uv_handle_t *)&control->progress)) {
        (void)uv_timer_start(&control->progress, control_on_progress, CONTROL_PROGRESS_MS,
                             CONTROL_PROGRESS_MS);
    }
}

/* ---- what the user asks for ---------------------------------------------------------------- */

/* Time reserved for ending at once and for the last report. */
#define CONTROL_END_MS 1000

/* Ends the process at once, without waiting for its threads. */
static void control_quit(void)
{
    sys_timer_restore();
    output_quit(EXIT_FAILURE);
}

static void control_stop(struct control *control, const char *why)
{
    control->stops++;
    if (control->stops == 1) {
        control->stopped_ns = uv_hrtime();
        log_message("%s: finishing what is under way; once more to end at once", why);
        crew_post(&control->crew, WORKER_DRAIN);
        control_show_progress(control);
    } else if (control->stops == 2) {
        log_message("%s: ending at once", why);
        crew_post(&control->crew, WORKER_ABORT);
    } else {
        control_quit(); /* the third request: something hangs */
    }
}

/* Ends in good order, and ignores repeated requests: a closing terminal may send its signal twice,
 * once itself and once through its shell. */
static void control_stop_once(struct control *control, const char *why)
{
    if (control->stops == 0) {
        control_stop(control, why);
    }
}

static void control_restart(struct control *control, const char *why)
{
    if (control->events->restart != NULL) {
        control->events->restart(control);
    } else {
        control_stop_once(control, why);
    }
}

void control_ask_report(struct control *control)
{
    if (!control->reporting) {
        control->reporting = true;
        crew_post(&control->crew, WORKER_REPORT);
    }
}

static void control_request_report(struct control *control)
{
    if (control->begun) {
        control_ask_report(control);
    } else {
        log_message("no report so far: %s", control->events->not_begun);
    }
}

/* Does what a signal or --signal asks for. `name` is its name, for messages. */
static void control_obey(struct control *control, enum sys_meaning meaning, const char *name)
{
    switch (meaning) {
    case SYS_STOP:
        control_stop(control, name);
        break;
    case SYS_RESTART:
        control_restart(control, name);
        break;
    case SYS_HANG_UP:
        if (sys_terminal_is_gone()) {
            control_stop_once(control, name);
        } else {
            control_restart(control, name);
        }
        break;
    case SYS_REPORT:
        control_request_report(control);
        break;
    }
}

static void control_on_grace(uv_timer_t *timer)
{
    struct control *control = timer->data;
    if (control->stops == 1) {
        control_stop(control, "time is up");
    }
}

static void control_on_signal(uv_signal_t *handle, int number)
{
    struct control *control = handle->data;
    const struct sys_signal *signal = &sys_signals[handle - control->signals];
    assert(signal->number == number);
    (void)number;
    control_obey(control, signal->meaning, signal->name);
    if (signal->grace_ms > 0) {
        uint64_t grace_ms = signal->grace_ms - CONTROL_END_MS;
        (void)uv_timer_start(&control->grace, control_on_grace, grace_ms, 0);
    }
}

static void control_on_trigger(void *context, enum sys_meaning meaning)
{
    static const char *const names[SYS_SENT_MEANINGS] = {[SYS_STOP] = "--signal=stop",
                                                         [SYS_RESTART] = "--signal=restart",
                                                         [SYS_REPORT] = "--signal=report"};
    assert(meaning < SYS_SENT_MEANINGS);
    control_obey(context, meaning, names[meaning]);
}

static void control_open_trigger(struct control *control)
{
    int status = trigger_open(&control->loop, control_on_trigger, control, &control->trigger);
    if (status != 0) {
        log_message("--signal cannot reach this process: %s",
                    status == UV_EEXIST ? "another process has taken its name"
                                        : uv_strerror(status));
    }
}

static int control_take_signals(struct control *control)
{
    int status = 0;
    assert(sys_signal_count <= SYS_SIGNALS_MAX);
    for (size_t i = 0; i < sys_signal_count && status == 0; i++) {
        status = uv_signal_init(&control->loop, &control->signals[i]);
        control->signals[i].data = control;
        if (status == 0 && !sys_is_ignored(&sys_signals[i])) {
            status =
                uv_signal_start(&control->signals[i], control_on_signal, sys_signals[i].number);
        }
    }
    return status;
}

/* ---- workers ------------------------------------------------------------------------------- */

/* Stops a program that needs a reader if one has gone. */
static void control_look_at_output(struct control *control)
{
    if (output_look() && control->events->needs_reader && control->stops == 0) {
        control_stop(control, "the reader of the output has gone");
    }
}

/* Not after the last worker has ended: then the report at the end is next. */
static void control_report_so_far(struct control *control)
{
    if (control->reporting && control->crew.running > 0 && crew_has_reports(&control->crew)) {
        control->reporting = false;
        control->events->so_far(control);
    }
}

static void control_take_news(struct control *control)
{
    if (control->events->news != NULL) {
        control->events->news(control);
    }
    control_report_so_far(control);
}

static void control_on_async(uv_async_t *async)
{
    struct control *control = async->data;
    crew_reap(&control->crew);
    control_look_at_output(control);
    if (!control->finishing) {
        control_take_news(control);
    }
    if (control->crew.running == 0) {
        uv_stop(&control->loop);
    }
}

static void control_on_tick(uv_timer_t *timer)
{
    struct control *control = timer->data;
    control->events->tick(control);
}

void control_run(struct control *control, uint64_t tick_ms)
{
    if (control->crew.running == 0) {
        return;
    }
    if (control->stops > 0) { /* asked before the workers ran */
        crew_post(&control->crew, control->stops == 1 ? WORKER_DRAIN : WORKER_ABORT);
    }
    if (tick_ms > 0 && control->events->tick != NULL) {
        (void)uv_timer_start(&control->timer, control_on_tick, tick_ms, tick_ms);
    }
    control_on_async(&control->async); /* a worker may have ended already */
    (void)uv_run(&control->loop, UV_RUN_DEFAULT);
    (void)uv_timer_stop(&control->timer);
    (void)uv_timer_stop(&control->progress);
    assert(control->crew.running == 0);
}

/* ---- names --------------------------------------------------------------------------------- */

static void control_on_resolved(struct net_resolution *resolution)
{
    bool *resolved = resolution->data;
    *resolved = true;
}

/* Runs the loop until the query has ended. A stop cancels it. */
static void control_await_resolution(struct control *control, struct net_resolution *resolution,
                                     const bool *is_resolved)
{
    bool canceled = false;
    while (!*is_resolved) {
        (void)uv_run(&control->loop, UV_RUN_ONCE);
        if (control->stops > 0 && !*is_resolved && !canceled) {
            net_resolution_cancel(resolution);
            canceled = true;
        }
        if (control->stops > 1 && !*is_resolved) {
            control_quit(); /* the system's resolver can't be interrupted */
        }
    }
}

int control_resolve(struct control *control, struct net_resolution *resolution, const char *host,
                    const char *service, bool passive)
{
    bool resolved = false;
    resolution->data = &resolved;
    int status =
        net_resolve(&control->loop, resolution, host, service, passive, control_on_resolved);
    if (status != 0) {
        return status;
    }
    control->resolving = host == NULL ? "*" : host;
    control_await_resolution(control, resolution, &resolved);
    control->resolving = NULL;
    if (resolution->status == 0 && control->stops > 0) {
        net_resolution_free(resolution);
        return UV_ECANCELED;
    }
    return control->stops > 0 ? UV_ECANCELED : resolution->status;
}

static void control_on_pause(uv_timer_t *timer)
{
    (void)timer; /* an inactive timer ends the pause */
}

void control_pause(struct control *control, uint64_t ms)
{
    assert(control->crew.running == 0);
    (void)uv_timer_start(&control->timer, control_on_pause, ms, 0);
    while (uv_is_active((const uv_handle_t *)&control->timer) && control->stops == 0) {
        (void)uv_run(&control->loop, UV_RUN_ONCE);
    }
    (void)uv_timer_stop(&control->timer);
}

void control_resolve_failed(const char *option, const char *host, const char *service, int status)
{
    char hint[HINT_TEXT];
    hint_resolve(host, status, hint);
    log_message("%s: cannot find the address of host '%s' port '%s': %s%s", option,
                host == NULL ? "*" : host, service, uv_strerror(status), hint);
}

/* ---- output -------------------------------------------------------------------------------- */

/* The output is polled, since no event tells that a reader has stopped reading. */
#define CONTROL_LOOK_MS 20

static void control_on_look(uv_timer_t *timer)
{
    (void)timer; /* it only ends a turn of the loop */
}

static void control_finish(struct control *control)
{
    uint64_t began_ns = uv_hrtime();
    assert(control->crew.running == 0);
    control->finishing = true;
    output_end();
    (void)uv_timer_start(&control->timer, control_on_look, CONTROL_LOOK_MS, CONTROL_LOOK_MS);
    while (!output_is_over(control->stops > 1)) {
        (void)uv_run(&control->loop, UV_RUN_ONCE);
        output_say_waiting((uv_hrtime() - began_ns) / NS_PER_MS);
    }
    (void)uv_timer_stop(&control->timer);
    if (!output_is_over(false)) {
        output_give_up();
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

static int control_init_handles(struct control *control)
{
    uv_timer_t *const timers[] = {&control->timer, &control->grace, &control->progress};
    int status = uv_async_init(&control->loop, &control->async, control_on_async);
    control->async.data = control;
    for (size_t i = 0; i < LENGTH(timers) && status == 0; i++) {
        status = uv_timer_init(&control->loop, timers[i]);
        timers[i]->data = control;
    }
    return status != 0 ? status : control_take_signals(control);
}

void control_close(struct control *control)
{
    assert(control->crew.running == 0);
    output_watch(NULL);
    trigger_close(control->trigger);
    sys_signals_block();
    uv_walk(&control->loop, control_close_handle, NULL);
    (void)uv_run(&control->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&control->loop);
    sys_signals_end();
}

int control_open(struct control *control, const struct control_events *events)
{
    control->events = events;
    int status = uv_loop_init(&control->loop);
    if (status != 0) {
        return status;
    }
    status = control_init_handles(control);
    if (status != 0) {
        control_close(control);
        return status;
    }
    control_open_trigger(control);
    output_watch(&control->async);
    return 0;
}

int control_main(struct control *control, const struct control_events *events, const char *json)
{
    if (json != NULL && output_open_file(OUTPUT_RESULT, "--json: ", json, OUTPUT_ALL) != 0) {
        return 1;
    }
    if (events->open != NULL && !events->open(control)) {
        return 1;
    }
    int status = control_open(control, events);
    if (status != 0) {
        log_message("cannot open the main loop: %s%s", uv_strerror(status), sys_shortage(status));
        return 1;
    }
    int code = events->run(control);
    control_finish(control);
    control_close(control);
    return code;
}
