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
 * The wheel owns no memory beyond itself; the timers are embedded in the objects that they serve
 * and belong to the caller. A wheel and its timers are used by one thread. The wheel reads no
 * clock: the caller says what time it is, so a simulated clock does as well as a real one.
 */

#include <stdbool.h>
#include <stdint.h>

#define TIMER_TICK_NS UINT64_C(1000000)

/* Eight levels of 64 slots span 2^48 ticks, more than the 2^64 ns of the clock: nothing is too
 * far. */
#define TIMER_LEVELS 8
#define TIMER_SLOTS 64

/* After the levels come the timers whose deadline had passed at their start, and those of them that
 * the present run is firing. */
#define TIMER_SLOT_DUE (TIMER_LEVELS * TIMER_SLOTS)
#define TIMER_SLOT_FIRING (TIMER_SLOT_DUE + 1)
#define TIMER_SLOT_COUNT (TIMER_SLOT_FIRING + 1)

struct timer_link {
    struct timer_link *next;
    struct timer_link *prev;
};

struct timer {
    struct timer_link link; /* first; next is NULL exactly when the timer isn't active */
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
 * Makes `timer` an inactive timer that will call `fire`. Not to be used on an active timer.
 *
 * `fire` runs inside timer_wheel_run, with the timer already inactive. It may start and stop any
 * timer of the wheel, its own included, and may free the memory that its own timer lies in (and
 * that of others, once stopped). It must not call timer_wheel_run.
 */
void timer_init(struct timer *timer, void (*fire)(struct timer *timer));

/* True from timer_start until the timer fires or is stopped. */
bool timer_active(const struct timer *timer);

/* Makes `wheel` empty, at the time `now_ns`. */
void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ns);

/*
 * Starts `timer`, or moves it when it is active, to fire at the absolute time `deadline_ns`. O(1).
 *
 * A deadline that isn't later than the time of the last run fires in the next run; started from
 * within `fire`, that is not the present run but the one after it. A deadline in the last tick of
 * the clock, UINT64_MAX among them, never fires.
 */
void timer_start(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline_ns);

/* Takes `timer` out of `wheel`, where it was started; does nothing when it isn't active. O(1). */
void timer_stop(struct timer_wheel *wheel, struct timer *timer);

/*
 * The time in nanoseconds at which timer_wheel_run next has something to do; UINT64_MAX when that
 * is never. O(1).
 *
 * It is the time of the last run when a timer's deadline had passed at its start. Otherwise it is
 * later than the last run and not later than the earliest deadline rounded up to a tick. It can be
 * earlier than that: the run then only moves timers to a finer level and fires nothing, at most
 * TIMER_LEVELS - 1 times for one timer.
 */
uint64_t timer_wheel_next(const struct timer_wheel *wheel);

/*
 * Sets the time to `now_ns` (a time before that of the last run counts as that time) and fires
 * every timer whose deadline, rounded up to a tick, has come; so none fires before its deadline.
 * First the timers whose deadline had passed at their start, in order of start, then the others in
 * order of tick, those of one tick in order of start.
 */
void timer_wheel_run(struct timer_wheel *wheel, uint64_t now_ns);

#endif
