#ifndef ECHOPORT_IO_URING_SOCKET_H
#define ECHOPORT_IO_URING_SOCKET_H

/* One connection of the io_uring backend. See backend.h for the operations. */

#include <netinet/in.h>

#include "io_uring_ring.h"

struct io_socket {
    struct uring_loop *loop;
    int fd;
    struct io_recv *recv; /* what is outstanding, each NULL if it is not */
    struct io_send *send;
    struct io_connect *connect;
    struct io_close *close;
    struct uring_request in;  /* of recv */
    struct uring_request out; /* of send and connect, of which there is one at a time */
    struct uring_request end; /* of close: first to cancel, then to close */
    union {
        struct waiter waiter;
        struct queue_node closed; /* in loop->closed, after close() */
    };
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
    } address;          /* that a connect goes to */
    uint64_t submitted; /* bytes of all sends so far */
    bool connected;     /* by connect(), not by adopt() */
    bool wait_first;    /* the next receive waits for data before it is tried */
    int lost;           /* 0, or the error with which an operation found the connection lost */
};

int uring_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket);
int uring_connect(struct io_loop *loop, struct io_socket *socket, const struct sockaddr *address,
                  struct io_connect *op);
int uring_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op);
void uring_release(struct io_loop *loop, uint8_t *data);
int uring_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op);
int uring_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes);
int uring_shutdown(struct io_loop *loop, struct io_socket *socket);
void uring_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                 struct io_close *op);
int uring_handle(struct io_socket *socket, uv_os_sock_t *os_socket);

/* Begins the receive of a socket that waited for a buffer. */
void uring_retry_recv(struct waiter *waiter);

/* Runs the close callbacks that are due. */
void uring_finish_closed(struct uring_loop *loop);

#endif
