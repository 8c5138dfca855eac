/*
 * Bad command lines, generated from lists: every option that takes a value, in every form, with
 * every value that its type must refuse; and mistakes in the options themselves. Each must be a
 * usage error. Its line names the option as typed, the value, and what is accepted.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "client_options.h"
#include "server_options.h"
#include "util.h"

#define LINES_MIN 1000

static unsigned lines; /* tried, by all tests */

union options {
    struct server_options server;
    struct client_options client;
};

/* Parses `first` and, if not NULL, `second`; expects a usage error. */
static const char *message_of(bool server, const char *first, const char *second)
{
    static struct option_error error;
    union options options;
    char name[] = "echo";
    char words[2][512];
    char *argv[] = {name, words[0], words[1], NULL};
    int argc = second != NULL ? 3 : 2;
    int result;

    snprintf(words[0], sizeof words[0], "%s", first);
    snprintf(words[1], sizeof words[1], "%s", second != NULL ? second : "");
    if (server) {
        result = server_options_parse(&options.server, argc, argv, &error);
    } else {
        result = client_options_parse(&options.client, argc, argv, &error);
    }
    lines++;
    if (result != UV_EINVAL) {
        fail_msg("'%s' '%s': %d", first, second != NULL ? second : "", result);
    }
    for (const char *at = error.text; *at != '\0'; at++) {
        assert_true(*at >= 0x20 && *at < 0x7f);
    }
    return error.text;
}

/* The message must begin with the program and the option, and contain the other texts. */
static void check_message(bool server, const char *first, const char *second, const char *typed,
                          const char *value, const char *range)
{
    const char *text = message_of(server, first, second);
    char start[512];

    snprintf(start, sizeof start, "%s: %s: ", server ? "echo-server" : "echo-client", typed);
    if (strncmp(text, start, strlen(start)) != 0 || strstr(text, value) == NULL ||
        strstr(text, range) == NULL) {
        fail_msg("'%s' '%s': %s", first, second != NULL ? second : "", text);
    }
}

struct bad_value {
    const char *value;
    const char *shown;
};

#define SAME(text)                                                                                 \
    {                                                                                              \
        text, "'" text "'"                                                                         \
    }

static const struct bad_value bad_numbers[] = {
    SAME("0x"),
    SAME("-1"),
    SAME("+1"),
    SAME(" 1"),
    SAME("1 "),
    SAME("1e3"),
    SAME("1.2.3"),
    SAME("1,000"),
    SAME("nan"),
    SAME("99999999999999999999999999"),
    SAME("seven"),
    SAME("99999999999999999999999999x"),
    SAME("1kk"),
    SAME("1."),
    SAME(".5"),
    SAME("0x1g"),
    {"\x1b[2J", "'\\x1b[2J'"},
    {"1\n", "'1\\x0a'"},
    {"\xc2\x9b"
     "1",
     "'\\xc2\\x9b1'"},
    {"\\", "'\\x5c'"},
};

static const struct bad_value bad_ports[] = {
    SAME("-1"),
    SAME("+1"),
    SAME("65536"),
    SAME("99999999999999999999999999"),
    SAME("0x10"),
    SAME("6001x"),
    SAME("60 01"),
    SAME("ec ho"),
    SAME("ec/ho"),
    SAME("127.0.0.1:1"),
    {"e\x1b]0;x\x07", "'e\\x1b]0;x\\x07'"},
};

static const struct bad_value bad_sources[] = {
    SAME("-1"),          SAME("127.0.0.1,"), SAME("localhost"),    SAME("127.0.0.1:80"),
    SAME("10.0.0.1/24"), SAME("10.0.0.0/8"), SAME("127.0.0.1/33"),
};

static const struct bad_value bad_switches[] = {
    SAME("On"),  SAME("OFF"), SAME("1"),
    SAME("0"),   SAME("yes"), SAME("true"),
    SAME("onn"), SAME("on "), {"o\rn", "'o\\x0dn'"},
};

