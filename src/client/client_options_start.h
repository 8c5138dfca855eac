#ifndef ECHOPORT_CLIENT_OPTIONS_START_H
#define ECHOPORT_CLIENT_OPTIONS_START_H

/* When the run begins, and the seed that all clients of a run share. For the client's options
 * only. */

#include <stdbool.h>

#include "client_options.h"

#define START_AT_TAKES                                                                             \
    "seconds since 1970, as in 1795957200.5, or a time with its zone, as in "                      \
    "2026-11-29T13:00:00Z or 2026-11-29T14:00:00+01:00"

/* Whether it is a time of --start-at. */
bool client_options_is_time(const char *text);

/* Reads the options about the start, after --share, and chooses the seed of clients that have a
 * share. Returns 0; or UV_EINVAL with `error` filled. */
int client_options_choose_start(struct client_options *options, struct option_error *error);

#endif
