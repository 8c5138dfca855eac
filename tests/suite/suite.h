#ifndef ECHOPORT_SUITE_H
#define ECHOPORT_SUITE_H

/*
 * The vocabulary of backend_suite's scenarios.
 *
 * A `rig` is a loop of the backend under test with a listener and its connections. All calls of the
 * backend go through the functions below. Whatever a scenario is about, they check the rules of
 * backends/backend.h that can be seen from outside:
 *
 *   rule 1   the memory of an operation is filled with rubbish before the submit and freed at the
 *            outcome. A socket's memory is freed in its close callback. AddressSanitizer sees any
 *            other use
 *   rule 2   callbacks come only from poll(), never from inside another call or callback, and
 *            there is one outcome per submit
 *   rule 4   at the close callback nothing is outstanding
 *   counts   io_stats agrees with what the rig has seen; no buffer, socket or accept is left over
 *
 * A breach is noted where it happens and fails the scenario after the turn: an assertion of cmocka
 * jumps, and must not cross the backend. Only the main thread asserts.
 *
 * An outcome, inline or not, reaches the scenario through the connection's `on_...` handler, which
 * is never called from within another handler of that connection.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend.h"
#include "patience.h"
#include "peer.h"
#include "stream.h"

#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)

/* ---- scenarios ------------------------------------------------------------------------------ */

struct scenario {
    const char *name;
    void (*run)(const struct backend *backend);
};
#define SCENARIO(function)                                                                         \
    {                                                                                              \
#function, function                                                                        \
    }

/* Each ends with a NULL name. Those of suite_both and suite_progress have the backend at both ends
 * of a connection. The others need a network of the system, because their peers are plain sockets
 * of it. */
extern const struct scenario suite_accept[];
extern const struct scenario suite_both[];
extern const struct scenario suite_close[];
extern const struct scenario suite_connect[];
extern const struct scenario suite_end[];
extern const struct scenario suite_loop[];
extern const struct scenario suite_pool[];
extern const struct scenario suite_progress[];
extern const struct scenario suite_stream[];

/* The modes of the backend while the scenario runs. */
struct suite_mode {
    unsigned accept_mode; /* for io_config */
    unsigned recv_mode;
    bool knocks; /* an accept waits for first bytes: each client sends one, which the rig takes */
};
extern struct suite_mode suite_mode;

/* Ends the scenario as one that can't run here. exceptions.txt must have it as `may`. */
void suite_skip(const char *reason);

/* ---- the simulated network ------------------------------------------------------------------ */

/* Whether the backend has a network of its own, in memory: `sim`. */
bool suite_simulated(const struct backend *backend);

/* A world around a scenario that runs on `sim`; each seed is another one. */
void suite_world_begin(uint64_t seed);
void suite_world_end(void);

/* The number of seeds that each scenario runs with there. */
#define SUITE_SEEDS 20

/* Lets the time of the world pass until something happens. */
void suite_world_step(void);

/* A port that is free in the world. */
uint16_t suite_world_port(void);

/* ---- rig ------------------------------------------------------------------------------------ */

struct suite_rig;

/* One kind of operation of a connection. */
struct side {
    bool outstanding; /* from the submit until the outcome */
    bool ready;       /* the outcome has not been handed to the handler yet */
    bool came_inline; /* the last outcome: IO_DONE, or a negative answer */
    bool negative;    /* the last submit was answered with an error */
    size_t submits;
    size_t outcomes;
    int status;     /* of the last outcome */
    uint64_t order; /* of the last outcome, in the order of all that happened in this rig */
};

struct rig_conn {
    struct suite_rig *rig;
    struct rig_conn *next;
    struct io_socket *socket; /* NULL: not there yet, or closed */

    const struct io_recv *op; /* of the recv that is outstanding */
    struct side recv;
    struct side send;
    struct side connect;
    bool closing;
    bool closed;
    uint64_t close_order; /* of the close callback */

    uint8_t *data;   /* of the last recv, ours until rig_conn_release() */
    uint8_t *buffer; /* which contains it */
    size_t length;
    bool ended;  /* a recv has reported the end of the stream */
    size_t sent; /* what the last send said */
    uint64_t received_total;
    uint64_t sent_total;

    void (*on_recv)(struct rig_conn *conn);
    void (*on_send)(struct rig_conn *conn);
    void (*on_connect)(struct rig_conn *conn);
    void (*on_close)(struct rig_conn *conn);
    void *user;
    bool running; /* a handler of this connection is on the stack */