static const struct bad_value bad_cpus[] = {
    SAME(","),           SAME("0,"),    SAME("0,,1"), SAME("0-"),     SAME("3-2"),
    SAME("0,0"),         SAME("0-3,2"), SAME("1024"), SAME("0-1024"), SAME("99999999999999999999"),
    SAME("0x1"),         SAME("all"),   SAME("0 1"),  SAME("0-1-2"),  SAME("0;1"),
    {"0\t", "'0\\x09'"},
};

static const struct bad_value bad_addresses[] = {
    SAME(":"),          SAME("*"),
    SAME("localhost"),  SAME("6001"),
    SAME("localhost:"), SAME("::1:6001"),
    SAME("[::1]"),      SAME("[::1]6001"),
    SAME("[x]:1"),      SAME("a:65536"),
    SAME("a:-1"),       SAME("a b:1"),
    SAME("a/b:1"),      {"a\x1b:1", "'a\\x1b:1'"},
};

static const struct bad_value bad_hosts[] = {
    SAME("[::1"),
    SAME("[localhost]"),
    SAME("[::1]6001"),
    SAME("[::1]:0"),
    SAME("localhost:"),
    SAME("localhost:0"),
    SAME("127.0.0.1:65536"),
    SAME("127.0.0.1:6001:1"),
    SAME(":"),
    SAME("a b:1"),
    SAME("a b"),
    SAME("a/b"),
    SAME("user@host"),
    SAME("*"),
    {"a\x1b[31m", "'a\\x1b[31m'"},
    {"a\n", "'a\\x0a'"},
};

static const struct bad_value bad_words[] = {
    SAME("a b"), SAME("a/b"), SAME("a+b"), SAME("a,b"), {"a\x1b[1m", "'a\\x1b[1m'"},
};

static const struct bad_value below_1[] = {SAME("0"), SAME("0.5"), SAME("1s"), SAME("10m")};
static const struct bad_value not_counts[] = {SAME("1.5"), SAME("1s"), SAME("10B"), SAME("1KiB")};
static const struct bad_value not_sizes[] = {SAME("1.5"), SAME("1s"), SAME("1kib"), SAME("1b"),
                                             SAME("64MiBB")};
static const struct bad_value not_durations[] = {
    SAME("1k"), SAME("1sec"), SAME("1S"), SAME("1KiB"), SAME("31d"), SAME("1h30m"), SAME("0.1us")};
static const struct bad_value not_seeds[] = {SAME("1.5"),
                                             SAME("10k"),
                                             SAME("ff"),
                                             SAME("0x10000000000000000"),
                                             SAME("9223372036854775808"),
                                             SAME("18446744073709551616")};

/* Out of the range of single options. */
static const struct bad_value over_thread[] = {SAME("1025"), SAME("2k"), SAME("1Ki1")};
static const struct bad_value over_backlog[] = {SAME("0"), SAME("65536"), SAME("64Ki")};
static const struct bad_value over_depth[] = {SAME("0"), SAME("1025"), SAME("2k")};
static const struct bad_value over_connections[] = {SAME("0"), SAME("10000001"), SAME("11M")};
static const struct bad_value over_client[] = {SAME("0"), SAME("100000001"), SAME("100Mi")};
static const struct bad_value over_connects[] = {SAME("1000001"), SAME("1Mi")};
static const struct bad_value over_buffer[] = {SAME("0"), SAME("1023"), SAME("1k"), SAME("65MiB")};
static const struct bad_value over_memory[] = {SAME("0"), SAME("1MB"), SAME("1025GiB"),
                                               SAME("2TiB")};
