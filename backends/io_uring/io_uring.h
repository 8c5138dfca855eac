#ifndef ECHOPORT_IO_URING_H
#define ECHOPORT_IO_URING_H

/*
 * What the files of the `io_uring` backend have of each other; nobody else includes it.
 *
 *     io_uring.c          the ring, the loop, the table of operations
 *     io_uring_socket.c   one connection
 *     io_uring_accept.c   one listener
 *     io_uring_acked.c    what the peer has acknowledged
 *     io_uring_buffers.c  the receive buffers that the kernel may choose from
 *
 * Everything belongs to the loop's thread, but for the eventfd of wake().
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <liburing.h>
#include <netinet/in.h>

#include "backend.h"
#include "waiters.h"

extern const struct backend backend_io_uring;

/* What the kernel owns from the submission until its completion has been reaped, cancelled or not.
 * A completion leads back here by its user_data. */
struct uring_request {
    /* `result` is the count, or a negative errno; `flags` those of the completion. */
    void (*completed)(struct uring_request *request, int result, unsigned flags);
    bool pending; /* true exactly while the kernel owns it */
};

/*
 * The ring of provided buffers. The kernel takes them in turn, so that each that is offered gets
 * touched: as few are offered as suffice.
 */
struct uring_buffers {
    struct io_uring_buf_ring *ring; /* `entries` of them, mapped */
    uint8_t **data;                 /* by buffer ID */
    uint16_t *free_ids;
    unsigned free_count;
    unsigned entries; /* a power of two */
    unsigned offered; /* the kernel may choose from so many */
    unsigned target;  /* so many are to be offered */
    unsigned least;   /* that were offered in the last turns */
    unsigned turns;
    size_t filled; /* bytes, in this turn */
};

struct io_socket {
    struct uring_loop *loop;
    int fd;
    struct io_recv *recv; /* what is outstanding, each NULL if it is not */
    struct io_send *send;
    struct io_connect *connect;
    struct io_close *close;
    struct uring_request in;  /* of recv */
    struct uring_request out; /* of send and connect, of which there is one at a time */
    struct uring_request end; /* of close */
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

struct uring_loop {
    struct io_loop base; /* first */
    struct io_config config;
    struct io_uring ring;
    struct uring_buffers buffers;
    struct uring_request wake;
    uint64_t wake_count; /* read from wake_fd */
    int wake_fd;
    bool woken;
    struct waiters waiters;
    struct queue closed; /* sockets whose close callback is due */
    struct queue over;   /* listeners that nothing is outstanding of */
    size_t sockets;
    size_t listeners;
};

/* ---- io_uring.c ---- */

struct uring_loop *uring_self(struct io_loop *loop);

/* Room for one submission, for a request that is not pending; NULL: there is none, try later. */
struct io_uring_sqe *uring_sqe(struct uring_loop *loop);

/* Makes the request the submission's. */
int uring_begin(struct io_uring_sqe *sqe, struct uring_request *request);

/* Asks to cancel all that is outstanding on the descriptor; what is ends by its own completion. */
void uring_cancel(struct uring_loop *loop, int fd);

/* ---- io_uring_buffers.c ---- */

/* Registers the ring for all the loop's receives. 0 or a UV error. */
int uring_buffers_open(struct uring_loop *loop);
void uring_buffers_close(struct uring_loop *loop);

/* Offers as many as are wanted, and memory allows. Once in a turn, and when one has come back. */
void uring_buffers_offer(struct uring_loop *loop);

/* One more is wanted: a receive found none. */
void uring_buffers_grow(struct uring_loop *loop);

/* Looks back on a turn: whether less would have done. */
void uring_buffers_look(struct uring_loop *loop);

/* The buffer that a completion with these flags and result names, in use from now on. */
uint8_t *uring_buffers_take(struct uring_loop *loop, unsigned flags, int result);

/* ---- io_uring_socket.c ---- */

int uring_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket);
int uring_connect(struct io_loop *loop, struct io_socket *socket, const struct sockaddr *address,
                  struct io_connect *op);
int uring_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op);
int uring_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op);
int uring_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes);
int uring_shutdown(struct io_loop *loop, struct io_socket *socket);
void uring_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                 struct io_close *op);
int uring_handle(struct io_socket *socket, uv_os_sock_t *os_socket);
void uring_retry_recv(struct waiter *waiter);
void uring_finish_closed(struct uring_loop *loop);

/* ---- io_uring_accept.c ---- */

int uring_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                 struct io_listener **listener);
int uring_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op);
void uring_accept_stop(struct io_loop *loop, struct io_listener *listener);
void uring_finish_listeners(struct uring_loop *loop);

#endif
