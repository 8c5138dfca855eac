/*
 * The report so far, on stderr, while traffic runs and connections drain. It does not change what
 * is written to stdout and to the file of --json.
 */

#include "e2e.h"

#include <string.h>

#include "fake_server.h"

static void ask_server(const struct e2e_server *server)
{
    e2e_ask_report(e2e_server_path, server->process);
}

/* Waits for the last line of the n-th report, which --details adds. */
static void reported(struct process *process, size_t n)
{
    (void)e2e_line(process, PROCESS_ERR, "  cpu          ", n);
}

static void server_says(const struct e2e_server *server, const char *part)
{
    e2e_says(server->process, PROCESS_ERR, part);
}

/* ---- server -------------------------------------------------------------------------------- */

static void counts_are_those_of_now(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--details", "-t", "2", NULL);
    uv_os_sock_t peer = e2e_peer(&server);
    e2e_peer_echoes(peer, "hello", 5);
    ask_server(&server);
    reported(server.process, 0);
    server_says(&server, "echo-server: generation 1 so far, ");
    server_says(&server, "  connections  1 served: 1 open\n");
    server_says(&server, "  echoes       1, received 5 bytes, sent 5 bytes\n");
    e2e_peer_echoes(peer, "world", 5);
    ask_server(&server);
    reported(server.process, 1);
    server_says(&server, "  echoes       2, received 10 bytes, sent 10 bytes\n");
    e2e_peer_close(peer);
    e2e_server_ends(&server);
    assert_int_equal(e2e_report_count(server.process), 1);
    assert_int_equal(e2e_server_sum(server.process, "sent"), 10);
    assert_null(strstr(process_text(server.process, PROCESS_OUT), "so far"));
}

/* The report has each generation that has no report yet. A worker without a connection of the old
 * generation has handed in its part already. */
static void generations_that_drain_are_reported(void **state)
{
    static const char old_line[] = "echoes       1, received 5 bytes, sent 5 bytes";
    static const char young_line[] = "echoes       2, received 10 bytes, sent 10 bytes";
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--details", "-t", "2", "--drain-timeout", "60s", NULL);
    uv_os_sock_t old = e2e_peer(&server);
    e2e_peer_echoes(old, "hello", 5);
    e2e_ends(e2e_start(e2e_server_path, "--signal=restart", "--pid",
                       e2e_text("%d", process_id(server.process)), NULL),
             0);
    (void)e2e_line(server.process, PROCESS_ERR, "generation 2 serves", 0);
    ask_server(&server);
    reported(server.process, 0); /* so every worker knows of the restart */
    uv_os_sock_t young = e2e_peer(&server);
    e2e_peer_echoes(young, "young", 5);
    e2e_peer_echoes(young, "blood", 5);
    ask_server(&server);
    (void)e2e_line(server.process, PROCESS_ERR, young_line, 0);
    assert_int_equal(process_count_lines(server.process, PROCESS_ERR, "generation 1 so far"), 2);
    assert_int_equal(process_count_lines(server.process, PROCESS_ERR, old_line), 2);
    assert_int_equal(process_count_lines(server.process, PROCESS_ERR, "1 served: 1 open"), 3);
    e2e_peer_close(old);
    (void)e2e_line(server.process, PROCESS_OUT, "\"generation\":1,", 0);
    ask_server(&server);
    (void)e2e_line(server.process, PROCESS_ERR, young_line, 1);
    assert_int_equal(process_count_lines(server.process, PROCESS_ERR, "generation 1 so far"), 2);
    e2e_peer_close(young);
    e2e_server_ends(&server);
    assert_int_equal(e2e_report_count(server.process), 2);
}

static void a_server_that_ends_reports_too(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--details", "--drain-timeout", "60s", NULL);
    uv_os_sock_t peer = e2e_peer(&server);
    e2e_peer_echoes(peer, "hello", 5);
    e2e_signal(server.process, SIGTERM);
    assert_int_equal(e2e_peer_wait(peer, PATIENCE_MS), 0);
    ask_server(&server);
    reported(server.process, 0);
    server_says(&server, "1 served: 1 open");
    e2e_peer_close(peer);
    e2e_ends(server.process, 0);
    assert_int_equal(e2e_server_sum(server.process, "drained"), 1);
}