static const struct bad_value over_socket[] = {SAME("1073741825"), SAME("2GiB")};
static const struct bad_value over_size[] = {SAME("0"), SAME("1025GiB")};
static const struct bad_value over_kib[] = {SAME("0"), SAME("1073741825"), SAME("4KiB")};
static const struct bad_value over_pipeline[] = {SAME("0"), SAME("65537")};
static const struct bad_value over_rate[] = {SAME("1000000001"), SAME("2G"), SAME("0.0009"),
                                             SAME("1s"), SAME("10B")};
static const struct bad_value over_messages[] = {SAME("1001T"), SAME("1000000000000001")};
static const struct bad_value under_interval[] = {SAME("9ms"), SAME("1ns")};
static const struct bad_value under_time[] = {SAME("999us"), SAME("1ns")};
static const struct bad_value client_port[] = {SAME("0")};
static const struct bad_value bad_signals[] = {SAME("Stop"), SAME("kill"),  SAME("SIGTERM"),
                                               SAME("9"),    SAME("stop "), {"\x1b", "'\\x1b'"}};
static const struct bad_value not_for_clients[] = {SAME("restart")};
static const struct bad_value bad_pids[] = {SAME("0"), SAME("-1"), SAME("2147483648"), SAME("1k"),
                                            SAME("self")};

struct list {
    const struct bad_value *values;
    size_t count;
};

#define LIST(values)                                                                               \
    {                                                                                              \
        values, LENGTH(values)                                                                     \
    }

struct subject {
    bool server;
    char letter;
    const char *name;
    const char *range;
    struct list lists[3];
};

#define COUNTS LIST(bad_numbers), LIST(not_counts)
#define SIZES LIST(bad_numbers), LIST(not_sizes)
#define TIMES LIST(bad_numbers), LIST(not_durations)

#define SOCKET "0 (the system's choice) or 1 to 1GiB"
#define SNDBUF "0 (the system's choice), none (Windows only) or 1 to 1GiB"
#define NEVER "0 (never) or 1ms to 30d"

