#include "timer.h"

#include <assert.h>
#include <stddef.h>

/*
 * Ticks are numbers of base 64, one digit per level. A timer lies at the level of the highest digit
 * in which its tick differs from the wheel's, in the slot of that digit. Hence:
 *   - within a level, every used slot is ahead of the wheel's digit;
 *   - every timer of a level is later than all timers of the levels below;
 *   - the earliest slot is the lowest bit of the lowest used level.
 *
 * When the wheel's tick reaches a slot of level 0, its timers fire. When it reaches a slot of a
 * higher level, they move to lower levels. The wheel advances to a tick only when all slots before
 * it are empty. So of two timers for one tick, the one started first fires first.
 */

#define DIGIT_BITS 6

static_assert(TIMER_SLOTS == 1 << DIGIT_BITS, "a digit selects a slot");
static_assert(offsetof(struct timer, link) == 0, "a link is converted to its timer");
static_assert(UINT64_MAX / TIMER_TICK_NS >> (DIGIT_BITS * TIMER_LEVELS) == 0, "all ticks fit");

static void list_init(struct timer_link *list)
{
    list->next = list;
    list->prev = list;
}

static bool list_empty(const struct timer_link *list)
{
    return list->next == list;
}

static unsigned lowest_bit(uint64_t bits)
{
    unsigned index = 0;

    assert(bits != 0);
    for (unsigned width = 32; width > 0; width /= 2) {
        if ((bits & ((UINT64_C(1) << width) - 1)) == 0) {
            bits >>= width;
            index += width;
        }
    }
    return index;
}

static void wheel_append(struct timer_wheel *wheel, size_t slot, struct timer_link *link)
{
    struct timer_link *list = &wheel->slots[slot];

    assert(slot < TIMER_SLOT_COUNT);
    assert(link->next == NULL);
    link->next = list;
    link->prev = list->prev;
    list->prev->next = link;
    list->prev = link;
    wheel->used[slot / TIMER_SLOTS] |= UINT64_C(1) << slot % TIMER_SLOTS;
}

static void wheel_remove(struct timer_wheel *wheel, struct timer_link *link)
{
    struct timer_link *next = link->next;
    struct timer_link *prev = link->prev;

    assert(next->prev == link && prev->next == link);
    next->prev = prev;
    prev->next = next;
    link->next = NULL;
    link->prev = NULL;
    if (next == prev) {
        /* The list is empty: only its head is left, an element of `slots`. */
        size_t slot = (size_t)(next - wheel->slots);

        assert(slot < TIMER_SLOT_COUNT);
        wheel->used[slot / TIMER_SLOTS] &= ~(UINT64_C(1) << slot % TIMER_SLOTS);
    }
}

/* The deadline rounded up to a tick. */
static uint64_t tick_of_deadline(uint64_t deadline_ns)
{
    return deadline_ns / TIMER_TICK_NS + (deadline_ns % TIMER_TICK_NS != 0);
}

static void wheel_place(struct timer_wheel *wheel, struct timer *timer)
{
    uint64_t tick = tick_of_deadline(timer->deadline_ns);
    uint64_t digits = tick ^ wheel->tick;
    unsigned level = 0;

    assert(tick >= wheel->tick);
    while (digits >= TIMER_SLOTS) {
        digits >>= DIGIT_BITS;
        level++;
    }
    assert(level < TIMER_LEVELS);
    wheel_append(wheel, level * TIMER_SLOTS + (size_t)(tick >> level * DIGIT_BITS) % TIMER_SLOTS,
                 &timer->link);
}

/* Returns the earliest used slot of the levels. *tick is the tick at which it begins; UINT64_MAX if
 * no slot is used. */
static size_t wheel_earliest(const struct timer_wheel *wheel, uint64_t *tick)
{
    const uint64_t digit_mask = TIMER_SLOTS - 1;

    for (unsigned level = 0; level < TIMER_LEVELS; level++) {
        if (wheel->used[level] != 0) {
            unsigned digit = lowest_bit(wheel->used[level]);
            unsigned shift = level * DIGIT_BITS;
            uint64_t digits = (wheel->tick >> shift & ~digit_mask) | digit;

            assert(digits >= wheel->tick >> shift);
            *tick = digits << shift;
            return level * TIMER_SLOTS + digit;
        }
    }
    *tick = UINT64_MAX;
    return 0;
}

