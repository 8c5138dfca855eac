#ifndef ECHOPORT_CLIENT_WAIT_H
#define ECHOPORT_CLIENT_WAIT_H

/*
 * --wait: the time before the run, until the server is up. Its name is looked up until it is found;
 * then the first worker connects until it has succeeded (WORKER_REACH). That connection is the
 * first of the run, so the server sees none that the run does not use. Main thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client_options.h"
#include "control.h"
#include "load.h"

/* "[::1]:6001", of a host and a port. */
#define CLIENT_WAIT_NAME (OPTION_HOST_SIZE + OPTION_PORT_SIZE + 4)

struct client_wait {
    struct control *control;
    const struct client_options *options;
    struct load *load; /* the one that connects; NULL: none does yet */
    char name[CLIENT_WAIT_NAME];
    uint64_t deadline_ns; /* of uv_hrtime() */
    int status;           /* why the last try failed; 0: none has */
    bool late;            /* the time is over, which has been reported */
    uv_timer_t timer;     /* in control's loop, which closes it */
};

/* The time begins now. */
void client_wait_init(struct client_wait *wait, struct control *control,
                      const struct client_options *options);

/*
 * Resolves the server's name, again and again for as long as --wait says. 0 and `resolution`, as
 * control_resolve(); UV_ECANCELED if the user asked for the end; or another UV error. Both have
 * been reported.
 */
int client_wait_resolve(struct client_wait *wait, struct net_resolution *resolution);

/* Lets a worker that has been started and not begun look for the server. When the time is over, all
 * workers are told to end. */
void client_wait_reach(struct client_wait *wait, struct load *load);

/* To be called on news from the worker. True: the server is up, and the run may begin. */
bool client_wait_is_over(struct client_wait *wait);

/* When all workers have ended and the run has not begun: says so, if nothing else has. */
void client_wait_report(const struct client_wait *wait);

#endif