static const struct subject subjects[] = {
    {true, 'l', "listen", "HOST:PORT", {LIST(bad_addresses)}},
    {true, 'e', "port", "it takes 0 to 65535 or a service name", {LIST(bad_ports)}},
    {true, '\0', "backlog", "it takes 1 to 65535", {COUNTS, LIST(over_backlog)}},
    {true, '\0', "max-connections", "it takes 1 to 10M", {COUNTS, LIST(over_connections)}},
    {true, '\0', "accept", "the name of a mode", {LIST(bad_words)}},
    {true, '\0', "accept-depth", "it takes 1 to 1024", {COUNTS, LIST(over_depth)}},
    {true, '\0', "accept-timeout", NEVER, {TIMES, LIST(under_time)}},
    {true, '\0', "recv", "the name of a mode", {LIST(bad_words)}},
    {true, '\0', "backend", "the name of a backend", {LIST(bad_words)}},
    {true, 't', "threads", "it takes 0 (one per CPU) or 1 to 1024", {COUNTS, LIST(over_thread)}},
    {true, '\0', "cpus", "it takes CPUs of 0 to 1023", {LIST(bad_cpus)}},
    {true, '\0', "buffer-size", "it takes 1KiB to 64MiB", {SIZES, LIST(over_buffer)}},
    {true, '\0', "buffer-memory", "it takes 1MiB to ", {SIZES, LIST(over_memory)}},
    {true, '\0', "nodelay", "it takes on or off", {LIST(bad_switches)}},
    {true, '\0', "sndbuf", SNDBUF, {SIZES, LIST(over_socket)}},
    {true, '\0', "rcvbuf", SOCKET, {SIZES, LIST(over_socket)}},
    {true, '\0', "idle-timeout", NEVER, {TIMES, LIST(under_time)}},
    {true, '\0', "stall-timeout", NEVER, {TIMES, LIST(under_time)}},
    {true, '\0', "drain-timeout", "0 (at once) or 1ms to 30d", {TIMES, LIST(under_time)}},
    {true, '\0', "stats-interval", "0 (never) or 10ms to 30d", {TIMES, LIST(under_interval)}},
    {false, '\0', "recv", "the name of a mode", {LIST(bad_words)}},
    {false, '\0', "backend", "the name of a backend", {LIST(bad_words)}},
    {true, '\0', "signal", "it takes stop, restart or report", {LIST(bad_signals)}},
    {true, '\0', "pid", "it takes 1 to 2147483647", {LIST(bad_numbers), LIST(bad_pids)}},
    {false, 'n', "host", "HOST or HOST:PORT", {LIST(bad_hosts)}},
    {false, 'e', "port", "1 to 65535 or a service name", {LIST(bad_ports), LIST(client_port)}},
    {false, 'p', "port", "1 to 65535 or a service name", {LIST(bad_ports), LIST(client_port)}},
    {true, 'p', "port", "it takes 0 to 65535 or a service name", {LIST(bad_ports)}},
    {false, '\0', "wait", "0 (don't wait) or 1ms to 30d", {TIMES, LIST(under_time)}},
    {false, 'E', "port", "1 to 65535 or a service name", {LIST(bad_ports), LIST(client_port)}},
    {false, '\0', "source", "it takes addresses and blocks", {LIST(bad_sources)}},
    {false,
     '\0',
     "connect-rate",
     "it takes 0 (as fast as possible) or 0.001 to 1M",
     {LIST(bad_numbers), LIST(over_connects)}},
    {false, '\0', "ramp", "it takes 0 (all at once) or 1ms to 30d", {TIMES, LIST(under_time)}},
    {false, 'c', "connections", "it takes 1 to 100M", {COUNTS, LIST(over_client)}},
    {false, 's', "size", "it takes 1 to 1TiB", {SIZES, LIST(over_size)}},
    {false, 'b', NULL, "it takes 1 to 1Gi", {COUNTS, LIST(over_kib)}},
    {false, 'B', NULL, "it takes 1 to 1Gi", {COUNTS, LIST(over_kib)}},
    {false, 'P', "pipeline", "it takes 1 to 65536", {COUNTS, LIST(over_pipeline)}},
    {false, 'R', "rate", "or 0.001 to 1G", {LIST(bad_numbers), LIST(over_rate)}},
    {false, '\0', "bandwidth", "or 1 to 1TiB", {SIZES}},
    {false, '\0', "close", "it takes fin or rst", {LIST(bad_words)}},
    {false, '\0', "think", "0 (none) or 1ms to 30d", {TIMES, LIST(under_time)}},
    {false, '\0', "arrival", "it takes uniform or poisson", {LIST(bad_words)}},
    {false, '\0', "lifetime", "0 (for ever) or 1 to 1000T", {COUNTS, LIST(over_messages)}},
    {false, '\0', "seed", "or 1 to 9223372036854775807", {LIST(bad_numbers), LIST(not_seeds)}},
    {false, 'd', "duration", "0 (at Ctrl-C) or 1ms to 30d", {TIMES, LIST(under_time)}},
    {false, '\0', "requests", "0 (no limit) or 1 to 1000T", {COUNTS, LIST(over_messages)}},
    {false, 'w', "warmup", "0 (none) or 1ms to 30d", {TIMES, LIST(under_time)}},
    {false, '\0', "connect-timeout", NEVER, {TIMES, LIST(under_time)}},
    {false, '\0', "timeout", NEVER, {TIMES, LIST(under_time)}},
    {false, '\0', "give-up", NEVER, {TIMES, LIST(under_time)}},
    {false, '\0', "drain-timeout", "0 (at once) or 1ms to 30d", {TIMES, LIST(under_time)}},
    {false, 't', "threads", "it takes 1 to 1024", {COUNTS, LIST(over_thread)}},
    {false, 'T', "threads", "it takes 1 to 1024", {LIST(below_1), LIST(over_thread)}},
    {false, '\0', "cpus", "it takes CPUs of 0 to 1023", {LIST(bad_cpus)}},
    {false, '\0', "buffer-size", "it takes 1KiB to 64MiB", {SIZES, LIST(over_buffer)}},
    {false, '\0', "nodelay", "it takes on or off", {LIST(bad_switches)}},
    {false, '\0', "sndbuf", SNDBUF, {SIZES, LIST(over_socket)}},
    {false, '\0', "rcvbuf", SOCKET, {SIZES, LIST(over_socket)}},
    {false, '\0', "signal", "it takes stop", {LIST(bad_signals), LIST(not_for_clients)}},
    {false, '\0', "pid", "it takes 1 to 2147483647", {LIST(bad_numbers), LIST(bad_pids)}},
};

