/* The reports of both programs, with numbers made up: each counter has another one. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client_report.h"
#include "server_report.h"
#include "units.h"

#define WORKERS 2

static FILE *file;
static char text[1 << 16];

static const char *written(void)
{
    rewind(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    assert_true(length < sizeof(text) - 1);
    text[length] = '\0';
    return text;
}

/* For another report. */
static void clear(void)
{
    (void)fclose(file);
    file = tmpfile();
    assert_non_null(file);
}

static void assert_has(const char *what)
{
    if (strstr(text, what) == NULL) {
        (void)printf("%s\n", text);
        fail_msg("no '%s' in the above", what);
    }
}

static void assert_has_not(const char *what)
{
    if (strstr(text, what) != NULL) {
        (void)printf("%s\n", text);
        fail_msg("'%s' in the above", what);
    }
}

/* That the JSON has it, with this number. */
static void assert_member(const char *name, uint64_t value)
{
    char inside[128];
    char last[128];
    (void)snprintf(inside, sizeof(inside), "\"%s\":%" PRIu64 ",", name, value);
    (void)snprintf(last, sizeof(last), "\"%s\":%" PRIu64 "}", name, value);
    if (strstr(text, inside) == NULL && strstr(text, last) == NULL) {
        (void)printf("%s\n", text);
        fail_msg("no %s in the above", inside);
    }
}

/* One object in one line, as JSON Lines want it. */
static void assert_is_a_line(void)
{
    size_t length = strlen(text);
    assert_true(length > 3);
    assert_int_equal(text[0], '{');
    assert_ptr_equal(strchr(text, '\n'), text + length - 1);
    assert_int_equal(text[length - 2], '}');
}

/* ---- numbers -------------------------------------------------------------------------------- */

static void fill_io(struct io_stats *io, uint64_t number)
{
#define FILL_IO(name) io->name = ++number;
    IO_COUNTERS(FILL_IO)
    io->batch_max = ++number;
    io->buffers_peak = ++number;
}

static void fill_server(struct server_counters *counters, uint64_t number)
{
#define FILL_COUNTER(name, meaning) counters->name = ++number;
    SERVER_COUNTERS(FILL_COUNTER)
}

static void fill_client(struct client_counters *counters, uint64_t number)
{
    CLIENT_COUNTERS(FILL_COUNTER)
}

static void check_io(const struct io_stats *io)
{
#define CHECK_IO(name) assert_member(#name, io->name);
    IO_COUNTERS(CHECK_IO)
    assert_member("batch_max", io->batch_max);
    assert_member("buffers_peak", io->buffers_peak);
}

/* ---- the server ----------------------------------------------------------------------------- */

static struct server_options server_options;
static struct server_report_worker server_workers[WORKERS];
static struct server_report server_report;
static const char *const addresses[] = {"127.0.0.1:7", "[::1]:7"};

static int begin_server(void **state)
{
    (void)state;
    file = tmpfile();
    memset(&server_options, 0, sizeof(server_options));
    memset(server_workers, 0, sizeof(server_workers));
    server_options.max_connections = 901;
    server_options.backlog = 902;
    server_options.buffer_size = 903;
    server_options.buffer_memory = 904;
    server_options.common.sndbuf_size = 905;
    server_options.common.rcvbuf_size = 906;
    server_options.common.nodelay = true;
    server_options.idle_timeout_ns = 1500000000;
    server_options.drain_timeout_ns = 2500000000;
    for (size_t i = 0; i < WORKERS; i++) {
        fill_server(&server_workers[i].counters, 2000 + 100 * i);
        fill_io(&server_workers[i].common.work.io, 3000 + 100 * i);
        server_workers[i].common.work.cpu_ns = 4500000000 + i;
        server_workers[i].common.cpu = -1;
    }
    server_report = (struct server_report){.options = &server_options,
                                           .backend = "uv",
                                           .generation = 3,
                                           .seconds = 12.5,
                                           .workers = server_workers,
                                           .worker_count = WORKERS,
                                           .addresses = addresses,
                                           .address_count = 2};
    fill_server(&server_report.stats.counters, 1000);
    return file != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    return fclose(file);
}

