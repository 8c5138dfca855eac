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
    X(failed, "connections that ended with an error of the connection")                            \
    X(cut, "connections reset at the drain's deadline or by a second signal")                      \
    X(echoes, "receives that were sent back")                                                      \
    X(received, "bytes received")                                                                  \
    X(sent, "bytes sent back")                                                                     \
    X(discarded, "bytes received after the server had ended its side")

#define CLIENT_COUNTERS(X)                                                                         \
    X(attempts, "connects that were tried, each address for itself")                               \
    X(connected, "connections that came up")                                                       \
    X(connect_failures, "connections that did not come up at any address")                         \
    X(abandoned, "connects that the end of the run cut short")                                     \
    X(completed, "connections that ended well: every message answered, then FIN from both")        \
    X(drained, "connections that the server ended in good order")                                  \
    X(cut, "connections whose message was unfinished at the end of the run")                       \
    X(failed, "connections that ended with an error of the connection")                            \
    X(timeouts, "connections without an answer for --timeout")                                     \
    X(mismatches, "connections that brought a wrong byte, or one that nobody had sent")            \
    X(messages, "messages whose echo was verified")                                                \
    X(sent, "bytes sent")                                                                          \
    X(verified, "bytes that came back right")

#define IO_COUNTERS(X)                                                                             \
    X(recv_calls)                                                                                  \
    X(send_calls)                                                                                  \
    X(accept_calls)                                                                                \
    X(connect_calls)                                                                               \
    X(control_calls)                                                                               \
    X(wait_calls)                                                                                  \
    X(system_calls)                                                                                \
    X(wakes)                                                                                       \
    X(completions)                                                                                 \
    X(inline_outcomes)                                                                             \
    X(starved)                                                                                     \
    X(accepts)                                                                                     \
    X(accepts_with_data)                                                                           \
    X(accepts_reaped)                                                                              \
    X(accepts_failed)

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
    uint64_t unsent; /* messages of the schedule (--rate) that had not begun at the end */
    uint64_t up;     /* connections that are up now */
    uint64_t up_peak;
    struct histogram latency;
};

/* Each adds `from` to `into`. */
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
