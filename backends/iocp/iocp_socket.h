#ifndef ECHOPORT_IOCP_SOCKET_H
#define ECHOPORT_IOCP_SOCKET_H

/* One connection: the operations of struct backend on an io_socket. */

#include "iocp_port.h"

enum iocp_recv_mode { IOCP_RECV_ZERO_BYTE, IOCP_RECV_POSTED };

struct io_socket {
    struct iocp_loop *loop;
    SOCKET os_socket;     /* INVALID_SOCKET once it has been closed */
    struct io_recv *recv; /* what is outstanding, each NULL if it is not */
    struct io_send *send;
    struct io_connect *connect;
    struct io_close *close;
    struct iocp_request in;  /* of recv */
    struct iocp_request out; /* of send and connect, of which there is one at a time */
    union {
        struct waiter waiter;     /* while the receive is starved */
        struct queue_node closed; /* in loop->closed, after close() */
    };
    uint64_t submitted; /* bytes of all sends so far */
    uint8_t *posted;    /* the buffer of a posted receive that is pending */
    uint8_t *first;     /* bytes that the accept brought, malloc()ed; NULL when delivered */
    size_t first_length;
    size_t first_taken;
    bool inline_outcomes; /* a call that succeeds at once leaves no completion in the port */
    bool drained;         /* as far as is known there is nothing to receive */
};

int iocp_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket);
int iocp_connect(struct io_loop *loop, struct io_socket *socket, const struct sockaddr *address,
                 struct io_connect *op);
int iocp_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op);
int iocp_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op);
int iocp_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes);
int iocp_shutdown(struct io_loop *loop, struct io_socket *socket);
void iocp_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                struct io_close *op);
int iocp_handle(struct io_socket *socket, uv_os_sock_t *os_socket);

/* The loop's waiters.retry: begins a starved receive again. */
void iocp_retry_recv(struct waiter *waiter);

/* Runs the close callbacks that are due. */
void iocp_finish_closed(struct iocp_loop *loop);

#endif