/* With the value as a word of its own, and as the end of the same word. */
static void check_typed(const struct subject *subject, const char *typed, char separator,
                        const char *value, const char *shown)
{
    char word[128];

    check_message(subject->server, typed, value, typed, shown, subject->range);
    snprintf(word, sizeof word, "%s%c%s", typed, separator, value);
    check_message(subject->server, word, NULL, typed, shown, subject->range);
}

static void check_value(const struct subject *subject, const char *value, const char *shown)
{
    char typed[64];

    if (subject->letter != '\0') {
        snprintf(typed, sizeof typed, "-%c", subject->letter);
        check_typed(subject, typed, ':', value, shown);
    }
    if (subject->name != NULL) {
        snprintf(typed, sizeof typed, "--%s", subject->name);
        check_typed(subject, typed, '=', value, shown);
    }
}

static void refuses_bad_values(void **state)
{
    (void)state;
    for (size_t s = 0; s < LENGTH(subjects); s++) {
        for (size_t l = 0; l < LENGTH(subjects[s].lists); l++) {
            const struct list *list = &subjects[s].lists[l];

            for (size_t v = 0; v < list->count; v++) {
                check_value(&subjects[s], list->values[v].value, list->values[v].shown);
            }
        }
    }
}

static void refuses_missing_values(void **state)
{
    static const char *const options[] = {"-v", "--verbose", "--threads", "--", "-t:1"};
    char typed[64];

    (void)state;
    for (size_t s = 0; s < LENGTH(subjects); s++) {
        check_value(&subjects[s], "", "needs a value");
        for (size_t i = 0; i < LENGTH(options) && subjects[s].name != NULL; i++) {
            snprintf(typed, sizeof typed, "--%s", subjects[s].name);
            check_message(subjects[s].server, typed, options[i], typed, "needs a value",
                          subjects[s].range);
        }
    }
    check_message(true, "--json=", NULL, "--json", "needs a value", "the name of a file");
    check_message(true, "--backend", NULL, "--backend", "needs a value", "the name of a backend");
}

static void refuses_values_of_flags(void **state)
{
    static const char *const names[] = {"verbose",  "details", "no-progress",
                                        "no-color", "help",    "version"};
    static const char *const values[] = {"", "1", "on", "\x1b"};
    char word[64];
    char typed[64];

    (void)state;
    for (size_t n = 0; n < LENGTH(names); n++) {
        for (size_t v = 0; v < LENGTH(values); v++) {
            snprintf(typed, sizeof typed, "--%s", names[n]);
            snprintf(word, sizeof word, "--%s=%s", names[n], values[v]);
            check_message(v % 2 == 0, word, NULL, typed, "takes no value", "");
        }
    }
    check_message(true, "-v:1", NULL, "-v", "takes no value", "");
    check_message(true, "-?:", NULL, "-?", "takes no value", "");
}

/* --signal and --pid need each other. */
static void refuses_half_a_signal(void **state)
{
    (void)state;
    for (int server = 0; server < 2; server++) {
        check_message(server, "--signal=stop", NULL, "--signal", "needs --pid", "");
        check_message(server, "--signal", "stop", "--signal", "needs --pid", "");
        check_message(server, "--pid=4711", NULL, "--pid", "needs --signal", "");
        check_message(server, "--pid", "4711", "--pid", "needs --signal", "");
    }
}

