/*
 * echo-bench as a process, with both programs under it. Each run is too short to measure speed. The
 * test checks that everything is measured, counted and written.
 */
#include "e2e.h"
#include "e2e_matrix.h"
#include "range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result.h"
#include "run.h"
#include "sys.h"
#include "util.h"

#define ROUNDS E2E_MATRIX_ROUNDS

static const char *bench_path(void)
{
    const char *path = getenv("ECHO_BENCH");
    assert_non_null(path);
    return path;
}

static const char *matrix_of(const char *cases)
{
    return e2e_matrix("\"uv\"", cases);
}

static const char small_case[] =
    "{\"name\": \"small\", \"connections\": 4, \"size\": 64, \"depth\": 2}";

static json_t *results_in(const char *path)
{
    json_t *document = e2e_parse(e2e_read_file(path));
    assert_int_equal(e2e_uint(document, "format"), 1);
    return document;
}

/* All runs of the first case. */
static const json_t *runs_in(const json_t *document)
{
    return e2e_member(json_array_get(e2e_member(document, "cases"), 0), "runs");
}

/* In so short a run a slow machine may not get that far. */
static bool run_was_too_short(const char *error)
{
    static const char *const errors[] = {" connections up", "not all connections came up",
                                         "not a message came back"};
    bool found = false;
    for (size_t i = 0; i < LENGTH(errors); i++) {
        found = found || strstr(error, errors[i]) != NULL;
    }
    return found;
}

/* The run has no fault, apart from what a slow machine causes. The client may be the bottleneck.
 * Returns false if the run was too short. */
static bool run_is_good(const json_t *run)
{
    const json_t *marks = e2e_member(run, "marks");
    bool good = true;
    for (size_t i = 0; i < json_array_size(marks); i++) {
        const char *mark = json_string_value(json_array_get(marks, i));
        if (strcmp(mark, "failed") == 0) {
            const char *error = e2e_string(run, "error");
            print_message("a run failed: %s\n", error);
            assert_true(run_was_too_short(error));
            good = false;
        } else {
            assert_string_equal(mark, "client-bound");
        }
    }
    return good;
}

/* False: the machine was too busy for a single message in so short a run. */
static bool speed_is_measured(const json_t *run)
{
    if (!run_is_good(run) || e2e_real(run, "messages_per_second") <= 0) {
        return false;
    }
    static const char *const members[] = {"messages_per_second", "bytes_per_second",
                                          "latency.p50",         "latency.p999",
                                          "latency.max",         "client_peak_rss"};
    for (size_t i = 0; i < LENGTH(members); i++) {
        if (!(e2e_real(run, members[i]) > 0)) {
            fail_msg("%s is %g", members[i], e2e_real(run, members[i]));
        }
    }
    /* Windows counts CPU time in ticks. A tick is a tenth of the run. */
    assert_true(sys_slash_options || e2e_real(run, "client_cpu_per_message") > 0);
    double bytes = e2e_real(run, "bytes_per_second");
    double messages = e2e_real(run, "messages_per_second");
    assert_true(bytes > 63.9 * messages && bytes < 64.1 * messages);
    assert_true(e2e_real(run, "latency.p50") <= e2e_real(run, "latency.max"));
    assert_int_equal(json_array_size(json_array_get(e2e_member(run, "percentiles"), 0)), 2);
    return true;
}

/* In the first case each subject runs once per round, each time at another place. */
static void rounds_are_complete(const json_t *document, size_t subjects)
{
    const json_t *runs = runs_in(document);
    size_t measured = 0;
    assert_int_equal(json_array_size(runs), ROUNDS * subjects);
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *run = json_array_get(runs, i);
        assert_int_equal(e2e_uint(run, "round"), i / subjects);
        assert_int_equal(e2e_uint(run, "order"), i % subjects);
        if (subjects > 1 && i >= subjects) {
            const json_t *above = json_array_get(runs, i - subjects);
            assert_string_not_equal(e2e_string(run, "subject"), e2e_string(above, "subject"));
        }
        measured += speed_is_measured(run);
    }
    assert_true(measured > 0);
}

/* Memory and CPU time of our own servers are known everywhere. */
static void servers_are_weighed(const json_t *document)
{
    const json_t *runs = runs_in(document);
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *run = json_array_get(runs, i);
        if (!speed_is_measured(run)) {
            continue;
        }
        assert_true(e2e_real(run, "server_peak_rss") > 0);
        assert_true(sys_slash_options || e2e_real(run, "server_cpu_per_message") > 0);
    }
}

