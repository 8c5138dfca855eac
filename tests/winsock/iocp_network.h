#ifndef ECHOPORT_IOCP_NETWORK_H
#define ECHOPORT_IOCP_NETWORK_H

/* The simulated Winsock as a network of tests/support/world.h, with the `iocp` backend over it. */

#include "winsock_sim.h"
#include "world.h"

/* Declared here: iocp.h would make macros of the names in `struct backend`. */
extern const struct backend backend_iocp;

extern const struct world_network iocp_network;

/* Begins and ends a world over it. Begin it after world_next() and the choice of the modes. In
 * between, run and check the world. */
void iocp_network_begin(const struct winsock_config *config, enum world_kind kind);
void iocp_network_end(void);

/* A client that connects to the server and sends nothing until it is told to send a byte. The
 * caller closes it by iocp_network_hang_up(). */
uv_os_sock_t iocp_network_silent_client(void);
void iocp_network_speak(uv_os_sock_t client);
void iocp_network_hang_up(uv_os_sock_t client);

/* A random world without faults: draws only what a healthy system may do. */
void iocp_network_lossless(struct winsock_config *config, uint64_t seed);

#endif
