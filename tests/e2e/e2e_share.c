/* --share: several clients that do one load together, as a scheduler would start them. */

#include "e2e.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "range.h"
#include "util.h"

#define RANKS_MAX 4

static struct process *clients[RANKS_MAX];
static const json_t *reports[RANKS_MAX];

/* Starts client `rank` of `ranks`. The words after it are those of all. */
static void start(const struct e2e_server *server, int rank, int ranks, const char *const words[4])
{
    clients[rank] = e2e_client(server, e2e_text("--share=%d/%d", rank, ranks), words[0], words[1],
                               words[2], words[3], NULL);
}

/* Runs them to their end. On a slow machine a schedule may not be kept: `lenient`. */
static void run(const struct e2e_server *server, int ranks, bool lenient,
                const char *const words[4])
{
    for (int rank = 0; rank < ranks; rank++) {
        start(server, rank, ranks, words);
    }
    for (int rank = 0; rank < ranks; rank++) {
        int code = process_wait(clients[rank], PATIENCE_MS);
        if (code != 0 && !(lenient && code == 1)) {
            e2e_ends(clients[rank], 0); /* fails, and shows why */
        }
        reports[rank] = e2e_report(clients[rank], 0);
    }
}

static uint64_t sum(int ranks, const char *path)
{
    uint64_t total = 0;
    for (int rank = 0; rank < ranks; rank++) {
        total += e2e_uint(reports[rank], path);
    }
    return total;
}

/* Each has the same of it, or one more. */
static void is_divided(int ranks, const char *path, uint64_t whole)
{
    assert_int_equal(sum(ranks, path), whole);
    for (int rank = 0; rank < ranks; rank++) {
        uint64_t least = whole / (uint64_t)ranks;
        assert_between(e2e_uint(reports[rank], path), least, least + 1);
    }
}

/* What one client has of its schedule. */
static uint64_t scheduled(const json_t *report)
{
    return e2e_uint(report, "figures.begun") + e2e_uint(report, "figures.unsent");
}

static void parts_add_up_to_the_load(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    run(&server, 3, false, (const char *const[4]){"-c:10", "-t:2", "--requests=10007", NULL});
    is_divided(3, "counters.messages", 10007);
    is_divided(3, "counters.connected", 10);
    is_divided(3, "connections", 10);
    is_divided(3, "requests", 10007);
    assert_int_equal(sum(3, "counters.sent"), 10007 * 4096);
    assert_int_equal(sum(3, "counters.verified"), 10007 * 4096);
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "accepted"), 10);
    assert_int_equal(e2e_server_sum(server.process, "received"), 10007 * 4096);
    assert_int_equal(e2e_server_sum(server.process, "sent"), 10007 * 4096);
}

static void a_report_says_which_part_it_has(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    run(&server, 2, false,
        (const char *const[4]){"-c:5", "--rate=1k", "--requests=31", "--connect-rate=500"});
    for (int rank = 0; rank < 2; rank++) {
        const json_t *report = reports[rank];
        const json_t *share = e2e_member(report, "share");
        assert_int_equal(e2e_uint(share, "rank"), rank);
        assert_int_equal(e2e_uint(share, "ranks"), 2);
        assert_true(strlen(e2e_string(share, "host")) > 0);
        assert_string_equal(e2e_string(share, "start"), "own");
        assert_int_equal(e2e_uint(share, "connections"), 5);
        assert_int_equal(e2e_uint(share, "requests"), 31);
        assert_float_equal(e2e_real(share, "rate"), 1000, 0);
        assert_float_equal(e2e_real(share, "connect_rate"), 500, 0);
        assert_float_equal(e2e_real(report, "rate"), 500, 0);
        assert_float_equal(e2e_real(report, "connect_rate"), 250, 0);
        assert_int_equal(e2e_uint(report, "message_size.max"), 4096);
    }
}

static void a_report_says_when_it_was(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    run(&server, 2, false, (const char *const[4]){"-c:5", "--requests=500", NULL});
    for (int rank = 0; rank < 2; rank++) {
        const json_t *report = reports[rank];
        double from = e2e_real(report, "measured.from_seconds");
        double until = e2e_real(report, "measured.until_seconds");
        assert_true(e2e_real(report, "first_message_unix") >= e2e_real(report, "started_unix"));
        assert_true(e2e_real(report, "ended_unix") >= e2e_real(report, "first_message_unix"));
        assert_true(from >= 0 && until > from);
        assert_true(fabs(until - from - e2e_real(report, "seconds")) < 1e-8);
    }
}

/* Each message of the schedule begins somewhere, or counts as unsent, however slow the machine. */
static void parts_of_a_schedule_are_the_schedule(void **state)
{
    struct e2e_server server;
    uint64_t total = 0;
    (void)state;
    e2e_server(&server, NULL);
    run(&server, 4, true, (const char *const[4]){"-c:13", "-t:2", "--rate=2k", "-d:300ms"});
    for (int rank = 0; rank < 4; rank++) {
        assert_int_equal(scheduled(reports[rank]), 150);
        total += scheduled(reports[rank]);
    }
    assert_int_equal(total, 600);
}