static void server_json(void)
{
    server_report_json(&server_report, file);
    (void)written();
    assert_is_a_line();
}

static void server_text(void)
{
    server_report_text(&server_report, file);
    (void)written();
}

static void server_json_has_every_counter(void **state)
{
    (void)state;
    server_json();
#define CHECK_SERVER(name, meaning) assert_member(#name, server_report.stats.counters.name);
    SERVER_COUNTERS(CHECK_SERVER)
}

static void server_json_has_every_counter_of_every_worker(void **state)
{
    (void)state;
    server_json();
    for (size_t i = 0; i < WORKERS; i++) {
#define CHECK_WORKER(name, meaning) assert_member(#name, server_workers[i].counters.name);
        SERVER_COUNTERS(CHECK_WORKER)
        check_io(&server_workers[i].common.work.io);
        assert_member("index", i);
    }
    assert_has("\"cpu_seconds\":4.5");
}

static void server_json_says_what_ran(void **state)
{
    (void)state;
    server_json();
    assert_has("{\"program\":\"echo-server\",");
    assert_has("\"backend\":\"uv\"");
    assert_has("\"generation\":3,");
    assert_has("\"seconds\":12.5,");
    assert_has("\"addresses\":[\"127.0.0.1:7\",\"[::1]:7\"]");
    assert_has("\"process\":{\"cpu_user_seconds\":");
    assert_has("\"environment\":{\"system\":\"");
    assert_has("\"wine\":");
    assert_has("\"libuv\":\"");
}

static void server_json_has_the_options(void **state)
{
    (void)state;
    server_json();
    assert_member("threads", WORKERS);
    assert_member("max_connections", 901);
    assert_member("backlog", 902);
    assert_member("buffer_size", 903);
    assert_member("buffer_memory", 904);
    assert_member("sndbuf", 905);
    assert_member("rcvbuf", 906);
    assert_has("\"nodelay\":true");
    assert_has("\"idle_timeout_seconds\":1.5,");
    assert_has("\"drain_timeout_seconds\":2.5}");
}

static void server_json_says_which_report_is_the_last(void **state)
{
    (void)state;
    server_json();
    assert_has("\"last\":false");
    clear();
    server_report.last = true;
    server_json();
    assert_has("\"last\":true");
}

static void pinned_workers_alone_have_a_cpu(void **state)
{
    (void)state;
    server_json();
    assert_has_not("\"cpu\":0");
    clear();
    server_workers[0].common.cpu = 0;
    server_workers[1].common.cpu = 5;
    server_json();
    assert_has("\"cpu\":0,");
    assert_has("\"cpu\":5,");
}

static void errors_are_listed_by_operation_and_code(void **state)
{
    struct stats_errors *errors = &server_report.stats.errors;
    (void)state;
    stats_error_count(errors, STATS_ACCEPT, UV_EMFILE);
    for (int i = 0; i < 3; i++) {
        stats_error_count(errors, STATS_RECV, UV_ECONNRESET);
    }
    server_json();
    assert_has("\"errors\":[{\"operation\":\"accept\",\"code\":\"EMFILE\",\"count\":1},"
               "{\"operation\":\"recv\",\"code\":\"ECONNRESET\",\"count\":3}]");
    clear();
    server_text();
    assert_has("accept EMFILE 1, recv ECONNRESET 3\n");
}

static void errors_without_room_are_other(void **state)
{
    static const int codes[] = {UV_ECONNRESET, UV_ETIMEDOUT, UV_EHOSTUNREACH, UV_ENOBUFS,
                                UV_ENOMEM};
    (void)state;
    for (int operation = 0; operation < STATS_OPERATIONS; operation++) {
        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
            stats_error_count(&server_report.stats.errors, (enum stats_operation)operation,
                              codes[i]);
        }
    }
    assert_int_equal(stats_errors_total(&server_report.stats.errors), STATS_ERRORS_MAX + 1);
    server_json();
    assert_has("\"code\":\"other\",\"count\":2}]");
}

static void no_errors_are_none(void **state)
{
    (void)state;
    server_json();
    assert_has("\"errors\":[]");
    clear();
    server_text();
    assert_has("errors       none\n");
}

