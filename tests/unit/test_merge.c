/* The reports of clients are those of one run, or are refused; and the sums of all. */

#include "merge_rig.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "books.h"
#include "folder.h"
#include "random.h"
#include "total.h"
#include "units.h"

static struct fleet fleet;
static struct total total;
static struct refusals refusals;
static struct merge_options options;
static struct books books;
static struct text text;

static int tear_down(void **state)
{
    total_free(&total);
    fleet_free(&fleet);
    text_free(&text);
    total = (struct total){.fleet = NULL};
    refusals = (struct refusals){.count = 0};
    options = (struct merge_options){.merge = true};
    books = (struct books){.generations = 0};
    return rig_merge_tear_down(state);
}

/* Reads the reports of `count` clients, the last first. */
static void read_all(size_t count)
{
    char *files[RIG_RANKS_MAX];
    for (size_t i = 0; i < count; i++) {
        files[i] = rig_file(count - 1 - i);
    }
    fleet_read(&fleet, files, count, &refusals);
    fleet_check(&fleet, &refusals);
}

/* Merges them. */
static void merge_all(size_t count, bool with_books)
{
    read_all(count);
    if (refusals.count == 0) {
        total_make(&total, &fleet, &options, with_books ? &books : NULL, &refusals);
    }
    if (refusals.count > 0) {
        fail_msg("%s", rig_messages());
    }
    total.report.columns = SIZE_MAX;
    client_report_text(&total.report, &text);
    assert_false(text.failed);
}

static void says(const char *what)
{
    if (strstr(text.data, what) == NULL) {
        fail_msg("'%s' is not in\n%s", what, text.data);
    }
}

static void refuses(const char *reason)
{
    assert_true(refusals.count > 0);
    if (strstr(rig_messages(), reason) == NULL) {
        fail_msg("'%s' is not in\n%s", reason, rig_messages());
    }
}

/* ---- sums ---------------------------------------------------------------------------------- */

static void the_sum_is_that_of_all(void **state)
{
    static struct client_stats sum;
    (void)state;
    rig_make(4);
    memset(&sum, 0, sizeof(sum));
    client_stats_init(&sum);
    for (size_t i = 0; i < 4; i++) {
        client_stats_add(&sum, &rig_ranks[i]->stats);
    }
    merge_all(4, false);
    assert_memory_equal(&total.stats->counters, &sum.counters, sizeof(sum.counters));
    assert_memory_equal(&total.stats->errors, &sum.errors, sizeof(sum.errors));
    assert_int_equal(total.stats->unanswered_oldest_ns, sum.unanswered_oldest_ns);
    assert_int_equal(total.stats->latency.count, 2000);
    for (size_t hundredths = 0; hundredths <= 10000; hundredths++) {
        double percentile = (double)hundredths / 100;
        assert_int_equal(histogram_percentile(&total.stats->latency, percentile),
                         histogram_percentile(&sum.latency, percentile));
    }
    assert_memory_equal(total.stats->lateness.buckets, sum.lateness.buckets,
                        sizeof(sum.lateness.buckets));
    assert_int_equal(total.worker_count, 4 * RIG_WORKERS);
    assert_int_equal(total.workers[2].work.io.recv_calls,
                     rig_ranks[1]->workers[0].work.io.recv_calls);
    assert_int_equal(total.report.process.user_ns, 4 * NS_PER_S);
}

static void the_options_are_those_of_the_whole(void **state)
{
    (void)state;
    options.fail_if = (struct option_strings){.items = {"p99<1h"}, .count = 1};
    rig_make(4);
    merge_all(4, false);
    assert_int_equal(total.options.connections, 8);
    assert_true(total.options.rate == 200.0);
    assert_int_equal(total.options.share.ranks, 0);
    assert_int_equal(total.options.fail_if.count, 2);
    assert_true(fabs(total.report.seconds - 10.003) < 1e-6);
    says("OK\necho-client: 10.0.0.1:6001, 10.0 s measured, backend made-up, 8 threads, "
         "8 connections, messages of 64 to 128 bytes (96 on average), 1 in flight\n");
    says("  fleet        4 clients on 1 host, started 3.00 ms apart by their clocks, "
         "measured together for 10.00 of 10.00 s\n");
    says("  fail-if      max>1h: no, ");
    says("  fail-if      p99<1h: yes, not good enough, ");
}

