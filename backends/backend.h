#ifndef ECHOPORT_BACKEND_H
#define ECHOPORT_BACKEND_H

/*
 * The seam between policy and mechanism. Policy is above it, once: what to read, when to stop, what
 * to refuse. Mechanism is below it, once per system: how an operation starts, reports its end and
 * is cancelled, and how a sleeping loop is woken. Operations report completions, since readiness is
 * cheap to turn into completions (try, park, try again), but not the reverse.
 *
 * A submit returns one of three:
 *
 *   IO_DONE      the outcome is in the operation; no callback will come
 *   IO_PENDING   exactly one callback will come, from within a later poll()
 *   negative     a UV error; no callback will come, and nothing is under way; `sent` of a send is
 *                how much had been taken
 *
 * The rules. tests/suite/backend_suite.c holds every backend to each of them.
 *
 *  1. An operation and the memory it names belong to the backend from IO_PENDING until its callback
 *     starts, and to the caller at every other time.
 *  2. One outcome per submit: inline or by one callback, never both, never from inside the submit.
 *     A callback may submit and close anything. A close callback runs only after the batch of
 *     completions in which close() was called has ended.
 *  3. At most one recv and one send (or connect) are outstanding per socket, and both may be at
 *     once. The error of one does not end the other.
 *  4. After close() each outstanding operation completes before the close callback, with
 *     UV_ECANCELED if it did not end otherwise. After the close callback nothing refers to the
 *     socket. Close is a join: ask, wait for what is in flight, free once.
 *  5. Short transfers, EINTR, EAGAIN, WSA_IO_PENDING and zero-byte completions stay below the seam.
 *  6. Errors are UV codes, and the same event gives the same code on every backend: see the table
 *     in docs/backends.md.
 *  7. A backend chooses no socket options. Policy has set those of the sockets that it gets.
 *  8. An idle connection holds no buffer, except in a mode of receiving that is not the default. A
 *     receive buffer is taken from the loop's pool when there is data for it. When the pool is at
 *     its limit, a recv stays pending. release() resumes the one that has waited longest. No recv
 *     that begins later overtakes it.
 *  9. Everything has a limit that the caller sets: connections, buffer memory, outstanding accepts.
 *     The caller also limits how many IO_DONE in a row one connection may have.
 *
 * Threads: everything here belongs to the thread that opened the loop, except wake().
 * Time is in nanoseconds on the loop's own monotonic clock, which is uv_hrtime() for all but `sim`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "io_stats.h"
#include "pool.h"

enum io_outcome { IO_DONE = 0, IO_PENDING = 1 };

/* Backends define these; policy knows only their names. */
struct io_socket;   /* one connection; lives in memory that policy provides: backend.socket_size */
struct io_listener; /* one listening socket on one loop; allocated by the backend */
struct backend;

struct io_config {
    size_t buffer_size;   /* of each receive buffer, bytes, at least 1 */
    size_t buffer_memory; /* of all receive buffers of this loop, bytes, at least buffer_size */

    /* Makes a socket of `family` for connect, with policy's options set: 0 and *os_socket, or a UV
     * error. On the loop's thread, from within connect(). NULL where the loop never connects. */
    int (*open_socket)(void *context, int family, uv_os_sock_t *os_socket);
    void *open_context;
    unsigned open_calls; /* system calls of one open_socket(), for io_stats */

    unsigned accept_mode; /* of backend.accept_modes; 0, the default, where there are none */
    unsigned recv_mode;   /* of backend.recv_modes, likewise */

    /* For modes in which an accept waits for a connection's first bytes. How long it waits, 0: for
     * ever. How many connections without first bytes a listener may hold, at least 1. */
    uint64_t accept_timeout_ns;
    size_t accept_silent_max;
};

/* The public head of a loop. A backend's own loop struct begins with it. */
struct io_loop {
    const struct backend *backend;
    struct pool pool; /* the receive buffers */
    struct io_stats stats;
    size_t waiting; /* receives that wait for a buffer of the pool now */

