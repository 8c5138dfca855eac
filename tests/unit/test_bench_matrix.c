#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "matrix.h"
#include "units.h"

#define TIMES "\"rounds\": 7, \"duration\": \"2s\", \"warmup\": \"300ms\""
#define QUICK "\"quick\": {\"rounds\": 6, \"duration\": \"400ms\", \"warmup\": \"100ms\"}"
#define HEAD TIMES ", \"buffer_size\": \"64KiB\", " QUICK
#define BACKENDS "\"backends\": [\"uv\", \"epoll\"]"
#define CASE "{\"name\": \"a\", \"connections\": 1, \"size\": 64}"
#define MATRIX(backends, cases) "{" HEAD ", " backends ", \"cases\": [" cases "]}"

static void a_matrix_is_read(void **state)
{
    static const char text[] =
        MATRIX("\"backends\": [\"uv\", {\"name\": \"uv-poll\", \"backend\": \"uv\", \"arguments\": "
               "[\"--busy-poll=20us\"]}]",
               CASE ", {\"name\": \"b\", \"connections\": 50, \"size\": \"4KiB\", \"depth\": 16, "
                    "\"workers\": 2, \"lifetime\": 1, \"busy_poll\": \"20us\", \"idle\": true, "
                    "\"quick\": true}");
    struct matrix matrix;
    char error[MATRIX_ERROR_SIZE] = "";
    (void)state;
    if (matrix_parse(&matrix, text, error) != 0) {
        fail_msg("%s", error);
    }
    assert_int_equal(matrix.full.rounds, 7);
    assert_int_equal(matrix.full.duration_ns, 2 * NS_PER_S);
    assert_int_equal(matrix.full.warmup_ns, 300 * NS_PER_MS);
    assert_int_equal(matrix.quick.rounds, 6);
    assert_int_equal(matrix.quick.duration_ns, 400 * NS_PER_MS);
    assert_int_equal(matrix.buffer_size, 64 * UNITS_KIB);
    assert_int_equal(matrix.backend_count, 2);
    assert_string_equal(matrix.backends[0].backend, "uv");
    assert_int_equal(matrix.backends[0].argument_count, 0);
    assert_string_equal(matrix.backends[1].name, "uv-poll");
    assert_string_equal(matrix.backends[1].backend, "uv");
    assert_int_equal(matrix.backends[1].argument_count, 1);
    assert_string_equal(matrix.backends[1].arguments[0], "--busy-poll=20us");
    const struct bench_case *a = matrix_case(&matrix, "a");
    assert_non_null(a);
    assert_true(a->depth == 1 && a->workers == 1 && a->lifetime == 0 && !a->idle && !a->quick);
    const struct bench_case *b = matrix_case(&matrix, "b");
    assert_non_null(b);
    assert_true(b->connections == 50 && b->size == 4096 && b->depth == 16 && b->workers == 2);
    assert_true(b->lifetime == 1 && b->busy_poll_ns == 20000 && b->idle && b->quick);
    assert_null(matrix_case(&matrix, "c"));
    matrix_free(&matrix);
}

