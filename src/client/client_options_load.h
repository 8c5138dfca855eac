#ifndef ECHOPORT_CLIENT_OPTIONS_LOAD_H
#define ECHOPORT_CLIENT_OPTIONS_LOAD_H

/* The options that shape the load: what they say together. For the client's options only. */

#include "client_options.h"

#define CLIENT_RATE_MIN_THOUSANDTHS 1 /* of messages per second */
#define CLIENT_RATE_MAX UINT64_C(1000000000)
#define CLIENT_CONNECT_RATE_MAX UINT64_C(1000000)

/* Makes the sizes of messages and the rate. Returns 0; or UV_EINVAL with `error` filled. */
int client_options_choose_load(struct client_options *options, struct option_error *error);

#endif
