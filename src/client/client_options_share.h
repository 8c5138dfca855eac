#ifndef ECHOPORT_CLIENT_OPTIONS_SHARE_H
#define ECHOPORT_CLIENT_OPTIONS_SHARE_H

/* --share: this client's part of the load. For the client's options only. Each function returns 0;
 * or UV_EINVAL with `error` filled. */

#include "client_options.h"

/* Reads --share, and checks that the other options go with it. Until client_options_take_share()
 * they are those of all clients together. */
int client_options_read_share(struct client_options *options, struct option_error *error);

/* Puts the rank where the names of files have {rank}. */
int client_options_name_files(struct client_options *options, struct option_error *error);

/* Keeps what all clients do together in options->whole, and leaves this client its part. Call it
 * when the other options agree. */
int client_options_take_share(struct client_options *options, struct option_error *error);

#endif
