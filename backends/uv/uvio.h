#ifndef ECHOPORT_UVIO_H
#define ECHOPORT_UVIO_H

/*
 * What the files of the `uv` backend share; no other file includes it. Contracts are those of
 * backend.h. Names begin with uvio_, since uv_ is libuv's.
 *
 *     uv.c           the loop, one connection, the table of operations
 *     uv_listener.c  one listener and its accepts
 *     uv_send.c      sends, and what a turn leaves of them
 *     uv_calls*.c    counts the system calls that libuv makes by itself
 */

#include "backend.h"

#include <assert.h>

#include "accepts.h"
#include "queue.h"
#include "uv_calls.h"
#include "waiters.h"

struct io_socket {
    uv_tcp_t tcp; /* first: a handle is its socket */
    struct uvio_loop *loop;
    struct io_recv *recv; /* what is outstanding, each NULL if it is not */
    struct io_send *send;
    struct io_connect *connect;
    struct io_close *close;
    struct waiter waiter;
    /* Each ends before the next begins: connect, then writes, then one shutdown. */
    union {
        uv_connect_t connect;
        uv_write_t write;
        uv_shutdown_t shutdown;
    } request;
    struct uvio_watch watch;
    struct queue_node waiting; /* in loop->sends while the outstanding send waits for room */
    uint32_t left;             /* bytes of that send that were left at the last look */
    uint32_t sent_turn;        /* the turn in which the outstanding send was submitted */
    uint64_t submitted;        /* bytes of all sends so far */
    size_t unsent;  /* of the send that close() cancelled, bytes that were certainly not sent */
    int broken;     /* 0, or the error that every submit returns */
    int lost;       /* 0, or the error with which an operation found the connection lost */
    bool reading;   /* uv_read_start is in force */
    bool filled;    /* the last read filled its buffer, so libuv reads once more */
    bool connected; /* by connect(), not by accept() */
    bool finishing; /* in the callback of a send that has waited */
    bool goes_on;   /* the send was submitted then: libuv tries it once more at once */
    bool denied;    /* the pool had no buffer for the read that libuv is about to report */
};

struct io_listener {
    uv_tcp_t *tcp;      /* its `data` is the listener; a new one replaces it when it has died */
    uv_os_sock_t spare; /* not on Windows: a duplicate of its socket, which outlives it */
    struct uvio_loop *loop;
    struct accepts accepts; /* outstanding */
    struct uvio_watch watch;
    uint32_t probed;  /* the turn of libuv's last accept that found no connection */
    unsigned waiting; /* connections that libuv holds for us, since no accept was outstanding */
    int error;        /* 0, or one that came when no accept was outstanding */
    int backlog;
};

struct uvio_loop {
    struct io_loop base; /* first */
    struct io_config config;
    uv_loop_t uv;
    uv_async_t async;
    uv_timer_t alarm;
    uv_prepare_t prepare;
    uint64_t alarm_ns; /* when the alarm rings; UINT64_MAX: not set */
    struct waiters waiters;
    struct uvio_calls calls;
    struct queue sends; /* sockets with a send that waits for room */
    size_t send_count;
    size_t sockets;
    size_t listeners;
    size_t events; /* callbacks that libuv has made in this turn */
    size_t unsent; /* bytes left to write in `sends`, at the last look */
    bool woken;
};

static inline struct uvio_loop *uvio_self(struct io_loop *loop)
{
    assert(loop->backend == &backend_uv);
    return (struct uvio_loop *)(void *)loop;
}

static inline uv_stream_t *uvio_as_stream(struct io_socket *socket)
{
    return (uv_stream_t *)(void *)&socket->tcp;
}

static inline uv_handle_t *uvio_as_handle(struct io_socket *socket)
{
    return (uv_handle_t *)(void *)&socket->tcp;
}

/* From uv.c. */

/* The OS socket of a handle, valid while the handle is open. 0 or a UV error. */
int uvio_os_socket(const uv_handle_t *handle, uv_os_sock_t *os_socket);

/* Makes `socket` one of the loop's, without an OS socket. It is one until its close callback. */
void uvio_socket_init(struct uvio_loop *self, struct io_socket *socket);

/* From uv_send.c. */

int uvio_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op);
int uvio_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes);

/* Counts the tries of sends that wait for room. Pauses after too many turns without progress. */
void uvio_sends_after_turn(struct uvio_loop *self, uv_run_mode mode);

/* From uv_listener.c. */

int uvio_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                struct io_listener **listener);
int uvio_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op);
void uvio_accept_stop(struct io_loop *loop, struct io_listener *listener);
int uvio_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket);
int uvio_detach(struct io_loop *loop, struct io_token *token);
void uvio_refuse(struct io_loop *loop, struct io_token *token);

#endif