    /* System calls that each submit several operations and wait. 0 if each operation that io_stats
     * counts is a system call. */
    uint64_t enters;
    unsigned idle_turns; /* consecutive ones, see io_loop_pause() */
    bool full; /* the last poll() ended at the limit of a turn: more may be ready at once */
};

/*
 * A receive. Set `done` before the submit. Data: `status` is 0, and `length` bytes, at least one,
 * are at `data`. That is a buffer of the loop's pool, which the caller owns until release(). End of
 * stream: `status` and `length` are 0, `data` is NULL; all that the peer sent has been delivered.
 * Error: `status` is negative, and there is no buffer.
 */
struct io_recv {
    void (*done)(struct io_recv *op);
    uint8_t *data;
    size_t length;
    int status;
    bool waiting; /* set by the backend: it waits for a buffer, not for the peer */
};

/*
 * A send of all `length` bytes at `data`, 1 to INT_MAX. Any memory will do, also a received buffer;
 * it is borrowed until the outcome. `sent` is `length` on success. On an error it is how many bytes
 * the system may have taken: exact if the mechanism tells, else an upper bound.
 */
struct io_send {
    void (*done)(struct io_send *op);
    const uint8_t *data;
    size_t length;
    size_t sent;
    int status;
};

struct io_connect {
    void (*done)(struct io_connect *op);
    int status;
};

/* How a connection ends. RESET discards what is unsent and makes the peer see ECONNRESET. */
enum io_close_how { IO_CLOSE_GRACEFUL, IO_CLOSE_RESET };

struct io_close {
    void (*done)(struct io_close *op);
};

/*
 * An accepted connection that no loop has adopted yet. Policy reads nothing in it. The backend sets
 * `os_socket` or `claim`. `first` are the bytes that came with the accept, if any.
 */
struct io_token {
    uv_os_sock_t os_socket;
    struct io_listener *claim;
    uint8_t *first;
    size_t first_length;
};

/* An accept. With `status` 0, `token` must go to adopt, detach or refuse before `done` returns,
 * or, after IO_DONE, before the next call that names this operation. */
struct io_accept {
    void (*done)(struct io_accept *op);
    struct io_accept *next; /* the backend's while outstanding */
    struct io_token token;
    int status;
};

struct backend {
    const char *name;
    bool native;        /* a candidate for --backend=raw */
    size_t socket_size; /* of a struct io_socket, bytes; aligned as malloc aligns */

    /* Names of the ways of accepting and of receiving that the mechanism has: the default first,
     * NULL at the end. NULL: there is only one way. */
    const char *const *accept_modes;
    const char *const *recv_modes;

    /* Can it run here and now? 0, or a UV error with the reason in `why`. NULL: it runs wherever it
     * was built. Any thread. */
    int (*probe)(char *why, size_t why_size);

    /* Whether `system_calls` is an estimate. Then a library makes the calls, and for its version or
     * on this system the counts were not compared with the kernel. NULL: never. Any thread. */
    bool (*estimates_calls)(void);

    /* Opens the private state of one worker, on the thread that will poll it. 0 and *loop, or a UV
     * error and nothing to undo. `config` is read during the call only. */
    int (*loop_open)(const struct io_config *config, struct io_loop **loop);

    /* What to do when loop_open() has failed with `status`. The text continues the message:
     * "; raise ...", or "" if there is nothing special to say. May be NULL. Any thread. */
    const char *(*loop_hint)(int status);

    /* Frees it. Every socket has been closed (its close callback has run) and every listener
     * stopped, which is asserted. */
    void (*loop_close)(struct io_loop *loop);

    /* One turn: waits until something completes, wake() is called or `deadline_ns` is reached (0:
     * don't wait; UINT64_MAX: no deadline), and runs the callbacks of what completed. The only
     * place from which callbacks run. Sets loop->full. If it is unset, all that was ready when the
     * call began has been delivered, except to receives that wait for a buffer. It may return early
     * and without cause. 1 if wake() was called since the last turn, else 0; negative: the loop is
     * unusable. Not from a callback. */
    int (*poll)(struct io_loop *loop, uint64_t deadline_ns);

