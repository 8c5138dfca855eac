/*
 * The table of verdicts, row by row, against faulty servers: the exit code and the class of the
 * failure. Wrong data, lost bytes, timeouts and what the end of the run cuts are in e2e_verify.c.
 */

#include "e2e_fake.h"

#include <string.h>

#include "range.h"
#include "sys.h"

#define VERDICT(test) cmocka_unit_test_setup_teardown(test, e2e_set_up, fake_tear_down)

/* Ten connections, each with a message every ten seconds. Between messages there is time for
 * anything. */
#define SELDOM "-c", "10", "-R", "1", "-s", "1000"

/* ---- how a connection ends ----------------------------------------------------------------- */

/* Wine's server may take a socket's error before recv() does. Then recv() reports an end of the
 * stream. */
static void a_reset_between_messages_has_failed(void **state)
{
    (void)state;
    fake_start(FAKE_RESET_IDLE, 0, SIZE_MAX);
    struct process *client = e2e_client_at(fake_server_port(fake), SELDOM, "--stop-on-error", "-d",
                                           sys_is_wine_before(10) ? "1500ms" : "60s", NULL);
    int code = process_wait(client, PATIENCE_MS);
    const json_t *report = e2e_report(client, 0);
    if (sys_is_wine_before(10) && code == 0) {
        assert_true(e2e_uint(report, "counters.closed_by_server") > 0);
        return;
    }
    assert_int_equal(code, 1);
    e2e_fails_as(report, "failed", 1);
    assert_int_equal(e2e_uint(report, "counters.failed"), 1);
    assert_int_equal(e2e_uint(report, "counters.lost"), 0);
    e2e_ends_add_up(report);
}

