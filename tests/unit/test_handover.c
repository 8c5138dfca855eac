/* Connections that one worker hands over to another, over the fake backend. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fake_backend.h"
#include "handover.h"

#define WORKERS 3
#define ADDRESSES 2
#define TOKENS 20000 /* of the test with threads */

struct member {
    struct worker worker; /* first */
    struct fake fake;
    bool finished;
    uint64_t taken; /* how many, and the sum of their numbers */
    uint64_t sum;
    int last;
    bool in_order;
};

static struct handover handover;
static struct member members[WORKERS];

static struct member *member_of(struct worker *worker)
{
    return (struct member *)(void *)worker;
}

/* ---- the role ------------------------------------------------------------------------------- */

static void member_take(struct member *member)
{
    struct io_token token;
    while (handover_take(&handover, &member->worker, &token)) {
        member->taken++;
        member->sum += (uint64_t)token.os_socket;
        member->in_order = member->in_order && (int)token.os_socket > member->last;
        member->last = (int)token.os_socket;
    }
}

/* Worker 0 is the one that listens. */
static int role_start(struct worker *worker)
{
    for (size_t i = 0; worker->index > 0 && i < ADDRESSES; i++) {
        handover_join(&handover, worker, i);
    }
    return 0;
}

static void role_command(struct worker *worker, enum worker_command command)
{
    struct member *member = member_of(worker);
    if (command == WORKER_DRAIN) {
        handover_leave(&handover, worker);
        member->finished = true;
    }
    member_take(member);
}

static bool role_finished(const struct worker *worker)
{
    return ((const struct member *)(const void *)worker)->finished;
}

static void role_stop(struct worker *worker)
{
    handover_leave(&handover, worker);
    member_take(member_of(worker));
}

static const struct worker_role role = {
    .start = role_start, .command = role_command, .finished = role_finished, .stop = role_stop};

/* ---- the rig -------------------------------------------------------------------------------- */

static int prepare(void **state)
{
    (void)state;
    memset(members, 0, sizeof(members));
    for (size_t i = 0; i < WORKERS; i++) {
        struct member *member = &members[i];
        fake_init(&member->fake);
        member->last = -1;
        member->in_order = true;
        member->worker.role = &role;
        member->worker.backend = &fake_backend;
        member->worker.io_config = fake_config(&member->fake);
        member->worker.index = (unsigned)i;
        member->worker.cpu = -1;
        worker_init(&member->worker);
    }
    return handover_init(&handover, WORKERS, ADDRESSES);
}

static int dispose(void **state)
{
    unsigned wrong = 0;
    (void)state;
    handover_destroy(&handover);
    for (size_t i = 0; i < WORKERS; i++) {
        wrong += members[i].fake.wrong;
        worker_destroy(&members[i].worker);
        fake_destroy(&members[i].fake);
    }
    return wrong == 0 ? 0 : -1;
}

/* The workers have loops, and no threads. */
static int prepare_open(void **state)
{
    int status = prepare(state);
    for (size_t i = 0; i < WORKERS; i++) {
        status = status != 0 ? status : worker_open(&members[i].worker);
    }
    return status;
}

static int dispose_open(void **state)
{
    for (size_t i = 0; i < WORKERS; i++) {
        worker_close(&members[i].worker);
    }
    return dispose(state);
}

/* The index of the worker that has it now. */
static unsigned give(size_t address, int number)
{
    struct io_token token = {.os_socket = (uv_os_sock_t)number};
    struct worker *taker = handover_give(&handover, &members[0].worker, address, &token);
    return taker != NULL ? taker->index : 0;
}

static void give_in_turn(size_t address, unsigned rounds)
{
    for (unsigned i = 0; i < rounds * WORKERS; i++) {
        assert_int_equal(give(address, (int)i), i % WORKERS);
    }
}

/* ---- turns ---------------------------------------------------------------------------------- */

static void each_has_his_turn_and_the_giver_the_first(void **state)
{
    (void)state;
    give_in_turn(0, 4);
    for (size_t i = 1; i < WORKERS; i++) {
        member_take(&members[i]);
        assert_int_equal(members[i].taken, 4);
        assert_true(members[i].in_order);
    }
}

static void each_address_has_its_own_turns(void **state)
{
    (void)state;
    assert_int_equal(give(0, 1), 0);
    assert_int_equal(give(0, 2), 1);
    give_in_turn(1, 1);
    assert_int_equal(give(0, 3), 2);
}