    /* Makes the current or the next poll() return soon and with 1. From any thread, while the loop
     * is open. Wakes coalesce and are never lost. */
    void (*wake)(struct io_loop *loop);

    /* The loop's clock. */
    uint64_t (*now)(struct io_loop *loop);

    /* Takes over `os_socket`, which is bound and may listen already (net_bind()), and listens. 0
     * and *listener; or a UV error, and the socket is closed. UV_ENOTSUP: this address can't have
     * another listener; hand over instead. */
    int (*listen)(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                  struct io_listener **listener);

    /* Accepts one connection. Several may be outstanding on a listener. An error says that this
     * accept failed, not that the listener is dead: submit again, after a pause where resources are
     * short. */
    int (*accept)(struct io_loop *loop, struct io_listener *listener, struct io_accept *op);

    /* Stops accepting and closes the listening socket. What is outstanding ends with a connection,
     * which must be served, or with UV_ECANCELED. The listener must not be named again. */
    void (*accept_stop)(struct io_loop *loop, struct io_listener *listener);

    /* Makes the token's connection `socket`, on this loop. 0; or a UV error, the connection is
     * closed and `socket` unused. The token is used up in both cases. */
    int (*adopt)(struct io_loop *loop, struct io_token *token, struct io_socket *socket);

    /* Takes the token out of this loop, so that it outlives the callback and another loop may adopt
     * or refuse it. 0; or UV_ENOTSUP, and the token is still this loop's. */
    int (*detach)(struct io_loop *loop, struct io_token *token);

    /* Closes the token's connection. */
    void (*refuse)(struct io_loop *loop, struct io_token *token);

    /* Connects a socket of the config's open_socket to `address`, which is copied. On IO_DONE or
     * IO_PENDING `socket` is in use until its close callback, whatever `op->status` is; on a
     * negative answer it is unused. Close cancels it. */
    int (*connect)(struct io_loop *loop, struct io_socket *socket, const struct sockaddr *address,
                   struct io_connect *op);

    int (*recv)(struct io_loop *loop, struct io_socket *socket, struct io_recv *op);

    /* Gives back a buffer that a recv of this loop delivered. */
    void (*release)(struct io_loop *loop, uint8_t *data);

    int (*send)(struct io_loop *loop, struct io_socket *socket, struct io_send *op);

    /* How many bytes of all sends so far the peer's system has not acknowledged. These are what an
     * outstanding send has not handed over yet, and what is in the system's send queue, also of
     * completed sends. 0 and *bytes; UV_ENOTSUP: the system does not tell; another UV error: the
     * connection is known to be lost. May cost a system call: call it for a timer that is due, not
     * for each message. The socket is connected and not being closed. */
    int (*untaken)(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes);

    /* No more sends from this side: the peer reads to the end of the stream. No send is
     * outstanding, none follows. 0 or a UV error. If it takes effect in a later turn, a recv
     * reports the error. */
    int (*shutdown)(struct io_loop *loop, struct io_socket *socket);

    /* Ends the connection, in every state, and cancels what is outstanding. Never inline: `done` is
     * called from a later poll(), or later in the current one. Once per socket. */
    void (*close)(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                  struct io_close *op);

    /* The OS socket, only for getsockopt, setsockopt, getsockname, getpeername and
     * net_send_urgent(). The last only while no send is outstanding and nothing is unsent: then the
     * call does not wait, and no bytes of a send can be split by it. 0, or UV_ENOTSUP if the
     * mechanism has none. */
    int (*handle)(struct io_socket *socket, uv_os_sock_t *os_socket);
};

/* ---- for backends -------------------------------------------------------------------------- */

/* The start of connect(): calls the config's open_socket() for the family of `address`, and counts
 * its system calls. 0 and *os_socket, or a UV error. */