/* The fire functions must not add a timer to the slot. */
static void wheel_fire(struct timer_wheel *wheel, size_t slot)
{
    struct timer_link *list = &wheel->slots[slot];

    assert(wheel->running);
    while (!list_empty(list)) {
        struct timer *timer = (struct timer *)list->next;

        assert(timer->deadline_ns <= wheel->now_ns);
        wheel_remove(wheel, &timer->link);
        timer->fire(timer);
    }
}

/* A timer that a fire function starts with a deadline in the past fires in the next run. */
static void wheel_fire_due(struct timer_wheel *wheel)
{
    struct timer_link *due = &wheel->slots[TIMER_SLOT_DUE];

    assert(list_empty(&wheel->slots[TIMER_SLOT_FIRING]));
    while (!list_empty(due)) {
        struct timer_link *link = due->next;

        wheel_remove(wheel, link);
        wheel_append(wheel, TIMER_SLOT_FIRING, link);
    }
    wheel_fire(wheel, TIMER_SLOT_FIRING);
}

static void wheel_cascade(struct timer_wheel *wheel, size_t slot)
{
    struct timer_link *list = &wheel->slots[slot];

    assert(slot >= TIMER_SLOTS && slot < TIMER_SLOT_DUE);
    assert(!list_empty(list));
    while (!list_empty(list)) {
        struct timer_link *link = list->next;

        wheel_remove(wheel, link);
        wheel_place(wheel, (struct timer *)link);
    }
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
    assert(timer != NULL);
    assert(fire != NULL);
    timer->link.next = NULL;
    timer->link.prev = NULL;
    timer->deadline_ns = 0;
    timer->fire = fire;
}

bool timer_active(const struct timer *timer)
{
    assert((timer->link.next == NULL) == (timer->link.prev == NULL));
    return timer->link.next != NULL;
}

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ns)
{
    assert(wheel != NULL);
    wheel->now_ns = now_ns;
    wheel->tick = now_ns / TIMER_TICK_NS;
    wheel->running = false;
    for (size_t level = 0; level <= TIMER_LEVELS; level++) {
        wheel->used[level] = 0;
    }
    for (size_t slot = 0; slot < TIMER_SLOT_COUNT; slot++) {
        list_init(&wheel->slots[slot]);
    }
}

void timer_start(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline_ns)
{
    assert(timer->fire != NULL);
    timer_stop(wheel, timer);
    timer->deadline_ns = deadline_ns;
    if (deadline_ns <= wheel->now_ns) {
        wheel_append(wheel, TIMER_SLOT_DUE, &timer->link);
    } else {
        wheel_place(wheel, timer);
    }
    assert(timer_active(timer));
}

void timer_stop(struct timer_wheel *wheel, struct timer *timer)
{
    if (timer_active(timer)) {
        wheel_remove(wheel, &timer->link);
    }
    assert(!timer_active(timer));
}

uint64_t timer_wheel_next(const struct timer_wheel *wheel)
{
    uint64_t tick;

    if (!list_empty(&wheel->slots[TIMER_SLOT_DUE])) {
        return wheel->now_ns;
    }
    wheel_earliest(wheel, &tick);
    return tick > UINT64_MAX / TIMER_TICK_NS ? UINT64_MAX : tick * TIMER_TICK_NS;
}

void timer_wheel_run(struct timer_wheel *wheel, uint64_t now_ns)
{
    uint64_t tick;

    assert(!wheel->running);
    wheel->running = true;
    if (now_ns > wheel->now_ns) {
        wheel->now_ns = now_ns;
    }
    wheel_fire_due(wheel);
    for (;;) {
        size_t slot = wheel_earliest(wheel, &tick);

        if (tick > wheel->now_ns / TIMER_TICK_NS) {
            break;
        }
        wheel->tick = tick;
        if (slot < TIMER_SLOTS) {
            wheel_fire(wheel, slot);
        } else {
            wheel_cascade(wheel, slot);
        }
    }
    wheel->tick = wheel->now_ns / TIMER_TICK_NS;
    wheel->running = false;
}
