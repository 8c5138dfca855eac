#ifndef ECHOPORT_WATCH_H
#define ECHOPORT_WATCH_H

/*
 * A watch: a timer that checks a peer. When its deadline passes, bytes that the peer sent in time
 * may still be in the socket, because the process was stopped or busy. So the deadline only makes
 * the watch a suspect. judge() is called when the worker has read the sockets.
 *
 *     watch_set -> the deadline passes: suspect -> polls that do not wait -> judge
 *
 * A suspect is judged after the first poll that began after the deadline, was not full and left no
 * task queued. A busy worker may never have such a poll. So a suspect waits for a limited number of
 * polls. These are enough for each socket that was ready at the deadline.
 *
 * Deadlines are on the worker's awake clock (worker_awake), which leaves out the time by which
 * turns were late. All on the worker's thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "timer.h"

struct worker;

struct watch {
    struct timer timer; /* first; private, as all members up to `judge` */
    struct worker *worker;
    struct watch *next; /* of the suspects */
    struct watch **link;
    uint64_t due_ns; /* by the awake clock; 0: the timer's deadline counts */
    uint64_t turn;   /* of the first poll as a suspect */
    void (*judge)(struct watch *watch);

    /* For judge(), on the awake clock and on the loop's: everything that had happened by then has
     * been delivered. Compare deadlines with these, not with the current time. */
    uint64_t seen_ns;
    uint64_t seen_clock_ns;
};

/* The watches of a worker. Private to worker.c and watch.c. */
struct watches {
    struct watch *suspects; /* in the order of their deadlines */
    struct watch **end;
    uint64_t count; /* watches that are set, with the suspects */
};

void watches_init(struct watches *watches);

/* Makes `watch` a watch of the worker, not set. It is also not set when judge() is called. judge()
 * may set it again, stop any other watch, and free its memory. */
void watch_init(struct watch *watch, struct worker *worker, void (*judge)(struct watch *watch));

/* Sets the watch, or moves it: it is due at `due_ns` of the awake clock, and no suspect. */
void watch_set(struct watch *watch, uint64_t due_ns);

/* The same by the loop's clock: late turns don't move this deadline. */
void watch_set_by_clock(struct watch *watch, uint64_t due_ns);

/* Whether the watch is set: until watch_stop() or judge(). */
bool watch_active(const struct watch *watch);

/* Does nothing if the watch is not set. */
void watch_stop(struct watch *watch);

/* For worker.c, after each poll: judges the suspects that need not wait for another poll. */
void watch_judge(struct worker *worker);

#endif
