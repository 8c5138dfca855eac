/* What is written to stderr. During this program that is a temporary file. If a test fails, the
 * file is shown on stdout at the end. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "log.h"
#include "range.h"

#define SECOND_NS UINT64_C(1000000000)
#define THREADS 3
#define THREAD_LINES 5000

static FILE *reader; /* of that file, at the end of what the tests have written so far */
static char text[2 << 20];

/* What was written since the last call. */
static const char *written(void)
{
    (void)fseek(reader, 0, SEEK_CUR); /* it is no longer at the end of the file */
    size_t length = fread(text, 1, sizeof(text) - 1, reader);
    assert_true(length < sizeof(text) - 1);
    text[length] = '\0';
    return text;
}

/* What cmocka has written about the test before. */
static int skip_what_was(void **state)
{
    (void)state;
    (void)written();
    return 0;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void message_begins_with_the_program(void **state)
{
    (void)state;
    log_message("cannot listen on %s: %d", "127.0.0.1:7", 13);
    assert_string_equal(written(), "log: cannot listen on 127.0.0.1:7: 13\n");
}

static void trace_is_bare(void **state)
{
    (void)state;
    log_trace("worker %u conn %d", 0u, 3);
    assert_string_equal(written(), "worker 0 conn 3\n");
}

static void text_is_no_format(void **state)
{
    (void)state;
    log_message("%s", "100 %s %n %d");
    assert_string_equal(written(), "log: 100 %s %n %d\n");
}

static void message_that_is_too_long_is_cut(void **state)
{
    static char message[3 * LOG_LINE_MAX];
    (void)state;
    for (size_t length = LOG_LINE_MAX - 20; length < sizeof(message) - 1; length++) {
        memset(message, 'a' + (int)(length % 26), length);
        message[length] = '\0';
        log_message("%s", message);
        const char *line = written();
        size_t got = strlen(line);
        assert_true(got <= LOG_LINE_MAX);
        assert_true(got >= LOG_LINE_MAX - 8 || got == strlen("log: ") + length + 1);
        assert_int_equal(line[got - 1], '\n');
        assert_memory_equal(line, "log: ", strlen("log: "));
        assert_memory_equal(line + strlen("log: "), message, got - strlen("log: ") - 1);
    }
}

/* ---- the limit ------------------------------------------------------------------------------ */

static void limited_message_comes_once_in_a_second(void **state)
{
    struct log_limit limit = {0};
    (void)state;
    log_limited(&limit, 5 * SECOND_NS, "refused %d", 1);
    assert_string_equal(written(), "log: refused 1\n");
    log_limited(&limit, 5 * SECOND_NS, "refused %d", 2);
    log_limited(&limit, 6 * SECOND_NS - 1, "refused %d", 3);
    assert_string_equal(written(), "");
    assert_int_equal(limit.suppressed, 2);
}

/* A message may name a path, and that may be long. */
static void limited_message_may_be_long(void **state)
{
    struct log_limit limit = {0};
    char name[LOG_LINE_MAX / 2 - 16];
    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    log_limited(&limit, 0, "%s.", name);
    const char *line = written();
    assert_int_equal(strlen(line), strlen("log: ") + strlen(name) + strlen(".\n"));
}

static void next_one_says_how_many_were_left_out(void **state)
{
    struct log_limit limit = {0};
    (void)state;
    for (uint64_t i = 0; i <= 7; i++) {
        log_limited(&limit, 5 * SECOND_NS + i, "refused");
    }
    assert_string_equal(written(), "log: refused\n");
    log_limited(&limit, 6 * SECOND_NS, "refused");
    const char *lines = written();
    assert_memory_equal(lines, "log: refused", strlen("log: refused"));
    assert_non_null(strstr(lines, "7 more"));
    assert_int_equal(limit.suppressed, 0);
}

static void none_left_out_is_not_mentioned(void **state)
{
    struct log_limit limit = {0};
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        log_limited(&limit, i * SECOND_NS, "refused");
        assert_string_equal(written(), "log: refused\n");
    }
}

static void second_begins_with_the_message_that_came(void **state)
{
    struct log_limit limit = {0};
    (void)state;
    log_limited(&limit, 0, "refused");
    log_limited(&limit, 10 * SECOND_NS + SECOND_NS / 2, "refused");
    assert_string_equal(written(), "log: refused\nlog: refused\n");
    log_limited(&limit, 11 * SECOND_NS, "refused");
    assert_string_equal(written(), "");
}

static void limits_do_not_share(void **state)
{
    struct log_limit a = {0};
    struct log_limit b = {0};
    (void)state;
    log_limited(&a, SECOND_NS, "a");
    log_limited(&b, SECOND_NS, "b");
    assert_string_equal(written(), "log: a\nlog: b\n");
}

/* ---- progress ------------------------------------------------------------------------------- */

static void no_progress_where_there_is_no_terminal(void **state)
{
    (void)state;
    assert_false(log_has_progress());
    log_progress("50 %");
    log_message("between");
    log_progress("");
    assert_string_equal(written(), "log: between\n");
}

