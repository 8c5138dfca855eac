/* --interval, --json-stream and --percentiles: the run over time. */

#include "e2e.h"

#include <string.h>

/* The lines of a text, each an object: a new array. */
static json_t *read_lines(const char *text)
{
    json_t *lines = json_array();
    for (const char *end = strchr(text, '\n'); end != NULL; end = strchr(text, '\n')) {
        json_t *line = json_loadb(text, (size_t)(end - text), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(line);
        assert_int_equal(json_array_append_new(lines, line), 0);
        text = end + 1;
    }
    assert_string_equal(text, "");
    return lines;
}

/* Each interval begins where the one before has ended. Returns how many messages they have. */
static uint64_t sum_messages(const json_t *report)
{
    const json_t *intervals = e2e_member(report, "intervals");
    double at = 0;
    uint64_t messages = 0;
    uint64_t bytes = 0;
    assert_true(json_array_size(intervals) >= 2);
    for (size_t i = 0; i < json_array_size(intervals); i++) {
        const json_t *interval = json_array_get(intervals, i);
        assert_true(e2e_real(interval, "from_seconds") == at);
        at = e2e_real(interval, "until_seconds");
        assert_true(at > e2e_real(interval, "from_seconds"));
        messages += e2e_uint(interval, "messages");
        bytes += e2e_uint(interval, "bytes");
        (void)e2e_member(interval, "latency_ns.max");
    }
    assert_int_equal(bytes, e2e_uint(report, "counters.verified"));
    return messages;
}

static void intervals_add_up_to_the_run(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "4", "-i", "20ms", "-w", "50ms",
                                        "-d", e2e_duration(300), "--percentiles=50,99.9", NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_int_equal(sum_messages(report), e2e_uint(report, "counters.messages"));
    assert_int_equal(e2e_uint(report, "intervals_dropped"), 0);
    assert_int_equal(e2e_uint(report, "format"), 1);
    assert_int_equal(json_object_size(e2e_member(report, "latency_ns.percentiles")), 2);
    assert_non_null(json_object_get(e2e_member(report, "latency_ns.percentiles"), "99.9"));
    e2e_says(client, PROCESS_ERR, "Z  0.");
    e2e_says(client, PROCESS_ERR, " up  0 failed\n");
    e2e_books_agree(&server, client);
}

static void without_interval_there_is_none(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "--requests=10", NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_true(json_is_null(e2e_member(report, "intervals")));
    assert_true(json_is_null(e2e_member(report, "intervals_dropped")));
    assert_int_equal(json_object_size(e2e_member(report, "latency_ns.percentiles")), 6);
    e2e_server_ends(&server);
}

/* The stream's intervals are those of the report. */
static void check_stream(const char *text)
{
    json_t *lines = read_lines(text);
    size_t count = json_array_size(lines);
    const json_t *start = json_array_get(lines, 0);
    const json_t *report = json_array_get(lines, count - 1);
    assert_string_equal(e2e_string(start, "type"), "start");
    assert_int_equal(e2e_uint(start, "format"), 1);
    assert_int_equal(e2e_uint(start, "connections"), 1);
    for (size_t i = 1; i + 1 < count; i++) {
        assert_string_equal(e2e_string(json_array_get(lines, i), "type"), "interval");
    }
    assert_string_equal(e2e_string(report, "type"), "report");
    e2e_succeeds(report);
    assert_int_equal(sum_messages(report), e2e_uint(report, "counters.messages"));
    assert_int_equal(json_array_size(e2e_member(report, "intervals")),
                     count - 2 + e2e_uint(report, "lost_lines"));
    json_decref(lines);
}

static void a_stream_goes_to_a_file(void **state)
{
    struct e2e_server server;
    const char *path = e2e_path("run.jsonl");
    (void)state;
    e2e_server(&server, NULL);
    for (unsigned run = 0; run < 2; run++) { /* the second replaces the text of the first */
        struct process *client = e2e_client(&server, "-i", "10ms", "-d", e2e_duration(100),
                                            e2e_text("--json-stream=%s", path), NULL);
        e2e_succeeds(e2e_end_report(client, 0));
        check_stream(e2e_read_file(path));
    }
    e2e_server_ends(&server);
}

static void a_stream_goes_to_standard_output(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_start(e2e_client_path, e2e_backend_argument(), "-e", server.port,
                                       "-n", "127.0.0.1", "--json-stream", "-d", "10ms", NULL);
    e2e_ends(client, 0);
    const json_t *last = e2e_report(client, e2e_report_count(client) - 1);
    assert_string_equal(e2e_string(last, "type"), "report");
    assert_string_equal(e2e_string(e2e_report(client, 0), "type"), "start");
    e2e_server_ends(&server);
}

/* No run begins, so there need not be a server. */
static void wrong_values_are_explained(void **state)
{
    (void)state;
    struct process *client = e2e_client_at(e2e_free_port(), "--json-stream", NULL);
    e2e_ends(client, 2);
    e2e_says(client, PROCESS_ERR, "--json-stream: '-' is what --json has, too");
    client = e2e_client_at(e2e_free_port(), "--percentiles=50,101", NULL);
    e2e_ends(client, 2);
    e2e_says(client, PROCESS_ERR, "--percentiles: ");
    client = e2e_client_at(e2e_free_port(), "--interval=9ms", NULL);
    e2e_ends(client, 2);
    e2e_says(client, PROCESS_ERR, "--interval: ");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(intervals_add_up_to_the_run), E2E(without_interval_there_is_none),
        E2E(a_stream_goes_to_a_file),     E2E(a_stream_goes_to_standard_output),
        E2E(wrong_values_are_explained),
    };
    return e2e_run(argc, argv, tests);
}
