/* The turns of a worker one by one, its start and its end. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "range.h"
#include "worker_rig.h"

/* ---- the poll ------------------------------------------------------------------------------- */

static void poll_waits_for_the_roles_schedule(void **state)
{
    (void)state;
    rig.due_ns = WORKER_RIG_START_NS + 3 * MS;
    worker_rig_turn();
    assert_int_equal(rig.fake.deadline_ns, WORKER_RIG_START_NS + 3 * MS);
}

static void complete_in_the_poll(struct fake *fake)
{
    fake->on_poll = NULL;
    fake->io.stats.completions++;
    fake->now_ns += MS;
}

static void busy_poll_asks_without_waiting_for_a_while_after_an_outcome(void **state)
{
    (void)state;
    rig.worker.busy_poll_ns = 2 * MS;
    rig.fake.on_poll = complete_in_the_poll;
    worker_rig_turn();
    assert_true(rig.fake.deadline_ns == UINT64_MAX); /* nothing had happened yet */
    worker_rig_turn();
    assert_int_equal(rig.fake.deadline_ns, 0);
    rig.fake.now_ns += 2 * MS - 1;
    worker_rig_turn();
    assert_int_equal(rig.fake.deadline_ns, 0);
    rig.fake.now_ns += 1;
    worker_rig_turn();
    assert_true(rig.fake.deadline_ns == UINT64_MAX);
}

/* Turns that only look for events are idle, though they use the CPU. */
static void turns_that_find_nothing_are_idle(void **state)
{
    (void)state;
    rig.worker.busy_poll_ns = 9 * MS;
    rig.fake.on_poll = complete_in_the_poll;
    worker_rig_turn();
    worker_rig_turn(); /* handles the outcome, and does not wait from now on */
    rig.fake.now_ns += MS;
    worker_rig_turn();
    uint64_t before_ns = rig.worker.idle_ns;
    rig.fake.now_ns += MS / 50;
    worker_rig_turn();
    assert_int_equal(rig.worker.idle_ns - before_ns, MS / 50);
    rig.fake.now_ns += MS; /* it had no CPU for most of this time */
    worker_rig_turn();
    assert_int_equal(rig.worker.idle_ns - before_ns, MS / 50 + MS / 10);
    rig.fake.io.stats.send_calls++; /* this turn has sent something */
    rig.fake.now_ns += MS;
    worker_rig_turn();
    assert_int_equal(rig.worker.idle_ns - before_ns, MS / 50 + MS / 10);
}

static void turns_that_may_wait_are_not_idle(void **state)
{
    (void)state;
    worker_rig_turn();
    rig.fake.now_ns += 2 * MS;
    worker_rig_turn();
    assert_int_equal(rig.worker.idle_ns, 0);
}

static void inline_outcome_keeps_awake_as_well(void **state)
{
    (void)state;
    rig.worker.busy_poll_ns = MS;
    rig.fake.io.stats.inline_outcomes++;
    worker_rig_turn();
    assert_int_equal(rig.fake.deadline_ns, 0);
}

