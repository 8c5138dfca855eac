#ifndef ECHOPORT_FAKE_SERVER_H
#define ECHOPORT_FAKE_SERVER_H

/*
 * An echo server with one fault, which the client must find. It runs on a loop of the test's. It
 * answers one message at a time, when the message is complete.
 */

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

/* The fault applies to the first `affected` connections. The others get their echo. */
enum fake_mode {
    FAKE_ECHO,
    FAKE_FLIP,         /* changes one bit of the byte at `offset` */
    FAKE_DROP,         /* leaves that byte out */
    FAKE_DUP,          /* sends it twice */
    FAKE_SWAP,         /* swaps it with the next byte */
    FAKE_INSERT,       /* sends an extra byte before it */
    FAKE_REPLAY,       /* from there on, the second connection gets bytes of the first */
    FAKE_MUTE,         /* does not answer */
    FAKE_CLOSE_EARLY,  /* ends the stream after `offset` bytes of the answer */
    FAKE_BANNER,       /* sends before the client does */
    FAKE_EXTRA,        /* sends extra bytes at the end of the stream */
    FAKE_RESET_SECOND, /* answers one message and resets at the next */
    FAKE_RESET_ACCEPT, /* resets at once */
    FAKE_RESET_IDLE,   /* answers one message and resets before the next */
    FAKE_CLOSE_IDLE,   /* answers one message and ends the stream */
    FAKE_RESET_END,    /* resets at the client's end of the stream */
    FAKE_SILENT_END,   /* never ends the stream */
    FAKE_SLOW          /* answers each message after FAKE_PAUSE_MS */
};

struct fake_plan {
    enum fake_mode mode;
    uint64_t offset; /* in the stream of the connection */
    size_t size;     /* of a message; at most FAKE_SIZE_MAX */
    size_t affected;
    unsigned port; /* to listen on; 0: a free one */
};

#define FAKE_SIZE_MAX ((size_t)65536)
#define FAKE_PAUSE_MS 100

struct fake_server;

/* Listens on 127.0.0.1. NULL if that fails. */
struct fake_server *fake_server_start(uv_loop_t *loop, const struct fake_plan *plan);
unsigned fake_server_port(const struct fake_server *server);

/* Connections accepted so far. */
size_t fake_server_accepted(const struct fake_server *server);

/* The message with the wrong answer: as it came, as it went back, and where it began in the stream.
 * Its length is 0 if there was none. */
const uint8_t *fake_server_original(const struct fake_server *server, size_t *length);
const uint8_t *fake_server_answer(const struct fake_server *server, size_t *length);
uint64_t fake_server_begin(const struct fake_server *server);

/* The first message of the first connection, `size` bytes; NULL if it has not come yet. */
const uint8_t *fake_server_first(const struct fake_server *server);

/* Closes everything and runs the loop until that is done. */
void fake_server_stop(struct fake_server *server);

#endif
