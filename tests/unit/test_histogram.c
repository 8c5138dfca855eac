#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "histogram.h"
#include "random.h"

#define VALUE_COUNT 20000
#define HOUR_NS UINT64_C(3600000000000)

static struct histogram histogram;
static uint64_t values[VALUE_COUNT];
static uint64_t random_state = 88172645463325252;

/* Of any magnitude up to an hour. */
static uint64_t random_value(void)
{
    return (random_next(&random_state) >> random_next(&random_state) % 64) % (HOUR_NS + 1);
}

static int compare_values(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static void assert_close(uint64_t reported, uint64_t exact)
{
    assert_true(reported >= exact);
    assert_true((reported - exact) * 100 <= exact);
}

static void empty_reports_zero(void **state)
{
    struct histogram_bucket bucket;
    size_t position = 0;

    (void)state;
    histogram_init(&histogram);
    assert_int_equal(histogram.count, 0);
    assert_int_equal(histogram_percentile(&histogram, 0.0), 0);
    assert_int_equal(histogram_percentile(&histogram, 99.9), 0);
    assert_int_equal(histogram_percentile(&histogram, 100.0), 0);
    assert_true(histogram_mean(&histogram) == 0.0);
    assert_true(histogram_deviation(&histogram) == 0.0);
    assert_false(histogram_next(&histogram, &position, &bucket));
    assert_false(histogram_next(&histogram, &position, &bucket));
}

static void assert_value_close(uint64_t value)
{
    struct histogram_bucket bucket;
    size_t position = 0;

    histogram_init(&histogram);
    histogram_record(&histogram, value);
    assert_true(histogram_next(&histogram, &position, &bucket));
    assert_int_equal(bucket.count, 1);
    assert_true(bucket.lower <= value && value <= bucket.upper);
    assert_close(bucket.upper, bucket.lower);
    assert_false(histogram_next(&histogram, &position, &bucket));
}

static void every_value_is_in_a_narrow_bucket(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 3000; value++) {
        assert_value_close(value);
    }
    for (uint64_t power = 1024; power < HOUR_NS; power *= 2) {
        assert_value_close(power - 1);
        assert_value_close(power);
        assert_value_close(power + 1);
    }
    for (size_t i = 0; i < 20000; i++) {
        assert_value_close(random_value());
    }
    assert_value_close(HOUR_NS);
}

static void buckets_adjoin(void **state)
{
    struct histogram_bucket bucket;
    uint64_t lower = 0;
    size_t position = 0;

    (void)state;
    histogram_init(&histogram);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram.buckets[i] = i + 1;
    }
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        assert_true(histogram_next(&histogram, &position, &bucket));
        assert_int_equal(bucket.lower, lower);
        assert_int_equal(bucket.count, i + 1);
        lower = bucket.upper + 1;
    }
    assert_false(histogram_next(&histogram, &position, &bucket));
    assert_int_equal(bucket.upper, UINT64_MAX);
}

static void percentiles_are_close_to_the_exact_ones(void **state)
{
    double sum = 0.0;

    (void)state;
    histogram_init(&histogram);
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        values[i] = random_value();
        sum += (double)values[i];
        histogram_record(&histogram, values[i]);
    }
    qsort(values, VALUE_COUNT, sizeof values[0], compare_values);
    for (size_t hundredths = 1; hundredths <= 10000; hundredths++) {
        size_t rank = (hundredths * VALUE_COUNT + 9999) / 10000;

        assert_close(histogram_percentile(&histogram, (double)hundredths / 100.0),
                     values[rank - 1]);
    }
    assert_int_equal(histogram_percentile(&histogram, 0.0), values[0]);
    assert_int_equal(histogram_percentile(&histogram, 100.0), values[VALUE_COUNT - 1]);
    assert_int_equal(histogram.min, values[0]);
    assert_int_equal(histogram.max, values[VALUE_COUNT - 1]);
    assert_true(histogram_mean(&histogram) > sum / VALUE_COUNT * 0.999999);
    assert_true(histogram_mean(&histogram) < sum / VALUE_COUNT * 1.000001);
}

