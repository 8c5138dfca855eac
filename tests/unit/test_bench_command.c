#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <uv.h>

#include "command.h"
#include "util.h"

static void a_command_has_words(void **state)
{
    static const struct {
        const char *text;
        const char *words[5]; /* ended by NULL */
    } rows[] = {
        {"echo-client", {"echo-client"}},
        {"ssh h2 /opt/echoport/bin/echo-client", {"ssh", "h2", "/opt/echoport/bin/echo-client"}},
        {" \t ssh\n h2  ", {"ssh", "h2"}},
        {"'C:\\Program Files\\echoport\\echo-client.exe' -4",
         {"C:\\Program Files\\echoport\\echo-client.exe", "-4"}},
        {"env A=\"b c\"d ''", {"env", "A=b cd", ""}},
        {"a \"it's\" '\"'", {"a", "it's", "\""}},
        {"a $HOME * | ; \\'b c'", {"a", "$HOME", "*", "|", ";"}},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct command command;
        assert_int_equal(command_split(rows[i].text, &command), 0);
        for (size_t k = 0; k < LENGTH(rows[i].words) && rows[i].words[k] != NULL; k++) {
            assert_string_equal(command_word(&command, k), rows[i].words[k]);
        }
        assert_true(command.count >= 5 || rows[i].words[command.count] == NULL);
    }
}

static void a_backslash_is_a_character(void **state)
{
    struct command command;
    (void)state;
    assert_int_equal(command_split("\\'b c' d\\", &command), 0);
    assert_int_equal(command.count, 2);
    assert_string_equal(command_word(&command, 0), "\\b c");
    assert_string_equal(command_word(&command, 1), "d\\");
}

static void what_is_no_command_is_refused(void **state)
{
    static const char *const texts[] = {"", " \t", "'", "ssh 'h2", "ssh h2\"", "\"\" h2"};
    struct command command;
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        assert_int_equal(command_split(texts[i], &command), UV_EINVAL);
        assert_false(command_is_good(texts[i]));
    }
}

static void what_is_too_long_is_refused(void **state)
{
    char text[COMMAND_SIZE + 1];
    struct command command;
    (void)state;
    memset(text, 'a', sizeof(text));
    text[COMMAND_SIZE - 1] = '\0';
    assert_int_equal(command_split(text, &command), 0);
    assert_int_equal(strlen(command_word(&command, 0)), COMMAND_SIZE - 1);
    text[COMMAND_SIZE - 1] = 'a';
    text[COMMAND_SIZE] = '\0';
    assert_int_equal(command_split(text, &command), UV_E2BIG);
    for (size_t i = 0; i < COMMAND_WORDS_MAX; i++) {
        memcpy(text + 2 * i, "b ", 3);
    }
    assert_int_equal(command_split(text, &command), 0);
    assert_int_equal(command.count, COMMAND_WORDS_MAX);
    memcpy(text + strlen(text), "b", 2);
    assert_int_equal(command_split(text, &command), UV_E2BIG);
}

/* The words that any shell passes on as they are. */
static void plain_words_are_known(void **state)
{
    static const char *const plain[] = {"--backend=io_uring", "--host=10.77.0.1", "--host=fd00::1",
                                        "--duration=1500000000ns"};
    static const char special[] = " \t\n'\"\\$`*?[]{}()<>|&;!#~%^,@";
    (void)state;
    for (size_t i = 0; i < LENGTH(plain); i++) {
        assert_true(command_is_plain(plain[i]));
    }
    for (size_t i = 0; i < sizeof(special); i++) {
        const char word[] = {'a', special[i] != '\0' ? special[i] : '\x80', 'b', '\0'};
        assert_false(command_is_plain(word));
    }
    assert_false(command_is_plain(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_has_words),
        cmocka_unit_test(a_backslash_is_a_character),
        cmocka_unit_test(what_is_no_command_is_refused),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(plain_words_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
