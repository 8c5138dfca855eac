/* The report of the client. */

#include "report_rig.h"

#include <inttypes.h>
#include <string.h>

#include <uv.h>

#include "client_report.h"
#include "units.h"

#define WORKERS 2

static struct client_options client_options;
static struct client_stats client_stats;
static struct report_worker client_workers[WORKERS];
static struct client_report client_report;

static int begin_client(void **state)
{
    (void)state;
    memset(&client_options, 0, sizeof(client_options));
    memset(&client_stats, 0, sizeof(client_stats));
    memset(client_workers, 0, sizeof(client_workers));
    client_options.common.details = true;
    client_options.connections = 801;
    client_options.message_size = 64;
    client_options.pipeline = 803;
    client_options.rate = 804;
    client_options.lifetime = 805;
    client_options.buffer_size = 806;
    client_stats_init(&client_stats);
    (void)rig_fill(&stats_client_list, &client_stats.counters, 1000);
    client_stats.counters.sent = client_stats.counters.verified + 17;
    client_stats.measured_messages = 5000;
    client_stats.measured_bytes = 10000;
    client_stats.up_peak = 807;
    client_stats.unanswered_oldest_ns = 9800000000;
    for (size_t i = 0; i < WORKERS; i++) {
        rig_fill_io(&client_workers[i].work.io, 3000 + 100 * i);
        client_workers[i].work.cpu_ns = 4500000000 + i;
        client_workers[i].cpu = -1;
    }
    assert_true(percentiles_parse("50,90,99,99.9", &client_options.percentile));
    client_report = (struct client_report){.options = &client_options,
                                           .backend = report_backend_of(&rig_backend, 1),
                                           .address = "127.0.0.1:7",
                                           .seed = INT64_MAX,
                                           .seconds = 2.5,
                                           .columns = SIZE_MAX,
                                           .stats = &client_stats,
                                           .workers = client_workers,
                                           .worker_count = WORKERS};
    return 0;
}

/* A run without failures. */
static int begin_good_client(void **state)
{
    int status = begin_client(state);
    struct client_counters *n = &client_stats.counters;
    n->connect_failures = n->mismatches = n->lost = n->timeouts = n->end_timeouts = 0;
    n->unanswered = n->failed = n->unanswered_messages = 0;
    return status;
}

static void client_json(void)
{
    struct json json;
    json_begin(&json, &rig_text);
    json_object(&json, NULL);
    client_report_json_members(&client_report, &json);
    json_end_object(&json);
    (void)rig_read();
    rig_is_a_line();
}

static void client_text(void)
{
    client_report_text(&client_report, &rig_text);
    (void)rig_read();
}

static void client_json_has_every_counter(void **state)
{
    (void)state;
    client_json();
    rig_check(&stats_client_list, &client_stats.counters);
}

static void client_json_has_the_io_of_every_worker(void **state)
{
    (void)state;
    client_json();
    for (size_t i = 0; i < WORKERS; i++) {
        rig_check_io(&client_workers[i].work.io);
    }
    rig_has("\"cpu_seconds\":4.5");
    rig_has_not("\"cpu\":0");
}

static void client_json_says_what_ran(void **state)
{
    (void)state;
    client_json();
    rig_has("{\"program\":\"echo-client\",");
    rig_has("\"backend\":\"made-up\",\"system_calls_estimated\":false,\"recv\":\"eager\",");
    rig_has("\"recv\":\"eager\",");
    rig_has("\"address\":\"127.0.0.1:7\"");
    rig_has("\"seed\":9223372036854775807,");
    rig_has("\"environment\":{\"system\":\"");
    rig_has_member("threads", WORKERS);
    rig_has_member("connections", 801);
    rig_has_member("size", 64);
    rig_has_member("pipeline", 803);
    rig_has_member("rate", 804);
    rig_has_member("lifetime", 805);
    rig_has_member("buffer_size", 806);
    rig_has_member("up_peak", 807);
}

