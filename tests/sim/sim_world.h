#ifndef ECHOPORT_SIM_WORLD_H
#define ECHOPORT_SIM_WORLD_H

/*
 * The inside of sim, in layers:
 *
 *   sim_world.c  chance, time, events, and the rule that was broken
 *   sim_net.c    connections: two pipes and two sides each, as the network and the two kernels
 *                have them; they outlive the sockets
 *   sim.c        the backend: the table, loops, listeners and tokens
 *   sim_socket.c the backend: connect, receive, send, shutdown and close
 *
 * Events are in queues. The world has one: the clock runs its events as it passes them. Each loop
 * has one with its callbacks, which its poll() runs. An event refers to a connection or a listener,
 * which exist until sim_end(), or to a socket. The close of a socket waits for its events. So no
 * event is ever removed from a queue.
 */

#include "accepts.h"
#include "sim.h"
#include "waiters.h"

#define STATUS_BUSY 0x51b /* in an operation that is outstanding: it has no outcome yet */

struct sim_event {
    uint64_t at_ns;
    uint64_t order; /* among events of one time: first made, first run */
    void (*run)(const struct sim_event *event);
    void *subject;
    struct sim_conn *conn;
    int side;     /* of conn, or a status */
    size_t bytes; /* that arrive */
};

struct sim_queue { /* a binary heap, the earliest first */
    struct sim_event *events;
    size_t count;
    size_t room;
};

struct sim_loop {
    struct io_loop head;
    struct sim_loop *next;
    struct sim_queue due; /* its callbacks */
    struct waiters waiters;
    uint8_t **held; /* buffers in use */
    size_t held_count;
    size_t held_room;
    size_t sockets;
    size_t listeners;
    uint64_t deadline_ns; /* of the last poll; UINT64_MAX once reached */
    bool woken;
    bool polling;
};

struct io_listener {
    struct sim_loop *loop;
    struct io_listener *next;
    uint16_t port;
    size_t backlog;
    bool stopped;
    struct accepts accepts;       /* outstanding */
    struct sim_conn *queue_first; /* waiting to be accepted */
    struct sim_conn *queue_last;
    size_t queued;
};

/*
 * The life of an operation: it is submitted; the submit finds its outcome, or it is outstanding.
 * The network pumps the socket whenever something changes. When the outcome is found, the operation
 * has `ended`, and an event in its loop's queue delivers it. A close in between leaves the outcome
 * as it is.
 */
struct sim_recv {
    struct io_recv *op; /* NULL: none outstanding */
    void (*done)(struct io_recv *op);
    bool ended;
    uint8_t *data; /* the outcome */
    size_t length;
    int status;
};

struct sim_send {
    struct io_send *op;
    struct io_send given; /* the operation as it was submitted */
    bool ended;
    uint64_t hash;       /* of the caller's bytes, at the submit */
    uint64_t hash_moved; /* of those that were sent, when they were */
    size_t moved;
    int status;
};

struct sim_connect {
    struct io_connect *op;
    bool ended;
    int status;
};

struct io_socket {
    uint64_t magic;
    struct sim_loop *loop;
    struct sim_conn *conn;
    int side;
    bool connected;
    uint64_t last_ns; /* the latest time at which an outcome will be delivered */
    struct waiter waiter;
    struct sim_recv recv;
    struct sim_send send;
    struct sim_connect connect;
    struct io_close *close;
};

/* Bytes from one side to the other: first those that have arrived, then those on their way. */
struct sim_pipe {
    uint8_t *ring;
    size_t size;     /* of the ring */
    size_t capacity; /* a little less: room for what a corruption adds */
    size_t head;
    size_t readable;
    size_t flying;
    uint64_t last_ns; /* when the last that was sent arrives */
    uint64_t offset;  /* bytes sent so far */
    bool end_sent;
    bool end_arrived;
    bool dead; /* takes everything, delivers nothing */
    bool holding;
    uint8_t held; /* by SIM_SWAP */
};

struct sim_side {
    struct io_socket *socket; /* NULL: not adopted yet, or closed */
    struct io_socket *memory; /* the same until its close callback */
    bool closed;
    bool reset; /* it has seen one */
};

enum sim_token { TOKEN_NONE, TOKEN_OFFERED, TOKEN_DETACHED };

