/*
 * echo-bench with a command that starts its client. `carrier` takes the place of ssh. Runs are too
 * short to measure speed.
 */
#include "e2e.h"
#include "e2e_matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys.h"
#include "util.h"

static const char *program_at(const char *variable)
{
    const char *path = getenv(variable);
    assert_non_null(path);
    return path;
}

static const char *matrix(void)
{
    return e2e_matrix("\"uv\"", "{\"name\": \"one\", \"connections\": 1, \"size\": 64}");
}

/* The command for the client in this mode of the carrier. */
static const char *command_of(const char *mode)
{
    return e2e_text("'%s' %s \"%s\"", program_at("CARRIER"), mode, e2e_client_path);
}

static struct process *bench_by(const char *command, const char *option, const char *value,
                                const char *output)
{
    return e2e_start(program_at("ECHO_BENCH"), "--matrix", matrix(), "-o", output,
                     "--client-command", command, option, value, NULL);
}

static const json_t *results_in(const char *path)
{
    return e2e_parse(e2e_read_file(path));
}

/* All runs have agreeing books, or were too short for a message. */
static void runs_are_good(const json_t *document)
{
    const json_t *runs = e2e_member(json_array_get(e2e_member(document, "cases"), 0), "runs");
    assert_int_equal(json_array_size(runs), E2E_MATRIX_ROUNDS);
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *marks = e2e_member(json_array_get(runs, i), "marks");
        for (size_t k = 0; k < json_array_size(marks); k++) {
            assert_string_not_equal(json_string_value(json_array_get(marks, k)), "books");
        }
    }
}

static void the_client_is_described(const json_t *document, const char *command)
{
    assert_string_equal(e2e_string(document, "options.client_command"), command);
    assert_string_equal(e2e_string(document, "client.backend"),
                        e2e_string(document, "options.client_backend"));
    assert_string_not_equal(e2e_string(document, "client.backend"), "raw");
    assert_string_equal(e2e_string(document, "client.environment.cpu"),
                        e2e_string(document, "environment.cpu"));
    assert_true(e2e_uint(document, "client.environment.cpus") > 0);
    assert_null(json_object_get(e2e_member(document, "environment"), "client_cpu"));
    assert_null(json_object_get(e2e_member(document, "harness"), "null_cpu_per_message"));
    assert_null(json_object_get(e2e_member(document, "harness"), "floor_per_message"));
}

static void a_command_starts_the_client(void **state)
{
    const char *output = e2e_path("results.json");
    const char *command = command_of("run");
    (void)state;
    struct process *bench = bench_by(command, "--client-backend", "raw", output);
    e2e_ends(bench, 0);
    e2e_says(bench, PROCESS_OUT, "The client was '");
    assert_null(strstr(process_text(bench, PROCESS_OUT), "over the network"));
    const json_t *document = results_in(output);
    runs_are_good(document);
    the_client_is_described(document, command);
}

/* As ssh does it. */
static void a_shell_does_not_change_the_options(void **state)
{
    const char *output = e2e_path("results.json");
    (void)state;
    if (sys_slash_options) {
        e2e_skip("there is no sh");
    }
    e2e_ends(bench_by(command_of("shell"), "--pin", "off", output), 0);
    runs_are_good(results_in(output));
}

static void a_line_of_progress_does_not_hide_the_report(void **state)
{
    const char *output = e2e_path("results.json");
    (void)state;
    e2e_ends(bench_by(command_of("terminal"), "--pin", "off", output), 0);
    runs_are_good(results_in(output));
}

/* Also an address with more colons than one. */
static void servers_listen_where_they_are_told(void **state)
{
    const char *output = e2e_path("results.json");
    (void)state;
    if (!e2e_has_ipv6()) {
        e2e_skip("there is no IPv6 here");
    }
    e2e_ends(bench_by(command_of("run"), "--server-address", "::1", output), 0);
    const json_t *document = results_in(output);
    runs_are_good(document);
    assert_string_equal(e2e_string(document, "options.server_address"), "::1");
}

/* Nothing is measured then, and no file is written. */
static void fails_and_says(const char *command, const char *said)
{
    const char *output = e2e_path("nothing.json");
    struct process *bench = bench_by(command, "--pin", "apart", output);
    e2e_ends(bench, 1);
    e2e_says(bench, PROCESS_ERR, "first run of the client: failed: ");
    e2e_says(bench, PROCESS_ERR, said);
    e2e_says(bench, PROCESS_ERR, "a client on another machine needs --server-address");
    assert_string_equal(process_text(bench, PROCESS_OUT), "");
    FILE *file = fopen(output, "rb");
    assert_null(file);
}

