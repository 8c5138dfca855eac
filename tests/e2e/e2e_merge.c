/*
 * --merge: four clients with a share of one load, as processes of their own, and the report of the
 * whole. With -v each client says how long each message took. So the merge can be compared with one
 * histogram of all of them.
 */

#include "e2e.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"

#define RANKS 4
#define PERCENTILES "0,1,10,25,50,75,90,95,99,99.9,99.99,100"

static struct histogram all; /* what the clients have said */
static uint64_t sum_of_p99_ns;

static const char *file_of(unsigned rank)
{
    return e2e_path(e2e_text("c%u.json", rank));
}

/* Starts a client with a share of an endless load, which says when a message is verified. */
static struct process *start_rank(const struct e2e_server *server, unsigned rank)
{
    return e2e_start(e2e_client_path, e2e_backend_argument(),
                     e2e_text("127.0.0.1:%s", server->port), e2e_text("--share=%u/%u", rank, RANKS),
                     "-t", "2", "-c", "11", "-s", "64..1KiB", "--think=1ms", "--seed=7", "-v",
                     "--no-progress", "--interval=10ms", "--percentiles=" PERCENTILES,
                     e2e_text("--json=%s", file_of(rank)), NULL);
}

/* As the user would, also on Windows. */
static void stop(const struct process *client)
{
    e2e_ends(
        e2e_start(e2e_client_path, "--signal=stop", e2e_text("--pid=%d", process_id(client)), NULL),
        0);
}

/* The lines "ack(7) worker 0 connection 3 64 bytes 18.345 us" of a client. */
static void record_acks(struct process *client, struct histogram *into)
{
    const char *text = process_text(client, PROCESS_ERR);
    for (const char *at = strstr(text, "ack("); at != NULL; at = strstr(at + 1, "ack(")) {
        const char *end = at + strcspn(at, "\r\n");
        const char *number = end - strlen(" us");
        assert_memory_equal(number, " us", 3);
        while (number[-1] != ' ') {
            number--;
        }
        histogram_record(into, (uint64_t)llround(strtod(number, NULL) * 1000));
    }
}

/* Runs all four, two at each server, and stops them when all have verified messages. So there is a
 * time in which all measured. */
static void run_ranks(const struct e2e_server *one, const struct e2e_server *other)
{
    static struct histogram own;
    struct process *clients[RANKS];
    histogram_init(&all);
    sum_of_p99_ns = 0;
    for (unsigned i = 0; i < RANKS; i++) {
        clients[i] = start_rank(i < RANKS / 2 ? one : other, i);
    }
    for (unsigned i = 0; i < RANKS; i++) {
        (void)e2e_line(clients[i], PROCESS_ERR, "ack(", 100);
    }
    for (unsigned i = 0; i < RANKS; i++) {
        stop(clients[i]);
    }
    for (unsigned i = 0; i < RANKS; i++) {
        e2e_ends(clients[i], 0);
        histogram_init(&own);
        record_acks(clients[i], &own);
        histogram_merge(&all, &own);
        sum_of_p99_ns += histogram_percentile(&own, 99);
    }
}

