/* Lists of counters, with a made-up struct. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "counter.h"
#include "util.h"

struct made_up {
    uint64_t ends;
    uint64_t not_listed;
    uint64_t peak;
    uint64_t other_ends;
};

static const struct counter rows[] = {
    {"ends", COUNTER_SUM, COUNTER_END, "ended", "", offsetof(struct made_up, ends)},
    {"peak", COUNTER_MAX, COUNTER_NOWHERE, NULL, "", offsetof(struct made_up, peak)},
    {"other_ends", COUNTER_SUM, COUNTER_END, "lost", "", offsetof(struct made_up, other_ends)},
};
static const struct counter_list list = {rows, LENGTH(rows)};

static void assert_counts(const struct made_up *counts, struct made_up expected)
{
    assert_memory_equal(counts, &expected, sizeof(expected));
}

static void sums_are_added(void **state)
{
    struct made_up into = {1, 2, 3, 4};
    const struct made_up from = {10, 20, 30, 40};
    (void)state;
    counters_add(&list, &into, &from);
    assert_counts(&into, (struct made_up){11, 2, 30, 44});
    assert_counts(&from, (struct made_up){10, 20, 30, 40});
}

static void of_maxima_the_greater_stays(void **state)
{
    struct made_up into = {1, 2, 50, 4};
    const struct made_up from = {10, 20, 30, 40};
    (void)state;
    counters_add(&list, &into, &from);
    assert_int_equal(into.peak, 50);
}

static void a_difference_is_added(void **state)
{
    struct made_up into = {1000, 0, 3, 1000};
    const struct made_up before = {10, 20, 30, 40};
    const struct made_up now = {13, 20, 30, 44};
    (void)state;
    counters_add_since(&list, &into, &now, &before);
    assert_counts(&into, (struct made_up){1003, 0, 30, 1004});
}

static void maxima_are_kept_alone(void **state)
{
    struct made_up into = {1, 2, 3, 4};
    const struct made_up now = {10, 20, 30, 40};
    (void)state;
    counters_keep_maxima(&list, &into, &now);
    assert_counts(&into, (struct made_up){1, 2, 30, 4});
}

static void a_line_has_a_total(void **state)
{
    const struct made_up counts = {1, 2, 3, 4};
    (void)state;
    assert_int_equal(counters_total(&list, COUNTER_END, &counts), 5);
    assert_int_equal(counters_total(&list, COUNTER_BYTES, &counts), 0);
    assert_int_equal(counter_value(&rows[2], &counts), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_added),        cmocka_unit_test(of_maxima_the_greater_stays),
        cmocka_unit_test(a_difference_is_added), cmocka_unit_test(maxima_are_kept_alone),
        cmocka_unit_test(a_line_has_a_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
