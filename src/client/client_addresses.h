#ifndef ECHOPORT_CLIENT_ADDRESSES_H
#define ECHOPORT_CLIENT_ADDRESSES_H

/* Which of a server's addresses the client tries, and from which addresses of its own: -4, -6 and
 * --source. Main thread, before the workers start. Errors are reported with a message. */

#include "client_options.h"
#include "net.h"
#include "source.h"

/*
 * Replaces "any address" by the loopback, and leaves out the addresses that the options exclude:
 * those of the other family with -4 or -6, and those without an address of their family in
 * --source. 0; or UV_EAI_ADDRFAMILY: none is left.
 */
int client_addresses_choose(const struct client_options *options, struct net_resolution *server);

/* Makes sure that this machine has all addresses of --source. 0 or an error. */
int client_addresses_try(const struct source *source);

#endif
