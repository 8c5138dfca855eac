#ifndef ECHOPORT_ADVERSARY_H
#define ECHOPORT_ADVERSARY_H

/*
 * A peer that misbehaves as its seed says: the role of a worker, over any backend and clock. It
 * keeps a record of each connection: what it took, what it returned, how it ended. One thread;
 * records are read after the worker's end. A connection takes and returns at most
 * adversary_bytes_max() bytes, and there are at most ADVERSARY_CONNS connections.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adversary_plan.h"
#include "conn.h"

#define ADVERSARY_CONNS 512

/* How the peer has ended its side. NONE: it has not; the client or the run ended first. */
enum adversary_end {
    ADVERSARY_END_NONE,
    ADVERSARY_END_FIN,
    ADVERSARY_END_CLOSE,
    ADVERSARY_END_RESET
};

struct adversary_record {
    struct adversary_plan plan;
    uint8_t *taken; /* what the client has sent and the peer has read */
    size_t taken_length;
    uint8_t *returned; /* what the peer has given to sends */
    size_t returned_length;
    enum adversary_end end;
    bool after_theirs; /* the end came after the client's FIN was read */
    bool saw_end;      /* the client's FIN was read */
    bool saw_reset;    /* an operation met a reset */
    bool silent;       /* the plan said so */
    bool deaf;
    uint64_t gap_ns; /* the client's longest wait for an answer or an end, as seen by the peer */
};

struct adversary {
    struct worker worker; /* first */
    const struct adversary_run *run;
    uv_os_sock_t os_socket; /* to listen on */
    struct io_listener *listener;
    struct io_accept accept;
    struct timer hold;
    struct timer beat;
    uint64_t beat_ns;  /* the worker checks this often whether it runs in time; 0: never */
    uint64_t stall_ns; /* the longest time in which it did not run */
    struct conn *conns;
    struct adversary_record *records; /* ADVERSARY_CONNS of them */
    size_t record_count;
    bool accepting;
    bool held; /* it has stopped accepting once */
    bool ending;
    bool overrun; /* more connections or bytes came than a run may have */
};

extern const struct worker_role adversary_role;

/* Prepares the role's part. The caller prepares the worker, with role = &adversary_role. From its
 * start on, the worker owns the socket. It accepts from WORKER_BEGIN on; WORKER_DRAIN ends it. */
void adversary_init(struct adversary *adversary, const struct adversary_run *run,
                    uv_os_sock_t os_socket);

/* Frees the records. */
void adversary_free(struct adversary *adversary);

#endif
