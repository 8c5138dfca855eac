#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "backlog.h"

static struct backlog backlog;
static struct slice *slice;

/* A slice that ends at `until_ns` with this backlog. */
static void add(uint64_t until_ns, uint64_t messages)
{
    slice->until_ns = until_ns;
    slice->backlog = messages;
    backlog_on_slice(&backlog, slice);
}

static int set_up(void **state)
{
    (void)state;
    slice = slice_make();
    return slice != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(slice);
    return 0;
}

static void each_quarter_has_its_mean(void **state)
{
    double means[SEARCH_QUARTERS];
    (void)state;
    backlog_init(&backlog, 1000, 5000);
    add(1500, 10);
    add(2000, 20);
    add(2001, 30);
    add(5000, 40);
    backlog_means(&backlog, means);
    assert_float_equal(means[0], 15, 1e-9);
    assert_float_equal(means[1], 30, 1e-9);
    assert_true(isnan(means[2]));
    assert_float_equal(means[3], 40, 1e-9);
}

static void only_the_measured_time_counts(void **state)
{
    double means[SEARCH_QUARTERS];
    (void)state;
    backlog_init(&backlog, 1000, 5000);
    add(1000, 10);
    add(5001, 20);
    backlog_means(&backlog, means);
    for (size_t i = 0; i < SEARCH_QUARTERS; i++) {
        assert_true(isnan(means[i]));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_quarter_has_its_mean),
        TEST(only_the_measured_time_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
