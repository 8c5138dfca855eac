#ifndef ECHOPORT_NET_RIG_H
#define ECHOPORT_NET_RIG_H

/* Helpers of the tests of net.c: sockets by direct system calls, on which every failure fails the
 * test. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "sys.h"

#define SKIP(reason)                                                                               \
    do {                                                                                           \
        print_message("%s\n", (reason));                                                           \
        skip();                                                                                    \
    } while (0)

extern const struct net_options plain;
extern bool have_v6; /* ::1 can be bound; set by setup() */
extern const char *const no_v6;

struct sockaddr_storage address_of(const char *host, unsigned port);
int bind_to(const struct sockaddr_storage *address, size_t count, uv_os_sock_t *os_sockets);
int bind_host(const char *host, unsigned port, size_t count, uv_os_sock_t *os_sockets);
unsigned port_of(uv_os_sock_t os_socket);
int option_of(uv_os_sock_t os_socket, int level, int option);
void listen_all(uv_os_sock_t *os_sockets, size_t count);
void close_all(uv_os_sock_t *os_sockets, size_t count);
uv_os_sock_t connect_host(const char *host, unsigned port);
uv_os_sock_t accept_from(uv_os_sock_t listener);
bool can_accept(uv_os_sock_t listener);
void assert_formats(const struct sockaddr_storage *address, const char *expected);
int setup(void **state);

#endif