int io_loop_open_socket(struct io_loop *loop, const struct io_config *config,
                        const struct sockaddr *address, uv_os_sock_t *os_socket);

/* The code for what a system calls an error on a connection: EPIPE without a shutdown of ours,
 * ECONNABORTED and ENOTCONN are a reset that is seen once more. Other codes stay. */
int io_stream_error(int status);

/* Whether the connection is lost with that code. A system reports this only once, to one operation.
 * A later receive would see an end of the stream where there is none. */
bool io_stream_is_lost(int status);

/* io_stream_error(), and notes the code in *lost if the connection is lost. */
int io_stream_failed(int status, int *lost);

/* Nanoseconds from now to `deadline_ns` of uv_hrtime(); 0 if it has passed. UINT64_MAX, for ever,
 * stays. Reads the clock only if it has to. Inline, so that tests/winsock can replace the clock. */
static inline uint64_t io_wait_ns(uint64_t deadline_ns)
{
    if (deadline_ns == 0 || deadline_ns == UINT64_MAX) {
        return deadline_ns;
    }
    uint64_t now_ns = uv_hrtime();
    return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

/* The same in whole milliseconds, rounded up, `max` at most; UINT64_MAX stays. */
uint64_t io_wait_ms(uint64_t wait_ns, uint64_t max);

/* A system that is short of memory may report a socket as writable and refuse the send, or refuse
 * to take new operations. A turn that brought nothing else is idle. After IO_IDLE_TURNS of them in
 * a row, each further one sleeps for IO_PAUSE_MS. Call it once in each poll(). */
#define IO_IDLE_TURNS 16
#define IO_PAUSE_MS 4
void io_loop_pause(struct io_loop *loop, bool idle);

/* The end of each poll(): updates what `stats` derives from other counts, and counts the turn's
 * batch. `completions` is stats.completions as it was when the turn began. */
void io_loop_end_turn(struct io_loop *loop, uint64_t completions, bool woken);

/* ---- the list ------------------------------------------------------------------------------ */

/* A line of --backend=help: a backend that this build has, or that another build has. */
struct backend_entry {
    const char *name;
    const char *summary;           /* one line */
    const char *systems;           /* that have it; NULL: all of them */
    const char *library;           /* that it is built with, besides libuv; NULL: none */
    const struct backend *backend; /* NULL: this build lacks it */
    int absent;                    /* why it does: UV_ENOTSUP: the system, UV_ENOSYS: the library */
};

/* All backends, in the order of --backend=help; among the native ones that is the order of
 * preference. An entry without a name ends the list. */
extern const struct backend_entry backend_list[];

/* Every build has it. */
extern const struct backend backend_uv;

/* Can it be used here and now? 0, or a UV error with the reason in `why`: UV_ENOTSUP: it is for
 * other systems; UV_ENOSYS: it was not built. Any thread. */
int backend_probe(const struct backend_entry *entry, char *why, size_t why_size);

/*
 * Chooses by name: a backend's own, or `raw` for the best native one that can be used. 0 and
 * *backend; UV_ENOENT: no such name; UV_ENOTSUP or probe's error: it can't be used here, and the
 * sentence in `why` says why and what to do. On success `why` is empty, unless `raw` had to skip a
 * better one of this system: "io_uring: the reason".
 */
int backend_choose(const char *name, const struct backend **backend, char *why, size_t why_size);

/*
 * For use when a loop of *backend, which backend_choose() gave for `name`, did not open: finds
 * another in its place. 0: *backend is the next one that works, and `reason` has been added to
 * `why`. UV_ENOTSUP: there is none, or `name` is not `raw`; nothing has changed.
 */
int backend_fall_back(const char *name, const struct backend **backend, const char *reason,
                      char *why, size_t why_size);

/*
 * Finds `name` in accept_modes or recv_modes. 0 and *mode; UV_ENOENT, and `why` lists the names:
 * "it has a, b". NULL is the default's name.
 */
int backend_find_mode(const char *const *modes, const char *name, unsigned *mode, char *why,
                      size_t why_size);

#endif
