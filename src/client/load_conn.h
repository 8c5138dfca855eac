#ifndef ECHOPORT_LOAD_CONN_H
#define ECHOPORT_LOAD_CONN_H

/*
 * One user of the client and its current connection. This header is private to one module of five
 * files: load_conn.c (sending, receiving, time, life), load_connect.c (coming up), load_message.c
 * (what is sent and checked), load_mismatch.c (wrong answers), load_end.c (ending).
 *
 *     WAITING -> CONNECTING -> UP -> ENDING -> CLOSING -> WAITING ... -> DONE
 *
 * UP: messages are sent and their answers checked. ENDING: everything is answered, our FIN has been
 * sent, and only the server's FIN may come. CLOSING: until the close callback. Then the user
 * connects again, or is done if the run is over.
 *
 * All on the worker's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dice.h"
#include "load.h"
#include "stream.h"

enum load_state { LOAD_WAITING, LOAD_CONNECTING, LOAD_UP, LOAD_ENDING, LOAD_CLOSING, LOAD_DONE };

/* How a connection's unanswered messages and bytes are counted. */
enum load_fate { LOAD_ANSWERED, LOAD_LOST, LOAD_DRAINED, LOAD_UNANSWERED, LOAD_UNCHECKED };

/* A message that has begun and is not answered. */
struct load_message {
    uint64_t end;     /* offset in the stream after its last byte */
    uint64_t due_ns;  /* closed loop: when it began */
    uint64_t sent_ns; /* when its first byte was given to a send; 0: not yet, or closed loop */
};

