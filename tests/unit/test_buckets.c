/* The buckets of a histogram in the JSON, at once or packed before. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "buckets.h"
#include "random.h"

static struct histogram histogram;
static struct text packed;
static struct text direct;
static struct text unpacked;

static int begin(void **state)
{
    (void)state;
    histogram_init(&histogram);
    return 0;
}

static int end(void **state)
{
    (void)state;
    text_free(&packed);
    text_free(&direct);
    text_free(&unpacked);
    return 0;
}

static void write_both(void)
{
    struct json json;
    buckets_pack(&histogram, &packed);
    json_begin(&json, &direct);
    json_object(&json, NULL);
    buckets_json(&histogram, &json);
    json_end_object(&json);
    json_begin(&json, &unpacked);
    json_object(&json, NULL);
    buckets_packed_json(&packed, &json);
    json_end_object(&json);
    assert_false(packed.failed || direct.failed || unpacked.failed);
    assert_string_equal(direct.data, unpacked.data);
}

static void nothing_is_an_empty_list(void **state)
{
    (void)state;
    write_both();
    assert_int_equal(packed.length, 0);
    assert_string_equal(direct.data, "{\"buckets\":[]}\n");
}

static void any_reader_can_hold_the_bounds(void **state)
{
    (void)state;
    histogram_record(&histogram, 0);
    histogram_record(&histogram, 255);
    histogram_record(&histogram, 256);
    histogram_record(&histogram, 257);
    histogram_record(&histogram, UINT64_MAX);
    write_both();
    assert_string_equal(direct.data,
                        "{\"buckets\":[[0,1],[255,1],[257,2],[9223372036854775807,1]]}\n");
}

/* Of any size, from one message to more than memory could name. */
static void packed_buckets_are_the_same(void **state)
{
    uint64_t chance = 1;
    (void)state;
    for (unsigned n = 0; n < 200; n++) {
        histogram_init(&histogram);
        for (unsigned i = 0; i < 300; i++) {
            uint64_t value = random_next(&chance) >> (random_next(&chance) % 64);
            histogram_record(&histogram, value);
        }
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
            histogram.buckets[i] <<= histogram.buckets[i] > 0 ? random_next(&chance) % 50 : 0;
        }
        write_both();
        (void)end(state);
    }
}

/* Neighbours and small counts, as of an interval. */
static void packed_buckets_are_small(void **state)
{
    (void)state;
    for (uint64_t us = 20; us < 120; us++) {
        histogram_record(&histogram, us * 1000);
    }
    write_both();
    assert_true(packed.length <= 400);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_an_empty_list),
        TEST(any_reader_can_hold_the_bounds),
        TEST(packed_buckets_are_the_same),
        TEST(packed_buckets_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
