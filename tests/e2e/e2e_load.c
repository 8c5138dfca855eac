/*
 * The main task: a server, a client and every byte verified; and the options that shape the load.
 */

#include "e2e.h"

#include <math.h>
#include <string.h>

#include "range.h"
#include "util.h"

#define NEVER_S 3600 /* E2E_NEVER */

static void latency_is_in_order(const json_t *report)
{
    static const char *const names[] = {"min", "p50", "p90", "p99", "p999", "max"};
    const json_t *latency = e2e_member(report, "latency_ns");
    assert_true(e2e_uint(latency, "count") > 0);
    assert_true(e2e_uint(latency, "min") > 0);
    for (size_t i = 1; i < LENGTH(names); i++) {
        assert_true(e2e_uint(latency, names[i - 1]) <= e2e_uint(latency, names[i]));
    }
    double mean = e2e_real(latency, "mean");
    assert_true(mean >= (double)e2e_uint(latency, "min"));
    assert_true(mean <= (double)e2e_uint(latency, "max"));
}

static void client_report_is_complete(const json_t *report)
{
    assert_string_equal(e2e_string(report, "program"), "echo-client");
    assert_string_equal(e2e_string(report, "backend"), e2e_backend());
    assert_true(json_is_true(e2e_member(report, "ok")));
    assert_int_equal(e2e_uint(report, "threads"), 4);
    assert_int_equal(e2e_uint(report, "connections"), 8);
    assert_int_equal(e2e_uint(report, "size"), 4096);
    assert_int_equal(e2e_uint(report, "pipeline"), 1);
    assert_int_equal(e2e_uint(report, "up_peak"), 8);
    assert_int_equal(e2e_uint(report, "counters.connected"), 8);
    assert_int_equal(e2e_uint(report, "counters.completed"), 8);
    assert_int_equal(json_array_size(e2e_member(report, "errors")), 0);
    assert_int_equal(json_array_size(e2e_member(report, "workers")), 4);
    assert_int_equal(e2e_uint(report, "counters.verified"),
                     4096 * e2e_uint(report, "counters.messages"));
    assert_int_equal(e2e_uint(report, "counters.messages"), 4000);
    double seconds = e2e_real(report, "seconds");
    assert_true(seconds > 0);
    double rate = e2e_real(report, "messages_per_second");
    assert_true(rate > 0 && rate <= (double)e2e_uint(report, "counters.messages") / seconds + 1);
    assert_true(e2e_real(report, "bytes_per_second") > 0);
    assert_true(e2e_uint(report, "seed") > 0);
    assert_true(e2e_uint(report, "process.peak_rss_bytes") > 0);
    assert_true(e2e_real(report, "process.cpu_user_seconds") >= 0);
    assert_true(strlen(e2e_string(report, "environment.system")) > 0);
    assert_true(strlen(e2e_string(report, "environment.libuv")) > 0);
    latency_is_in_order(report);
}

static void server_report_is_complete(const json_t *report)
{
    const json_t *workers = e2e_member(report, "workers");
    uint64_t accepted = 0;
    uint64_t received = 0;
    assert_string_equal(e2e_string(report, "program"), "echo-server");
    assert_string_equal(e2e_string(report, "backend"), e2e_backend());
    assert_int_equal(e2e_uint(report, "generation"), 1);
    assert_true(json_is_true(e2e_member(report, "last")));
    assert_int_equal(json_array_size(e2e_member(report, "addresses")), 1);
    assert_int_equal(e2e_uint(report, "counters.accepted"), 8);
    assert_int_equal(e2e_uint(report, "counters.closed_by_client"), 8);
    assert_int_equal(json_array_size(e2e_member(report, "errors")), 0);
    assert_int_equal(json_array_size(workers), 2);
    for (size_t i = 0; i < json_array_size(workers); i++) {
        const json_t *worker = json_array_get(workers, i);
        assert_int_equal(e2e_uint(worker, "index"), i);
        accepted += e2e_uint(worker, "counters.accepted");
        received += e2e_uint(worker, "counters.received");
        assert_true(e2e_real(worker, "cpu_seconds") >= 0);
        assert_true(e2e_uint(worker, "io.wait_calls") > 0);
    }
    assert_int_equal(accepted, 8);
    assert_int_equal(received, e2e_uint(report, "counters.received"));
    assert_int_equal(e2e_uint(report, "options.threads"), 2);
    assert_true(e2e_uint(report, "process.peak_rss_bytes") > 0);
}

