#include "net_system.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int net_system_error(void)
{
    return uv_translate_sys_error(errno);
}

/* Without bind(), connects share local ports anyway. */
void net_system_share_ephemeral(uv_os_sock_t os_socket)
{
    (void)os_socket;
}

#ifdef __linux__

const unsigned net_system_open_calls = 1; /* socket */
const unsigned net_accepted_calls = 0;

int net_system_open(int family, uv_os_sock_t *os_socket)
{
    *os_socket = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    return *os_socket == NET_NO_SOCKET ? net_system_error() : 0;
}

int net_accept(uv_os_sock_t listener, uv_os_sock_t *os_socket)
{
    do {
        *os_socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (*os_socket == NET_NO_SOCKET && errno == EINTR);
    return *os_socket == NET_NO_SOCKET ? net_system_error() : 0;
}

const char net_port_range[] = "sysctl net.ipv4.ip_local_port_range";

#ifndef IP_BIND_ADDRESS_NO_PORT /* older headers of the C library lack it */
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

const unsigned net_system_bind_source_calls = 2; /* setsockopt, bind */

/* See ip(7). It works for IPv6 as well. Without it, bind() reserves a port for this socket alone:
 * then all connections together have some 28,000 for each address. */
int net_system_bind_source(uv_os_sock_t os_socket, const struct sockaddr *source)
{
    (void)net_set_option(os_socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return bind(os_socket, source, net_address_size(source)) != 0 ? net_system_error() : 0;
}

static int allow_sharing(uv_os_sock_t os_socket)
{
    return net_set_option(os_socket, SOL_SOCKET, SO_REUSEPORT, 1);
}

/*
 * By socket(7), every socket of the group must set SO_REUSEPORT before it binds. In fact the first
 * may set it later, once it has the port. If it were set earlier, a second server would silently
 * share the port.
 */
int net_system_share(uv_os_sock_t claimed, const struct sockaddr *name,
                     const struct net_options *options, uv_os_sock_t *os_socket)
{
    uv_os_sock_t opened = NET_NO_SOCKET;
    int error = allow_sharing(claimed);
    if (error == 0) {
        error = net_open_for(name, options, &opened);
    }
    if (error != 0) {
        return error;
    }
    error = net_set_option(opened, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0) {
        error = allow_sharing(opened);
    }
    if (error == 0 && bind(opened, name, net_address_size(name)) != 0) {
        error = net_system_error();
    }
    if (error != 0) {
        net_close(opened);
        return error;
    }
    *os_socket = opened;
    return 0;
}

#else

const unsigned net_system_open_calls = 2; /* socket, fcntl */
const unsigned net_accepted_calls = 1 + NET_NONBLOCKING_CALLS;

int net_system_open(int family, uv_os_sock_t *os_socket)
{
    *os_socket = socket(family, SOCK_STREAM, IPPROTO_TCP);
    if (*os_socket == NET_NO_SOCKET) {
        return net_system_error();
    }
    if (fcntl(*os_socket, F_SETFD, FD_CLOEXEC) != 0) {
        int error = net_system_error();
        net_close(*os_socket);
        return error;
    }
    return 0;
}

int net_accept(uv_os_sock_t listener, uv_os_sock_t *os_socket)
{
    do {
        *os_socket = accept(listener, NULL, NULL);
    } while (*os_socket == NET_NO_SOCKET && errno == EINTR);
    if (*os_socket == NET_NO_SOCKET) {
        return net_system_error();
    }
    int error = fcntl(*os_socket, F_SETFD, FD_CLOEXEC) == 0 ? net_set_nonblocking(*os_socket)
                                                            : net_system_error();
    if (error != 0) {
        net_close(*os_socket);
    }
    return error;
}

const char net_port_range[] = "sysctl net.inet.ip.portrange.first";

const unsigned net_system_bind_source_calls = 1; /* bind */

int net_system_bind_source(uv_os_sock_t os_socket, const struct sockaddr *source)
{
    return bind(os_socket, source, net_address_size(source)) != 0 ? net_system_error() : 0;
}

/* SO_REUSEPORT does not balance here: the socket that bound last gets every connection. So these
 * are duplicates of one socket, which share its queue. */
int net_system_share(uv_os_sock_t claimed, const struct sockaddr *name,
                     const struct net_options *options, uv_os_sock_t *os_socket)
{
    (void)name;
    (void)options;
    return net_duplicate(claimed, os_socket);
}

#endif

/*
 * With SO_REUSEADDR a restarted server need not wait until the old connections have left TIME-WAIT.
 * But on Linux it also lets two sockets bind one port while neither listens. Then two servers that
 * start together could both set SO_REUSEPORT and share the port. So the first socket listens before
 * net_system_share() allows sharing.
 */
int net_system_bind(uv_os_sock_t os_socket, const struct sockaddr *address)
{
    int error = net_set_option(os_socket, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && bind(os_socket, address, net_address_size(address)) != 0) {
        error = net_system_error();
    }
    return error;
}

/* On Linux and the BSDs a connection inherits TCP_NODELAY, SO_SNDBUF and SO_RCVBUF from its
 * listener. */
int net_tune_accepted(uv_os_sock_t os_socket, const struct net_options *options)
{
    (void)os_socket;
    (void)options;
    return 0;
}

unsigned net_tune_calls(const struct net_options *options)
{
    (void)options;
    return 0;
}

int net_duplicate(uv_os_sock_t os_socket, uv_os_sock_t *duplicate)
{
    *duplicate = fcntl(os_socket, F_DUPFD_CLOEXEC, 0);
    return *duplicate == NET_NO_SOCKET ? net_system_error() : 0;
}

bool net_is_out_of_ports(int status)
{
    return status == UV_EADDRNOTAVAIL || status == UV_EADDRINUSE;
}

const bool net_accepts_ahead = false;
const bool net_holds_sends = false;
const bool net_sends_unbuffered = false;
const char net_in_use_hint[] = "; is another server running there?";
const unsigned net_turn_events = 48 * 1024;

int net_set_nonblocking(uv_os_sock_t os_socket)
{
    int flags = fcntl(os_socket, F_GETFL);
    if (flags < 0 || fcntl(os_socket, F_SETFL, flags | O_NONBLOCK) != 0) {
        return net_system_error();
    }
    return 0;
}

#ifdef __APPLE__

const unsigned net_urgent_calls = 1;

void net_keep_urgent_out(uv_os_sock_t os_socket)
{
    (void)net_set_option(os_socket, SOL_SOCKET, SO_OOBINLINE, 0);
}

#else

const unsigned net_urgent_calls = 0;

void net_keep_urgent_out(uv_os_sock_t os_socket)
{
    (void)os_socket;
}

#endif

int net_send_urgent(uv_os_sock_t os_socket, uint8_t byte)
{
    ssize_t sent = 0;
    do {
        sent = send(os_socket, &byte, 1, MSG_OOB | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent == 1 ? 0 : net_system_error();
}

/* Linux has closed the descriptor even if close() fails, with EINTR too: it must not be called
 * again. */
void net_close(uv_os_sock_t os_socket)
{
    (void)close(os_socket);
}