static void rates_are_of_the_measured_time(void **state)
{
    (void)state;
    client_json();
    rig_has("\"seconds\":2.5,");
    rig_has("\"messages_per_second\":2000,");
    rig_has("\"bytes_per_second\":4000,");
}

static void no_measured_time_is_no_rate(void **state)
{
    (void)state;
    client_report.seconds = 0;
    client_json();
    rig_has("\"messages_per_second\":null,");
    rig_has("\"bytes_per_second\":null,");
}

static void client_json_has_the_latencies(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        histogram_record(&client_stats.latency, i);
    }
    client_stats.counters.unanswered_messages = 0;
    client_json();
    rig_has("\"latency_ns\":{\"since\":\"due\",\"count\":100,\"min\":1,\"mean\":50.5,\"p50\":50,"
            "\"p90\":90,"
            "\"p99\":99,\"p999\":100,\"max\":100,"
            "\"percentiles\":{\"50\":50,\"90\":90,\"99\":99,\"99.9\":100},\"unanswered\":0,"
            "\"unanswered_oldest\":null,\"buckets\":[[1,1],[2,1],");
    rig_has("[100,1]]}");
}

static void client_json_without_latencies(void **state)
{
    (void)state;
    client_stats.counters.unanswered_messages = 3;
    client_json();
    rig_has("\"latency_ns\":{\"since\":\"due\",\"count\":0,\"min\":null,\"mean\":null,\"p50\":null,"
            "\"p90\":null,"
            "\"p99\":null,\"p999\":null,\"max\":null,"
            "\"percentiles\":{\"50\":null,\"90\":null,\"99\":null,\"99.9\":null},\"unanswered\":3,"
            "\"unanswered_oldest\":9800000000,\"buckets\":[]}");
}

static void client_text_has_the_numbers(void **state)
{
    const struct client_counters *n = &client_stats.counters;
    char line[256];
    (void)state;
    histogram_record(&client_stats.latency, 100);
    client_text();
    rig_has(
        "echo-client: 127.0.0.1:7, 2.5 s measured, backend made-up, 2 threads, 801 connections, "
        "messages of 64 bytes, 803 in flight\n");
    char sent[UNITS_TEXT_SIZE];
    char verified[UNITS_TEXT_SIZE];
    rig_has("  messages     5,000, 2.000 k/s\n");
    rig_has("  data         9.77 KiB verified, 3.91 KiB/s each way\n");
    rig_has_not("nothing was measured");
    (void)snprintf(line, sizeof(line), "sent %s bytes, %s verified, ",
                   units_format_grouped(sent, sizeof(sent), n->sent),
                   units_format_grouped(verified, sizeof(verified), n->verified));
    rig_has(line);
    rig_has("  connections  1,002 up (807 at once): 1,005 completed, 1,006 closed by the server, "
            "1,007 drained by the server, 1,008 reset at the end, 1,009 reset by the client, 1,010 "
            "cut, "
            "1,011 with wrong data, 1,012 lost, ");
    rig_has(
        "latency since due    p50 100 ns, p90 100 ns, p99 100 ns, p99.9 100 ns, max 100 ns, mean");
    rig_has("messages unanswered, the oldest for 9.80 s\n");
}

static void both_latencies_stand_side_by_side(void **state)
{
    (void)state;
    histogram_record(&client_stats.latency, 90);
    histogram_record(&client_stats.since_sent, 70);
    histogram_record(&client_stats.lateness, 20);
    client_text();
    rig_has("  latency since due    p50 90 ns, ");
    rig_has("  latency since sent   p50 70 ns, ");
    rig_has("  client lateness p99  20 ns, max 20 ns\n");
    rig_clear();
    client_json();
    rig_has("\"latency_since_sent_ns\":{\"count\":1,\"min\":70,");
    rig_has("\"lateness_ns\":{\"count\":1,\"min\":20,");
}

