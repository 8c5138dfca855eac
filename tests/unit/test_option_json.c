/* The options as JSON: one of each type, and the options of both programs. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client_options.h"
#include "json.h"
#include "option.h"
#include "server_options.h"
#include "util.h"

struct options {
    bool flag, on, help;
    uint64_t count, bytes, none, duration, integer;
    const char *port, *string, *missing;
    struct option_strings strings, no_strings;
    struct option_cpus cpus;
    bool unreported;
};

#define FIELD(name) offsetof(struct options, name)

static const struct option_row rows[] = {
    {.word = true, .type = OPTION_STRING, .offset = FIELD(string)},
    {.name = "flag", .type = OPTION_FLAG, .offset = FIELD(flag)},
    {.name = "on", .type = OPTION_SWITCH, .default_text = "on", .offset = FIELD(on)},
    {.name = "the-count", .type = OPTION_COUNT, .max = 9, .offset = FIELD(count)},
    {.letter = 'k', .type = OPTION_COUNT, .max = 9, .offset = FIELD(count)},
    {.name = "bytes", .type = OPTION_BYTES, .max = UINT64_MAX, .offset = FIELD(bytes)},
    {.name = "no-bytes", .type = OPTION_BYTES, .none = "not any", .offset = FIELD(none)},
    {.name = "how-long", .type = OPTION_DURATION, .max = UINT64_MAX, .offset = FIELD(duration)},
    {.name = "integer", .type = OPTION_INTEGER, .max = UINT64_MAX, .offset = FIELD(integer)},
    {.name = "port", .type = OPTION_STRING, .check = option_is_port, .offset = FIELD(port)},
    {.name = "string", .type = OPTION_STRING, .offset = FIELD(string)},
    {.name = "missing", .type = OPTION_STRING, .offset = FIELD(missing)},
    {.name = "strings", .type = OPTION_STRINGS, .offset = FIELD(strings)},
    {.name = "no-strings", .type = OPTION_STRINGS, .offset = FIELD(no_strings)},
    {.name = "cpus", .type = OPTION_CPUS, .offset = FIELD(cpus)},
    {.name = "secret", .type = OPTION_FLAG, .unreported = true, .offset = FIELD(unreported)},
    {.name = "help", .type = OPTION_FLAG, .stops = true, .offset = FIELD(help)},
};

static const struct option_program program = {.name = "made-up",
                                              .rows = rows,
                                              .row_count = LENGTH(rows),
                                              .options_size = sizeof(struct options)};

/* The object of the options, without its braces; the caller frees it. */
static void to_json(const struct option_program *table, const void *options, struct text *text)
{
    struct json json;
    json_begin(&json, text);
    json_object(&json, NULL);
    option_json(table, options, &json);
    json_end_object(&json);
    assert_false(text->failed);
}

static void each_type_has_its_form(void **state)
{
    struct options options;
    struct option_error error;
    struct text text = {0};
    char words[][36] = {"made-up",
                        "--flag",
                        "--the-count=3",
                        "--bytes=2KiB",
                        "--no-bytes=none",
                        "--how-long=1.5",
                        "--integer=18446744073709551615",
                        "--port=echo",
                        "--string=\"x\"",
                        "--strings=a",
                        "--strings=-",
                        "--cpus=7,0-1",
                        "--secret"};
    char *argv[LENGTH(words) + 1] = {NULL};
    (void)state;
    for (size_t i = 0; i < LENGTH(words); i++) {
        argv[i] = words[i];
    }
    assert_int_equal(option_parse(&program, &options, LENGTH(words), argv, false, &error), 0);
    to_json(&program, &options, &text);
    assert_string_equal(
        text.data,
        "{\"flag\":true,\"on\":true,\"the_count\":3,\"bytes\":2048,"
        "\"no_bytes\":\"none\",\"how_long_seconds\":1.5,\"integer\":18446744073709551615,"
        "\"port\":\"echo\",\"string\":\"\\\"x\\\"\",\"missing\":null,"
        "\"strings\":[\"a\",\"-\"],\"no_strings\":[],\"cpus\":[7,0,1]}\n");
    text_free(&text);
}

static void programs_report_what_was_chosen(void **state)
{
    struct client_options client;
    struct server_options server;
    struct option_error error;
    struct text text = {0};
    char name[] = "echo";
    char *argv[] = {name, NULL};
    (void)state;
    assert_int_equal(client_options_parse(&client, 1, argv, &error), 0);
    to_json(&client_program, &client, &text);
    assert_non_null(strstr(text.data, "\"host\":\"localhost\",\"port\":\"5001\","));
    assert_non_null(strstr(text.data, "\"give_up_seconds\":30,"));
    text_free(&text);
    assert_int_equal(server_options_parse(&server, 1, argv, &error), 0);
    to_json(&server_program, &server, &text);
    assert_non_null(strstr(text.data, "\"listen\":[],\"port\":\"5001\","));
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_form),
        cmocka_unit_test(programs_report_what_was_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
