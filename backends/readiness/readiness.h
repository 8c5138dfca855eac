#ifndef ECHOPORT_READINESS_H
#define ECHOPORT_READINESS_H

/*
 * The core of epoll and kqueue, which report that a descriptor is ready and leave the call to the
 * program. It makes completions of readiness. It tries the call, parks the operation if the call
 * would block, and tries again when the poller reports the descriptor as ready. The systems differ
 * only in their poller.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "waiters.h"

/* Events that one wait takes at most. */
#define READINESS_BATCH 256

/* What a descriptor is ready for. END: the peer has ended its side, there is an error, or there is
 * urgent data (MSG_OOB), where a receive stops. After it a receive is tried even if the last one
 * was short. */
enum readiness { READY_RECV = 1, READY_SEND = 2, READY_END = 4 };

struct readiness_event {
    struct readiness_watch *watch; /* NULL: a wake */
    unsigned what;
    size_t unread; /* bytes that can be received; 0: the poller doesn't say */
};

/* Something that can be ready: the first member of a socket and of a listener. */
struct readiness_watch {
    void (*ready)(struct readiness_watch *watch, const struct readiness_event *event);
    int fd;          /* -1 once it has been closed */
    uint8_t wanted;  /* READY_RECV, READY_SEND or both: what it may be watched for */
    uint8_t watched; /* what the poller will report; END comes with either */
};

struct readiness_loop {
    struct io_loop base; /* first */
    struct io_config config;
    const struct poller *poller;
    int poll_fd;
    int wake_fd; /* -1: the poller needs none */
    struct waiters waiters;
    struct queue closed;  /* sockets with a close callback due */
    struct queue stopped; /* listeners with accepts to cancel */
    size_t sockets;
    size_t listeners;
    int denied; /* sends that were reported as ready in this turn and refused */
};

/* The part of a system. Edge-triggered: a descriptor is reported when it becomes ready. */
struct poller {
    const struct backend *backend;

    /* ENOBUFS of a send is a temporary shortage: the poller reports when to try again. */
    bool waits_for_buffers;

    /* Opens poll_fd, and wake_fd if it needs one. 0 or a UV error. */
    int (*open)(struct readiness_loop *loop);
    void (*close)(struct readiness_loop *loop);

    /* Watches the descriptor for `what`, READY_RECV or READY_SEND, and sets `watched`. It may watch
     * for all that is wanted. It also reports what the descriptor is already ready for. A poller
     * that reports READY_SEND only once removes it from `watched` then. 0 or a UV error. */
    int (*watch)(struct readiness_loop *loop, struct readiness_watch *watch, unsigned what);

    /* Waits for `wait_ns` at most, UINT64_MAX: for ever. Returns the number of events in `events`,
     * which has room for READINESS_BATCH; or a UV error, also UV_EINTR. */
    int (*wait)(struct readiness_loop *loop, struct readiness_event *events, uint64_t wait_ns);

    /* Makes the current or the next wait() return with an event of a wake. Any thread. */
    void (*wake)(struct readiness_loop *loop);
};

struct io_socket {
    struct readiness_watch watch; /* first */
    struct readiness_loop *loop;
    struct io_recv *recv; /* what is outstanding, each NULL if it is not */
    struct io_send *send;
    struct io_connect *connect;
    struct io_close *close;
    union {
        struct waiter waiter;
        struct queue_node closed; /* in loop->closed, after close() */
    };
    size_t unread; /* of the last event's bytes, how many have not been received yet */
    bool drained;  /* as far as is known, there is nothing to receive */
    bool blocked;  /* as far as is known, there is no room to send */
    bool ended;    /* READY_END has been seen */
    int lost;      /* 0, or the error with which an operation found the connection lost */
};

static inline struct readiness_loop *readiness_self(struct io_loop *loop)
{
    struct readiness_loop *self = (struct readiness_loop *)(void *)loop;
    assert(loop->backend == self->poller->backend);
    return self;
}

static inline int readiness_error(void)
{
    return uv_translate_sys_error(errno);
}

/* Makes the operation wait until the poller reports `what`. IO_PENDING, or a UV error. */
static inline int readiness_park(struct readiness_loop *loop, struct readiness_watch *watch,
                                 unsigned what)
{
    if ((watch->watched & what) != 0) {
        return IO_PENDING;
    }
    loop->base.stats.control_calls++;
    int status = loop->poller->watch(loop, watch, what);
    return status == 0 ? IO_PENDING : status;
}

static inline int readiness_count_inline(struct io_loop *loop, int outcome)
{
    loop->stats.inline_outcomes += outcome == IO_DONE;
    return outcome;
}

extern const struct backend backend_epoll;
extern const struct backend backend_kqueue;

/* The operations in the table of each backend, in the order of struct backend. */
#define READINESS_OPERATIONS                                                                       \
    .native = true, .socket_size = sizeof(struct io_socket), .loop_close = readiness_loop_close,   \
    .poll = readiness_poll, .wake = readiness_wake, .now = readiness_now,                          \
    .listen = readiness_listen, .accept = readiness_accept, .accept_stop = readiness_accept_stop,  \
    .adopt = readiness_adopt, .detach = readiness_detach, .refuse = readiness_refuse,              \
    .connect = readiness_connect, .recv = readiness_recv, .release = readiness_release,            \
    .send = readiness_send, .untaken = readiness_untaken, .shutdown = readiness_shutdown,          \
    .close = readiness_close, .handle = readiness_handle

/* ---- readiness.c ---- */

/* loop_open() of a backend with that poller. */
int readiness_open(const struct poller *poller, const struct io_config *config,
                   struct io_loop **loop);

void readiness_loop_close(struct io_loop *loop);
int readiness_poll(struct io_loop *loop, uint64_t deadline_ns);
void readiness_wake(struct io_loop *loop);
uint64_t readiness_now(struct io_loop *loop);

/* ---- readiness_accept.c ---- */

int readiness_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                     struct io_listener **listener);
int readiness_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op);
void readiness_accept_stop(struct io_loop *loop, struct io_listener *listener);
int readiness_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket);
int readiness_detach(struct io_loop *loop, struct io_token *token);
void readiness_refuse(struct io_loop *loop, struct io_token *token);

/* Cancels the accepts of stopped listeners, and frees these. */
void readiness_finish_stopped(struct readiness_loop *loop);

/* ---- readiness_socket.c ---- */

/* Makes `fd`, which it takes over, the connection `socket` of the loop. */
void readiness_socket_init(struct readiness_loop *loop, struct io_socket *socket, int fd);

int readiness_connect(struct io_loop *loop, struct io_socket *socket,
                      const struct sockaddr *address, struct io_connect *op);
int readiness_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op);
void readiness_release(struct io_loop *loop, uint8_t *data);
int readiness_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op);
int readiness_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes);
int readiness_shutdown(struct io_loop *loop, struct io_socket *socket);
void readiness_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                     struct io_close *op);
int readiness_handle(struct io_socket *socket, uv_os_sock_t *os_socket);

/* Tries a receive again that waited for a buffer. */
void readiness_retry_recv(struct waiter *waiter);

/* Cancels what is outstanding on closed sockets, and runs their close callbacks. */
void readiness_finish_closed(struct readiness_loop *loop);

#endif
