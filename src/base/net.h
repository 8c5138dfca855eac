#ifndef ECHOPORT_NET_H
#define ECHOPORT_NET_H

/*
 * TCP sockets with the programs' options, and addresses as text. Nothing here is called per
 * message; the backends move the bytes. Errors are UV codes. Any thread, except that net_resolve()
 * belongs to the thread of its loop.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

/* Bytes of the longest text of net_format_address(), with the terminating zero. */
#define NET_ADDRESS_TEXT (INET6_ADDRSTRLEN + UV_IF_NAMESIZE + 16)

/* As `sndbuf`: SO_SNDBUF 0. The system then sends from the caller's memory. A send completes when
 * the peer's system has acknowledged it. Only where net_sends_unbuffered. */
#define NET_UNBUFFERED (-1)

struct net_options {
    bool nodelay; /* TCP_NODELAY: send small messages at once */
    int sndbuf;   /* SO_SNDBUF, bytes (Linux reports the double); 0: the system's choice; or
                     NET_UNBUFFERED */
    int rcvbuf;   /* SO_RCVBUF, 0 likewise */
};

/*
 * Opens a TCP socket of `family` for a connect, and sets `options`. Child processes don't inherit
 * it. The socket blocks; the backend changes that (uv_tcp_open() does). 0 and *os_socket, which is
 * the caller's; or an error, and nothing is open. On Windows sockets with different peers may share
 * a local port (SO_REUSE_UNICASTPORT), as they do without bind().
 */
int net_open(const struct net_options *options, int family, uv_os_sock_t *os_socket);

/* How many system calls a successful net_open() makes. */
unsigned net_open_calls(const struct net_options *options);

/*
 * As net_open(), and binds the socket to the address `source` of this machine with port 0. The
 * system chooses the port at the connect where it can: then sockets with different peers share
 * ports (Linux: IP_BIND_ADDRESS_NO_PORT; Windows: SO_REUSE_UNICASTPORT). UV_EADDRNOTAVAIL: no
 * interface has that address.
 */
int net_open_from(const struct net_options *options, const struct sockaddr *source,
                  uv_os_sock_t *os_socket);

/* How many system calls a successful net_open_from() makes. */
unsigned net_open_from_calls(const struct net_options *options);

/*
 * Binds `count` sockets (at least 1) to one address, so that `count` loops can each listen. All get
 * the same port, also for port 0. `options` are set first, since accepted sockets inherit them: see
 * net_tune_accepted(). [::] takes IPv4 too. 0 and `count` sockets, which are the caller's; or an
 * error, and nothing is open. UV_EADDRINUSE: another program has the port, or another server of
 * ours. This function always detects that; no later listen() does.
 *
 * On return the first socket listens, with a backlog of `backlog` connections (at least 1). Linux
 * needs that to claim the port, and Windows before a duplicate is made. The later listen() on each
 * socket sets the backlog again; on Windows it changes nothing.
 *
 *   Linux    SO_REUSEPORT: `count` queues, among which the kernel distributes connections
 *   BSD      dup(): one queue; the loop that accepts first gets the connection. Another program can
 *            bind 127.0.0.1:P besides *:P, and then gets the connections to that address.
 *   Windows  WSADuplicateSocketW(): one queue
 */
int net_bind(const struct sockaddr *address, const struct net_options *options, int backlog,
             size_t count, uv_os_sock_t *os_sockets);

/* Sets what an accepted socket did not inherit from its listener: on Windows all of `options`
 * (after SO_UPDATE_ACCEPT_CONTEXT where AcceptEx made it), elsewhere nothing. */
int net_tune_accepted(uv_os_sock_t os_socket, const struct net_options *options);

/* How many system calls a successful net_tune_accepted() makes. */
unsigned net_tune_calls(const struct net_options *options);

/* Makes calls fail with UV_EAGAIN where they would block. Not on Windows. */
int net_set_nonblocking(uv_os_sock_t os_socket);

/* How many system calls net_set_nonblocking() makes. */
#define NET_NONBLOCKING_CALLS 2

/* Accepts a connection as a non-blocking socket that child processes don't inherit. 0 and
 * *os_socket, which is the caller's; or a UV error. UV_EAGAIN: none waits at a non-blocking
 * listener. Not on Windows. */
int net_accept(uv_os_sock_t listener, uv_os_sock_t *os_socket);

/* How many system calls a successful net_accept() makes after accept() itself. */
extern const unsigned net_accepted_calls;

/* Clears SO_OOBINLINE, which libuv sets on macOS: it would put out-of-band data (MSG_OOB) into the
 * stream. Does nothing on other systems. */
void net_keep_urgent_out(uv_os_sock_t os_socket);

/* How many system calls net_keep_urgent_out() makes. */
extern const unsigned net_urgent_calls;

/* Sends one byte of out-of-band data (MSG_OOB): it is not part of the stream. Call it only when the
 * system holds no unsent bytes of the socket. A blocking socket of Windows would wait for them. 0;
 * UV_EAGAIN: no room; or another UV error. */
int net_send_urgent(uv_os_sock_t os_socket, uint8_t byte);

/* How many system calls net_send_urgent() makes. */
#define NET_SEND_URGENT_CALLS 1

