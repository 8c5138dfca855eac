/* When a watch may drop a connection: by which clock, and after which polls. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "range.h"
#include "worker_rig.h"

#define SECOND (1000 * MS)
#define TURNS_MAX 1000

struct guard {
    struct watch watch; /* first */
    unsigned judged;
    uint64_t judged_poll; /* how many there had been */
};

static struct guard first;
static struct guard second;
static struct worker_task busy;

static struct guard *guard_of(struct watch *watch)
{
    return (struct guard *)(void *)watch;
}

static void on_judge(struct watch *watch)
{
    struct guard *guard = guard_of(watch);
    assert_false(watch_active(watch));
    guard->judged++;
    guard->judged_poll = rig.fake.polls;
    worker_rig_note(guard == &first ? '1' : '2');
}

static int open_rig(void **state)
{
    int status = worker_rig_open(state);
    watch_init(&first.watch, &rig.worker, on_judge);
    watch_init(&second.watch, &rig.worker, on_judge);
    first.judged = second.judged = 0;
    return status;
}

static int close_rig(void **state)
{
    watch_stop(&first.watch);
    watch_stop(&second.watch);
    worker_cancel(&rig.worker, &busy);
    return worker_rig_close(state);
}

static void set(struct guard *guard, uint64_t delay_ns)
{
    watch_set(&guard->watch, worker_awake(&rig.worker) + delay_ns);
}

/* Runs until the watch is judged. Each poll takes as long as its deadline lets it. */
static void run(const struct guard *guard)
{
    for (unsigned i = 0; i < TURNS_MAX && guard->judged == 0; i++) {
        worker_rig_turn();
    }
    assert_int_equal(guard->judged, 1);
}

/* ---- when it is judged ---------------------------------------------------------------------- */

static void judged_after_a_poll_that_began_when_it_was_due(void **state)
{
    (void)state;
    set(&first, 5 * MS);
    run(&first);
    assert_int_equal(rig.fake.deadline_ns, 0); /* the poll did not wait */
    assert_between(rig.fake.now_ns, WORKER_RIG_START_NS + 5 * MS, WORKER_RIG_START_NS + 6 * MS);
    assert_int_equal(first.watch.seen_clock_ns, rig.fake.now_ns);
    assert_int_equal(first.watch.seen_ns, rig.fake.now_ns);
}

static void not_judged_before_its_deadline(void **state)
{
    (void)state;
    set(&first, 5 * MS);
    rig.due_ns = WORKER_RIG_START_NS + 5 * MS - 1;
    for (unsigned i = 0; i < 2 * TIMER_LEVELS; i++) {
        worker_rig_turn();
    }
    assert_int_equal(first.judged, 0);
    assert_true(watch_active(&first.watch));
    assert_int_equal(rig.fake.now_ns, rig.due_ns);
}

static void deadline_that_has_passed_waits_for_a_poll_as_well(void **state)
{
    (void)state;
    set(&first, 0);
    assert_int_equal(first.judged, 0);
    worker_rig_turn();
    assert_int_equal(rig.fake.polls, 1);
    assert_int_equal(first.judged, 1);
}

static void stop_in_the_poll(struct fake *fake)
{
    rig.fake.on_poll = fake->deadline_ns == 0 ? NULL : rig.fake.on_poll;
    if (fake->deadline_ns == 0) {
        watch_stop(&first.watch);
    }
}

static void suspect_that_is_stopped_in_the_poll_is_not_judged(void **state)
{
    (void)state;
    set(&first, 5 * MS);
    set(&second, 5 * MS);
    rig.fake.on_poll = stop_in_the_poll;
    run(&second);
    assert_int_equal(first.judged, 0);
    assert_false(watch_active(&first.watch));
}

static void move_in_the_poll(struct fake *fake)
{
    if (fake->deadline_ns == 0) {
        fake->on_poll = NULL;
        set(&first, 3 * MS);
    }
}

static void suspect_that_is_set_again_in_the_poll_has_a_new_deadline(void **state)
{
    (void)state;
    set(&first, 5 * MS);
    rig.fake.on_poll = move_in_the_poll;
    run(&first);
    assert_between(rig.fake.now_ns, WORKER_RIG_START_NS + 8 * MS, WORKER_RIG_START_NS + 10 * MS);
}

static void judged_in_the_order_of_their_deadlines(void **state)
{
    (void)state;
    set(&first, 20 * MS);
    set(&second, 10 * MS);
    run(&second);
    assert_string_equal(rig.journal, "2");
    run(&first);
    assert_string_equal(rig.journal, "21");
}

static void stop_the_second(struct watch *watch)
{
    on_judge(watch);
    watch_stop(&second.watch);
    set(&first, 1 * MS);
}

static void judge_may_stop_another_and_set_its_own_again(void **state)
{
    (void)state;
    first.watch.judge = stop_the_second;
    set(&first, 5 * MS);
    set(&second, 5 * MS);
    run(&first);
    assert_int_equal(second.judged, 0);
    assert_false(watch_active(&second.watch));
    assert_true(watch_active(&first.watch));
}

/* ---- polls that are full -------------------------------------------------------------------- */