static void a_command_that_fails_is_quoted(void **state)
{
    (void)state;
    fails_and_says(command_of("lost"), "--client-command's exit code is 255: ssh: connect to host "
                                       "h2 port 22: Connection refused\n");
    fails_and_says(e2e_text("'%s' run --no-such-option", e2e_client_path),
                   "--client-command's exit code is 2: echo-client: ");
    fails_and_says("no-such-program h2", "no-such-program");
}

static void what_is_not_a_report_is_refused(void **state)
{
    (void)state;
    fails_and_says(command_of("replace '\"format\":1,' '\"format\":2,'"),
                   "the format of its report is 2, and here it is 1");
    fails_and_says(command_of("replace '\"program\":\"echo-client\"' '\"program\":\"other\"'"),
                   "it is not echo-client");
    fails_and_says(e2e_text("'%s' run '%s' --version", program_at("CARRIER"), e2e_client_path),
                   "the client printed no report");
}

/* As a scheduler may do that chooses the machine by itself. */
static void a_client_that_moves_is_noticed(void **state)
{
    const char *output = e2e_path("results.json");
    (void)state;
    struct process *bench = bench_by(command_of("later '\"machine\":\"' '\"machine\":\"other-'"),
                                     "--pin", "apart", output);
    e2e_ends(bench, 1);
    e2e_says(bench, PROCESS_ERR,
             "one uv round 1: failed: the client ran on another machine or is "
             "another build: machine is 'other-");
    e2e_says(bench, PROCESS_OUT, "6 of 6 runs of uv are marked failed");
}

static void another_version_is_allowed_and_said(void **state)
{
    const char *output = e2e_path("results.json");
    (void)state;
    struct process *bench =
        bench_by(command_of("replace '\"commit\":\"' '\"commit\":\"not-'"), "--pin", "off", output);
    e2e_ends(bench, 0);
    e2e_says(bench, PROCESS_ERR, "echo-bench: the client is version ");
    e2e_says(bench, PROCESS_ERR, "(not-");
    runs_are_good(results_in(output));
}

struct refusal {
    const char *option;
    const char *value;
    const char *said;
};

static void what_does_not_fit_is_refused(void **state)
{
    static const struct refusal refusals[] = {
        {"--pin", "together", "--client-command can't be used with --pin=together"},
        {"--server-address", "0.0.0.0", "--server-address: '0.0.0.0' is not accepted"},
        {"--server-address", "[::]:6001", "--server-address: '[::]:6001' is not accepted"},
        {"--server-address", "localhost", "--server-address: 'localhost' is not accepted"},
        {"--server-address", "fe80::1%1", "--server-address: 'fe80::1%1' is not accepted"},
        {"--server-address", "127.0.0.1:0", "--server-address: '127.0.0.1:0' is not accepted"},
        {"--client-command", "ssh 'h2", "--client-command: 'ssh 'h2' is not accepted"},
        {"--target", "[fe80::1%eth0]:6001", "may mean something to a shell"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(refusals); i++) {
        struct process *bench = bench_by(command_of("run"), refusals[i].option, refusals[i].value,
                                         e2e_path("nothing.json"));
        e2e_ends(bench, 2);
        e2e_says(bench, PROCESS_ERR, refusals[i].said);
    }
    struct process *bench =
        e2e_start(program_at("ECHO_BENCH"), "--server-address", "127.0.0.1", "--peers", "x", NULL);
    e2e_ends(bench, 2);
    e2e_says(bench, PROCESS_ERR, "--peers can't be used with --server-address");
}

static void results_of_another_client_are_not_compared(void **state)
{
    const char *here = e2e_path("here.json");
    const char *there = e2e_path("there.json");
    (void)state;
    e2e_ends(e2e_start(program_at("ECHO_BENCH"), "--matrix", matrix(), "-o", here, NULL), 0);
    e2e_ends(bench_by(command_of("run"), "--pin", "apart", there), 0);
    struct process *compare = e2e_start(program_at("ECHO_BENCH"), "compare", here, there, NULL);
    e2e_ends(compare, 2);
    e2e_says(compare, PROCESS_ERR, "options.client_command differs");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(a_command_starts_the_client),
        E2E(a_shell_does_not_change_the_options),
        E2E(a_line_of_progress_does_not_hide_the_report),
        E2E(servers_listen_where_they_are_told),
        E2E(a_command_that_fails_is_quoted),
        E2E(what_is_not_a_report_is_refused),
        E2E(a_client_that_moves_is_noticed),
        E2E(another_version_is_allowed_and_said),
        E2E(what_does_not_fit_is_refused),
        E2E(results_of_another_client_are_not_compared),
    };
    return e2e_run(argc, argv, tests);
}