static void server_text_has_the_numbers(void **state)
{
    const struct server_counters *n = &server_report.stats.counters;
    char line[256];
    (void)state;
    server_text();
    assert_has("generation 3, 12.5 s, backend uv, 2 workers\n");
    (void)snprintf(line, sizeof(line),
                   "%" PRIu64 " served: %" PRIu64 " ended by the client, %" PRIu64
                   " drained, %" PRIu64 " idle, %" PRIu64 " failed, %" PRIu64 " cut\n",
                   n->accepted, n->closed_by_client, n->drained, n->idle, n->failed, n->cut);
    assert_has(line);
    (void)snprintf(line, sizeof(line), "%" PRIu64 " refused, %" PRIu64 " failed accepts\n",
                   n->refused, n->accept_errors);
    assert_has(line);
    (void)snprintf(line, sizeof(line), "discarded %" PRIu64 "\n", n->discarded);
    assert_has(line);
    assert_has("echoes       1,009, received 1,010 bytes, sent 1,011 bytes");
}

static void server_text_is_silent_about_what_did_not_happen(void **state)
{
    (void)state;
    server_report.stats.counters.refused = 0;
    server_report.stats.counters.accept_errors = 0;
    server_report.worker_count = 1;
    server_text();
    assert_has_not("refused");
    assert_has_not("by worker");
}

static void server_text_has_the_connections_by_worker(void **state)
{
    (void)state;
    server_text();
    assert_has("by worker    2001 2101\n");
}

static void calls_are_divided_by_the_echoes(void **state)
{
    (void)state;
    server_report.stats.counters.echoes = 1000;
    server_workers[0].common.work.io = (struct io_stats){.recv_calls = 1500, .send_calls = 1000};
    server_workers[1].common.work.io = (struct io_stats){.recv_calls = 500, .wait_calls = 250};
    server_text();
    assert_has("2.000 receive, 1.000 send, 0.000 change of interest, 0.250 wait\n");
    clear();
    server_report.stats.counters.echoes = 0;
    server_text();
    assert_has("0.000 receive, 0.000 send, 0.000 change of interest, 0.000 wait\n");
}

/* ---- the client ----------------------------------------------------------------------------- */

static struct client_options client_options;
static struct client_stats client_stats;
static struct report_worker client_workers[WORKERS];
static struct client_report client_report;

static int begin_client(void **state)
{
    (void)state;
    file = tmpfile();
    memset(&client_options, 0, sizeof(client_options));
    memset(&client_stats, 0, sizeof(client_stats));
    memset(client_workers, 0, sizeof(client_workers));
    client_options.connections = 801;
    client_options.message_size = 64;
    client_options.pipeline = 803;
    client_options.rate = 804;
    client_options.lifetime = 805;
    client_options.buffer_size = 806;
    histogram_init(&client_stats.latency);
    fill_client(&client_stats.counters, 1000);
    client_stats.counters.sent = client_stats.counters.verified + 17;
    client_stats.measured_messages = 5000;
    client_stats.measured_bytes = 10000;
    client_stats.up_peak = 807;
    for (size_t i = 0; i < WORKERS; i++) {
        fill_io(&client_workers[i].work.io, 3000 + 100 * i);
        client_workers[i].work.cpu_ns = 4500000000 + i;
        client_workers[i].cpu = -1;
    }
    client_report = (struct client_report){.options = &client_options,
                                           .backend = "uv",
                                           .address = "127.0.0.1:7",
                                           .seed = UINT64_MAX,
                                           .seconds = 2.5,
                                           .stats = &client_stats,
                                           .workers = client_workers,
                                           .worker_count = WORKERS};
    return file != NULL ? 0 : -1;
}

/* With nothing that failed. */
static int begin_good_client(void **state)
{
    int status = begin_client(state);
    client_stats.counters.connect_failures = 0;
    client_stats.counters.failed = 0;
    client_stats.counters.timeouts = 0;
    client_stats.counters.mismatches = 0;
    return status;
}

static void client_json(void)
{
    client_report_json(&client_report, file);
    (void)written();
    assert_is_a_line();
}