static unsigned full_polls;

static void poll_is_full(struct fake *fake)
{
    fake->io.full = full_polls > 0;
    full_polls -= full_polls > 0;
}

static void full_poll_says_nothing_yet(void **state)
{
    (void)state;
    set(&first, 0);
    full_polls = 3;
    rig.fake.on_poll = poll_is_full;
    run(&first);
    assert_int_equal(first.judged_poll, 4); /* the first that was not full */
    assert_int_equal(rig.fake.deadline_ns, 0);
}

static void defer_itself(struct worker_task *task)
{
    if (full_polls > 0) {
        full_polls--;
        worker_defer(&rig.worker, task);
    }
}

static void poll_that_leaves_a_task_queued_says_nothing_yet(void **state)
{
    (void)state;
    set(&first, 0);
    full_polls = 3;
    worker_task_init(&busy, defer_itself);
    worker_defer(&rig.worker, &busy);
    run(&first);
    assert_int_equal(first.judged_poll, 4);
}

static void worker_that_is_never_done_judges_all_the_same(void **state)
{
    (void)state;
    set(&first, 0);
    full_polls = UINT32_MAX;
    rig.fake.on_poll = poll_is_full;
    run(&first);
    assert_between(first.judged_poll, 64, 65);
}

/* The more sockets there may be, the more full polls it takes to see each of them. */
static void many_watches_have_more_polls(void **state)
{
    enum { MANY = 12800 };
    static struct guard many[MANY];
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        watch_init(&many[i].watch, &rig.worker, on_judge);
        set(&many[i], 3600 * SECOND);
    }
    set(&first, 0);
    full_polls = UINT32_MAX;
    rig.fake.on_poll = poll_is_full;
    run(&first);
    assert_between(first.judged_poll, 64 + 100, 64 + 101);
    for (size_t i = 0; i < MANY; i++) {
        watch_stop(&many[i].watch);
    }
    assert_int_equal(rig.worker.watches.count, 0);
}

static void later_suspect_waits_for_its_own_polls(void **state)
{
    (void)state;
    set(&first, 0);
    full_polls = UINT32_MAX;
    rig.fake.on_poll = poll_is_full;
    for (unsigned i = 0; i < 60; i++) {
        worker_rig_turn();
    }
    set(&second, 0);
    run(&first);
    assert_int_equal(second.judged, 0);
    run(&second);
    assert_between(second.judged_poll, first.judged_poll + 59, first.judged_poll + 61);
}

/* ---- the clock that leaves out what turns were late ------------------------------------------ */

static uint64_t freeze_ns;

/* The process is stopped; poll() notices when it continues. */
static void freeze_in_the_poll(struct fake *fake)
{
    fake->now_ns += freeze_ns;
    freeze_ns = 0;
}

/* Of a delay, only a part up to a threshold counts. */
static void assert_awake(uint64_t since_start_ns)
{
    uint64_t awake_ns = worker_awake(&rig.worker);
    assert_between(awake_ns, WORKER_RIG_START_NS + since_start_ns,
                   WORKER_RIG_START_NS + since_start_ns + WORKER_LATE_NS);
}

static void time_in_which_the_process_was_stopped_is_left_out(void **state)
{
    (void)state;
    rig.due_ns = WORKER_RIG_START_NS + 10 * MS;
    rig.fake.on_poll = freeze_in_the_poll;
    freeze_ns = 3 * SECOND;
    worker_rig_turn();
    worker_rig_turn();
    assert_int_equal(worker_clock(&rig.worker), WORKER_RIG_START_NS + 10 * MS + 3 * SECOND);
    assert_awake(0);
}

/* The process was already stopped before its deadline, and it is unknown when. So as much time
 * before the deadline is left out as after it, at most the whole wait. */
static void as_much_of_the_wait_is_left_out(void **state)
{
    (void)state;
    rig.due_ns = WORKER_RIG_START_NS + 1000 * MS;
    rig.fake.on_poll = freeze_in_the_poll;
    freeze_ns = 100 * MS + WORKER_LATE_NS;
    worker_rig_turn();
    worker_rig_turn();
    assert_awake(900 * MS);
    rig.due_ns = rig.fake.now_ns + 1000 * MS;
    freeze_ns = 3 * SECOND;
    worker_rig_turn();
    worker_rig_turn();
    assert_awake(900 * MS + WORKER_LATE_NS);
}

static void look_in_the_poll(struct fake *fake)
{
    freeze_in_the_poll(fake);
    assert_awake(0);
}

static void callback_of_the_late_poll_sees_the_same_clock(void **state)
{
    (void)state;
    rig.due_ns = WORKER_RIG_START_NS + 10 * MS;
    freeze_ns = 3 * SECOND;
    rig.fake.on_poll = look_in_the_poll;
    worker_rig_turn();
    rig.fake.on_poll = NULL;
    worker_rig_turn();
    assert_awake(0);
}

static void freeze_in_a_task(struct worker_task *task)
{
    (void)task;
    rig.fake.now_ns += 3 * SECOND;
}

