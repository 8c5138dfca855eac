#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pin.h"
#include "remote.h"
#include "result.h"
#include "util.h"

/* A client's report of that format, from a machine with that processor. */
static json_t *report_of(int format, const char *cpu)
{
    json_t *report = json_pack("{s:s,s:i,s:s,s:{s:s,s:i,s:b,s:s}}", "program", "echo-client",
                               "format", format, "backend", "epoll", "environment", "cpu", cpu,
                               "cpus", 8, "wine", 0, "version", "0.1.0");
    assert_non_null(report);
    return report;
}

static void the_first_report_says_what_the_client_is(void **state)
{
    struct remote remote = {.command = "ssh h2 echo-client"};
    char why[REMOTE_ERROR_SIZE];
    json_t *report = report_of(1, "Z80");
    (void)state;
    assert_int_equal(remote_cpus(&remote), 1);
    assert_true(remote_is_same(&remote, report, why));
    assert_true(remote_learn(&remote, report, why));
    json_decref(report);
    assert_int_equal(remote_cpus(&remote), 8);
    assert_string_equal(remote_backend(&remote), "epoll");
    assert_string_equal(result_text(remote.client, "environment.cpu"), "Z80");
    remote_free(&remote);
}

static void a_client_of_this_machine_has_no_machine(void **state)
{
    const struct remote remote = {.command = NULL};
    char why[REMOTE_ERROR_SIZE];
    json_t *report = report_of(1, "Z80");
    (void)state;
    assert_int_equal(remote_cpus(&remote), 0);
    assert_true(remote_is_same(&remote, report, why));
    json_decref(report);
}

static void another_machine_is_noticed(void **state)
{
    struct remote remote = {.command = "srun echo-client"};
    char why[REMOTE_ERROR_SIZE];
    json_t *first = report_of(1, "Z80");
    json_t *other = report_of(1, "6502");
    (void)state;
    assert_true(remote_learn(&remote, first, why));
    assert_true(remote_is_same(&remote, first, why));
    assert_false(remote_is_same(&remote, other, why));
    assert_string_equal(why, "cpu is '6502', and in the first run it was 'Z80'");
    result_set_text(json_object_get(other, "environment"), "cpu", "Z80");
    assert_true(remote_is_same(&remote, other, why));
    json_object_clear(json_object_get(other, "environment"));
    assert_false(remote_is_same(&remote, other, why));
    json_decref(first);
    json_decref(other);
    remote_free(&remote);
}

static void another_format_is_refused(void **state)
{
    struct remote remote = {.command = "ssh h2 echo-client"};
    char why[REMOTE_ERROR_SIZE];
    json_t *report = report_of(2, "Z80");
    (void)state;
    assert_false(remote_learn(&remote, report, why));
    assert_non_null(strstr(why, "the format of its report is 2, and here it is 1"));
    (void)json_object_del(report, "format");
    assert_false(remote_learn(&remote, report, why));
    assert_non_null(strstr(why, "the format of its report is nothing"));
    result_set_text(report, "program", "echo-server");
    assert_false(remote_learn(&remote, report, why));
    assert_string_equal(why, "it is not echo-client");
    json_decref(report);
    remote_free(&remote);
}

/* Whether the document's table names the network. */
static bool network_is_named(const char *address)
{
    struct text text = {0};
    json_t *document = json_pack("{s:{s:s,s:s},s:{s:s,s:{s:s,s:i}}}", "options", "client_command",
                                 "ssh h2 echo-client", "server_address", address, "client",
                                 "backend", "epoll", "environment", "cpu", "Z80", "cpus", 8);
    remote_say(&text, document);
    json_decref(document);
    assert_non_null(strstr(text.data, "The client was 'ssh h2 echo-client' (Z80, 8 CPUs, backend"));
    bool named = strstr(text.data, "over the network") != NULL;
    text_free(&text);
    return named;
}

static void the_tables_say_where_the_client_was(void **state)
{
    struct text text = {0};
    json_t *document = json_object();
    (void)state;
    remote_say(&text, document);
    assert_int_equal(text.length, 0);
    json_decref(document);
    assert_true(network_is_named("10.77.0.1"));
    assert_true(network_is_named("fd00::1"));
    assert_false(network_is_named("::1"));
    assert_false(network_is_named("127.0.0.1"));
}

/* It has a thread for each of its CPUs, and no place on this machine. */
static void a_client_elsewhere_is_not_pinned(void **state)
{
    static const struct {
        uint64_t cpus;
        uint64_t connections;
        uint64_t threads;
    } rows[] = {{8, 50, PIN_CLIENT_THREADS_MAX}, {2, 50, 2}, {1, 50, 1}, {8, 1, 1}};
    struct pin_placement placement;
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct pin_sides sides = {
            .workers = 1, .connections = rows[i].connections, .client_cpus = rows[i].cpus};
        pin_place(PIN_APART, &sides, &placement);
        assert_int_equal(placement.client_threads, rows[i].threads);
        assert_int_equal(placement.client_cpu, -1);
        assert_string_equal(placement.client, "");
        pin_place(PIN_OFF, &sides, &placement);
        assert_int_equal(placement.client_threads, rows[i].threads);
        assert_string_equal(placement.server, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_report_says_what_the_client_is),
        cmocka_unit_test(a_client_of_this_machine_has_no_machine),
        cmocka_unit_test(another_machine_is_noticed),
        cmocka_unit_test(another_format_is_refused),
        cmocka_unit_test(the_tables_say_where_the_client_was),
        cmocka_unit_test(a_client_elsewhere_is_not_pinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
