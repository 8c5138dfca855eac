#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "util.h"
#include "waiters.h"

enum { SOCKETS = 8 };

/* The socket of a backend. */
struct mock {
    struct waiter waiter;
    struct io_recv op;
    uint8_t *buffer;
    size_t turns;
    bool silent;   /* has nothing to receive, and gives its buffer back */
    bool again;    /* receives once more at once */
    bool rejoined; /* that receive had to wait */
};

static struct io_loop loop;
static struct waiters waiters;
static struct mock mocks[SOCKETS];

/* What a submit returns. */
static int try_recv(struct mock *mock)
{
    int status = 0;
    mock->buffer = waiters_take(&waiters, &mock->waiter, &mock->op, &status);
    if (mock->buffer != NULL && mock->silent) {
        pool_put(&loop.pool, mock->buffer);
        mock->buffer = NULL;
    }
    return status;
}

static void retry(struct waiter *waiter)
{
    struct mock *mock = CONTAINER_OF(waiter, struct mock, waiter);
    mock->turns++;
    int status = try_recv(mock);
    if (status == 0 && mock->again) {
        mock->again = false;
        pool_put(&loop.pool, mock->buffer);
        mock->rejoined = try_recv(mock) == IO_PENDING;
    }
}

static void release(struct mock *mock)
{
    pool_put(&loop.pool, mock->buffer);
    mock->buffer = NULL;
}

static int begin(void **state)
{
    (void)state;
    loop = (struct io_loop){.waiting = 0};
    for (size_t i = 0; i < SOCKETS; i++) {
        mocks[i] = (struct mock){.turns = 0};
    }
    pool_init(&loop.pool, 100, 200);
    waiters_init(&waiters, &loop, retry);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOCKETS; i++) {
        waiters_leave(&waiters, &mocks[i].waiter);
        if (mocks[i].buffer != NULL) {
            release(&mocks[i]);
        }
    }
    pool_destroy(&loop.pool);
    return loop.waiting == 0 ? 0 : -1;
}

/* Two sockets hold the two buffers, the others wait. */
static void let_all_wait(void)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        assert_int_equal(try_recv(&mocks[i]), i < 2 ? 0 : IO_PENDING);
        assert_int_equal(mocks[i].op.waiting, i >= 2);
    }
    assert_int_equal(loop.waiting, SOCKETS - 2);
    assert_int_equal(loop.stats.starved, SOCKETS - 2);
}

static void longest_wait_first(void **state)
{
    (void)state;
    let_all_wait();
    assert_false(waiters_can_feed(&waiters));
    for (size_t i = 2; i < SOCKETS; i++) {
        release(&mocks[i - 2]);
        assert_true(waiters_can_feed(&waiters));
        waiters_feed(&waiters);
        assert_non_null(mocks[i].buffer);
        assert_false(mocks[i].op.waiting);
        assert_int_equal(loop.waiting, SOCKETS - 1 - i);
    }
}

static void none_overtakes_while_the_pool_is_short(void **state)
{
    (void)state;
    let_all_wait();
    release(&mocks[0]);
    assert_int_equal(try_recv(&mocks[0]), IO_PENDING);
    waiters_feed(&waiters);
    assert_non_null(mocks[2].buffer);
    assert_null(mocks[0].buffer);
}

/* A socket that gives its buffer back in its turn does not get it again in that turn. */
static void a_turn_is_one_buffer(void **state)
{
    (void)state;
    let_all_wait();
    mocks[2].again = true;
    release(&mocks[0]);
    waiters_feed(&waiters);
    assert_true(mocks[2].rejoined);
    waiters_feed(&waiters);
    assert_non_null(mocks[3].buffer);
}

static void silent_ones_leave_it_to_the_next(void **state)
{
    (void)state;
    let_all_wait();
    mocks[2].silent = mocks[3].silent = true;
    release(&mocks[0]);
    for (size_t i = 2; i < 5; i++) {
        assert_true(waiters_can_feed(&waiters));
        waiters_feed(&waiters);
        assert_int_equal(mocks[i].turns, 1);
    }
    assert_non_null(mocks[4].buffer);
    assert_false(waiters_can_feed(&waiters));
}

static void any_of_them_may_leave(void **state)
{
    static const size_t order[] = {7, 2, 4};
    (void)state;
    let_all_wait();
    for (size_t i = 0; i < 3; i++) {
        waiters_leave(&waiters, &mocks[order[i]].waiter);
        waiters_leave(&waiters, &mocks[order[i]].waiter);
        assert_false(mocks[order[i]].op.waiting);
        assert_int_equal(loop.waiting, SOCKETS - 3 - i);
    }
    release(&mocks[0]);
    release(&mocks[1]);
    waiters_feed(&waiters);
    assert_true(mocks[3].buffer != NULL && mocks[5].buffer != NULL);
}

/* If the pool has buffers, new receives need not wait, and none is counted as starved. That ends
 * when one of them was overtaken too often. */
static void passed_over_too_often_goes_first(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WAITERS_PASSED_OVER_MAX; i++) {
        assert_false(waiters_go_first(&waiters));
        waiters_leave(&waiters, &mocks[0].waiter);
        assert_int_equal(waiters_pass_over(&waiters, &mocks[0].waiter, &mocks[0].op), IO_PENDING);
        assert_int_equal(loop.waiting, 0);
    }
    assert_true(waiters_go_first(&waiters));
    assert_int_equal(try_recv(&mocks[1]), IO_PENDING);
    waiters_feed(&waiters);
    waiters_served(&waiters, &mocks[0].waiter);
    assert_true(mocks[0].buffer != NULL && mocks[1].buffer != NULL);
    assert_false(waiters_go_first(&waiters));
    assert_int_equal(loop.stats.starved, 0);
}

/* Receives that began to wait before the pool ran out wait for the pool, too. */
static void pool_that_runs_out_later_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        (void)waiters_join(&waiters, &mocks[i].waiter, &mocks[i].op);
    }
    assert_int_equal(loop.waiting, 0);
    waiters_feed(&waiters);
    assert_true(mocks[0].buffer != NULL && mocks[1].buffer != NULL);
    assert_int_equal(loop.waiting, 2);
    assert_true(waiters_go_first(&waiters));
}

static void none_waits_for_what_can_not_come(void **state)
{
    (void)state;
    assert_int_equal(waiters_await_buffer(&waiters, &mocks[0].waiter, &mocks[0].op), UV_ENOMEM);
    assert_int_equal(try_recv(&mocks[1]), 0);
    assert_int_equal(waiters_await_buffer(&waiters, &mocks[0].waiter, &mocks[0].op), IO_PENDING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(longest_wait_first, begin, finish),
        cmocka_unit_test_setup_teardown(none_overtakes_while_the_pool_is_short, begin, finish),
        cmocka_unit_test_setup_teardown(a_turn_is_one_buffer, begin, finish),
        cmocka_unit_test_setup_teardown(silent_ones_leave_it_to_the_next, begin, finish),
        cmocka_unit_test_setup_teardown(any_of_them_may_leave, begin, finish),
        cmocka_unit_test_setup_teardown(passed_over_too_often_goes_first, begin, finish),
        cmocka_unit_test_setup_teardown(pool_that_runs_out_later_counts, begin, finish),
        cmocka_unit_test_setup_teardown(none_waits_for_what_can_not_come, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
