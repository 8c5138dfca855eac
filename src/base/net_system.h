#ifndef ECHOPORT_NET_SYSTEM_H
#define ECHOPORT_NET_SYSTEM_H

/* net.c and its system half, net_posix.c or net_windows.c, are one module: each calls the other.
 * This header is private to them. As in net.h, errors are UV codes, and nothing stays open after
 * one. */

#include "net.h"

/* ---- the system half ---- */

/* No socket: INVALID_SOCKET, or -1. */
#define NET_NO_SOCKET ((uv_os_sock_t)-1)

/* The UV code of the last failed socket call on this thread. */
int net_system_error(void);

/* Opens a TCP socket that child processes don't inherit. */
int net_system_open(int family, uv_os_sock_t *os_socket);

/* Before a connect: lets the system use the socket's port for other connections too. */
void net_system_share_ephemeral(uv_os_sock_t os_socket);

/* How many system calls the two functions above make when they succeed. */
extern const unsigned net_system_open_calls;

/* Binds to an address with port 0 before a connect. */
int net_system_bind_source(uv_os_sock_t os_socket, const struct sockaddr *source);

/* How many system calls it makes when it succeeds. */
extern const unsigned net_system_bind_source_calls;

/* Binds so that no other server can take the port once `os_socket` listens. */
int net_system_bind(uv_os_sock_t os_socket, const struct sockaddr *address);

/* Makes another socket on the port at which `claimed` listens; `name` is the address of
 * `claimed`. */
int net_system_share(uv_os_sock_t claimed, const struct sockaddr *name,
                     const struct net_options *options, uv_os_sock_t *os_socket);

/* ---- net.c ---- */

/* setsockopt() for an int. */
int net_set_option(uv_os_sock_t os_socket, int level, int option, int value);

/* Sets all of `options`. */
int net_set_options(uv_os_sock_t os_socket, const struct net_options *options);

/* How many system calls a successful net_set_options() makes. */
unsigned net_set_options_calls(const struct net_options *options);

/* Opens a socket that will be bound to `address`. */
int net_open_for(const struct sockaddr *address, const struct net_options *options,
                 uv_os_sock_t *os_socket);

#endif