struct sim_conn {
    struct sim_pipe pipe[2]; /* [side]: what this side sends */
    struct sim_side side[2]; /* 0: it connected, 1: it was accepted */
    struct sim_conn *queue_next;
    size_t number;
    uint16_t port;
    bool established;
    bool stalled;
    unsigned syn_retries;
    size_t first; /* bytes left of those that the token brought */
    enum sim_token token;
    struct sim_loop *offered_to;
    struct io_accept *offered_by;
};

struct sim_world {
    struct sim_config config;
    struct sim_counts counts;
    struct sim_queue events;
    struct sim_loop *loops;
    struct io_listener *listeners; /* the stopped ones too */
    struct sim_conn **conns;       /* all there ever were */
    size_t conn_count;
    size_t conn_room;
    size_t conns_over; /* this many of the first are certainly over */
    uint64_t random;
    uint64_t now_ns;
    uint64_t order;
    bool open;
    bool violated;
};

extern struct sim_world sim_world;

/* sim_world.c */

/* Ends the run with `sentence` unless the rule was kept. */
void sim_require(bool kept, const char *sentence);

/* Memory or abort(). */
void *sim_allocate(size_t size);
void *sim_grow(void *array, size_t *room, size_t count, size_t item_size);

uint64_t sim_below(uint64_t limit); /* 0 to limit - 1 */
bool sim_chance(uint32_t ppm);
void sim_count(enum sim_kind kind);
uint64_t sim_latency(void);

/* Runs `event` (at_ns, run, subject... are set) from the queue when its time has come. */
void sim_post(struct sim_queue *queue, struct sim_event event);
bool sim_due(const struct sim_queue *queue);
struct sim_event sim_pop(struct sim_queue *queue);
void sim_pass(uint64_t time_ns); /* runs the world's events until then */

/* sim_net.c */

struct sim_conn *sim_net_connect(uint16_t port);
int sim_net_syn(struct sim_conn *conn); /* 0, a UV error, or UV_EAGAIN: it goes on */
void sim_net_syn_later(struct sim_conn *conn, uint64_t delay_ns);
void sim_net_pump_later(struct sim_conn *conn, int side);
void sim_net_break(struct sim_conn *conn); /* the chance of a reset or a stall */
size_t sim_net_room(const struct sim_conn *conn, int side);
void sim_net_send(struct sim_conn *conn, int side, const uint8_t *data, size_t length);
size_t sim_net_flying(const struct sim_conn *conn, int side); /* sent, and not arrived */
size_t sim_net_readable(const struct sim_conn *conn, int side);
bool sim_net_ended(const struct sim_conn *conn, int side);
void sim_net_receive(struct sim_conn *conn, int side, uint8_t *data, size_t length);
void sim_net_shutdown(struct sim_conn *conn, int side);
void sim_net_close(struct sim_conn *conn, int side, enum io_close_how how);
size_t sim_net_first_live(void); /* the connections before it are over */
void sim_net_free(void);

/* sim.c */

void sim_listener_pump(struct io_listener *listener); /* something changed: try its accepts */
void sim_loop_free(struct sim_loop *loop);

struct sim_loop *sim_own(struct io_loop *loop); /* checked */
bool sim_submit_fails(void);
bool sim_inline(void);                      /* look for the outcome in the submit? */
int sim_answer_done(struct sim_loop *loop); /* IO_DONE, counted */
void sim_completion(struct sim_loop *loop); /* counted */
uint64_t sim_delivery_time(void);           /* of a callback for an outcome of now */

/* sim_socket.c: operations of the table, and reports of the network. */

int sim_connect(struct io_loop *loop, struct io_socket *socket, const struct sockaddr *address,
                struct io_connect *op);
int sim_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op);
void sim_release(struct io_loop *loop, uint8_t *data);
int sim_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op);
int sim_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes);
int sim_shutdown(struct io_loop *loop, struct io_socket *socket);
void sim_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
               struct io_close *op);
int sim_handle(struct io_socket *socket, uv_os_sock_t *os_socket);

void sim_retry_recv(struct waiter *waiter); /* it may have a buffer now */
void sim_socket_check_unused(const struct io_socket *socket);
void sim_socket_open(struct io_socket *socket, struct sim_loop *loop, struct sim_conn *conn,
                     int side);
void sim_socket_pump(struct io_socket *socket); /* something changed: try its operations */
void sim_socket_connected(struct io_socket *socket, int status);

#endif