static void a_matrix_is_measured(void **state)
{
    const char *output = e2e_path("results.json");
    const char *matrix = matrix_of(small_case);
    (void)state;
    struct process *bench = e2e_start(bench_path(), "--matrix", matrix, "-o", output, "--backend",
                                      "uv", "--backend", "raw", NULL);
    e2e_ends(bench, 0);
    e2e_says(bench, PROCESS_OUT, "small: 4 connections, messages of 64 B, 2 in flight; 6 rounds");
    const json_t *document = results_in(output);
    rounds_are_complete(document, 2);
    servers_are_weighed(document);
    const json_t *small = json_array_get(e2e_member(document, "cases"), 0);
    const json_t *ratio = json_array_get(e2e_member(small, "ratios"), 0);
    assert_non_null(ratio);
    assert_string_equal(e2e_string(ratio, "base"), "uv");
    assert_true(e2e_real(ratio, "ratio") > 0);
    assert_true(e2e_real(document, "harness.bench_load") > 0);
    assert_true(e2e_real(document, "harness.null_cpu_per_message") > 0);
    assert_true(e2e_real(document, "harness.empty_call") > 0);
    assert_true(e2e_real(document, "harness.floor_per_message") > 0);
    assert_int_equal(json_is_true(e2e_member(document, "environment.wine")), sys_is_wine());
    assert_string_equal(e2e_string(document, "environment.libuv"), uv_version_string());
}

/* So that it can be piped. */
static void results_on_stdout_are_alone_there(void **state)
{
    (void)state;
    struct process *bench = e2e_start(bench_path(), "--matrix", matrix_of(small_case), "-o", "-",
                                      "--backend", "uv", NULL);
    e2e_ends(bench, 0);
    const json_t *document = e2e_parse(process_text(bench, PROCESS_OUT));
    assert_int_equal(json_array_size(runs_in(document)), ROUNDS);
    e2e_says(bench, PROCESS_ERR, "small: 4 connections, messages of 64 B, 2 in flight; 6 rounds");
    e2e_says(bench, PROCESS_ERR, "6 of 6 runs, results on standard output");
}

/* Where Windows has no folder for it. */
static void results_go_to_a_device(void **state)
{
    (void)state;
    if (!sys_slash_options) {
        e2e_skip("test_bench_output_posix does it with devices of its own");
    }
    struct process *bench = e2e_start(bench_path(), "--matrix", matrix_of(small_case), "-o", "NUL",
                                      "--backend", "uv", NULL);
    e2e_ends(bench, 0);
    e2e_says(bench, PROCESS_ERR, "6 of 6 runs, results in 'NUL'");
}

static void results_are_compared_and_exported(void **state)
{
    const char *output = e2e_path("results.json");
    (void)state;
    e2e_ends(e2e_start(bench_path(), "--matrix", matrix_of(small_case), "-o", output, "--backend",
                       "uv", "--backend", "raw", "--quick", "--case", "small", NULL),
             0);
    struct process *compare = e2e_start(bench_path(), "compare", output, output, NULL);
    e2e_ends(compare, 0);
    e2e_says(compare, PROCESS_OUT, "0 worse by more than 3 %");
    struct process *exported = e2e_start(bench_path(), "export", output, NULL);
    e2e_ends(exported, 0);
    const json_t *list = e2e_parse(process_text(exported, PROCESS_OUT));
    for (size_t i = 0; i < json_array_size(list); i++) {
        assert_string_equal(e2e_string(json_array_get(list, i), "unit"), "ratio");
    }
    e2e_ends(e2e_start(bench_path(), "compare", output, "no-such-file", NULL), 2);
    e2e_ends(e2e_start(bench_path(), "compare", output, NULL), 2);
    e2e_ends(e2e_start(bench_path(), "export", NULL), 2);
    e2e_ends(e2e_start(bench_path(), "export", output, output, NULL), 2);
    compare = e2e_start(bench_path(), "compare", "--threshold=7", output, output, NULL);
    e2e_ends(compare, 0);
    e2e_says(compare, PROCESS_OUT, "0 worse by more than 7 %");
    compare = e2e_start(bench_path(), "compare", output, output, "--threshold", "8", NULL);
    e2e_ends(compare, 0);
    e2e_says(compare, PROCESS_OUT, "0 worse by more than 8 %");
}

/* The directory of a program. */
static const char *directory_of(const char *path)
{
    const char *end = path + strlen(path);
    while (end > path && strchr("/\\", end[-1]) == NULL) {
        end--;
    }
    return end > path ? e2e_text("%.*s", (int)(end - path - 1), path) : ".";
}

