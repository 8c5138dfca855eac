/*
 * Signals from a terminal, and the same signals in a process without one. The cases are a closed
 * terminal, a daemon, nohup, a background job of a script, and the first process of a container.
 */

#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_server.h"
#include "terminal.h"

#define LOUD_HANG_UP "SIGHUP: finishing what is under way"

static void listens(struct e2e_server *server, struct process *process)
{
    e2e_server_listens(server, process);
}

/* A server as the leader of a session. */
static void server_on(struct e2e_server *server, const char *terminal)
{
    if (terminal == NULL) {
        e2e_skip("there is no pty here");
    }
    listens(server, e2e_start(getenv("ECHO_SESSION"), terminal, e2e_server_path, "-e:0", "--json",
                              e2e_backend_argument(), "--drain-timeout", "60s", NULL));
}

static struct process *client_on(const struct e2e_server *server, const char *terminal)
{
    if (terminal == NULL) {
        e2e_skip("there is no pty here");
    }
    return e2e_start(getenv("ECHO_SESSION"), terminal, e2e_client_path, "-e", server->port, "-c",
                     "2", "--json", "--drain-timeout", "60s", e2e_backend_argument(),
                     e2e_seed_argument(), NULL);
}

/* A server whose parent, a shell, ignores a signal. */
static void server_ignoring(struct e2e_server *server, const char *name)
{
    listens(server, e2e_start("/bin/sh", "-c", "trap '' \"$0\"; exec \"$@\"", name, e2e_server_path,
                              "-e:0", "--json", e2e_backend_argument(), NULL));
}

static void restarted(const struct e2e_server *server, unsigned generation)
{
    (void)e2e_line(server->process, PROCESS_ERR, e2e_text("generation %u serves", generation), 0);
}

static void is_told(const struct e2e_server *server, const char *what)
{
    e2e_ends(e2e_start(e2e_server_path, e2e_text("--signal=%s", what), "--pid",
                       e2e_text("%d", process_id(server->process)), NULL),
             0);
}

/* ---- the terminal is closed ---------------------------------------------------------------- */

/* A server with one connection, on a terminal that has been closed. */
static uv_os_sock_t peer_of_closed_terminal(struct e2e_server *server)
{
    server_on(server, terminal_open());
    uv_os_sock_t peer = e2e_peer(server);
    e2e_peer_echoes(peer, "hello", 5);
    terminal_close();
    return peer;
}

static void closing_the_terminal_stops_the_server(void **state)
{
    struct e2e_server server;
    (void)state;
    uv_os_sock_t peer = peer_of_closed_terminal(&server);
    (void)e2e_line(server.process, PROCESS_ERR, LOUD_HANG_UP, 0);
    assert_int_equal(e2e_peer_wait(peer, PATIENCE_MS), 0);
    e2e_peer_close(peer);
    e2e_ends(server.process, 0);
    assert_int_equal(e2e_report_count(server.process), 1);
    assert_int_equal(e2e_server_sum(server.process, "drained"), 1);
}

/* The system signals the session's leader, and the leader signals its jobs. So SIGHUP may come
 * twice. */
static void a_second_hang_up_cuts_nothing(void **state)
{
    struct e2e_server server;
    (void)state;
    uv_os_sock_t peer = peer_of_closed_terminal(&server);
    assert_int_equal(e2e_peer_wait(peer, PATIENCE_MS), 0);
    e2e_signal(server.process, SIGHUP);
    e2e_signal(server.process, SIGHUP);
    (void)process_pump(e2e_ms(100), NULL, NULL);
    e2e_peer_close(peer);
    e2e_ends(server.process, 0);
    assert_int_equal(e2e_server_sum(server.process, "drained"), 1);
    assert_null(strstr(process_text(server.process, PROCESS_ERR), "ending at once"));
}

static void hang_up_with_a_terminal_restarts(void **state)
{
    struct e2e_server server;
    (void)state;
    server_on(&server, terminal_open());
    e2e_signal(server.process, SIGHUP);
    restarted(&server, 2);
    e2e_peer_echoes(e2e_peer(&server), "hello", 5);
    e2e_tear_down_peers();
    terminal_close();
    e2e_ends(server.process, 0);
    assert_int_equal(e2e_report_count(server.process), 2);
}