static void an_end_between_messages_is_fine(void **state)
{
    (void)state;
    fake_start(FAKE_CLOSE_IDLE, 0, SIZE_MAX);
    struct process *client = e2e_client_at(fake_server_port(fake), SELDOM, "--requests", "2", NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_between(e2e_uint(report, "counters.closed_by_server"), 1, 2);
    assert_int_equal(e2e_uint(report, "counters.messages"), 2);
    e2e_ends_add_up(report);
}

static void a_reset_after_our_end_is_fine(void **state)
{
    (void)state;
    fake_start(FAKE_RESET_END, 0, SIZE_MAX);
    struct process *client =
        e2e_client_at(fake_server_port(fake), "-s", "1000", "--requests", "3", NULL);
    const json_t *report = e2e_end_report(client, 0);
    uint64_t completed = e2e_uint(report, "counters.completed");
    e2e_succeeds(report);
    assert_int_equal(e2e_uint(report, "counters.reset_at_end") + completed, 1);
    assert_true(completed == 0 || sys_is_wine_before(10));
    assert_int_equal(e2e_uint(report, "counters.messages"), 3);
}

static void no_end_is_a_timeout(void **state)
{
    (void)state;
    fake_start(FAKE_SILENT_END, 0, SIZE_MAX);
    struct process *client = e2e_client_at(fake_server_port(fake), "-s", "1000", "--requests", "3",
                                           "--timeout", e2e_duration(1000), NULL);
    const json_t *report = e2e_end_report(client, 1);
    /* an answer may be late as well */
    uint64_t timeouts = e2e_uint(report, "counters.timeouts");
    uint64_t end_timeouts = e2e_uint(report, "counters.end_timeouts");
    e2e_fails_as(report, "timeout", end_timeouts + timeouts);
    assert_int_equal(end_timeouts, 1);
    assert_int_equal(e2e_uint(report, "counters.messages"), 3);
    assert_true(timeouts > 0 || strstr(e2e_string(report, "verdict"), "not ended by the server"));
}

static void cut_with_nothing_unanswered_is_fine(void **state)
{
    (void)state;
    fake_start(FAKE_SILENT_END, 0, SIZE_MAX);
    struct process *client =
        e2e_client_at(fake_server_port(fake), "-s", "1000", "--requests", "5", "--timeout",
                      E2E_NEVER, "--drain-timeout", "100ms", "-v", NULL);
    e2e_interrupt_after(client, "all answered, shutdown", 0);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_int_equal(e2e_uint(report, "counters.cut"), 1);
}

static void without_a_drain_timeout_messages_are_unanswered(void **state)
{
    (void)state;
    fake_start(FAKE_MUTE, 0, 1);
    struct process *client = e2e_client_at(fake_server_port(fake), "-c", "2", "-s", "1000", "-R",
                                           "100", "--drain-timeout", "0", "-v", NULL);
    e2e_interrupt_after(client, "ack(1) ", 0);
    const json_t *report = e2e_end_report(client, 1);
    /* the last message of the other connection may be under way, too */
    assert_between(e2e_failures(report, "unanswered"), 1, 2);
    assert_true(e2e_uint(report, "counters.messages") > 0);
    assert_true(e2e_uint(report, "latency_ns.unanswered_oldest") > 0);
    e2e_ends_add_up(report);
}

/* ---- every run ends ------------------------------------------------------------------------ */

/* The most connections made in a run that was given up. Each of two users waits 10 ms after its
 * first failure. It doubles the pause each time, up to a second. */
static uint64_t most_tries;

/* A run of --requests that can't reach its end. Returns the report. */
static const json_t *gives_up(const char *option)
{
    uint64_t begin_ms = e2e_now_ms();
    struct process *client = e2e_client_at(
        fake_server_port(fake), "-t", "2", "-c", "2", "-s", "1000", "--requests", "10", "--timeout",
        e2e_duration(300), "--give-up", e2e_duration(1000), option, NULL);
    e2e_ends(client, 1);
    uint64_t took_ms = e2e_now_ms() - begin_ms;
    assert_true(took_ms >= e2e_ms(1000));
    most_tries = 2 * (9 + took_ms / 1000);
    const json_t *report = e2e_report(client, 0);
    assert_int_equal(e2e_failures(report, "gave_up"), 1);
    assert_int_equal(e2e_uint(report, "counters.messages"), 0);
    e2e_ends_add_up(report);
    return report;
}

static void a_mute_server_is_given_up(void **state)
{
    (void)state;
    fake_start(FAKE_MUTE, 0, SIZE_MAX);
    const json_t *report = gives_up(NULL);
    assert_true(e2e_failures(report, "timeout") > 0);
}

/* There is also a pause before each connection that follows a wrong byte. */
static void a_server_that_is_always_wrong_is_given_up(void **state)
{
    (void)state;
    fake_start(FAKE_FLIP, 0, SIZE_MAX);
    const json_t *report = gives_up(NULL);
    assert_between(e2e_failures(report, "wrong_data"), 1, most_tries);
    assert_int_equal(e2e_uint(report, "counters.unanswered_messages"), 0);
    assert_int_equal(e2e_uint(report, "counters.unchecked_messages"),
                     e2e_uint(report, "counters.mismatches"));
}

/* The first bytes of each answer are right. */
static void a_server_that_begins_well_is_given_up(void **state)
{
    (void)state;
    fake_start(FAKE_FLIP, 600, SIZE_MAX);
    const json_t *report = gives_up(NULL);
    assert_true(e2e_failures(report, "wrong_data") > 0);
    assert_true(e2e_uint(report, "counters.verified") > 0);
}

/* A connection that ends with its only message half answered is no progress, although it ended. */
static void half_answers_are_given_up_though_drains_are_allowed(void **state)
{
    (void)state;
    fake_start(FAKE_CLOSE_EARLY, FAKE_SIZE / 2, SIZE_MAX);
    const json_t *report = gives_up("--allow-drain");
    uint64_t drained = e2e_uint(report, "counters.drained");
    assert_between(drained, 1, most_tries);
    assert_int_equal(e2e_failures(report, "silent"), drained);
    assert_int_equal(e2e_failures(report, "lost"), 0);
}

static void a_run_that_ends_before_its_warm_up_has_a_report(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_start(e2e_client_path, e2e_backend_argument(), e2e_text("127.0.0.1:%s", server.port),
                  "-w", E2E_NEVER, "--requests", "5", NULL);
    e2e_ends(client, 0);
    e2e_says(client, PROCESS_OUT, "OK\n");
    e2e_says(client, PROCESS_OUT, "nothing was measured");
    e2e_server_ends(&server);
}

static void a_run_may_stop_on_the_first_error(void **state)
{
    (void)state;
    fake_start(FAKE_FLIP, 5 * FAKE_SIZE, 1);
    struct process *client = e2e_client_at(fake_server_port(fake), "-t", "2", "-c", "4", "-s",
                                           "1000", "-d", E2E_NEVER, "--stop-on-error", NULL);
    const json_t *report = e2e_end_report(client, 1);
    assert_int_equal(e2e_failures(report, "wrong_data"), 1); /* the others may not be up yet */
    e2e_ends_add_up(report);
}

/* ---- connects ------------------------------------------------------------------------------ */

static void without_a_server_no_connection_comes_up(void **state)
{
    (void)state;
    struct process *client = e2e_client_at(e2e_free_port(), "-c", "3", "-d", E2E_NEVER, NULL);
    const json_t *report = e2e_end_report(client, 1);
    assert_int_equal(e2e_failures(report, "not_up"), 3);
    assert_int_equal(e2e_failures(report, "connect"), 3);
    assert_int_equal(e2e_uint(report, "up"), 0);
    assert_true(json_is_null(e2e_member(report, "latency_ns.min")));
    assert_non_null(strstr(e2e_string(report, "verdict"), "0 of 3 connections up: "));
}

/* A listener on Linux whose backlog is full makes connects wait. `*peer` is the connection of the
 * backlog that was accepted, if any. */
static unsigned full_listener(uv_os_sock_t *listener, struct e2e_server *address)
{
    *address = (struct e2e_server){.process = NULL};
    assert_int_equal(peer_bind(AF_INET, listener, &address->address), 0);
    assert_int_equal(peer_listen(*listener, 0), 0);
    return ntohs(((struct sockaddr_in *)(void *)&address->address)->sin_port);
}

static void connects_that_never_end_are_a_failure(void **state)
{
    struct e2e_server address;
    uv_os_sock_t listener;
    (void)state;
#ifndef __linux__
    e2e_skip("a full queue refuses here");
#endif
    unsigned port = full_listener(&listener, &address);
    (void)e2e_peer(&address); /* the connection that has room */
    struct process *client = e2e_client_at(port, "-c", "2", "-d", e2e_duration(300), NULL);
    e2e_ends(client, 1);
    peer_close(listener);
    const json_t *report = e2e_report(client, 0);
    e2e_fails_as(report, "not_up", 2);
    assert_int_equal(e2e_uint(report, "counters.abandoned"), 2);
    assert_int_equal(e2e_uint(report, "counters.connect_failures"), 0);
}

/* Echoes one whole message. */
static void echo_by_hand(uv_os_sock_t peer)
{
    char message[FAKE_SIZE];
    size_t length = 0;
    assert_int_equal(peer_block(peer, true), 0);
    while (length < FAKE_SIZE) {
        int got = peer_recv(peer, message + length, FAKE_SIZE - length);
        assert_true(got > 0);
        length += (size_t)got;
    }
    assert_int_equal(peer_send(peer, message, FAKE_SIZE), FAKE_SIZE);
}

static void a_reconnect_under_way_at_the_end_is_fine(void **state)
{
    struct e2e_server address;
    uv_os_sock_t listener;
    uv_os_sock_t peer;
    (void)state;
#ifndef __linux__
    e2e_skip("a full queue refuses here");
#endif
    unsigned port = full_listener(&listener, &address);
    struct process *client =
        e2e_client_at(port, "-s", "1000", "-R", "1", "--requests", "100", "-v", NULL);
    assert_int_equal(peer_accept(listener, &peer), 0);
    (void)e2e_peer(&address); /* from now on it has the only place of the backlog */
    echo_by_hand(peer);
    peer_close(peer);
    (void)e2e_line(client, PROCESS_ERR, "ack(1)", 0);
    e2e_interrupt_after(client, "closed", 0);
    e2e_ends(client, 0);
    peer_close(listener);
    const json_t *report = e2e_report(client, 0);
    e2e_succeeds(report);
    assert_int_equal(e2e_uint(report, "counters.closed_by_server"), 1);
    assert_int_equal(e2e_uint(report, "counters.abandoned"), 1);
}

static bool has_refused(void *argument)
{
    return process_count_lines(argument, PROCESS_ERR, "cannot connect") > 0;
}

static bool serves_again(void *argument)
{
    (void)argument;
    return fake_server_first(fake) != NULL;
}

static void a_reconnect_that_was_refused_is_a_failure(void **state)
{
    (void)state;
    fake_start(FAKE_ECHO, 0, 0);
    struct fake_plan again = {.size = FAKE_SIZE, .port = fake_server_port(fake)};
    struct process *client = e2e_client_at(again.port, "-s", "1000", NULL);
    assert_true(process_pump(PATIENCE_MS, serves_again, NULL));
    fake_server_stop(fake);
    fake = NULL;
    assert_true(process_pump(PATIENCE_MS, has_refused, client));
    fake = fake_server_start(process_loop(), &again);
    assert_non_null(fake);
    assert_true(process_pump(PATIENCE_MS, serves_again, NULL));
    e2e_signal(client, SIGINT);
    const json_t *report = e2e_end_report(client, 1);
    assert_int_equal(e2e_failures(report, "connect"),
                     e2e_uint(report, "counters.connect_failures"));
    assert_true(e2e_uint(report, "counters.connect_failures") > 0);
    assert_true(e2e_real(report, "down_seconds") > 0);
    assert_int_equal(e2e_failures(report, "not_up"), 0);
    assert_int_equal(e2e_uint(report, "up"), 1);
}

/* ---- the schedule -------------------------------------------------------------------------- */

/* A server with ten answers a second can't keep up with a thousand requests. On a slow machine the
 * client may be late as well. test_load.c tests each alone. */
static void a_slow_server_misses_the_rate(void **state)
{
    (void)state;
    fake_start(FAKE_SLOW, 0, SIZE_MAX);
    struct process *client =
        e2e_client_at(fake_server_port(fake), "-s", "1000", "-R", "1000", "-d", "1s", NULL);
    const json_t *report = e2e_end_report(client, 1);
    assert_true(e2e_failures(report, "rate") >= 980);
    const char *late = e2e_string(report, "late");
    assert_true(strcmp(late, "server") == 0 || strcmp(late, "client") == 0);
    assert_true(e2e_failures(report, "not_up") > 0 ||
                strstr(e2e_string(report, "verdict"), e2e_text("the %s was late", late)) != NULL);
}

/* No client begins a thousand million messages a second. */
static void a_client_out_of_breath_misses_the_rate(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-s", "1", "-P", "65536", "-R", "1000000000", "-d",
                                        e2e_duration(300), NULL);
    const json_t *report = e2e_end_report(client, 1);
    assert_true(e2e_failures(report, "rate") > 0);
    assert_string_equal(e2e_string(report, "late"), "client");
}

