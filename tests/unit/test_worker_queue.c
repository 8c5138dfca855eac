/* The queue of a worker, and the turns in which its tasks run. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker_rig.h"

/* ---- the queue ------------------------------------------------------------------------------ */

struct job {
    struct worker_task task; /* first */
    char letter;
    void (*then)(struct job *job); /* may be NULL */
};

static struct job job_a;
static struct job job_b;
static struct job job_c;
static struct job job_d;

static void job_run(struct worker_task *task)
{
    struct job *job = (struct job *)(void *)task;
    worker_rig_note(job->letter);
    if (job->then != NULL) {
        job->then(job);
    }
}

static void job_init(struct job *job, char letter)
{
    worker_task_init(&job->task, job_run);
    job->letter = letter;
    job->then = NULL;
}

static void defer(struct job *job)
{
    worker_defer(&rig.worker, &job->task);
}

static void cancel(struct job *job)
{
    worker_cancel(&rig.worker, &job->task);
}

/* a, b and c are in its queue, d is in no queue. */
static int prepare_jobs(void **state)
{
    int status = worker_rig_open(state);
    job_init(&job_a, 'a');
    job_init(&job_b, 'b');
    job_init(&job_c, 'c');
    job_init(&job_d, 'd');
    defer(&job_a);
    defer(&job_b);
    defer(&job_c);
    return status;
}

static void tasks_run_once_and_in_order(void **state)
{
    (void)state;
    assert_string_equal(rig.journal, "");
    worker_rig_turn();
    assert_string_equal(rig.journal, "abc");
    worker_rig_turn();
    assert_string_equal(rig.journal, "abc");
}

static void task_that_is_queued_keeps_its_place(void **state)
{
    (void)state;
    defer(&job_a);
    defer(&job_c);
    defer(&job_b);
    worker_rig_turn();
    worker_rig_turn();
    assert_string_equal(rig.journal, "abc");
}

static void task_may_be_queued_again_when_it_has_run(void **state)
{
    (void)state;
    worker_rig_turn();
    defer(&job_b);
    defer(&job_a);
    worker_rig_turn();
    assert_string_equal(rig.journal, "abcba");
}

static void defer_itself_and_d(struct job *job)
{
    defer(job);
    defer(&job_d);
}

static void what_tasks_queue_runs_in_the_next_turn(void **state)
{
    (void)state;
    job_b.then = defer_itself_and_d;
    worker_rig_turn();
    assert_string_equal(rig.journal, "abc");
    job_b.then = NULL;
    worker_rig_turn();
    assert_string_equal(rig.journal, "abcbd");
    worker_rig_turn();
    assert_string_equal(rig.journal, "abcbd");
}

static void defer_all(struct job *job)
{
    (void)job;
    defer(&job_a);
    defer(&job_b);
    defer(&job_c);
}

static void those_that_are_yet_to_run_are_queued_already(void **state)
{
    (void)state;
    job_b.then = defer_all;
    worker_rig_turn();
    assert_string_equal(rig.journal, "abc");
    job_b.then = NULL;
    worker_rig_turn();
    assert_string_equal(rig.journal, "abcab");
}

static void first_can_be_cancelled(void **state)
{
    (void)state;
    cancel(&job_a);
    worker_rig_turn();
    assert_string_equal(rig.journal, "bc");
}

static void middle_can_be_cancelled(void **state)
{
    (void)state;
    cancel(&job_b);
    worker_rig_turn();
    assert_string_equal(rig.journal, "ac");
}

static void last_can_be_cancelled_and_others_follow(void **state)
{
    (void)state;
    cancel(&job_c);
    defer(&job_d);
    worker_rig_turn();
    assert_string_equal(rig.journal, "abd");
}

static void all_can_be_cancelled_and_others_follow(void **state)
{
    (void)state;
    cancel(&job_b);
    cancel(&job_c);
    cancel(&job_a);
    worker_rig_turn();
    assert_string_equal(rig.journal, "");
    assert_true(rig.fake.deadline_ns == UINT64_MAX);
    defer(&job_c);
    defer(&job_d);
    worker_rig_turn();
    assert_string_equal(rig.journal, "cd");
}

static void cancel_of_what_is_not_queued_does_nothing(void **state)
{
    (void)state;
    cancel(&job_d);
    cancel(&job_b);
    cancel(&job_b);
    worker_rig_turn();
    cancel(&job_a);
    assert_string_equal(rig.journal, "ac");
}

static void cancel_itself(struct job *job)
{
    cancel(job);
}

