/*
 * A user's first attempts: the server's ready line as the client's address, and a client that is
 * started before its server.
 */

#include "e2e.h"
#include "util.h"

#include <string.h>

/* ---- HOST:PORT ----------------------------------------------------------------------------- */

/* The text after "listening on ", to the end of the line. */
static const char *place_of(const char *line)
{
    static const char begin[] = "listening on ";
    const char *end = strstr(line, " backend=");
    assert_memory_equal(line, begin, sizeof(begin) - 1);
    assert_non_null(end);
    line += sizeof(begin) - 1;
    return e2e_text("%.*s", (int)(end - line), line);
}

/* A client with these arguments reaches a server. */
static void reaches(const char *first, const char *second)
{
    struct process *client = e2e_start(e2e_client_path, first, "--requests=3", "-t:2",
                                       e2e_backend_argument(), e2e_seed_argument(), second, NULL);
    e2e_ends(client, 0);
    e2e_says(client, PROCESS_OUT, "2 completed");
}

static void listens_and_is_reached(const char *listen, const char *part)
{
    struct process *server =
        e2e_start(e2e_server_path, "-l", listen, "-t", "2", e2e_backend_argument(), NULL);
    const char *place = place_of(e2e_line(server, PROCESS_OUT, "listening on ", 0));
    const char *port = strrchr(place, ':') + 1;
    assert_non_null(strstr(place, part));
    reaches(place, NULL);
    reaches(e2e_text("-n:%s", place), NULL);
    reaches(e2e_text("--host=%s", place), e2e_text("-p:%s", port));
    reaches(e2e_text("%.*s", (int)(port - 1 - place), place), e2e_text("-p:%s", port));
}

static void the_ready_line_can_be_pasted(void **state)
{
    (void)state;
    listens_and_is_reached("127.0.0.1:0", "127.0.0.1:");
    listens_and_is_reached("0.0.0.0:0", "0.0.0.0:");
    listens_and_is_reached("*:0", "]:");
}

static void the_ready_line_can_be_pasted_with_ipv6(void **state)
{
    (void)state;
    if (!e2e_has_ipv6()) {
        e2e_skip("there is no IPv6 here");
    }
    listens_and_is_reached("[::1]:0", "[::1]:");
    listens_and_is_reached("[::]:0", "[::]:");
}

static void this_machine_and_a_name_are_reached(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server_listens(&server,
                       e2e_start(e2e_server_path, "-p", "0", e2e_backend_argument(), NULL));
    reaches(e2e_text(":%s", server.port), NULL);
    reaches(e2e_text("localhost:%s", server.port), NULL);
    reaches("localhost", e2e_text("-p:%s", server.port));
}

