#ifndef ECHOPORT_IOCP_NETWORK_H
#define ECHOPORT_IOCP_NETWORK_H

/* The simulated Winsock as a network of tests/world.h, with the `iocp` backend over it. */

#include "winsock_sim.h"
#include "world.h"

extern const struct world_network iocp_network;

/* A random world without faults: only what is allowed to a system that is well is drawn. */
void iocp_network_lossless(struct winsock_config *config, uint64_t seed);

#endif