static void without_busy_poll_an_outcome_changes_nothing(void **state)
{
    (void)state;
    rig.fake.io.stats.inline_outcomes++;
    worker_rig_turn();
    assert_true(rig.fake.deadline_ns == UINT64_MAX);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void idle_buffers_go_back_in_a_quiet_time(void **state)
{
    enum { BURST = POOL_IDLE + 12 };
    uint8_t *buffers[BURST];
    struct pool *pool = &rig.fake.io.pool;
    (void)state;
    assert_true(pool->limit >= BURST);
    for (size_t i = 0; i < BURST; i++) {
        buffers[i] = pool_take(pool);
    }
    for (size_t i = 0; i < BURST; i++) {
        pool_put(pool, buffers[i]);
    }
    worker_rig_turn();
    assert_int_equal(pool->idle, BURST); /* another burst would find them */
    for (unsigned i = 0; i < 2 * TIMER_LEVELS && rig.fake.deadline_ns != UINT64_MAX; i++) {
        worker_rig_turn();
    }
    assert_int_equal(pool->idle, POOL_IDLE);
    assert_true(rig.fake.deadline_ns == UINT64_MAX); /* and nothing wakes the worker any more */
    assert_true(rig.fake.now_ns <= WORKER_RIG_START_NS + 1000 * MS);
}

/* ---- timers --------------------------------------------------------------------------------- */

struct alarm {
    struct timer timer; /* first */
    uint64_t fired_ns;
};

static void alarm_fire(struct timer *timer)
{
    ((struct alarm *)(void *)timer)->fired_ns = worker_now(&rig.worker);
    worker_rig_note('t');
}

/* Starts it, to go off this much later. */
static void alarm_set(struct alarm *alarm, uint64_t delay_ns)
{
    alarm->fired_ns = 0;
    timer_init(&alarm->timer, alarm_fire);
    timer_start(&rig.worker.timers, &alarm->timer, worker_now(&rig.worker) + delay_ns);
}

static void timer_fires_at_its_deadline(void **state)
{
    struct alarm alarm;
    (void)state;
    alarm_set(&alarm, 5 * MS);
    for (unsigned i = 0; i < TIMER_LEVELS + 1 && alarm.fired_ns == 0; i++) {
        worker_rig_turn(); /* each poll takes as long as its deadline lets it */
    }
    assert_between(alarm.fired_ns, WORKER_RIG_START_NS + 5 * MS, WORKER_RIG_START_NS + 6 * MS);
    assert_string_equal(rig.journal, "t");
}

static void poll_waits_for_the_earlier_of_timer_and_schedule(void **state)
{
    struct alarm alarm;
    (void)state;
    alarm_set(&alarm, 5 * MS);
    rig.due_ns = WORKER_RIG_START_NS + 2 * MS;
    worker_rig_turn();
    assert_int_equal(rig.fake.deadline_ns, WORKER_RIG_START_NS + 2 * MS);
    rig.due_ns = WORKER_RIG_START_NS + 3600 * 1000 * MS;
    worker_rig_turn();
    assert_between(rig.fake.deadline_ns, WORKER_RIG_START_NS + 2 * MS,
                   WORKER_RIG_START_NS + 6 * MS);
    timer_stop(&rig.worker.timers, &alarm.timer);
}

static void role_needs_no_schedule(void **state)
{
    static struct worker_role role; /* the rig closes with it */
    struct alarm alarm;
    (void)state;
    role = *rig.worker.role;
    role.turn = NULL;
    rig.worker.role = &role;
    worker_rig_turn();
    assert_true(rig.fake.deadline_ns == UINT64_MAX);
    alarm_set(&alarm, 5 * MS);
    worker_rig_turn();
    assert_between(rig.fake.deadline_ns, WORKER_RIG_START_NS, WORKER_RIG_START_NS + 6 * MS);
    timer_stop(&rig.worker.timers, &alarm.timer);
}

/* ---- the time ------------------------------------------------------------------------------- */

static void look_at_the_time_in_the_poll(struct fake *fake)
{
    assert_int_equal(worker_now(&rig.worker), fake->now_ns);
    fake->now_ns += MS;
    assert_int_equal(worker_now(&rig.worker), fake->now_ns - MS); /* still that of the turn */
    assert_int_equal(worker_clock(&rig.worker), fake->now_ns);
}

static void time_is_taken_anew_after_the_wait(void **state)
{
    (void)state;
    rig.due_ns = WORKER_RIG_START_NS + 3 * MS;
    rig.fake.on_poll = look_at_the_time_in_the_poll;
    worker_rig_turn();
    assert_int_equal(rig.fake.now_ns, WORKER_RIG_START_NS + 4 * MS);
}

/* ---- commands ------------------------------------------------------------------------------- */

static void commands_come_as_often_as_posted_in_the_order_of_the_enum(void **state)
{
    (void)state;
    worker_post(&rig.worker, WORKER_ABORT);
    worker_post(&rig.worker, WORKER_SNAPSHOT);
    worker_post(&rig.worker, WORKER_RESTART);
    worker_post(&rig.worker, WORKER_SNAPSHOT);
    worker_post(&rig.worker, WORKER_SNAPSHOT);
    worker_post(&rig.worker, WORKER_RESTART);
    assert_string_equal(rig.journal, "");
    worker_rig_turn();
    assert_string_equal(rig.journal, "SSSRRA");
    worker_post(&rig.worker, WORKER_RESTART);
    worker_rig_turn();
    assert_string_equal(rig.journal, "SSSRRAR");
    worker_rig_turn();
    assert_string_equal(rig.journal, "SSSRRAR");
}

static void post_in_the_poll(struct fake *fake)
{
    fake->on_poll = NULL;
    worker_post(&rig.worker, WORKER_SNAPSHOT);
}

static void command_posted_too_late_for_a_turn_comes_in_the_next(void **state)
{
    (void)state;
    rig.fake.on_poll = post_in_the_poll; /* after the wait */
    worker_rig_turn();
    worker_rig_turn();
    assert_string_equal(rig.journal, "S");
}

/* ---- begin and end -------------------------------------------------------------------------- */

static void turns_are_counted(void **state)
{
    (void)state;
    uint64_t before = rig.worker.turn;
    worker_rig_turn();
    worker_rig_turn();
    assert_int_equal(rig.worker.turn, before + 2);
}

static void worker_that_is_finished_does_not_poll(void **state)
{
    (void)state;
    worker_rig_turn();
    rig.finished = true;
    assert_false(worker_turn(&rig.worker));
    assert_int_equal(rig.fake.polls, 1);
    assert_int_equal(rig.worker.status, 0);
}

static void close_stops_the_role_and_then_closes_the_loop(void **state)
{
    (void)state;
    assert_int_equal(worker_open(&rig.worker), 0);
    assert_int_equal(rig.starts, 1);
    worker_close(&rig.worker);
    assert_int_equal(rig.stops, 1);
    assert_int_equal(rig.fake.closes, 1);
    assert_null(rig.worker.io);
}

static void loop_that_does_not_open_is_reported(void **state)
{
    (void)state;
    rig.fake.open_status = UV_EMFILE;
    assert_int_equal(worker_open(&rig.worker), UV_EMFILE);
    assert_non_null(strstr(rig.worker.error, "worker 7"));
    assert_non_null(strstr(rig.worker.error, "fake"));
    assert_non_null(strstr(rig.worker.error, uv_strerror(UV_EMFILE)));
    assert_null(rig.worker.io);
    assert_int_equal(rig.starts, 0);
    assert_int_equal(rig.stops, 0);
}

static void role_that_does_not_start_is_reported_and_all_undone(void **state)
{
    (void)state;
    rig.start_status = UV_EADDRINUSE;
    assert_int_equal(worker_open(&rig.worker), UV_EADDRINUSE);
    assert_string_equal(rig.worker.error, "the role does not start");
    assert_null(rig.worker.io);
    assert_int_equal(rig.stops, 1);
    assert_int_equal(rig.fake.closes, 1);
}

/* The state of its sockets is unknown then, so the loop is not touched. */
static void failed_poll_ends_the_worker(void **state)
{
    (void)state;
    assert_int_equal(worker_open(&rig.worker), 0);
    rig.fake.poll_status = UV_EBADF;
    assert_false(worker_turn(&rig.worker));
    assert_int_equal(rig.worker.status, UV_EBADF);
    assert_non_null(strstr(rig.worker.error, "worker 7"));
    assert_non_null(strstr(rig.worker.error, uv_strerror(UV_EBADF)));
    worker_close(&rig.worker);
    assert_int_equal(rig.stops, 1);
    assert_int_equal(rig.fake.closes, 0);
    assert_null(rig.worker.io);
}

#define TURNS(test) cmocka_unit_test_setup_teardown(test, worker_rig_open, worker_rig_close)
#define ENDS(test) cmocka_unit_test_setup_teardown(test, worker_rig_prepare, worker_rig_dispose)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TURNS(poll_waits_for_the_roles_schedule),
        TURNS(busy_poll_asks_without_waiting_for_a_while_after_an_outcome),
        TURNS(turns_that_find_nothing_are_idle),
        TURNS(turns_that_may_wait_are_not_idle),
        TURNS(inline_outcome_keeps_awake_as_well),
        TURNS(without_busy_poll_an_outcome_changes_nothing),
        TURNS(idle_buffers_go_back_in_a_quiet_time),
        TURNS(timer_fires_at_its_deadline),
        TURNS(poll_waits_for_the_earlier_of_timer_and_schedule),
        TURNS(role_needs_no_schedule),
        TURNS(time_is_taken_anew_after_the_wait),
        TURNS(commands_come_as_often_as_posted_in_the_order_of_the_enum),
        TURNS(command_posted_too_late_for_a_turn_comes_in_the_next),
        TURNS(turns_are_counted),
        TURNS(worker_that_is_finished_does_not_poll),
        ENDS(close_stops_the_role_and_then_closes_the_loop),
        ENDS(loop_that_does_not_open_is_reported),
        ENDS(role_that_does_not_start_is_reported_and_all_undone),
        ENDS(failed_poll_ends_the_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
