#ifndef ECHOPORT_CLIENT_HOSTILE_H
#define ECHOPORT_CLIENT_HOSTILE_H

/*
 * How the client's main thread uses the worker of the hostile connections: options, crew, report.
 * Main thread.
 */

#include <stdint.h>

#include "client_options.h"
#include "client_sum.h"
#include "crew.h"
#include "hostile.h"
#include "hostile_report.h"
#include "option.h"

/* Checks --hostile and --hostile-from, and sets the default of the latter. 0; or UV_EINVAL with
 * `error` filled. */
int client_hostile_check(struct client_options *options, struct option_error *error);

/* How many hostile connections there are at the same time, of all groups. */
uint64_t client_hostile_count(const struct client_options *options);

/* Adds the worker to the crew as its companion, if there are hostile connections. `base` has the
 * io_config and the control of the other workers; only its buffers are replaced. 0; or UV_ENOMEM,
 * which has been reported. */
int client_hostile_add(struct hostile *hostile, struct crew *crew,
                       const struct client_options *options, const struct load_plan *plan,
                       const struct crew_plan *base);

/* Fills `report` and returns it; or returns NULL without hostile connections. In both cases the
 * caller frees report->result by free(); it may be NULL. */
const struct hostile_report *client_hostile_report(struct hostile *hostile, const struct crew *crew,
                                                   const struct client_sum *sum,
                                                   struct hostile_report *report);

#endif