/* The values are 1, 2, ... as far as they are exact, so the percentile is the rank. */
static void ranks_are_nearest_ranks(void **state)
{
    (void)state;
    histogram_init(&histogram);
    for (uint64_t count = 1; count < 256; count++) {
        histogram_record(&histogram, count);
        for (uint64_t tenths = 0; tenths <= 1000; tenths++) {
            uint64_t rank = (tenths * count + 999) / 1000;

            assert_int_equal(histogram_percentile(&histogram, (double)tenths / 10.0),
                             rank > 0 ? rank : 1);
        }
    }
}

static void merge_equals_recording_all(void **state)
{
    static struct histogram all;
    static struct histogram parts[3];

    (void)state;
    histogram_init(&all);
    for (size_t i = 0; i < 3; i++) {
        histogram_init(&parts[i]);
    }
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        uint64_t value = i % 100 == 0 ? random_next(&random_state) : random_value();

        histogram_record(&all, value);
        histogram_record(&parts[random_next(&random_state) % 2], value); /* the third stays empty */
    }
    histogram_init(&histogram);
    for (size_t i = 0; i < 3; i++) {
        histogram_merge(&histogram, &parts[i]);
    }
    assert_memory_equal(&histogram, &all, sizeof all);
}

/* Fails unless it is the deviation of the first `count` values, which are recorded. */
static void assert_deviation(size_t count)
{
    double mean = histogram_mean(&histogram);
    double squares = 0.0;

    for (size_t i = 0; i < count; i++) {
        squares += ((double)values[i] - mean) * ((double)values[i] - mean);
    }
    double exact = sqrt(squares / (double)count);
    assert_true(fabs(histogram_deviation(&histogram) - exact) <= exact * 0.01);
}

static void the_deviation_is_close_to_the_exact_one(void **state)
{
    (void)state;
    histogram_init(&histogram);
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        values[i] = random_value();
        histogram_record(&histogram, values[i]);
        if (i < 2000 && i % 10 == 1) {
            assert_deviation(i + 1);
        }
    }
    assert_deviation(VALUE_COUNT);
}

static void equal_values_deviate_by_nothing(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < HOUR_NS; value = value * 3 + 1) {
        histogram_init(&histogram);
        for (size_t i = 0; i < 7; i++) {
            histogram_record(&histogram, value);
        }
        assert_true(histogram_deviation(&histogram) == 0.0);
    }
}

/* 2, 4, 4, 4, 5, 5, 7, 9: all below 256, where buckets have one value. */
static void a_known_deviation_is_exact(void **state)
{
    static const uint64_t known[] = {2, 4, 4, 4, 5, 5, 7, 9};

    (void)state;
    histogram_init(&histogram);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        histogram_record(&histogram, known[i]);
    }
    assert_true(histogram_mean(&histogram) == 5.0);
    assert_true(histogram_deviation(&histogram) == 2.0);
}

static void extremes_are_kept(void **state)
{
    (void)state;
    histogram_init(&histogram);
    histogram_record(&histogram, 0);
    assert_int_equal(histogram_percentile(&histogram, 50.0), 0);
    assert_int_equal(histogram_percentile(&histogram, 100.0), 0);
    histogram_record(&histogram, UINT64_MAX);
    histogram_record(&histogram, UINT64_MAX);
    histogram_record(&histogram, UINT64_C(1) << HISTOGRAM_VALUE_BITS);
    assert_int_equal(histogram.buckets[0], 1);
    assert_int_equal(histogram.buckets[HISTOGRAM_BUCKETS - 1], 3);
    assert_int_equal(histogram.min, 0);
    assert_int_equal(histogram.max, UINT64_MAX);
    assert_int_equal(histogram_percentile(&histogram, 50.0), UINT64_MAX);
    assert_int_equal(histogram_percentile(&histogram, 100.0), UINT64_MAX);
    assert_true(histogram_mean(&histogram) > 9.2e18 && histogram_mean(&histogram) < 9.3e18);
}

/* Makes `copy` of what `histogram` tells of itself. */
static void tell(struct histogram *copy)
{
    struct histogram_bucket bucket;
    size_t position = 0;

    histogram_init(copy);
    while (histogram_next(&histogram, &position, &bucket)) {
        uint64_t upper = bucket.upper < INT64_MAX ? bucket.upper : INT64_MAX;

        assert_true(histogram_add_bucket(copy, upper, bucket.count));
    }
    assert_true(
        histogram_set_summary(copy, histogram.min, histogram.max, histogram_mean(&histogram)));
}

