#ifndef ECHOPORT_CLIENT_OPTIONS_SHARE_H
#define ECHOPORT_CLIENT_OPTIONS_SHARE_H

/* --share: this client's part of the load. For the client's options only. */

#include "client_options.h"

/* Keeps what was asked for in options->whole. Call it when the other options agree. Returns 0; or
 * UV_EINVAL with `error` filled. */
int client_options_take_share(struct client_options *options, struct option_error *error);

#endif
