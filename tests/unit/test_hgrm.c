/* The percentile text. What HdrHistogram 2.1.11 prints for the same values is written out here. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hgrm.h"
#include "random.h"

#define HEAD "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
#define BUCKETS "#[Buckets =           35, SubBuckets     =          256]\n"

static struct histogram histogram;
static struct text text;

static int set_up(void **state)
{
    (void)state;
    histogram_init(&histogram);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    text_free(&text);
    return 0;
}

static const char *written(void)
{
    text_free(&text);
    hgrm_text(&histogram, &text);
    assert_false(text.failed);
    return text.data;
}

static void without_a_value_there_are_no_rows(void **state)
{
    (void)state;
    assert_string_equal(written(),
                        HEAD "#[Mean    =     0.000000, StdDeviation   =     0.000000]\n"
                             "#[Max     =     0.000000, Total count    =            0]\n" BUCKETS);
}

static void one_value_is_all_percentiles(void **state)
{
    (void)state;
    histogram_record(&histogram, 1234567);
    assert_string_equal(written(),
                        HEAD "    1.234567 0.000000000000          1           1.00\n"
                             "    1.234567 1.000000000000          1\n"
                             "#[Mean    =     1.234567, StdDeviation   =     0.000000]\n"
                             "#[Max     =     1.234567, Total count    =            1]\n" BUCKETS);
}

/* Values of at most 255 ns have buckets of their own, so everything is exact. */
static void rows_are_those_of_the_original(void **state)
{
    (void)state;
    for (uint64_t value = 1; value <= 20; value++) {
        histogram_record(&histogram, 10 * value);
    }
    assert_string_equal(written(),
                        HEAD "    0.000010 0.000000000000          1           1.00\n"
                             "    0.000020 0.100000000000          2           1.11\n"
                             "    0.000040 0.200000000000          4           1.25\n"
                             "    0.000060 0.300000000000          6           1.43\n"
                             "    0.000080 0.400000000000          8           1.67\n"
                             "    0.000100 0.500000000000         10           2.00\n"
                             "    0.000110 0.550000000000         11           2.22\n"
                             "    0.000120 0.600000000000         12           2.50\n"
                             "    0.000130 0.650000000000         13           2.86\n"
                             "    0.000140 0.700000000000         14           3.33\n"
                             "    0.000150 0.750000000000         15           4.00\n"
                             "    0.000160 0.775000000000         16           4.44\n"
                             "    0.000160 0.800000000000         16           5.00\n"
                             "    0.000170 0.825000000000         17           5.71\n"
                             "    0.000170 0.850000000000         17           6.67\n"
                             "    0.000180 0.875000000000         18           8.00\n"
                             "    0.000180 0.887500000000         18           8.89\n"
                             "    0.000180 0.900000000000         18          10.00\n"
                             "    0.000190 0.912500000000         19          11.43\n"
                             "    0.000190 0.925000000000         19          13.33\n"
                             "    0.000190 0.937500000000         19          16.00\n"
                             "    0.000190 0.943750000000         19          17.78\n"
                             "    0.000190 0.950000000000         19          20.00\n"
                             "    0.000200 0.956250000000         20          22.86\n"
                             "    0.000200 1.000000000000         20\n"
                             "#[Mean    =     0.000105, StdDeviation   =     0.000058]\n"
                             "#[Max     =     0.000200, Total count    =           20]\n" BUCKETS);
}

struct row {
    double value_ms;
    double share;
    uint64_t count;
};

/* Reads a row as other programs do. Returns whether it was not the last one. */
static bool read_row(const char *line, struct row *row)
{
    char *end;
    row->value_ms = strtod(line, &end);
    row->share = strtod(end, &end);
    row->count = strtoull(end, &end, 10);
    assert_true(row->count > 0);
    assert_int_equal(*end == '\n', row->share == 1.0);
    return *end != '\n';
}

/* Fails unless the row agrees with the histogram, and comes after `before`. */
static void check_row(const struct row *row, const struct row *before)
{
    double exact = (double)histogram_percentile(&histogram, 100.0 * row->share) / 1e6;
    assert_true(row->value_ms >= before->value_ms && row->share > before->share);
    assert_true(row->count >= before->count);
    assert_true((double)row->count >= row->share * (double)histogram.count * (1.0 - 1e-9));
    assert_true(row->value_ms >= exact && row->value_ms <= exact * 1.01 + 0.000001);
}

static void rows_agree_with_the_percentiles(void **state)
{
    uint64_t random = 42;
    struct row before = {.share = -1.0};
    struct row row;
    (void)state;
    for (size_t i = 0; i < 100000; i++) {
        histogram_record(&histogram, random_next(&random) >> (24 + random_next(&random) % 32));
    }
    const char *line = written() + strlen(HEAD);
    while (read_row(line, &row)) {
        check_row(&row, &before);
        before = row;
        line = strchr(line, '\n') + 1;
    }
    check_row(&row, &before);
    assert_int_equal(row.count, 100000);
    assert_true(row.value_ms == (double)histogram.max / 1e6);
    assert_true(before.share > 0.999 && before.share < 1.0);
}

/* So many values that rounding makes the rest as good as nothing. */
static void the_rows_end(void **state)
{
    (void)state;
    histogram_record(&histogram, 1);
    histogram.count = UINT64_MAX;
    histogram.buckets[1] = UINT64_MAX - 1;
    histogram_record(&histogram, 2);
    histogram.count = UINT64_MAX;
    assert_non_null(strstr(written(), " 1.000000000000 18446744073709551615\n#[Mean"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_value_there_are_no_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_value_is_all_percentiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_are_those_of_the_original, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_agree_with_the_percentiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_rows_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