/* Runs are pairs, one of each server. The two take turns to go first. */
static void pairs_stand_together(const json_t *runs)
{
    assert_int_equal(json_array_size(runs), ROUNDS * 4);
    for (size_t i = 0; i < json_array_size(runs); i += 2) {
        const json_t *one = json_array_get(runs, i);
        const json_t *other = json_array_get(runs, i + 1);
        size_t round = i / 4;
        const char *new = e2e_string(round % 2 == 0 ? one : other, "subject");
        const char *old = e2e_string(round % 2 == 0 ? other : one, "subject");
        assert_string_equal(old, e2e_text("old:%s", new));
        assert_int_equal(e2e_uint(one, "round"), round);
        assert_int_equal(e2e_uint(other, "round"), round);
        (void)run_is_good(one);
        (void)run_is_good(other);
    }
}

/* The judgement may be anything here, since runs are short and both builds the same.
 * test_bench_against.c tests it. */
static void an_older_server_is_measured_by_turns(void **state)
{
    const char *output = e2e_path("results.json");
    const char *directory = directory_of(e2e_server_path);
    (void)state;
    struct process *bench =
        e2e_start(bench_path(), "--matrix", matrix_of(small_case), "-o", output, "--backend", "uv",
                  "--backend", "raw", "--quick", "--case", "small", "--against", directory, NULL);
    assert_between(process_wait(bench, PATIENCE_MS), 0, 1);
    const json_t *document = results_in(output);
    pairs_stand_together(runs_in(document));
    e2e_says(bench, PROCESS_OUT, "new : old");
    e2e_says(bench, PROCESS_OUT, " ratios of new to old: ");
    e2e_says(bench, PROCESS_OUT, " slower by more than 3 %");
}

static void an_older_server_has_no_peers(void **state)
{
    (void)state;
    struct process *bench = e2e_start(bench_path(), "--against", "x", "--target=127.0.0.1:1", NULL);
    e2e_ends(bench, 2);
    e2e_says(bench, PROCESS_ERR, "--against");
}

/* Checked before the first run, so that no run is wasted. */
static void programs_that_do_not_exist_are_not_measured(void **state)
{
    static const char *const options[] = {"--against", "--bin"};
    (void)state;
    for (size_t i = 0; i < LENGTH(options); i++) {
        struct process *bench = e2e_start(bench_path(), "--matrix", matrix_of(small_case),
                                          options[i], "no-such-directory", NULL);
        e2e_ends(bench, 2);
        e2e_says(bench, PROCESS_ERR,
                 e2e_text("%s: there is no echo-server in 'no-such-directory'", options[i]));
        assert_string_equal(process_text(bench, PROCESS_OUT), "");
    }
}

static void each_command_has_help(void **state)
{
    static const char *const commands[] = {"run", "compare", "export"};
    (void)state;
    for (size_t i = 0; i < LENGTH(commands); i++) {
        struct process *bench = e2e_start(bench_path(), commands[i], "--help", NULL);
        e2e_ends(bench, 0);
        e2e_says(bench, PROCESS_OUT, "Usage: echo-bench");
    }
}

/* A server that was there before, and one that is run with a port as its only argument. */
static void others_are_measured_beside_ours(void **state)
{
    const char *peers = getenv("BENCH_PEERS");
    const char *output = e2e_path("results.json");
    struct e2e_server target;
    (void)state;
    if (sys_slash_options) {
        e2e_skip("the peer is a shell script");
    }
    e2e_server(&target, NULL);
    const char *address = e2e_text("127.0.0.1:%s", target.port);
    struct process *bench =
        e2e_start(bench_path(), "--matrix", matrix_of(small_case), "-o", output, "--backend", "uv",
                  "--peers", peers, "--target", address, NULL);
    e2e_ends(bench, 0);
    rounds_are_complete(results_in(output), 4);
    e2e_says(bench, PROCESS_OUT, "peer:plain");
    e2e_says(bench, PROCESS_OUT, "peer:many");
    e2e_says(bench, PROCESS_OUT, e2e_text("target:%s", address));
}

/* Peers are told the number of threads, and peers with one thread stay out. */
static void peers_that_are_told_have_a_part_in_cases_with_more_workers(void **state)
{
    const char *peers = getenv("BENCH_PEERS");
    const char *output = e2e_path("results.json");
    const char *matrix =
        matrix_of("{\"name\": \"two\", \"connections\": 2, \"size\": 64, \"workers\": 2}");
    (void)state;
    if (sys_slash_options) {
        e2e_skip("the peer is a shell script");
    }
    struct process *bench = e2e_start(bench_path(), "--matrix", matrix, "-o", output, "--backend",
                                      "uv", "--peers", peers, NULL);
    e2e_ends(bench, 0);
    rounds_are_complete(results_in(output), 2);
    e2e_says(bench, PROCESS_OUT, "peer:many");
    assert_null(strstr(process_text(bench, PROCESS_OUT), "peer:plain"));
}

