#ifndef ECHOPORT_ECHO_H
#define ECHOPORT_ECHO_H

/*
 * The server's side of a worker: its listeners, its generations, its connections.
 *
 *     accept -> recv -> send -> recv -> ... -> recv = 0 -> close
 *
 * Receives and sends alternate. So a connection holds one buffer while it sends and none while it
 * waits. A peer that does not read is not read from. At the end of the stream everything has been
 * sent.
 *
 * A generation is the time between two restarts, with its connections and statistics. A restart
 * keeps the listeners, drains the connections of the old generation and starts new counts.
 *
 * Drain: a draining connection still echoes. The server ends its side (FIN) when the client has
 * ended its own, or when there was no traffic for ECHO_QUIET_NS. After half of the drain timeout it
 * does so as soon as it holds no data. Then it reads and discards, and counts what it discards,
 * until the client ends too. At the deadline it resets.
 *
 * Stall: a peer that sends and does not read keeps a buffer. While other connections wait for a
 * buffer, a connection is reset if its peer has taken no byte for --stall-timeout. That time counts
 * from the last byte taken, not from when the connection got its buffer. So many such peers are
 * reset together, not one after another.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admission.h"
#include "conn.h"
#include "handover.h"
#include "log.h"
#include "net.h"
#include "stats.h"
#include "worker.h"

#define ECHO_QUIET_NS UINT64_C(100000000)

/* Shared by all workers and read-only, except the first two, which have their own locks. */
struct echo_config {
    struct admission *admission;
    struct handover *handover;
    struct net_options net;
    uint64_t idle_timeout_ns;  /* 0: never */
    uint64_t drain_timeout_ns; /* 0: reset at once */
    uint64_t stall_timeout_ns; /* 0: never */
    int backlog;
    unsigned accept_depth; /* accepts outstanding per listener, at least 1 */
    bool trace;            /* -v */
};

struct echo_generation {
    struct echo_generation *next;
    unsigned number; /* from 1 */
    struct server_stats stats;
    struct worker_stats work; /* complete once the generation has ended */
    struct worker_stats work_before;
    struct conn *conns;
    uint64_t open; /* connections in `conns` */
    uint64_t began_ns;
    uint64_t ended_ns;
    uint64_t half_ns;     /* when half of the drain timeout is over, by the loop's clock */
    uint64_t deadline_ns; /* of the drain, by the loop's clock */
    bool draining;
};

struct echo {
    struct worker worker; /* first */
    const struct echo_config *config;
    const uv_os_sock_t
        *os_sockets; /* bound, one per address; NULL: the worker has taken them over */
    size_t os_socket_count;

    struct echo_listener *listeners;
    size_t accepts; /* accepts that are outstanding, queued or wait for a retry */
    struct echo_generation *oldest;
    struct echo_generation *current; /* the youngest, last in the list */
    struct watch stall;              /* set while receives wait for a buffer */
    uint64_t stall_look_ns; /* the earliest next look at all connections, by the awake clock */
    struct worker_task stop_task;
    uint64_t stop_deadline_ns;
    struct server_stats past; /* of the generations that have ended */
    uint64_t accepted;        /* connections from its listeners, also those handed over */
    uint64_t stop_accepted;   /* `accepted` in the last turn of a stop */
    uint64_t conn_count;      /* numbers the connections of this worker */
    bool stopping;            /* accept only what waits in the listeners' queues */
    bool aborted;             /* refuse every connection */
    bool listening;
    struct log_limit accept_log;
    struct log_limit refuse_log;
    struct log_limit stall_log;

    /* Under worker.lock. */
    struct echo_generation *ended; /* to be taken by echo_take_ended() */
    struct server_stats snapshot;  /* of all generations, at the last WORKER_SNAPSHOT */
    uint64_t snapshot_open;        /* connections, of all generations */

    /* The main thread's: number of the last generation that echo_take_ended() returned; 0: none */
    unsigned handed_in;
};

extern const struct worker_role echo_role;

/* Prepares the role's part of a zeroed struct; the caller sets the worker's part, with role =
 * &echo_role. `config` must stay. `os_sockets` are bound, one per address. They must stay until the
 * start of the role, which takes the sockets over even if it fails. */
void echo_init(struct echo *echo, const struct echo_config *config, const uv_os_sock_t *os_sockets,
               size_t os_socket_count);

/* The generations that ended since the last call, oldest first; NULL: none. The caller frees each.
 * Main thread. */
struct echo_generation *echo_take_ended(struct echo *echo);

/*
 * Takes the worker's report so far (worker_take_report): copies of its generations, oldest first.
 * Those that echo_take_ended() has returned are left out. The caller frees each. Call
 * echo_take_ended() first: then no generation is missing, and none comes twice. Main thread.
 */
struct echo_generation *echo_take_so_far(struct echo *echo);

#endif
