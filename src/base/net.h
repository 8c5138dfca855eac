#ifndef ECHOPORT_NET_H
#define ECHOPORT_NET_H

/*
 * TCP sockets as policy wants them, and addresses as people write them. What is here happens once
 * per socket or less; moving bytes is the backends' business. Errors are UV codes. Any thread,
 * except that net_resolve() belongs to its loop's.
 */

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

/* Long enough for every text of net_format_address(), the terminating zero included. */
#define NET_ADDRESS_TEXT (INET6_ADDRSTRLEN + UV_IF_NAMESIZE + 16)

/* As `sndbuf`: SO_SNDBUF 0. The system then sends from the caller's memory, and a send is over when
 * the peer's system has acknowledged it. See net_sends_unbuffered. */
#define NET_UNBUFFERED (-1)

struct net_options {
    bool nodelay; /* TCP_NODELAY: send small messages at once */
    int sndbuf;   /* SO_SNDBUF, bytes (Linux reports the double); 0: the system's choice; or
                     NET_UNBUFFERED */
    int rcvbuf;   /* SO_RCVBUF, 0 likewise */
};

/*
 * Opens a TCP socket of `family` for a connect, and sets `options`. Child processes don't inherit
 * it. It is a blocking socket: the backend makes it non-blocking (uv_tcp_open() does). 0 and
 * *os_socket, which is the caller's; or an error and nothing is open. On Windows several sockets
 * may get the same port if their peers differ (SO_REUSE_UNICASTPORT), as without bind().
 */
int net_open(const struct net_options *options, int family, uv_os_sock_t *os_socket);

/* How many system calls net_open() makes where it succeeds. */
unsigned net_open_calls(const struct net_options *options);

/*
 * Binds `count` sockets, at least one, to one address, so that as many loops may each listen. Port
 * 0 is resolved once, for all. `options` are set before, for accepted sockets inherit them: see
 * net_tune_accepted(). [::] takes IPv4 too. 0 and `count` sockets, which are the caller's; or an
 * error and nothing is open. UV_EADDRINUSE: another program has the port, be it another server of
 * ours; it is always this function that says so, never a later listen().
 *
 * The first socket listens on return, with `backlog`, 1 or more connections: nothing less claims
 * the port on Linux, and on Windows it must be before a duplicate is made. The listen() that is to
 * come on each sets the backlog anew, except on Windows, where it changes nothing.
 *
 *   Linux    SO_REUSEPORT: `count` queues, among which the kernel spreads connections
 *   BSD      dup(): one queue; the loop that accepts first gets a connection. There another program
 *            can bind 127.0.0.1:P beside *:P, and gets the connections to that address.
 *   Windows  WSADuplicateSocketW(): one queue
 */
int net_bind(const struct sockaddr *address, const struct net_options *options, int backlog,
             size_t count, uv_os_sock_t *os_sockets);

/* Sets what an accepted socket did not inherit from its listener: on Windows all of `options`
 * (after SO_UPDATE_ACCEPT_CONTEXT where AcceptEx made it), elsewhere nothing. */
int net_tune_accepted(uv_os_sock_t os_socket, const struct net_options *options);

/* How many system calls net_tune_accepted() makes where it succeeds. */
unsigned net_tune_calls(const struct net_options *options);

/* Makes calls answer UV_EAGAIN where they would wait. Not on Windows. */
int net_set_nonblocking(uv_os_sock_t os_socket);

/* How many system calls net_set_nonblocking() makes. */
#define NET_NONBLOCKING_CALLS 2

/* Accepts a connection, as a socket that does not block and that child processes don't inherit. 0;
 * or a UV error, UV_EAGAIN if none waits at a listener that does not block. Not on Windows. */
int net_accept(uv_os_sock_t listener, uv_os_sock_t *os_socket);

/* How many system calls net_accept() makes after accept() itself, where that succeeds. */
extern const unsigned net_accepted_calls;

/* Clears SO_OOBINLINE, by which libuv puts urgent data (MSG_OOB) into the stream on macOS. Does
 * nothing on other systems. */
void net_keep_urgent_out(uv_os_sock_t os_socket);

/* How many system calls net_keep_urgent_out() makes. */
extern const unsigned net_urgent_calls;

/* Makes the close that follows a reset: the system discards what is unsent and sends RST (SO_LINGER
 * with a timeout of 0, see socket(7)). XNU fails with UV_EINVAL once both sides have ended: then
 * the close is an ordinary one. */
int net_reset_on_close(uv_os_sock_t os_socket);

void net_close(uv_os_sock_t os_socket);

/* Another handle of the same socket: one port, one backlog, until both are closed. 0 and
 * *duplicate, which is the caller's. */
int net_duplicate(uv_os_sock_t os_socket, uv_os_sock_t *duplicate);