/* The random times are those of one client with the same seed and as many workers. */
static void parts_of_random_gaps_are_those_of_one_client(void **state)
{
    struct e2e_server server;
    uint64_t total = 0;
    (void)state;
    e2e_server(&server, NULL);
    struct process *one =
        e2e_client(&server, "-c:9", "-t:4", "--rate=2k", "--arrival=poisson", "-d:300ms", NULL);
    int code = process_wait(one, PATIENCE_MS);
    assert_true(code == 0 || code == 1); /* on a slow machine */
    run(&server, 4, true,
        (const char *const[4]){"-c:9", "--rate=2k", "--arrival=poisson", "-d:300ms"});
    for (int rank = 0; rank < 4; rank++) {
        total += scheduled(reports[rank]);
    }
    assert_int_equal(total, scheduled(e2e_report(one, 0)));
}

/* With one connection for each worker, numbers and seed decide every size. */
static void parts_have_the_sizes_of_one_client(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *one = e2e_client(&server, "-t:4", "--requests=403", "-s:1..9000", NULL);
    const json_t *report = e2e_end_report(one, 0);
    run(&server, 4, false, (const char *const[4]){"--requests=403", "-s:1..9000", NULL});
    assert_int_equal(sum(4, "counters.verified"), e2e_uint(report, "counters.verified"));
    assert_true(e2e_uint(reports[0], "counters.verified") !=
                e2e_uint(reports[1], "counters.verified"));
}

static void the_rank_is_in_the_names_of_files(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    const char *json = e2e_text("--json=%s", e2e_path("share-{rank}.json"));
    const char *hgrm = e2e_text("--hgrm=%s", e2e_path("share-{rank}.hgrm"));
    for (int rank = 0; rank < 2; rank++) {
        start(&server, rank, 2, (const char *const[4]){json, hgrm, "--requests=10", NULL});
    }
    for (int rank = 0; rank < 2; rank++) {
        e2e_ends(clients[rank], 0);
        const char *text = e2e_read_file(e2e_path(e2e_text("share-%d.json", rank)));
        assert_int_equal(e2e_uint(e2e_parse(text), "share.rank"), rank);
        text = e2e_read_file(e2e_path(e2e_text("share-%d.hgrm", rank)));
        assert_non_null(strstr(text, "TotalCount"));
    }
}

static uint64_t count_in(const json_t *buckets, json_int_t upper)
{
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *bucket = json_array_get(buckets, i);
        if (json_integer_value(json_array_get(bucket, 0)) == upper) {
            return (uint64_t)json_integer_value(json_array_get(bucket, 1));
        }
    }
    return 0;
}

static void buckets_of_intervals_are_those_of_the_run(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    run(&server, 2, false, (const char *const[4]){"-c:4", "--requests=9000", "-i:10ms", NULL});
    const json_t *intervals = e2e_member(reports[1], "intervals");
    const json_t *buckets = e2e_member(reports[1], "latency_ns.buckets");
    assert_int_equal(e2e_uint(reports[1], "latency_ns.count"), 4500);
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *bucket = json_array_get(buckets, i);
        json_int_t upper = json_integer_value(json_array_get(bucket, 0));
        uint64_t total = 0;
        for (size_t n = 0; n < json_array_size(intervals); n++) {
            total += count_in(e2e_member(json_array_get(intervals, n), "buckets"), upper);
        }
        assert_int_equal(total, json_integer_value(json_array_get(bucket, 1)));
    }
}

/* A rank without a share, a rank that there is not, and fewer messages than clients. */
static void a_share_without_its_place_does_not_run(void **state)
{
    (void)state;
    e2e_ends(e2e_start(e2e_client_path, "--json={rank}", NULL), 2);
    e2e_ends(e2e_start(e2e_client_path, "--share=3/3", "--seed=1", NULL), 2);
    e2e_ends(e2e_start(e2e_client_path, "--share=1/3", "--seed=1", "--requests=2", NULL), 2);
}

/* A line of -v has the latency that the report counts. */
static void lines_have_whole_nanoseconds(void **state)
{
    struct e2e_server server;
    uint64_t most = 0;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-v", "--requests=25", NULL);
    const json_t *report = e2e_end_report(client, 0);
    for (size_t n = 0; n < 25; n++) {
        const char *line = e2e_line(client, PROCESS_ERR, "ack(", n);
        double us = strtod(strstr(line, " bytes ") + strlen(" bytes "), NULL);
        uint64_t ns = (uint64_t)llround(us * 1000);
        most = ns > most ? ns : most;
    }
    assert_int_equal(most, e2e_uint(report, "latency_ns.max"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(parts_add_up_to_the_load),
        E2E(a_report_says_which_part_it_has),
        E2E(a_report_says_when_it_was),
        E2E(parts_of_a_schedule_are_the_schedule),
        E2E(parts_of_random_gaps_are_those_of_one_client),
        E2E(parts_have_the_sizes_of_one_client),
        E2E(the_rank_is_in_the_names_of_files),
        E2E(buckets_of_intervals_are_those_of_the_run),
        E2E(a_share_without_its_place_does_not_run),
        E2E(lines_have_whole_nanoseconds),
    };
    return e2e_run(argc, argv, tests);
}
