#ifndef ECHOPORT_IO_URING_ACCEPT_H
#define ECHOPORT_IO_URING_ACCEPT_H

/* One listener of the io_uring backend. See backend.h for the operations. */

#include "io_uring_ring.h"

int uring_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                 struct io_listener **listener);
int uring_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op);
void uring_accept_stop(struct io_loop *loop, struct io_listener *listener);
int uring_detach(struct io_loop *loop, struct io_token *token);
void uring_refuse(struct io_loop *loop, struct io_token *token);

/* Closes and frees the stopped listeners of which nothing is outstanding. */
void uring_finish_stopped(struct uring_loop *loop);

#endif
