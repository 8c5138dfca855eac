#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "text.h"

static void empty_text_has_nothing(void **state)
{
    struct text text = {0};
    (void)state;
    text_append(&text, "", 0);
    assert_string_equal(text.data, "");
    assert_int_equal(text.length, 0);
    text_free(&text);
    assert_null(text.data);
}

static void parts_follow_each_other(void **state)
{
    struct text text = {0};
    (void)state;
    text_string(&text, "one");
    text_character(&text, ' ');
    text_append(&text, "two three", 3);
    text_printf(&text, " %d %s", 3, "four");
    assert_string_equal(text.data, "one two 3 four");
    assert_int_equal(text.length, strlen(text.data));
    assert_false(text.failed);
    text_free(&text);
}

static void bytes_may_be_nul(void **state)
{
    struct text text = {0};
    (void)state;
    text_append(&text, "a\0b", 3);
    text_character(&text, '\0');
    text_printf(&text, "c");
    assert_int_equal(text.length, 5);
    assert_memory_equal(text.data, "a\0b\0c", 6);
    text_free(&text);
}

/* The parts have many sizes, so that each boundary of the memory is met. */
static void a_text_grows_as_it_must(void **state)
{
    static char part[5000];
    (void)state;
    memset(part, 'x', sizeof(part) - 1);
    for (size_t size = 1; size < sizeof(part); size += 97) {
        struct text text = {0};
        for (size_t length = 0; length < 20000; length += 2 * size) {
            text_append(&text, part, size);
            text_printf(&text, "%.*s", (int)size, part);
            assert_int_equal(text.length, length + 2 * size);
            assert_true(text.size > text.length);
            assert_int_equal(text.data[text.length], '\0');
            assert_int_equal(text.data[text.length - 1], 'x');
        }
        assert_int_equal(strspn(text.data, "x"), text.length);
        text_free(&text);
    }
}

static void no_memory_sticks(void **state)
{
    struct text text = {0};
    (void)state;
    text_string(&text, "kept");
    text_append(&text, "", SIZE_MAX - 4);
    assert_true(text.failed);
    text_string(&text, "late");
    text_printf(&text, "%d", 1);
    assert_true(text.failed);
    assert_string_equal(text.data, "kept");
    text_free(&text);
    assert_false(text.failed);
}

/* Wraps to 20 columns, with an indent of 4, after a line that must not be wrapped. */
static void check_wrapped(const char *line, const char *expected)
{
    static const char before[] = "a line before, which is longer than that\n";
    struct text text = {0};
    text_string(&text, before);
    text_string(&text, line);
    text_wrap(&text, strlen(before), 20, 4);
    assert_false(text.failed);
    assert_memory_equal(text.data, before, strlen(before));
    assert_string_equal(text.data + strlen(before), expected);
    assert_int_equal(text.length, strlen(text.data));
    text_free(&text);
}

static void long_lines_are_wrapped(void **state)
{
    (void)state;
    check_wrapped("", "");
    check_wrapped("\n\n", "\n\n");
    check_wrapped("ab: exactly as wide.\n", "ab: exactly as wide.\n");
    check_wrapped("ab: one more than 20.\n", "ab: one more than\n    20.\n");
    check_wrapped("ab: no end of a line here", "ab: no end of a line\n    here");
    check_wrapped("ab: one, two, three four five\n", "ab: one, two,\n    three four five\n");
    check_wrapped("ab, one two three four five\n", "ab, one two three\n    four five\n");
    check_wrapped("ab: several of them, which are wrapped again\n",
                  "ab: several of them,\n    which are\n    wrapped again\n");
    check_wrapped("a longer line than that\nshort\n", "a longer line than\n    that\nshort\n");
    check_wrapped("ends in blanks         \nb\n", "ends in blanks      \nb\n");
}

static void long_words_stay_whole(void **state)
{
    (void)state;
    check_wrapped("abcdefghijklmnopqrstuvwxyz\n", "abcdefghijklmnopqrstuvwxyz\n");
    check_wrapped("ab: abcdefghijklmnopqrstuvwxyz c d\n",
                  "ab: abcdefghijklmnopqrstuvwxyz\n    c d\n");
    check_wrapped("ab: abcdef abcdefghijklmnopqrstuvwxyz c\n",
                  "ab: abcdef\n    abcdefghijklmnopqrstuvwxyz\n    c\n");
}

static void an_empty_text_can_be_wrapped(void **state)
{
    struct text text = {0};
    (void)state;
    text_wrap(&text, 0, 20, 4);
    assert_false(text.failed);
    assert_int_equal(text.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_text_has_nothing), cmocka_unit_test(parts_follow_each_other),
        cmocka_unit_test(bytes_may_be_nul),       cmocka_unit_test(a_text_grows_as_it_must),
        cmocka_unit_test(no_memory_sticks),       cmocka_unit_test(long_lines_are_wrapped),
        cmocka_unit_test(long_words_stay_whole),  cmocka_unit_test(an_empty_text_can_be_wrapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
