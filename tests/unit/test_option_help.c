/*
 * The texts that are made from a table of options: --help, and the message on a value that is not
 * accepted. The table has one option of each type.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "option.h"
#include "units.h"

struct options {
    bool flag;
    bool on;
    uint64_t count, kib, bytes, duration, integer;
    const char *string, *output, *word;
    struct option_strings strings;
    struct option_cpus cpus;
};

#define FIELD(name) offsetof(struct options, name)

static bool is_short(const char *text)
{
    return strlen(text) < 3;
}

static const struct option_row rows[] = {
    {.type = OPTION_STRING,
     .word = true,
     .argument = "WORD",
     .group = "First",
     .help = "the word",
     .offset = FIELD(word)},
    {.letter = 'c',
     .name = "count",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = "First",
     .help = "how many",
     .default_text = "2k",
     .min = 1,
     .max = 10000,
     .offset = FIELD(count)},
    {.letter = 'k',
     .other_letter = 'K',
     .name = "kib",
     .old_name = "kilo",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = "First",
     .help = "a size as in 1998",
     .default_text = "4",
     .min = 1,
     .max = 64,
     .scale = UNITS_KIB,
     .offset = FIELD(kib)},
    {.name = "bytes",
     .type = OPTION_BYTES,
     .argument = "SIZE",
     .group = "First",
     .help = "a size whose explanation is so long that it takes more than one line of a terminal, "
             "as is seen here",
     .zero = "none",
     .min = UNITS_KIB,
     .max = UNITS_MIB,
     .offset = FIELD(bytes)},
    {.name = "a-name-that-fills-the-column",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = "Second",
     .help = "how long",
     .default_text = "1500ms",
     .default_note = "as long as it takes",
     .min = NS_PER_MS,
     .max = 60 * NS_PER_S,
     .offset = FIELD(duration)},
    {.letter = 'i',
     .type = OPTION_INTEGER,
     .argument = "I",
     .group = "Second",
     .help = "a letter alone",
     .min = 2,
     .max = 4,
     .offset = FIELD(integer)},
    {.name = "switch",
     .type = OPTION_SWITCH,
     .argument = "on|off",
     .group = "Third",
     .help = "whether",
     .default_text = "off",
     .offset = FIELD(on)},
    {.name = "flag", .type = OPTION_FLAG, .group = "Third", .help = "that", .offset = FIELD(flag)},
    {.name = "string",
     .type = OPTION_STRING,
     .argument = "TEXT",
     .group = "Third",
     .help = "what",
     .check = is_short,
     .takes = "up to two characters",
     .offset = FIELD(string)},
    {.name = "strings",
     .type = OPTION_STRINGS,
     .argument = "TEXT",
     .group = "Third",
     .help = "what else",
     .check = is_short,
     .takes = "up to two characters",
     .offset = FIELD(strings)},
    {.name = "output",
     .type = OPTION_STRING,
     .argument = "FILE",
     .implied = "-",
     .group = "Third",
     .help = "where to",
     .offset = FIELD(output)},
    {.name = "cpus",
     .type = OPTION_CPUS,
     .argument = "LIST",
     .group = "Third",
     .help = "where else",
     .offset = FIELD(cpus)},
};

static const struct option_example examples[] = {
    {"made-up", "what is done without an option"},
    {"made-up -c 3", "what is done three times"},
};

static const struct option_program program = {.name = "made-up",
                                              .summary = "Does nothing.",
                                              .failure = "nothing was done",
                                              .not_enough = "something was done, but not all that "
                                                            "could have been done",
                                              .examples = examples,
                                              .example_count = LENGTH(examples),
                                              .rows = rows,
                                              .row_count = LENGTH(rows),
                                              .options_size = sizeof(struct options)};

/* Up to "Values:", which all programs have. */
static const char help[] =
    "Usage: made-up [OPTION]... [WORD]\n"
    "Does nothing.\n"
    "\n"
    "First:\n"
    "  WORD                        the word\n"
    "  -c, --count N               how many [1 to 10000; default 2k]\n"
    "  -k, -K, --kib N             a size as in 1998 [1 to 64; default 4]\n"
    "      --bytes SIZE            a size whose explanation is so long that it takes\n"
    "                              more than one line of a terminal, as is seen here\n"
    "                              [0 (none) or 1KiB to 1MiB]\n"
    "\n"
    "Second:\n"
    "      --a-name-that-fills-the-column TIME\n"
    "                              how long [1ms to 1m; default as long as it takes]\n"
    "  -i I                        a letter alone [2 to 4]\n"
    "\n"
    "Third:\n"
    "      --switch on|off         whether [on or off; default off]\n"
    "      --flag                  that\n"
    "      --string TEXT           what\n"
    "      --strings TEXT          what else\n"
    "      --output[=FILE]         where to\n"
    "      --cpus LIST             where else\n";

