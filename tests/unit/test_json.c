#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

static struct text out;
static struct json json;

static int begin(void **state)
{
    (void)state;
    json_begin(&json, &out);
    return 0;
}

static int end(void **state)
{
    (void)state;
    text_free(&out);
    return 0;
}

static const char *written(void)
{
    assert_false(out.failed);
    return out.data;
}

static void empty_containers(void **state)
{
    (void)state;
    json_object(&json, NULL);
    json_end_object(&json);
    json_array(&json, NULL);
    json_end_array(&json);
    assert_string_equal(written(), "{}\n[]\n");
}

static void one_object_per_line(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        json_object(&json, NULL);
        json_uint(&json, "i", i);
        json_bool(&json, "odd", i % 2 == 1);
        json_end_object(&json);
    }
    assert_string_equal(written(), "{\"i\":0,\"odd\":false}\n"
                                   "{\"i\":1,\"odd\":true}\n"
                                   "{\"i\":2,\"odd\":false}\n");
}

static void nesting(void **state)
{
    (void)state;
    json_object(&json, NULL);
    json_array(&json, "a");
    json_object(&json, NULL);
    json_end_object(&json);
    json_object(&json, NULL);
    json_null(&json, "n");
    json_array(&json, "b");
    json_array(&json, NULL);
    json_end_array(&json);
    json_uint(&json, NULL, 1);
    json_uint(&json, NULL, 2);
    json_end_array(&json);
    json_end_object(&json);
    json_string(&json, NULL, "x");
    json_end_array(&json);
    json_object(&json, "o");
    json_end_object(&json);
    json_null(&json, "last");
    json_end_object(&json);
    assert_string_equal(written(), "{\"a\":[{},{\"n\":null,\"b\":[[],1,2]},\"x\"],"
                                   "\"o\":{},\"last\":null}\n");
}

/* Adds `more` to the text in `expected`. */
static void append(char *expected, size_t size, const char *more)
{
    size_t used = strlen(expected);
    assert_true(used + strlen(more) < size);
    memcpy(expected + used, more, strlen(more) + 1);
}

static void deepest_nesting(void **state)
{
    char expected[4 * JSON_DEPTH_MAX + 2] = "";

    (void)state;
    for (size_t i = 0; i < JSON_DEPTH_MAX; i++) {
        json_array(&json, NULL);
        append(expected, sizeof(expected), "[");
    }
    for (size_t i = 0; i < JSON_DEPTH_MAX; i++) {
        json_end_array(&json);
        append(expected, sizeof(expected), "]");
    }
    append(expected, sizeof(expected), "\n");
    assert_string_equal(written(), expected);
}

static void integers(void **state)
{
    (void)state;
    json_array(&json, NULL);
    json_uint(&json, NULL, 0);
    json_uint(&json, NULL, 10);
    json_uint(&json, NULL, UINT64_MAX);
    json_int(&json, NULL, 0);
    json_int(&json, NULL, -1);
    json_int(&json, NULL, INT64_MAX);
    json_int(&json, NULL, INT64_MIN);
    json_end_array(&json);
    assert_string_equal(written(), "[0,10,18446744073709551615,0,-1,9223372036854775807,"
                                   "-9223372036854775808]\n");
}

static void doubles(void **state)
{
    (void)state;
    json_array(&json, NULL);
    json_double(&json, NULL, 0.0);
    json_double(&json, NULL, 1.0);
    json_double(&json, NULL, -0.1);
    json_double(&json, NULL, 99.9);
    json_double(&json, NULL, 0.1 + 0.2);
    json_double(&json, NULL, 123456789.125);
    json_double(&json, NULL, (double)NAN);
    json_double(&json, NULL, (double)INFINITY);
    json_double(&json, NULL, -(double)INFINITY);
    json_end_array(&json);
    assert_string_equal(written(), "[0,1,-0.1,99.9,0.30000000000000004,123456789.125,"
                                   "null,null,null]\n");
}

static void doubles_read_back_the_same(void **state)
{
    static const double values[] = {DBL_MAX,    DBL_MIN,     DBL_EPSILON, 1.0 / 3.0, 1e23,
                                    -1.7e-300,  4.9e-324,    1e15,        1e17,      -2.5e20,
                                    123456.789, 16777217.25, 5e-5};
    const char *text;

    (void)state;
    json_array(&json, NULL);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        json_double(&json, NULL, values[i]);
    }
    json_end_array(&json);
    text = written();
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char *end;

        assert_true(strtod(text + 1, &end) == values[i]);
        text = end;
    }
    assert_string_equal(text, "]\n");
}

