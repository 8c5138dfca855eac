#include "range.h"
#include "util.h"

static void both_bounds_are_in_the_range(void **state)
{
    (void)state;
    assert_between(2, 2, 4);
    assert_between(3, 2, 4);
    assert_between(4, 2, 4);
    assert_between(5, 5, 5);
}

static void each_type_will_do(void **state)
{
    (void)state;
    assert_between((char)'b', 'a', 'z');
    assert_between((size_t)1, 0, 1u);
    assert_between(INT64_MAX, INT32_MAX, INT64_MAX);
    assert_between(UINT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX);
}

static void each_is_evaluated_once(void **state)
{
    int value = 2;
    int least = 1;
    int most = 3;
    (void)state;
    assert_between(value++, least++, most++);
    assert_int_equal(value, 3);
    assert_int_equal(least, 2);
    assert_int_equal(most, 4);
}

static void below(void **state)
{
    (void)state;
    assert_between(1, 2, 4);
}

static void above(void **state)
{
    (void)state;
    assert_between(5, 2, 4);
}

static void far_above(void **state)
{
    (void)state;
    assert_between(UINT64_MAX, 0, INT64_MAX);
}

static void negative(void **state)
{
    (void)state;
    assert_between(-1, 0, 4);
}

static void in_no_range_at_all(void **state)
{
    (void)state;
    assert_between(3, 4, 2);
}

int main(void)
{
    const struct CMUnitTest failing[] = {
        cmocka_unit_test(below),
        cmocka_unit_test(above),
        cmocka_unit_test(negative),
        cmocka_unit_test(far_above),
        cmocka_unit_test(in_no_range_at_all),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_bounds_are_in_the_range),
        cmocka_unit_test(each_type_will_do),
        cmocka_unit_test(each_is_evaluated_once),
    };
    int failed = cmocka_run_group_tests_name("each of these has to fail", failing, NULL, NULL);
    int wrong = cmocka_run_group_tests(tests, NULL, NULL);
    if (failed != (int)LENGTH(failing)) {
        print_message("%d of %d failed that have to\n", failed, (int)LENGTH(failing));
        return 1;
    }
    return wrong;
}