static void idle_connections_are_weighed(void **state)
{
    const char *output = e2e_path("results.json");
    const char *matrix =
        matrix_of("{\"name\": \"idle\", \"connections\": 64, \"size\": 64, \"idle\": true}");
    (void)state;
    e2e_ends(e2e_start(bench_path(), "--matrix", matrix, "-o", output, "--backend", "uv", NULL), 0);
    const json_t *runs = runs_in(results_in(output));
    assert_int_equal(json_array_size(runs), ROUNDS);
    for (size_t i = 0; i < ROUNDS; i++) {
        const json_t *run = json_array_get(runs, i);
        (void)run_is_good(run);
        assert_null(json_object_get(run, "messages_per_second"));
    }
}

/* What is done by then is in the file. */
static void a_signal_keeps_what_is_done(void **state)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    const char *output = e2e_path("results.json");
    const char *matrix = matrix_of(e2e_text("%s, {\"name\": \"second\", \"connections\": 1,"
                                            " \"size\": 1}",
                                            small_case));
    (void)state;
    if (sys_slash_options) {
        e2e_skip("there is no Ctrl-C for a process without a console");
    }
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        struct process *bench =
            e2e_start(bench_path(), "--matrix", matrix, "-o", output, "--backend", "uv", NULL);
        (void)e2e_line(bench, PROCESS_OUT, "small: 4 connections", 0);
        e2e_signal(bench, numbers[i]);
        e2e_ends(bench, 128 + numbers[i]);
        const json_t *document = results_in(output);
        rounds_are_complete(document, 1);
        size_t last = json_array_size(e2e_member(document, "cases")) - 1;
        const json_t *runs =
            e2e_member(json_array_get(e2e_member(document, "cases"), last), "runs");
        assert_true(last == 0 || json_array_size(runs) < ROUNDS);
    }
}

/* Good runs of other servers don't make up for it. */
static void a_server_without_a_good_run_beside_good_ones_is_a_failure(void **state)
{
    const char *matrix = matrix_of(small_case);
    const char *output = e2e_path("results.json");
    const char *nobody = e2e_text("127.0.0.1:%u", e2e_free_port());
    (void)state;
    struct process *bench = e2e_start(bench_path(), "--matrix", matrix, "-o", output, "--backend",
                                      "uv", "--target", nobody, NULL);
    e2e_ends(bench, 1);
    e2e_says(bench, PROCESS_ERR, e2e_text("small target:%s: no good run", nobody));
    e2e_says(bench, PROCESS_OUT, e2e_text("6 of 6 runs of target:%s are marked failed", nobody));
    assert_null(strstr(process_text(bench, PROCESS_ERR), "small uv: no good run"));
}

static void a_case_that_is_named_twice_is_measured_once(void **state)
{
    const char *output = e2e_path("results.json");
    (void)state;
    e2e_ends(e2e_start(bench_path(), "--matrix", matrix_of(small_case), "-o", output, "--backend",
                       "uv", "--case", "small", "--case", "small", NULL),
             0);
    const json_t *document = results_in(output);
    assert_int_equal(json_array_size(e2e_member(document, "cases")), 1);
    rounds_are_complete(document, 1);
}

static void a_target_has_part_in_cases_with_workers(void **state)
{
    const char *output = e2e_path("results.json");
    const char *matrix =
        matrix_of("{\"name\": \"two\", \"connections\": 4, \"size\": 64, \"workers\": 2}");
    struct e2e_server target;
    (void)state;
    e2e_server(&target, NULL);
    e2e_ends(e2e_start(bench_path(), "--matrix", matrix, "-o", output, "--backend", "uv",
                       "--target", e2e_text("127.0.0.1:%s", target.port), NULL),
             0);
    rounds_are_complete(results_in(output), 2);
}

/* Checked before the first run, so that no run is wasted. */
static void what_cannot_be_written_is_not_measured(void **state)
{
    const char *output = e2e_path("no-such-directory/results.json");
    (void)state;
    struct process *bench =
        e2e_start(bench_path(), "--matrix", matrix_of(small_case), "-o", output, NULL);
    e2e_ends(bench, 1);
    e2e_says(bench, PROCESS_ERR, e2e_text("cannot write '%s': ", output));
    assert_null(strstr(process_text(bench, PROCESS_ERR), "results in"));
    assert_string_equal(process_text(bench, PROCESS_OUT), "");
}

