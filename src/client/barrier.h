#ifndef ECHOPORT_BARRIER_H
#define ECHOPORT_BARRIER_H

/* What the host of a barrier and its guests have in common: what they know, and what they tell the
 * client. */

#include <stdint.h>

#include <uv.h>

#include "client_options.h"

/* The time for a connection to prove that it belongs to the run. A stranger may be silent. */
#define BARRIER_PROOF_MS 5000

struct barrier_plan {
    uv_loop_t *loop;
    const struct client_options *options;
    const char *name;                         /* of the host: "n1:7000" */
    const struct sockaddr_storage *addresses; /* of the host, at least one */
    size_t address_count;

    /* Called from the loop, once at most: the run begins at `at_ns` by uv_hrtime(), and `run_id` is
     * that of rank 0; or it never will, and the user has been told why. */
    void (*begin)(void *context, uint64_t at_ns, uint64_t run_id);
    void (*failed)(void *context);
    void *context;
};

#endif