static void main_job(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "2", NULL);
    struct process *client = e2e_client(&server, "-t", "4", "-c", "8", "--requests", "4000", NULL);
    e2e_ends(client, 0);
    client_report_is_complete(e2e_report(client, 0));
    assert_int_equal(e2e_report_count(client), 1);
    e2e_books_agree(&server, client);
    if (process_has_ended(server.process)) {
        server_report_is_complete(e2e_report(server.process, 0));
        assert_int_equal(e2e_report_count(server.process), 1);
    }
}

static void is_near(double actual, double expected)
{
    if (!(fabs(actual - expected) <= 1e-6 * (1 + fabs(expected)))) {
        fail_msg("%.12g is not %.12g", actual, expected);
    }
}

/* The report of a run with a time limit. On a slow machine not all connections come up. */
static const json_t *report_of_a_time(struct process *client)
{
    int code = process_wait(client, PATIENCE_MS);
    const json_t *report = e2e_report(client, 0);
    if (code != 0) {
        assert_int_equal(code, 1);
        e2e_fails_as(report, "not_up", e2e_failures(report, "not_up"));
    }
    return report;
}

/* The measured time is the run's. All threads begin it together. */
static void measured_time_is_the_duration(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    const json_t *report =
        report_of_a_time(e2e_client(&server, "-t", "32", "-c", "32", "-d", "300ms", NULL));
    is_near(e2e_real(report, "seconds"), 0.3);
}

static void measured_time_ends_with_the_last_message(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "--requests", "100", "-d", E2E_NEVER, NULL);
    e2e_ends(client, 0);
    assert_true(e2e_real(e2e_report(client, 0), "seconds") < NEVER_S);
    client = e2e_client_at(e2e_free_port(), "-d", E2E_NEVER, NULL);
    e2e_ends(client, 1);
    assert_true(e2e_real(e2e_report(client, 0), "seconds") < NEVER_S);
}

/* A backlog of due messages does not delay the end. test_load.c tests how soon the end comes. */
static void a_rate_beyond_reach_has_an_end(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "-R", "1G", "-d", "500ms", "--drain-timeout", "0", NULL);
    const json_t *report = e2e_end_report(client, 1);
    uint64_t messages = e2e_uint(report, "unsent") + e2e_uint(report, "counters.messages");
    assert_between(messages, 499000000, 500000000);
}

static void command_lines_of_the_originals(void **state)
{
    struct e2e_server server;
    const char *port = e2e_text("-e:%u", e2e_free_port());
    (void)state;
    e2e_server_listens(&server, e2e_start(e2e_server_path, port, e2e_backend_argument(),
                                          "--stats-interval=20ms", NULL));
    struct process *client = e2e_start(e2e_client_path, "-n:127.0.0.1", "-t:32", "-v", port,
                                       e2e_backend_argument(), NULL);
    (void)e2e_line(client, PROCESS_ERR, "ack(1) ", 0);
    e2e_sees_open(&server, 32); /* lines that are not written in time are dropped */
    e2e_signal(client, SIGINT);
    e2e_ends(client, 0);
    e2e_signal(server.process, SIGINT);
    e2e_ends(server.process, 0);
    e2e_says(client, PROCESS_OUT, "32 connections");
    e2e_says(server.process, PROCESS_OUT, "32 served");
}