static void without_a_rate_latency_counts_from_the_begin(void **state)
{
    (void)state;
    client_options.rate = 0;
    client_text();
    rig_has("  latency      ");
    rig_has_not("since");
    rig_has_not("client lateness");
    rig_clear();
    client_json();
    rig_has("\"latency_ns\":{\"since\":\"begin\",");
    rig_has("\"latency_since_sent_ns\":null,\"lateness_ns\":null,");
}

static void fairness_is_told_of_several_connections(void **state)
{
    (void)state;
    client_json();
    rig_has("\"fairness\":null,");
    histogram_record(&client_stats.fairness, 20000);
    rig_clear();
    client_text();
    rig_has_not("fairness");
    histogram_record(&client_stats.fairness, 0);
    histogram_record(&client_stats.fairness, 7);
    rig_clear();
    client_text();
    rig_has("  fairness     0 messages on the slowest connection, 7 on the median one; "
            "1 connection had none\n");
    rig_clear();
    client_json();
    rig_has("\"fairness\":{\"slowest\":0,\"median\":7,\"fastest\":20000,\"mean\":");
    rig_has(",\"none\":1,\"buckets\":[[0,1],[7,1],[20095,1]]}");
}

static void one_of_a_kind_is_singular(void **state)
{
    (void)state;
    client_report.worker_count = 1;
    client_options.connections = client_options.message_size = 1;
    client_stats.counters = (struct client_counters){
        .sent = 1, .lost_bytes = 1, .messages = 1, .unanswered_messages = 1};
    client_text();
    rig_has(", 1 thread, 1 connection, messages of 1 byte, 803 in flight\n");
    rig_has("sent 1 byte, 0 verified, 1 lost; 1 message in the whole run\n");
    rig_has("; 1 message unanswered, the oldest for ");
}

static void the_table_of_workers_is_a_detail(void **state)
{
    static const char *const details[] = {"  books ", "  worker ", "  batches ", "  per message ",
                                          "  cpu "};
    (void)state;
    client_stats.counters = (struct client_counters){.messages = 1, .sent = 64, .verified = 64};
    client_text();
    for (size_t i = 0; i < LENGTH(details); i++) {
        rig_has(details[i]);
    }
    rig_clear();
    client_options.common.details = false;
    client_text();
    for (size_t i = 0; i < LENGTH(details); i++) {
        rig_has_not(details[i]);
    }
}

static void bytes_that_were_not_verified_are_no_detail(void **state)
{
    (void)state;
    client_options.common.details = false;
    client_stats.counters = (struct client_counters){.sent = 64, .unchecked = 64};
    client_text();
    rig_has(
        "  books        sent 64 bytes, 0 verified, 64 unchecked; 0 messages in the whole run\n");
}

/* Also with the longest numbers. */
static void client_text_fits_the_terminal(void **state)
{
    (void)state;
    (void)memset(&client_stats.counters, 0x7f, sizeof(client_stats.counters));
    client_report.columns = 0;
    client_text();
    rig_fits(80);
    rig_clear();
    client_report.columns = 100;
    client_text();
    rig_fits(100);
}

static void client_text_says_that_nothing_was_measured(void **state)
{
    (void)state;
    client_report.seconds = 0;
    client_text();
    rig_has("  messages     nothing was measured: the run was over before --warmup\n");
    rig_has_not("k/s");
    rig_has_not("each way");
}

static void client_text_is_silent_about_what_did_not_happen(void **state)
{
    (void)state;
    client_text();
    rig_has_not("FAILED");
    rig_has_not("unsent");
    rig_has("latency since due    no message");
    rig_has_not("client lateness");
    rig_has_not("fairness");
}

static void client_text_says_what_of_the_schedule_never_began(void **state)
{
    (void)state;
    client_stats.unsent = 44;
    client_text();
    rig_has("unsent       44 messages");
    rig_clear();
    client_json();
    rig_has_member("unsent", 44);
}

/* ---- the verdict ---------------------------------------------------------------------------- */