static void client_text(void)
{
    client_report_text(&client_report, file);
    (void)written();
}

static void client_json_has_every_counter(void **state)
{
    (void)state;
    client_json();
#define CHECK_CLIENT(name, meaning) assert_member(#name, client_stats.counters.name);
    CLIENT_COUNTERS(CHECK_CLIENT)
}

static void client_json_has_the_io_of_every_worker(void **state)
{
    (void)state;
    client_json();
    for (size_t i = 0; i < WORKERS; i++) {
        check_io(&client_workers[i].work.io);
    }
    assert_has("\"cpu_seconds\":4.5");
    assert_has_not("\"cpu\":0");
}

static void client_json_says_what_ran(void **state)
{
    (void)state;
    client_json();
    assert_has("{\"program\":\"echo-client\",");
    assert_has("\"backend\":\"uv\"");
    assert_has("\"address\":\"127.0.0.1:7\"");
    assert_has("\"seed\":18446744073709551615,");
    assert_has("\"environment\":{\"system\":\"");
    assert_member("threads", WORKERS);
    assert_member("connections", 801);
    assert_member("size", 64);
    assert_member("pipeline", 803);
    assert_member("rate", 804);
    assert_member("lifetime", 805);
    assert_member("buffer_size", 806);
    assert_member("up_peak", 807);
}

static void rates_are_of_the_measured_time(void **state)
{
    (void)state;
    client_json();
    assert_has("\"seconds\":2.5,");
    assert_has("\"messages_per_second\":2000,");
    assert_has("\"bytes_per_second\":4000,");
}

static void no_measured_time_is_no_rate(void **state)
{
    (void)state;
    client_report.seconds = 0;
    client_json();
    assert_has("\"messages_per_second\":0,");
    assert_has("\"bytes_per_second\":0,");
}

static void client_json_has_the_latencies(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        histogram_record(&client_stats.latency, i);
    }
    client_json();
    assert_has("\"latency_ns\":{\"count\":100,\"min\":1,\"mean\":50.5,\"p50\":50,\"p90\":90,"
               "\"p99\":99,\"p999\":100,\"max\":100,\"buckets\":[[1,1],[2,1],");
    assert_has("[100,1]]}");
}

static void client_json_without_latencies(void **state)
{
    (void)state;
    client_json();
    assert_has("\"latency_ns\":{\"count\":0,\"min\":0,\"mean\":0,");
    assert_has("\"max\":0,\"buckets\":[]}");
}

static void client_text_has_the_numbers(void **state)
{
    const struct client_counters *n = &client_stats.counters;
    char line[256];
    (void)state;
    histogram_record(&client_stats.latency, 100);
    client_text();
    assert_has("echo-client: 127.0.0.1:7, 2.5 s measured, backend uv, 2 threads, 801 connections, "
               "messages of 64 bytes, 803 in flight\n");
    char sent[UNITS_TEXT_SIZE];
    char verified[UNITS_TEXT_SIZE];
    (void)snprintf(line, sizeof(line), "sent %s bytes, verified %s, unanswered 17\n",
                   units_format_grouped(sent, sizeof(sent), n->sent),
                   units_format_grouped(verified, sizeof(verified), n->verified));
    assert_has(line);
    (void)snprintf(line, sizeof(line),
                   "%" PRIu64 " up (807 at once): %" PRIu64 " completed, %" PRIu64
                   " drained by the server, %" PRIu64 " cut\n",
                   n->connected, n->completed, n->drained, n->cut);
    assert_has(line);
    (void)snprintf(line, sizeof(line),
                   "FAILED       %" PRIu64 " did not connect, %" PRIu64 " broke, %" PRIu64
                   " had no answer in time, %" PRIu64 " brought wrong data\n",
                   n->connect_failures, n->failed, n->timeouts, n->mismatches);
    assert_has(line);
    assert_has("latency      p50 100 ns, p90 100 ns, p99 100 ns, p99.9 100 ns, max 100 ns, mean");
}

static void client_text_is_silent_about_what_did_not_happen(void **state)
{
    (void)state;
    client_text();
    assert_has_not("FAILED");
    assert_has_not("unsent");
    assert_has("latency      no message");
}

