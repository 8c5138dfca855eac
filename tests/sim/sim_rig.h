#ifndef ECHOPORT_SIM_RIG_H
#define ECHOPORT_SIM_RIG_H

/*
 * For the tests of sim itself: a world with two or three loops and connections between them. The
 * test tells each end of a connection when to begin an operation. The end keeps the outcome, and
 * fails the test if the backend breaks a rule of the seam.
 *
 * Each end sends a stream of its own (sim_rig_byte), and compares what it receives with its peer's.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim.h"

#define SIM_RIG_PORT 6001
#define SIM_RIG_LOOPS 3 /* 0: the client's, 1 and 2: the server's */
#define SIM_RIG_CONNS 4
#define SIM_RIG_HELD 4

struct sim_end {
    struct io_loop *loop;
    struct io_socket *socket; /* from open until the close callback */
    struct sim_end *peer;     /* set when it was accepted */
    uint64_t stream;
    struct io_recv recv;
    struct io_send send;
    struct io_connect connect;
    struct io_close close;
    uint8_t *sending; /* the bytes of the outstanding send, on the heap */
    uint8_t *held[SIM_RIG_HELD];
    size_t held_count;
    bool keep; /* buffers are held until sim_end_release() */
    bool connecting, connected, receiving, send_busy, shut, closing, closed;
    bool recv_doomed, send_doomed; /* submitted after a reset was seen */
    bool saw_reset, saw_end;
    int recv_status, send_status, connect_status;
    uint64_t recvs, sends; /* outcomes */
    uint64_t received, sent;
    uint64_t close_turn, closed_turn; /* of close() and of its callback */
};

struct sim_rig {
    struct io_loop *loops[SIM_RIG_LOOPS];
    struct io_listener *listener; /* on loop 1 */
    struct io_accept accept;
    bool accepting;
    int accept_status;
    struct sim_end clients[SIM_RIG_CONNS]; /* [i] is peer of servers[i]; i counts connects */
    struct sim_end servers[SIM_RIG_CONNS];
    size_t connects, accepted;
    void (*on_token)(struct io_token *token); /* NULL: adopted by loop 1 */
    struct io_loop *polling;
    bool submitting;
    uint64_t turns;
    uint64_t patience_ns; /* how long a poll would wait; 0: for ever */
    uint64_t trace;       /* of all that happened */
};

extern struct sim_rig rig;

/* A random world without loss. It draws delays, sizes, and which outcomes are inline. */
void sim_rig_lossless(struct sim_config *config, uint64_t seed);

/* Opens the loops, with pools of `buffers` buffers of `buffer_size`, and listens on loop 1. */
void sim_rig_begin(const struct sim_config *config, size_t buffer_size, size_t buffers);

/* Closes what is open, checks that everything ends, and ends the world. */
void sim_rig_end(void);

uint8_t sim_rig_byte(uint64_t stream, uint64_t offset);
void sim_rig_turn(void);   /* each loop polls once */
void sim_rig_settle(void); /* polls until no event is left */
void sim_rig_accept(void);
void sim_rig_adopt(struct io_token *token, size_t loop);
void sim_rig_refuse(struct io_token *token);

/* Connects the next client on loop 0 and returns it. */
struct sim_end *sim_rig_connect(uint16_t port);

/* A connection with both ends open; the client's end. */
struct sim_end *sim_rig_pair(void);

/* Submits. Returns a negative answer of the submit, else 0 or more. */
int sim_end_recv(struct sim_end *end);
int sim_end_send(struct sim_end *end, size_t length);
void sim_end_shutdown(struct sim_end *end);
void sim_end_close(struct sim_end *end, enum io_close_how how);
void sim_end_release(struct sim_end *end, size_t which);

/* Submits one recv after another, and settles in between, until the end of the stream or an
 * error. */
void sim_end_recv_all(struct sim_end *end);

#endif