static void intervals_are_added_by_time(void **state)
{
    (void)state;
    rig_make(3);
    merge_all(3, false);
    assert_int_equal(total.intervals.count, 10);
    for (size_t i = 0; i < 10; i++) {
        const struct interval *interval = &total.intervals.kept[i];
        assert_int_equal(interval->from_ns, i * NS_PER_S);
        assert_int_equal(interval->until_ns, (i + 1) * NS_PER_S);
        assert_int_equal(interval->messages, 150);
        assert_int_equal(interval->answers, 150);
        assert_int_equal(interval->up, 6);
    }
    assert_int_equal(total.batches.count, 10);
    assert_int_equal(total.trust.p50.messages, 1500);
    assert_true(total.trust.p50.known);
}

/* A client that began two seconds later is two intervals further. */
static void a_client_that_began_later_is_placed_later(void **state)
{
    (void)state;
    rig_make(2);
    rig_ranks[1]->began_unix_ns += 2 * NS_PER_S;
    rig_ranks[1]->until_ns += NS_PER_MS;
    rig_compose(1);
    merge_all(2, false);
    assert_int_equal(total.intervals.count, 12);
    assert_int_equal(total.intervals.kept[0].messages, 50);
    assert_int_equal(total.intervals.kept[1].messages, 50);
    assert_int_equal(total.intervals.kept[2].messages, 100);
    assert_int_equal(total.intervals.kept[11].messages, 50);
    says("measured together for 8.00 of 12.00 s\n");
    says("  doubt        apart: the clients measured together for only 67 % of the time; "
         "start them at one time, by --barrier or --start-at\n");
}

/* They began together, and one ended early. */
static void a_client_that_ended_early_is_a_doubt(void **state)
{
    (void)state;
    rig_make(2);
    rig_ranks[1]->until_ns = 6 * NS_PER_S;
    rig_compose(1);
    merge_all(2, false);
    says("measured together for 6.00 of 10.00 s\n");
    says("  doubt        apart: the clients measured together for only 60 % of the time; let all "
         "run for the same --duration\n");
}

/* An interval can't be split, so each client is placed by whole intervals: to the nearest. */
static void a_client_that_began_between_is_placed_at_the_nearest(void **state)
{
    (void)state;
    rig_make(3);
    rig_ranks[1]->began_unix_ns = rig_ranks[0]->began_unix_ns + 350 * NS_PER_MS;
    rig_ranks[2]->began_unix_ns = rig_ranks[0]->began_unix_ns + 650 * NS_PER_MS;
    rig_compose(1);
    rig_compose(2);
    merge_all(3, false);
    assert_int_equal(total.intervals.count, 11);
    assert_int_equal(total.intervals.kept[0].messages, 100);
    assert_int_equal(total.intervals.kept[1].messages, 150);
    assert_int_equal(total.intervals.kept[10].messages, 50);
    assert_int_equal(total.intervals.kept[10].until_ns, 11 * NS_PER_S);
    assert_true(total.trust.p50.known);
}

/* The last interval of client 1 is so short that its slice begins after it. */
static void intervals_end_after_they_begin(void **state)
{
    (void)state;
    rig_make(2);
    for (size_t i = 0; i < 2; i++) {
        rig_edit(i, "\"start\":\"own\"", "\"start\":\"barrier\"");
    }
    rig_edit(1, "\"until_seconds\":10,\"at\"", "\"until_seconds\":9.95,\"at\"");
    rig_edit(1, "],\"intervals_dropped\"",
             ",{\"from_seconds\":9.96,\"until_seconds\":9.97,\"messages\":0,\"bytes\":0,"
             "\"latency_ns\":{\"max\":null},\"up\":0,\"failures\":1,\"backlog\":0,"
             "\"min_ns\":null,\"buckets\":[]}],\"intervals_dropped\"");
    merge_all(2, false);
    assert_int_equal(total.intervals.count, 11);
    assert_int_equal(total.intervals.kept[10].failures, 1);
    assert_true(total.intervals.kept[10].until_ns > total.intervals.kept[10].from_ns);
}

