/* Files with JSON that are broken or hostile: each value is read with its checks, and the first
 * error says where it is. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "json_file.h"
#include "util.h"

static struct json_file file;

static int tear_down(void **state)
{
    json_file_close(&file);
    return folder_tear_down(state);
}

/* Opens a file with this text, and takes its first value. */
static bool begin(const char *text)
{
    folder_add("a.json", text);
    return json_file_open(&file, folder_path("a.json")) && json_file_next(&file);
}

static void has_error(const char *error)
{
    if (strstr(file.error, error) == NULL) {
        fail_msg("'%s' is not in '%s'", error, file.error);
    }
}

static void values_are_read(void **state)
{
    (void)state;
    assert_true(begin("{\"n\": 7, \"x\": 2.5, \"t\": \"text\", \"b\": true, \"z\": null,"
                      "\"a\": [1, [2, 3]], \"o\": {\"m\": 9223372036854775807}}\n"));
    assert_int_equal(part_member_count(&file.root, "n", 7), 7);
    assert_true(part_member_number(&file.root, "n", 0, 10) == 7.0);
    assert_true(part_member_number(&file.root, "x", 0, 10) == 2.5);
    assert_string_equal(part_member_text(&file.root, "t"), "text");
    struct part yes = part_member(&file.root, "b");
    assert_true(part_bool(&yes));
    assert_int_equal(part_member_count_if(&file.root, "z", 1), 0);
    assert_true(isnan(part_member_number_if(&file.root, "z", 0, 1)));
    assert_null(part_member_text_if(&file.root, "z"));
    struct part list = part_member(&file.root, "a");
    assert_int_equal(part_items(&list, 2), 2);
    struct part inner = part_item(&list, 1);
    struct part three = part_item(&inner, 1);
    assert_int_equal(part_count(&three, 3), 3);
    struct part object = part_member(&file.root, "o");
    assert_int_equal(part_member_count(&object, "m", INT64_MAX), INT64_MAX);
    assert_true(part_has(&file.root, "n"));
    assert_false(part_has(&file.root, "none"));
    assert_string_equal(file.error, "");
    assert_true(json_file_is_over(&file));
    assert_false(json_file_next(&file));
    assert_string_equal(file.error, "");
}

static void lines_follow_each_other(void **state)
{
    (void)state;
    assert_true(begin("{\"n\": 1}\r\n\n{\"n\": 2}\n{\"n\": \n"));
    assert_false(json_file_is_over(&file));
    assert_true(json_file_next(&file));
    assert_int_equal(part_member_count(&file.root, "n", 9), 2);
    assert_false(json_file_next(&file));
    has_error("line 5, column 0 is no valid JSON: ");
}

/* Each takes all members and gets an error for the first. */
static void take(void)
{
    struct part list = part_member(&file.root, "list");
    (void)part_items(&list, 2);
    struct part pair = part_item(&list, 1);
    struct part second = part_item(&pair, 1);
    (void)part_count(&second, 100);
    struct part object = part_member(&file.root, "object");
    (void)part_member_number(&object, "number", -1, 1);
    struct part flag = part_member(&file.root, "flag");
    (void)part_bool(&flag);
    assert_non_null(part_member_text(&file.root, "text"));
}