static const char end[] = "\nExamples:\n"
                          "  made-up\n"
                          "      what is done without an option\n"
                          "  made-up -c 3\n"
                          "      what is done three times\n"
                          "\n"
                          "Exit codes:\n"
                          "  0  success\n"
                          "  1  failure: nothing was done\n"
                          "  2  wrong usage\n"
                          "  3  something was done, but not all that could have been done\n";

static void help_is_made_of_the_table(void **state)
{
    static char text[20000];
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    option_help(&program, file);
    rewind(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    (void)fclose(file);
    char *notes = strstr(text, "\nValues:\n");
    assert_non_null(notes);
    assert_string_equal(text + length - strlen(end), end);
    *notes = '\0';
    assert_string_equal(text, help);
}

/* Expects this message for "made-up OPTION VALUE". */
static void check_message(const char *option, const char *value, const char *expected)
{
    struct options options;
    struct option_error error;
    char words[3][64] = {"made-up"};
    char *argv[] = {words[0], words[1], words[2], NULL};
    (void)snprintf(words[1], sizeof(words[1]), "%s", option);
    (void)snprintf(words[2], sizeof(words[2]), "%s", value);
    assert_true(option_parse(&program, &options, 3, argv, false, &error) < 0);
    assert_string_equal(error.text, expected);
}

static void a_bad_value_is_explained_by_its_type(void **state)
{
    static const char *const messages[][3] = {
        {"-c", "x", "made-up: -c: 'x' is not a number; it takes 1 to 10000"},
        {"--kib", "x", "made-up: --kib: 'x' is not a number; it takes 1 to 64"},
        {"--kilo", "65", "made-up: --kilo: '65' is out of range; it takes 1 to 64"},
        {"--bytes", "x",
         "made-up: --bytes: 'x' is not a size such as 64KiB; it takes 0 (none) or 1KiB to 1MiB"},
        {"--a-name-that-fills-the-column", "x",
         "made-up: --a-name-that-fills-the-column: 'x' is not a duration such as 500ms; it takes "
         "1ms to 1m"},
        {"-i", "x", "made-up: -i: 'x' is not a number; it takes 2 to 4"},
        {"--switch", "x", "made-up: --switch: 'x' is not accepted; it takes on or off"},
        {"--string", "xxx",
         "made-up: --string: 'xxx' is not accepted; it takes up to two characters"},
        {"--strings", "xxx",
         "made-up: --strings: 'xxx' is not accepted; it takes up to two characters"},
        {"--cpus", "x",
         "made-up: --cpus: 'x' is not a list of different CPUs such as 0,2-3; it takes CPUs of 0 "
         "to "
         "1023"},
        {"--cpus", "1,0-1",
         "made-up: --cpus: '1,0-1' is not a list of different CPUs such as 0,2-3; it takes CPUs of "
         "0 "
         "to 1023"},
        {"--cpus", "1024", "made-up: --cpus: '1024' is out of range; it takes CPUs of 0 to 1023"},
        {"-c", "0", "made-up: -c: '0' is out of range; it takes 1 to 10000"},
        {"-c", "10001", "made-up: -c: '10001' is out of range; it takes 1 to 10000"},
        {"--bytes", "1023",
         "made-up: --bytes: '1023' is out of range; it takes 0 (none) or 1KiB to 1MiB"},
        {"-i", "5", "made-up: -i: '5' is out of range; it takes 2 to 4"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(messages); i++) {
        check_message(messages[i][0], messages[i][1], messages[i][2]);
    }
}

static void the_ends_of_a_range_are_in_it(void **state)
{
    static const char *const lines[][2] = {
        {"-c", "1"},         {"-c", "10000"},     {"--kib", "64"}, {"--bytes", "0"},
        {"--bytes", "1024"}, {"--bytes", "1MiB"}, {"-i", "2"},     {"-i", "4"}};
    (void)state;
    for (size_t i = 0; i < LENGTH(lines); i++) {
        struct options options;
        struct option_error error;
        char words[3][64] = {"made-up"};
        char *argv[] = {words[0], words[1], words[2], NULL};
        (void)snprintf(words[1], sizeof(words[1]), "%s", lines[i][0]);
        (void)snprintf(words[2], sizeof(words[2]), "%s", lines[i][1]);
        assert_int_equal(option_parse(&program, &options, 3, argv, false, &error), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_is_made_of_the_table),
        cmocka_unit_test(a_bad_value_is_explained_by_its_type),
        cmocka_unit_test(the_ends_of_a_range_are_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
