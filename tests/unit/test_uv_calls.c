/* The system calls of libuv on Linux, as they follow from the requests to it. The test sets the
 * version of libuv: the linker replaces uv_version() (--wrap). */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "util.h"
#include "uv_calls.h"

#define UVIO_LIBUV_1_44_2 0x012c02u
#define UVIO_LIBUV_1_45_0 0x012d00u
#define UVIO_LIBUV_1_50_0 0x013200u
#define ENTRIES 256 /* of libuv's ring */

static unsigned version;
static struct io_stats stats;
static struct uvio_calls calls;
static struct uvio_watch watch;

unsigned __wrap_uv_version(void);

unsigned __wrap_uv_version(void)
{
    return version;
}

static int begin(void **state)
{
    (void)state;
    version = UVIO_LIBUV_1_44_2;
    memset(&stats, 0, sizeof(stats));
    memset(&watch, 0, sizeof(watch));
    calls = (struct uvio_calls){.stats = &stats, .turn = 1};
    return 0;
}

/* How many calls the next turn makes for changes of interest. */
static void turn_makes(uint64_t control_calls)
{
    uint64_t before = stats.control_calls;
    uvio_calls_turn(&calls);
    assert_int_equal(stats.control_calls - before, control_calls);
}

static void close_makes(uint64_t control_calls)
{
    uint64_t control_before = stats.control_calls;
    uint64_t other_before = stats.other_calls;
    uvio_calls_close(&calls, &watch);
    assert_int_equal(stats.control_calls - control_before, control_calls);
    assert_int_equal(stats.other_calls - other_before, 1);
}

/* ---- changes of interest --------------------------------------------------------------------- */

static void a_change_is_made_in_the_next_turn(void **state)
{
    (void)state;
    turn_makes(0);
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    uvio_calls_watch(&calls, &watch, UVIO_WANT_SEND);
    turn_makes(1);
    turn_makes(0);
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV); /* no change */
    turn_makes(0);
}

static void what_is_undone_in_time_is_not_made(void **state)
{
    (void)state;
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    uvio_calls_unwatch(&calls, &watch, UVIO_WANT_RECV);
    turn_makes(0);
    for (int i = 0; i < 3; i++) {
        uvio_calls_watch(&calls, &watch, UVIO_WANT_SEND);
        uvio_calls_unwatch(&calls, &watch, UVIO_WANT_SEND);
    }
    turn_makes(0);
    uvio_calls_watch(&calls, &watch, UVIO_WANT_SEND);
    turn_makes(1);
}

static void less_interest_is_a_change(void **state)
{
    (void)state;
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV | UVIO_WANT_SEND);
    turn_makes(1);
    uvio_calls_unwatch(&calls, &watch, UVIO_WANT_SEND);
    turn_makes(1);
    uvio_calls_watch(&calls, &watch, UVIO_WANT_SEND);
    turn_makes(1);
}

/* libuv forgets a descriptor without telling the kernel. Then EPOLL_CTL_ADD fails, and
 * EPOLL_CTL_MOD follows. */
static void to_watch_again_takes_two(void **state)
{
    (void)state;
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    turn_makes(1);
    uvio_calls_unwatch(&calls, &watch, UVIO_WANT_RECV);
    turn_makes(0);
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    turn_makes(2);
    uvio_calls_unwatch(&calls, &watch, UVIO_WANT_RECV);
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    uvio_calls_unwatch(&calls, &watch, UVIO_WANT_RECV);
    struct uvio_watch other = {.turn = 0};
    uvio_calls_watch(&calls, &other, UVIO_WANT_RECV);
    turn_makes(1); /* only that of the other one */
}

static void a_ring_takes_many_changes(void **state)
{
    static struct uvio_watch watches[2 * ENTRIES + 1];
    static const size_t counts[] = {1, ENTRIES, ENTRIES + 1, 2 * ENTRIES, 2 * ENTRIES + 1};
    (void)state;
    calls.rings = true;
    for (size_t i = 0; i < LENGTH(counts); i++) {
        uint64_t submits = (counts[i] - 1) / ENTRIES + 1;
        memset(watches, 0, sizeof(watches));
        for (size_t j = 0; j < counts[i]; j++) {
            uvio_calls_watch(&calls, &watches[j], UVIO_WANT_RECV);
        }
        turn_makes(submits);
        for (size_t j = 0; j < counts[i]; j++) {
            uvio_calls_unwatch(&calls, &watches[j], UVIO_WANT_RECV);
            uvio_calls_watch(&calls, &watches[j], UVIO_WANT_RECV);
        }
        turn_makes(2 * submits); /* all of them twice */
        turn_makes(0);
    }
}

