#ifndef ECHOPORT_TALK_H
#define ECHOPORT_TALK_H

/*
 * Conversations over plain sockets, several at a time on one thread. They judge the other end while
 * its calls are made to fail. Windows only, for its select(). They assert nothing: the outcome says
 * what happened.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "stream.h"

enum talk_end {
    TALK_GOES_ON,
    TALK_WHOLE, /* all bytes came back, and then FIN */
    TALK_CUT,   /* a reset, or FIN too early */
    TALK_WRONG, /* a wrong byte, or one too many */
    TALK_LATE
};

/* Sends `length` bytes of its stream, reads what comes back, and shuts down its side when it has
 * all. */
struct talk {
    uv_os_sock_t peer;
    struct stream stream;
    uint64_t length;
    uint64_t sent;
    uint64_t received;
    enum talk_end end;
};

/* Connects. A refused connect is TALK_CUT. */
void talk_open(struct talk *talk, const struct sockaddr_storage *address, uint64_t number,
               uint64_t length);

/* Runs until each has ended, or until the time is up, in milliseconds. Those still running are
 * TALK_LATE. Closes all. */
void talk_run(struct talk *talks, size_t count, uint64_t timeout_ms);

/* An echo server: a listener, and connections that send back what they receive. */
#define MIRROR_MAX 32

struct mirror_conn {
    uv_os_sock_t peer;
    uint8_t held[16384]; /* received and not yet sent back */
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

/* Serves, and waits at most 20 ms if there is nothing to do. */
void mirror_turn(struct mirror *mirror);

void mirror_close(struct mirror *mirror);

#endif