static void run_without_failures_is_ok(void **state)
{
    (void)state;
    client_json();
    rig_has("\"ok\":true,\"verdict\":\"OK\",\"failures\":[],");
    rig_clear();
    client_text();
    assert_int_equal(strncmp(rig_read(), "OK\n", 3), 0);
    rig_has_not("FAILED");
}

static void a_run_that_goes_on_is_not_judged_ok(void **state)
{
    (void)state;
    client_report.so_far = true;
    client_stats.up = 11;
    client_text();
    rig_has("so far: no failure\necho-client: ");
    rig_has_not("OK");
    rig_has(", 11 still up");
    client_report.seconds = 0;
    rig_clear();
    client_text();
    rig_has("nothing is measured before --warmup is over\n");
    rig_clear();
    client_stats.counters.failed = 2;
    client_text();
    rig_has("so far: FAILED: 2 connections broke\n");
}

/* While the run goes on, some bytes are sent and not answered yet. */
static void bytes_under_way_are_in_the_books(void **state)
{
    struct client_counters *n = &client_stats.counters;
    (void)state;
    *n = (struct client_counters){.sent = 1000, .verified = 900, .lost_bytes = 30};
    client_text();
    rig_has_not("under way");
    rig_clear();
    client_report.so_far = true;
    client_text();
    rig_has("sent 1,000 bytes, 900 verified, 30 lost, 70 under way;");
    rig_clear();
    n->verified = 1001; /* the answer came before the end of the send */
    client_text();
    rig_has_not("under way");
}

static void failures_are_named_in_order(void **state)
{
    (void)state;
    client_stats.counters.connect_failures = 2;
    client_stats.counters.mismatches = 1;
    client_json();
    rig_has("\"ok\":false,\"verdict\":\"1 connection brought wrong data\",\"failures\":["
            "{\"class\":\"wrong_data\",\"count\":1,"
            "\"text\":\"1 connection brought wrong data\"},"
            "{\"class\":\"connect\",\"count\":2,\"text\":\"2 connects failed\"}],");
    rig_clear();
    client_text();
    assert_int_equal(strncmp(rig_read(), "FAILED: 1 connection brought wrong data\n", 40), 0);
    rig_has("  and          2 connects failed\n");
}

static void the_line_of_progress_counts_failures(void **state)
{
    struct client_counters before = {.messages = 1000};
    struct client_counters now = {.messages = 3000};
    struct client_progress progress = {
        .run_ns = 5000000000, .tick_ns = 1000000000, .up = 7, .before = &before, .now = &now};
    char line[CLIENT_PROGRESS_TEXT];
    (void)state;
    client_report_progress(&progress, line);
    assert_non_null(strstr(line, "7 up  3,000 messages, all verified  2.000 k/s  "));
    now.lost = 2;
    now.connect_failures = 1;
    client_report_progress(&progress, line);
    assert_non_null(strstr(line, "3,000 messages, 3 FAILED  2.000 k/s"));
}

#define CLIENT(test) cmocka_unit_test_setup_teardown(test, begin_client, rig_end)
#define GOOD_CLIENT(test) cmocka_unit_test_setup_teardown(test, begin_good_client, rig_end)

/* What a merge needs. */
static void client_json_has_its_part_of_the_load(void **state)
{
    (void)state;
    client_json();
    rig_has("\"recv\":\"eager\",\"share\":null,");
    client_options.share = (struct share){.rank = 2, .ranks = 5};
    client_options.whole = (struct client_whole){.connections = 4001,
                                                 .rate = 1000.5,
                                                 .connect_rate = 7,
                                                 .bandwidth = 4002,
                                                 .requests = 4003};
    rig_clear();
    client_json();
    rig_has("\"share\":{\"rank\":2,\"ranks\":5,\"host\":\"");
    rig_has(
        "\"start\":\"own\",\"run_id\":null,\"connections\":4001,\"rate\":1000.5,\"connect_rate\":7,"
        "\"bandwidth\":4002,\"requests\":4003},\"connections\":801,");
    client_options.barrier = "n1:7000";
    client_report.run_id = 4004;
    rig_clear();
    client_json();
    rig_has("\"start\":\"barrier\",\"run_id\":4004,\"connections\":4001,");
}