static void giver_without_takers_keeps_all(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(give(0, i), 0);
    }
}

static void token_that_cannot_be_detached_stays(void **state)
{
    (void)state;
    members[0].fake.detach_status = UV_ENOTSUP;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(give(0, i), 0);
    }
    for (size_t i = 1; i < WORKERS; i++) {
        member_take(&members[i]);
        assert_int_equal(members[i].taken, 0);
        assert_int_equal(members[i].worker.posted[WORKER_TAKE], 0);
    }
}

static void full_inbox_is_passed_over(void **state)
{
    (void)state;
    give_in_turn(0, HANDOVER_INBOX);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(give(0, i), 0);
    }
    member_take(&members[2]);
    assert_int_equal(members[2].taken, HANDOVER_INBOX);
    assert_int_equal(give(0, 5), 2);
    assert_int_equal(give(0, 6), 0);
}

static void inbox_keeps_the_order_around_its_end(void **state)
{
    int number = 0;
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < WORKERS * (HANDOVER_INBOX / 2 + 5); i++) {
            assert_int_equal(give(0, number++), i % WORKERS);
        }
        member_take(&members[1]);
        member_take(&members[2]);
    }
    assert_true(members[1].in_order && members[2].in_order);
    assert_int_equal(members[1].taken, 3 * (HANDOVER_INBOX / 2 + 5));
}

static void a_taker_is_told_once_until_it_has_looked(void **state)
{
    struct worker *taker = &members[1].worker;
    (void)state;
    give_in_turn(0, 3);
    assert_int_equal(taker->posted[WORKER_TAKE], 1);
    assert_true(worker_turn(taker));
    assert_int_equal(members[1].taken, 3);
    assert_int_equal(taker->posted[WORKER_TAKE], 0);
    give_in_turn(0, 1);
    assert_int_equal(taker->posted[WORKER_TAKE], 1);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void a_worker_that_left_gets_nothing_and_takes_what_it_has(void **state)
{
    (void)state;
    give_in_turn(0, 2);
    handover_leave(&handover, &members[1].worker);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(give(0, i), i % 2 == 0 ? 0 : 2);
    }
    member_take(&members[1]);
    assert_int_equal(members[1].taken, 2);
}

static int prepare_threads(void **state)
{
    int status = prepare(state);
    for (size_t i = 0; i < WORKERS; i++) {
        members[i].fake.blocks = true;
    }
    return status;
}

/* Worker 0 is this thread's. One of the others ends half-way, the last one at the end. */
static void threads_lose_no_token(void **state)
{
    uint64_t kept = 0;
    uint64_t sum = 0;
    (void)state;
    assert_int_equal(worker_open(&members[0].worker), 0);
    for (size_t i = 1; i < WORKERS; i++) {
        assert_int_equal(worker_start(&members[i].worker), 0);
    }
    for (int i = 0; i < TOKENS; i++) {
        if (i == TOKENS / 2) {
            worker_post(&members[1].worker, WORKER_DRAIN);
        }
        if (give((size_t)i % ADDRESSES, i) == 0) {
            kept++;
            sum += (uint64_t)i;
        }
    }
    worker_post(&members[2].worker, WORKER_DRAIN);
    worker_join(&members[1].worker);
    worker_join(&members[2].worker);
    worker_close(&members[0].worker);
    assert_int_equal(kept + members[1].taken + members[2].taken, TOKENS);
    assert_int_equal(sum + members[1].sum + members[2].sum, (uint64_t)TOKENS * (TOKENS - 1) / 2);
    assert_true(members[1].taken > 0 && members[2].taken > 0);
    assert_true(members[1].in_order && members[2].in_order);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, prepare_open, dispose_open)
#define THREADS(test) cmocka_unit_test_setup_teardown(test, prepare_threads, dispose)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(each_has_his_turn_and_the_giver_the_first),
        OPEN(each_address_has_its_own_turns),
        cmocka_unit_test_setup_teardown(giver_without_takers_keeps_all, prepare, dispose),
        OPEN(token_that_cannot_be_detached_stays),
        OPEN(full_inbox_is_passed_over),
        OPEN(inbox_keeps_the_order_around_its_end),
        OPEN(a_taker_is_told_once_until_it_has_looked),
        OPEN(a_worker_that_left_gets_nothing_and_takes_what_it_has),
        THREADS(threads_lose_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
