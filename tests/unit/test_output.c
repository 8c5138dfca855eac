/* stdout and stderr of a program: here of the test itself, while a pipe stands in for both. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "output.h"
#include "text.h"

#define ROUNDS 100

static struct {
    int saved[2]; /* stdout and stderr */
    int ends[2];  /* of the pipe */
    uv_thread_t reader;
    struct text text; /* all that came through the pipe */
    int failures;
} rig;

/* Don't assert before rig_give_back(): cmocka writes to the same streams. */
static void rig_take_both(void)
{
    rig.failures += pipe(rig.ends) != 0;
    for (int i = 0; i < 2; i++) {
        rig.saved[i] = dup(i + 1);
        rig.failures += dup2(rig.ends[1], i + 1) < 0;
    }
}

static void rig_give_back(void)
{
    for (int i = 0; i < 2; i++) {
        rig.failures += dup2(rig.saved[i], i + 1) < 0;
        rig.failures += close(rig.saved[i]) != 0;
    }
    rig.failures += close(rig.ends[1]) != 0; /* so that the reader finds the end */
}

/* Writes until the next write would block. Returns how many bytes that took. */
static size_t rig_fill(void)
{
    static const char filler[4096];
    int flags = fcntl(rig.ends[1], F_GETFL);
    size_t filled = 0;
    ssize_t count;
    rig.failures += fcntl(rig.ends[1], F_SETFL, flags | O_NONBLOCK) != 0;
    while ((count = write(rig.ends[1], filler, sizeof(filler))) > 0) {
        filled += (size_t)count;
    }
    rig.failures += errno != EAGAIN;
    rig.failures += fcntl(rig.ends[1], F_SETFL, flags) != 0;
    return filled;
}

static void rig_read(void *unused)
{
    char bytes[4096];
    ssize_t count;
    (void)unused;
    while ((count = read(rig.ends[0], bytes, sizeof(bytes))) > 0) {
        text_append(&rig.text, bytes, (size_t)count);
    }
}

static void put(void (*print)(struct text *text), const char *name, int round)
{
    struct text text = {0};
    text_printf(&text, "%s %d\n", name, round);
    print(&text);
}

/* As with `2>&1 | less`. The reader takes nothing before everything has been written. */
static void what_goes_to_one_place_keeps_its_order(void **state)
{
    struct text expected = {0};
    (void)state;
    rig_take_both();
    size_t filled = rig_fill();
    rig.failures += output_start("test") != 0;
    for (int round = 0; round < ROUNDS; round++) {
        put(output_print, "out", round);
        put(output_print_error, "err", round);
        text_printf(&expected, "out %d\nerr %d\n", round, round);
    }
    rig.failures += uv_thread_create(&rig.reader, rig_read, NULL) != 0;
    rig.failures += output_exit(0) != 0;
    rig_give_back();
    rig.failures += uv_thread_join(&rig.reader) != 0;
    assert_int_equal(rig.failures, 0);
    assert_int_equal(rig.text.length, filled + expected.length);
    assert_string_equal(rig.text.data + filled, expected.data);
    text_free(&expected);
    text_free(&rig.text);
    assert_int_equal(close(rig.ends[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_to_one_place_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
