#ifndef ECHOPORT_PEER_H
#define ECHOPORT_PEER_H

/* The other end of a connection in the tests: plain sockets, by the system's own calls. So a
 * backend is judged by code that it does not share. Addresses are those of the loopback, the
 * system chooses the ports. Errors are UV codes. Any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

/* To be called once, first: starts the sockets, ignores SIGPIPE, and raises the limit of open
 * sockets to its maximum. Returns that limit. */
size_t peer_setup(void);

/* A socket of `family` as the system makes it. 0 and *peer. */
int peer_socket(int family, uv_os_sock_t *peer);

/* A socket that is bound to a free port of the loopback of `family`: 0, *peer and *address. */
int peer_bind(int family, uv_os_sock_t *peer, struct sockaddr_storage *address);

/* Binds a socket to that port of 127.0.0.1. 0; UV_EADDRINUSE: the port is in use; or an error. */
int peer_bind_port(unsigned port, uv_os_sock_t *peer);

/* A second socket bound to the address of `first`, where the system lets both share it as long as
 * only one listens: 0 and *second, else UV_EADDRINUSE. */
int peer_bind_beside(uv_os_sock_t first, const struct sockaddr_storage *address,
                     uv_os_sock_t *second);

int peer_listen(uv_os_sock_t peer, int backlog);

/* Waits for a connection to `listener` and accepts it. The new socket does not block. */
int peer_accept(uv_os_sock_t listener, uv_os_sock_t *peer);

/* Connects and waits for it. `receive_buffer`: SO_RCVBUF, bytes; 0: the system's own. The socket
 * does not block from then on. */
int peer_connect(const struct sockaddr_storage *address, int receive_buffer, uv_os_sock_t *peer);

/* Makes send and recv block, for at most 30 s; or makes them non-blocking. */
int peer_block(uv_os_sock_t peer, bool block);

/* The number of bytes; recv answers 0 at the end of the stream. UV_EAGAIN: none now. */
int peer_send(uv_os_sock_t peer, const void *data, size_t length);
int peer_recv(uv_os_sock_t peer, void *data, size_t size);

/* Whether there is something to receive: data, the end or an error. Any socket, which may block. */
bool peer_is_readable(uv_os_sock_t peer);

/* Sends one byte of out-of-band data (MSG_OOB). 1, or an error. */
int peer_send_urgent(uv_os_sock_t peer, char byte);

/* Sets *bytes to the bytes that were sent on `end` and not yet received by its `peer`. They are in
 * the send queue of `end` and in the receive queue of `peer`. 0; UV_ENOTSUP: the system does not
 * tell. */
int peer_held(uv_os_sock_t end, uv_os_sock_t peer, uint64_t *bytes);

int peer_nodelay(uv_os_sock_t peer);

/* SO_SNDBUF, bytes. Any socket. */
int peer_send_buffer(uv_os_sock_t peer, int bytes);

int peer_shutdown(uv_os_sock_t peer);
int peer_local_name(uv_os_sock_t peer, struct sockaddr_storage *address);
void peer_close(uv_os_sock_t peer);

/* Closes so that the other end sees a reset, and discards what is unsent. */
void peer_reset(uv_os_sock_t peer);

/* The number of descriptors that this process has open; 0 where they can't be counted. */
size_t peer_open_descriptors(void);

#endif
