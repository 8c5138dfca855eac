#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bench_rig.h"
#include "compare.h"
#include "log.h"
#include "range.h"
#include "output_file.h"
#include "result.h"
#include "summary.h"
#include "util.h"

#define THRESHOLD 0.03
#define TRIES 5

static const char *const two[] = {"uv", "iocp", NULL};
static const char *const three[] = {"uv", "io_uring", "epoll", NULL};

/* Like a machine with other work: the rounds differ much, the pairs little. */
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

/* The text that was written to the file; closes it. */
static void text_of(FILE *file, char *text, size_t size)
{
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    (void)fclose(file);
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

/* A machine with so much other work that no other figure shows it: on one CPU the client is
 * slower, too. */
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
    text_of(file, text, sizeof(text));
    assert_int_equal(outcome.questions, 3 * 3 * 2);
    assert_non_null(strstr(text, "case3            only in the new results"));
    assert_null(strstr(text, "in the old results"));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_between(strcspn(line, "\n"), 0, 100);
    }
}

/* Every run of the subject in the case gets the mark; NULL: it is taken out. */
static void spoil(json_t *test_case, const char *subject, const char *mark)
{
    json_t *runs = json_object_get(test_case, "runs");
    for (size_t i = json_array_size(runs); i-- > 0;) {
        json_t *run = json_array_get(runs, i);
        if (strcmp(result_text(run, "subject"), subject) != 0) {
            continue;
        }
        if (mark == NULL) {
            (void)json_array_remove(runs, i);
        } else {
            result_add_mark(run, mark);
        }
    }
    summary_make(test_case);
}

static void a_backend_without_a_good_run_is_gone(void **state)
{
    static const char *const marks[] = {"failed", "books", NULL};
    struct bench_rig rig = rig_of(three);
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        json_t *before = bench_rig_document(&rig, 1);
        json_t *after = bench_rig_document(&rig, 2);
        spoil(result_case(after, "case1"), "epoll", marks[i]);
        struct compare_outcome outcome = compare_documents(before, after, THRESHOLD, NULL);
        assert_int_equal(outcome.gone, 1);
        assert_int_equal(outcome.regressions, 0);
        assert_int_equal(compare_documents(after, before, THRESHOLD, NULL).gone, 0);
        assert_int_equal(compare_documents(after, after, THRESHOLD, NULL).gone, 0);
        json_decref(before);
        json_decref(after);
    }
}

static void a_backend_that_is_gone_is_named(void **state)
{
    struct bench_rig rig = rig_of(two);
    json_t *before = bench_rig_document(&rig, 1);
    json_t *after = bench_rig_document(&rig, 2);
    char text[8192];
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    spoil(result_case(after, "case0"), "iocp", "failed");
    assert_int_equal(compare_documents(before, after, THRESHOLD, file).gone, 1);
    text_of(file, text, sizeof(text));
    assert_non_null(strstr(text, "case0 iocp: no good run in the new results  GONE\n"));
    json_decref(before);
    json_decref(after);
}

/* The third has no such figures, as a peer of macOS has no CPU time: then two are left. */
static void two_that_have_a_metric_are_two_backends(void **state)
{
    struct bench_rig rig = rig_of(three);
    struct bench_rig better = rig_of(three);
    (void)state;
    better.changed = "io_uring";
    better.cpu = 0.8;
    json_t *before = bench_rig_document(&rig, 1);
    json_t *after = bench_rig_document(&better, 2);
    for (size_t round = 0; round < rig.rounds; round++) {
        for (size_t i = 0; i < rig.cases; i++) {
            char name[32];
            (void)snprintf(name, sizeof(name), "case%zu", i);
            json_t *run = bench_rig_run(result_case(after, name), "epoll", round);
            (void)json_object_del(run, "server_cpu_per_message");
        }
    }
    struct compare_outcome outcome = compare_documents(before, after, THRESHOLD, NULL);
    assert_int_equal(outcome.questions, 4 * (3 + 1));
    assert_int_equal(outcome.regressions, 0);
    json_decref(before);
    json_decref(after);
}