/* ---- both, under load ---------------------------------------------------------------------- */

#define REQUESTS 5
#define LATE_REQUESTS 20

static void traffic_goes_on(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--details", "-t", "2", "--stats-interval", "20ms", NULL);
    struct process *steady = e2e_client(&server, "--details", "-t", "2", "-c", "8", NULL);
    struct process *churn =
        e2e_client(&server, "--details", "-c", "4", "--lifetime", "2", "--allow-drain", NULL);
    e2e_sees_open(&server, 8);
    for (size_t i = 0; i < REQUESTS; i++) {
        ask_server(&server);
        e2e_ask_report(e2e_client_path, steady);
        e2e_ask_report(e2e_client_path, churn);
        reported(server.process, i);
        reported(steady, i);
        reported(churn, i);
    }
    e2e_says(steady, PROCESS_ERR, "so far: no failure\necho-client: 127.0.0.1:");
    e2e_says(steady, PROCESS_ERR, "  connections  8 up (8 at once): 8 still up\n");
    assert_int_equal(process_count_lines(steady, PROCESS_ERR, "so far: no failure"), REQUESTS);
    assert_string_equal(process_text(steady, PROCESS_OUT), "");
    e2e_signal(steady, SIGINT);
    e2e_signal(churn, SIGINT);
    e2e_ends(steady, 0);
    e2e_ends(churn, 0);
    e2e_succeeds(e2e_report(steady, 0));
    assert_int_equal(e2e_report_count(steady), 1);
    assert_int_equal(e2e_report_count(churn), 1);
    e2e_server_ends(&server);
    assert_int_equal(e2e_report_count(server.process), 1);
    assert_int_equal(e2e_server_sum(server.process, "sent"),
                     e2e_uint(e2e_report(steady, 0), "counters.verified") +
                         e2e_uint(e2e_report(churn, 0), "counters.verified"));
}

/* Workers restart and hand in their parts at different times. A report so far may miss some parts.
 * The final reports are complete. */
static void restarts_and_reports_do_not_meet(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--details", "-t", "4", "--stats-interval", "20ms", NULL);
    struct process *client =
        e2e_client(&server, "--details", "-c", "12", "--lifetime", "5", "--allow-drain", NULL);
    e2e_sees_open(&server, 12);
    for (unsigned i = 0; i < REQUESTS; i++) {
        e2e_signal(server.process, SIGHUP);
        ask_server(&server);
        (void)e2e_line(server.process, PROCESS_ERR, " so far, ", i);
        (void)e2e_line(server.process, PROCESS_ERR, e2e_text("generation %u serves", i + 2), 0);
    }
    e2e_signal(client, SIGINT);
    e2e_ends(client, 0);
    e2e_server_ends(&server);
    assert_int_equal(e2e_report_count(server.process), REQUESTS + 1);
    assert_int_equal(e2e_server_sum(server.process, "sent"),
                     e2e_uint(e2e_report(client, 0), "counters.verified"));
}

/* ---- client -------------------------------------------------------------------------------- */

static bool three_have_come(void *context)
{
    return fake_server_accepted(context) >= 3;
}

/* The third connection comes after the one that was lost. */
static void a_failure_is_reported_before_the_end(void **state)
{
    struct fake_plan plan = {.mode = FAKE_CLOSE_EARLY, .offset = 100, .size = 1000, .affected = 1};
    struct fake_server *fake = fake_server_start(process_loop(), &plan);
    (void)state;
    assert_non_null(fake);
    struct process *client =
        e2e_client_at(fake_server_port(fake), "--details", "-c", "2", "-s", "1000", NULL);
    assert_true(process_pump(PATIENCE_MS, three_have_come, fake));
    e2e_ask_report(e2e_client_path, client);
    reported(client, 0);
    e2e_says(client, PROCESS_ERR, "so far: FAILED: 1 connection lost: ");
    e2e_signal(client, SIGINT);
    e2e_ends(client, 1);
    fake_server_stop(fake);
    e2e_fails_as(e2e_report(client, 0), "lost", 1);
}

