/*
 * --signal: one process of a program tells another to stop, to restart or to report.
 */

#include "e2e.h"

#include <stdlib.h>
#include <string.h>

#include "sys.h"

/* Runs `program --signal=WHAT --pid=...`, which must exit with `code`. */
static struct process *send_signal(const char *program, const char *what, int pid, int code)
{
    struct process *sender =
        e2e_start(program, e2e_text("--signal=%s", what), "--pid", e2e_text("%d", pid), NULL);
    e2e_ends(sender, code);
    return sender;
}

static void stop_drains_the_server(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    uv_os_sock_t peer = e2e_peer(&server);
    e2e_peer_echoes(peer, "hello", 5);
    (void)send_signal(e2e_server_path, "stop", process_id(server.process), 0);
    assert_int_equal(e2e_peer_wait(peer, PATIENCE_MS), 0);
    e2e_peer_close(peer);
    e2e_ends(server.process, 0);
    e2e_says(server.process, PROCESS_ERR, "finishing what is under way");
    assert_int_equal(e2e_server_sum(server.process, "drained"), 1);
    assert_int_equal(e2e_server_sum(server.process, "received"), 5);
}

/* The second signal is sent after the first was handled, since two pending ones may become one. */
static void a_second_stop_ends_it_at_once(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--drain-timeout", E2E_NEVER, NULL);
    uv_os_sock_t peer = e2e_peer(&server);
    e2e_peer_echoes(peer, "hello", 5);
    (void)send_signal(e2e_server_path, "stop", process_id(server.process), 0);
    (void)e2e_line(server.process, PROCESS_ERR, "once more to end at once", 0);
    (void)send_signal(e2e_server_path, "stop", process_id(server.process), 0);
    e2e_ends(server.process, 1);
    e2e_says(server.process, PROCESS_ERR, "ending at once");
    assert_int_equal(e2e_server_sum(server.process, "cut"), 1);
}

static void restart_begins_a_new_generation(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    for (unsigned i = 1; i <= 3; i++) {
        (void)send_signal(e2e_server_path, "restart", process_id(server.process), 0);
        (void)e2e_line(server.process, PROCESS_ERR, e2e_text("generation %u serves", i + 1), 0);
    }
    e2e_peer_echoes(e2e_peer(&server), "hello", 5);
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    assert_int_equal(e2e_report_count(server.process), 4);
}

/* The client is stopped under load, and no message is lost. */
static void stop_ends_the_client(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--stats-interval", "20ms", NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "8", NULL);
    e2e_sees_open(&server, 8);
    (void)send_signal(e2e_client_path, "stop", process_id(client), 0);
    e2e_ends(client, 0);
    assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.completed"), 8);
    e2e_books_agree(&server, client);
}

static void a_missing_process_is_reported(void **state)
{
    (void)state;
    struct process *ended = e2e_start(e2e_server_path, "--version", NULL);
    e2e_ends(ended, 0);
    const char *message = e2e_text("there is no process %d", process_id(ended));
    e2e_says(send_signal(e2e_server_path, "stop", process_id(ended), 1), PROCESS_ERR, message);
    e2e_says(send_signal(e2e_server_path, "restart", process_id(ended), 1), PROCESS_ERR, message);
    e2e_says(send_signal(e2e_client_path, "stop", process_id(ended), 1), PROCESS_ERR, message);
}

static void a_stranger_is_reported(void **state)
{
    (void)state;
#ifdef _WIN32
    struct process *sender = send_signal(e2e_server_path, "stop", uv_os_getpid(), 1);
    e2e_says(sender, PROCESS_ERR, "is neither echo-server nor echo-client");
#else
    e2e_skip("a stranger gets the signal here, as from kill");
#endif
}

static void mistakes_end_with_2(void **state)
{
    (void)state;
    e2e_ends(e2e_start(e2e_server_path, "--signal=stop", NULL), 2);
    e2e_ends(e2e_start(e2e_server_path, "--pid=2", NULL), 2);
    e2e_ends(e2e_start(e2e_server_path, "--signal=stop", "--pid=0", NULL), 2);
    e2e_ends(e2e_start(e2e_server_path, "--signal=stop", "--pid=-1", NULL), 2);
    e2e_ends(e2e_start(e2e_server_path, "--signal=kill", "--pid=2", NULL), 2);
    e2e_ends(e2e_start(e2e_client_path, "--signal=restart", "--pid=2", NULL), 2);
}

/* There, process numbers are multiples of four. Elsewhere it is a process of the system, which no
 * test should signal. */
static void process_1_does_not_exist_on_windows(void **state)
{
    (void)state;
    if (!sys_slash_options) {
        e2e_skip("process 1 exists here");
    }
    e2e_says(send_signal(e2e_server_path, "stop", 1, 1), PROCESS_ERR, "there is no process 1");
}

/* The last word of the ready line is the number for --pid. */
static void the_ready_line_ends_with_the_pid(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    const char *ready = e2e_line(server.process, PROCESS_OUT, "listening on ", 0);
    const char *pid = strstr(ready, " pid=");
    assert_non_null(pid);
    assert_string_equal(pid, e2e_text(" pid=%d", process_id(server.process)));
    (void)send_signal(e2e_server_path, "stop", (int)strtol(pid + 5, NULL, 10), 0);
    e2e_ends(server.process, 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(stop_drains_the_server),
        E2E(a_second_stop_ends_it_at_once),
        E2E(restart_begins_a_new_generation),
        E2E(stop_ends_the_client),
        E2E(a_missing_process_is_reported),
        E2E(a_stranger_is_reported),
        E2E(mistakes_end_with_2),
        E2E(process_1_does_not_exist_on_windows),
        E2E(the_ready_line_ends_with_the_pid),
    };
    return e2e_run(argc, argv, tests);
}