/* ---- close ----------------------------------------------------------------------------------- */

static void a_close_deletes(void **state)
{
    (void)state;
    close_makes(1);
    memset(&watch, 0, sizeof(watch));
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    close_makes(1);
    turn_makes(0); /* the change was cancelled */
    memset(&watch, 0, sizeof(watch));
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    turn_makes(1);
    close_makes(1);
}

/* If libuv has ceased to watch a descriptor that remains readable, an event deletes it. */
static void an_end_that_is_not_watched_is_deleted_before(void **state)
{
    (void)state;
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    turn_makes(1);
    watch.ended = true;
    uvio_calls_unwatch(&calls, &watch, UVIO_WANT_RECV);
    turn_makes(0);
    close_makes(2);
}

static void an_end_in_the_same_turn_is_not(void **state)
{
    (void)state;
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    turn_makes(1);
    watch.ended = true;
    uvio_calls_unwatch(&calls, &watch, UVIO_WANT_RECV);
    close_makes(1);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void a_connect_asks_how_it_went(void **state)
{
    (void)state;
    uvio_calls_socket(&calls);
    assert_int_equal(stats.other_calls, 1);
    uvio_calls_watch(&calls, &watch, UVIO_WANT_SEND);
    uvio_calls_connected(&calls, &watch); /* it failed at once */
    assert_int_equal(stats.other_calls, 1);
    uvio_calls_turn(&calls);
    uvio_calls_connected(&calls, &watch);
    assert_int_equal(stats.other_calls, 2);
    uvio_calls_turn(&calls);
    uvio_calls_unwatch(&calls, &watch, UVIO_WANT_SEND);
    uvio_calls_connected(&calls, &watch); /* nothing is queued */
    assert_int_equal(stats.other_calls, 3);
    uvio_calls_woken(&calls);
    assert_int_equal(stats.other_calls, 4);
}

/* Before 1.45 libuv accepts until no connection waits, once in a turn. */
static void an_accept_that_finds_nothing_counts_once_in_a_turn(void **state)
{
    uint32_t probed = 0;
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        uvio_calls_accept(&calls, &watch, &probed, false);
        assert_int_equal(stats.accept_calls, i + 2);
    }
    uvio_calls_turn(&calls);
    uvio_calls_accept(&calls, &watch, &probed, false);
    assert_int_equal(stats.accept_calls, 6);
    version = UVIO_LIBUV_1_45_0;
    uvio_calls_turn(&calls);
    uvio_calls_accept(&calls, &watch, &probed, false);
    assert_int_equal(stats.accept_calls, 7);
}

/* Then libuv tries no further accept, and does not watch the listener. */
static void a_held_connection_ends_the_accepting(void **state)
{
    uint32_t probed = 0;
    (void)state;
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    turn_makes(1);
    uvio_calls_accept(&calls, &watch, &probed, false);
    uvio_calls_accept(&calls, &watch, &probed, true);
    assert_int_equal(stats.accept_calls, 2);
    assert_int_equal(watch.asked, 0);
    uvio_calls_accept(&calls, &watch, &probed, true);
    assert_int_equal(stats.accept_calls, 3);
    uvio_calls_watch(&calls, &watch, UVIO_WANT_RECV);
    turn_makes(2);
}

static void other_versions_are_estimates(void **state)
{
    (void)state;
    assert_false(uvio_calls_are_estimates());
    version = UVIO_LIBUV_1_50_0;
    assert_false(uvio_calls_are_estimates());
    version = UVIO_LIBUV_1_45_0;
    assert_true(uvio_calls_are_estimates());
}

#define CALLS(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALLS(a_change_is_made_in_the_next_turn),
        CALLS(what_is_undone_in_time_is_not_made),
        CALLS(less_interest_is_a_change),
        CALLS(to_watch_again_takes_two),
        CALLS(a_ring_takes_many_changes),
        CALLS(a_close_deletes),
        CALLS(an_end_that_is_not_watched_is_deleted_before),
        CALLS(an_end_in_the_same_turn_is_not),
        CALLS(a_connect_asks_how_it_went),
        CALLS(an_accept_that_finds_nothing_counts_once_in_a_turn),
        CALLS(a_held_connection_ends_the_accepting),
        CALLS(other_versions_are_estimates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
