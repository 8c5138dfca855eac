#ifndef ECHOPORT_CLIENT_WAIT_H
#define ECHOPORT_CLIENT_WAIT_H

/*
 * --wait: before the run, waits until the server is up. First its name is resolved until it is
 * found. Then the first worker tries to connect until it succeeds (WORKER_REACH). The run uses that
 * connection: the server sees no other. A name can also be waited for alone. Main thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client_options.h"
#include "control.h"
#include "load.h"

/* Bytes of "[::1]:6001": a host and a port. */
#define CLIENT_WAIT_NAME (OPTION_HOST_SIZE + OPTION_PORT_SIZE + 4)

/* What is waited for. The texts must stay. */
struct client_wait_plan {
    const char *option;      /* that gives the time, for messages */
    const char *host_option; /* that gives the host, for messages */
    const char *host;
    const char *port;
    bool passive;      /* the host is an address to listen at, as of net_resolve() */
    uint64_t limit_ns; /* 0: do not wait */
};

struct client_wait {
    struct control *control;
    struct client_wait_plan plan;
    struct load *load; /* the worker that connects; NULL: none yet */
    char name[CLIENT_WAIT_NAME];
    uint64_t deadline_ns; /* by uv_hrtime() */
    int status;           /* the error of the last try; 0: none has failed */
    bool late;            /* the deadline has passed, which has been reported */
    uv_timer_t timer;     /* control_close() closes it */
};

/* The time begins now. `control` must stay. */
void client_wait_init(struct client_wait *wait, struct control *control,
                      const struct client_wait_plan *plan);

/* The plan of --wait. */
struct client_wait_plan client_wait_for_server(const struct client_options *options);

/*
 * Resolves the name, and retries until the deadline. 0 and `resolution`, as
 * control_resolve(); or a UV error, which has been reported. UV_ECANCELED: the user has asked to
 * stop.
 */
int client_wait_resolve(struct client_wait *wait, struct net_resolution *resolution);

/* Lets a worker that waits for WORKER_BEGIN connect to the server. At the deadline all workers are
 * told to end. */
void client_wait_reach(struct client_wait *wait, struct load *load);

/* Call it on news from the worker. True: the server is up, and the run may begin. */
bool client_wait_is_over(struct client_wait *wait);

/* Call it when all workers have ended and the run has not begun. Tells the user, unless another
 * message has. */
void client_wait_report(const struct client_wait *wait);

#endif
