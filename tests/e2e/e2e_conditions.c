/*
 * --fail-if and --find-rate: exit codes and the report's members. What is fast or slow depends on
 * the machine. So each condition here is one that always holds, or never does.
 */

#include "e2e_fake.h"

#include <string.h>

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

/* ---- --find-rate --------------------------------------------------------------------------- */

/* How the search ended. Whether the client's own machine was the reason is a matter of chance. */
static const char *search_result(const json_t *report)
{
    return e2e_string(report, "find_rate.result");
}

static void finds_a_rate(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "-c", "4", "-s", "64", "-d", "50ms", "--find-rate=p50<1h", NULL);
    int code = process_wait(client, PATIENCE_MS);
    const json_t *report = e2e_end_report(client, code);
    bool found = strcmp(search_result(report), "found") == 0;
    assert_int_equal(code, found ? 0 : 3);
    assert_true(found || strcmp(search_result(report), "client") == 0);
    assert_true(e2e_real(report, "find_rate.held") < e2e_real(report, "find_rate.failed"));
    assert_true(e2e_real(report, "find_rate.failed") <= e2e_real(report, "find_rate.held") * 1.011);
    assert_true(json_array_size(e2e_member(report, "find_rate.steps")) > 2);
    e2e_succeeds(report); /* it is that of a step that held */
    e2e_server_ends(&server);
}

static void what_never_holds_exits_with_3(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-s", "64", "-d", "50ms", "-w", "10ms",
                                        "--find-rate=p50-below=1ns", NULL);
    const json_t *report = e2e_end_report(client, 3);
    assert_true(strcmp(search_result(report), "never") == 0 ||
                strcmp(search_result(report), "client") == 0);
    assert_true(json_is_null(e2e_member(report, "find_rate.held")));
    assert_float_equal(e2e_real(report, "find_rate.failed"), 250, 1e-6); /* ten messages in 40 ms */
    e2e_says(client, PROCESS_ERR, "--find-rate: step 1, 1.000 k/s: 0.00 % in time, ");
    e2e_server_ends(&server);
}

static void wrong_data_ends_the_search(void **state)
{
    (void)state;
    fake_start(FAKE_FLIP, 10, 1);
    struct process *client =
        e2e_client_at(fake_server_port(fake), "-s", "1000", "-d", "1s", "--find-rate=p99<1h", NULL);
    const json_t *report = e2e_end_report(client, 1);
    assert_string_equal(search_result(report), "broken");
    assert_int_equal(e2e_failures(report, "wrong_data"), 1);
    assert_int_equal(json_array_size(e2e_member(report, "find_rate.steps")), 0);
}

static void a_stop_keeps_what_is_known(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "-s", "64", "-d", "200ms", "--find-rate=p99<1h", NULL);
    e2e_interrupt_after(client, "--find-rate: step 2, ", 0);
    const json_t *report = e2e_end_report(client, 3);
    assert_string_equal(search_result(report), "stopped");
    assert_true(json_array_size(e2e_member(report, "find_rate.steps")) >= 2);
    e2e_server_ends(&server);
}

static void a_search_takes_a_percentile_only(void **state)
{
    (void)state;
    struct process *client = e2e_start(e2e_client_path, "--find-rate=p99>1ms", NULL);
    e2e_ends(client, 2);
    e2e_says(client, PROCESS_ERR, "--find-rate: 'p99>1ms'");
    client = e2e_start(e2e_client_path, "--find-rate=p99<1ms", "--requests=1", NULL);
    e2e_ends(client, 2);
    e2e_says(client, PROCESS_ERR, "--find-rate: it can't be combined with --requests");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CONDITION(a_condition_that_holds_exits_with_3),
        CONDITION(good_enough_exits_with_0),
        CONDITION(a_failure_wins),
        CONDITION(without_a_message_it_cannot_tell),
        CONDITION(a_bad_condition_is_refused),
        CONDITION(finds_a_rate),
        CONDITION(what_never_holds_exits_with_3),
        CONDITION(wrong_data_ends_the_search),
        CONDITION(a_stop_keeps_what_is_known),
        CONDITION(a_search_takes_a_percentile_only),
    };
    return e2e_run(argc, argv, tests);
}
