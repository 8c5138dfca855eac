#ifndef ECHOPORT_IOCP_H
#define ECHOPORT_IOCP_H

/*
 * What the files of the `iocp` backend have of each other; nobody else includes it.
 *
 *     iocp.c         the loop and its port, the table of operations
 *     iocp_socket.c  one connection: receive, send, connect, close
 *     iocp_accept.c  one listener: AcceptEx, with and without first bytes
 *     iocp_thread.c  the third way to accept: a thread that waits in WSAAccept
 *
 * Everything belongs to the loop's thread, but for the port itself, to which any thread may post.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "win.h"
/* Before uv.h, which hides TCP_INITIAL_RTO_PARAMETERS of mingw-w64. */
#include "backend.h"
#include "iocp_error.h"
#include "waiters.h"

/* Completions that one wait takes at the most; libuv takes as many. */
#define IOCP_BATCH 128

/* Bytes of one call at the most: its counts are DWORDs, and what it names stays locked. */
#define IOCP_TRANSFER_MAX ((size_t)1 << 30)

/* Bytes that an AcceptEx which waits for data can bring. */
#define IOCP_FIRST_SIZE 4096

enum iocp_accept_mode { IOCP_ACCEPTEX, IOCP_ACCEPTEX_DATA, IOCP_WSAACCEPT };
enum iocp_recv_mode { IOCP_RECV_ZERO_BYTE, IOCP_RECV_POSTED };

/*
 * What the system owns from the call that answered WSA_IO_PENDING until its completion has been
 * dequeued, whatever is cancelled or closed meanwhile: the OVERLAPPED, and so the memory around it.
 * A completion leads back here by the OVERLAPPED's address.
 */
struct iocp_request {
    OVERLAPPED overlapped; /* first */
    /* `status` is a UV code; `bytes` may be more than 0 even if it failed. */
    void (*completed)(struct iocp_request *request, size_t bytes, int status);
    bool pending; /* true exactly while the system owns it */
};

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
        struct waiter waiter;
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

struct iocp_loop {
    struct io_loop base; /* first */
    struct io_config config;
    HANDLE port;
    LONG volatile woken; /* 1: a wake is in the port; any thread */
    LPFN_ACCEPTEX accept_ex;
    LPFN_CONNECTEX connect_ex;
    struct waiters waiters;
    struct queue closed; /* sockets of which nothing is left but the close callback */
    struct queue listeners;
    size_t sockets;
    size_t open_listeners; /* that have not been stopped */
    bool refuses_at_once;  /* the system has an option not to retransmit a SYN */
};

/* ---- iocp.c ---- */

struct iocp_loop *iocp_self(struct io_loop *loop);

/* A TCP socket of `family` that takes an OVERLAPPED and that no child process inherits;
 * INVALID_SOCKET: see iocp_last_error(). */
SOCKET iocp_open_handle(int family);

/* Makes completions of `os_socket` come to the loop's port. 0, or a UV error: UV_EINVAL if another
 * port has it, or had it. *inline_outcomes: those that are over at once leave none. */
int iocp_attach(struct iocp_loop *loop, SOCKET os_socket, bool *inline_outcomes);

/* Before a call that takes the request. */
OVERLAPPED *iocp_begin(struct iocp_request *request);

/*
 * What such a call answered: IO_PENDING, a completion will come; IO_DONE, none will, it is over; or
 * a UV error, nothing was started. `succeeded` is the call's own answer.
 */
int iocp_started(struct iocp_request *request, bool succeeded, bool inline_outcomes);

/* Puts the request into the port, from any thread, as if the system had completed it. */
void iocp_post(HANDLE port, struct iocp_request *request);

/* setsockopt(). 0 or a UV error. */
int iocp_set_option(SOCKET os_socket, int level, int option, const void *value, size_t size);

void iocp_close_handle(SOCKET os_socket);

/* ---- iocp_socket.c ---- */

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

void iocp_retry_recv(struct waiter *waiter);

/* Runs the close callbacks that are due. */
void iocp_finish_closed(struct iocp_loop *loop);

/* ---- iocp_accept.c ---- */

int iocp_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                struct io_listener **listener);
int iocp_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op);
void iocp_accept_stop(struct io_loop *loop, struct io_listener *listener);

/* When the listeners next want to be looked after, UINT64_MAX: never; and that, by callbacks. */
uint64_t iocp_listeners_due(const struct iocp_loop *loop);
void iocp_look_after_listeners(struct iocp_loop *loop);

/* ---- iocp_thread.c ---- */

/*
 * A thread that waits in WSAAccept on `os_socket` as often as it is asked to, and posts what came
 * to the port. 0 and *thread, or a UV error.
 */
struct iocp_thread;
int iocp_thread_start(HANDLE port, SOCKET os_socket, struct iocp_thread **thread);

/* One connection to be waited for. Set `request` up; the rest is the thread's until the completion
 * of `request`, which it posts: then `status` is 0 and `os_socket` the connection, or a UV code. */
struct iocp_wait {
    struct iocp_request request; /* first */
    struct queue_node node;
    SOCKET os_socket;
    int status;
};
void iocp_thread_ask(struct iocp_thread *thread, struct iocp_wait *wait);

/* What the thread has not begun is posted with UV_ECANCELED. What it waits for is for CancelIoEx to
 * end, which finds it only once it is in its wait. */
void iocp_thread_stop(struct iocp_thread *thread);

/* Joins the thread, when all that was asked has been posted after the stop, and frees it. */
void iocp_thread_end(struct iocp_thread *thread);

#endif