static void letters_of_the_originals(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_start(e2e_client_path, "-B:3", "-N:127.0.0.1", "-T:2", e2e_text("-E:%s", server.port),
                  "--requests=10", "--json", e2e_seed_argument(), e2e_backend_argument(), NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(e2e_uint(report, "size"), 3072);
    assert_int_equal(e2e_uint(report, "threads"), 2);
    assert_int_equal(e2e_uint(report, "counters.verified"), 30720);
    e2e_books_agree(&server, client);
}

/* ---- sizes and numbers --------------------------------------------------------------------- */

static void echo_of_size(const struct e2e_server *server, size_t size, unsigned requests)
{
    struct process *client = e2e_client(server, "-s", e2e_text("%u", (unsigned)size), "--requests",
                                        e2e_text("%u", requests), "--timeout", E2E_NEVER, NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.messages"), requests);
    assert_int_equal(e2e_uint(report, "counters.verified"), (uint64_t)size * requests);
    assert_int_equal(e2e_uint(report, "counters.sent"), (uint64_t)size * requests);
}

static void messages_of_all_sizes(void **state)
{
    static const size_t sizes[] = {1, 2, 4095, 4096, 4097, 65536, MIB + 1};
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "1", NULL);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        echo_of_size(&server, sizes[i], 3);
    }
}

static void b9_messages_larger_than_all_buffers(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "1", NULL);
    echo_of_size(&server, 16 * MIB, 2);
    echo_of_size(&server, 64 * MIB, 1);
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "sent"), 96 * MIB);
}

static void b8_more_threads_than_cpus(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--threads", "64", NULL);
    struct process *client =
        e2e_client(&server, "--threads", "64", "-c", "128", "--requests", "1280", NULL);
    e2e_ends(client, 0);
    assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.messages"), 1280);
    e2e_books_agree(&server, client);
    if (process_has_ended(server.process)) {
        const json_t *workers = e2e_member(e2e_report(server.process, 0), "workers");
        assert_int_equal(json_array_size(workers), 64);
    }
}

/* Three workers on two CPUs: the first CPU has two of them, as the report says. */
static void stay_on_their_cpus(struct process *process, int first, int second)
{
    size_t on_first = 0;
    size_t on_second = 0;
    if (strstr(process_text(process, PROCESS_ERR), "cannot pin") != NULL) {
        e2e_skip("there are no CPUs 0 and 1 for this process, or no way to pin a thread");
    }
    if (!process_pinned_threads(process, first, &on_first) ||
        !process_pinned_threads(process, second, &on_second)) {
        e2e_skip("the system does not say where threads may run");
    }
    assert_int_equal(on_first, 2);
    assert_int_equal(on_second, 1);
}

static void report_names_their_cpus(struct process *process, int first, int second)
{
    const json_t *workers = e2e_member(e2e_report(process, 0), "workers");
    assert_int_equal(json_array_size(workers), 3);
    for (size_t i = 0; i < 3; i++) {
        uint64_t cpu = e2e_uint(json_array_get(workers, i), "cpu");
        assert_int_equal(cpu, i % 2 == 0 ? first : second);
    }
}

static void workers_stay_on_the_cpus_that_were_named(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "3", "--cpus", "1,0", "--stats-interval", "20ms", NULL);
    stay_on_their_cpus(server.process, 1, 0);
    struct process *client = e2e_client(&server, "-t", "3", "-c", "3", "--cpus", "0-1", NULL);
    e2e_sees_open(&server, 3);
    stay_on_their_cpus(client, 0, 1);
    e2e_signal(client, SIGTERM);
    e2e_ends(client, 0);
    report_names_their_cpus(client, 0, 1);
    e2e_server_ends(&server);
    if (process_has_ended(server.process)) {
        report_names_their_cpus(server.process, 1, 0);
    }
}

static void workers_go_where_they_like_without_cpus(void **state)
{
    struct e2e_server server;
    size_t pinned = 0;
    (void)state;
    e2e_server(&server, "-t", "3", "--stats-interval", "20ms", NULL);
    struct process *client = e2e_client(&server, "-t", "3", "-c", "3", NULL);
    e2e_sees_open(&server, 3);
    for (int cpu = 0; cpu < 2 && uv_available_parallelism() > 1; cpu++) {
        assert_true(!process_pinned_threads(server.process, cpu, &pinned) || pinned == 0);
        assert_true(!process_pinned_threads(client, cpu, &pinned) || pinned == 0);
    }
    e2e_signal(client, SIGTERM);
    e2e_ends(client, 0);
    const json_t *workers = e2e_member(e2e_report(client, 0), "workers");
    assert_null(json_object_get(json_array_get(workers, 0), "cpu"));
}

