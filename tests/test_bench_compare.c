#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bench_rig.h"
#include "compare.h"
#include "result.h"

#define THRESHOLD 0.03
#define TRIES 5

static const char *const two[] = {"uv", "iocp", NULL};
static const char *const three[] = {"uv", "io_uring", "epoll", NULL};

/* As a machine that has other work, too: the rounds differ by much, the pairs by little. */
static struct bench_rig rig_of(const char *const *subjects)
{
    return (struct bench_rig){
        .subjects = subjects, .cases = 4, .rounds = 7, .noise = 0.007, .drift = 0.1};
}

static struct compare_outcome compare(const struct bench_rig *before, const struct bench_rig *after,
                                      uint64_t seed, FILE *out)
{
    json_t *old_document = bench_rig_document(before, seed);
    json_t *new_document = bench_rig_document(after, seed + 1000);
    struct compare_outcome outcome = compare_documents(old_document, new_document, THRESHOLD, out);
    json_decref(old_document);
    json_decref(new_document);
    return outcome;
}

static void the_same_build_has_no_regression(void **state)
{
    struct bench_rig same = rig_of(three);
    (void)state;
    for (uint64_t seed = 1; seed <= TRIES; seed++) {
        struct compare_outcome outcome = compare(&same, &same, seed, NULL);
        assert_int_equal(outcome.questions, 4 * 3 * 2);
        assert_int_equal(outcome.unanswered, 0);
        assert_int_equal(outcome.regressions, 0);
    }
}

static void five_per_cent_more_cpu_in_one_backend_are_caught(void **state)
{
    (void)state;
    for (size_t which = 0; three[which] != NULL; which++) {
        struct bench_rig same = rig_of(three);
        struct bench_rig worse = rig_of(three);
        worse.changed = three[which]; /* the first as well, to which ratios are */
        worse.cpu = 1.05;
        for (uint64_t seed = 1; seed <= TRIES; seed++) {
            assert_true(compare(&same, &worse, seed, NULL).regressions > 0);
        }
    }
}

/* A machine so restless that nothing else tells: on one CPU the client feels it as well. */
static void the_client_on_the_same_cpu_is_a_yardstick(void **state)
{
    (void)state;
    for (size_t which = 0; three[which] != NULL; which++) {
        struct bench_rig same = rig_of(three);
        same.noise = 0.1;
        same.cases = 1;
        struct bench_rig worse = same;
        worse.changed = three[which];
        worse.cpu = 1.05;
        assert_int_equal(compare(&same, &worse, 1, NULL).regressions, 0);
        same.shared_noise = worse.shared_noise = 0.007;
        for (uint64_t seed = 1; seed <= TRIES; seed++) {
            struct compare_outcome outcome = compare(&same, &same, seed, NULL);
            assert_int_equal(outcome.questions, 3 * 3);
            assert_int_equal(outcome.regressions, 0);
            assert_true(compare(&same, &worse, seed, NULL).regressions > 0);
        }
    }
}

static void a_tenth_less_throughput_is_caught(void **state)
{
    struct bench_rig same = rig_of(three);
    struct bench_rig worse = rig_of(three);
    (void)state;
    worse.changed = "epoll";
    worse.cpu = 1;
    worse.speed = 0.9;
    assert_int_equal(compare(&same, &worse, 1, NULL).regressions, 4);
}

/* Ratios to it are worse then, but those to the third aren't. */
static void a_backend_that_got_better_makes_no_other_worse(void **state)
{
    (void)state;
    for (size_t which = 0; three[which] != NULL; which++) {
        struct bench_rig same = rig_of(three);
        struct bench_rig better = rig_of(three);
        better.changed = three[which];
        better.cpu = 0.8;
        better.speed = 1.25;
        for (uint64_t seed = 1; seed <= TRIES; seed++) {
            assert_int_equal(compare(&same, &better, seed, NULL).regressions, 0);
        }
    }
}

static void of_two_backends_the_first_is_taken_as_it_was(void **state)
{
    struct bench_rig same = rig_of(two);
    struct bench_rig worse = rig_of(two);
    struct bench_rig better = rig_of(two);
    (void)state;
    worse.changed = "iocp";
    worse.cpu = 1.05;
    better.changed = "iocp";
    better.cpu = 0.8;
    struct compare_outcome outcome = compare(&same, &worse, 1, NULL);
    assert_int_equal(outcome.questions, 4 * 2);
    assert_int_equal(outcome.regressions, 4);
    assert_int_equal(compare(&same, &better, 1, NULL).regressions, 0);
}

/* A machine that is twice as fast has the same ratios. */
static void absolute_figures_do_not_count(void **state)
{
    struct bench_rig same = rig_of(three);
    struct bench_rig slower = rig_of(three + 1); /* its first is as quick as the other's first */
    struct bench_rig after = rig_of(three + 1);
    (void)state;
    after.drift = 0.5;
    assert_int_equal(compare(&same, &slower, 1, NULL).regressions, 0);
    assert_int_equal(compare(&slower, &after, 1, NULL).regressions, 0);
}

static void a_change_below_the_threshold_is_none(void **state)
{
    struct bench_rig same = rig_of(three);
    struct bench_rig worse = rig_of(three);
    (void)state;
    same.noise = 0;
    worse.noise = 0;
    worse.changed = "epoll";
    worse.cpu = 1.02;
    assert_int_equal(compare(&same, &worse, 1, NULL).regressions, 0);
    worse.cpu = 1.04;
    assert_int_equal(compare(&same, &worse, 1, NULL).regressions, 4);
}

/* Many questions need many rounds: 1 / 924 is the least chance of 6 against 6, and 0.05 / 48 is
 * less. */
static void too_few_rounds_are_said_and_raise_no_alarm(void **state)
{
    struct bench_rig same = rig_of(three);
    struct bench_rig worse = rig_of(three);
    (void)state;
    same.rounds = worse.rounds = 6;
    same.cases = worse.cases = 8;
    worse.changed = "epoll";
    worse.cpu = 2;
    struct compare_outcome outcome = compare(&same, &worse, 1, NULL);
    assert_int_equal(outcome.questions, 48);
    assert_int_equal(outcome.unanswered, 48);
    assert_int_equal(outcome.regressions, 0);
}

static void cases_of_one_alone_are_named(void **state)
{
    struct bench_rig few = rig_of(three);
    struct bench_rig many = rig_of(three);
    char text[8192];
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    few.cases = 3;
    struct compare_outcome outcome = compare(&few, &many, 1, file);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    assert_int_equal(outcome.questions, 3 * 3 * 2);
    assert_non_null(strstr(text, "case3            only in the new results"));
    assert_null(strstr(text, "in the old results"));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_in_range(strcspn(line, "\n"), 0, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_build_has_no_regression),
        cmocka_unit_test(five_per_cent_more_cpu_in_one_backend_are_caught),
        cmocka_unit_test(the_client_on_the_same_cpu_is_a_yardstick),
        cmocka_unit_test(a_tenth_less_throughput_is_caught),
        cmocka_unit_test(a_backend_that_got_better_makes_no_other_worse),
        cmocka_unit_test(of_two_backends_the_first_is_taken_as_it_was),
        cmocka_unit_test(absolute_figures_do_not_count),
        cmocka_unit_test(a_change_below_the_threshold_is_none),
        cmocka_unit_test(too_few_rounds_are_said_and_raise_no_alarm),
        cmocka_unit_test(cases_of_one_alone_are_named),
    };
    return cmocka_run_group_tests_name("bench_compare", tests, NULL, NULL);
}
