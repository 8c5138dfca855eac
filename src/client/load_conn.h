#ifndef ECHOPORT_LOAD_CONN_H
#define ECHOPORT_LOAD_CONN_H

/*
 * One user of the client and its connection at the moment: what load_conn.c (life and end),
 * load_connect.c (how it comes up) and load_message.c (what is sent and checked) have in common.
 *
 *     WAITING -> CONNECTING -> UP -> ENDING -> CLOSING -> WAITING ... -> DONE
 *
 * UP: messages are sent and their answers checked. ENDING: all that was begun is answered, our FIN
 * is out, and nothing but the server's may come. CLOSING: until the backend has let go; then, as
 * the run goes on or not, the user connects again or is done.
 *
 * All on the worker's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load.h"
#include "stream.h"

enum load_state { LOAD_WAITING, LOAD_CONNECTING, LOAD_UP, LOAD_ENDING, LOAD_CLOSING, LOAD_DONE };

/* Where the messages and bytes are counted that a connection has sent and not seen again. */
enum load_fate { LOAD_ANSWERED, LOAD_LOST, LOAD_DRAINED, LOAD_UNANSWERED, LOAD_UNCHECKED };

struct load_conn {
    struct conn conn; /* first */
    struct io_connect connect;
    struct stream stream;
    size_t index;      /* of the user */
    uint64_t offered;  /* bytes of the stream that were given to sends */
    uint64_t sent;     /* bytes that sends have taken */
    uint64_t verified; /* bytes that came back right; never more than were offered */
    uint64_t begun;    /* messages, on this connection */
    uint64_t completed;
    uint64_t *begun_ns; /* of message n at n % depth: when it began, or was due */
    uint64_t owed;      /* messages of the schedule that are due and have not begun */
    uint64_t taken;     /* messages of the schedule that have begun, on any connection */
    uint64_t retry_ns;  /* the last pause; 0 after a connection that ended well */
    uint64_t down_ns;   /* since when there is no connection */
    uint64_t full_ns;   /* since when `depth` messages are outstanding, if they are */
    unsigned in_vain;   /* connections in a row without a whole message */
    int connect_error;  /* why this connection did not come up; 0 if it did, or was given up */
    int last_error;     /* why the one before it did not; 0: it did */
    uint8_t *chunk;     /* what the outstanding send borrows */
    size_t first;       /* address that was tried since the last connection that came up */
    size_t tried;       /* addresses, from that one on */
    enum load_state state;
    enum load_fate fate; /* while CLOSING */
    bool awaits;         /* counted in load.awaiting */
    bool was_up;
    bool well; /* the last connection ended well */
};

static inline struct load_conn *load_of(struct conn *conn)
{
    return (struct load_conn *)(void *)conn;
}

static inline struct load *load_owner(const struct load_conn *c)
{
    return (struct load *)(void *)c->conn.worker;
}

static inline struct client_counters *load_counters(const struct load_conn *c)
{
    return &load_owner(c)->stats.counters;
}

static inline const struct load_plan *load_plan_of(const struct load_conn *c)
{
    return load_owner(c)->plan;
}

/* Messages that have begun and are not answered. */
static inline uint64_t load_outstanding(const struct load_conn *c)
{
    return c->begun - c->completed;
}

/* ---- load_connect.c ---- */

/* Begins a new connection, at the next address to be tried. */
void load_connect(struct load_conn *c);

/* One address has failed with `status`. True: another is to be tried. */
bool load_connect_failed(struct load_conn *c, int status);

/* The connect has taken too long, or failed: closes its socket before the next try. */
void load_not_connected(struct load_conn *c, int status);

void load_on_connect(struct io_connect *op);

/* Of a user that is up again, or done: counts the time that failed connects have cost. */
void load_count_down_time(struct load_conn *c);

/* ---- load_message.c ---- */

/* Whether this connection will see another message begin, be it later. */
bool load_goes_on(const struct load_conn *c);

/* Begins as many messages as may be on their way. */
void load_begin(struct load_conn *c);

/* Checks what has come. False: it is wrong, and the connection closing. */
bool load_verify(struct load_conn *c, const uint8_t *data, size_t length);

/* ---- load_conn.c ---- */

/* Nothing more will come of the user. */
void load_done(struct load_conn *c);

/* Connects again, after a pause if the last connection did not end well. */
void load_again(struct load_conn *c);

/* How a connection ends: the counter, and what becomes of the messages outstanding. `why` is for
 * -v. */
struct load_end {
    uint64_t *counter;
    enum load_fate fate;
    enum io_close_how how;
    bool well; /* the user may connect again at once */
    const char *why;
};
void load_close(struct load_conn *c, struct load_end end);

/* From now on the user awaits something, or nothing; load.h: awaiting. */
static inline void load_set_awaits(struct load_conn *c, bool awaits)
{
    if (c->awaits != awaits) {
        c->awaits = awaits;
        (awaits ? load_one_awaits : load_one_awaits_no_more)(load_owner(c));
    }
}

/* Sends and receives until both are outstanding, the connection closes or its share is used up. */
void load_run(struct load_conn *c);

#endif
