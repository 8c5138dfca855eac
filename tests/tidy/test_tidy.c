/* The rules of tidy.h, on snippets that break them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tidy.h"
#include "util.h"

#define GUARD(name) "#ifndef ECHOPORT_" name "\n#define ECHOPORT_" name "\n"
#define COLUMNS(n, c) "/* " n n n n n n n n n c " */\n"

struct sample {
    const char *rule; /* that it breaks, once; NULL: none */
    const char *path;
    const char *text;
};

static const struct tidy_exception no_ratchet = {NULL, NULL, 0};

static const struct sample samples[] = {
    {NULL, "src/a.c", "int f(void)\n{\n    return 0;\n}\n"},
    {NULL, "src/a.c", COLUMNS("0123456789", "1234")},
    {NULL, "src/a.c", COLUMNS("0123456789", "123\xc3\xa4")},
    {"columns", "src/a.c", COLUMNS("0123456789", "12345")},
    {"tab", "src/a.c", "\tint a;\n"},
    {"line-end", "src/a.c", "int a; \n"},
    {"line-end", "src/a.c", "int a;\r\n"},
    {"line-end", "src/a.c", "int a;"},
    {"marker", "tests/a.c", "/* TOD\117: more */\n"},
    {NULL, "src/a.c", "/* TOD\117S */\n"},
    {"os-header", "src/a.c", "#include <windows.h>\n"},
    {"os-header", "src/a.h", GUARD("A_H") "#  include <sys/socket.h>\n#endif\n"},
    {"os-header", "backends/backend.c", "#include <unistd.h>\n"},
    {NULL, "src/a.c", "#include <stdio.h>\n#include \"net.h\"\n/*\n#include <windows.h>\n*/\n"},
    {NULL, "src/net_windows.c", "#include <winsock2.h>\n#ifdef _WIN32\n#endif\n"},
    {NULL, "src/net_posix.c", "#include <netinet/tcp.h>\n"},
    {NULL, "backends/epoll.c", "#include <sys/epoll.h>\n"},
    {NULL, "tests/a.c", "#include <unistd.h>\n"},
    {"os-macro", "src/a.c", "#ifdef _WIN32\n#endif\n"},
    {"os-macro", "src/a.c", "#if defined(A) || defined(__linux__)\n#endif\n"},
    {"os-macro", "backends/backend.c", "#if A\n#elif defined(__APPLE__)\n#endif\n"},
    {NULL, "src/a.c", "#if defined(__GNUC__)\n#endif\n#define A _WIN32\n"},
    {"call", "src/a.c", "void f(char *a)\n{\n    strcpy (a, \"b\");\n}\n"},
    {"call", "tests/a.c", "int a = atoi(\"1\");\n"},
    {"call", "tests/a.c", "void f(int a)\n{\n    assert_in_range(a, 1, 2);\n}\n"},
    {NULL, "src/a.c", "/* atoi(1) */\nint my_atoi(int a);\nconst char *s = \"\\\"system(1)\";\n"},
    {NULL, "src/a.c", "int f(struct a *a)\n{\n    return a->system(1) + a->b.gets(2);\n}\n"},
    {"guard", "src/a_b.h", "#ifndef A_B_H\n#define A_B_H\n#endif\n"},
    {"guard", "src/a.h", "int a;\n"},
    {"guard", "tests/a.h", GUARD("TESTS_A_H") "#endif\n"},
    {NULL, "backends/a_b.h", "/* About a. */\n\n" GUARD("A_B_H") "#endif\n"},
    {"braces", "src/a.c", "#if A\nint f(void) {\n#else\nint f(int a) {\n#endif\n}\n"},
    {NULL, "src/a.c", "#define A(x) \\\n    do { \\\n        (x)++;\nint a;\nchar c = '{';\n"},
};

static void expect_rule(const struct tidy *tidy, const char *rule)
{
    assert_int_equal(tidy->broken, rule != NULL ? 1 : 0);
    if (rule != NULL) {
        assert_string_equal(tidy->last_rule, rule);
    }
}

static void each_rule_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(samples); i++) {
        struct tidy tidy = {.ratchet = &no_ratchet};
        print_message("%s:\n%s\n", samples[i].path, samples[i].text);
        tidy_source(&tidy, samples[i].path, samples[i].text);
        expect_rule(&tidy, samples[i].rule);
    }
}

/* A function f of `lines` lines, alone in a file of `all` lines. */
static void expect_length(const char *path, size_t lines, size_t all, const char *rule)
{
    static const struct tidy_exception ratchet[] = {
        {"src/long.c", "f", 80}, {"src/long_file.c", NULL, 800}, {NULL, NULL, 0}};
    struct tidy tidy = {.ratchet = ratchet};
    char text[1024] = "static int\nf(int a[2]) {\n";
    size_t used = strlen(text);

    assert_true(3 <= lines && lines < all && all < sizeof(text) - used);
    memset(text + used, '\n', all - 2);
    text[used + lines - 2] = '}';
    text[used + all - 1] = '\0';
    text[used + all - 2] = '\n';
    tidy_source(&tidy, path, text);
    expect_rule(&tidy, rule);
}

static void lengths_have_a_limit(void **state)
{
    (void)state;
    expect_length("src/a.c", 70, 700, NULL);
    expect_length("src/a.c", 71, 700, "length");
    expect_length("src/a.c", 70, 701, "length");
}

static void a_ratchet_turns_one_way(void **state)
{
    (void)state;
    expect_length("src/long.c", 80, 700, NULL);
    expect_length("src/long.c", 81, 700, "length");
    expect_length("src/long.c", 79, 700, "ratchet");
    expect_length("src/long.c", 10, 700, "ratchet");
    expect_length("src/long_file.c", 70, 800, NULL);
    expect_length("src/long_file.c", 70, 801, "length");
    expect_length("src/long_file.c", 70, 799, "ratchet");
}

static void expect_listed(const char *path, const char *rule)
{
    struct tidy tidy = {.ratchet = &no_ratchet};
    tidy_listed(&tidy, path, "add_library(e src/a.c)\nechoport_test(b SIM)\nother_c.c c.cc\n");
    expect_rule(&tidy, rule);
}

static void dead_files_are_found(void **state)
{
    (void)state;
    expect_listed("src/a.c", NULL);
    expect_listed("tests/test_b.c", NULL);
    expect_listed("src/c.h", NULL);
    expect_listed("src/c.c", "dead-file");
    expect_listed("tests/test_a.c", "dead-file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_is_kept),
        cmocka_unit_test(lengths_have_a_limit),
        cmocka_unit_test(a_ratchet_turns_one_way),
        cmocka_unit_test(dead_files_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
