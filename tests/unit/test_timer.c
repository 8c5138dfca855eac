#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "random.h"
#include "timer.h"

#define MS TIMER_TICK_NS
#define MODEL_TIMERS 200
#define MODEL_OPERATIONS 200000

/* A timer, and what the model expects of it. The model checks all timers in each run. */
struct probe {
    struct timer timer; /* first */
    bool active;
    bool due; /* its deadline had passed when it was started */
    uint64_t tick;
    uint64_t start_number;
    uint64_t fired;
};

static struct timer_wheel wheel;
static struct probe probes[MODEL_TIMERS];
static uint64_t model_now_ns;
static uint64_t start_count;
static uint64_t run_start_count; /* when the current run began */
static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
    return random_next(&random_state) % limit;
}

/* A random number of any magnitude up to that of `limit`. */
static uint64_t random_span(uint64_t limit)
{
    return random_next(&random_state) >> random_below(64) & (limit - 1);
}

static uint64_t tick_of(uint64_t deadline_ns)
{
    return deadline_ns / MS + (deadline_ns % MS != 0);
}

static void count_fire(struct timer *timer)
{
    ((struct probe *)timer)->fired++;
}

static void model_start(struct probe *probe, uint64_t deadline_ns)
{
    probe->active = true;
    probe->due = deadline_ns <= model_now_ns;
    probe->tick = tick_of(deadline_ns);
    probe->start_number = start_count++;
    timer_start(&wheel, &probe->timer, deadline_ns);
    assert_true(timer_active(&probe->timer));
}

static void model_stop(struct probe *probe)
{
    probe->active = false;
    timer_stop(&wheel, &probe->timer);
    assert_false(timer_active(&probe->timer));
}

static bool model_before(const struct probe *left, const struct probe *right)
{
    if (left->due || right->due) {
        return left->due && (!right->due || left->start_number < right->start_number);
    }
    return left->tick < right->tick ||
           (left->tick == right->tick && left->start_number < right->start_number);
}

static bool model_ripe(const struct probe *probe)
{
    if (!probe->active) {
        return false;
    }
    if (probe->due) {
        return probe->start_number < run_start_count;
    }
    return probe->tick <= model_now_ns / MS;
}

/* The timer that must fire next in the current run, or NULL. */
static struct probe *model_first(void)
{
    struct probe *first = NULL;

    for (size_t i = 0; i < MODEL_TIMERS; i++) {
        if (model_ripe(&probes[i]) && (first == NULL || model_before(&probes[i], first))) {
            first = &probes[i];
        }
    }
    return first;
}

static uint64_t model_deadline(void)
{
    switch (random_below(6)) {
    case 0:
        return model_now_ns - random_below(model_now_ns < 50 * MS ? model_now_ns + 1 : 50 * MS);
    case 1:
        return (model_now_ns / MS + random_below(200)) * MS;
    case 2:
        return random_next(&random_state) >> 1;
    case 3:
        return model_now_ns + random_span(UINT64_C(1) << 50);
    default:
        return model_now_ns + random_below(300 * MS);
    }
}

static void model_random_operation(void)
{
    struct probe *probe = &probes[random_below(MODEL_TIMERS)];

    if (random_below(4) == 0) {
        model_stop(probe);
    } else {
        model_start(probe, model_deadline());
    }
}

static void model_fire(struct timer *timer)
{
    struct probe *probe = (struct probe *)timer;

    assert_ptr_equal(probe, model_first());
    assert_false(timer_active(timer));
    assert_true(timer->deadline_ns <= model_now_ns);
    probe->active = false;
    probe->fired++;
    while (random_below(3) == 0) {
        model_random_operation();
    }
}

static void model_run(uint64_t now_ns)
{
    model_now_ns = now_ns;
    run_start_count = start_count;
    timer_wheel_run(&wheel, now_ns);
    assert_null(model_first());
}

static void model_check_next(void)
{
    uint64_t next_ns = timer_wheel_next(&wheel);
    bool any = false;

    for (size_t i = 0; i < MODEL_TIMERS; i++) {
        assert_int_equal(timer_active(&probes[i].timer), probes[i].active);
        if (probes[i].active) {
            any = true;
            assert_true(next_ns <= (probes[i].due ? model_now_ns : probes[i].tick * MS));
        }
        if (probes[i].active && probes[i].due) {
            assert_int_equal(next_ns, model_now_ns);
        }
    }
    assert_true(next_ns >= model_now_ns);
    assert_int_equal(any, next_ns != UINT64_MAX);
}