/* After a barrier the clocks say nothing. */
static void a_barrier_is_the_common_time(void **state)
{
    (void)state;
    rig_make(2);
    rig_ranks[1]->began_unix_ns += 3600 * NS_PER_S;
    for (size_t i = 0; i < 2; i++) {
        rig_compose(i);
        rig_edit(i, "\"start\":\"own\"", "\"start\":\"barrier\"");
    }
    merge_all(2, false);
    assert_true(total.report.seconds == 10.0);
    assert_int_equal(total.intervals.count, 10);
    says("  fleet        2 clients on 1 host, started by the barrier (1 h 00 min apart by their "
         "clocks), measured together for 10.00 of 10.00 s\n");
}

/* Two runs of one load have the same options, and may have the same seed. */
static void another_barrier_is_another_run(void **state)
{
    (void)state;
    rig_make(3);
    for (size_t i = 0; i < 3; i++) {
        rig_compose(i);
        rig_edit(i, "\"start\":\"own\",\"run_id\":null",
                 i < 2 ? "\"start\":\"barrier\",\"run_id\":11"
                       : "\"start\":\"barrier\",\"run_id\":12");
    }
    read_all(3);
    assert_int_equal(refusals.count, 1);
    refuses("rank 2 (");
    refuses(" is of another run than rank 0 (");
}

static void without_intervals_it_can_not_tell(void **state)
{
    (void)state;
    rig_make(2);
    for (size_t i = 0; i < 2; i++) {
        rig_edit(i, "\"intervals\":[", "\"intervals\":null,\"x\":[");
    }
    merge_all(2, false);
    assert_null(total.report.intervals);
    says("  doubt        cannot tell: without --interval the reports do not say how the latency "
         "varied; give the clients --interval\n");
}

static void the_last_intervals_of_a_long_run_are_enough(void **state)
{
    (void)state;
    rig_make(2);
    for (size_t i = 0; i < 2; i++) {
        rig_edit(i, "\"intervals_dropped\":0", "\"intervals_dropped\":7");
        rig_edit(i, "\"intervals\":[{", "\"intervals\":[],\"x\":[{");
    }
    merge_all(2, false);
    assert_int_equal(total.intervals.count, 0);
    assert_int_equal(total.intervals.dropped, 7);
    says("  doubt        cannot tell: the reports lack the first intervals, ");
    says("varied; give the clients a longer --interval\n");
}

static void few_intervals_are_not_enough(void **state)
{
    (void)state;
    rig_make(2);
    for (size_t i = 0; i < 2; i++) {
        rig_ranks[i]->until_ns = 5 * NS_PER_S;
        rig_compose(i);
    }
    merge_all(2, false);
    says("  doubt        cannot tell: too few intervals are in the measured time ");
    says("; give the clients a shorter --interval, or measure longer\n");
}

/* ---- judgement ----------------------------------------------------------------------------- */

static void a_failure_of_one_is_that_of_all(void **state)
{
    (void)state;
    rig_make(3);
    rig_ranks[1]->stats.counters.lost = 2;
    rig_compose(1);
    merge_all(3, false);
    says("FAILED: 2 connections lost: closed or reset by the server ");
}

/* One client did not keep its schedule. That is less than 1 % of the whole. */
static void a_failure_that_the_sums_hide_is_named(void **state)
{
    struct verdict verdict;
    (void)state;
    rig_make(3);
    rig_edit(1, "\"ok\":true,\"verdict\":\"OK\",\"failures\":[]",
             "\"ok\":false,\"verdict\":\"late\",\"failures\":[{\"class\":\"rate\",\"count\":9,"
             "\"text\":\"rate not reached\"}]");
    rig_edit(1, "\"host\":\"", "\"host\":\"n1\",\"x\":\"");
    merge_all(3, false);
    says("FAILED: rank 1 (n1): rate not reached\n");
    client_report_judge(&total.report, &verdict);
    assert_int_equal(verdict.count, 1);
    assert_int_equal(verdict.failures[0].class, VERDICT_RATE);
}

