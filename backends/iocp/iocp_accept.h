#ifndef ECHOPORT_IOCP_ACCEPT_H
#define ECHOPORT_IOCP_ACCEPT_H

/* The operations on a listener. Each accept that is outstanding has a slot, see iocp_listener.h. */

#include "iocp_port.h"

enum iocp_accept_mode { IOCP_ACCEPTEX, IOCP_ACCEPTEX_DATA, IOCP_WSAACCEPT };

int iocp_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                struct io_listener **listener);
int iocp_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op);
void iocp_accept_stop(struct io_loop *loop, struct io_listener *listener);

/* When iocp_look_after_listeners() is due next; UINT64_MAX: when something completes. */
uint64_t iocp_listeners_due(const struct iocp_loop *loop);

/* Runs callbacks of accepts, and frees listeners that have stopped. */
void iocp_look_after_listeners(struct iocp_loop *loop);

#endif