static void task_that_runs_may_cancel_itself(void **state)
{
    (void)state;
    job_b.then = cancel_itself;
    worker_rig_turn();
    worker_rig_turn();
    assert_string_equal(rig.journal, "abc");
}

static void cancel_b(struct job *job)
{
    (void)job;
    cancel(&job_b);
}

static void task_may_cancel_the_next(void **state)
{
    (void)state;
    job_a.then = cancel_b;
    worker_rig_turn();
    worker_rig_turn();
    assert_string_equal(rig.journal, "ac");
}

static void cancel_c_and_defer_d(struct job *job)
{
    (void)job;
    cancel(&job_c);
    defer(&job_d);
}

static void task_may_cancel_the_last_and_queue_another(void **state)
{
    (void)state;
    job_a.then = cancel_c_and_defer_d;
    worker_rig_turn();
    assert_string_equal(rig.journal, "ab");
    worker_rig_turn();
    assert_string_equal(rig.journal, "abd");
}

static void cancel_b_and_defer_it(struct job *job)
{
    (void)job;
    cancel(&job_b);
    defer(&job_b);
}

static void cancelled_and_queued_again_it_waits_for_the_next_turn(void **state)
{
    (void)state;
    job_a.then = cancel_b_and_defer_it;
    worker_rig_turn();
    assert_string_equal(rig.journal, "ac");
    worker_rig_turn();
    assert_string_equal(rig.journal, "acb");
}

/* ---- the turn ------------------------------------------------------------------------------- */

static void poll_does_not_wait_while_the_queue_has_someone(void **state)
{
    (void)state;
    job_a.then = defer_itself_and_d;
    worker_rig_turn();
    assert_int_equal(rig.fake.deadline_ns, 0);
    job_a.then = NULL;
    worker_rig_turn();
    assert_true(rig.fake.deadline_ns == UINT64_MAX);
    assert_int_equal(rig.fake.polls, 2);
}

static void defer_d_from_the_poll(struct fake *fake)
{
    fake->on_poll = NULL;
    defer(&job_d);
}

static void what_a_callback_queues_runs_in_the_next_turn(void **state)
{
    (void)state;
    rig.fake.on_poll = defer_d_from_the_poll;
    worker_rig_turn();
    assert_string_equal(rig.journal, "abc");
    worker_rig_turn();
    assert_string_equal(rig.journal, "abcd");
}

static void alarm_fire(struct timer *timer)
{
    (void)timer;
    worker_rig_note('t');
}

static void timers_fire_before_the_queue_runs(void **state)
{
    struct timer timer;
    (void)state;
    timer_init(&timer, alarm_fire);
    timer_start(&rig.worker.timers, &timer, 0);
    worker_rig_turn();
    assert_string_equal(rig.journal, "tabc");
}

static void look_at_the_time_often(struct job *job)
{
    (void)job;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(worker_now(&rig.worker), WORKER_RIG_START_NS);
    }
}

static void time_of_the_turn_costs_one_look_at_the_clock(void **state)
{
    (void)state;
    job_a.then = look_at_the_time_often;
    job_c.then = look_at_the_time_often;
    unsigned looks = rig.fake.clock_looks;
    worker_rig_turn();
    assert_int_equal(rig.fake.clock_looks - looks, 1);
}

#define JOBS(test) cmocka_unit_test_setup_teardown(test, prepare_jobs, worker_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOBS(tasks_run_once_and_in_order),
        JOBS(task_that_is_queued_keeps_its_place),
        JOBS(task_may_be_queued_again_when_it_has_run),
        JOBS(what_tasks_queue_runs_in_the_next_turn),
        JOBS(those_that_are_yet_to_run_are_queued_already),
        JOBS(first_can_be_cancelled),
        JOBS(middle_can_be_cancelled),
        JOBS(last_can_be_cancelled_and_others_follow),
        JOBS(all_can_be_cancelled_and_others_follow),
        JOBS(cancel_of_what_is_not_queued_does_nothing),
        JOBS(task_that_runs_may_cancel_itself),
        JOBS(task_may_cancel_the_next),
        JOBS(task_may_cancel_the_last_and_queue_another),
        JOBS(cancelled_and_queued_again_it_waits_for_the_next_turn),
        JOBS(poll_does_not_wait_while_the_queue_has_someone),
        JOBS(what_a_callback_queues_runs_in_the_next_turn),
        JOBS(timers_fire_before_the_queue_runs),
        JOBS(time_of_the_turn_costs_one_look_at_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