static void decimal_point_is_not_the_locale_s(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "German"};
    bool found = false;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !found; i++) {
        found = setlocale(LC_NUMERIC, names[i]) != NULL;
    }
    if (!found) {
        skip();
    }
    json_array(&json, NULL);
    json_double(&json, NULL, -1234.5);
    json_double(&json, NULL, 1.5e-7);
    json_end_array(&json);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(written(), "[-1234.5,1.5e-07]\n");
}

static void escapes(void **state)
{
    (void)state;
    json_object(&json, NULL);
    json_string(&json, "", "");
    json_string(&json, "\"k\\\n", "a\"b\\c/d\b\f\n\r\t");
    json_string(&json, "c", "\x01\x0b\x1f \x7f");
    json_end_object(&json);
    assert_string_equal(written(), "{\"\":\"\",\"\\\"k\\\\\\n\":\"a\\\"b\\\\c/d\\b\\f\\n\\r\\t\","
                                   "\"c\":\"\\u0001\\u000b\\u001f \x7f\"}\n");
}

static void every_control_character_is_escaped(void **state)
{
    const char *text;

    (void)state;
    json_array(&json, NULL);
    for (int character = 1; character < ' '; character++) {
        char value[2] = {(char)character, '\0'};

        json_string(&json, NULL, value);
    }
    json_end_array(&json);
    for (text = written(); *text != '\n'; text++) {
        assert_true(*text >= ' ');
    }
    assert_string_equal(text, "\n");
}

static void valid_utf8_is_kept(void **state)
{
    static const char *const values[] = {
        "\xc2\x80",     "\xdf\xbf",         "\xe0\xa0\x80",     "\xe2\x82\xac",
        "\xed\x9f\xbf", "\xee\x80\x80",     "\xef\xbf\xbf",     "\xf0\x90\x80\x80",
        "z\xc3\xa4z",   "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
    };
    char expected[256] = "[";

    (void)state;
    json_array(&json, NULL);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        json_string(&json, NULL, values[i]);
        append(expected, sizeof(expected), i > 0 ? ",\"" : "\"");
        append(expected, sizeof(expected), values[i]);
        append(expected, sizeof(expected), "\"");
    }
    json_end_array(&json);
    append(expected, sizeof(expected), "]\n");
    assert_string_equal(written(), expected);
}

static void invalid_utf8_is_replaced(void **state)
{
    /* How many bytes of each are not valid. An 'x' after them is kept. */
    static const struct {
        const char *value;
        size_t replaced;
    } cases[] = {
        {"\x80x", 1},
        {"\xffx", 1},
        {"\xc0\x80x", 2},
        {"\xc1\xbfx", 2},
        {"\xc2x", 1},
        {"\xe0\x9f\xbfx", 3},
        {"\xed\xa0\x80x", 3},
        {"\xe2\x82x", 2},
        {"\xf0\x8f\xbf\xbfx", 4},
        {"\xf4\x90\x80\x80x", 4},
        {"\xf5\x80\x80\x80x", 4},
        {"\xf0\x9f\x98x", 3},
    };
    char expected[512] = "[";

    (void)state;
    json_array(&json, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_string(&json, NULL, cases[i].value);
        append(expected, sizeof(expected), i > 0 ? ",\"" : "\"");
        for (size_t j = 0; j < cases[i].replaced; j++) {
            append(expected, sizeof(expected), "\xef\xbf\xbd");
        }
        append(expected, sizeof(expected), "x\"");
    }
    json_string(&json, NULL, "\xe2\x82"); /* cut short by the end */
    json_end_array(&json);
    append(expected, sizeof(expected), ",\"\xef\xbf\xbd\xef\xbf\xbd\"]\n");
    assert_string_equal(written(), expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(empty_containers, begin, end),
        cmocka_unit_test_setup_teardown(one_object_per_line, begin, end),
        cmocka_unit_test_setup_teardown(nesting, begin, end),
        cmocka_unit_test_setup_teardown(deepest_nesting, begin, end),
        cmocka_unit_test_setup_teardown(integers, begin, end),
        cmocka_unit_test_setup_teardown(doubles, begin, end),
        cmocka_unit_test_setup_teardown(doubles_read_back_the_same, begin, end),
        cmocka_unit_test_setup_teardown(decimal_point_is_not_the_locale_s, begin, end),
        cmocka_unit_test_setup_teardown(escapes, begin, end),
        cmocka_unit_test_setup_teardown(every_control_character_is_escaped, begin, end),
        cmocka_unit_test_setup_teardown(valid_utf8_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(invalid_utf8_is_replaced, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
