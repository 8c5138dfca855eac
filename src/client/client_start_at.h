#ifndef ECHOPORT_CLIENT_START_AT_H
#define ECHOPORT_CLIENT_START_AT_H

/*
 * --start-at: a client that is ready waits until that time by the system's clock. Clients of one
 * clock then begin within far less than a millisecond of each other. Main thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "control.h"
#include "moment.h"

struct client_start_at {
    struct control *control;
    uint64_t unix_ns; /* when: nanoseconds since 1970 */
    bool late;        /* it had passed, which has been reported */
    uv_timer_t look;  /* control_close() closes it */
    struct moment moment;
    void (*done)(void *context);
    void *context;
};

/*
 * Call it when this client is ready. `done` is called from the loop at the time, unless the user
 * asks to stop. If the time has passed, the user is told by how much, and all workers are told to
 * end. `control` must stay.
 */
void client_start_at(struct client_start_at *start, struct control *control, uint64_t unix_ns,
                     void (*done)(void *context), void *context);

/* Shows how long that will be in the line of progress. */
void client_start_at_progress(const struct client_start_at *start);

/* Ends the wait, whether the time has come or not. */
void client_start_at_end(struct client_start_at *start);

#endif