/* Whether the system gives connections to accepts that were started before they came, as AcceptEx
 * of Windows: a loop that starts many takes many, though others wait at the same queue. */
extern const bool net_accepts_ahead;

/* Whether the system holds a send from its start to its end, as overlapped ones of Windows: then
 * libuv's write queue holds it too, and doesn't tell what has been taken of it meanwhile. */
extern const bool net_holds_sends;

/* Whether NET_UNBUFFERED is possible. Where it isn't, the system copies what is sent, keeps it
 * until it has been acknowledged, and takes 0 as its smallest buffer. */
extern const bool net_sends_unbuffered;

/* Possible causes of UV_EADDRINUSE of net_bind(), as a question that continues the message. */
extern const char net_in_use_hint[];

/* How many events libuv takes from the system in one turn of its loop at the most: 128 from a
 * completion port, 1024 from epoll or kqueue, and that 48 times. */
extern const unsigned net_turn_events;

/* The bytes of an AF_INET or AF_INET6 address; 0 for any other family. */
socklen_t net_address_size(const struct sockaddr *address);

/* The port in host order; 0 for any other family. */
unsigned net_address_port(const struct sockaddr *address);

/* Makes of "any address", where a server may listen, the loopback address of its family: not every
 * system connects to the former. Leaves others as they are. */
void net_any_to_loopback(struct sockaddr_storage *address);

/* Whether it is a link-local address of IPv6 without an interface (sin6_scope_id 0). */
bool net_lacks_scope(const struct sockaddr *address);

/* Whether a connect that failed with that error found no free local port. Windows has several codes
 * for it, most often WSAENOBUFS. */
bool net_is_out_of_ports(int status);

/* The command that sets the range of ephemeral ports, for messages. */
extern const char net_port_range[];

int net_local_name(uv_os_sock_t os_socket, struct sockaddr_storage *name);

/* UV_ENOTCONN: it never was connected, or the peer has reset it. */
int net_peer_name(uv_os_sock_t os_socket, struct sockaddr_storage *name);

/* Whether a socket is connected to itself: its own address is the peer's. That happens to a connect
 * to a port of the ephemeral range at which nothing listens, if the system chooses it as the
 * socket's own (RFC 9293, 3.5: simultaneous open). */
bool net_is_own_peer(uv_os_sock_t os_socket);

/* How many system calls net_is_own_peer() makes. */
#define NET_OWN_PEER_CALLS 2

/* Writes "127.0.0.1:6001", "[::1]:6001", "[fe80::1%eth0]:6001"; an IPv4-mapped address as IPv4;
 * "?" for what is none of these or does not fit. Always terminated. `size` is at least 2. */
void net_format_address(const struct sockaddr *address, char *text, size_t size);

/* A name on its way to being addresses. The caller sets `data` alone. */
struct net_resolution {
    void *data; /* the caller's */
    void (*done)(struct net_resolution *resolution);
    struct sockaddr_storage *addresses; /* distinct, the best first */
    size_t count;                       /* at least 1 with status 0, else 0 */
    int status;                         /* 0, or an error; UV_EAI_CANCELED after the cancel */

    /* Of net.c. */
    bool canceled;
    bool started; /* the thread */
    const char *host;
    const char *service;
    struct addrinfo hints;
    uv_thread_t thread;
    uv_loop_t loop; /* the thread's; it never runs */
    uv_getaddrinfo_t request;
    uv_async_t ended;
};

/*
 * Resolves `host` and `service` for TCP, on a thread of its own: libuv calls abort() if it can't
 * start the threads of its pool.
 *
 * `service` is a number of 0 to 65535 or a name, as in /etc/services. `host` is a name or a numeric
 * address. NULL means the loopback addresses; if `passive` (for net_bind()) it means any address,
 * and so does "*": [::] for both families where IPv6 works, else 0.0.0.0. The result includes
 * families that this machine has no route for, so that localhost is found without a network.
 *
 * 0: `done` will be called from `loop`; then call net_resolution_free(). Until then `resolution`,
 * `host` and `service` must stay. The status may also be UV_EAGAIN, UV_EMFILE or UV_ENOMEM, if no
 * thread could be started, or UV_EINVAL, if `host` can't be a host name. Otherwise an error and
 * nothing to undo: UV_EAI_SERVICE for a bad number.
 */
int net_resolve(uv_loop_t *loop, struct net_resolution *resolution, const char *host,
                const char *service, bool passive, void (*done)(struct net_resolution *resolution));

/* Call it before `done`. The status will be UV_EAI_CANCELED. The system can't interrupt a query, so
 * `done` comes when the query has ended. */
void net_resolution_cancel(struct net_resolution *resolution);

/* Frees the addresses. May be called from `done`, and more than once. */
void net_resolution_free(struct net_resolution *resolution);

#endif
