#ifndef ECHOPORT_STATS_H
#define ECHOPORT_STATS_H

/*
 * What is counted. Each counter belongs to one thread; what leaves the thread is a copy.
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
#include "counter.h"
#include "histogram.h"

/*
 * Each list is X(member, line, word, meaning): struct counter in counter.h says what these are. A
 * new counter needs a row here, the place that counts it, and a row in docs/report.md. A test
 * compares the two rows.
 */

#define SERVER_COUNTERS(X)                                                                         \
    X(accepted, NOWHERE, NULL, "connections that were served")                                     \
    X(refused, ASIDE, "refused", "closed at once: `--max-connections` reached, or out of memory")  \
    X(accept_errors, ASIDE, "failed", "accepts that failed")                                       \
    X(closed_by_client, END, "ended by the client", "ended by the client, all its bytes echoed")   \
    X(drained, END, "drained", "ended by the server in a drain, all bytes it held echoed")         \
    X(idle, END, "idle", "closed after `--idle-timeout` without progress")                         \
    X(stalled, END, "stalled", "reset after `--stall-timeout`: no byte taken while others waited") \
    X(failed, END, "failed", "ended by an error of the connection")                                \
    X(cut, END, "cut", "reset at the deadline of a drain, or by a second signal")                  \
    X(echoes, NOWHERE, NULL, "receives that were sent back")                                       \
    X(received, NOWHERE, NULL, "bytes received")                                                   \
    X(sent, NOWHERE, NULL, "bytes sent back")                                                      \
    X(discarded, NOWHERE, NULL, "bytes received after the server had ended its side")

/*
 * Each connection that came up ends in exactly one way, from `completed` to `failed`. A message
 * that began is outstanding until its last byte has been verified. The fates of messages and bytes:
 *
 *     begun = messages + (lost_ + drained_ + unanswered_ + unchecked_)messages
 *     sent  = verified + (lost_ + drained_ + unanswered_)bytes + unchecked
 */
#define CLIENT_COUNTERS(X)                                                                         \
    X(attempts, NOWHERE, NULL, "connects tried, each address of a name counted")                   \
    X(connected, NOWHERE, NULL, "connections that came up")                                        \
    X(connect_failures, ASIDE, "failed to connect", "connects that failed at every address")       \
    X(abandoned, ASIDE, "still connecting at the end", "connects that the end of the run cut")     \
    X(completed, END, "completed", "ended well: every message answered, then FIN from both")       \
    X(closed_by_server, END, "closed by the server", "ended by the server, nothing outstanding")   \
    X(drained, END, "drained by the server",                                                       \
      "ended by the server with messages outstanding: `--allow-drain`")                            \
    X(reset_at_end, END, "reset at the end", "reset after every answer and the client's FIN")      \
    X(reset, END, "reset by the client",                                                           \
      "ended well: every message of `--lifetime` answered, then reset: `--close=rst`")             \
    X(cut, END, "cut", "reset by the end of the run, nothing outstanding")                         \
    X(mismatches, END, "with wrong data", "brought a wrong byte, or one that was not sent")        \
    X(lost, END, "lost", "ended or reset by the server with messages outstanding")                 \
    X(timeouts, END, "without an answer", "no byte moved for `--timeout`")                         \
    X(end_timeouts, END, "not ended by the server",                                                \
      "no FIN from the server for `--timeout` after the client's")                                 \
    X(unanswered, END, "cut with messages unanswered",                                             \
      "reset by the end of the run with messages outstanding")                                     \
    X(failed, END, "broken",                                                                       \
      "broke with nothing outstanding, or because the client's machine ran out of a resource")     \
    X(messages, NOWHERE, NULL, "messages whose echo was verified")                                 \
    X(lost_messages, NOWHERE, NULL, "messages outstanding on lost connections")                    \
    X(drained_messages, NOWHERE, NULL, "messages outstanding on drained connections")              \
    X(unanswered_messages, NOWHERE, NULL,                                                          \
      "messages outstanding on connections that ended in another way without a wrong byte")        \
    X(unchecked_messages, NOWHERE, NULL,                                                           \
      "messages outstanding on connections that brought a wrong byte")                             \
    X(sent, NOWHERE, NULL, "bytes sent")                                                           \
    X(verified, NOWHERE, NULL, "bytes that came back right")                                       \
    X(lost_bytes, BYTES, "lost", "bytes sent and not verified, on lost connections")               \
    X(drained_bytes, BYTES, "drained", "bytes sent and not verified, on drained connections")      \
    X(unanswered_bytes, BYTES, "unanswered",                                                       \
      "bytes sent and not verified, on connections that ended in another way, all bytes right")    \
    X(unchecked, BYTES, "unchecked",                                                               \
      "bytes sent and not verified, on connections that brought a wrong byte")