/* ---- elsewhere ------------------------------------------------------------------------------ */

static void log_can_be_sent_elsewhere_and_back(void **state)
{
    char line[64] = "";
    FILE *other = tmpfile();
    (void)state;
    assert_non_null(other);
    log_redirect(other);
    log_message("to the other");
    log_redirect(stderr);
    log_message("to stderr");
    assert_string_equal(written(), "log: to stderr\n");
    rewind(other);
    assert_non_null(fgets(line, sizeof(line), other));
    assert_string_equal(line, "log: to the other\n");
    assert_int_equal(getc(other), EOF);
    (void)fclose(other);
}

static void log_can_be_thrown_away(void **state)
{
    (void)state;
    log_redirect(NULL);
    log_message("nobody");
    log_trace("nobody");
    log_progress("nobody");
    log_redirect(stderr);
    assert_string_equal(written(), "");
}

/* ---- threads -------------------------------------------------------------------------------- */

struct writer {
    uv_thread_t thread;
    char letter;
};

/* Lines of one letter, of growing length. */
static void write_lines(void *argument)
{
    const struct writer *writer = argument;
    char letters[101];
    memset(letters, writer->letter, sizeof(letters) - 1);
    letters[sizeof(letters) - 1] = '\0';
    for (unsigned i = 0; i < THREAD_LINES; i++) {
        log_message("%u %.*s", i, (int)(i % 100 + 1), letters);
    }
}

/* Checks that `text` begins with the i-th line of `letter`. Returns what follows. */
static const char *check_line(const char *line, char letter, unsigned i)
{
    char expected[256];
    int length = snprintf(expected, sizeof(expected), "log: %u ", i);
    memset(expected + length, letter, i % 100 + 1);
    length += (int)(i % 100 + 1);
    expected[length++] = '\n';
    assert_memory_equal(line, expected, (size_t)length);
    return line + length;
}

static void lines_of_threads_do_not_mix(void **state)
{
    struct writer writers[THREADS] = {{.letter = 'a'}, {.letter = 'b'}, {.letter = 'c'}};
    unsigned lines[THREADS] = {0};
    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(uv_thread_create(&writers[i].thread, write_lines, &writers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(uv_thread_join(&writers[i].thread), 0);
    }
    const char *line = written();
    const char *stop = line + strlen(line);
    while (line < stop) {
        const char *end = memchr(line, '\n', (size_t)(stop - line));
        assert_non_null(end);
        assert_true(end > line);
        assert_between(end[-1], 'a', 'a' + THREADS - 1);
        size_t from = (size_t)(end[-1] - 'a');
        line = check_line(line, end[-1], lines[from]);
        lines[from]++;
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(lines[i], THREAD_LINES);
    }
}

/* ---- the file ------------------------------------------------------------------------------- */

static char path[1024];

static int redirect(void)
{
    char folder[900];
    size_t size = sizeof(folder);
    if (uv_os_tmpdir(folder, &size) != 0) {
        return -1;
    }
    (void)snprintf(path, sizeof(path), "%s/echoport-test-log-%d", folder, (int)uv_os_getpid());
    (void)printf("stderr is %s\n", path);
    (void)fflush(stdout);
    if (freopen(path, "wb", stderr) == NULL) {
        return -1;
    }
    reader = fopen(path, "rb");
    return reader != NULL ? 0 : -1;
}

static void show_all(void)
{
    (void)fflush(stderr);
    rewind(reader);
    for (int c = getc(reader); c != EOF; c = getc(reader)) {
        (void)putchar(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(message_begins_with_the_program, skip_what_was),
        cmocka_unit_test_setup(trace_is_bare, skip_what_was),
        cmocka_unit_test_setup(text_is_no_format, skip_what_was),
        cmocka_unit_test_setup(message_that_is_too_long_is_cut, skip_what_was),
        cmocka_unit_test_setup(limited_message_comes_once_in_a_second, skip_what_was),
        cmocka_unit_test_setup(limited_message_may_be_long, skip_what_was),
        cmocka_unit_test_setup(next_one_says_how_many_were_left_out, skip_what_was),
        cmocka_unit_test_setup(none_left_out_is_not_mentioned, skip_what_was),
        cmocka_unit_test_setup(second_begins_with_the_message_that_came, skip_what_was),
        cmocka_unit_test_setup(limits_do_not_share, skip_what_was),
        cmocka_unit_test_setup(no_progress_where_there_is_no_terminal, skip_what_was),
        cmocka_unit_test_setup(log_can_be_sent_elsewhere_and_back, skip_what_was),
        cmocka_unit_test_setup(log_can_be_thrown_away, skip_what_was),
        cmocka_unit_test_setup(lines_of_threads_do_not_mix, skip_what_was),
    };
    if (redirect() != 0) {
        (void)printf("cannot redirect stderr\n");
        return 1;
    }
    log_setup("log", true);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (failed != 0) {
        show_all();
    }
    (void)fclose(reader);
    (void)fclose(stderr);
    (void)remove(path);
    return failed;
}