static void b10_large_messages_do_not_stall(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "1", NULL);
    e2e_echoes_large_messages(&server, "1000");
}

static void b18_a_thousand_connections(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "2", NULL);
    /* each has one message, and stays up until the last of all has begun */
    struct process *client =
        e2e_client(&server, "-t", "2", "-c", "1000", "-s", "100", "--requests", "1000", "-R", "1k",
                   "--connect-timeout", E2E_NEVER, "--timeout", "0", NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(e2e_uint(report, "up_peak"), 1000);
    assert_int_equal(e2e_uint(report, "counters.completed"), 1000);
    e2e_books_agree(&server, client);
}

/* ---- the shape of the load ----------------------------------------------------------------- */

static void requests_are_counted_exactly(void **state)
{
    static const struct {
        const char *threads, *connections, *pipeline, *requests;
        uint64_t expected;
    } runs[] = {
        {"1", "1", "1", "1", 1},      {"1", "8", "1", "2", 2},     {"3", "7", "1", "1000", 1000},
        {"2", "3", "64", "500", 500}, {"4", "4", "5", "1k", 1000},
    };
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    for (size_t i = 0; i < LENGTH(runs); i++) {
        struct process *client =
            e2e_client(&server, "-t", runs[i].threads, "-c", runs[i].connections, "-P",
                       runs[i].pipeline, "--requests", runs[i].requests, "-s", "100", NULL);
        const json_t *report = e2e_end_report(client, 0);
        assert_int_equal(e2e_uint(report, "counters.messages"), runs[i].expected);
        assert_int_equal(e2e_uint(report, "counters.verified"), 100 * runs[i].expected);
        assert_int_equal(e2e_uint(report, "counters.sent"), 100 * runs[i].expected);
    }
}

static void lifetime_makes_new_connections(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "-c", "2", "--lifetime", "5", "--requests", "100", NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.messages"), 100);
    assert_between(e2e_uint(report, "counters.connected"), 20, 21);
    assert_int_equal(e2e_uint(report, "counters.completed"),
                     e2e_uint(report, "counters.connected"));
    e2e_books_agree(&server, client);
}

/* The server has echoed everything when the reset comes. Its kernel may report the reset, or only
 * the end. */
static void a_reset_may_end_a_lifetime(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "-c", "2", "--lifetime", "5", "--close=rst", "--requests", "100", NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.messages"), 100);
    assert_between(e2e_uint(report, "counters.reset"), 19, 20);
    assert_int_equal(e2e_uint(report, "counters.reset") + e2e_uint(report, "counters.completed"),
                     e2e_uint(report, "counters.connected"));
    assert_int_equal(json_array_size(e2e_member(report, "errors")), 0);
    e2e_ends_add_up(report);
}

/* Each of the two connections pauses after each echo but its last: at least one of them has five
 * messages. */
static void a_connection_thinks_before_its_next_message(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "-c", "2", "--think", "20ms", "--requests", "10", NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.messages"), 10);
    assert_true(e2e_real(report, "seconds") >= 4 * 0.020);
    e2e_books_agree(&server, client);
}

static void pipelined_messages_are_verified(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "-c", "3", "-P", "100", "-s", "777", "--requests", "3000", NULL);
    e2e_ends(client, 0);
    e2e_books_agree(&server, client);
}

static void messages_of_several_sizes_are_verified(void **state)
{
    static const char *const shapes[][2] = {
        {"--size", "1..100KiB"}, {"--size", "64:80%,64KiB:20%"}, {"--sizes", "w2"}};
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    for (size_t i = 0; i < LENGTH(shapes); i++) {
        struct process *client = e2e_client(&server, "-t", "2", "-c", "4", "-P", "3", shapes[i][0],
                                            shapes[i][1], "--requests", "1000", NULL);
        const json_t *report = e2e_end_report(client, 0);
        assert_int_equal(e2e_uint(report, "counters.messages"), 1000);
        assert_int_equal(e2e_uint(report, "counters.verified"), e2e_uint(report, "counters.sent"));
    }
}

/* No message begins before it is due, and all due messages are counted. test_load.c tests in
 * virtual time that none begins late. */
