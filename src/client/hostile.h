#ifndef ECHOPORT_HOSTILE_H
#define ECHOPORT_HOSTILE_H

/*
 * The worker of the hostile connections (--hostile), on a thread of its own beside the ordinary
 * load: so their work does not delay the client's measurements. It begins at --hostile-from and
 * ends with the run. Then it resets all its connections. They are no part of the verdict.
 *
 *     hostile_init -> crew_add -> WORKER_BEGIN ... the end of the run -> hostile_result
 *
 * hostile.c and hostile_conn.c are one module: the worker and its connections call each other.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "hostile_mode.h"
#include "load.h"
#include "stats.h"
#include "timer.h"
#include "worker.h"

/* Bytes of a receive buffer of this worker, and of all of them. A slow reader reads at most one
 * buffer at a time. */
#define HOSTILE_BUFFER ((size_t)1024)
#define HOSTILE_BUFFER_MEMORY ((size_t)1024 * 1024)

/* What became of the connections of one --hostile: X(member, line, word, meaning), as in stats.h.
 * Each of `opened` ends in one of the ways from `closed_by_server` to `held`. */
#define HOSTILE_COUNTERS(X)                                                                        \
    X(opened, NOWHERE, NULL, "connections that came up")                                           \
    X(answered, NOWHERE, NULL, "connections on which bytes came back")                             \
    X(bytes_sent, NOWHERE, NULL, "bytes")                                                          \
    X(bytes_received, NOWHERE, NULL, "bytes")                                                      \
    X(urgent_bytes, NOWHERE, NULL, "urgent bytes sent")                                            \
    X(closed_by_server, END, "closed by the server", "ended by the server with FIN")               \
    X(reset_by_server, END, "reset by the server", "reset by the server")                          \
    X(failed, END, "broken", "ended by another error")                                             \
    X(reset_by_client, END, "reset by the client", "reset by the client, as the mode says")        \
    X(held, END, "held at the end", "still up at the end of the run")                              \
    X(skipped, ASIDE, "not opened, since all were in use",                                         \
      "due in a storm when every connection was in use")                                           \
    X(unsupported, ASIDE, "could not send urgent bytes on this backend",                           \
      "connections that could not send urgent bytes on this backend")                              \
    X(connect_failures, ASIDE, "failed to connect", "connects that failed")

struct hostile_counters {
    HOSTILE_COUNTERS(STATS_MEMBER)
};

struct hostile_stats {
    struct hostile_counters counters;
    int connect_error; /* the last that counted as connect_failures: a UV error; 0: none */

    /* For how long the server held connections, in nanoseconds: all but `reset_by_client`. */
    struct histogram held_ns;
};

struct hostile_conn;

/* The connections of one --hostile. */
struct hostile_squad {
    struct hostile *hostile;
    struct hostile_group group;
    struct hostile_stats stats;
    size_t first;   /* index of its first connection */
    size_t cursor;  /* of a storm: the connection to be tried next, 0 to count - 1 */
    uint64_t ticks; /* of a storm: connections that were due so far */
    struct timer storm;
};

struct hostile {
    struct worker worker; /* first */
    const struct load_plan *plan;
    uint64_t from_ns; /* --hostile-from, since the start of the run */
    struct hostile_squad *squads;
    size_t squad_count;

    /* The worker's. */
    struct hostile_conn **conns;
    size_t conn_count;
    size_t live;        /* connections that are not done */
    uint8_t *chunk;     /* what every connection sends: HOSTILE_CHUNK bytes, lent to all sends */
    size_t address;     /* index of the address to be tried next */
    uint64_t opened;    /* numbers of connections, for -v */
    uint64_t attack_ns; /* when it began, by the loop's clock */
    struct timer from_timer;
    struct timer end_timer;
    bool attacking; /* after --hostile-from */
    bool ending;
};

/* A copy of the state of all groups. */
struct hostile_result {
    bool began; /* --hostile-from has been reached */
    size_t count;
    struct {
        struct hostile_group group;
        struct hostile_stats stats;
    } groups[];
};

extern const struct worker_role hostile_role;

/*
 * Prepares the role's part of a zeroed struct for `count` groups (at least 1), which are copied.
 * `plan` must stay. The caller sets the worker's part by crew_add(), with role = &hostile_role. 0;
 * or UV_ENOMEM, which has been reported; hostile_free() is allowed. Main thread.
 */
int hostile_init(struct hostile *hostile, const struct load_plan *plan,
                 const struct hostile_group *groups, size_t count, uint64_t from_ns);

/* Frees what hostile_init() made; all is zero again. After crew_free(). Main thread. */
void hostile_free(struct hostile *hostile);

/* The state of a worker that does not run, to be freed by free(). A running one publishes its
 * struct hostile_result (worker_take_report). NULL: out of memory. Main thread. */
struct hostile_result *hostile_result(const struct hostile *hostile);

#endif