static void client_text_says_what_of_the_schedule_never_began(void **state)
{
    (void)state;
    client_stats.unsent = 44;
    client_text();
    assert_has("unsent       44 messages");
    clear();
    client_json();
    assert_member("unsent", 44);
}

/* ---- the verdict ---------------------------------------------------------------------------- */

static void check_verdict(bool ok)
{
    assert_int_equal(client_report_ok(&client_report), ok);
    clear();
    client_json();
    assert_has(ok ? "\"ok\":true" : "\"ok\":false");
    clear();
    client_text();
    assert_int_equal(strstr(text, "FAILED") != NULL, !ok);
}

static void run_without_failures_is_ok(void **state)
{
    (void)state;
    check_verdict(true);
}

static void connection_that_did_not_come_up_is_not_ok(void **state)
{
    (void)state;
    client_stats.counters.connect_failures = 1;
    check_verdict(false);
}

static void connection_that_broke_is_not_ok(void **state)
{
    (void)state;
    client_stats.counters.failed = 1;
    check_verdict(false);
}

static void message_without_answer_in_time_is_not_ok(void **state)
{
    (void)state;
    client_stats.counters.timeouts = 1;
    check_verdict(false);
}

static void wrong_data_is_not_ok(void **state)
{
    (void)state;
    client_stats.counters.mismatches = 1;
    check_verdict(false);
}

static void silence_is_not_ok(void **state)
{
    (void)state;
    client_stats.counters.sent = 1;
    client_stats.counters.verified = 0;
    client_stats.counters.cut = 1;
    check_verdict(false);
}

/* An address that did not answer, when another did; what the server ended in good order; what the
 * end of the run cut off; what could not keep up with --rate. */
static void attempts_drains_cuts_and_unsent_are_ok(void **state)
{
    (void)state;
    stats_error_count(&client_stats.errors, STATS_CONNECT, UV_ECONNREFUSED);
    client_stats.counters.drained = 5;
    client_stats.counters.cut = 6;
    client_stats.unsent = 7;
    check_verdict(true);
}

#define SERVER(test) cmocka_unit_test_setup_teardown(test, begin_server, end)
#define CLIENT(test) cmocka_unit_test_setup_teardown(test, begin_client, end)
#define GOOD_CLIENT(test) cmocka_unit_test_setup_teardown(test, begin_good_client, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER(server_json_has_every_counter),
        SERVER(server_json_has_every_counter_of_every_worker),
        SERVER(server_json_says_what_ran),
        SERVER(server_json_has_the_options),
        SERVER(server_json_says_which_report_is_the_last),
        SERVER(pinned_workers_alone_have_a_cpu),
        SERVER(errors_are_listed_by_operation_and_code),
        SERVER(errors_without_room_are_other),
        SERVER(no_errors_are_none),
        SERVER(server_text_has_the_numbers),
        SERVER(server_text_is_silent_about_what_did_not_happen),
        SERVER(server_text_has_the_connections_by_worker),
        SERVER(calls_are_divided_by_the_echoes),
        CLIENT(client_json_has_every_counter),
        CLIENT(client_json_has_the_io_of_every_worker),
        CLIENT(client_json_says_what_ran),
        CLIENT(rates_are_of_the_measured_time),
        CLIENT(no_measured_time_is_no_rate),
        CLIENT(client_json_has_the_latencies),
        CLIENT(client_json_without_latencies),
        CLIENT(client_text_has_the_numbers),
        GOOD_CLIENT(client_text_is_silent_about_what_did_not_happen),
        GOOD_CLIENT(client_text_says_what_of_the_schedule_never_began),
        GOOD_CLIENT(run_without_failures_is_ok),
        GOOD_CLIENT(silence_is_not_ok),
        GOOD_CLIENT(connection_that_did_not_come_up_is_not_ok),
        GOOD_CLIENT(connection_that_broke_is_not_ok),
        GOOD_CLIENT(message_without_answer_in_time_is_not_ok),
        GOOD_CLIENT(wrong_data_is_not_ok),
        GOOD_CLIENT(attempts_drains_cuts_and_unsent_are_ok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