static uint64_t model_step(void)
{
    uint64_t next_ns = timer_wheel_next(&wheel);

    switch (random_below(8)) {
    case 0:
        return next_ns == UINT64_MAX ? model_now_ns : next_ns;
    case 1:
        return model_now_ns;
    case 2:
        return model_now_ns + random_span(UINT64_C(1) << 36);
    default:
        return model_now_ns + random_below(5 * MS);
    }
}

static void model_begin(uint64_t seed, uint64_t now_ns)
{
    random_state = seed;
    model_now_ns = now_ns;
    start_count = 0;
    timer_wheel_init(&wheel, now_ns);
    for (size_t i = 0; i < MODEL_TIMERS; i++) {
        probes[i] = (struct probe){.fired = 0};
        timer_init(&probes[i].timer, model_fire);
    }
}

static void behaves_as_the_model(void **state)
{
    static const uint64_t starts_ns[] = {0, 12345678, UINT64_C(1) << 40, UINT64_C(1) << 61};

    (void)state;
    for (size_t i = 0; i < sizeof starts_ns / sizeof starts_ns[0]; i++) {
        model_begin(i + 1, starts_ns[i]);
        for (size_t operation = 0; operation < MODEL_OPERATIONS / 4; operation++) {
            model_random_operation();
            if (random_below(4) == 0) {
                model_check_next();
                model_run(model_step());
            }
        }
        /* At the end of the clock every timer fires, whatever its level. */
        while (timer_wheel_next(&wheel) != UINT64_MAX) {
            model_check_next();
            model_run(timer_wheel_next(&wheel));
        }
        for (size_t j = 0; j < MODEL_TIMERS; j++) {
            assert_false(timer_active(&probes[j].timer));
            assert_true(probes[j].fired > 0);
        }
    }
}

static void fires_at_its_tick_and_not_before(void **state)
{
    struct probe probe = {.fired = 0};

    (void)state;
    for (uint64_t delay_ns = 1; delay_ns < UINT64_C(1) << 62; delay_ns = delay_ns * 3 + 1) {
        uint64_t start_ns = 7 * MS + 5;
        uint64_t deadline_ns = start_ns + delay_ns;

        timer_wheel_init(&wheel, start_ns);
        timer_init(&probe.timer, count_fire);
        probe.fired = 0;
        timer_start(&wheel, &probe.timer, deadline_ns);
        timer_wheel_run(&wheel, deadline_ns - 1);
        assert_int_equal(probe.fired, 0);
        timer_wheel_run(&wheel, tick_of(deadline_ns) * MS);
        assert_int_equal(probe.fired, 1);
        assert_int_equal(timer_wheel_next(&wheel), UINT64_MAX);
    }
}

static void next_leads_to_the_deadline_in_few_steps(void **state)
{
    struct probe probe = {.fired = 0};

    (void)state;
    random_state = 5;
    for (size_t i = 0; i < 10000; i++) {
        uint64_t start_ns = random_span(UINT64_C(1) << 62);
        uint64_t deadline_ns = start_ns + 1 + random_span(UINT64_C(1) << 62);
        size_t steps = 0;

        timer_wheel_init(&wheel, start_ns);
        timer_init(&probe.timer, count_fire);
        probe.fired = 0;
        timer_start(&wheel, &probe.timer, deadline_ns);
        while (probe.fired == 0) {
            uint64_t next_ns = timer_wheel_next(&wheel);

            assert_true(next_ns <= tick_of(deadline_ns) * MS);
            timer_wheel_run(&wheel, next_ns);
            steps++;
        }
        assert_true(steps <= TIMER_LEVELS);
    }
}

