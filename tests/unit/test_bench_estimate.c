#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "estimate.h"
#include "random.h"
#include "range.h"
#include "util.h"

static void assert_near(double actual, double expected)
{
    if (fabs(actual - expected) > 1e-9 * (1 + fabs(expected))) {
        fail_msg("%.12g is not %.12g", actual, expected);
    }
}

/* Nearly normal, mean 0, variance 1. */
static double noise(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += random_fraction(state);
    }
    return sum - 6;
}

static void the_median_is_the_middle(void **state)
{
    double odd[] = {3, 1, 2};
    double even[] = {4, 1, 3, 2};
    double one[] = {7};
    (void)state;
    assert_near(estimate_median(odd, 3), 2);
    assert_near(estimate_median(even, 4), 2.5);
    assert_near(estimate_median(one, 1), 7);
}

/* With the differences 1, 2, 4, 8, ... no two Walsh averages are equal, so the bound shows how many
 * were dropped: the critical values of the tables, for 5 % on both sides. */
static void the_interval_has_the_critical_values_of_the_tables(void **state)
{
    static const struct {
        size_t count;
        size_t critical;
        double confidence;
    } table[] = {
        {6, 0, 0.96875},        {7, 2, 0.953125},         {8, 3, 1 - 10.0 / 256},
        {9, 5, 1 - 20.0 / 512}, {10, 8, 1 - 50.0 / 1024}, {12, 13, 1 - 174.0 / 4096},
    };
    (void)state;
    for (size_t row = 0; row < LENGTH(table); row++) {
        double values[16];
        size_t below = 0;
        for (size_t i = 0; i < table[row].count; i++) {
            values[i] = ldexp(1, (int)i);
        }
        struct estimate estimate = estimate_paired(values, table[row].count, 0.95);
        assert_true(estimate.bounded);
        for (size_t i = 0; i < table[row].count; i++) {
            for (size_t j = i; j < table[row].count; j++) {
                below += (values[i] + values[j]) / 2 < estimate.low;
            }
        }
        assert_int_equal(below, table[row].critical);
        assert_near(estimate.confidence, table[row].confidence);
    }
}

static void five_pairs_have_no_interval(void **state)
{
    static const double values[] = {1, 2, 3, 4, 5};
    struct estimate estimate = estimate_paired(values, 5, 0.95);
    (void)state;
    assert_near(estimate.value, 3);
    assert_false(estimate.bounded);
}

static void six_pairs_have_their_extremes(void **state)
{
    static const double values[] = {5, 1, 9, 3, 7, 2};
    struct estimate estimate = estimate_paired(values, LENGTH(values), 0.95);
    (void)state;
    assert_true(estimate.bounded);
    assert_near(estimate.low, 1);
    assert_near(estimate.high, 9);
    assert_near(estimate.value, 4.5);
}

/* The share of intervals that contain the true value is as large as they claim. */
static void intervals_cover_the_truth_as_often_as_they_say(void **state)
{
    static const size_t counts[] = {6, 7, 10};
    uint64_t seed = 0x5eed;
    (void)state;
    for (size_t row = 0; row < LENGTH(counts); row++) {
        const unsigned trials = 20000;
        unsigned covered = 0;
        struct estimate estimate = {0};
        for (unsigned trial = 0; trial < trials; trial++) {
            double values[ESTIMATE_MAX];
            for (size_t i = 0; i < counts[row]; i++) {
                values[i] = 0.25 + noise(&seed);
            }
            estimate = estimate_paired(values, counts[row], 0.95);
            covered += estimate.low <= 0.25 && 0.25 <= estimate.high;
        }
        double share = (double)covered / trials;
        if (fabs(share - estimate.confidence) > 0.006) { /* four standard deviations */
            fail_msg("%zu pairs: %.4f covered, %.4f promised", counts[row], share,
                     estimate.confidence);
        }
    }
}

static void a_shift_is_the_median_of_all_differences(void **state)
{
    static const double before[] = {1, 2, 3};
    static const double after[] = {11, 12, 13, 14};
    (void)state;
    assert_near(estimate_shift(before, 3, after, 4), 10.5);
}

/* Counts in how many of all orders of m + n places as many pairs or more are in order. */
static double share_by_counting(unsigned m, unsigned n, unsigned pairs)
{
    unsigned all = 0;
    unsigned above = 0;
    for (unsigned mask = 0; mask < 1u << (m + n); mask++) {
        unsigned chosen = 0;
        unsigned found = 0;
        for (unsigned place = 0; place < m + n; place++) {
            if ((mask >> place & 1) != 0) {
                chosen++;
                found += place + 1 - chosen;
            }
        }
        all += chosen == m;
        above += chosen == m && found >= pairs;
    }
    return (double)above / all;
}

static void the_test_of_two_samples_is_exact(void **state)
{
    static const double before[] = {1, 4, 6, 9};
    static const double after[] = {2, 5, 8, 10, 11};
    static const double equal[] = {1, 1, 1, 1, 1, 1, 1};
    (void)state;
    assert_near(estimate_above(before, 4, after, 5), share_by_counting(5, 4, 1 + 2 + 3 + 4 + 4));
    assert_near(estimate_above(equal, 7, equal, 7), 1);
    assert_near(estimate_above_least(7, 7), 1.0 / 3432);
    assert_near(estimate_above_least(6, 6), 1.0 / 924);
}

static void two_samples_alike_differ_as_often_as_the_test_says(void **state)
{
    uint64_t seed = 0xb0b;
    const unsigned trials = 4000;
    unsigned alarms = 0;
    (void)state;
    for (unsigned trial = 0; trial < trials; trial++) {
        double before[7];
        double after[7];
        for (size_t i = 0; i < 7; i++) {
            before[i] = noise(&seed);
            after[i] = noise(&seed);
        }
        alarms += estimate_above(before, 7, after, 7) <= 0.05;
    }
    assert_between(alarms, 120, 200); /* 3 to 5 %: the test can't say 5 % exactly */
}

/* The tables of Wilcoxon's signed ranks: of 8 pairs a sum of 31 or more has the chance 10 / 256. */
static void paired_tests_have_the_chances_of_the_tables(void **state)
{
    static const double all[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const double five_below[] = {1, 2, 3, 4, -5, 6, 7, 8};
    static const double none[] = {-1, -2, -3};
    static const double zeros[] = {0, 0, 0, 0};
    static const double tied[] = {-1, 1};
    (void)state;
    assert_true(fabs(estimate_paired_above(all, 8) - 1.0 / 256) < 1e-12);
    assert_true(fabs(estimate_paired_above(five_below, 8) - 10.0 / 256) < 1e-12);
    assert_true(fabs(estimate_paired_above(none, 3) - 1) < 1e-12);
    assert_true(fabs(estimate_paired_above(zeros, 4) - 1) < 1e-12);
    assert_true(fabs(estimate_paired_above(tied, 2) - 3.0 / 4) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_is_the_middle),
        cmocka_unit_test(the_interval_has_the_critical_values_of_the_tables),
        cmocka_unit_test(five_pairs_have_no_interval),
        cmocka_unit_test(six_pairs_have_their_extremes),
        cmocka_unit_test(intervals_cover_the_truth_as_often_as_they_say),
        cmocka_unit_test(a_shift_is_the_median_of_all_differences),
        cmocka_unit_test(the_test_of_two_samples_is_exact),
        cmocka_unit_test(two_samples_alike_differ_as_often_as_the_test_says),
        cmocka_unit_test(paired_tests_have_the_chances_of_the_tables),
    };
    return cmocka_run_group_tests_name("bench_estimate", tests, NULL, NULL);
}