static void client_json_says_when_it_was(void **state)
{
    (void)state;
    client_json();
    rig_has("\"first_message_unix\":null,\"measured\":null,");
    rig_has("\"message_size\":{\"min\":64,\"mean\":64,\"max\":64},");
    client_report.ended_unix_ns = UINT64_C(1795944171500000000);
    client_report.first_message_unix_ns = UINT64_C(1795944170250000000);
    client_report.measured_from_ns = 1500000000;
    client_report.measured_until_ns = 4000000001;
    rig_clear();
    client_json();
    rig_has("\"ended_at\":\"2026-11-29T09:22:51.500Z\",\"ended_unix\":1795944171.5,"
            "\"first_message_unix\":1795944170.25,"
            "\"measured\":{\"from_seconds\":1.5,\"until_seconds\":4.000000001},");
}

static void client_json_has_every_figure_and_reason(void **state)
{
    (void)state;
    client_json();
    rig_has("\"reasons\":{\"not_up\":null,\"connect\":null,\"failed\":null},");
    (void)rig_fill(&stats_figure_list, &client_stats, 6000);
    client_stats.not_up_reason = UV_ECONNREFUSED;
    client_stats.connect_error = UV_ETIMEDOUT;
    client_stats.failed_error = UV_ECONNRESET;
    rig_clear();
    client_json();
    rig_check(&stats_figure_list, &client_stats);
    rig_has("\"reasons\":{\"not_up\":\"ECONNREFUSED\",\"connect\":\"ETIMEDOUT\","
            "\"failed\":\"ECONNRESET\"},");
}

/* Conditions are about the load of all clients. */
static void a_share_is_not_judged(void **state)
{
    struct thresholds thresholds;
    (void)state;
    client_options.fail_if.items[0] = "failures>0";
    client_options.fail_if.count = 1;
    client_report_thresholds(&client_report, &thresholds);
    assert_int_equal(thresholds.count, 1);
    assert_false(thresholds.ok);
    client_options.share.ranks = 1;
    client_report_thresholds(&client_report, &thresholds);
    assert_int_equal(thresholds.count, 0);
    assert_true(thresholds.ok);
    client_text();
    rig_has("echo-client: share 0/1, 127.0.0.1:7, ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT(client_json_has_every_counter),
        CLIENT(client_json_has_the_io_of_every_worker),
        CLIENT(client_json_says_what_ran),
        CLIENT(rates_are_of_the_measured_time),
        CLIENT(no_measured_time_is_no_rate),
        CLIENT(client_json_has_the_latencies),
        CLIENT(client_json_without_latencies),
        CLIENT(client_text_has_the_numbers),
        CLIENT(both_latencies_stand_side_by_side),
        GOOD_CLIENT(without_a_rate_latency_counts_from_the_begin),
        CLIENT(fairness_is_told_of_several_connections),
        CLIENT(one_of_a_kind_is_singular),
        GOOD_CLIENT(the_table_of_workers_is_a_detail),
        CLIENT(bytes_that_were_not_verified_are_no_detail),
        CLIENT(client_text_fits_the_terminal),
        CLIENT(client_text_says_that_nothing_was_measured),
        GOOD_CLIENT(client_text_is_silent_about_what_did_not_happen),
        GOOD_CLIENT(client_text_says_what_of_the_schedule_never_began),
        GOOD_CLIENT(run_without_failures_is_ok),
        GOOD_CLIENT(a_run_that_goes_on_is_not_judged_ok),
        GOOD_CLIENT(bytes_under_way_are_in_the_books),
        GOOD_CLIENT(failures_are_named_in_order),
        GOOD_CLIENT(the_line_of_progress_counts_failures),
        CLIENT(client_json_has_its_part_of_the_load),
        CLIENT(client_json_says_when_it_was),
        CLIENT(client_json_has_every_figure_and_reason),
        CLIENT(a_share_is_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