/* Every name: cut short, with a letter missing, doubled or swapped, and after a single dash. */
static void suggests_names(void **state)
{
    (void)state;
    for (size_t s = 0; s < LENGTH(subjects); s++) {
        const char *name = subjects[s].name;
        size_t length = name != NULL ? strlen(name) : 0;
        char word[64];
        char hint[64];

        if (length < 5) {
            continue;
        }
        snprintf(hint, sizeof hint, "did you mean --%s?", name);
        snprintf(word, sizeof word, "--%.*s", (int)length - 1, name);
        check_message(subjects[s].server, word, NULL, word, "unknown option", hint);
        snprintf(word, sizeof word, "--%c%s", name[0], name + 2);
        check_message(subjects[s].server, word, NULL, word, "unknown option", hint);
        snprintf(word, sizeof word, "--%.3s%s", name, name + 2);
        check_message(subjects[s].server, word, NULL, word, "unknown option", hint);
        snprintf(word, sizeof word, "--%.2s%c%c%s", name, name[3], name[2], name + 4);
        if (name[2] != name[3]) {
            check_message(subjects[s].server, word, NULL, word, "unknown option", hint);
        }
        snprintf(word, sizeof word, "-%s", name);
        check_message(subjects[s].server, word, NULL, word, "unknown option", hint);
        snprintf(word, sizeof word, "--%s:1", name);
        check_message(subjects[s].server, word, NULL, word, "unknown option", hint);
    }
}

static void refuses_attached_values(void **state)
{
    static const char letters[] = "nNeEtTcsbBPRdw";
    static const char *const values[] = {"8", "=8", "64KiB", "=x"};

    (void)state;
    for (size_t i = 0; i < LENGTH(letters) - 1; i++) {
        for (size_t v = 0; v < LENGTH(values); v++) {
            const char *value = values[v] + (values[v][0] == '=');
            char word[64];
            char hint[64];

            snprintf(word, sizeof word, "-%c%s", letters[i], values[v]);
            snprintf(hint, sizeof hint, "write -%c %s or -%c:%s", letters[i], value, letters[i],
                     value);
            check_message(false, word, NULL, word, "unknown option", hint);
        }
    }
    check_message(true, "-vv", NULL, "-vv", "write -v", "");
    check_message(true, "-vt", NULL, "-vt", "write -v", "");
    check_message(false, "-t\x1b[m", NULL, "-t\\x1b[m", "write -t \\x1b[m or -t:\\x1b[m", "");
}

static void refuses_unknown_options(void **state)
{
    char word[8];

    (void)state;
    for (int letter = 0x21; letter < 0x7f; letter++) {
        if (strchr("leEptvVh?-\\", letter) == NULL) {
            snprintf(word, sizeof word, "-%c", letter);
            check_message(true, word, NULL, word, "unknown option", "");
        }
    }
    check_message(false, "-C", NULL, "-C", "did you mean -c?", "");
    check_message(true, "-P", "6001", "-P", "did you mean -p?", "");
    check_message(false, "-S", "1", "-S", "did you mean -s?", "");
    check_message(false, "--xyzzy", NULL, "--xyzzy", "--help lists them all", "");
    check_message(false, "--=1", NULL, "--", "--help lists them all", "");
    check_message(false, "--\x1b[31m", NULL, "--\\x1b[31m", "--help lists them all", "");
    check_message(false, "--Threads", "1", "--Threads", "did you mean --threads?", "");
}