    /* Where clients knock: what comes after the knock is the outcome of the first recv. */
    struct recv_op *knock; /* the recv of the knock, while it is outstanding */
    struct recv_op *early; /* the recv of the knock, if it brought more than that */
    struct recv_op *waits; /* the first recv of the scenario, while the knock is outstanding */
};

/* The most peers that a rig keeps. */
#define RIG_PEERS 1100

struct suite_rig {
    const struct backend *backend;
    struct io_loop *loop;
    struct io_listener *listener;
    struct sockaddr_storage address; /* of the listener */

    struct rig_conn *conns; /* newest first; only rig_close() frees them */
    size_t opened;          /* accepted and adopted */
    size_t closed;
    uv_os_sock_t peers[RIG_PEERS]; /* closed by rig_close() */
    size_t peer_count;

    struct side accept; /* `outstanding` isn't used: accepts_outstanding */
    size_t accepts_outstanding;
    size_t accepts_failed;
    size_t accepts_canceled;
    bool rearm; /* each accept that ended is followed by another */
    void (*on_token)(struct suite_rig *rig, struct io_token *token); /* NULL: adopt */
    void (*on_open)(struct rig_conn *conn);                          /* adopted */
    void *user;

    int open_socket_answer; /* the answer of the config's open_socket */
    bool open_socket_binds; /* whether its sockets are bound to the loopback, as with --source */
    int open_socket_family; /* what it was asked for last */
    size_t open_socket_calls;

    bool polling;
    bool in_call;
    bool in_callback;
    uint64_t order;
    uint64_t callbacks; /* outcomes, so without those of close */
    uint64_t inlines;
    const char *breach; /* the first */
    const char *breach_file;
    int breach_line;
};

/* Opens a rig with 1024 buffers of 64 KiB. */
void rig_open(struct suite_rig *rig, const struct backend *backend);
void rig_open_with(struct suite_rig *rig, const struct backend *backend, size_t buffer_size,
                   size_t buffer_memory);

/* Listens on a free port and keeps `accepts` accepts outstanding. */
void rig_listen(struct suite_rig *rig, int backlog, size_t accepts);

/* Submits one accept, or with `rearm` accepts until one is outstanding. */
void rig_accept(struct suite_rig *rig);

void rig_accept_stop(struct suite_rig *rig);

/* Closes what is open, waits for it, and checks that nothing is left and the counts are right. */
void rig_close(struct suite_rig *rig);

/* Runs one turn until the deadline, and returns the answer of poll(). Asserts that no rule has been
 * broken. */
int rig_poll(struct suite_rig *rig, uint64_t deadline_ns);

/* Runs one turn of at most 2 ms. */
void rig_turn(struct suite_rig *rig);

/* Turns of at least 20 ms, in which an event that must not come would come. */
void rig_quiet(struct suite_rig *rig);