static void hang_up_of_a_daemon_restarts(void **state)
{
    struct e2e_server server;
    (void)state;
    server_on(&server, "none");
    e2e_signal(server.process, SIGHUP);
    restarted(&server, 2);
    e2e_peer_echoes(e2e_peer(&server), "hello", 5);
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    assert_int_equal(e2e_report_count(server.process), 2);
}

/* It does so with a terminal, without one, and after the terminal was closed. */
static void a_request_restarts_with_a_terminal_and_without(void **state)
{
    struct e2e_server server;
    (void)state;
    server_on(&server, terminal_open());
    is_told(&server, "restart");
    restarted(&server, 2);
    e2e_signal(server.process, SIGUSR2);
    restarted(&server, 3);
    e2e_server_ends(&server);
    terminal_close();
    assert_int_equal(e2e_report_count(server.process), 3);
}

static void closing_the_terminal_ends_the_client(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--stats-interval", "20ms", NULL);
    struct process *client = client_on(&server, terminal_open());
    e2e_sees_open(&server, 2);
    terminal_close();
    (void)e2e_line(client, PROCESS_ERR, LOUD_HANG_UP, 0);
    e2e_ends(client, 0);
    e2e_books_agree(&server, client);
}

/* ---- ignored at the start ------------------------------------------------------------------ */

static void nohup_leaves_the_restart_by_request(void **state)
{
    struct e2e_server server;
    (void)state;
    listens(&server,
            e2e_start("nohup", e2e_server_path, "-e:0", "--json", e2e_backend_argument(), NULL));
    e2e_signal(server.process, SIGHUP);
    is_told(&server, "restart");
    restarted(&server, 2);
    e2e_server_ends(&server);
    assert_int_equal(e2e_report_count(server.process), 2);
}

static void nohup_keeps_the_client_going(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--stats-interval", "20ms", NULL);
    struct process *client = e2e_start("nohup", e2e_client_path, "-e", server.port, "-c", "2",
                                       "--json", e2e_backend_argument(), e2e_seed_argument(), NULL);
    e2e_sees_open(&server, 2);
    e2e_signal(client, SIGHUP);
    (void)process_pump(e2e_ms(100), NULL, NULL);
    e2e_signal(client, SIGTERM);
    e2e_ends(client, 0);
    e2e_says(client, PROCESS_ERR, "SIGTERM: finishing");
    assert_null(strstr(process_text(client, PROCESS_ERR), "SIGHUP"));
    e2e_books_agree(&server, client);
}

/* A non-interactive shell sets this up for a command before `&`. */
static void ctrl_c_is_not_for_the_background(void **state)
{
    struct e2e_server server;
    (void)state;
    server_ignoring(&server, "INT");
    e2e_signal(server.process, SIGINT);
    e2e_signal(server.process, SIGINT);
    e2e_signal(server.process, SIGHUP);
    restarted(&server, 2);
    e2e_server_ends(&server);
    assert_null(strstr(process_text(server.process, PROCESS_ERR), "SIGINT"));
}

/* No terminal sends these signals: they are meant for this process. */
static void what_is_sent_on_purpose_is_taken(void **state)
{
    struct e2e_server server;
    (void)state;
    server_ignoring(&server, "USR2");
    e2e_signal(server.process, SIGUSR2);
    restarted(&server, 2);
    e2e_server_ends(&server);
    server_ignoring(&server, "TERM");
    e2e_server_ends(&server);
}

/* ---- the line of progress ------------------------------------------------------------------ */

static void terminal_must_show(const char *part)
{
    if (!terminal_shows(part, (unsigned)PATIENCE_MS)) {
        fail_msg("no '%s' on the terminal:\n%s", part, terminal_text());
    }
}

