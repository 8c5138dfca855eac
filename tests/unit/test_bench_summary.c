#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench_rig.h"
#include "export.h"
#include "range.h"
#include "result.h"
#include "summary.h"
#include "table.h"
#include "util.h"

static const char *const two[] = {"uv", "epoll", NULL};

static void assert_near(double actual, double expected)
{
    if (fabs(actual - expected) > 1e-6 * (1 + fabs(expected))) {
        fail_msg("%.12g is not %.12g", actual, expected);
    }
}

static json_t *exact_document(const char *const *subjects, size_t rounds)
{
    const struct bench_rig rig = {.subjects = subjects, .cases = 1, .rounds = rounds, .drift = 0.2};
    return bench_rig_document(&rig, 1);
}

/* The rounds differ widely, the pairs don't. */
static void ratios_are_of_pairs(void **state)
{
    json_t *document = exact_document(two, 7);
    json_t *test_case = result_case(document, "case0");
    const json_t *speed = summary_ratio(test_case, "epoll", "uv", "messages_per_second");
    const json_t *cpu = summary_ratio(test_case, "epoll", "uv", "server_cpu_per_message");
    (void)state;
    assert_near(result_number(speed, "ratio"), 1.1);
    assert_near(result_number(speed, "low"), 1.1);
    assert_near(result_number(speed, "high"), 1.1);
    assert_near(result_number(speed, "confidence"), 0.953125);
    assert_string_equal(result_text(speed, "verdict"), "more");
    assert_near(result_number(cpu, "ratio"), 1 / 1.1);
    assert_string_equal(result_text(cpu, "verdict"), "less");
    assert_null(summary_ratio(test_case, "uv", "epoll", "messages_per_second"));
    json_decref(document);
}

static void an_interval_that_holds_1_is_no_difference(void **state)
{
    static const double factors[] = {0.9, 1.1, 0.95, 1.05, 1.02, 0.97};
    json_t *document = exact_document(two, 6);
    json_t *test_case = result_case(document, "case0");
    (void)state;
    for (size_t round = 0; round < 6; round++) {
        const json_t *base = bench_rig_run(test_case, "uv", round);
        result_set(bench_rig_run(test_case, "epoll", round), "messages_per_second",
                   factors[round] * result_number(base, "messages_per_second"));
    }
    summary_make(test_case);
    const json_t *ratio = summary_ratio(test_case, "epoll", "uv", "messages_per_second");
    assert_string_equal(result_text(ratio, "verdict"), "no difference");
    assert_near(result_number(ratio, "low"), 0.9);
    assert_near(result_number(ratio, "high"), 1.1);
    json_decref(document);
}

static void marked_runs_are_not_averaged_in(void **state)
{
    json_t *document = exact_document(two, 8);
    json_t *test_case = result_case(document, "case0");
    json_t *books = bench_rig_run(test_case, "epoll", 0);
    json_t *bound = bench_rig_run(test_case, "epoll", 1);
    (void)state;
    result_add_mark(books, "books");
    result_set(books, "messages_per_second", 1e9);
    result_set(books, "server_cpu_per_message", 1);
    result_add_mark(bound, "client-bound");
    result_set(bound, "messages_per_second", 1e9);
    summary_make(test_case);
    const json_t *speed = summary_ratio(test_case, "epoll", "uv", "messages_per_second");
    const json_t *cpu = summary_ratio(test_case, "epoll", "uv", "server_cpu_per_message");
    assert_int_equal(result_number(speed, "pairs"), 6);
    assert_near(result_number(speed, "ratio"), 1.1);
    assert_int_equal(result_number(cpu, "pairs"), 7); /* of the server alone: it holds */
    assert_near(result_number(cpu, "high"), 1 / 1.1);
    const json_t *subject = json_array_get(json_object_get(test_case, "subjects"), 1);
    assert_true(result_number(subject, "messages_per_second.high") < 1e9);
    assert_int_equal(result_number(subject, "runs"), 8);
    assert_int_equal(result_number(subject, "marks.books"), 1);
    assert_int_equal(result_number(subject, "marks.client-bound"), 1);
    json_decref(document);
}

/* The remaining rounds would be those in which the server happened to be slow. */
static void a_client_bound_server_has_no_figures_of_speed(void **state)
{
    (void)state;
    for (size_t which = 0; two[which] != NULL; which++) {
        json_t *document = exact_document(two, 8);
        json_t *test_case = result_case(document, "case0");
        for (size_t round = 2; round < 4; round++) {
            result_add_mark(bench_rig_run(test_case, two[which], round), "client-bound");
        }
        summary_make(test_case);
        assert_null(summary_ratio(test_case, "epoll", "uv", "messages_per_second"));
        const json_t *cpu = summary_ratio(test_case, "epoll", "uv", "server_cpu_per_message");
        assert_int_equal(result_number(cpu, "pairs"), 8);
        for (size_t i = 0; i < 2; i++) {
            const json_t *subject = json_array_get(json_object_get(test_case, "subjects"), i);
            assert_true(result_has(subject, "messages_per_second.median") == (i != which));
            assert_true(result_has(subject, "server_cpu_per_message.median"));
            assert_true(summary_is_client_bound(test_case, two[i]) == (i == which));
        }
        json_decref(document);
    }
}

static void too_few_pairs_have_no_interval(void **state)
{
    json_t *document = exact_document(two, 6);
    json_t *test_case = result_case(document, "case0");
    (void)state;
    result_add_mark(bench_rig_run(test_case, "uv", 3), "failed");
    summary_make(test_case);
    const json_t *ratio = summary_ratio(test_case, "epoll", "uv", "server_cpu_per_message");
    assert_int_equal(result_number(ratio, "pairs"), 5);
    assert_false(result_has(ratio, "low"));
    assert_string_equal(result_text(ratio, "verdict"), "too few pairs");
    json_decref(document);
}