static void refuses_stray_words(void **state)
{
    static const char *const words[] = {"6001", "localhost", "-", "e:6001", "+v", "1-2"};
    char typed[64];

    (void)state;
    for (size_t i = 0; i < LENGTH(words); i++) {
        snprintf(typed, sizeof typed, "'%s'", words[i]);
        check_message(true, words[i], NULL, typed, "unexpected word", "");
        check_message(true, "-v", words[i], typed, "unexpected word", "");
        check_message(true, "--", words[i], typed, "unexpected word", "");
    }
    check_message(true, "", NULL, "''", "unexpected word", "");
    check_message(true, "\x1b[2J", NULL, "'\\x1b[2J'", "unexpected word", "");
    check_message(false, "--", "-v", "'-v'", "unexpected word", "");
}

/* A word without an option must name a server. */
static void refuses_words_that_name_no_server(void **state)
{
    static const char *const words[] = {"6001",        "-",     "+v",    "[::1",
                                        "localhost:",  "a:0",   "a/b:1", "::1:x",
                                        "[::1]:6001x", "a:1:2", "a:-1",  "a b"};
    char typed[64];

    (void)state;
    for (size_t i = 0; i < LENGTH(words); i++) {
        snprintf(typed, sizeof typed, "'%s'", words[i]);
        check_message(false, words[i], NULL, typed, "unexpected word", "127.0.0.1:6001");
        check_message(false, "-v", words[i], typed, "unexpected word", "127.0.0.1:6001");
        check_message(false, "--", words[i], typed, "unexpected word", "127.0.0.1:6001");
    }
    check_message(false, "", NULL, "''", "unexpected word", "");
    check_message(false, "a\x1b[2J", NULL, "'a\\x1b[2J'", "unexpected word", "");
    check_message(false, "a:1", "b:1", "'b:1'", "unexpected word", "HOST:PORT has been given");
    check_message(false, "a:1", "a:1", "'a:1'", "unexpected word", "HOST:PORT has been given");
    check_message(false, "--json", "file", "'file'", "unexpected word", "--json=FILE");
}

static void refuses_places_that_contradict(void **state)
{
    (void)state;
    check_message(false, "a:1", "-n:b", "--host", "another host, 'b', than the 'a' of HOST:PORT",
                  "");
    check_message(false, "-n:b:2", "a:2", "--host", "another host, 'b', than the 'a' of HOST:PORT",
                  "");
    check_message(false, "a:1", "-n:a:2", "--host", "another port, '2', than the '1' of HOST:PORT",
                  "");
    check_message(false, "a:1", "-e:2", "--port", "another port, '2', than the '1' of HOST:PORT",
                  "");
    check_message(false, "-n:a:1", "-p:echo", "--port",
                  "another port, 'echo', than the '1' of --host", "give one of them");
    check_message(false, "-n:a", "\xc3\xa4:1", "--host", "than the '\\xc3\\xa4' of HOST:PORT", "");
}

static void shortens_long_words(void **state)
{
    char word[400];

    (void)state;
    memset(word, '\x1b', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    for (size_t length = 1; length < sizeof word - 1; length += 3) {
        const char *last = word + sizeof word - 1 - length;
        const char *text = message_of(true, "--threads", last);

        assert_non_null(strstr(text, "\\x1b' is not a number; it takes") != NULL
                            ? text
                            : strstr(text, "...' is not a number; it takes"));
        assert_true(strlen(text) < 250);
        assert_non_null(strstr(message_of(true, last, NULL), "unexpected word"));
    }
}

static void tried_enough(void **state)
{
    (void)state;
    print_message("%u bad command lines\n", lines);
    assert_true(lines >= LINES_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_values),
        cmocka_unit_test(refuses_missing_values),
        cmocka_unit_test(refuses_values_of_flags),
        cmocka_unit_test(refuses_half_a_signal),
        cmocka_unit_test(suggests_names),
        cmocka_unit_test(refuses_attached_values),
        cmocka_unit_test(refuses_unknown_options),
        cmocka_unit_test(refuses_stray_words),
        cmocka_unit_test(refuses_words_that_name_no_server),
        cmocka_unit_test(refuses_places_that_contradict),
        cmocka_unit_test(shortens_long_words),
        cmocka_unit_test(tried_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
