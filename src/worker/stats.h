#ifndef ECHOPORT_STATS_H
#define ECHOPORT_STATS_H

/*
 * What is counted. Each counter belongs to one thread; what leaves the thread is a copy. The lists
 * give the members, the sums and the names in the JSON reports alike.
 *
 * The books, per server generation and over a whole client run, in bytes:
 *
 *     verified <= server.sent <= server.received <= client.sent
 *
 * and without resets verified = server.sent and server.received = server.sent + discarded.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "histogram.h"

/* X(member, what it means) */

#define SERVER_COUNTERS(X)                                                                         \
    X(accepted, "connections that were served")                                                    \
    X(refused, "connections closed at once: --max-connections reached, or no memory")              \
    X(accept_errors, "accepts that failed")                                                        \
    X(closed_by_client, "connections that the client ended, all its bytes echoed")                 \
    X(drained, "connections that the server ended when it drained, all held bytes echoed")         \
    X(idle, "connections closed after --idle-timeout without progress")                            \
    X(stalled, "connections reset for --stall-timeout: no byte taken while others waited")         \
    X(failed, "connections that ended with an error of the connection")                            \
    X(cut, "connections reset at the drain's deadline or by a second signal")                      \
    X(echoes, "receives that were sent back")                                                      \
    X(received, "bytes received")                                                                  \
    X(sent, "bytes sent back")                                                                     \
    X(discarded, "bytes received after the server had ended its side")

/*
 * Each connection that came up ends in exactly one way, from `completed` to `failed`. A message
 * that began is outstanding until its last byte has been verified. The fates of messages and bytes:
 *
 *     begun = messages + (lost_ + drained_ + unanswered_ + unchecked_)messages
 *     sent  = verified + (lost_ + drained_ + unanswered_)bytes + unchecked
 */
#define CLIENT_COUNTERS(X)                                                                         \
    X(attempts, "connects that were tried, each address for itself")                               \
    X(connected, "connections that came up")                                                       \
    X(connect_failures, "connections that did not come up at any address")                         \
    X(abandoned, "connects that the end of the run cut short")                                     \
    X(completed, "connections that ended well: every message answered, then FIN from both")        \
    X(closed_by_server, "connections that the server ended with nothing outstanding")              \
    X(drained, "connections that the server ended with messages outstanding: --allow-drain")       \
    X(reset_at_end, "connections reset after every answer and the client's FIN")                   \
    X(cut, "connections reset by the end of the run with nothing outstanding")                     \
    X(mismatches, "connections that brought a wrong byte, or one that was not sent")               \
    X(lost, "connections that the server ended or reset with messages outstanding")                \
    X(timeouts, "connections on which nothing moved for --timeout")                                \
    X(end_timeouts, "connections without the server's FIN for --timeout after the client's")       \
    X(unanswered, "connections reset by the end of the run with messages outstanding")             \
    X(failed, "connections that broke with nothing outstanding, or for want of resources")         \
    X(messages, "messages whose echo was verified")                                                \
    X(lost_messages, "messages outstanding on connections that count as lost")                     \
    X(drained_messages, "the same on those that count as drained")                                 \
    X(unanswered_messages, "the same on those that ended in another way without a wrong byte")     \
    X(unchecked_messages, "messages outstanding on connections that brought a wrong byte")         \
    X(sent, "bytes sent")                                                                          \
    X(verified, "bytes that came back right")                                                      \
    X(lost_bytes, "bytes sent and not verified, on connections that count as lost")                \
    X(drained_bytes, "the same on those that count as drained")                                    \
    X(unanswered_bytes, "the same on those that ended in another way without a wrong byte")        \
    X(unchecked, "bytes sent and not verified, on connections that brought a wrong byte")

#define STATS_MEMBER(name, meaning) uint64_t name;

struct server_counters {
    SERVER_COUNTERS(STATS_MEMBER)
};

struct client_counters {
    CLIENT_COUNTERS(STATS_MEMBER)
};

/* Which operation an error came from. */
enum stats_operation {
    STATS_ACCEPT,
    STATS_CONNECT,
    STATS_RECV,
    STATS_SEND,
    STATS_SHUTDOWN,
    STATS_OPERATIONS
};

/* Errors by operation and code; what has no room is counted in the last entry, with code 0. */
#define STATS_ERRORS_MAX 24

struct stats_error {
    enum stats_operation operation;
    int code;
    uint64_t count;
};

struct stats_errors {
    size_t count;
    struct stats_error entries[STATS_ERRORS_MAX];
};

/* What one worker did in one generation. */
struct worker_stats {
    struct io_stats io;
    uint64_t cpu_ns;
};

struct server_stats {
    struct server_counters counters;
    struct stats_errors errors;
};

/* `counters` are of the whole run; `measured_*` and `latency` of the time after the warm-up. */
struct client_stats {
    struct client_counters counters;
    struct stats_errors errors;
    uint64_t measured_messages;
    uint64_t measured_bytes;
    uint64_t up; /* connections that are up now */
    uint64_t up_peak;
    struct histogram latency;
    uint64_t
        unanswered_oldest_ns; /* the longest that a message waited in vain; of `unanswered_*` */

    uint64_t begun; /* messages, on connections that have ended */

    /* Of the schedule (--rate): messages that had not begun at the end; that came due in time, on a
     * connection that was down or had --pipeline messages on their way; that the worker gave out
     * late, or not at all. */
    uint64_t unsent;
    uint64_t blocked;
    uint64_t late;

    /* Of the connections that the run is to keep up (--connections): */
    uint64_t not_up;   /* those that never came up */
    int not_up_reason; /* a UV error of one of them; 0: none is known */
    int connect_error; /* the last UV error that counted as connect_failures */
    uint64_t down_ns;  /* the time without a connection behind connect_failures, added up */
    int failed_error;  /* the last UV error that counted as failed */

    bool gave_up; /* the run was ended by --give-up */
};

/* Each adds `from` to `into`. */
void client_counters_add(struct client_counters *into, const struct client_counters *from);
void server_stats_add(struct server_stats *into, const struct server_stats *from);
void client_stats_add(struct client_stats *into, const struct client_stats *from);

/* Of each maximum takes the greater. */
void io_stats_keep_maxima(struct io_stats *into, const struct io_stats *now);

/* Adds what `now` has more than `before`; of maxima takes the greater. */
void io_stats_add_since(struct io_stats *into, const struct io_stats *now,
                        const struct io_stats *before);

void stats_error_count(struct stats_errors *errors, enum stats_operation operation, int code);
uint64_t stats_errors_total(const struct stats_errors *errors);
const char *stats_operation_name(enum stats_operation operation);

#endif