/* The measured time has not begun, and no message was answered. Before the end of the run neither
 * is a failure. */
static void nothing_is_claimed_that_is_not_over(void **state)
{
    (void)state;
    struct fake_plan plan = {.mode = FAKE_MUTE, .size = 1000, .affected = SIZE_MAX};
    struct fake_server *fake = fake_server_start(process_loop(), &plan);
    assert_non_null(fake);
    struct process *client =
        e2e_client_at(fake_server_port(fake), "--details", "-c", "2", "-s", "1000", "-d", "1h",
                      "-w", "30m", "-R", "100", "-v", "--drain-timeout", "0", NULL);
    (void)e2e_line(client, PROCESS_ERR, "connected, ", 0);
    e2e_ask_report(e2e_client_path, client);
    reported(client, 0);
    e2e_says(client, PROCESS_ERR, "so far: no failure\n");
    e2e_says(client, PROCESS_ERR, "nothing is measured before --warmup is over");
    e2e_signal(client, SIGINT);
    e2e_ends(client, 1);
    fake_server_stop(fake);
}

static void before_the_run_there_is_no_report(void **state)
{
    (void)state;
    struct process *client = e2e_client_at(e2e_free_port(), "--wait", "60s", NULL);
    (void)e2e_line(client, PROCESS_ERR, "waiting for ", 0);
    e2e_ask_report(e2e_client_path, client);
    e2e_interrupt_after(client, "no report so far: the run has not begun", 0);
    e2e_ends(client, 1);
}

/* ---- signals ------------------------------------------------------------------------------- */

static void the_signal_asks_for_it_as_well(void **state)
{
    (void)state;
#ifdef SIGUSR1
    struct e2e_server server;
    e2e_server(&server, "--details", "--stats-interval", "20ms", NULL);
    struct process *client = e2e_client(&server, "--details", NULL);
    e2e_sees_open(&server, 1);
    e2e_signal(server.process, SIGUSR1);
    e2e_signal(client, SIGUSR1);
    reported(server.process, 0);
    reported(client, 0);
#ifdef SIGINFO
    e2e_signal(server.process, SIGINFO);
    e2e_signal(client, SIGINFO);
    reported(server.process, 1);
    reported(client, 1);
#endif
    e2e_signal(client, SIGINT);
    e2e_ends(client, 0);
    e2e_books_agree(&server, client);
#else
    e2e_skip("there is no such signal here");
#endif
}

/* A request after the last report gets no answer, and does not end the program. */
static void a_request_at_the_very_end_changes_no_exit_code(void **state)
{
    (void)state;
#ifdef SIGUSR1
    struct e2e_server server;
    e2e_server(&server, "--details", NULL);
    for (unsigned i = 0; i < LATE_REQUESTS; i++) {
        struct process *client =
            e2e_client(&server, "--details", "-v", "-R", "100", "-d", "20ms", NULL);
        (void)e2e_line(client, PROCESS_ERR, "connected, ", 0);
        int code;
        do {
            (void)process_signal(client, SIGUSR1);
            code = process_wait(client, 0);
        } while (code == PROCESS_LATE);
        assert_int_equal(code, 0);
    }
    e2e_server_ends(&server);
#else
    e2e_skip("there is no such signal here");
#endif
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(counts_are_those_of_now),
        E2E(generations_that_drain_are_reported),
        E2E(a_server_that_ends_reports_too),
        E2E(traffic_goes_on),
        E2E(restarts_and_reports_do_not_meet),
        E2E(a_failure_is_reported_before_the_end),
        E2E(nothing_is_claimed_that_is_not_over),
        E2E(before_the_run_there_is_no_report),
        E2E(the_signal_asks_for_it_as_well),
        E2E(a_request_at_the_very_end_changes_no_exit_code),
    };
    return e2e_run(argc, argv, tests);
}
