#ifndef ECHOPORT_CLIENT_GATE_H
#define ECHOPORT_CLIENT_GATE_H

/*
 * What stands between the start of the workers and the begin of the run:
 *
 *     the server is up (--wait) -> the time has come (--start-at)         -> open
 *                                  or all clients are there (--barrier)
 *
 * A step that is not asked for is passed at once. If a step fails, the workers are told to end, and
 * the gate never opens. Main thread.
 */

#include <stdbool.h>

#include "client_barrier.h"
#include "client_options.h"
#include "client_start_at.h"
#include "client_wait.h"
#include "control.h"
#include "load.h"

enum client_gate_step { GATE_SERVER, GATE_START_AT, GATE_BARRIER, GATE_MOMENT, GATE_OPEN };

struct client_gate {
    struct control *control;
    const struct client_options *options;
    enum client_gate_step step;
    struct client_wait wait;
    struct client_start_at start_at;
    struct client_barrier barrier;
    struct moment moment;        /* that the barrier has chosen */
    uint64_t *run_id;            /* the barrier may change it */
    void (*open)(void *context); /* begins the run */
    void *context;
};

/* The time of --wait begins now. `control`, `options` and `context` must stay. `open` is called
 * once at most, from client_gate_enter() or later from the loop. */
void client_gate_init(struct client_gate *gate, struct control *control,
                      const struct client_options *options, void (*open)(void *context),
                      void *context);

/* Finds the addresses of the server and of the barrier. 0 and `resolution` of the server; or a UV
 * error, which has been reported. In any case call client_gate_free() afterwards. */
int client_gate_resolve(struct client_gate *gate, struct net_resolution *resolution);

/* The workers have started; `load` is the first of them. `run_id` is random. With
 * --barrier the gate of rank 0 gives it to the others. They take it before they open. */
void client_gate_enter(struct client_gate *gate, struct load *load, uint64_t *run_id);

/* Call it on news from a worker. */
void client_gate_on_news(struct client_gate *gate);

/* Shows in the line of progress what it waits for. */
void client_gate_progress(const struct client_gate *gate);

/* Call it when all workers have ended. If it has not opened, tells the user why, unless another
 * message has. */
void client_gate_end(struct client_gate *gate);

void client_gate_free(struct client_gate *gate);

#endif
