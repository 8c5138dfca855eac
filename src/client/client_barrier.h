#ifndef ECHOPORT_CLIENT_BARRIER_H
#define ECHOPORT_CLIENT_BARRIER_H

/*
 * --barrier: clients that have a share of one load meet, and begin at the same moment. Rank 0 is
 * the host (barrier_host.h), the others are its guests (barrier_guest.h). Main thread.
 *
 *     resolve -> open (the host listens) -> ready -> begin, or failed -> end
 */

#include <stdbool.h>

#include "barrier_guest.h"
#include "barrier_host.h"
#include "client_wait.h"
#include "control.h"
#include "net.h"

struct client_barrier {
    struct barrier_plan plan;
    struct client_wait wait; /* for the name of the host */
    struct net_resolution resolution;
    struct barrier_host host; /* of rank 0 */
    struct barrier_guest guest;
};

/* Resolves the host's name, and retries within --barrier-timeout. 0; or a UV error, which has been
 * reported. In any case call client_barrier_free() afterwards. */
int client_barrier_resolve(struct client_barrier *barrier, struct control *control,
                           const struct client_options *options);

/* The workers have started: rank 0 listens from now on. `begin` and `failed`: see struct
 * barrier_plan. False: the barrier has failed already, and `failed` is not called. */
bool client_barrier_open(struct client_barrier *barrier, uint64_t run_id,
                         void (*begin)(void *context, uint64_t at_ns, uint64_t run_id),
                         void (*failed)(void *context), void *context);

/* This client is ready to begin. */
void client_barrier_ready(struct client_barrier *barrier);

/* Shows in the line of progress which ranks are missing. */
void client_barrier_progress(const struct client_barrier *barrier);

/* Leaves the barrier, since the user has told this client to end or it could not begin. Tells
 * the user, unless another message has. Does nothing if it has begun. */
void client_barrier_end(struct client_barrier *barrier);

void client_barrier_free(struct client_barrier *barrier);

#endif