static void a_case_of_another_load_is_not_compared(void **state)
{
    static const char *const members[] = {"connections", "size",     "depth",
                                          "workers",     "lifetime", "busy_poll"};
    struct bench_rig rig = rig_of(three);
    (void)state;
    for (size_t i = 0; i < LENGTH(members); i++) {
        json_t *before = bench_rig_document(&rig, 1);
        json_t *after = bench_rig_document(&rig, 2);
        char text[8192];
        FILE *file = tmpfile();
        assert_non_null(file);
        result_set(result_case(before, "case2"), members[i], 1);
        result_set(result_case(after, "case2"), members[i], 2);
        struct compare_outcome outcome = compare_documents(before, after, THRESHOLD, file);
        assert_int_equal(outcome.questions, 3 * 3 * 2);
        text_of(file, text, sizeof(text));
        assert_non_null(strstr(text, "case2            another load in the new results\n"));
        json_decref(before);
        json_decref(after);
    }
}

/* ---- the command --------------------------------------------------------------------------- */

static void save(const json_t *document, const char *path)
{
    const struct output_file output = {.path = path, .stream = -1};
    struct text text = {0};
    result_compose(document, &text);
    assert_int_equal(output_file_write(&output, text.data, text.length), 0);
    text_free(&text);
}

/* The exit code for these documents, as files, and the messages. */
static int command(const json_t *before, const json_t *after, char *text, size_t size)
{
    static const char old_path[] = "test_bench_compare-old.json";
    static const char new_path[] = "test_bench_compare-new.json";
    FILE *file = tmpfile();
    assert_non_null(file);
    save(before, old_path);
    save(after, new_path);
    log_redirect(file);
    int code = compare_run(old_path, new_path, THRESHOLD);
    log_redirect(NULL);
    text_of(file, text, size);
    (void)remove(old_path);
    (void)remove(new_path);
    return code;
}

static void a_comparison_without_an_answer_fails(void **state)
{
    struct bench_rig rig = rig_of(three);
    char text[1024];
    (void)state;
    json_t *document = bench_rig_document(&rig, 1);
    assert_int_equal(command(document, document, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    json_decref(document);

    rig.rounds = 6;
    rig.cases = 8;
    document = bench_rig_document(&rig, 1);
    assert_int_equal(command(document, document, text, sizeof(text)), 1);
    assert_non_null(strstr(text, "nothing could be compared: more rounds are needed (--rounds)"));
    json_decref(document);

    rig.cases = 0;
    document = bench_rig_document(&rig, 1);
    assert_int_equal(command(document, document, text, sizeof(text)), 1);
    assert_non_null(strstr(text, "nothing could be compared: no case has two backends"));
    json_decref(document);
}

static void a_backend_that_is_gone_fails_the_command(void **state)
{
    struct bench_rig rig = rig_of(three);
    json_t *before = bench_rig_document(&rig, 1);
    json_t *after = bench_rig_document(&rig, 1);
    char text[1024];
    (void)state;
    spoil(result_case(after, "case0"), "epoll", "failed");
    assert_int_equal(command(before, after, text, sizeof(text)), 1);
    json_decref(before);
    json_decref(after);
}

static void what_was_measured_differently_is_refused(void **state)
{
    static const char *const members[] = {"pin", "client_backend", "buffer_size"};
    struct bench_rig rig = rig_of(three);
    char text[1024];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        json_t *before = bench_rig_document(&rig, 1);
        json_t *after = bench_rig_document(&rig, 1);
        result_put(before, "options", json_pack("{s:s}", members[i], "one"));
        result_put(after, "options", json_pack("{s:s}", members[i], "other"));
        if (i == 2) {
            result_put(before, "options", json_pack("{s:i}", members[i], 1024));
            result_put(after, "options", json_pack("{s:i}", members[i], 65536));
        }
        assert_int_equal(command(before, before, text, sizeof(text)), 0);
        assert_int_equal(command(before, after, text, sizeof(text)), 2);
        assert_non_null(strstr(text, members[i]));
        json_decref(before);
        json_decref(after);
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
        cmocka_unit_test(a_backend_without_a_good_run_is_gone),
        cmocka_unit_test(a_backend_that_is_gone_is_named),
        cmocka_unit_test(two_that_have_a_metric_are_two_backends),
        cmocka_unit_test(a_case_of_another_load_is_not_compared),
        cmocka_unit_test(a_comparison_without_an_answer_fails),
        cmocka_unit_test(a_backend_that_is_gone_fails_the_command),
        cmocka_unit_test(what_was_measured_differently_is_refused),
    };
    log_setup("echo-bench", false);
    return cmocka_run_group_tests_name("bench_compare", tests, NULL, NULL);
}
