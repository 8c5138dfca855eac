/*
 * --fail-if: the exit code and the report's members. What is fast or slow depends on the machine.
 * So each condition here is one that always holds, or never does.
 */

#include "e2e_fake.h"

#define CONDITION(test) cmocka_unit_test_setup_teardown(test, e2e_set_up, fake_tear_down)

static const json_t *threshold(const json_t *report, size_t i)
{
    return json_array_get(e2e_member(report, "thresholds"), i);
}

static void a_condition_that_holds_exits_with_3(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "--requests=20", "--fail-if", "failures>0", "--fail-if",
                   "p99-above=1ns", "--fail-if=rate-below=1G", "--fail-if=max>1h", NULL);
    const json_t *report = e2e_end_report(client, 3);
    e2e_succeeds(report); /* "ok" speaks of verification only */
    assert_int_equal(json_array_size(e2e_member(report, "thresholds")), 4);
    assert_true(json_is_true(e2e_member(threshold(report, 0), "ok")));
    assert_true(json_is_false(e2e_member(threshold(report, 1), "ok")));
    assert_true(json_is_false(e2e_member(threshold(report, 2), "ok")));
    assert_true(json_is_true(e2e_member(threshold(report, 3), "ok")));
    assert_string_equal(e2e_string(threshold(report, 1), "condition"), "p99-above=1ns");
    assert_true(e2e_real(threshold(report, 1), "measured") > 1);
    e2e_server_ends(&server);
}

static void good_enough_exits_with_0(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_start(e2e_client_path, "-n:127.0.0.1", e2e_text("-e:%s", server.port), "--requests=20",
                  e2e_backend_argument(), "--fail-if=failures>0", "--fail-if=p50-above=1h", NULL);
    e2e_ends(client, 0);
    e2e_says(client, PROCESS_OUT, "  fail-if      failures>0: no, 0");
    e2e_says(client, PROCESS_OUT, "  fail-if      p50-above=1h: no, ");
    e2e_server_ends(&server);
}

static void a_failure_wins(void **state)
{
    (void)state;
    fake_start(FAKE_FLIP, 10, 1);
    struct process *client = e2e_client_at(fake_server_port(fake), "-s", "1000", "--requests", "3",
                                           "--fail-if=failures>0", NULL);
    const json_t *report = e2e_end_report(client, 1);
    assert_true(json_is_false(e2e_member(report, "ok")));
    assert_true(json_is_false(e2e_member(threshold(report, 0), "ok")));
}

static void without_a_message_it_cannot_tell(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "--requests=1", "--warmup=1h", "--fail-if=p99>1h", NULL);
    const json_t *report = e2e_end_report(client, 3);
    e2e_succeeds(report);
    assert_true(json_is_null(e2e_member(threshold(report, 0), "measured")));
    assert_true(json_is_false(e2e_member(threshold(report, 0), "ok")));
    e2e_server_ends(&server);
}

static void a_bad_condition_is_refused(void **state)
{
    (void)state;
    struct process *client = e2e_start(e2e_client_path, "--fail-if=p999<1ms", NULL);
    e2e_ends(client, 2);
    e2e_says(client, PROCESS_ERR, "--fail-if: 'p999<1ms'");
    e2e_says(client, PROCESS_ERR, "as in p99>5ms or rate-below=10k");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CONDITION(a_condition_that_holds_exits_with_3),
        CONDITION(good_enough_exits_with_0),
        CONDITION(a_failure_wins),
        CONDITION(without_a_message_it_cannot_tell),
        CONDITION(a_bad_condition_is_refused),
    };
    return e2e_run(argc, argv, tests);
}