/*
 * What else a client counts, the `figures` of its JSON: X(member, kind, meaning). `measured_*` are
 * of the time after the warm-up. `not_up` and `down_ns` are of the connections that the run keeps
 * up (--connections). `unsent`, `blocked` and `late` are of the schedule (--rate).
 */
#define CLIENT_FIGURES(X)                                                                          \
    X(measured_messages, SUM, "messages verified in the measured time")                            \
    X(measured_bytes, SUM, "bytes verified in the measured time")                                  \
    X(up, SUM, "connections that are up now")                                                      \
    X(up_peak, SUM, "most connections that were up at once")                                       \
    X(unanswered_oldest_ns, MAX, "the longest that one of `unanswered_messages` waited")           \
    X(begun, SUM, "messages that began, on connections that have ended")                           \
    X(unsent, SUM, "messages that were due and never began")                                       \
    X(blocked, SUM, "due on a connection that was down or had `--pipeline` messages outstanding")  \
    X(late, SUM, "given out late by the worker, or not at all")                                    \
    X(not_up, SUM, "connections that never came up")                                               \
    X(down_ns, SUM, "time without a connection after connect_failures, added up")

#define STATS_MEMBER(name, line, word, meaning) uint64_t name;
#define STATS_FIGURE(name, kind, meaning) uint64_t name;

struct server_counters {
    SERVER_COUNTERS(STATS_MEMBER)
};

struct client_counters {
    CLIENT_COUNTERS(STATS_MEMBER)
};

/* Of struct server_counters, struct client_counters, struct client_stats and struct io_stats. */
extern const struct counter_list stats_server_list;
extern const struct counter_list stats_client_list;
extern const struct counter_list stats_figure_list;
extern const struct counter_list stats_io_list;

/* Which operation an error came from. */
enum stats_operation {
    STATS_ACCEPT,
    STATS_CONNECT,
    STATS_RECV,
    STATS_SEND,
    STATS_SHUTDOWN,
    STATS_OPERATIONS
};

/* Errors by operation and code. When the entries are used up, the last one counts all others, with
 * code 0. */
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

/* The most bytes of a wrong answer that are kept. */
#define STATS_ANSWER_MAX 48

/* The first wrong answer. */
struct stats_answer {
    uint64_t connection;
    uint64_t offset; /* in the connection's stream, of the first wrong byte */
    uint64_t begin;  /* the same of bytes[0]; bytes before `offset` are right */
    size_t length;   /* of `bytes`; 0: there was none */
    uint8_t bytes[STATS_ANSWER_MAX];
};

struct client_stats {
    struct client_counters counters; /* of the whole run */
    struct stats_errors errors;
    CLIENT_FIGURES(STATS_FIGURE)

    /* Of messages that were due in the measured time, or that began in it without --rate. */
    struct histogram latency;    /* since then */
    struct histogram since_sent; /* only with --rate: since the first byte was given to a send */
    struct histogram lateness;   /* only with --rate: by how much the client gave it out late */

    struct histogram fairness; /* of users: messages that each had in the measured time */

    /* Parts of `latency`, with --hostile: of the messages that began before --hostile-from, and of
     * the others. */
    struct histogram latency_before;
    struct histogram latency_beside;

    /* UV errors; 0: none. */
    int not_up_reason; /* of one of `not_up` */
    int connect_error; /* the last that counted as connect_failures */
    int failed_error;  /* the last that counted as failed */

    struct stats_answer answer;

    bool gave_up; /* the run was ended by --give-up */
};

/* Makes a zeroed struct empty. As histogram_init_zeroed() it touches little memory. */
void client_stats_init(struct client_stats *stats);

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
