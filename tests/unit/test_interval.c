/* Intervals of a run, percentiles and times of day, as they are reported. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "interval.h"
#include "units.h"
#include "utc.h"

#define START_NS (UINT64_C(1795944171) * NS_PER_S)

static struct percentiles percentiles;
static struct intervals intervals;
static uint64_t calls;
static struct interval last;

static void take(void *context, const struct interval *interval)
{
    assert_ptr_equal(context, &calls);
    calls++;
    last = *interval;
}

static void begin(uint64_t length_ns)
{
    calls = 0;
    assert_true(percentiles_parse("50,99.9", &percentiles));
    assert_true(intervals_init(&intervals, length_ns, &percentiles, take, &calls));
    intervals_begin(&intervals, START_NS);
}

/* The slices `first` to `index` of 100 ms, with one message of `latency_ns`. */
static void give(uint64_t first, uint64_t index, uint64_t latency_ns)
{
    struct slice *slice = slice_make();
    assert_non_null(slice);
    slice->first = first;
    slice->index = index;
    slice->from_ns = first * SLICE_NS;
    slice->until_ns = (index + 1) * SLICE_NS;
    slice->messages = 1;
    slice->bytes = 10;
    slice->up = index;
    slice->backlog = 2;
    histogram_record(&slice->latency, latency_ns);
    intervals_on_slice(&intervals, slice);
    free(slice);
}

static void slices_make_intervals(void **state)
{
    (void)state;
    begin(300 * NS_PER_MS);
    give(0, 0, 5);
    give(1, 1, 6);
    assert_int_equal(calls, 0);
    give(2, 2, 7);
    assert_int_equal(calls, 1);
    assert_int_equal(last.from_ns, 0);
    assert_int_equal(last.until_ns, 3 * SLICE_NS);
    assert_int_equal(last.messages, 3);
    assert_int_equal(last.up, 2);
    assert_int_equal(last.backlog, 2);
    assert_int_equal(last.max_ns, 7);
    assert_int_equal(last.percentile_ns[0], 6);
    give(3, 7, 100); /* a longer one */
    assert_int_equal(calls, 2);
    assert_int_equal(last.until_ns, 8 * SLICE_NS);
    give(8, 8, 100);
    assert_int_equal(calls, 3);
    assert_int_equal(last.from_ns, 8 * SLICE_NS);
    give(9, 9, 3);
    intervals_end(&intervals);
    assert_int_equal(calls, 4);
    assert_int_equal(last.max_ns, 3);
    intervals_end(&intervals);
    assert_int_equal(calls, 4);
    intervals_free(&intervals);
}

static void a_long_run_keeps_the_last_ones(void **state)
{
    struct text text = {0};
    struct json json;
    (void)state;
    begin(100 * NS_PER_MS);
    for (uint64_t n = 0; n < INTERVALS_MAX + 10; n++) {
        give(n, n, 5);
    }
    assert_int_equal(intervals.count, INTERVALS_MAX);
    assert_int_equal(intervals.size, INTERVALS_MAX);
    json_begin(&json, &text);
    json_object(&json, NULL);
    intervals_json(&intervals, &json);
    json_end_object(&json);
    assert_non_null(
        strstr(text.data, "{\"intervals\":[{\"from_seconds\":1,\"until_seconds\":1.1,"));
    assert_non_null(strstr(text.data, "],\"intervals_dropped\":10}"));
    text_free(&text);
    intervals_free(&intervals);
}