static void places_that_contradict_end_with_2(void **state)
{
    static const char *const lines[][2] = {
        {"127.0.0.1:6001", "-e:6002"},    {"127.0.0.1:6001", "-p:6002"},
        {"-n:127.0.0.1:6001", "-p:6002"}, {"127.0.0.1:6001", "-n:::1"},
        {"localhost", "otherhost"},       {"6001", "-v"},
        {"--json", "report.json"},        {"localhost:70000", "-v"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(lines); i++) {
        struct process *client = e2e_start(e2e_client_path, lines[i][0], lines[i][1], NULL);
        e2e_ends(client, 2);
        e2e_says(client, PROCESS_ERR, "echo-client: ");
        assert_int_equal(process_count_lines(client, PROCESS_ERR, ""), 1);
        assert_string_equal(process_text(client, PROCESS_OUT), "");
    }
}

/* ---- --wait -------------------------------------------------------------------------------- */

static struct process *waits_at(unsigned port, const char *time, const char *more)
{
    struct process *client = e2e_start(e2e_client_path, e2e_text("127.0.0.1:%u", port),
                                       e2e_text("--wait=%s", time), e2e_backend_argument(),
                                       e2e_seed_argument(), "--json", "-t:2", "-c:5", more, NULL);
    return client;
}

/* The reason is printed once, however many attempts follow. The run begins when there is a server,
 * which sees only the run's connections. */
static void a_client_waits_for_its_server(void **state)
{
    struct e2e_server server;
    unsigned port = e2e_free_port();
    (void)state;
    struct process *client = waits_at(port, E2E_NEVER, "--requests=100");
    assert_non_null(
        strstr(e2e_line(client, PROCESS_ERR, "waiting for ", 0),
               e2e_text("waiting for 127.0.0.1:%u: %s", port, uv_strerror(UV_ECONNREFUSED))));
    assert_false(process_has_ended(client));
    uint64_t begin_ms = e2e_now_ms();
    e2e_server_listens(&server, e2e_start(e2e_server_path, e2e_text("-p:%u", port), "--json",
                                          e2e_backend_argument(), NULL));
    e2e_ends(client, 0);
    uint64_t took_ms = e2e_now_ms() - begin_ms + 1;
    e2e_books_agree(&server, client);
    const json_t *report = e2e_report(client, 0);
    assert_int_equal(process_count_lines(client, PROCESS_ERR, "waiting for "), 1);
    assert_true(1000 * e2e_real(report, "seconds") <= (double)took_ms);
    assert_int_equal(e2e_uint(report, "counters.messages"), 100);
    assert_int_equal(e2e_uint(report, "counters.attempts"), 5);
    assert_int_equal(e2e_uint(report, "counters.connected"), 5);
    assert_int_equal(e2e_uint(report, "counters.connect_failures"), 0);
    assert_int_equal(e2e_errors(report, "connect", NULL), 0);
    assert_int_equal(e2e_server_sum(server.process, "accepted"), 5);
    assert_int_equal(e2e_server_sum(server.process, "closed_by_client"), 5);
}

static void a_server_that_is_up_is_not_waited_for(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "--wait=" E2E_NEVER, "-c:3", "--requests=9", "-R:1k", NULL);
    e2e_ends(client, 0);
    e2e_books_agree(&server, client);
    assert_int_equal(process_count_lines(client, PROCESS_ERR, "waiting"), 0);
    assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.messages"), 9);
    assert_int_equal(e2e_server_sum(server.process, "accepted"), 3);
}

static void the_time_to_wait_ends(void **state)
{
    unsigned port = e2e_free_port();
    (void)state;
    struct process *client = waits_at(port, "300ms", "-d:" E2E_NEVER);
    e2e_ends(client, 1);
    /* on a slow machine the wait ends before the first attempt has failed */
    bool tried = process_count_lines(client, PROCESS_ERR, "waiting for ") > 0;
    e2e_says(client, PROCESS_ERR,
             e2e_text("--wait: 127.0.0.1:%u is not up after 300ms: %s", port,
                      tried ? uv_strerror(UV_ECONNREFUSED) : "no answer"));
    assert_string_equal(process_text(client, PROCESS_OUT), "");
}

static void a_name_is_waited_for_too(void **state)
{
    (void)state;
    struct process *waits = e2e_start(e2e_client_path, "no-such-host.invalid:6001",
                                      "--wait=" E2E_NEVER, e2e_backend_argument(), NULL);
    (void)e2e_line(waits, PROCESS_ERR, "waiting for no-such-host.invalid:6001: ", 0);
    struct process *client = e2e_start(e2e_client_path, "no-such-host.invalid:6001", "--wait=300ms",
                                       e2e_backend_argument(), NULL);
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "--wait: no-such-host.invalid:6001 is not up after 300ms: ");
}

static void waiting_can_be_ended(void **state)
{
    (void)state;
    e2e_needs_signal(SIGTERM);
    for (int signals = 1; signals <= 2; signals++) {
        unsigned port = e2e_free_port();
        struct process *client = waits_at(port, E2E_NEVER, "-d:" E2E_NEVER);
        (void)e2e_line(client, PROCESS_ERR, "waiting for ", 0);
        e2e_signal(client, SIGTERM);
        if (signals > 1) {
            (void)process_signal(client, SIGTERM); /* the first may have ended it already */
        }
        e2e_ends(client, 1);
        e2e_says(client, PROCESS_ERR, e2e_text("told to end before 127.0.0.1:%u was up", port));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(the_ready_line_can_be_pasted),
        E2E(the_ready_line_can_be_pasted_with_ipv6),
        E2E(this_machine_and_a_name_are_reached),
        E2E(places_that_contradict_end_with_2),
        E2E(a_client_waits_for_its_server),
        E2E(a_server_that_is_up_is_not_waited_for),
        E2E(the_time_to_wait_ends),
        E2E(a_name_is_waited_for_too),
        E2E(waiting_can_be_ended),
    };
    return e2e_run(argc, argv, tests);
}