static void the_most_serious_failure_is_the_first(void **state)
{
    struct verdict verdict;
    (void)state;
    rig_make(3);
    rig_ranks[0]->stats.counters.connect_failures = 1;
    rig_compose(0);
    rig_edit(1, "\"ok\":true,\"verdict\":\"OK\",\"failures\":[]",
             "\"ok\":false,\"verdict\":\"silent\",\"failures\":[{\"class\":\"silent\","
             "\"count\":9,\"text\":\"no message was answered\"}]");
    merge_all(3, false);
    client_report_judge(&total.report, &verdict);
    assert_int_equal(verdict.count, 2);
    assert_int_equal(verdict.failures[0].class, VERDICT_SILENT);
    assert_int_equal(verdict.failures[1].class, VERDICT_CONNECT);
}

static void what_was_found_of_clients_is_named(void **state)
{
    (void)state;
    rig_make(3);
    for (size_t i = 0; i < 2; i++) {
        rig_edit(i, "\"findings\":[]",
                 "\"findings\":[{\"class\":\"busy_machine\",\"text\":\"busy machine: it is\"},"
                 "{\"class\":\"too_few\",\"text\":\"cannot tell\"}]");
        rig_edit(i, "\"host\":\"",
                 i == 0 ? "\"host\":\"n0\",\"x\":\"" : "\"host\":\"n1\",\"x\":\"");
    }
    merge_all(3, false);
    says("  doubt        rank 0 (n0) and 1 other: busy machine: it is\n");
    assert_null(strstr(text.data, "other: cannot tell"));
    says("  fleet        3 clients on 3 hosts, ");
}

/* ---- the books ----------------------------------------------------------------------------- */

/* A run in which every byte came back. */
static void make_balanced(size_t count)
{
    rig_make(count);
    for (size_t i = 0; i < count; i++) {
        struct client_counters *n = &rig_ranks[i]->stats.counters;
        *n = (struct client_counters){.attempts = 2,
                                      .connected = 2,
                                      .completed = 2,
                                      .messages = 500,
                                      .sent = 1000,
                                      .verified = 1000};
        rig_compose(i);
    }
    books.generations = 1;
    books.counters = (struct server_counters){.accepted = 2 * count,
                                              .closed_by_client = 2 * count,
                                              .received = 1000 * count,
                                              .sent = 1000 * count};
}

static void the_books_balance(void **state)
{
    (void)state;
    make_balanced(3);
    merge_all(3, true);
    says("OK\n");
    says("  server       received 2.93 KiB, sent back 2.93 KiB; the books balance\n");
}

