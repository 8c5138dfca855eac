#ifndef ECHOPORT_ADVERSARY_PLAN_H
#define ECHOPORT_ADVERSARY_PLAN_H

/*
 * What a seed decides: the client's options, and how the peer misbehaves on each connection. Pure
 * functions: the same seed gives the same run, simulated or real.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum adversary_kind {
    ADVERSARY_ANSWER, /* echo this many bytes */
    ADVERSARY_FLIP,   /* echo one byte with another bit */
    ADVERSARY_DROP,   /* leave this many bytes out */
    ADVERSARY_REPEAT, /* go back by this many bytes */
    ADVERSARY_EXTRA,  /* send this many bytes that were not asked for */
    ADVERSARY_PAUSE,  /* do nothing for this many nanoseconds */
    ADVERSARY_DEAF,   /* read nothing from now on */
    ADVERSARY_SILENT, /* send nothing from now on, and never end */
    ADVERSARY_FIN,    /* end this side, read on */
    ADVERSARY_CLOSE,  /* close, whatever is unread */
    ADVERSARY_RESET,
    ADVERSARY_KINDS
};

struct adversary_move {
    enum adversary_kind kind;
    uint64_t amount; /* bytes or nanoseconds */
};

/* What follows the client's FIN. */
enum adversary_last {
    ADVERSARY_LAST_FIN,
    ADVERSARY_LAST_LATE,   /* FIN after a pause */
    ADVERSARY_LAST_EXTRA,  /* more bytes, then FIN */
    ADVERSARY_LAST_RESET,  /* RST */
    ADVERSARY_LAST_SILENT, /* nothing */
};

#define ADVERSARY_MOVES 8

/* One connection. After the moves everything is echoed. */
struct adversary_plan {
    struct adversary_move moves[ADVERSARY_MOVES];
    size_t move_count;
    enum adversary_last last;
    size_t piece; /* the most that one send takes, bytes */
};

/* One run. It ends by itself: the peer behaves after the first `bad` connections, and the client
 * gives up when it waits too long. */
struct adversary_run {
    uint64_t seed;
    uint64_t size; /* bytes of a message; all messages together are at most 64 KiB */
    uint64_t depth;
    uint64_t lifetime;
    uint64_t requests;
    uint64_t rate; /* 0: closed loop */
    size_t connections;
    uint64_t duration_ns; /* 0: until all requests are answered */
    uint64_t timeout_ns;
    uint64_t drain_timeout_ns;
    uint64_t give_up_ns;
    bool allow_drain;
    bool stop_on_error;

    size_t bad;
    size_t accepts;   /* after this many connections none is accepted for `hold_ns` */
    uint64_t hold_ns; /* 0: for ever */
    size_t listens;   /* after this many connections the peer stops listening */
};

void adversary_draw_run(struct adversary_run *run, uint64_t seed);

/* Draws the plan of the index-th connection that the peer accepts, from 0. */
void adversary_draw_plan(struct adversary_plan *plan, const struct adversary_run *run,
                         size_t index);

/* The most bytes that a connection of the run may take, and return. */
size_t adversary_bytes_max(const struct adversary_run *run);

#endif
