#ifndef ECHOPORT_NET_SYSTEM_H
#define ECHOPORT_NET_SYSTEM_H

/* What net.c and its system half, net_posix.c or net_windows.c, have of each other; nobody else
 * includes it. Contracts are those of net.h: UV codes, and nothing stays open after an error. */

#include "net.h"

/* From the system half. */

/* No socket, on every system: INVALID_SOCKET, or -1. */
#define NET_NO_SOCKET ((uv_os_sock_t)-1)

/* The UV code of the socket call that has just failed on this thread. */
int net_system_error(void);

int net_system_open(int family, uv_os_sock_t *os_socket);

/* Before a connect: allows the system to give its port to other connections as well. */
void net_system_share_ephemeral(uv_os_sock_t os_socket);

/* How many system calls these two make where they succeed. */
extern const unsigned net_system_open_calls;

/* Binds, so that no other server can take the port once `os_socket` listens. */
int net_system_bind(uv_os_sock_t os_socket, const struct sockaddr *address);

/* Another socket on the port at which `claimed` listens; `name` is that socket's own. */
int net_system_share(uv_os_sock_t claimed, const struct sockaddr *name,
                     const struct net_options *options, uv_os_sock_t *os_socket);

/* From net.c. */

int net_set_option(uv_os_sock_t os_socket, int level, int option, int value);

int net_set_options(uv_os_sock_t os_socket, const struct net_options *options);

/* How many system calls net_set_options() makes where it succeeds. */
unsigned net_set_options_calls(const struct net_options *options);

/* Opens a socket that is to be bound to `address`. */
int net_open_for(const struct sockaddr *address, const struct net_options *options,
                 uv_os_sock_t *os_socket);

#endif