/* Only in the report: a line of --json-stream is written at once. */
static void intervals_of_a_share_have_their_buckets(void **state)
{
    struct text text = {0};
    struct json json;
    (void)state;
    begin(200 * NS_PER_MS);
    intervals_keep_buckets(&intervals);
    for (uint64_t n = 0; n < 2 * INTERVALS_MAX + 4; n++) {
        give(n, n, n < 2 * INTERVALS_MAX + 2 ? 5 + n % 2 : 300);
    }
    assert_int_equal(intervals.count, INTERVALS_MAX);
    json_begin(&json, &text);
    json_object(&json, NULL);
    intervals_json(&intervals, &json);
    json_end_object(&json);
    assert_non_null(strstr(text.data, "\"backlog\":2,\"min_ns\":5,\"buckets\":[[5,1],[6,1]]},"));
    assert_non_null(strstr(text.data, "\"min_ns\":300,\"buckets\":[[301,2]]}],"
                                      "\"intervals_dropped\":2}"));
    text_free(&text);
    json_begin(&json, &text);
    json_object(&json, NULL);
    interval_json(&intervals, &last, &json);
    json_end_object(&json);
    assert_null(strstr(text.data, "buckets"));
    text_free(&text);
    intervals_free(&intervals);
}

static void a_line_and_an_object_say_the_same(void **state)
{
    struct text text = {0};
    struct json json;
    (void)state;
    begin(100 * NS_PER_MS);
    give(0, 0, 1000);
    give(1, 1, 2000);
    interval_text(&intervals, &last, &text);
    assert_string_equal(text.data,
                        "09:22:51.200Z  0.20 s  10/s  100 B/s  p50 2.00 us  p99 2.00 us  "
                        "max 2.00 us  1 up  0 failed");
    text_free(&text);
    json_begin(&json, &text);
    json_object(&json, NULL);
    interval_json(&intervals, &last, &json);
    json_end_object(&json);
    assert_string_equal(text.data,
                        "{\"from_seconds\":0.1,\"until_seconds\":0.2,"
                        "\"at\":\"2026-11-29T09:22:51.100Z\",\"messages\":1,\"bytes\":10,"
                        "\"messages_per_second\":10,"
                        "\"latency_ns\":{\"50\":2000,\"99.9\":2000,\"max\":2000},"
                        "\"up\":1,\"failures\":0,\"backlog\":2}\n");
    text_free(&text);
    intervals_free(&intervals);
}

static void lists_of_percentiles(void **state)
{
    static const char *const wrong[] = {"",
                                        ",",
                                        "50,",
                                        "50,,90",
                                        "101",
                                        "100.000001",
                                        "-1",
                                        "5e1",
                                        "50;90",
                                        "50, 90",
                                        "50.",
                                        ".5",
                                        "50.1234567",
                                        "50,50.0",
                                        "p50",
                                        "1000",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(percentiles_is(wrong[i]));
    }
    assert_true(percentiles_parse("0,050,99.90,100,0.000001,99.999999", &percentiles));
    assert_int_equal(percentiles.count, 6);
    assert_string_equal(percentiles.names[0], "0");
    assert_string_equal(percentiles.names[1], "50");
    assert_string_equal(percentiles.names[2], "99.9");
    assert_string_equal(percentiles.names[3], "100");
    assert_string_equal(percentiles.names[4], "0.000001");
    assert_string_equal(percentiles.names[5], "99.999999");
    assert_true(percentiles.values[2] == 99.9);
    assert_true(percentiles_is(PERCENTILES_DEFAULT));
}

static void dates(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},          {951782399, "2000-02-28T23:59:59.000Z"},
        {951782400, "2000-02-29T00:00:00.000Z"},  {951868800, "2000-03-01T00:00:00.000Z"},
        {1704067199, "2023-12-31T23:59:59.000Z"}, {1795944171, "2026-11-29T09:22:51.000Z"},
        {4107542400, "2100-03-01T00:00:00.000Z"}, {4107456000, "2100-02-28T00:00:00.000Z"},
    };
    char text[UTC_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)utc_format(text, sizeof(text), cases[i].seconds * NS_PER_S);
        assert_string_equal(text, cases[i].text);
    }
    assert_string_equal(utc_format_time(text, sizeof(text), 86399999 * NS_PER_MS), "23:59:59.999Z");
    assert_true(utc_now_ns() > START_NS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_make_intervals),
        cmocka_unit_test(a_long_run_keeps_the_last_ones),
        cmocka_unit_test(intervals_of_a_share_have_their_buckets),
        cmocka_unit_test(a_line_and_an_object_say_the_same),
        cmocka_unit_test(lists_of_percentiles),
        cmocka_unit_test(dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