static void books_that_do_not_balance_fail_the_run(void **state)
{
    static const struct {
        struct server_counters more;
        const char *reason;
    } wrong[] = {
        {{.received = 5},
         "the servers received 5 bytes more than the clients sent: another client was at a server"},
        {{.sent = 1}, "the servers sent back 1 byte more than they received: "},
        {{.accepted = 1}, "the servers had 1 connection more than the clients: another client"},
        {{.accepted = UINT64_MAX}, "the clients had 1 connection more than the servers: "},
        {{.received = UINT64_MAX, .sent = UINT64_MAX},
         "the clients verified 1 byte more than the servers sent: the report of a server is"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        const struct client_counters clients = {
            .connected = 2, .completed = 2, .sent = 1000, .verified = 1000};
        struct fleet_server server;
        const struct server_counters *more = &wrong[i].more;
        books.generations = 1;
        books.counters = (struct server_counters){.accepted = 2 + more->accepted,
                                                  .received = 1000 + more->received,
                                                  .sent = 1000 + more->sent};
        books_judge(&books, &clients, &server);
        assert_int_equal(server.balance, FLEET_UNBALANCED);
        if (strstr(server.reason, wrong[i].reason) == NULL) {
            fail_msg("'%s' is not in '%s'", wrong[i].reason, server.reason);
        }
    }
    make_balanced(2);
    books.counters.accepted++;
    merge_all(2, true);
    says("FAILED: the books do not balance: the servers had 1 connection more than the clients: ");
}

#define GENERATION(number, last)                                                                   \
    "{\"program\":\"echo-server\",\"generation\":" number ",\"last\":" last ",\"counters\":{"      \
    "\"accepted\":1,\"refused\":0,\"accept_errors\":0,\"closed_by_client\":1,\"drained\":0,"       \
    "\"idle\":0,\"stalled\":0,\"failed\":0,\"cut\":0,\"echoes\":3,\"received\":10,\"sent\":10,"    \
    "\"discarded\":0}}\n"

static void read_books(const char *reports)
{
    char name[512];
    struct option_strings files = {.items = {name}, .count = 1};
    folder_add("server.json", reports);
    (void)snprintf(name, sizeof(name), "%s", folder_path("server.json"));
    books_read(&books, &files, &refusals);
}

/* They report when their last connection has ended. */
static void generations_come_in_any_order(void **state)
{
    (void)state;
    read_books(GENERATION("2", "false") GENERATION("1", "false") GENERATION("3", "true"));
    assert_int_equal(refusals.count, 0);
    assert_int_equal(books.generations, 3);
    assert_int_equal(books.counters.received, 30);
}

static void books_with_a_gap_are_refused(void **state)
{
    static const struct {
        const char *reports;
        const char *reason;
    } wrong[] = {
        {"", "the report of the last generation is missing; end the server first"},
        {GENERATION("1", "false"), "the report of the last generation is missing"},
        {GENERATION("1", "false") GENERATION("3", "true"), "generation 2 of 3 is missing"},
        {GENERATION("1", "true") GENERATION("1", "true"), "there are two of generation 1"},
        {"{\"program\":\"echo-client\"}", "it is a report of echo-client; give it without"},
        {"{}", "it is no report of echo-server"},
        {"listening on 127.0.0.1:6001", "line 1, column "},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        read_books(wrong[i].reports);
        refuses(wrong[i].reason);
        refusals.count = 0;
    }
}

/* What a reset has cut off is on one side only. */
static void resets_leave_bounds(void **state)
{
    const struct client_counters clients = {
        .connected = 2, .lost = 1, .sent = 1000, .verified = 900, .lost_bytes = 100};
    struct fleet_server server;
    (void)state;
    rig_make(1);
    books.counters = (struct server_counters){.accepted = 2, .received = 950, .sent = 940};
    books_judge(&books, &clients, &server);
    assert_int_equal(server.balance, FLEET_BOUNDED);
    books.counters.received = 1001;
    books_judge(&books, &clients, &server);
    assert_int_equal(server.balance, FLEET_UNBALANCED);
}

/* ---- what is refused ----------------------------------------------------------------------- */

/* An edit of the report of rank 2 of 4, and the reason. */
static void what_is_not_one_run_is_refused(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        const char *reason;
    } wrong[] = {
        {"\"rank\":2", "\"rank\":1", "two files are of rank 1: "},
        {"\"rank\":2", "\"rank\":1", "rank 2 of 4 is missing"},
        {"\"ranks\":4", "\"ranks\":5", "the number of clients differs: 4 of rank 0 ("},
        {"\"share\":{", "\"share\":null,\"x\":{", "its client was not started with --share"},
        {"\"start\":\"own\"", "\"start\":\"barrier\"", "the start differs: own of rank 0 ("},
        {"\"connections\":8", "\"connections\":9",
         "--connections of all clients differs: 8 of rank 0 ("},
        {"\"rate\":200", "\"rate\":201", "--rate of all clients differs: 200 of rank 0 ("},
        {"\"requests\":0", "\"requests\":5", "--requests of all clients differs: 0 of rank 0 ("},
        {"\"size\":\"64..128\"", "\"size\":\"64..129\"", "--size differs: \"64..128\" of rank 0 ("},
        {"\"duration_seconds\":10", "\"duration_seconds\":11",
         "--duration differs: 10 of rank 0 ("},
        {"\"message_size\":{\"min\":64", "\"message_size\":{\"min\":65",
         "--sizes differs: {\"max\":128,\"mean\":96,\"min\":64} of rank 0 ("},
        {"\"seed\":7", "\"seed\":8", "--seed differs: 7 of rank 0 ("},
        {"\"nodelay\":true", "\"nodelay\":false", "--nodelay differs: "},
        {"\"fail_if\":[\"max>1h\"]", "\"fail_if\":[]", "--fail-if differs: [\"max>1h\"] of rank 0"},
        {"\"version\":\"", "\"version\":\"9", "the version differs: "},
        {"\"connections\":2,", "\"connections\":3,", "the --connections of all clients are 9"},
        {"\"rate\":50", "\"rate\":51", "the --rate of all clients are 201 together, and 200 were"},
        {"\"intervals\":[", "\"intervals\":null,\"x\":[", "has no intervals, and others have"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        rig_make(4);
        rig_edit(2, wrong[i].from, wrong[i].to);
        read_all(4);
        refuses(wrong[i].reason);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(rig_merge_set_up(state), 0);
    }
}

/* Each client may have its own. */
static void machines_may_differ(void **state)
{
    (void)state;
    rig_make(3);
    rig_edit(1, "\"cpus\":[]", "\"cpus\":[0,1]");
    rig_edit(1, "\"rcvbuf\":0", "\"rcvbuf\":65536");
    rig_edit(1, "\"host\":\"10.0.0.1\"", "\"host\":\"10.0.0.2\"");
    rig_edit(1, "\"address\":\"10.0.0.1:6001\"", "\"address\":\"10.0.0.2:6001\"");
    rig_edit(1, "\"backend\":\"made-up\"", "\"backend\":\"iocp\"");
    rig_edit(1, "\"source\":null", "\"source\":\"10.0.0.9\"");
    merge_all(3, false);
    says("echo-client: 10.0.0.1:6001, 10.0.0.2:6001, 10.0 s measured, backend made-up, iocp, ");
    assert_string_equal(total.options.host, "10.0.0.1, 10.0.0.2");
    assert_int_equal(total.options.cpus.count, 0);
    assert_null(total.options.source);
}

static void clients_without_a_common_time_are_refused(void **state)
{
    (void)state;
    rig_make(3);
    rig_ranks[2]->began_unix_ns += 12 * NS_PER_S;
    rig_compose(2);
    read_all(3);
    refuses("there is no time in which all clients measured: rank 0 (");
    refuses(", a gap of 2.00 s; start them together");
}

static void all_reasons_are_told_up_to_a_limit(void **state)
{
    (void)state;
    rig_make(2);
    for (size_t i = 0; i < 2; i++) {
        rig_edit(i, "\"ranks\":2", "\"ranks\":60000");
    }
    read_all(2);
    assert_int_equal(refusals.count, 59998);
    assert_true(refusals_end(&refusals));
    refuses("rank 2 of 60000 is missing");
    refuses("--merge: and 59978 more reasons");
    assert_null(strstr(rig_messages(), "rank 30 of"));
}

/* Two clients with half of what 64 bits hold. */
static void sums_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    rig_make(2);
    for (size_t i = 0; i < 2; i++) {
        rig_ranks[i]->stats.counters.sent = RANK_COUNT_MAX;
        rig_compose(i);
    }
    read_all(2);
    assert_int_equal(refusals.count, 0);
    total_make(&total, &fleet, &options, NULL, &refusals);
    refuses("its counts are too large to be added to those of the others");
}