/* Ends the server, and makes a file of its report. */
static const char *server_file(const struct e2e_server *server, const char *name)
{
    const char *path = e2e_path(name);
    e2e_server_ends(server);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    const char *report = strchr(process_text(server->process, PROCESS_OUT), '{');
    assert_non_null(report); /* after the line "listening on" */
    (void)fputs(report, file);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void check_buckets(const json_t *latency)
{
    const json_t *buckets = e2e_member(latency, "buckets");
    struct histogram_bucket bucket;
    size_t position = 0;
    size_t i = 0;
    for (; histogram_next(&all, &position, &bucket); i++) {
        const json_t *pair = json_array_get(buckets, i);
        assert_int_equal(json_integer_value(json_array_get(pair, 0)), bucket.upper);
        assert_int_equal(json_integer_value(json_array_get(pair, 1)), bucket.count);
    }
    assert_int_equal(json_array_size(buckets), i);
}

static void check_latency(const json_t *report)
{
    const json_t *latency = e2e_member(report, "latency_ns");
    const json_t *percentiles = e2e_member(latency, "percentiles");
    const char *name;
    json_t *value;
    assert_int_equal(e2e_uint(latency, "count"), all.count);
    assert_int_equal(e2e_uint(latency, "min"), all.min);
    assert_int_equal(e2e_uint(latency, "max"), all.max);
    assert_true(fabs(e2e_real(latency, "mean") - histogram_mean(&all)) <=
                1e-12 * histogram_mean(&all));
    assert_int_equal(json_object_size(percentiles), 12);
    json_object_foreach((json_t *)(uintptr_t)percentiles, name, value)
    {
        assert_int_equal(json_integer_value(value), histogram_percentile(&all, strtod(name, NULL)));
    }
    assert_int_equal(e2e_uint(latency, "p99"), histogram_percentile(&all, 99));
    check_buckets(latency);
}

/* Each begins where the one before has ended, and together they have all messages. */
static void check_intervals(const json_t *report)
{
    const json_t *intervals = e2e_member(report, "intervals");
    uint64_t messages = 0;
    double at = 0;
    assert_true(json_array_size(intervals) > 0);
    for (size_t i = 0; i < json_array_size(intervals); i++) {
        const json_t *interval = json_array_get(intervals, i);
        assert_true(e2e_real(interval, "from_seconds") == at);
        at = e2e_real(interval, "until_seconds");
        assert_true(at > e2e_real(interval, "from_seconds"));
        messages += e2e_uint(interval, "messages");
    }
    assert_int_equal(messages, e2e_uint(report, "counters.messages"));
}

static void check_clients(const json_t *report)
{
    const json_t *clients = e2e_member(report, "clients");
    uint64_t messages = 0;
    assert_int_equal(json_array_size(clients), RANKS);
    for (unsigned i = 0; i < RANKS; i++) {
        const json_t *client = json_array_get(clients, i);
        assert_int_equal(e2e_uint(client, "rank"), i);
        assert_string_equal(e2e_string(client, "file"), file_of(i));
        assert_true(json_is_true(e2e_member(client, "ok")));
        messages += e2e_uint(client, "messages");
    }
    assert_int_equal(messages, e2e_uint(report, "measured_messages"));
}

static void the_merge_is_exact(void **state)
{
    struct e2e_server one;
    struct e2e_server other;
    (void)state;
    e2e_server(&one, NULL);
    e2e_server(&other, NULL);
    run_ranks(&one, &other);
    const char *first = server_file(&one, "s1.json");
    const char *second = server_file(&other, "s2.json");
    struct process *merged =
        e2e_start(e2e_client_path, "--merge", file_of(3), file_of(2), file_of(1), file_of(0),
                  "--json", e2e_text("--server=%s", first), e2e_text("--server=%s", second), NULL);
    const json_t *report = e2e_end_report(merged, 0);
    e2e_succeeds(report);
    assert_int_equal(e2e_uint(report, "counters.messages"), all.count);
    assert_int_equal(e2e_uint(report, "connections"), 11);
    assert_int_equal(e2e_uint(report, "up"), 11);
    assert_int_equal(e2e_uint(report, "counters.completed"), 11);
    assert_string_equal(e2e_string(report, "size"), "64..1KiB");
    assert_int_equal(e2e_uint(report, "seed"), 7);
    assert_int_equal(json_array_size(e2e_member(report, "workers")), 2 * RANKS);
    assert_string_equal(e2e_string(report, "server.books"), "exact");
    assert_int_equal(e2e_uint(report, "server.accepted"), 11);
    assert_int_equal(e2e_uint(report, "server.received"), e2e_uint(report, "counters.sent"));
    assert_true(json_is_null(e2e_member(report, "share")));
    check_latency(report);
    check_intervals(report);
    check_clients(report);
    print_message("p99 of all: %.3f us; average of the p99 of each: %.3f us\n",
                  (double)e2e_uint(report, "latency_ns.p99") / 1e3,
                  (double)sum_of_p99_ns / 1e3 / RANKS);
}

/* ---- what is refused ----------------------------------------------------------------------- */

/* Runs one client with these options to its end. */
static const char *run_one(const struct e2e_server *server, const char *name, const char *share,
                           const char *option)
{
    const char *path = e2e_path(name);
    struct process *client =
        e2e_start(e2e_client_path, e2e_backend_argument(), e2e_text("127.0.0.1:%s", server->port),
                  "--requests=20", "-c", "2", "--seed=7", "--no-progress",
                  e2e_text("--json=%s", path), option, share, NULL);
    e2e_ends(client, 0);
    return path;
}

static void refuses(const char *one, const char *other, const char *reason)
{
    struct process *merged = e2e_start(e2e_client_path, "--merge", one, other, NULL);
    e2e_ends(merged, 1);
    e2e_says(merged, PROCESS_ERR, reason);
    assert_string_equal(process_text(merged, PROCESS_OUT), "");
}

static void what_is_not_one_run_is_refused(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    const char *zero = run_one(&server, "zero.json", "--share=0/2", "-P:1");
    const char *one = run_one(&server, "one.json", "--share=1/2", "-P:1");
    const char *large = run_one(&server, "large.json", "--share=1/2", "--size=65");
    const char *third = run_one(&server, "third.json", "--share=0/3", "-c:3");
    const char *alone = run_one(&server, "alone.json", "-P:1", "-P:1");
    refuses(zero, one, "there is no time in which all clients measured: rank 0 (");
    refuses(zero, large, "--size differs: 4096 of rank 0 (");
    refuses(zero, third, "the number of clients differs: ");
    refuses(zero, zero, "two files are of rank 0: ");
    refuses(zero, zero, "rank 1 of 2 is missing");
    refuses(zero, alone, "alone.json: its client was not started with --share");
    refuses(zero, e2e_path("none.json"), "none.json: cannot open it: ");
    refuses(zero, server_file(&server, "server.json"), "it is a report of echo-server; give it by");
}

static void one_client_is_a_fleet(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    const char *zero = run_one(&server, "zero.json", "--share=0/1", "-P:2");
    const char *books = server_file(&server, "server.json");
    const char *result = e2e_path("result.json");
    struct process *merged =
        e2e_start(e2e_client_path, zero, "--merge", e2e_text("--json=%s", result), "--server",
                  books, "--fail-if=max>0ns", "--details", NULL);
    e2e_ends(merged, 3);
    e2e_says(merged, PROCESS_OUT, "OK\necho-client: 127.0.0.1:");
    e2e_says(merged, PROCESS_OUT, "  fleet        1 client on 1 host\n");
    e2e_says(merged, PROCESS_OUT, "the books balance\n");
    e2e_says(merged, PROCESS_OUT, "  fail-if      max>0ns: yes, not good enough, ");
    refuses(zero, result, "result.json: it is the result of a merge; give the reports of all");
}

/* A client of no run was at the server, too. */
static void a_foreign_client_is_found_in_the_books(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    const char *zero = run_one(&server, "zero.json", "--share=0/1", "-P:1");
    (void)run_one(&server, "foreign.json", "-P:1", "-P:1");
    struct process *merged = e2e_start(e2e_client_path, "--merge", zero, "--server",
                                       server_file(&server, "server.json"), NULL);
    e2e_ends(merged, 1);
    e2e_says(merged, PROCESS_OUT,
             "FAILED: the books do not balance: the servers received 81,920 bytes more");
}

static void wrong_usage_is_explained(void **state)
{
    (void)state;
    struct process *merged = e2e_start(e2e_client_path, "--merge", NULL);
    e2e_ends(merged, 2);
    e2e_says(merged, PROCESS_ERR, "echo-client --merge: FILE: give the reports of all clients");
    merged = e2e_start(e2e_client_path, "a.json", "--merge", "-d", "1s", NULL);
    e2e_ends(merged, 2);
    e2e_says(merged, PROCESS_ERR, "echo-client --merge: -d: unknown option");
    merged = e2e_start(e2e_client_path, "--merge", "a.json", "--json=a.json", NULL);
    e2e_ends(merged, 2);
    e2e_says(merged, PROCESS_ERR, "--json: 'a.json' is one of the files to read");
    merged = e2e_start(e2e_client_path, "--help", "--merge", NULL);
    e2e_ends(merged, 0);
    e2e_says(merged, PROCESS_OUT, "Usage: echo-client --merge [OPTION]... FILE...");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(the_merge_is_exact),       E2E(what_is_not_one_run_is_refused),
        E2E(one_client_is_a_fleet),    E2E(a_foreign_client_is_found_in_the_books),
        E2E(wrong_usage_is_explained),
    };
    return e2e_run(argc, argv, tests);
}
