#include "client_start_at.h"

#include <stdio.h>

#include "log.h"
#include "units.h"
#include "utc.h"

/* Somebody may set the clock meanwhile. So it is read again and again, the last time when no more
 * than twice this is left. */
#define START_AT_LOOK_MS 500

#define START_AT_PROGRESS_TEXT 64

static uint64_t start_at_left_ns(const struct client_start_at *start)
{
    uint64_t now_ns = utc_now_ns();
    return start->unix_ns > now_ns ? start->unix_ns - now_ns : 0;
}

static void start_at_come(void *context)
{
    struct client_start_at *start = context;
    if (start->control->stops == 0) { /* otherwise the workers are ending */
        start->done(start->context);
    }
}

static void start_at_look(uv_timer_t *timer)
{
    struct client_start_at *start = timer->data;
    uint64_t left_ns = start_at_left_ns(start);
    if (left_ns > 2 * START_AT_LOOK_MS * NS_PER_MS) {
        (void)uv_timer_start(timer, start_at_look, START_AT_LOOK_MS, 0);
    } else {
        moment_await(&start->moment, timer->loop, uv_hrtime() + left_ns, start_at_come, start);
    }
}

static void start_at_is_late(struct client_start_at *start, uint64_t now_ns)
{
    char ready[UTC_TEXT_SIZE];
    char late[UNITS_TEXT_SIZE];
    start->late = true;
    log_message("--start-at: %s late: this client was ready at %s; choose a later time",
                units_format_duration(late, sizeof(late), now_ns - start->unix_ns),
                utc_format(ready, sizeof(ready), now_ns));
    crew_post(&start->control->crew, WORKER_ABORT);
}

void client_start_at(struct client_start_at *start, struct control *control, uint64_t unix_ns,
                     void (*done)(void *context), void *context)
{
    uint64_t now_ns = utc_now_ns();
    char time[UTC_TEXT_SIZE];
    *start = (struct client_start_at){
        .control = control, .unix_ns = unix_ns, .done = done, .context = context};
    (void)uv_timer_init(&control->loop, &start->look);
    start->look.data = start;
    if (now_ns > unix_ns) {
        start_at_is_late(start, now_ns);
    } else {
        log_message("ready; the run begins at %s", utc_format(time, sizeof(time), unix_ns));
        (void)uv_timer_start(&start->look, start_at_look, 0, 0);
    }
}

void client_start_at_progress(const struct client_start_at *start)
{
    char text[START_AT_PROGRESS_TEXT];
    char left[UNITS_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "starts in %s",
                   units_format_duration(left, sizeof(left), start_at_left_ns(start)));
    log_progress(text);
}

void client_start_at_end(struct client_start_at *start)
{
    (void)uv_timer_stop(&start->look);
    moment_cancel(&start->moment);
}
