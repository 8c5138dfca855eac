#ifndef ECHOPORT_CLIENT_OPTIONS_CONNECTS_H
#define ECHOPORT_CLIENT_OPTIONS_CONNECTS_H

/* The options about connections: what they say together. For the client's options only. */

#include "client_options.h"

/* Of all clients of --share together. */
#define CLIENT_CONNECTIONS_MAX 100000000

/* Of one client. */
#define CLIENT_CONNECTIONS_EACH 1000000

/* Chooses the number of connections and the local addresses. Returns 0; or UV_EINVAL with `error`
 * filled. */
int client_options_check_connects(struct client_options *options, struct option_error *error);

#endif
