/*
 * The report's section on trust, and --until. How long anything takes depends on the machine. So
 * each run here is one that can't be trusted on any machine, or goes on until it is precise.
 */

#include "e2e_fake.h"

#include <string.h>

#define TRUST(test) cmocka_unit_test_setup_teardown(test, e2e_set_up, fake_tear_down)

static bool has_finding(const json_t *report, const char *class)
{
    const json_t *findings = json_object_get(e2e_member(report, "trust"), "findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        if (strcmp(e2e_string(json_array_get(findings, i), "class"), class) == 0) {
            return true;
        }
    }
    return false;
}

static void a_few_messages_cannot_tell(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "--requests=20", NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    const json_t *trust = e2e_member(report, "trust");
    assert_true(json_is_false(e2e_member(trust, "ok")));
    assert_true(json_is_null(e2e_member(trust, "p99")));
    assert_int_equal(e2e_uint(trust, "samples"), 20);
    assert_true(has_finding(report, "too_few"));
    assert_true(json_is_null(e2e_member(report, "until")));
    e2e_server_ends(&server);
}

static void a_person_reads_why(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_start(e2e_client_path, "-n:127.0.0.1", e2e_text("-e:%s", server.port), "--requests=20",
                  e2e_backend_argument(), "--until=p99+-5%", NULL);
    e2e_ends(client, 3);
    e2e_says(client, PROCESS_OUT, "  trust        ");
    e2e_says(client, PROCESS_OUT, "  doubt        cannot tell: p99 needs at least 368 ");
    e2e_says(client, PROCESS_OUT, "  until        p99+-5%: cannot tell, ");
    e2e_server_ends(&server);
}

/* Nothing listens at that port. */
static void without_a_message_nothing_is_doubted(void **state)
{
    (void)state;
    struct process *client =
        e2e_start(e2e_client_path, "127.0.0.1:1", e2e_backend_argument(), NULL);
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_OUT, "FAILED: 0 of 1 connection up");
    const char *report = process_text(client, PROCESS_OUT);
    assert_true(strstr(report, "trust") == NULL && strstr(report, "doubt") == NULL);
}

/* No machine gives out 100 million messages per second: the client or the server is late. */
static void a_schedule_that_nobody_keeps_is_named(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "--size=1", "--rate=100M", "--duration=500ms", NULL);
    const json_t *report = e2e_end_report(client, 1);
    assert_true(json_is_false(e2e_member(e2e_member(report, "trust"), "ok")));
    assert_true(has_finding(report, "late") || has_finding(report, "saturated"));
    e2e_server_ends(&server);
}

static void until_ends_a_run_that_has_no_other_end(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "--size=64", "--until=p50+-100%", NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    const json_t *until = e2e_member(report, "until");
    assert_string_equal(e2e_string(until, "condition"), "p50+-100%");
    assert_true(json_is_true(e2e_member(until, "reached")));
    assert_true(e2e_real(until, "half_width_percent") <= 100);
    e2e_server_ends(&server);
}

static void a_run_that_is_too_short_cannot_tell(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "--requests=1", "--until=p99+-5%", NULL);
    const json_t *report = e2e_end_report(client, 3);
    e2e_succeeds(report); /* "ok" speaks of verification only */
    const json_t *until = e2e_member(report, "until");
    assert_true(json_is_false(e2e_member(until, "reached")));
    assert_true(json_is_null(e2e_member(until, "half_width_percent")));
    e2e_server_ends(&server);
}

static void a_bad_precision_is_refused(void **state)
{
    (void)state;
    struct process *client = e2e_start(e2e_client_path, "--until=p99<5ms", NULL);
    e2e_ends(client, 2);
    e2e_says(client, PROCESS_ERR, "--until: 'p99<5ms'");
    e2e_says(client, PROCESS_ERR, "as in p99+-5%");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TRUST(a_few_messages_cannot_tell),
        TRUST(a_person_reads_why),
        TRUST(without_a_message_nothing_is_doubted),
        TRUST(a_schedule_that_nobody_keeps_is_named),
        TRUST(until_ends_a_run_that_has_no_other_end),
        TRUST(a_run_that_is_too_short_cannot_tell),
        TRUST(a_bad_precision_is_refused),
    };
    return e2e_run(argc, argv, tests);
}
