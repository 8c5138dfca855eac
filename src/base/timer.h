#ifndef ECHOPORT_TIMER_H
#define ECHOPORT_TIMER_H

/*
 * Timers: a hierarchical timer wheel of 1 ms ticks over an absolute clock in nanoseconds.
 *
 * The life of a timer:
 *     timer_init -> timer_start -> its deadline passes -> timer_wheel_run calls fire
 *     timer_init -> timer_start -> timer_stop
 * A timer that has fired or was stopped can be started again, or its memory freed.
 *
 * The wheel allocates nothing. Timers belong to the caller, which embeds them in the objects that
 * they serve. A wheel and its timers belong to one thread. The wheel reads no clock: the caller
 * passes the time, which may be simulated.
 */

#include <stdbool.h>
#include <stdint.h>

#define TIMER_TICK_NS UINT64_C(1000000)

/* Eight levels of 64 slots span 2^48 ticks, more than the 2^64 ns of the clock: every deadline
 * fits. */
#define TIMER_LEVELS 8
#define TIMER_SLOTS 64

/* Two more lists follow the levels: timers that were started after their deadline, and those of
 * them that the current run fires. */
#define TIMER_SLOT_DUE (TIMER_LEVELS * TIMER_SLOTS)
#define TIMER_SLOT_FIRING (TIMER_SLOT_DUE + 1)
#define TIMER_SLOT_COUNT (TIMER_SLOT_FIRING + 1)

struct timer_link {
    struct timer_link *next;
    struct timer_link *prev;
};

struct timer {
    struct timer_link link; /* first; next is NULL exactly when the timer is not active */
    uint64_t deadline_ns;   /* of the last start; read only */
    void (*fire)(struct timer *timer);
};

/* All members are private. A wheel must not be moved or copied once initialised. */
struct timer_wheel {
    uint64_t now_ns; /* of the last run */
    uint64_t tick;   /* every timer of this tick or an earlier one has left the levels */
    bool running;
    uint64_t used[TIMER_LEVELS + 1];           /* bit = the slot's list has timers */
    struct timer_link slots[TIMER_SLOT_COUNT]; /* circular lists, each in order of start */
};

/*
 * Makes `timer` an inactive timer that will call `fire`. Don't call it for an active timer.
 *
 * `fire` runs inside timer_wheel_run, when the timer is already inactive. It may start and stop any
 * timer of the wheel, its own too. It may free its own timer, and others that are stopped. It must
 * not call timer_wheel_run.
 */
void timer_init(struct timer *timer, void (*fire)(struct timer *timer));

/* True from timer_start until the timer fires or is stopped. */
bool timer_active(const struct timer *timer);

/* Makes `wheel` empty, at the time `now_ns`. */
void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ns);

/*
 * Starts `timer`, or moves it if it is active, to fire at the absolute time `deadline_ns`
 * (nanoseconds of the caller's clock). O(1).
 *
 * A deadline that is not later than the last run fires in the next run. If `fire` starts it, that
 * is the run after the current one. A deadline in the last tick of the clock, such as UINT64_MAX,
 * never fires.
 */
void timer_start(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline_ns);

/* Stops `timer`, which was started in `wheel`. Does nothing if it is not active. O(1). */
void timer_stop(struct timer_wheel *wheel, struct timer *timer);

/*
 * The time in nanoseconds at which timer_wheel_run next has something to do; UINT64_MAX: never.
 * O(1).
 *
 * If a timer's deadline had passed when it was started, this is the time of the last run. Otherwise
 * it is later than the last run, and at most the earliest deadline rounded up to a tick. It can be
 * earlier than that deadline: then the run only moves timers to a finer level. That happens at most
 * TIMER_LEVELS - 1 times for one timer.
 */
uint64_t timer_wheel_next(const struct timer_wheel *wheel);

/*
 * Sets the time to `now_ns`, or leaves it if `now_ns` is earlier than the last run. Fires every
 * timer with a deadline that has come, rounded up to a tick: none fires early. First come the
 * timers that were started after their deadline, in order of start. Then come the others by tick,
 * and those of one tick in order of start.
 */
void timer_wheel_run(struct timer_wheel *wheel, uint64_t now_ns);

#endif