static void a_rate_that_is_kept_is_fine(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "-c", "5", "-s", "10", "-R", "10", "--requests", "10", NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_true(json_is_null(e2e_member(report, "late")));
    assert_int_equal(e2e_uint(report, "unsent"), 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        VERDICT(a_reset_between_messages_has_failed),
        VERDICT(an_end_between_messages_is_fine),
        VERDICT(a_reset_after_our_end_is_fine),
        VERDICT(no_end_is_a_timeout),
        VERDICT(cut_with_nothing_unanswered_is_fine),
        VERDICT(without_a_drain_timeout_messages_are_unanswered),
        VERDICT(a_mute_server_is_given_up),
        VERDICT(a_server_that_is_always_wrong_is_given_up),
        VERDICT(a_server_that_begins_well_is_given_up),
        VERDICT(half_answers_are_given_up_though_drains_are_allowed),
        VERDICT(a_run_that_ends_before_its_warm_up_has_a_report),
        VERDICT(a_run_may_stop_on_the_first_error),
        VERDICT(without_a_server_no_connection_comes_up),
        VERDICT(connects_that_never_end_are_a_failure),
        VERDICT(a_reconnect_under_way_at_the_end_is_fine),
        VERDICT(a_reconnect_that_was_refused_is_a_failure),
        VERDICT(a_slow_server_misses_the_rate),
        VERDICT(a_client_out_of_breath_misses_the_rate),
        VERDICT(a_rate_that_is_kept_is_fine),
    };
    return e2e_run(argc, argv, tests);
}
