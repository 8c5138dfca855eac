/* --hgrm: the percentiles in a file for other tools, beside the report. */

#include "e2e.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"

static const char *hgrm_argument(const char *path)
{
    return e2e_text("--hgrm=%s", path);
}

/* The value of the first row of at least `share`, in nanoseconds. */
static double value_at(const char *text, double share)
{
    double value_ms = 0;
    double reached = -1;
    assert_memory_equal(text, HEAD, strlen(HEAD));
    for (const char *line = text + strlen(HEAD); reached < share; line = strchr(line, '\n') + 1) {
        char *end;
        value_ms = strtod(line, &end);
        reached = strtod(end, &end);
        assert_true(strtoull(end, NULL, 10) > 0);
    }
    return value_ms * 1e6;
}

/* The text has a row of each of these shares, or one that stands for it. */
static void agrees_with_the_report(const char *text, const json_t *report)
{
    static const char *const members[] = {"latency_ns.p50", "latency_ns.p90", "latency_ns.max"};
    static const double shares[] = {0.5, 0.9, 1};
    const char *count =
        e2e_text("Total count    = %12" PRIu64 "]\n", e2e_uint(report, "latency_ns.count"));
    assert_non_null(strstr(text, count));
    for (size_t i = 0; i < 3; i++) {
        double value = value_at(text, shares[i]);
        double exact = (double)e2e_uint(report, members[i]);
        assert_true(value >= exact * 0.99 - 1 && value <= exact * 1.01 + 1);
    }
}

static void both_files_are_written(void **state)
{
    struct e2e_server server;
    const char *path = e2e_path("run.hgrm");
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "--requests", "500", hgrm_argument(path), NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    agrees_with_the_report(e2e_read_file(path), report);
    e2e_server_ends(&server);
}

/* Then the report is nowhere, as with --json. */
static void standard_output_may_have_it(void **state)
{
    struct e2e_server server;
    const char *json = e2e_path("run.json");
    (void)state;
    e2e_server(&server, NULL);
    struct process *client =
        e2e_start(e2e_client_path, e2e_backend_argument(), "-e", server.port, "--requests", "50",
                  "-n", "127.0.0.1", e2e_text("--json=%s", json), "--hgrm=-", NULL);
    e2e_ends(client, 0);
    e2e_says(client, PROCESS_OUT, HEAD);
    e2e_says(client, PROCESS_OUT, "\n#[Buckets = ");
    e2e_succeeds(e2e_parse(e2e_read_file(json)));
    e2e_server_ends(&server);
}

/* No run begins, so there need not be a server. */
static void what_cannot_be_written_is_said_before_the_run(void **state)
{
    (void)state;
    struct process *client = e2e_client_at(e2e_free_port(), "--wait=1h",
                                           hgrm_argument(e2e_path("no-such-folder/a")), NULL);
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "--hgrm: cannot write '");
}

static void two_texts_need_two_places(void **state)
{
    (void)state;
    struct process *client =
        e2e_client_at(e2e_free_port(), "--wait=1h", "--hgrm=-", "--json", NULL);
    e2e_ends(client, 2);
    e2e_says(client, PROCESS_ERR, "--hgrm: '-' is what --json has, too");
}

static void a_failed_run_leaves_no_draft_and_keeps_the_old_file(void **state)
{
    const char *path = e2e_path("old.hgrm");
    (void)state;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs("old\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct process *client =
        e2e_client_at(e2e_free_port(), "--wait=1ms", hgrm_argument(path), NULL);
    e2e_ends(client, 1);
    assert_string_equal(e2e_read_file(path), "old\n");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(both_files_are_written),
        E2E(standard_output_may_have_it),
        E2E(what_cannot_be_written_is_said_before_the_run),
        E2E(two_texts_need_two_places),
        E2E(a_failed_run_leaves_no_draft_and_keeps_the_old_file),
    };
    return e2e_run(argc, argv, tests);
}
