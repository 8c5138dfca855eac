#ifndef ECHOPORT_UV_INTERNAL_H
#define ECHOPORT_UV_INTERNAL_H

/* What the halves of the `uv` backend have of each other; nobody else includes it. uv.c is the loop
 * and its sockets, uv_listener.c how sockets get in. Contracts are those of backend.h. */

#include "backend.h"

#include <assert.h>

#include "uv_calls.h"
#include "queue.h"
#include "waiters.h"

struct io_socket {
    uv_tcp_t tcp; /* first: a handle is its socket */
    struct uv_backend_loop *loop;
    struct io_recv *recv; /* what is outstanding, each NULL if it is not */
    struct io_send *send;
    struct io_connect *connect;
    struct io_close *close;
    struct waiter waiter;
    /* Each ends before the next may begin: connect, then writes, then one shutdown. */
    union {
        uv_connect_t connect;
        uv_write_t write;
        uv_shutdown_t shutdown;
    } request;
    struct uv_watch watch;
    struct queue_node waiting; /* in loop->sends while the outstanding send waits for room */
    uint32_t left;             /* bytes of that send that were left at the last look */
    uint32_t sent_turn;        /* the turn in which the outstanding send was submitted */
    uint64_t submitted;        /* bytes of all sends so far */
    size_t unsent;  /* of the send that close() cancelled, bytes that were certainly not sent */
    int broken;     /* 0, or why no operation can succeed */
    int lost;       /* 0, or the error with which an operation found the connection lost */
    bool reading;   /* uv_read_start is in force */
    bool filled;    /* the last read filled its buffer, so libuv reads once more */
    bool connected; /* by connect(), not by accept() */
    bool finishing; /* in the callback of a send that has waited */
    bool goes_on;   /* the send was submitted then: libuv tries it once more at once */
    bool denied;    /* the pool had no buffer for the read that libuv is about to report */
};

struct io_listener {
    uv_tcp_t *tcp; /* its `data` is the listener; when it has died, another one takes its place */
    uv_os_sock_t spare; /* not on Windows: a duplicate of its socket, which outlives it */
    struct uv_backend_loop *loop;
    struct io_accept *first; /* outstanding, oldest first */
    struct io_accept **last;
    struct uv_watch watch;
    uint32_t probed;  /* the turn of libuv's last accept that found no connection */
    unsigned waiting; /* connections that libuv holds for us, since no accept was outstanding */
    int error;        /* 0, or one that came when no accept was outstanding */
    int backlog;
};

struct uv_backend_loop {
    struct io_loop base; /* first */
    struct io_config config;
    uv_loop_t uv;
    uv_async_t async;
    uv_timer_t alarm;
    uv_prepare_t prepare;
    uint64_t alarm_ns; /* when the alarm rings; UINT64_MAX: not set */
    struct waiters waiters;
    struct uv_calls calls;
    struct queue sends; /* sockets with a send that waits for room */
    size_t send_count;
    size_t sockets;
    size_t listeners;
    size_t events;       /* callbacks that libuv has made in this turn */
    size_t unsent;       /* bytes left to write in `sends`, at the last look */
    unsigned idle_turns; /* turns in a row without progress, see uv_send.c */
    bool woken;
};

static inline struct uv_backend_loop *uv_self(struct io_loop *loop)
{
    assert(loop->backend == &backend_uv);
    return (struct uv_backend_loop *)(void *)loop;
}

static inline uv_stream_t *uv_stream(struct io_socket *socket)
{
    return (uv_stream_t *)(void *)&socket->tcp;
}

static inline uv_handle_t *uv_handle(struct io_socket *socket)
{
    return (uv_handle_t *)(void *)&socket->tcp;
}

/* From uv.c. */

/* The outcome of the backend for a status that libuv has reported for a connection; 0 stays 0. */
int uv_stream_error(struct io_socket *socket, int status);

/* The OS socket of a handle, for as long as that is open. */
int uv_os_socket(const uv_handle_t *handle, uv_os_sock_t *os_socket);

/* Makes `socket` one of the loop, without an OS socket yet; only a close callback ends that. */
void uv_socket_init(struct uv_backend_loop *self, struct io_socket *socket);

/* From uv_send.c. */

int uv_backend_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op);
int uv_backend_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes);

/* Counts the tries of sends that wait for room. Pauses after too many turns without progress. */
void uv_sends_after_turn(struct uv_backend_loop *self, uv_run_mode mode);

/* From uv_listener.c. */

int uv_backend_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                      struct io_listener **listener);
int uv_backend_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op);
void uv_backend_accept_stop(struct io_loop *loop, struct io_listener *listener);
int uv_backend_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket);
int uv_backend_detach(struct io_loop *loop, struct io_token *token);
void uv_backend_refuse(struct io_loop *loop, struct io_token *token);

#endif
