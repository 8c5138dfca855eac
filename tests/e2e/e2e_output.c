/* Readers of the output that stop reading, and readers that go away. */

#include "e2e.h"

#include <stdio.h>
#include <string.h>

/* Each report in JSON has more than 2 KiB. No system buffers that many of them for a pipe. */
#define GENERATIONS 250

/* Restarts the server, and waits for the line of each generation. */
static void make_restarts(const struct e2e_server *server)
{
    for (unsigned i = 2; i <= GENERATIONS; i++) {
        e2e_signal(server->process, SIGHUP);
        (void)e2e_line(server->process, PROCESS_ERR, e2e_text("generation %u serves", i), 0);
    }
}

/* Stops the server, which must not end before its reports are read. */
static void waits_for_its_reader(const struct e2e_server *server)
{
    process_stop_reading(server->process, PROCESS_OUT);
    make_restarts(server);
    e2e_signal(server->process, SIGTERM);
    (void)e2e_line(server->process, PROCESS_ERR, "the reader of standard output", 0);
    assert_false(process_has_ended(server->process));
}

static void a_report_waits_for_its_reader(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_needs_signal(SIGHUP);
    e2e_server(&server, "-t", "1", NULL);
    waits_for_its_reader(&server);
    process_read_on(server.process, PROCESS_OUT);
    e2e_ends(server.process, 0);
    assert_int_equal(e2e_report_count(server.process), GENERATIONS);
}

static void the_second_stop_ends_that(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_needs_signal(SIGHUP);
    e2e_server(&server, "-t", "1", NULL);
    waits_for_its_reader(&server);
    e2e_signal(server.process, SIGTERM);
    (void)e2e_line(server.process, PROCESS_ERR, "standard output is not read", 0);
    process_close_out(server.process);
    e2e_ends(server.process, 1);
}

/* There are more lines than the writer buffers, and none is read. */
static void a_log_that_is_not_read_stalls_no_connection(void **state)
{
    static char data[64 * KIB];
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-v", "-t", "1", "--buffer-size=1KiB", NULL);
    process_stop_reading(server.process, PROCESS_ERR);
    e2e_noise(data, sizeof(data), 1);
    uv_os_sock_t peer = e2e_peer(&server);
    for (size_t i = 0; i < 200; i++) {
        e2e_peer_echoes(peer, data, sizeof(data));
    }
    e2e_peer_close(peer);
    e2e_signal(server.process, SIGTERM);
    process_read_on(server.process, PROCESS_ERR);
    e2e_ends(server.process, 0);
    e2e_says(server.process, PROCESS_ERR, "lines dropped: the reader is too slow");
}

/* A client has no other purpose than its output; a server has. */
static void a_client_ends_when_its_reader_has_gone(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-v", NULL);
    (void)e2e_line(client, PROCESS_ERR, "ack(", 1);
    process_close_err(client);
    e2e_ends(client, 1);
    e2e_succeeds(e2e_report(client, 0));
    e2e_server_ends(&server);
}

static void a_server_whose_log_is_not_read_serves_on(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-v", NULL);
    process_close_err(server.process);
    for (size_t i = 0; i < 2; i++) {
        e2e_ends(e2e_client(&server, "--requests", "20", NULL), 0);
    }
    e2e_signal(server.process, SIGTERM);
    e2e_ends(server.process, 1);
}

/* The old file stays until there is a report. Then the new file has all reports. */
static void json_replaces_the_file_when_it_is_complete(void **state)
{
    struct e2e_server server;
    const char *path = e2e_path("report.json");
    (void)state;
    e2e_needs_signal(SIGHUP);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fputs("old\n", file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
    e2e_server(&server, "-t", "1", e2e_text("--json=%s", path), NULL);
    assert_string_equal(e2e_read_file(path), "old\n");
    e2e_signal(server.process, SIGHUP);
    (void)e2e_line(server.process, PROCESS_OUT, "echo-server: generation 1", 0);
    e2e_server_ends(&server);
    const char *text = e2e_read_file(path);
    const char *second = strchr(text, '\n');
    assert_non_null(second);
    assert_non_null(strstr(text, "\"generation\":1,"));
    assert_non_null(strstr(second, "\"generation\":2,"));
    assert_null(strstr(text, "old"));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(a_report_waits_for_its_reader),
        E2E(the_second_stop_ends_that),
        E2E(a_log_that_is_not_read_stalls_no_connection),
        E2E(a_client_ends_when_its_reader_has_gone),
        E2E(a_server_whose_log_is_not_read_serves_on),
        E2E(json_replaces_the_file_when_it_is_complete),
    };
    return e2e_run(argc, argv, tests);
}