static void a_rate_is_not_exceeded(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "4", "--rate", "1000",
                                        "--requests", "500", "-s", "64", NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.messages"), 500);
    assert_true(e2e_real(report, "seconds") >= 0.499); /* the last one is due then */
    e2e_books_agree(&server, client);
}

static void what_is_due_in_a_time_is_begun_or_unsent(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "4", "--rate", "1000", "-d", "1s",
                                        "-s", "64", "--drain-timeout", E2E_NEVER, NULL);
    (void)process_wait(client, PATIENCE_MS);
    const json_t *report = e2e_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.messages") + e2e_uint(report, "unsent"), 1000);
}

/* The run ends after 500 messages, however long their gaps are. */
static void random_gaps_are_a_rate_too(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "6", "--bandwidth", "64000", "-s",
                                        "64", "--arrival=poisson", "--requests", "500", NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.messages"), 500);
    assert_true(e2e_real(report, "rate") > 999 && e2e_real(report, "rate") < 1001);
    assert_int_equal(e2e_uint(report, "latency_since_sent_ns.count"), 500);
    assert_true(e2e_uint(report, "lateness_ns.count") >= 500);
    e2e_books_agree(&server, client);
}

/* A connection without a message left must not wait for another when the last message has begun. */
static void requests_at_a_rate_come_to_an_end(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_client(&server, "-c", "3", "--requests", "10", "-R", "200", "-s", "64", NULL);
    e2e_ends(client, 0);
    assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.messages"), 10);
    e2e_books_agree(&server, client);
}

/* test_load.c tests which messages that leaves out. */
static void warm_up_is_left_out(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    const json_t *report =
        report_of_a_time(e2e_client(&server, "-w", "400ms", "-d", "600ms", NULL));
    is_near(e2e_real(report, "seconds"), 0.2);
    uint64_t measured = e2e_uint(report, "measured_messages");
    is_near(e2e_real(report, "messages_per_second") * 0.2, (double)measured);
    assert_true(measured <= e2e_uint(report, "counters.messages"));
}

/* ---- addresses ----------------------------------------------------------------------------- */

static void client_reaches(const char *host, const char *port)
{
    struct process *client = e2e_start(e2e_client_path, "-n", host, "-e", port, "--requests", "10",
                                       "--json", e2e_seed_argument(), e2e_backend_argument(), NULL);
    e2e_ends(client, 0);
    assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.messages"), 10);
}

static const char *port_of(const char *listening)
{
    const char *end = strstr(listening, " backend=");
    assert_non_null(end);
    const char *from = end;
    while (from[-1] != ':') {
        from--;
    }
    return e2e_text("%.*s", (int)(end - from), from);
}

static void both_families_on_one_socket(void **state)
{
    struct e2e_server server;
    (void)state;
    if (!e2e_has_ipv6()) {
        e2e_skip("there is no IPv6 here");
    }
    e2e_server_listens(&server, e2e_start(e2e_server_path, "-l", "[::]:0", "-t", "2",
                                          e2e_backend_argument(), NULL));
    e2e_says(server.process, PROCESS_OUT, "listening on [::]:");
    client_reaches("127.0.0.1", server.port);
    client_reaches("::1", server.port);
    client_reaches("localhost", server.port);
}

static void several_addresses(void **state)
{
    (void)state;
    struct process *server =
        e2e_start(e2e_server_path, "-l", "127.0.0.1:0", "-l", "localhost:0", "--listen=127.0.0.1:0",
                  "--threads=2", e2e_backend_argument(), NULL);
    for (size_t i = 0; i < 3; i++) {
        const char *line = e2e_line(server, PROCESS_OUT, "listening on ", i);
        assert_non_null(strstr(line, e2e_text(" backend=%s threads=2", e2e_backend())));
        client_reaches(strstr(line, "[::1]") != NULL ? "::1" : "127.0.0.1", port_of(line));
    }
}