struct load_conn {
    struct conn conn; /* first */
    struct io_connect connect;
    struct timer think;
    struct stream stream;
    struct arrival arrival; /* of the next message to begin, if the gaps are random */
    uint64_t sizes_key;     /* of the connection's message sizes */
    size_t index;           /* of the user, in load.users */
    uint64_t offered;       /* bytes of the stream given to sends */
    uint64_t sent;          /* bytes that sends have taken */
    uint64_t verified;      /* bytes that came back right; at most `offered` */
    uint64_t begun;         /* messages, on this connection */
    uint64_t begun_end;     /* bytes of all these messages */
    uint64_t completed;
    uint64_t completed_end; /* bytes of the messages that are answered */
    uint64_t started;       /* messages of which a byte was given to a send; only open loop */
    uint64_t started_end;   /* bytes of these messages */
    struct load_message *messages; /* a ring: message n is at n & ring_mask */
    uint64_t ring_mask;            /* its length - 1; the length is a power of two, >= depth */
    uint64_t owed;                 /* due messages of the schedule that have not begun */
    uint64_t taken;                /* messages of the schedule that have begun, on any connection */
    uint64_t retry_ns;             /* the last pause; 0: the last connection ended well */
    uint64_t down_ns;              /* when the last connection went down */
    uint64_t measured;             /* messages in the measured time, on any connection */
    uint64_t full_ns;  /* since when `depth` messages have been outstanding, if they are */
    unsigned in_vain;  /* consecutive connections without a complete message */
    int connect_error; /* why this connection did not come up; 0: it did, or was abandoned */
    int last_error;    /* the same for the previous connection */
    uint8_t *chunk;    /* lent to the outstanding send */
    size_t first;      /* index of the first address tried since a connection last came up */
    size_t tried;      /* addresses tried, from `first` on */
    enum load_state state;
    enum load_fate fate; /* while CLOSING */
    bool thinking;       /* until `think` fires, no message begins */
    bool awaits;         /* counted in load.awaiting */
    bool in_turn;        /* WAITING for its turn to connect, see load_connect_ns() */
    bool began;          /* it has taken a turn */
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

/* Message n of the connection, from 0; it has begun and is not answered. */
static inline struct load_message *load_message(const struct load_conn *c, uint64_t n)
{
    return &c->messages[n & c->ring_mask];
}

static inline struct client_counters *load_counters(const struct load_conn *c)
{
    return &load_owner(c)->stats.counters;
}

static inline const struct load_plan *load_plan_of(const struct load_conn *c)
{
    return load_owner(c)->plan;
}

/* The size of message n of the connection, in bytes. */
static inline uint64_t load_message_size(const struct load_conn *c, uint64_t n)
{
    const struct load_plan *plan = load_plan_of(c);
    return plan->sizes == NULL ? plan->size : sizes_draw(plan->sizes, dice_at(c->sizes_key, n));
}

/* Messages that have begun and have not been answered. */
static inline uint64_t load_outstanding(const struct load_conn *c)
{
    return c->begun - c->completed;
}

/* ---- load_end.c ---- */

/* How a connection ends. The unanswered messages are counted by `fate`. */
struct load_end {
    uint64_t *counter; /* incremented by 1 */
    enum load_fate fate;
    enum io_close_how how;
    bool well;       /* the user may connect again at once */
    const char *why; /* for -v */
};

/* Counts the end and closes the connection. Its unanswered messages may begin again. */
void load_close(struct load_conn *c, struct load_end end);

/* The server has ended the connection before all was answered: it is lost, with `status`. */
void load_lose(struct load_conn *c, enum io_close_how how, int status);

/* An operation has failed. Closes the connection. Whether that counts as a failure depends on what
 * was outstanding, and on whether our FIN has been sent. */
void load_fail(struct load_conn *c, enum stats_operation operation, int status);

/* Counts the error and reports that the connection has failed. */
void load_log_failure(struct load_conn *c, enum stats_operation operation, int status);

/* Counts the bytes that were sent and not verified. Call it once, when the last send has ended. */
void load_count_bytes(const struct load_conn *c);

/* The user ends: it has no connection and opens none. */
void load_done(struct load_conn *c);

/* ---- load_connect.c ---- */

/* Begins a new connection, to the next address. */
void load_connect(struct load_conn *c);

/* Derives what the connection sends from the seed, which is known when the run begins. */
void load_take_seed(struct load_conn *c);

/* Begins a new connection, when --connect-rate and --ramp allow. */
void load_connect_in_turn(struct load_conn *c);

/* The connect to one address has failed. True: call load_connect() for the next address. */
bool load_connect_failed(struct load_conn *c, int status);

/* The connect has timed out or failed with `status`: closes the socket before the next try. */
void load_not_connected(struct load_conn *c, int status);

void load_on_connect(struct io_connect *op);

/* The user is up again, or done: counts the time that failed connects have cost. */
void load_count_down_time(struct load_conn *c);

/* ---- load_message.c ---- */

/* Whether another message will begin on this connection, now or later. */
bool load_goes_on(const struct load_conn *c);

/* Begins as many messages as may be outstanding. */
void load_begin(struct load_conn *c);

/* Open loop: bytes up to `offered` have been given to sends. Notes when each message was sent
 * first. */
void load_note_sent(struct load_conn *c);

/* Checks received bytes. False: they are wrong, and the connection is closing. */
bool load_verify(struct load_conn *c, const uint8_t *data, size_t length);

/* Prepares for --think. */
void load_think_init(struct load_conn *c);

/* Forgets the pause: the connection ends. */
void load_think_stop(struct load_conn *c);

/* ---- load_mismatch.c ---- */

/* `data` is not what the connection sent; or nothing more was sent, if not `expected`. Reports it,
 * unless the worker has reported one before, and closes the connection. */
void load_mismatch(struct load_conn *c, const uint8_t *data, size_t length, bool expected);

/* ---- load_conn.c ---- */

/* Connects again, after a pause if the last connection did not end well; or ends the user if no
 * message is left. */
void load_again(struct load_conn *c);

/* Sets whether the user awaits something, see load.awaiting. */
static inline void load_set_awaits(struct load_conn *c, bool awaits)
{
    if (c->awaits != awaits) {
        c->awaits = awaits;
        (awaits ? load_one_awaits : load_one_awaits_no_more)(load_owner(c));
    }
}

/* Sends and receives until both are outstanding, the connection closes, or its share of the turn is
 * used up. */
void load_run(struct load_conn *c);

#endif