static void backends_have_ratios_to_peers_as_well(void **state)
{
    static const char *const subjects[] = {"uv", "epoll", "peer:asio", NULL};
    json_t *document = exact_document(subjects, 6);
    const json_t *test_case = result_case(document, "case0");
    (void)state;
    assert_non_null(summary_ratio(test_case, "peer:asio", "uv", "messages_per_second"));
    assert_non_null(summary_ratio(test_case, "uv", "peer:asio", "messages_per_second"));
    assert_non_null(summary_ratio(test_case, "epoll", "peer:asio", "server_cpu_per_message"));
    assert_null(summary_ratio(test_case, "peer:asio", "epoll", "messages_per_second"));
    json_decref(document);
}

/* Each ratio of our backends once; less is better. */
static void what_is_exported_is_smaller_when_better(void **state)
{
    static const char *const subjects[] = {"uv", "epoll", "peer:asio", NULL};
    json_t *document = exact_document(subjects, 6);
    json_t *list = export_ratios(document);
    (void)state;
    assert_int_equal(json_array_size(list), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *entry = json_array_get(list, i);
        assert_near(result_number(entry, "value"), 1 / 1.1);
        assert_string_equal(result_text(entry, "unit"), "ratio");
        assert_string_equal(result_text(entry, "range"), "0.909 to 0.909");
        assert_non_null(strstr(result_text(entry, "name"), "case0 epoll : uv, "));
        assert_non_null(strstr(result_text(entry, "extra"), "6 pairs"));
    }
    json_decref(list);
    json_decref(document);
}

static void the_table_says_what_is_client_bound(void **state)
{
    json_t *document = exact_document(two, 6);
    json_t *test_case = result_case(document, "case0");
    struct text text = {0};
    (void)state;
    for (size_t round = 0; round < 2; round++) {
        result_add_mark(bench_rig_run(test_case, "epoll", round), "client-bound");
    }
    summary_make(test_case);
    table_case(&text, test_case);
    assert_non_null(strstr(text.data, "  epoll              -  client-bound  "));
    text_free(&text);
    json_decref(document);
}

static void the_table_says_it_in_100_columns(void **state)
{
    static const char *const subjects[] = {"uv", "epoll", "peer:libuv-sample", NULL};
    json_t *document = exact_document(subjects, 6);
    struct text text = {0};
    (void)state;
    result_add_mark(bench_rig_run(result_case(document, "case0"), "epoll", 0), "books");
    summary_make(result_case(document, "case0"));
    table_case(&text, result_case(document, "case0"));
    table_end(&text, document);
    for (const char *line = text.data; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_between(strcspn(line, "\n"), 0, 100);
    }
    assert_non_null(strstr(text.data, "1.21 [1.21, 1.21] +"));
    assert_non_null(strstr(text.data, "1.10 ?"));
    assert_non_null(strstr(text.data, "1 of 6 runs of epoll are marked books"));
    text_free(&text);
    json_decref(document);
}

/* The bounds of the buckets, but never more than the maximum. */
static void percentiles_come_from_the_buckets(void **state)
{
    json_t *latency = json_loads("{\"count\": 10, \"p50\": 100, \"p90\": 200, \"p99\": 950,"
                                 " \"p999\": 950, \"max\": 950,"
                                 " \"buckets\": [[100, 5], [200, 4], [1000, 1]]}",
                                 0, NULL);
    json_t *run = result_run();
    (void)state;
    result_set_latency(run, latency);
    assert_near(result_number(run, "latency.p99"), 950e-9);
    const json_t *curve = json_object_get(run, "percentiles");
    for (size_t i = 0; i < json_array_size(curve); i++) {
        double share = json_number_value(json_array_get(json_array_get(curve, i), 0));
        double value = json_number_value(json_array_get(json_array_get(curve, i), 1));
        assert_near(value, share <= 0.5 ? 100e-9 : share <= 0.9 ? 200e-9 : 950e-9);
    }
    json_decref(run);
    json_decref(latency);
}

/* A missing value is null, and "-" in the table. */
static void no_message_has_no_percentile(void **state)
{
    static const char *const names[] = {"p50", "p90", "p99", "p999", "max"};
    json_t *latency = json_loads("{\"count\": 0, \"p50\": null, \"p90\": null, \"p99\": null,"
                                 " \"p999\": null, \"max\": null, \"buckets\": []}",
                                 0, NULL);
    json_t *run = result_run();
    (void)state;
    result_set_latency(run, latency);
    for (size_t i = 0; i < LENGTH(names); i++) {
        assert_true(json_is_null(json_object_get(json_object_get(run, "latency"), names[i])));
    }
    assert_true(json_is_null(json_object_get(run, "percentiles")));
    assert_false(result_has(run, "latency.p99"));
    json_decref(run);
    json_decref(latency);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratios_are_of_pairs),
        cmocka_unit_test(an_interval_that_holds_1_is_no_difference),
        cmocka_unit_test(marked_runs_are_not_averaged_in),
        cmocka_unit_test(a_client_bound_server_has_no_figures_of_speed),
        cmocka_unit_test(too_few_pairs_have_no_interval),
        cmocka_unit_test(backends_have_ratios_to_peers_as_well),
        cmocka_unit_test(what_is_exported_is_smaller_when_better),
        cmocka_unit_test(the_table_says_what_is_client_bound),
        cmocka_unit_test(the_table_says_it_in_100_columns),
        cmocka_unit_test(percentiles_come_from_the_buckets),
        cmocka_unit_test(no_message_has_no_percentile),
    };
    return cmocka_run_group_tests_name("bench_summary", tests, NULL, NULL);
}