static void ipv6_alone(void **state)
{
    struct e2e_server server;
    (void)state;
    if (!e2e_has_ipv6()) {
        e2e_skip("there is no IPv6 here");
    }
    e2e_server_listens(&server,
                       e2e_start(e2e_server_path, "-l", "[::1]:0", e2e_backend_argument(), NULL));
    client_reaches("::1", server.port);
    struct process *client = e2e_client(&server, "--requests", "1", NULL);
    e2e_ends(client, 1); /* 127.0.0.1 is another address */
}

/* ---- many at once -------------------------------------------------------------------------- */

/* Out of 100. On macOS and the BSDs the fastest worker accepts, so shares may be of any size. */
#if defined(__linux__) || defined(_WIN32)
static const uint64_t least_share = 25;
#else
static const uint64_t least_share = 0;
#endif

static bool shared_evenly(struct process *server)
{
    const json_t *workers = e2e_member(e2e_report(server, 0), "workers");
    for (size_t i = 0; i < json_array_size(workers); i++) {
        uint64_t accepted = e2e_uint(json_array_get(workers, i), "counters.accepted");
        print_message("worker %u: %u connections\n", (unsigned)i, (unsigned)accepted);
        if (accepted < least_share || accepted > 100 - least_share) {
            return false;
        }
    }
    return true;
}

static void workers_share_the_connections(void **state)
{
    bool even = false;
    (void)state;
    for (unsigned run = 0; run < 2 && !even; run++) {
        struct e2e_server server;
        e2e_server(&server, "--threads", "2", NULL);
        struct process *client =
            e2e_client(&server, "-c", "100", "--requests", "1000", "-s", "100", NULL);
        e2e_ends(client, 0);
        e2e_server_ends(&server);
        even = shared_evenly(server.process);
    }
    assert_true(even);
}

static void b11_a_small_backlog_delays_connections_and_loses_none(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--backlog", "8", "-t", "1", NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "40", "--requests", "400",
                                        "--connect-timeout", E2E_NEVER, "--timeout", "0", NULL);
    e2e_ends(client, 0);
    assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.messages"), 400);
    e2e_books_agree(&server, client);
}

static void b11_the_backlog_holds_connections_while_none_is_accepted(void **state)
{
    enum { PEERS = 100 };
    uv_os_sock_t peers[PEERS];
    struct e2e_server server;
    (void)state;
    e2e_needs_signal(SIGSTOP);
    e2e_server(&server, NULL);
    e2e_signal(server.process, SIGSTOP);
    for (size_t i = 0; i < PEERS; i++) {
        peers[i] = e2e_peer(&server); /* waits until it is connected */
    }
    e2e_signal(server.process, SIGCONT);
    for (size_t i = 0; i < PEERS; i++) {
        e2e_peer_echoes(peers[i], "here", 4);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(main_job),
        E2E(measured_time_is_the_duration),
        E2E(measured_time_ends_with_the_last_message),
        E2E(a_rate_beyond_reach_has_an_end),
        E2E(command_lines_of_the_originals),
        E2E(letters_of_the_originals),
        E2E(messages_of_all_sizes),
        E2E(b9_messages_larger_than_all_buffers),
        E2E(b8_more_threads_than_cpus),
        E2E(workers_stay_on_the_cpus_that_were_named),
        E2E(workers_go_where_they_like_without_cpus),
        E2E(b10_large_messages_do_not_stall),
        E2E(b18_a_thousand_connections),
        E2E(requests_are_counted_exactly),
        E2E(lifetime_makes_new_connections),
        E2E(a_reset_may_end_a_lifetime),
        E2E(a_connection_thinks_before_its_next_message),
        E2E(pipelined_messages_are_verified),
        E2E(messages_of_several_sizes_are_verified),
        E2E(a_rate_is_not_exceeded),
        E2E(random_gaps_are_a_rate_too),
        E2E(what_is_due_in_a_time_is_begun_or_unsent),
        E2E(requests_at_a_rate_come_to_an_end),
        E2E(warm_up_is_left_out),
        E2E(both_families_on_one_socket),
        E2E(several_addresses),
        E2E(ipv6_alone),
        E2E(workers_share_the_connections),
        E2E(b11_a_small_backlog_delays_connections_and_loses_none),
        E2E(b11_the_backlog_holds_connections_while_none_is_accepted),
    };
    return e2e_run(argc, argv, tests);
}