/* ---- hostile files ------------------------------------------------------------------------- */

static void print_all(void)
{
    struct text json_text = {0};
    struct json json;
    total.report.columns = 80;
    client_report_text(&total.report, &text);
    json_begin(&json, &json_text);
    json_object(&json, NULL);
    client_report_json_members(&total.report, &json);
    json_end_object(&json);
    assert_false(text.failed || json_text.failed);
    text_free(&json_text);
    text_free(&text);
}

/* Replaces the number of a member, so that the text stays JSON. */
static void change_a_number(uint64_t *random)
{
    static const char *const numbers[] = {"0",
                                          "1",
                                          "2",
                                          "7",
                                          "-1",
                                          "0.5",
                                          "1e-300",
                                          "1e15",
                                          "1e300",
                                          "4294967295",
                                          "576460752303423488",
                                          "9223372036854775807"};
    char from[80];
    char to[80];
    const char *report = rig_ranks[0]->text;
    const char *at = strchr(report + random_next(random) % (strlen(report) - 1), ':');
    size_t width = at != NULL ? strspn(at + 1, "-+.e0123456789") : 0;
    if (width > 0 && width < 30) {
        (void)snprintf(from, sizeof(from), "%.*s", (int)(width + 11), at - 10);
        (void)snprintf(to, sizeof(to), "%.11s%s", at - 10,
                       numbers[random_next(random) % LENGTH(numbers)]);
        rig_edit(0, from, to);
    }
}

