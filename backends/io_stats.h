#ifndef ECHOPORT_IO_STATS_H
#define ECHOPORT_IO_STATS_H

/*
 * What a loop has done. Read it on the loop's thread.
 *
 * One list names the counters: X(member, kind, meaning). The members, the sums, the JSON reports,
 * the tests and the table in docs/report.md follow from it. SUM: values of workers are added, and a
 * difference is what happened in between. MAX: the greater value counts.
 */

#include <stdint.h>

/*
 * `*_calls` count attempts. Each is a system call, except where one call submits several.
 *
 * `system_calls` is how many calls the kernel saw. It counts every call that the loop's thread
 * makes for its connections, from opening to closing a socket, and to wait. It leaves out the calls
 * that open and close the loop and its listeners, and those for memory, threads, clocks and files.
 * It also leaves out calls of other threads, such as wake(). The calls that libuv makes by itself
 * are derived from its sources, see backend.estimates_calls.
 *
 * Policy may set `batch_max` to 0. A cancelled accept does not count as failed.
 */
#define IO_COUNTERS(X)                                                                             \
    X(recv_calls, SUM, "receives tried")                                                           \
    X(send_calls, SUM, "sends tried")                                                              \
    X(accept_calls, SUM, "accepts tried")                                                          \
    X(connect_calls, SUM, "connects tried")                                                        \
    X(control_calls, SUM, "changes of interest: epoll_ctl, kevent with changes alone")             \
    X(wait_calls, SUM, "turns in which the loop asked the system for events")                      \
    X(other_calls, SUM, "all other calls: socket options, addresses, shutdown, close, cancel")     \
    X(system_calls, SUM, "system calls for all these")                                             \
    X(wakes, SUM, "turns that another thread ended")                                               \
    X(completions, SUM, "outcomes that came by callback")                                          \
    X(inline_outcomes, SUM, "outcomes that were there when the submit returned")                   \
    X(starved, SUM, "receives that had to wait for a buffer of the pool")                          \
    X(accepts, SUM, "accepts that brought a connection")                                           \
    X(accepts_with_data, SUM, "those of them that brought its first bytes along")                  \
    X(accepts_reaped, SUM, "connections closed because their first bytes did not come in time")    \
    X(accepts_failed, SUM, "accepts that ended with an error")                                     \
    X(batch_max, MAX, "most completions that one turn delivered")                                  \
    X(buffers_peak, MAX, "most buffers in use at once, since the process began")

/* batches[i] counts the turns that delivered 2^i to 2^(i+1)-1 completions; the last one, 2^i or
 * more. */
#define IO_BATCHES 8

#define IO_STATS_MEMBER(name, kind, meaning) uint64_t name;

struct io_stats {
    IO_COUNTERS(IO_STATS_MEMBER)
    uint64_t batches[IO_BATCHES];
};

#endif