static void deadline_passed_fires_in_the_next_run(void **state)
{
    struct probe probe = {.fired = 0};
    uint64_t now_ns = 5 * MS + 500;

    (void)state;
    timer_wheel_init(&wheel, now_ns);
    timer_init(&probe.timer, count_fire);
    timer_start(&wheel, &probe.timer, 5 * MS + 400);
    assert_int_equal(timer_wheel_next(&wheel), now_ns);
    timer_wheel_run(&wheel, now_ns);
    assert_int_equal(probe.fired, 1);
    timer_start(&wheel, &probe.timer, 0);
    timer_wheel_run(&wheel, 0); /* time stands still and does not go back */
    assert_int_equal(probe.fired, 2);
    timer_start(&wheel, &probe.timer, 6 * MS);
    timer_wheel_run(&wheel, 1);
    assert_int_equal(probe.fired, 2);
    timer_wheel_run(&wheel, 6 * MS);
    assert_int_equal(probe.fired, 3);
}

static void last_tick_of_the_clock_never_fires(void **state)
{
    struct probe probe = {.fired = 0};

    (void)state;
    timer_wheel_init(&wheel, 3);
    timer_init(&probe.timer, count_fire);
    timer_start(&wheel, &probe.timer, UINT64_MAX);
    assert_true(timer_active(&probe.timer));
    assert_int_equal(timer_wheel_next(&wheel) == UINT64_MAX,
                     0); /* not the deadline, but an earlier cascade */
    timer_wheel_run(&wheel, UINT64_MAX - 1);
    assert_int_equal(timer_wheel_next(&wheel), UINT64_MAX);
    assert_int_equal(probe.fired, 0);
    timer_stop(&wheel, &probe.timer);
    assert_false(timer_active(&probe.timer));
    timer_stop(&wheel, &probe.timer);
    assert_int_equal(timer_wheel_next(&wheel), UINT64_MAX);
}

static void restart_as_due(struct timer *timer)
{
    ((struct probe *)timer)->fired++;
    timer_start(&wheel, timer, 0);
}

static void restart_within_fire_waits_for_the_next_run(void **state)
{
    struct probe probe = {.fired = 0};

    (void)state;
    timer_wheel_init(&wheel, 0);
    timer_init(&probe.timer, restart_as_due);
    timer_start(&wheel, &probe.timer, MS);
    for (uint64_t run = 1; run <= 10; run++) {
        timer_wheel_run(&wheel, MS);
        assert_int_equal(probe.fired, run);
        assert_int_equal(timer_wheel_next(&wheel), MS);
    }
    timer_stop(&wheel, &probe.timer);
}

static void free_itself(struct timer *timer)
{
    free(timer);
}

static void fire_may_free_its_timer(void **state)
{
    (void)state;
    timer_wheel_init(&wheel, 0);
    for (size_t i = 0; i < 100; i++) {
        struct timer *timer = malloc(sizeof *timer);

        assert_non_null(timer);
        timer_init(timer, free_itself);
        timer_start(&wheel, timer, i % 7 * MS);
    }
    timer_wheel_run(&wheel, 10 * MS);
    assert_int_equal(timer_wheel_next(&wheel), UINT64_MAX);
}

static void stop_others(struct timer *timer)
{
    count_fire(timer);
    for (size_t i = 0; i < 10; i++) {
        timer_stop(&wheel, &probes[i].timer);
    }
}

static void fire_may_stop_those_of_its_tick(void **state)
{
    (void)state;
    for (uint64_t deadline_ns = 0; deadline_ns <= MS; deadline_ns += MS) {
        uint64_t fired = 0;

        timer_wheel_init(&wheel, 0);
        for (size_t i = 0; i < 10; i++) {
            probes[i].fired = 0;
            timer_init(&probes[i].timer, stop_others);
            timer_start(&wheel, &probes[i].timer, deadline_ns);
        }
        timer_wheel_run(&wheel, MS);
        for (size_t i = 0; i < 10; i++) {
            fired += probes[i].fired;
        }
        assert_int_equal(fired, 1);
        assert_int_equal(timer_wheel_next(&wheel), UINT64_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_as_the_model),
        cmocka_unit_test(fires_at_its_tick_and_not_before),
        cmocka_unit_test(next_leads_to_the_deadline_in_few_steps),
        cmocka_unit_test(deadline_passed_fires_in_the_next_run),
        cmocka_unit_test(last_tick_of_the_clock_never_fires),
        cmocka_unit_test(restart_within_fire_waits_for_the_next_run),
        cmocka_unit_test(fire_may_free_its_timer),
        cmocka_unit_test(fire_may_stop_those_of_its_tick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
