#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "against.h"
#include "bench_rig.h"
#include "result.h"
#include "summary.h"

#define SEEDS 60

static const char *const pairs[] = {"uv", "old:uv", "epoll", "old:epoll", NULL};

/* A machine with other work: the rounds differ much, the runs of a pair little. In the rig each
 * subject is a tenth quicker than the one before, and so are the older servers unless `equal`. */
static struct bench_rig rig_of(void)
{
    return (struct bench_rig){.subjects = pairs,
                              .cases = 2,
                              .rounds = 12,
                              .noise = 0.02,
                              .drift = 0.2,
                              .shared_noise = 0.01,
                              .equal = true};
}

/* The exit code, whatever is said. */
static int conclude(const struct against_outcome *outcome)
{
    struct text text = {0};
    int code = against_conclude(outcome, &text);
    text_free(&text);
    return code;
}

static struct against_outcome judge(const struct bench_rig *first, const struct bench_rig *second,
                                    uint64_t seed, struct text *out)
{
    json_t *one = bench_rig_document(first, seed);
    json_t *other = bench_rig_document(second, seed + 1000);
    struct against_outcome outcome =
        against_judge(json_object_get(one, "cases"),
                      second != NULL ? json_object_get(other, "cases") : NULL, out);
    json_decref(one);
    json_decref(other);
    return outcome;
}

/* The chance of a false alarm in the whole comparison is at most 5 %. Here it is far smaller,
 * because no estimate reaches the threshold of 3 %. */
static void the_same_build_is_not_slower(void **state)
{
    struct bench_rig same = rig_of();
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct against_outcome outcome = judge(&same, &same, seed, NULL);
        assert_int_equal(outcome.questions, 2 * 2 * 3);
        assert_int_equal(outcome.slower, 0);
        assert_int_equal(outcome.unanswered, 0);
        assert_int_equal(outcome.gone, 0);
    }
}

static void six_per_cent_more_cpu_are_caught(void **state)
{
    struct bench_rig worse = rig_of();
    (void)state;
    worse.changed = "epoll";
    worse.cpu = 1.06;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct against_outcome outcome = judge(&worse, &worse, seed, NULL);
        assert_true(outcome.suspects >= outcome.slower);
        assert_true(outcome.slower > 0);
    }
}

/* Also if all backends are slower alike, which the ratios between them don't show. */
static void a_tenth_less_throughput_is_caught(void **state)
{
    static const char *const one[] = {"uv", "old:uv", NULL};
    struct bench_rig worse = rig_of();
    (void)state;
    worse.subjects = one;
    worse.changed = "uv";
    worse.cpu = 1;
    worse.speed = 0.9;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        assert_true(judge(&worse, &worse, seed, NULL).slower > 0);
    }
}

static void what_is_quicker_is_not_slower(void **state)
{
    struct bench_rig better = rig_of();
    (void)state;
    better.changed = "uv";
    better.cpu = 0.8;
    better.speed = 1.25;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        assert_int_equal(judge(&better, &better, seed, NULL).suspects, 0);
    }
}

/* A disturbance that one run has seen and the other hasn't. */
static void a_second_run_has_to_confirm_it(void **state)
{
    struct bench_rig worse = rig_of();
    struct bench_rig same = rig_of();
    struct text out = {0};
    (void)state;
    worse.changed = "uv";
    worse.cpu = 1.2;
    struct against_outcome outcome = judge(&worse, &same, 1, &out);
    assert_true(outcome.suspects > 0);
    assert_int_equal(outcome.slower, 0);
    assert_int_equal(against_conclude(&outcome, &out), 0);
    assert_non_null(strstr(out.data, "not confirmed"));
    assert_non_null(strstr(out.data, ": 0 slower by more than 3 %"));
    assert_null(strstr(out.data, "SLOWER"));
    text_free(&out);
}

static void what_is_confirmed_is_told(void **state)
{
    struct bench_rig worse = rig_of();
    struct text out = {0};
    (void)state;
    worse.changed = "uv";
    worse.cpu = 1.2;
    struct against_outcome outcome = judge(&worse, &worse, 1, &out);
    assert_int_equal(outcome.slower, 2 * 2); /* both figures of CPU time, in each case */
    assert_int_equal(against_conclude(&outcome, &out), 1);
    assert_non_null(strstr(out.data, "SLOWER"));
    assert_non_null(strstr(out.data, "12 ratios of new to old: 4 slower by more than 3 %"));
    text_free(&out);
}