/* Turns the next close into a reset: the system discards unsent data and sends RST (SO_LINGER with
 * a timeout of 0, see socket(7)). XNU fails with UV_EINVAL once both sides have ended. Then the
 * close is an ordinary one. */
int net_reset_on_close(uv_os_sock_t os_socket);

void net_close(uv_os_sock_t os_socket);

/* Makes another handle of the same socket: one port and one backlog, until both are closed. 0 and
 * *duplicate, which is the caller's; or a UV error. */
int net_duplicate(uv_os_sock_t os_socket, uv_os_sock_t *duplicate);

/* Whether accepts are started before connections come, as with AcceptEx of Windows. Then a loop
 * that has started many gets many, even if other loops wait at the same queue. */
extern const bool net_accepts_ahead;

/* Whether the system holds a send from start to end, as with overlapped sends of Windows. Then
 * libuv's write queue holds it too, and does not tell how much has been taken so far. */
extern const bool net_holds_sends;

/* Whether NET_UNBUFFERED works. Elsewhere the system copies what is sent and keeps it until it has
 * been acknowledged. There SO_SNDBUF 0 means the smallest buffer. */
extern const bool net_sends_unbuffered;

/* Continues a message about UV_EADDRINUSE from net_bind(): asks about possible causes. */
extern const char net_in_use_hint[];

/* The most events that libuv takes from the system in one turn of its loop: 128 from a completion
 * port; 48 times 1024 from epoll or kqueue. */
extern const unsigned net_turn_events;

/* The size in bytes of an AF_INET or AF_INET6 address; 0 for any other family. */
socklen_t net_address_size(const struct sockaddr *address);

/* The port in host order; 0 for any other family. */
unsigned net_address_port(const struct sockaddr *address);

/* Replaces "any address", where a server may listen, by the loopback address of its family: not
 * every system connects to the former. Changes no other address. */
void net_any_to_loopback(struct sockaddr_storage *address);

/* Whether this is a link-local IPv6 address without an interface (sin6_scope_id 0). */
bool net_lacks_scope(const struct sockaddr *address);

/* Whether `status`, the error of a connect, means that no local port was free. Windows has several
 * codes for that, most often WSAENOBUFS. */
bool net_is_out_of_ports(int status);

/* The command that sets the range of ephemeral ports, for messages. */
extern const char net_port_range[];

/* The socket's own address. 0 and *name; or a UV error. */
int net_local_name(uv_os_sock_t os_socket, struct sockaddr_storage *name);

/* The peer's address. 0 and *name; or a UV error. UV_ENOTCONN: the socket was never connected, or
 * the peer has reset the connection. */
int net_peer_name(uv_os_sock_t os_socket, struct sockaddr_storage *name);

/* Whether a socket is connected to itself: its own address is the peer's. That can happen in a
 * connect to an ephemeral port at which nothing listens. The system may choose the same port for
 * the socket: a simultaneous open (RFC 9293, 3.5). */
bool net_is_own_peer(uv_os_sock_t os_socket);

/* How many system calls net_is_own_peer() makes. */
#define NET_OWN_PEER_CALLS 2

/* Writes "127.0.0.1:6001", "[::1]:6001" or "[fe80::1%eth0]:6001"; an IPv4-mapped address as IPv4.
 * "?": another family, or it does not fit. Always terminated. `size` is at least 2. */
void net_format_address(const struct sockaddr *address, char *text, size_t size);

/* The resolution of a name into addresses. The caller sets only `data`. */
struct net_resolution {
    void *data; /* the caller's */
    void (*done)(struct net_resolution *resolution);
    struct sockaddr_storage *addresses; /* distinct, the best first */
    size_t count;                       /* at least 1 with status 0, else 0 */
    int status;                         /* 0, or an error; UV_EAI_CANCELED after a cancel */

    /* Private. */
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
 * Resolves `host` and `service` for TCP, on its own thread: libuv calls abort() if it can't start
 * the threads of its pool.
 *
 * `service` is a number from 0 to 65535, or a name as in /etc/services. `host` is a name or a
 * numeric address. NULL means the loopback addresses. If `passive` (for net_bind()), NULL and "*"
 * mean any address: [::] for both families where IPv6 works, otherwise 0.0.0.0. The result includes
 * families for which this machine has no route, so that localhost is found without a network.
 *
 * 0: `done` will be called from `loop`; then call net_resolution_free(). Until then `resolution`,
 * `host` and `service` must stay. Besides the errors of a query, the status may be UV_EAGAIN,
 * UV_EMFILE or UV_ENOMEM: no thread could be started. UV_EINVAL: `host` is not a host name.
 * Otherwise an error, and nothing to undo: UV_EAI_SERVICE, a bad number.
 */
int net_resolve(uv_loop_t *loop, struct net_resolution *resolution, const char *host,
                const char *service, bool passive, void (*done)(struct net_resolution *resolution));

/* Sets the status to UV_EAI_CANCELED. Call it before `done`. The system can't interrupt a query, so
 * `done` still comes when the query has ended. */
void net_resolution_cancel(struct net_resolution *resolution);

/* Frees the addresses. May be called from `done`, and more than once. */
void net_resolution_free(struct net_resolution *resolution);

#endif
