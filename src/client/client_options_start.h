#ifndef ECHOPORT_CLIENT_OPTIONS_START_H
#define ECHOPORT_CLIENT_OPTIONS_START_H

/* When the run begins, and the seed that all clients of a run share. For the client's options
 * only. */

#include <stdbool.h>

#include "client_options.h"

#define START_AT_TAKES                                                                             \
    "seconds since 1970, as in 1795957200.5, or a time with its zone, as in "                      \
    "2026-11-29T13:00:00Z or 2026-11-29T14:00:00+01:00"

#define BARRIER_TAKES                                                                              \
    "HOST:PORT, as in n1:7000, [::1]:7000 or :7000, with a port of 1 to 65535 or a service name"

#define LISTEN_TAKES "an address of this machine or *, with or without a port, as in 10.0.0.7"

/* Checks of the rows. */
bool client_options_is_time(const char *text);
bool client_options_is_barrier(const char *text);
bool client_options_is_listen(const char *text);

/* Reads the options about the start, after --share, and chooses the seed of clients that have a
 * share. Returns 0; or UV_EINVAL with `error` filled. */
int client_options_choose_start(struct client_options *options, struct option_error *error);

#endif
