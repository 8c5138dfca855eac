#ifndef ECHOPORT_WATCH_H
#define ECHOPORT_WATCH_H

/*
 * A watch: a timer that may condemn a peer. What the peer sent in time may still lie in its socket
 * when the deadline passes, because the process was stopped or had much to do. So the deadline only
 * makes a suspect of the watch; judge() is called once the worker has looked into the sockets.
 *
 *     watch_set -> the deadline passes: suspect -> polls that do not wait -> judge
 *
 * A suspect is judged after the first poll that began when it was due, was not full and left no
 * task queued. A busy worker may never have such a poll. So a suspect is judged at the latest after
 * so many polls that each socket which was ready at its deadline has had its turn.
 *
 * Deadlines are on the worker's awake clock (worker_awake): the time by which turns were late is
 * left out. All on the worker's thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "timer.h"

struct worker;

struct watch {
    struct timer timer; /* first; private, as the next five are */
    struct worker *worker;
    struct watch *next; /* of the suspects */
    struct watch **link;
    uint64_t due_ns; /* by the awake clock; 0: the timer's deadline counts */
    uint64_t turn;   /* of the first poll as a suspect */
    void (*judge)(struct watch *watch);

    /* For judge(): all that had happened by then has been delivered, on the awake clock and on the
     * loop's. Compare deadlines with these, not with the present. */
    uint64_t seen_ns;
    uint64_t seen_clock_ns;
};

/* Those of a worker. */
struct watches {
    struct watch *suspects; /* in the order of their deadlines */
    struct watch **end;
    uint64_t count; /* of those that are set, the suspects among them */
};

void watches_init(struct watches *watches);

/* Makes `watch` one of the worker's, not set. judge() finds it so, and may set it again, stop any
 * other, and free its memory. */
void watch_init(struct watch *watch, struct worker *worker, void (*judge)(struct watch *watch));

/* Sets it, or moves it when it is set: no longer a suspect, due at `due_ns` of the awake clock. */
void watch_set(struct watch *watch, uint64_t due_ns);

/* The same with a time of the loop's clock: the deadline stays where it is, however late turns
 * are. */
void watch_set_by_clock(struct watch *watch, uint64_t due_ns);

/* From watch_set to watch_stop or judge(). */
bool watch_active(const struct watch *watch);
void watch_stop(struct watch *watch); /* no-op if not set */

/* For worker.c, after each poll: judges the suspects whose time has come. */
void watch_judge(struct worker *worker);

#endif
