#ifndef ECHOPORT_IOCP_PORT_H
#define ECHOPORT_IOCP_PORT_H

/*
 * The ground floor of the `iocp` backend: one loop with its completion port, and the requests that
 * the system completes. Also the calls that both connections and listeners need.
 *
 * Everything belongs to the loop's thread, except iocp_post(), which any thread may call.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "win.h"
/* Before uv.h, which hides TCP_INITIAL_RTO_PARAMETERS of mingw-w64. */
#include "backend.h"
#include "iocp_error.h"
#include "queue.h"
#include "waiters.h"

/* Most completions that one wait takes; libuv takes as many. */
#define IOCP_BATCH 128

/*
 * The memory of one operation. The system owns it from the call that answered WSA_IO_PENDING until
 * its completion has been taken from the port. That holds even if the operation is cancelled or the
 * socket is closed. A completion leads back here by the address of the OVERLAPPED.
 */
struct iocp_request {
    OVERLAPPED overlapped; /* first */
    /* `status` is a UV code; `bytes` may be more than 0 even if it failed. */
    void (*completed)(struct iocp_request *request, size_t bytes, int status);
    bool pending; /* true exactly while the system owns it */
};

struct iocp_loop {
    struct io_loop base; /* first */
    struct io_config config;
    HANDLE port;
    LONG volatile woken; /* 1: a wake is in the port; any thread */
    LPFN_ACCEPTEX accept_ex;
    LPFN_CONNECTEX connect_ex;
    struct waiters waiters;
    struct queue closed;    /* sockets with a close callback due */
    struct queue listeners; /* until nothing of them is outstanding */
    size_t sockets;
    size_t open_listeners; /* that have not been stopped */
    bool refuses_at_once;  /* the system has an option not to retransmit a SYN */
};

extern const struct backend backend_iocp; /* in iocp.c */

struct iocp_loop *iocp_self(struct io_loop *loop);

/* ---- handles ---- */

/* A TCP socket of `family` that takes an OVERLAPPED and that no child process inherits;
 * INVALID_SOCKET: see iocp_last_error(). */
SOCKET iocp_open_handle(int family);

void iocp_close_handle(SOCKET os_socket);

/* setsockopt(). 0 or a UV error. */
int iocp_set_option(SOCKET os_socket, int level, int option, const void *value, size_t size);

/* Closes the connection of a token that no socket was made of; backend.refuse. */
void iocp_refuse(struct io_loop *loop, struct io_token *token);

/* ---- requests ---- */

/* Before a call that takes the request's OVERLAPPED, which it returns. */
OVERLAPPED *iocp_begin(struct iocp_request *request);

/*
 * After such a call, on the same thread. IO_PENDING: a completion will come; IO_DONE: it is over,
 * no completion will come; or a UV error: nothing was started. `succeeded` is the call's own
 * answer.
 */
int iocp_started(struct iocp_request *request, bool succeeded, bool inline_outcomes);

/* Asks the system to end a request of `os_socket`, or all of them (NULL). Each still comes back by
 * its completion. False: it can't be asked; closing the socket ends them, too. */
bool iocp_cancel(SOCKET os_socket, struct iocp_request *request);

/* Puts the request into the port, as if the system had completed it; NULL: only wakes the loop.
 * Any thread. */
void iocp_post(HANDLE port, struct iocp_request *request);

/* Runs `completed` of the request that the entry names. */
void iocp_complete(const OVERLAPPED_ENTRY *entry);

/* ---- the port ---- */

/* Sends the completions of `os_socket` to the loop's port. 0, or a UV error: UV_EINVAL if the
 * socket has joined another port before. *inline_outcomes: a call that succeeds at once leaves no
 * completion. */
int iocp_attach(struct iocp_loop *loop, SOCKET os_socket, bool *inline_outcomes);

/* Waits for completions until `deadline_ns`. Returns how many of IOCP_BATCH `entries` were filled;
 * or a UV error: the port is unusable. Sets base.full. */
int iocp_wait(struct iocp_loop *loop, OVERLAPPED_ENTRY *entries, uint64_t deadline_ns);

#endif
