#ifndef ECHOPORT_TALK_H
#define ECHOPORT_TALK_H

/*
 * Conversations of plain sockets, several at a time on one thread: what the other end is judged by
 * while its calls are made to fail. Windows only, for its select(). Asserts nothing: the outcome
 * says what happened.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "stream.h"

enum talk_end {
    TALK_GOES_ON,
    TALK_WHOLE, /* all came back, and then FIN */
    TALK_CUT,   /* a reset, or FIN too early */
    TALK_WRONG, /* another byte than was expected, or one too many */
    TALK_LATE
};

/* One that sends `length` bytes of its stream, reads what comes back, and ends its side when it has
 * all of it. */
struct talk {
    uv_os_sock_t peer;
    struct stream stream;
    uint64_t length;
    uint64_t sent;
    uint64_t received;
    enum talk_end end;
};

/* Connects. An address that refuses is TALK_CUT. */
void talk_open(struct talk *talk, const struct sockaddr_storage *address, uint64_t number,
               uint64_t length);

/* Until each has ended, or is TALK_LATE after so many milliseconds. They are closed then. */
void talk_run(struct talk *talks, size_t count, uint64_t timeout_ms);

/* An echo server: a listener, and connections whose bytes go back. */
#define MIRROR_MAX 32

struct mirror_conn {
    uv_os_sock_t peer;
    uint8_t held[16384]; /* has been read, and not yet been sent back */
    size_t begin;
    size_t end;
    bool open;
};

struct mirror {
    uv_os_sock_t listener;
    struct sockaddr_storage address;
    struct mirror_conn conns[MIRROR_MAX];
    uint64_t sent; /* bytes, on all connections */
};

/* 0 or a UV error. */
int mirror_open(struct mirror *mirror);

/* Serves for 20 ms at the most if there is nothing to do. */
void mirror_turn(struct mirror *mirror);

void mirror_close(struct mirror *mirror);

#endif