/* Turns until the condition holds. */
#define RIG_UNTIL(rig, condition)                                                                  \
    do {                                                                                           \
        const uint64_t until_ = uv_hrtime() + PATIENCE_NS;                                         \
        while (!(condition)) {                                                                     \
            rig_turn(rig);                                                                         \
            if (uv_hrtime() > until_) {                                                            \
                fail_msg("%s:%d: in vain waited for: %s", __FILE__, __LINE__, #condition);         \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* Notes a breach instead of asserting: for callbacks. */
#define RIG_CHECK(rig, condition) rig_check((rig), (condition), #condition, __FILE__, __LINE__)
void rig_check(struct suite_rig *rig, bool holds, const char *what, const char *file, int line);

/* An address that refuses connects as long as the rig is open. */
void rig_refusing_address(struct suite_rig *rig, struct sockaddr_storage *address);

/* A peer that has connected to the listener and is closed with the rig. */
uv_os_sock_t rig_peer(struct suite_rig *rig);

/* The same with SO_RCVBUF, in bytes; 0: the system's. */
uv_os_sock_t rig_peer_with(struct suite_rig *rig, int receive_buffer);

/* Lets the rig take over this peer and close it, or lets it forget the peer. */
void rig_keep_peer(struct suite_rig *rig, uv_os_sock_t peer);
void rig_forget_peer(struct suite_rig *rig, uv_os_sock_t peer);

/* A peer and the accepted connection that is its other end. */
struct rig_conn *rig_pair(struct suite_rig *rig, uv_os_sock_t *peer);

/* The same in a rig that it opens. */
struct rig_conn *rig_open_pair(struct suite_rig *rig, const struct backend *backend,
                               uv_os_sock_t *peer);

/* The same with a connection that receives with this handler. Its peer has sent the data. */
struct rig_conn *rig_open_called(struct suite_rig *rig, const struct backend *backend,
                                 void (*on_recv)(struct rig_conn *conn), const void *data,
                                 size_t length);

/* Turns until the peer has read to the end: 0 at the end of the stream, else the error. *count is
 * what it read on the way, in bytes; NULL: it must be nothing. */
int rig_peer_end(struct suite_rig *rig, uv_os_sock_t peer, uint64_t *count);

/* Whether this result of a receiver (0: the end of the stream, else the error) may be a reset.
 * Wine sends a FIN whenever it closes a socket, and the reset after it, so there the end is
 * accepted. */
bool rig_is_reset(int end);

/* Sends all of it, turning while the peer can't. */
void rig_peer_send(struct suite_rig *rig, uv_os_sock_t peer, const void *data, size_t length);

/* Asserts that the counters of the loop agree with what this rig has seen. */
void rig_assert_stats(struct suite_rig *rig);

/* ---- connection ----------------------------------------------------------------------------- */

/* A connection that has no socket yet. */
struct rig_conn *rig_conn_new(struct suite_rig *rig);

/* 0, or adopt's error, and the connection counts as closed. */
int rig_conn_adopt(struct rig_conn *conn, struct io_token *token);

/* The outcome is in `connect`, even if it is a negative answer. */
void rig_conn_connect(struct rig_conn *conn, const struct sockaddr_storage *address);

void rig_conn_recv(struct rig_conn *conn);
void rig_conn_send(struct rig_conn *conn, const void *data, size_t length);
void rig_conn_release(struct rig_conn *conn);
int rig_conn_shutdown(struct rig_conn *conn);
void rig_conn_close(struct rig_conn *conn, enum io_close_how how);

/* The same, with turns until its close callback has run. */
void rig_conn_end(struct rig_conn *conn, enum io_close_how how);

/* A handler for `on_open`: sends back what comes, and closes gracefully at the end of the stream or
 * at an error. */
void echo_open(struct rig_conn *conn);

/* A handler for `on_recv`: counts, checks against the stream at `user` if there is one, releases
 * and receives on. */
void sink_recv(struct rig_conn *conn);

/* ---- pair ----------------------------------------------------------------------------------- */

/* A connection between two sockets of the backend: its two ends. */
struct pair {
    struct rig_conn *client;
    struct rig_conn *server; /* that was accepted */
};

/* Opens a rig that listens, and its first pair. */
struct pair pair_open_rig(struct suite_rig *rig, const struct backend *backend);

struct pair pair_open(struct suite_rig *rig);

/* ---- fill ----------------------------------------------------------------------------------- */

/* What a connection sends while its peer does not read. */
struct fill {
    struct stream stream;
    uint8_t *piece;     /* the memory of the last send */
    uint64_t submitted; /* bytes, from the beginning of the stream */
};

/* Sends until a send stays outstanding: the connection is full. One long send need not fill it:
 * Windows takes a whole send as long as there is any room. Runs turns of the loop meanwhile. */
struct fill rig_conn_fill(struct rig_conn *conn);

/* The same with a recv beside it, in a rig that it opens with this pair. Both are outstanding. */
struct rig_conn *rig_open_filled(struct suite_rig *rig, const struct backend *backend,
                                 uv_os_sock_t *peer, struct fill *fill);

/* The same as rig_conn_fill() without a turn, for use in a callback. */
struct fill rig_conn_fill_at_once(struct rig_conn *conn);

/* Frees the memory. No send may be outstanding. */
void fill_free(struct fill *fill);

/* ---- flow ----------------------------------------------------------------------------------- */

/* A peer that sends `length` bytes of its own stream, `chunk` at a time, and reads and verifies
 * what comes back meanwhile. */
struct flow {
    uv_os_sock_t peer;
    struct stream stream;
    uint64_t length;
    size_t chunk;
    uint64_t sent;
    uint64_t received;
};

/* Sends and reads once, without waiting. Whether any bytes moved. */
bool flow_step(struct flow *flow);

/* Turns until all bytes have come back. */
void rig_flow(struct suite_rig *rig, struct flow *flow);

/* The same for a message of `length` bytes on a peer. */
void rig_echo(struct suite_rig *rig, uv_os_sock_t peer, size_t length);

/* Turns until the peer has read `length` bytes of the stream, which it verifies. */
void rig_peer_read(struct suite_rig *rig, uv_os_sock_t peer, const struct stream *stream,
                   uint64_t length);

/* The first `length` bytes of the stream; to be freed. */
uint8_t *stream_bytes(const struct stream *stream, size_t length);

#endif
