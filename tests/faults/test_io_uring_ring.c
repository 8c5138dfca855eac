/*
 * Requests of the io_uring backend while the submission queue is full: full_io_uring.c gives it
 * room for one. Where early submits fail, each turn takes one request.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io_uring_ring.h"
#include "util.h"

enum { REQUESTS = 8 };

struct item {
    struct uring_request request;
    uint64_t count;   /* that a read gets */
    size_t prepared;  /* its place in the order of prepares, from 1 on */
    size_t completed; /* how often */
    size_t again;     /* how many more times it begins again */
    int result;
};

static struct uring_loop loop;
static struct item items[REQUESTS];
static struct item late;
static size_t prepared;
static int silent;   /* an eventfd that is never written to */
static bool refuses; /* early submits fail */
static int answer;   /* of the call that submits and waits; 0: the kernel's own */
static size_t sleeps;

int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);

int __wrap_io_uring_submit(struct io_uring *ring)
{
    return refuses ? -EBUSY : __real_io_uring_submit(ring);
}

int __real_io_uring_submit_and_get_events(struct io_uring *ring);
int __wrap_io_uring_submit_and_get_events(struct io_uring *ring);
int __real_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *timeout,
                                            sigset_t *mask);
int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *timeout,
                                            sigset_t *mask);
void __wrap_uv_sleep(unsigned ms);

int __wrap_io_uring_submit_and_get_events(struct io_uring *ring)
{
    return answer != 0 ? answer : __real_io_uring_submit_and_get_events(ring);
}

int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *timeout,
                                            sigset_t *mask)
{
    return answer != 0 ? answer
                       : __real_io_uring_submit_and_wait_timeout(ring, cqe, count, timeout, mask);
}

void __wrap_uv_sleep(unsigned ms)
{
    assert_int_equal(ms, IO_PAUSE_MS);
    sleeps++;
}

/* ---- requests ------------------------------------------------------------------------------ */

static struct item *item_of(struct uring_request *request)
{
    return CONTAINER_OF(request, struct item, request);
}

static void prepare_nop(struct uring_request *request, struct io_uring_sqe *sqe)
{
    io_uring_prep_nop(sqe);
    item_of(request)->prepared = ++prepared;
}

static void prepare_read(struct uring_request *request, struct io_uring_sqe *sqe)
{
    struct item *item = item_of(request);
    io_uring_prep_read(sqe, silent, &item->count, sizeof(item->count), 0);
    item->prepared = ++prepared;
}

static void prepare_cancel(struct uring_request *request, struct io_uring_sqe *sqe)
{
    uring_prepare_cancel(sqe, silent);
    item_of(request)->prepared = ++prepared;
}

static void on_end(struct uring_request *request, int result, unsigned flags);

static const struct uring_operation nop = {prepare_nop, on_end};
static const struct uring_operation read_silent = {prepare_read, on_end};
static const struct uring_operation cancel_all = {prepare_cancel, on_end};

static void on_end(struct uring_request *request, int result, unsigned flags)
{
    struct item *item = item_of(request);
    (void)flags;
    assert_false(uring_is_pending(request));
    item->result = result;
    item->completed++;
    if (item->again > 0) {
        item->again--;
        assert_int_equal(uring_begin(&loop, request, &nop), IO_PENDING);
    }
}

static void begin_all(const struct uring_operation *operation)
{
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(uring_begin(&loop, &items[i].request, operation), IO_PENDING);
        assert_true(uring_is_pending(&items[i].request));
    }
}

/* Would take a day if it waited while there are requests. */
static void turn(void)
{
    assert_int_equal(uring_enter(&loop, NS_PER_DAY), 0);
    uring_reap(&loop);
}

/* ---- tests --------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    (void)state;
    memset(&loop, 0, sizeof(loop));
    memset(items, 0, sizeof(items));
    memset(&late, 0, sizeof(late));
    queue_init(&loop.unqueued);
    prepared = 0;
    refuses = false;
    answer = 0;
    sleeps = 0;
    silent = eventfd(0, EFD_CLOEXEC);
    assert_true(silent >= 0);
    assert_int_equal(uring_ring_open(&loop.ring), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    uring_ring_close(&loop.ring);
    return close(silent);
}

static void one_turn_takes_all(void **state)
{
    (void)state;
    begin_all(&nop);
    turn();
    assert_true(loop.base.full);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(items[i].completed, 1);
    }
    assert_int_equal(uring_begin(&loop, &late.request, &nop), IO_PENDING);
    turn();
    assert_int_equal(late.completed, 1);
    assert_false(loop.base.full);
}

static void later_requests_do_not_overtake(void **state)
{
    (void)state;
    refuses = true;
    begin_all(&nop);
    turn(); /* there is room in the queue now */
    assert_int_equal(uring_begin(&loop, &late.request, &nop), IO_PENDING);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(late.completed, 0);
        assert_int_equal(items[i].completed, 1);
        turn();
        assert_int_equal(items[i].prepared, i + 1);
    }
    assert_int_equal(late.completed, 1);
    assert_int_equal(late.prepared, REQUESTS + 1);
}

static void a_cancel_comes_after_what_it_cancels(void **state)
{
    (void)state;
    refuses = true;
    begin_all(&read_silent);
    assert_int_equal(uring_begin(&loop, &late.request, &cancel_all), IO_PENDING);
    while (late.completed == 0 || items[REQUESTS - 1].completed == 0) {
        turn();
    }
    assert_int_equal(late.result, REQUESTS);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(items[i].completed, 1);
        assert_int_equal(items[i].result, -ECANCELED);
    }
}

static void a_request_that_begins_again_goes_behind_the_others(void **state)
{
    (void)state;
    refuses = true;
    items[0].again = 1;
    begin_all(&nop);
    for (size_t i = 0; i <= REQUESTS; i++) {
        turn();
    }
    assert_int_equal(items[0].completed, 2);
    assert_int_equal(items[0].prepared, REQUESTS + 1);
    assert_int_equal(items[REQUESTS - 1].prepared, REQUESTS);
}

static void a_loop_that_the_kernel_refuses_does_not_spin(void **state)
{
    (void)state;
    refuses = true;
    answer = -EAGAIN;
    begin_all(&nop);
    for (size_t i = 0; i < IO_IDLE_TURNS + 10; i++) {
        turn();
    }
    assert_int_equal(sleeps, 11);
    refuses = false;
    answer = 0;
    turn();
    assert_int_equal(sleeps, 11);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(items[i].completed, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_turn_takes_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(later_requests_do_not_overtake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancel_comes_after_what_it_cancels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loop_that_the_kernel_refuses_does_not_spin, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_request_that_begins_again_goes_behind_the_others, set_up,
                                        tear_down),
    };
    const char *without = getenv("ECHOPORT_WITHOUT");
    if (without != NULL && strcmp(without, "io_uring") == 0) {
        print_message("left out, since it can't be had here\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