/* Whatever the numbers are: the report is refused, or merged and printed. */
static void any_number_may_be_another(void **state)
{
    uint64_t random = 88172645463325252;
    size_t merged = 0;
    (void)state;
    rig_make(1);
    for (size_t i = 0; i < 3000 * TEST_EFFORT / 100; i++) {
        char *file;
        rig_compose(0);
        for (size_t changes = 1 + i % 3; changes > 0; changes--) {
            change_a_number(&random);
        }
        file = rig_file(0);
        refusals.count = 0;
        fleet_read(&fleet, &file, 1, &refusals);
        fleet_check(&fleet, &refusals);
        if (refusals.count == 0) {
            total_make(&total, &fleet, &options, NULL, &refusals);
        }
        if (refusals.count == 0) {
            print_all();
            merged++;
        }
        total_free(&total);
        total = (struct total){.fleet = NULL};
        fleet_free(&fleet);
    }
    assert_true(merged > 0);
}

#define MERGE_TEST(name) cmocka_unit_test_setup_teardown(name, rig_merge_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MERGE_TEST(the_sum_is_that_of_all),
        MERGE_TEST(the_options_are_those_of_the_whole),
        MERGE_TEST(intervals_are_added_by_time),
        MERGE_TEST(a_client_that_began_later_is_placed_later),
        MERGE_TEST(a_client_that_ended_early_is_a_doubt),
        MERGE_TEST(a_client_that_began_between_is_placed_at_the_nearest),
        MERGE_TEST(intervals_end_after_they_begin),
        MERGE_TEST(a_barrier_is_the_common_time),
        MERGE_TEST(another_barrier_is_another_run),
        MERGE_TEST(without_intervals_it_can_not_tell),
        MERGE_TEST(the_last_intervals_of_a_long_run_are_enough),
        MERGE_TEST(few_intervals_are_not_enough),
        MERGE_TEST(a_failure_of_one_is_that_of_all),
        MERGE_TEST(a_failure_that_the_sums_hide_is_named),
        MERGE_TEST(the_most_serious_failure_is_the_first),
        MERGE_TEST(what_was_found_of_clients_is_named),
        MERGE_TEST(the_books_balance),
        MERGE_TEST(books_that_do_not_balance_fail_the_run),
        MERGE_TEST(generations_come_in_any_order),
        MERGE_TEST(books_with_a_gap_are_refused),
        MERGE_TEST(resets_leave_bounds),
        MERGE_TEST(what_is_not_one_run_is_refused),
        MERGE_TEST(machines_may_differ),
        MERGE_TEST(clients_without_a_common_time_are_refused),
        MERGE_TEST(all_reasons_are_told_up_to_a_limit),
        MERGE_TEST(sums_that_do_not_fit_are_refused),
        MERGE_TEST(any_number_may_be_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