static void a_matrix_without_a_backend_for_here_is_said_to_be(void **state)
{
    const char *foreign = sys_slash_options ? "\"epoll\"" : "\"iocp\"";
    (void)state;
    struct process *bench =
        e2e_start(bench_path(), "--matrix", e2e_matrix(foreign, small_case), NULL);
    e2e_ends(bench, 1);
    e2e_says(bench, PROCESS_ERR, "works here: echo-server --backend=help says why");
}

static void what_cannot_be_measured_is_refused(void **state)
{
    const char *matrix = matrix_of(small_case);
    (void)state;
    struct process *bench = e2e_start(bench_path(), "--matrix", matrix, "--case", "large", NULL);
    e2e_ends(bench, 2);
    e2e_says(bench, PROCESS_ERR, "has no case 'large'");
    bench = e2e_start(bench_path(), "--matrix", matrix, "--backend", "cuneiform", NULL);
    e2e_ends(bench, 2);
    e2e_says(bench, PROCESS_ERR, "--backend: 'cuneiform' cannot be used");
    bench = e2e_start(bench_path(), "--matrix", "no-such-file", NULL);
    e2e_ends(bench, 2);
    e2e_says(bench, PROCESS_ERR, "no-such-file");
    bench = e2e_start(bench_path(), "--matrix", matrix, "--rounds", "5", NULL);
    e2e_ends(bench, 2);
}

/* The message has the server's own words, in one line. */
static void a_server_that_cannot_start_is_quoted(void **state)
{
    const char *output = e2e_path("results.json");
    const char *matrix = e2e_matrix(
        "{\"name\": \"odd\", \"backend\": \"uv\", \"arguments\": [\"--cuneiform\"]}", small_case);
    (void)state;
    struct process *bench = e2e_start(bench_path(), "--matrix", matrix, "-o", output, NULL);
    e2e_ends(bench, 1);
    const json_t *run = json_array_get(runs_in(results_in(output)), 0);
    e2e_says(bench, PROCESS_ERR, "odd round 1: failed: the server is not ready");
    e2e_says(bench, PROCESS_OUT, "6 of 6 runs of odd are marked failed");
    assert_string_equal(e2e_string(run, "error"),
                        "the server is not ready: echo-server: --cuneiform: unknown option; "
                        "--help lists them all");
}

static void a_program_that_hangs_is_said_to(void **state)
{
    const struct bench_case load = {
        .name = "a", .connections = 1, .size = 1, .depth = 1, .workers = 1};
    const struct subject subject = {.name = "uv", .backend = {.name = "uv", .backend = "uv"}};
    struct run_setup setup = {.client_backend = "uv",
                              .pin = PIN_OFF,
                              .buffer_size = KIB,
                              .times = {.duration_ns = 1, .warmup_ns = 1},
                              .late_ms = e2e_ms(2000)};
    (void)state;
    if (sys_slash_options) {
        e2e_skip("what hangs is a shell script");
    }
    (void)snprintf(setup.server, sizeof(setup.server), "%s", e2e_server_path);
    command_set_program(&setup.client, getenv("BENCH_HANGS"));
    (void)snprintf(setup.server_host, sizeof(setup.server_host), RUN_LOOPBACK);
    (void)snprintf(setup.server_port, sizeof(setup.server_port), "0");
    json_t *run = run_measure(&setup, &load, &subject);
    assert_true(result_has_mark(run, "failed"));
    assert_string_equal(result_text(run, "error"), "the client hung");
    json_decref(run);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(a_matrix_is_measured),
        E2E(results_on_stdout_are_alone_there),
        E2E(results_go_to_a_device),
        E2E(results_are_compared_and_exported),
        E2E(an_older_server_is_measured_by_turns),
        E2E(an_older_server_has_no_peers),
        E2E(programs_that_do_not_exist_are_not_measured),
        E2E(each_command_has_help),
        E2E(others_are_measured_beside_ours),
        E2E(peers_that_are_told_have_a_part_in_cases_with_more_workers),
        E2E(idle_connections_are_weighed),
        E2E(a_signal_keeps_what_is_done),
        E2E(a_server_without_a_good_run_beside_good_ones_is_a_failure),
        E2E(a_case_that_is_named_twice_is_measured_once),
        E2E(a_target_has_part_in_cases_with_workers),
        E2E(what_cannot_be_written_is_not_measured),
        E2E(a_matrix_without_a_backend_for_here_is_said_to_be),
        E2E(what_cannot_be_measured_is_refused),
        E2E(a_server_that_cannot_start_is_quoted),
        E2E(a_program_that_hangs_is_said_to),
    };
    return e2e_run(argc, argv, tests);
}