/* 1 / 64 is the least chance of six pairs, and 5 % / 4 is less. */
static void too_few_rounds_confirm_nothing(void **state)
{
    struct bench_rig worse = rig_of();
    (void)state;
    worse.rounds = 6;
    worse.changed = "uv";
    worse.cpu = 1.5;
    struct against_outcome outcome = judge(&worse, &worse, 1, NULL);
    assert_int_equal(outcome.suspects, 4);
    assert_int_equal(outcome.unanswered, 4);
    assert_int_equal(conclude(&outcome), 1);
}

/* These few pairs disagree. */
static void few_rounds_that_differ_are_no_confirmation(void **state)
{
    struct bench_rig worse = rig_of();
    struct bench_rig same = rig_of();
    (void)state;
    worse.rounds = same.rounds = 6;
    worse.changed = "uv";
    worse.cpu = 1.5;
    struct against_outcome outcome = judge(&worse, &same, 1, NULL);
    assert_int_equal(outcome.suspects, 4);
    assert_int_equal(outcome.slower + outcome.unanswered, 0);
    assert_int_equal(conclude(&outcome), 0);
}

static void fail_all(json_t *document, const char *subject, size_t rounds)
{
    json_t *test_case = json_array_get(json_object_get(document, "cases"), 0);
    for (size_t round = 0; round < rounds; round++) {
        result_add_mark(bench_rig_run(test_case, subject, round), "failed");
    }
    summary_make(test_case);
}

static void a_backend_that_fails_now_is_gone(void **state)
{
    struct bench_rig same = rig_of();
    (void)state;
    json_t *document = bench_rig_document(&same, 1);
    fail_all(document, "uv", same.rounds);
    struct against_outcome outcome = against_judge(json_object_get(document, "cases"), NULL, NULL);
    assert_int_equal(outcome.gone, 1);
    assert_int_equal(outcome.questions, 3 * 3);
    assert_int_equal(conclude(&outcome), 1);
    json_decref(document);
}

/* An older server may lack a backend or fail in a case: then there is nothing to compare. */
static void what_the_older_server_could_not_is_no_fault(void **state)
{
    struct bench_rig same = rig_of();
    (void)state;
    json_t *document = bench_rig_document(&same, 1);
    fail_all(document, "old:uv", same.rounds);
    struct against_outcome outcome = against_judge(json_object_get(document, "cases"), NULL, NULL);
    assert_int_equal(outcome.gone, 0);
    assert_int_equal(outcome.questions, 3 * 3);
    json_decref(document);
}

static void the_second_run_has_the_suspects(void **state)
{
    struct bench_rig worse = rig_of();
    (void)state;
    worse.changed = "epoll";
    worse.cpu = 1.2;
    json_t *document = bench_rig_document(&worse, 1);
    const json_t *test_case = json_array_get(json_object_get(document, "cases"), 0);
    assert_true(against_seems_slower(test_case, "epoll"));
    assert_true(against_seems_slower(test_case, "old:epoll"));
    assert_false(against_seems_slower(test_case, "uv"));
    assert_false(against_seems_slower(test_case, "old:uv"));
    json_decref(document);
}

static void nothing_to_compare_is_no_success(void **state)
{
    struct against_outcome nothing = {0};
    (void)state;
    assert_int_equal(conclude(&nothing), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_build_is_not_slower),
        cmocka_unit_test(six_per_cent_more_cpu_are_caught),
        cmocka_unit_test(a_tenth_less_throughput_is_caught),
        cmocka_unit_test(what_is_quicker_is_not_slower),
        cmocka_unit_test(a_second_run_has_to_confirm_it),
        cmocka_unit_test(what_is_confirmed_is_told),
        cmocka_unit_test(too_few_rounds_confirm_nothing),
        cmocka_unit_test(few_rounds_that_differ_are_no_confirmation),
        cmocka_unit_test(a_backend_that_fails_now_is_gone),
        cmocka_unit_test(what_the_older_server_could_not_is_no_fault),
        cmocka_unit_test(the_second_run_has_the_suspects),
        cmocka_unit_test(nothing_to_compare_is_no_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