static void the_first_error_says_where(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } wrong[] = {
        {"{}", "member `list`: it is missing"},
        {"{\"list\": 1}", "member `list`: it is not an array"},
        {"{\"list\": [1, 2, 3]}", "member `list`: it has 3 items, more than the 2"},
        {"{\"list\": [1, [1, -1]]}", "member `list[1][1]`: -1 is out of range; it takes 0 to 100"},
        {"{\"list\": [1, [1, 101]]}", "member `list[1][1]`: 101 is out of range"},
        {"{\"list\": [1, [1, 2.0]]}", "member `list[1][1]`: it is not an integer"},
        {"{\"list\": [1, [1, \"2\"]]}", "member `list[1][1]`: it is not an integer"},
        {"{\"list\": [], \"object\": []}", "member `object`: it is not an object"},
        {"{\"list\": [], \"object\": {}}", "member `object.number`: it is missing"},
        {"{\"list\": [], \"object\": {\"number\": 1.5}}",
         "member `object.number`: 1.5 is out of range; it takes -1 to 1"},
        {"{\"list\": [], \"object\": {\"number\": true}}",
         "member `object.number`: it is not a number"},
        {"{\"list\": [], \"object\": {\"number\": 1}, \"flag\": 1}",
         "member `flag`: it is not true or false"},
        {"{\"list\": [], \"object\": {\"number\": 1}, \"flag\": false, \"text\": 1}",
         "member `text`: it is not a text"},
        {"{\"list\": [], \"object\": {\"number\": 1}, \"flag\": false, \"text\": \"\\u001b[2J\"}",
         "member `text`: it has a control character"},
        {"{\"list\": [], \"object\": {\"number\": 1}, \"flag\": false, \"text\": \"\\u009b2J\"}",
         "member `text`: it has a control character"},
        {"[]", "it is not an object"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        (void)begin(wrong[i].text);
        take();
        has_error(wrong[i].error);
        json_file_close(&file);
    }
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const wrong[] = {
        "{",
        "{\"a\": 1, \"a\": 1}",         /* a member twice */
        "{\"a\": 9223372036854775808}", /* more than an integer holds */
        "{\"a\": 1e999}",               /* more than a number holds */
        "{\"a\": \"\\u0000\"}",         /* a text that would end there */
        "{\"a\": \"\xff\"}",            /* no UTF-8 */
        "{\"a\": NaN}",
        "echo-client: no such host",
        "\x1f\x8b\x08",
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        assert_false(begin(wrong[i]));
        has_error("line 1, column ");
        json_file_close(&file);
    }
}

static void a_deep_value_is_refused(void **state)
{
    static char deep[100001];
    (void)state;
    memset(deep, '[', sizeof(deep) - 1);
    assert_false(begin(deep));
    has_error("no valid JSON: ");
}

static void an_empty_file_has_no_value(void **state)
{
    (void)state;
    assert_false(begin(" \n"));
    assert_string_equal(file.error, "");
    assert_true(json_file_is_over(&file));
}

static void what_can_not_be_read_is_said(void **state)
{
    (void)state;
    assert_false(json_file_open(&file, folder_path("none.json")));
    has_error("cannot open it: ");
    assert_null(strstr(file.error, "shell"));
    json_file_close(&file);
    assert_false(json_file_open(&file, folder_path("r.*.json"))); /* by cmd.exe */
    has_error("this shell does not expand * and ?: name each file");
    json_file_close(&file);
    assert_false(json_file_open(&file, folder_path("")) && json_file_next(&file)); /* a folder */
    has_error("cannot ");
}

static void a_very_long_file_is_refused(void **state)
{
    const char *path = folder_path("long.json");
    FILE *out = fopen(path, "wb");
    (void)state;
    assert_non_null(out);
    assert_int_equal(fseek(out, (long)JSON_FILE_BYTES_MAX, SEEK_SET), 0);
    assert_int_equal(fputc('}', out), '}');
    assert_int_equal(fclose(out), 0);
    assert_false(json_file_open(&file, path));
    has_error("it is longer than 64 MiB");
}

static void the_same_values_are_shown_the_same(void **state)
{
    struct text text = {0};
    (void)state;
    assert_true(begin("{\"b\": [ 0.1, 1e2,\"\\u00e9\\n\" ], \"a\": null}"));
    part_show(&file.root, &text);
    assert_string_equal(text.data, "{\"a\":null,\"b\":[0.10000000000000001,100.0,\"\\u00E9\\n\"]}");
    text_free(&text);
}

static void a_member_can_be_forgotten(void **state)
{
    (void)state;
    assert_true(begin("{\"a\": [1], \"b\": \"stays\"}"));
    const char *stays = part_member_text(&file.root, "b");
    part_forget(&file.root, "a");
    assert_false(part_has(&file.root, "a"));
    assert_string_equal(stays, "stays");
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(values_are_read),
        FILE_TEST(lines_follow_each_other),
        FILE_TEST(the_first_error_says_where),
        FILE_TEST(what_is_no_json_is_refused),
        FILE_TEST(a_deep_value_is_refused),
        FILE_TEST(an_empty_file_has_no_value),
        FILE_TEST(what_can_not_be_read_is_said),
        FILE_TEST(a_very_long_file_is_refused),
        FILE_TEST(the_same_values_are_shown_the_same),
        FILE_TEST(a_member_can_be_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