/* Each is refused, and the message has these words. */
static void what_is_wrong_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } table[] = {
        {"{", "line 1"},
        {"[]", "not an object"},
        {"{}", "\"buffer_size\" is missing"},
        {"{\"rounds\": 7, \"rounds\": 8}", "duplicate"},
        {MATRIX(BACKENDS, CASE "," CASE), "two cases are called \"a\""},
        {MATRIX(BACKENDS, "{\"connections\": 1, \"size\": 64}"), "case 1 (no name): \"name\""},
        {MATRIX(BACKENDS, "{\"name\": \"a\", \"size\": 64}"), "\"connections\" is missing"},
        {MATRIX(BACKENDS, "{\"name\": \"a b\", \"connections\": 1, \"size\": 64}"), "letters"},
        {MATRIX(BACKENDS, "{\"name\": \"a\", \"connections\": 0, \"size\": 64}"), "out of range"},
        {MATRIX(BACKENDS, "{\"name\": \"a\", \"connections\": 1.5, \"size\": 64}"), "whole number"},
        {MATRIX(BACKENDS, "{\"name\": \"a\", \"connections\": 1, \"size\": \"x\"}"), "a size"},
        {MATRIX(BACKENDS, "{\"name\": \"a\", \"connections\": 1, \"size\": -1}"), "a size"},
        {MATRIX(BACKENDS, "{\"name\": \"a\", \"connections\": 1, \"size\": 64, \"idle\": 1}"),
         "true or false"},
        {MATRIX(BACKENDS, "{\"name\": \"a\", \"connections\": 1, \"size\": 64, \"deep\": 1}"),
         "unknown member \"deep\""},
        {MATRIX(BACKENDS, "7"), "an object is missing"},
        {MATRIX(BACKENDS, ""), "\"cases\" is missing"},
        {MATRIX("\"backends\": []", CASE), "\"backends\" is missing"},
        {MATRIX("\"backends\": [\"upoll\"]", CASE), "no backend \"upoll\""},
        {MATRIX("\"backends\": [\"uv\", \"uv\"]", CASE), "two backends are called \"uv\""},
        {MATRIX("\"backends\": [{\"name\": \"a\"}]", CASE), "backend 1"},
        {MATRIX("\"backends\": [{\"name\": \"a\", \"backend\": \"uv\", \"arguments\": [1]}]", CASE),
         "not a text"},
        {MATRIX("\"backends\": [{\"name\": \"a\", \"backend\": \"uv\", \"argument\": []}]", CASE),
         "backend \"a\": unknown member \"argument\""},
        {"{" TIMES ", \"buffer_size\": \"64KiB\", \"quick\": {}, " BACKENDS ", \"cases\": [" CASE
         "]}",
         "\"quick\": \"rounds\" is missing"},
        {"{\"rounds\": 5, \"duration\": \"2s\", \"warmup\": \"1s\", \"buffer_size\": 1024}",
         "\"rounds\" is out of range"}, /* five pairs have no interval */
        {"{\"rounds\": 7, \"duration\": 2, \"warmup\": \"1s\", \"buffer_size\": 1024}", "a time"},
        {"{" HEAD ", \"colour\": 1, " BACKENDS ", \"cases\": [" CASE "]}",
         "unknown member \"colour\""},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        struct matrix matrix;
        char error[MATRIX_ERROR_SIZE] = "";
        int status = matrix_parse(&matrix, table[i].text, error);
        matrix_free(&matrix);
        if (status != UV_EINVAL || strstr(error, table[i].words) == NULL) {
            fail_msg("%s\n%d '%s' has no '%s'", table[i].text, status, error, table[i].words);
        }
    }
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
    struct matrix matrix;
    char error[MATRIX_ERROR_SIZE] = "";
    (void)state;
    assert_int_equal(matrix_read(&matrix, "no/such/file.json", error), UV_EINVAL);
    assert_non_null(strstr(error, "no/such/file.json"));
    matrix_free(&matrix);
}

/* The one that the program has by default. */
static void the_matrix_of_the_project_is_good(void **state)
{
    static const char *const names[] = {"1x64B",           "50x64B", "1000x64B", "50x4KiB",
                                        "16x64KiB-depth4", "churn",  "idle"};
    struct matrix matrix;
    char error[MATRIX_ERROR_SIZE] = "";
    double quick_seconds = 0;
    (void)state;
    if (matrix_parse(&matrix, matrix_builtin, error) != 0) {
        fail_msg("%s", error);
    }
    for (size_t i = 0; i < LENGTH(names); i++) {
        assert_non_null(matrix_case(&matrix, names[i]));
    }
    for (size_t i = 0; i < matrix.case_count; i++) {
        double run = (double)(matrix.quick.duration_ns + matrix.quick.warmup_ns) / 1e9 + 0.1;
        quick_seconds += matrix.cases[i].quick ? run * (double)matrix.quick.rounds : 0;
    }
    quick_seconds *= 3; /* no system has more backends that work */
    assert_true(quick_seconds > 0 && quick_seconds < 60);
    matrix_free(&matrix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_matrix_is_read),
        cmocka_unit_test(what_is_wrong_is_refused_with_a_reason),
        cmocka_unit_test(a_file_that_is_not_there_is_an_error),
        cmocka_unit_test(the_matrix_of_the_project_is_good),
    };
    return cmocka_run_group_tests_name("bench_matrix", tests, NULL, NULL);
}
