/*
 * Hostile connections beside an ordinary load: each mode does to our server what it says, the
 * ordinary connections are not harmed, and the run and the server end well.
 */

#include "e2e.h"

#include <string.h>

/* The only group of a client's report. */
static const json_t *group_of(const json_t *report)
{
    const json_t *groups = e2e_member(report, "hostile");
    assert_int_equal(json_array_size(groups), 1);
    return json_array_get(groups, 0);
}

/* Every connection has one end, and the server held it for a time or the client left it. */
static void group_adds_up(const json_t *group)
{
    uint64_t held = e2e_uint(group, "closed_by_server") + e2e_uint(group, "reset_by_server") +
                    e2e_uint(group, "failed") + e2e_uint(group, "held");
    assert_int_equal(held + e2e_uint(group, "reset_by_client"), e2e_uint(group, "opened"));
    assert_true(json_is_null(e2e_member(group, "held_ns.max")) == (held == 0));
    assert_true(e2e_uint(group, "opened") > 0);
    assert_int_equal(e2e_uint(group, "connect_failures"), 0);
    assert_int_equal(e2e_uint(group, "unsupported"), 0);
}

/* The messages of both parts are those of the whole. */
static void effect_adds_up(const json_t *report)
{
    assert_int_equal(e2e_uint(report, "hostile_effect.before.messages") +
                         e2e_uint(report, "hostile_effect.beside.messages"),
                     e2e_uint(report, "latency_ns.count"));
}

/* A run with one group. The server ends well after it. Returns the group. */
static const json_t *run(const char *hostile)
{
    struct e2e_server server;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "-c", "4", "-s", "64", "-d", e2e_duration(800), "--hostile-from",
                   e2e_duration(200), "--hostile", hostile, NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    effect_adds_up(report);
    e2e_server_ends_without_resets(&server);
    const json_t *group = group_of(report);
    group_adds_up(group);
    return group;
}

static void silent_connections_are_held(void **state)
{
    (void)state;
    const json_t *group = run("silent:3");
    assert_int_equal(e2e_uint(group, "held"), e2e_uint(group, "opened"));
    assert_int_equal(e2e_uint(group, "answered"), 0);
    assert_int_equal(e2e_uint(group, "bytes_sent"), 0);
}

static void resets_happen_again_and_again(void **state)
{
    (void)state;
    const json_t *group = run("reset:3");
    assert_int_equal(e2e_uint(group, "reset_by_client") + e2e_uint(group, "held"),
                     e2e_uint(group, "opened"));
}

static void half_closed_connections_get_all_bytes(void **state)
{
    (void)state;
    const json_t *group = run("half-close:3");
    assert_true(e2e_uint(group, "bytes_received") >= e2e_uint(group, "closed_by_server") * 4096);
    assert_true(e2e_uint(group, "reset_by_server") == 0);
}

static void slow_readers_are_fed(void **state)
{
    (void)state;
    const json_t *group = run("slow-read:1KiB:3");
    assert_true(e2e_uint(group, "bytes_received") < e2e_uint(group, "bytes_sent"));
}

static void single_bytes_are_echoed(void **state)
{
    (void)state;
    const json_t *group = run("byte-by-byte:3");
    assert_int_equal(e2e_uint(group, "held"), e2e_uint(group, "opened"));
    assert_true(e2e_uint(group, "bytes_received") <= e2e_uint(group, "bytes_sent"));
}

static void half_a_message_is_echoed(void **state)
{
    (void)state;
    const json_t *group = run("stop-midway:3");
    assert_int_equal(e2e_uint(group, "held"), e2e_uint(group, "opened"));
    assert_true(e2e_uint(group, "bytes_received") <= 3 * 2048);
}

static void nothing_is_read(void **state)
{
    (void)state;
    const json_t *group = run("never-read:3");
    assert_int_equal(e2e_uint(group, "answered"), 0);
    assert_int_equal(e2e_uint(group, "bytes_received"), 0);
}

static void a_storm_connects_and_resets(void **state)
{
    (void)state;
    const json_t *group = run("storm:50:3");
    assert_int_equal(e2e_uint(group, "reset_by_client") + e2e_uint(group, "held"),
                     e2e_uint(group, "opened"));
    assert_int_equal(e2e_uint(group, "bytes_sent"), 0);
}

static void urgent_bytes_do_no_harm(void **state)
{
    (void)state;
    const json_t *group = run("urgent:3");
    assert_int_equal(e2e_uint(group, "reset_by_server"), 0);
    assert_int_equal(e2e_uint(group, "failed"), 0);
}

/* The server closes what is silent. The client connects again. On a busy machine the server may
 * find the ordinary connection idle as well, so the verdict is not judged. */
static void the_server_s_end_is_seen(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--idle-timeout", "50ms", NULL);
    struct process *client = e2e_client(&server, "-s", "64", "-d", e2e_duration(1000),
                                        "--hostile-from=0", "--hostile=silent:2", NULL);
    assert_int_not_equal(process_wait(client, PATIENCE_MS), PROCESS_LATE);
    const json_t *report = e2e_report(client, 0);
    const json_t *group = group_of(report);
    group_adds_up(group);
    assert_true(e2e_uint(group, "closed_by_server") + e2e_uint(group, "reset_by_server") > 0);
    assert_int_equal(e2e_uint(report, "hostile_effect.before.messages"), 0);
    e2e_server_ends(&server);
}

/* They end with the last ordinary message, although the run has no other end. */
static void the_run_ends_without_them(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-s", "64", "--requests=100", "--hostile=silent:2",
                                        "--hostile=never-read:2", "--hostile-from=0", NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_int_equal(json_array_size(e2e_member(report, "hostile")), 2);
    effect_adds_up(report);
    e2e_server_ends_without_resets(&server);
}

/* The run may end before they begin. */
static void the_run_ends_before_them(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-s", "64", "--requests=10", "--hostile=silent:2",
                                        "--hostile-from=1h", NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_int_equal(e2e_uint(group_of(report), "opened"), 0);
    e2e_server_ends(&server);
}

/* With no server at all the ordinary failure is reported, and nothing hangs. */
static void without_a_server_the_run_fails(void **state)
{
    (void)state;
    struct process *client =
        e2e_client_at(e2e_free_port(), "-d", "1h", "--hostile=silent:2", "--hostile-from=0", NULL);
    const json_t *report = e2e_end_report(client, 1);
    assert_int_equal(e2e_uint(group_of(report), "opened"), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(silent_connections_are_held),
        E2E(resets_happen_again_and_again),
        E2E(half_closed_connections_get_all_bytes),
        E2E(slow_readers_are_fed),
        E2E(single_bytes_are_echoed),
        E2E(half_a_message_is_echoed),
        E2E(nothing_is_read),
        E2E(a_storm_connects_and_resets),
        E2E(urgent_bytes_do_no_harm),
        E2E(the_server_s_end_is_seen),
        E2E(the_run_ends_without_them),
        E2E(the_run_ends_before_them),
        E2E(without_a_server_the_run_fails),
    };
    return e2e_run(argc, argv, tests);
}