static void assert_told(void)
{
    static struct histogram copy;

    tell(&copy);
    assert_int_equal(copy.count, histogram.count);
    assert_int_equal(copy.min, histogram.min);
    assert_int_equal(copy.max, histogram.max);
    assert_memory_equal(copy.buckets, histogram.buckets, sizeof copy.buckets);
    for (size_t hundredths = 0; hundredths <= 10000; hundredths++) {
        double percentile = (double)hundredths / 100.0;

        assert_int_equal(histogram_percentile(&copy, percentile),
                         histogram_percentile(&histogram, percentile));
    }
    assert_true(fabs(histogram_mean(&copy) - histogram_mean(&histogram)) <=
                histogram_mean(&histogram) * 1e-12);
    assert_true(fabs(histogram_deviation(&copy) - histogram_deviation(&histogram)) <=
                histogram_deviation(&histogram) * 1e-12);
}

static void what_is_told_makes_the_same_histogram(void **state)
{
    (void)state;
    for (size_t count = 1; count <= VALUE_COUNT; count *= 11) {
        histogram_init(&histogram);
        for (size_t i = 0; i < count; i++) {
            histogram_record(&histogram, random_value());
        }
        assert_told();
    }
    histogram_record(&histogram, 0);
    histogram_record(&histogram, INT64_MAX); /* the sum takes both words */
    histogram_record(&histogram, INT64_MAX);
    histogram_record(&histogram, INT64_MAX);
    assert_told();
}

static void a_sum_below_2_52_is_told_exactly(void **state)
{
    static struct histogram copy;

    (void)state;
    histogram_init(&histogram);
    for (size_t i = 0; i < 2000; i++) {
        histogram_record(&histogram, random_value() & ((UINT64_C(1) << 40) - 1));
    }
    tell(&copy);
    assert_memory_equal(&copy, &histogram, sizeof copy);
}

static void equal_values_are_told(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < HOUR_NS; value = value * 3 + 1) {
        histogram_init(&histogram);
        for (size_t i = 0; i < 7; i++) {
            histogram_record(&histogram, value);
            assert_told();
        }
    }
}

static void what_can_not_be_is_refused(void **state)
{
    (void)state;
    histogram_init(&histogram);
    assert_false(histogram_set_summary(&histogram, 0, 0, 0)); /* it has no bucket */
    assert_false(histogram_add_bucket(&histogram, 1000, 1));  /* no bucket ends there */
    assert_false(histogram_add_bucket(&histogram, 7, 0));     /* empty */
    assert_false(histogram_add_bucket(&histogram, 7, INT64_MAX + UINT64_C(1)));
    assert_true(histogram_add_bucket(&histogram, 7, 2));
    assert_false(histogram_add_bucket(&histogram, 7, 2));             /* twice */
    assert_false(histogram_add_bucket(&histogram, 6, 2));             /* not in order */
    assert_false(histogram_add_bucket(&histogram, 8, INT64_MAX - 1)); /* too many together */
    assert_true(histogram_add_bucket(&histogram, 9, 1));
    assert_false(histogram_set_summary(&histogram, 6, 9, 8)); /* the minimum has no bucket */
    assert_false(histogram_set_summary(&histogram, 7, 8, 8));
    assert_false(histogram_set_summary(&histogram, 7, 9, 6.9));
    assert_false(histogram_set_summary(&histogram, 7, 9, 9.1));
    assert_false(histogram_set_summary(&histogram, 7, 9, (double)NAN));
    assert_true(histogram_set_summary(&histogram, 7, 9, 23.0 / 3));
    assert_int_equal(histogram.sum_low, 23);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_reports_zero),
        cmocka_unit_test(every_value_is_in_a_narrow_bucket),
        cmocka_unit_test(buckets_adjoin),
        cmocka_unit_test(percentiles_are_close_to_the_exact_ones),
        cmocka_unit_test(ranks_are_nearest_ranks),
        cmocka_unit_test(merge_equals_recording_all),
        cmocka_unit_test(the_deviation_is_close_to_the_exact_one),
        cmocka_unit_test(equal_values_deviate_by_nothing),
        cmocka_unit_test(a_known_deviation_is_exact),
        cmocka_unit_test(extremes_are_kept),
        cmocka_unit_test(what_is_told_makes_the_same_histogram),
        cmocka_unit_test(a_sum_below_2_52_is_told_exactly),
        cmocka_unit_test(equal_values_are_told),
        cmocka_unit_test(what_can_not_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