static void a_server_that_drains_says_what_it_waits_for(void **state)
{
    struct e2e_server server;
    const char *path = terminal_open();
    (void)state;
    server_on(&server, path == NULL ? NULL : e2e_text("stderr=%s", path));
    uv_os_sock_t peers[] = {e2e_peer(&server), e2e_peer(&server)};
    e2e_peer_echoes(peers[0], "hello", 5);
    e2e_peer_echoes(peers[1], "hello", 5);
    e2e_signal(server.process, SIGTERM);
    terminal_must_show("s: 2 connections left, up to --drain-timeout 1m");
    e2e_peer_close(peers[0]);
    terminal_must_show("s: 1 connection left, up to --drain-timeout 1m");
    e2e_peer_close(peers[1]);
    e2e_ends(server.process, 0);
    terminal_must_show("draining ");
    terminal_close();
}

/* Its server sends no answer, and in the end the client loses its connections. */
static void a_client_that_drains_says_what_it_waits_for(void **state)
{
    struct fake_plan plan = {.mode = FAKE_MUTE, .size = 4096, .affected = 2};
    struct e2e_server server;
    const char *path = terminal_open();
    (void)state;
    if (path == NULL) {
        e2e_skip("there is no pty here");
    }
    struct fake_server *fake = fake_server_start(process_loop(), &plan);
    assert_non_null(fake);
    (void)snprintf(server.port, sizeof(server.port), "%u", fake_server_port(fake));
    struct process *client = client_on(&server, e2e_text("stderr=%s", path));
    terminal_must_show("2 up");
    e2e_signal(client, SIGINT);
    terminal_must_show("draining ");
    terminal_must_show("s: 2 connections left, up to --drain-timeout 1m");
    fake_server_stop(fake);
    e2e_ends(client, 1);
    terminal_close();
    e2e_fails_as(e2e_report(client, 0), "lost", 2);
}

/* ---- process 1 ----------------------------------------------------------------------------- */

#define NO_NAMESPACE 77

#ifdef __linux__

static struct process *beside(const struct e2e_server *server, const char *what)
{
    return e2e_start(getenv("ECHO_FIRST_PROCESS"), "join",
                     e2e_text("%d", process_id(server->process)), e2e_server_path,
                     e2e_text("--signal=%s", what), "--pid=1", NULL);
}

static bool has_namespaces(void)
{
    struct process *process =
        e2e_start(getenv("ECHO_FIRST_PROCESS"), "start", e2e_server_path, "--version", NULL);
    int code = process_wait(process, PATIENCE_MS);
    assert_true(code == 0 || code == NO_NAMESPACE);
    return code == 0;
}

static void process_1_can_be_told(void **state)
{
    struct e2e_server server;
    (void)state;
    if (e2e_is_sanitized()) {
        e2e_skip("the leak sanitizer looks for its process in a /proc that does not have it");
    }
    if (!has_namespaces()) {
        e2e_skip("this process may not make a namespace of processes");
    }
    listens(&server, e2e_start(getenv("ECHO_FIRST_PROCESS"), "start", e2e_server_path, "-e:0",
                               "--json", e2e_backend_argument(), NULL));
    const char *ready = e2e_line(server.process, PROCESS_OUT, "listening on ", 0);
    assert_string_equal(strstr(ready, " pid="), " pid=1");
    e2e_ends(beside(&server, "restart"), 0);
    restarted(&server, 2);
    (void)beside(&server, "stop"); /* the system kills it if process 1 ends first */
    e2e_ends(server.process, 0);
    assert_int_equal(e2e_report_count(server.process), 2);
}

#else

static void process_1_can_be_told(void **state)
{
    (void)state;
    e2e_skip("only Linux has namespaces of processes");
}

#endif

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(closing_the_terminal_stops_the_server),
        E2E(a_second_hang_up_cuts_nothing),
        E2E(hang_up_with_a_terminal_restarts),
        E2E(hang_up_of_a_daemon_restarts),
        E2E(a_request_restarts_with_a_terminal_and_without),
        E2E(closing_the_terminal_ends_the_client),
        E2E(nohup_leaves_the_restart_by_request),
        E2E(nohup_keeps_the_client_going),
        E2E(ctrl_c_is_not_for_the_background),
        E2E(what_is_sent_on_purpose_is_taken),
        E2E(a_server_that_drains_says_what_it_waits_for),
        E2E(a_client_that_drains_says_what_it_waits_for),
        E2E(process_1_can_be_told),
    };
    return e2e_run(argc, argv, tests);
}
