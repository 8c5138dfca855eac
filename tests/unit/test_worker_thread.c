/* A worker with its thread. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker_rig.h"

static int prepare_thread(void **state)
{
    (void)worker_rig_prepare(state);
    rig.fake.blocks = true;
    return 0;
}

static void thread_runs_until_the_role_has_finished(void **state)
{
    (void)state;
    assert_int_equal(worker_start(&rig.worker), 0);
    assert_int_equal(rig.starts, 1);
    assert_false(worker_has_ended(&rig.worker));
    worker_post(&rig.worker, WORKER_DRAIN);
    worker_join(&rig.worker);
    assert_true(worker_has_ended(&rig.worker));
    assert_string_equal(rig.journal, "D");
    assert_int_equal(rig.worker.status, 0);
    assert_int_equal(rig.stops, 1);
    assert_int_equal(rig.fake.closes, 1);
}

static void thread_that_does_not_start_has_ended(void **state)
{
    (void)state;
    rig.start_status = UV_EADDRINUSE;
    assert_int_equal(worker_start(&rig.worker), UV_EADDRINUSE);
    assert_string_equal(rig.worker.error, "the role does not start");
    assert_int_equal(rig.stops, 1);
    assert_int_equal(rig.fake.closes, 1);
}

static void thread_ends_when_the_poll_fails(void **state)
{
    (void)state;
    rig.fake.poll_status = UV_EBADF;
    rig.fake.blocks = false;
    assert_int_equal(worker_start(&rig.worker), 0);
    worker_join(&rig.worker);
    assert_true(worker_has_ended(&rig.worker));
    assert_int_equal(rig.worker.status, UV_EBADF);
    assert_int_equal(rig.stops, 1);
}

static void commands_to_a_worker_that_has_ended_are_dropped(void **state)
{
    (void)state;
    assert_int_equal(worker_start(&rig.worker), 0);
    worker_post(&rig.worker, WORKER_DRAIN);
    worker_join(&rig.worker);
    worker_post(&rig.worker, WORKER_SNAPSHOT);
    assert_string_equal(rig.journal, "D");
}

/* From then on no post may use the loop, which is about to be closed. */
static void worker_has_ended_before_its_role_is_stopped(void **state)
{
    (void)state;
    assert_int_equal(worker_start(&rig.worker), 0);
    worker_post(&rig.worker, WORKER_DRAIN);
    worker_join(&rig.worker);
    assert_true(rig.had_ended);
}

static void post_a_hundred(void *argument)
{
    (void)argument;
    for (int i = 0; i < 100; i++) {
        worker_post(&rig.worker, WORKER_SNAPSHOT);
    }
}

/* The fake counts it as wrong if its loop is woken when closed. */
static void commands_may_be_posted_while_the_worker_ends(void **state)
{
    for (int round = 0; round < 100; round++) {
        uv_thread_t poster;
        assert_int_equal(worker_start(&rig.worker), 0);
        assert_int_equal(uv_thread_create(&poster, post_a_hundred, NULL), 0);
        worker_post(&rig.worker, WORKER_DRAIN);
        worker_join(&rig.worker);
        assert_int_equal(uv_thread_join(&poster), 0);
        assert_int_equal(rig.fake.opens, 1);
        assert_int_equal(rig.fake.closes, 1);
        assert_int_equal(worker_rig_dispose(state), 0);
        assert_int_equal(prepare_thread(state), 0);
    }
}

static void post_a_thousand(void *argument)
{
    (void)argument;
    for (int i = 0; i < 1000; i++) {
        worker_post(&rig.worker, WORKER_RESTART);
    }
}

static unsigned restarts;

static void count_restarts(struct worker *worker, enum worker_command command)
{
    (void)worker;
    restarts += command == WORKER_RESTART;
    rig.finished = rig.finished || command == WORKER_DRAIN;
}

static void no_command_of_two_threads_is_lost(void **state)
{
    struct worker_role counting = *rig.worker.role;
    uv_thread_t posters[2];
    (void)state;
    counting.command = count_restarts;
    rig.worker.role = &counting;
    restarts = 0;
    assert_int_equal(worker_start(&rig.worker), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(uv_thread_create(&posters[i], post_a_thousand, NULL), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(uv_thread_join(&posters[i]), 0);
    }
    worker_post(&rig.worker, WORKER_DRAIN);
    worker_join(&rig.worker);
    assert_int_equal(restarts, 2000);
}

/* ---- news ----------------------------------------------------------------------------------- */

static bool news_had_ended;

static void on_news(uv_async_t *async)
{
    news_had_ended = worker_has_ended(&rig.worker);
    uv_close((uv_handle_t *)async, NULL);
}

static void main_thread_is_told_of_the_end(void **state)
{
    uv_loop_t loop;
    uv_async_t async;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_async_init(&loop, &async, on_news), 0);
    rig.worker.control = &async;
    news_had_ended = false;
    assert_int_equal(worker_start(&rig.worker), 0);
    worker_post(&rig.worker, WORKER_DRAIN);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0); /* to the news */
    worker_join(&rig.worker);
    assert_true(news_had_ended);
    assert_int_equal(uv_loop_close(&loop), 0);
}

#define THREAD(test) cmocka_unit_test_setup_teardown(test, prepare_thread, worker_rig_dispose)

int main(void)
{
    const struct CMUnitTest tests[] = {
        THREAD(thread_runs_until_the_role_has_finished),
        THREAD(thread_that_does_not_start_has_ended),
        THREAD(thread_ends_when_the_poll_fails),
        THREAD(commands_to_a_worker_that_has_ended_are_dropped),
        THREAD(worker_has_ended_before_its_role_is_stopped),
        THREAD(commands_may_be_posted_while_the_worker_ends),
        THREAD(no_command_of_two_threads_is_lost),
        THREAD(main_thread_is_told_of_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