static void time_that_work_takes_is_left_out_too(void **state)
{
    (void)state;
    rig.due_ns = WORKER_RIG_START_NS + 10 * MS;
    worker_task_init(&busy, freeze_in_a_task);
    worker_defer(&rig.worker, &busy);
    worker_rig_turn();
    worker_rig_turn();
    assert_int_equal(worker_clock(&rig.worker), WORKER_RIG_START_NS + 3 * SECOND);
    assert_awake(0);
}

static void turn_that_is_a_little_late_counts_in_full(void **state)
{
    (void)state;
    rig.due_ns = WORKER_RIG_START_NS + 10 * MS;
    rig.fake.on_poll = freeze_in_the_poll;
    freeze_ns = WORKER_LATE_NS;
    worker_rig_turn();
    worker_rig_turn();
    assert_int_equal(worker_awake(&rig.worker), worker_clock(&rig.worker));
}

/* However busy it is, the clock goes on. */
static void clock_never_stands_still(void **state)
{
    (void)state;
    rig.due_ns = 0;
    rig.fake.on_poll = freeze_in_the_poll;
    uint64_t before_ns = worker_awake(&rig.worker);
    for (unsigned i = 0; i < 10; i++) {
        freeze_ns = SECOND;
        worker_rig_turn();
    }
    worker_rig_turn();
    assert_int_equal(worker_awake(&rig.worker) - before_ns, 10 * WORKER_LATE_NS);
}

static void poll_without_a_deadline_is_never_late(void **state)
{
    (void)state;
    rig.fake.on_poll = freeze_in_the_poll;
    freeze_ns = 3600 * SECOND;
    worker_rig_turn();
    worker_rig_turn();
    assert_int_equal(worker_awake(&rig.worker), worker_clock(&rig.worker));
}

/* The process freezes for three seconds in a poll that would have lasted 10 ms. */
static void turn_that_freezes(void)
{
    rig.due_ns = WORKER_RIG_START_NS + 10 * MS;
    rig.fake.on_poll = freeze_in_the_poll;
    freeze_ns = 3 * SECOND;
    worker_rig_turn();
    rig.due_ns = UINT64_MAX;
}

static void deadline_moves_by_the_time_that_was_lost(void **state)
{
    (void)state;
    set(&first, 500 * MS);
    turn_that_freezes();
    run(&first);
    assert_between(rig.fake.now_ns, WORKER_RIG_START_NS + 3500 * MS - WORKER_LATE_NS,
                   WORKER_RIG_START_NS + 3500 * MS + 2 * MS);
    assert_between(first.watch.seen_ns, WORKER_RIG_START_NS + 500 * MS,
                   WORKER_RIG_START_NS + 502 * MS);
    assert_int_equal(first.watch.seen_clock_ns, rig.fake.now_ns);
}

static void deadline_by_the_clock_stays(void **state)
{
    (void)state;
    watch_set_by_clock(&first.watch, WORKER_RIG_START_NS + 500 * MS);
    turn_that_freezes();
    run(&first);
    assert_int_equal(rig.fake.now_ns, WORKER_RIG_START_NS + 3010 * MS); /* in the next poll */
    assert_int_equal(rig.fake.polls, 2);
}

/* The process may also be stopped between the poll and the judgement. */
static void what_has_been_seen_is_of_before_the_poll(void **state)
{
    (void)state;
    set(&first, 0);
    rig.fake.on_poll = freeze_in_the_poll;
    freeze_ns = 3 * SECOND;
    run(&first);
    assert_int_equal(first.watch.seen_clock_ns, WORKER_RIG_START_NS);
    assert_int_equal(rig.fake.now_ns, WORKER_RIG_START_NS + 3 * SECOND);
}

#define WATCH(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCH(judged_after_a_poll_that_began_when_it_was_due),
        WATCH(not_judged_before_its_deadline),
        WATCH(deadline_that_has_passed_waits_for_a_poll_as_well),
        WATCH(suspect_that_is_stopped_in_the_poll_is_not_judged),
        WATCH(suspect_that_is_set_again_in_the_poll_has_a_new_deadline),
        WATCH(judged_in_the_order_of_their_deadlines),
        WATCH(judge_may_stop_another_and_set_its_own_again),
        WATCH(full_poll_says_nothing_yet),
        WATCH(poll_that_leaves_a_task_queued_says_nothing_yet),
        WATCH(worker_that_is_never_done_judges_all_the_same),
        WATCH(many_watches_have_more_polls),
        WATCH(later_suspect_waits_for_its_own_polls),
        WATCH(time_in_which_the_process_was_stopped_is_left_out),
        WATCH(as_much_of_the_wait_is_left_out),
        WATCH(callback_of_the_late_poll_sees_the_same_clock),
        WATCH(time_that_work_takes_is_left_out_too),
        WATCH(turn_that_is_a_little_late_counts_in_full),
        WATCH(clock_never_stands_still),
        WATCH(poll_without_a_deadline_is_never_late),
        WATCH(deadline_moves_by_the_time_that_was_lost),
        WATCH(deadline_by_the_clock_stays),
        WATCH(what_has_been_seen_is_of_before_the_poll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
