#ifndef ECHOPORT_BARRIER_PEER_H
#define ECHOPORT_BARRIER_PEER_H

/*
 * One end of a connection at a barrier (barrier_line.h): a TCP connection of the main loop that
 * sends and receives lines. It takes a bounded amount of memory, whatever comes. Main thread.
 *
 *     barrier_peer_new -> connect, or accept -> lines ... -> on_end, or barrier_peer_close
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "barrier_line.h"
#include "queue.h"

struct barrier_peer;

struct barrier_peer_events {
    /* A line has come, without its newline. It may be changed. */
    void (*line)(struct barrier_peer *peer, char *line);
    /* The connection has ended, or it sent what is no line. `status` is a UV error; UV_EOF: the
     * other end has closed it. The peer is not closed. */
    void (*end)(struct barrier_peer *peer, int status);
};

struct barrier_peer {
    uv_tcp_t tcp;
    uv_connect_t request;
    const struct barrier_peer_events *events;
    void *owner; /* the caller's */
    enum barrier_side side;
    struct barrier_seal seal;
    bool greeted; /* the other side's hello has come */
    bool ended;   /* `end` was called */
    size_t length;
    char input[BARRIER_LINE_SIZE]; /* a line that has not come to its end yet */

    /* The host's. */
    struct queue_node node;
    uint64_t since_ns; /* when it was accepted */
    bool joined;
    uint64_t rank; /* if it has joined */
};

/*
 * Makes a peer of `side` with a nonce of its own. NULL: out of memory, or no random numbers.
 * barrier_peer_close() frees it.
 */
struct barrier_peer *barrier_peer_new(uv_loop_t *loop, enum barrier_side side,
                                      const struct siphash_key *key,
                                      const struct barrier_peer_events *events, void *owner);

/* Connects to `address`, which is not needed afterwards. If that fails, `end` is called, from the
 * loop. 0; or a UV error: nothing was begun. */
int barrier_peer_connect(struct barrier_peer *peer, const struct sockaddr *address);

/* Accepts a connection of `listener`, and begins to read. 0; or a UV error. */
int barrier_peer_accept(struct barrier_peer *peer, uv_stream_t *listener);

/* Sends the hello; or a line with its proof. False: the connection has failed, and `end` comes if
 * it has not yet. */
bool barrier_peer_hello(struct barrier_peer *peer);
bool barrier_peer_say(struct barrier_peer *peer, const char *text);

/* Takes the other side's hello, if it is one. */
bool barrier_peer_take_hello(struct barrier_peer *peer, const char *line);

/* Cuts the proof from a line of the other side. False: it does not have the token. */
bool barrier_peer_proves(struct barrier_peer *peer, char *line);

/* Closes the connection and frees the peer; no event comes any more. What was said before still
 * arrives. */
void barrier_peer_close(struct barrier_peer *peer);

#endif
