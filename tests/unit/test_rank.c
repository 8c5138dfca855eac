/* The report of a client is read back as what it counted, and nothing that is wrong is taken. */

#include "merge_rig.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rank.h"
#include "units.h"

static struct rank rank;

static int tear_down(void **state)
{
    rank_free(&rank);
    return rig_merge_tear_down(state);
}

static bool is_same(const struct counter_list *list, const void *one, const void *other)
{
    bool same = true;
    for (size_t i = 0; i < list->count; i++) {
        same = same && counter_value(&list->rows[i], one) == counter_value(&list->rows[i], other);
    }
    return same;
}

static void is_same_histogram(const struct histogram *one, const struct histogram *other)
{
    assert_int_equal(one->count, other->count);
    assert_int_equal(one->min, other->min);
    assert_int_equal(one->max, other->max);
    assert_memory_equal(one->buckets, other->buckets, sizeof(one->buckets));
    assert_true(fabs(histogram_mean(one) - histogram_mean(other)) <= 1e-12 * histogram_mean(one));
}

static void what_was_counted_is_read(void **state)
{
    const struct client_stats *stats;
    (void)state;
    rig_make(3);
    stats = &rig_ranks[1]->stats;
    if (!rank_read(&rank, rig_file(1))) {
        fail_msg("%s", rank.file.error);
    }
    assert_true(is_same(&stats_client_list, &rank.stats->counters, &stats->counters));
    assert_true(is_same(&stats_figure_list, rank.stats, stats));
    is_same_histogram(&rank.stats->latency, &stats->latency);
    is_same_histogram(&rank.stats->since_sent, &stats->since_sent);
    is_same_histogram(&rank.stats->lateness, &stats->lateness);
    is_same_histogram(&rank.stats->fairness, &stats->fairness);
    assert_memory_equal(&rank.stats->errors, &stats->errors, sizeof(stats->errors));
    assert_int_equal(rank.stats->connect_error, UV_ECONNREFUSED);
    assert_int_equal(rank.stats->not_up_reason, 0);
    assert_int_equal(rank.worker_count, RIG_WORKERS);
    for (size_t i = 0; i < RIG_WORKERS; i++) {
        const struct worker_stats *work = &rig_ranks[1]->workers[i].work;
        assert_true(is_same(&stats_io_list, &rank.workers[i].work.io, &work->io));
        assert_memory_equal(rank.workers[i].work.io.batches, work->io.batches,
                            sizeof(work->io.batches));
        assert_int_equal(rank.workers[i].work.cpu_ns, work->cpu_ns);
    }
}

static void what_it_was_is_read(void **state)
{
    (void)state;
    rig_make(3);
    assert_true(rank_read(&rank, rig_file(1)));
    assert_int_equal(rank.share.rank, 1);
    assert_int_equal(rank.share.ranks, 3);
    assert_int_equal(rank.start, RANK_OWN);
    assert_int_equal(rank.whole.connections, 6);
    assert_int_equal(rank.options.connections, 2);
    assert_true(rank.whole.rate == 200.0);
    assert_int_equal(rank.options.duration_ns, 10 * NS_PER_S);
    assert_int_equal(rank.options.common.busy_poll_ns, NS_PER_MS);
    assert_int_equal(rank.options.give_up_ns, 30 * NS_PER_S);
    assert_int_equal(rank.options.seed, 7);
    assert_int_equal(rank.options.fail_if.count, 1);
    assert_string_equal(rank.options.fail_if.items[0], "max>1h");
    assert_string_equal(rank.options.host, "10.0.0.1");
    assert_int_equal(rank.options.message_size, 0);
    assert_int_equal(rank.options.sizes->min, 64);
    assert_int_equal(rank.options.sizes->max, 128);
    assert_int_equal(rank.options.percentile.count, 4);
    assert_true(rank.from_seconds == 0.0 && rank.until_seconds == 10.0);
    assert_true(fabs(rank.started_unix - 1795944171.001) < 1e-6);
    assert_true(rank.verdict.ok);
    assert_string_equal(rank.backend.name, "made-up");
    assert_string_equal(rank.backend.recv, "eager");
    assert_int_equal(rank.process.system_ns, 2 * NS_PER_S);
    assert_true(rank.trust.busy_share_max == 0.5);
    assert_int_equal(rank.trust.steal_ns, TRUST_UNKNOWN);
}

static void intervals_are_read(void **state)
{
    static struct histogram sum;
    static struct histogram own;
    (void)state;
    rig_make(1);
    assert_true(rank_read(&rank, rig_file(0)));
    assert_int_equal(rank.intervals.count, 10);
    histogram_init(&sum);
    for (size_t i = 0; i < 10; i++) {
        const struct rank_interval *interval = &rank.intervals.list[i];
        assert_int_equal(interval->from_ns, i * NS_PER_S);
        assert_int_equal(interval->messages, 50);
        histogram_init(&own);
        assert_true(rank_interval_latency(interval, &own));
        assert_int_equal(own.count, 50);
        histogram_merge(&sum, &own);
    }
    assert_int_equal(sum.min, rank.stats->latency.min);
    assert_memory_equal(sum.buckets, rank.stats->latency.buckets, sizeof(sum.buckets));
}

/* A table of sizes is a file that need not be here. */
static void a_table_of_sizes_is_not_looked_for(void **state)
{
    (void)state;
    rig_make(1);
    rig_edit(0, "\"size\":\"64..128\"", "\"size\":null");
    rig_edit(0, "\"sizes\":null", "\"sizes\":\"/no/such/file\"");
    assert_true(rank_read(&rank, rig_file(0)));
    assert_string_equal(rank.options.size_table, "/no/such/file");
    assert_true(rank.options.sizes->mean == 96.0);
}

/* What only some systems accept. */
static void options_of_another_system_are_read(void **state)
{
    (void)state;
    rig_make(1);
    rig_edit(0, "\"sndbuf\":0", "\"sndbuf\":\"none\"");
    rig_edit(0, "\"source\":null", "\"source\":\"fe80::1%no-such-interface\"");
    rig_edit(0, "\"code\":\"ECONNRESET\"", "\"code\":\"ENEWERROR\"");
    assert_true(rank_read(&rank, rig_file(0)));
    assert_int_equal(rank.options.common.sndbuf_size, OPTION_NONE);
    assert_string_equal(rank.options.source, "fe80::1%no-such-interface");
    assert_int_equal(rank.stats->errors.entries[1].code, UV_UNKNOWN);
}

static void a_failure_and_a_wrong_answer_are_read(void **state)
{
    static const uint8_t bytes[] = "HTTP/1.1\n";
    struct client_stats *stats;
    (void)state;
    rig_make(1);
    stats = &rig_ranks[0]->stats;
    stats->counters.mismatches = 3;
    stats->gave_up = true;
    stats->answer = (struct stats_answer){.connection = 5, .offset = 7, .begin = 2, .length = 9};
    memcpy(stats->answer.bytes, bytes, 9);
    rig_compose(0);
    assert_true(rank_read(&rank, rig_file(0)));
    assert_false(rank.verdict.ok);
    assert_int_equal(rank.verdict.count, 2);
    assert_int_equal(rank.verdict.failures[0].class, VERDICT_WRONG_DATA);
    assert_int_equal(rank.verdict.failures[0].count, 3);
    assert_string_equal(rank.verdict.failures[0].text, "3 connections brought wrong data");
    assert_true(rank.stats->gave_up);
    assert_memory_equal(&rank.stats->answer, &stats->answer, sizeof(stats->answer));
}

/* ---- what is wrong ------------------------------------------------------------------------- */

static void refuses(const char *error)
{
    assert_false(rank_read(&rank, rig_file(0)));
    if (strstr(rank.file.error, error) == NULL) {
        fail_msg("'%s' is not in '%s'", error, rank.file.error);
    }
    rank_free(&rank);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        const char *error;
    } wrong[] = {
        {"{\"program\"", "", "line 1, column "},
        {"\"program\":\"echo-client\",", "", "it is no report of echo-client"},
        {"\"echo-client\"", "\"echo-server\"",
         "it is a report of echo-server; give it by --server"},
        {"{\"program\"", "{\"type\":\"start\",\"program\"", "a line 'start' of --json-stream"},
        {"\"format\":1", "\"format\":2", "its format is 2, and this echo-client reads 1"},
        {"\"share\":{", "\"share\":null,\"old\":{", "its client was not started with --share"},
        {"\"ranks\":1", "\"ranks\":65537", "member `share.ranks`: 65537 is out of range"},
        {"\"rank\":0", "\"rank\":1", "member `share`: `rank` is not below `ranks`"},
        {"\"start\":\"own\"", "\"start\":\"soon\"", "member `share.start`: it takes own, start_at"},
        {"\"threads\":2", "\"threads\":0", "as an option, --threads: '0' is out of range"},
        {"\"threads\":2", "\"threads\":3", "member `workers`: it has not one item for each"},
        {"\"port\":\"6001\"", "\"port\":\"70000\"", "as an option, --port: '70000'"},
        {"\"percentiles\":\"0,50", "\"percentiles\":\"x,50", "as an option, --percentiles: "},
        {"\"seed\":7", "\"seed\":-7", "member `seed`: -7 is out of range"},
        {"\"seed\":7", "\"seed\":7,\"seed\":7", "duplicate"},
        {"\"allow_drain\":false", "\"allow_drain\":0", "member `allow_drain`: it is not true"},
        {"\"counters\":{\"attempts\":", "\"counters\":{\"attempts\":-",
         "member `counters.attempts`: -"},
        {"\"counters\":{\"attempts\":", "\"counters\":{\"attempts\":576460752303423489,\"x\":",
         "member `counters.attempts`: 576460752303423489 is out of range"},
        {"\"connected\":", "\"connecter\":", "member `counters.connected`: it is missing"},
        {"\"not_up\":0", "\"not_up\":3", "member `figures`: `not_up` is more than `connections`"},
        {"\"unanswered_oldest\":", "\"buckets\":[],\"unanswered_oldest\":", "duplicate"},
        {"\"since\":\"due\",\"count\":500", "\"since\":\"due\",\"count\":501",
         "member `latency_ns`: `count` is not the sum of `buckets`"},
        {"\"operation\":\"recv\"", "\"operation\":\"read\"",
         "member `errors[1].operation`: there is no such operation"},
        {"\"measured\":{\"from_seconds\":0,\"until_seconds\":10}",
         "\"measured\":{\"from_seconds\":10,\"until_seconds\":10}",
         "member `measured`: it ends before it begins"},
        {"\"measured\":{\"from_seconds\":0,\"until_seconds\":10}", "\"measured\":null",
         "`seconds` are not those of `measured`"},
        {"\"ok\":true", "\"ok\":false", "member `ok`: it does not agree with `failures`"},
        {"\"failures\":[]", "\"failures\":[{\"class\":\"none\",\"count\":1,\"text\":\"\"}]",
         "member `failures[0].class`: there is no such class"},
        {"\"findings\":[]", "\"findings\":[{\"class\":\"x\",\"text\":\"\"}]",
         "member `trust.findings[0].class`: there is no such class"},
        {"\"batches\":[", "\"batches\":[1,", "`: it has 9 items, more than the 8"},
        {"\"cpus\":[]", "\"cpus\":[1,1]", "as an option, --cpus: '1,1'"},
        {"\"address\":\"", "\"address\":\"\\u001b[2J", "member `address`: it has a control"},
        {"{\"from_seconds\":1,\"until_seconds\":2,", "{\"from_seconds\":0,\"until_seconds\":2,",
         "member `intervals[1]`: it ends before it begins, or begins before"},
    };
    (void)state;
    rig_make(1);
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        rig_compose(0);
        rig_edit(0, wrong[i].from, wrong[i].to);
        refuses(wrong[i].error);
    }
}

/* Each bucket is checked, and so are the figures that go with them. */
static void buckets_that_can_not_be_are_refused(void **state)
{
    char min[64];
    char max[64];
    (void)state;
    rig_make(1);
    const struct histogram *latency = &rig_ranks[0]->stats.latency;
    (void)snprintf(min, sizeof(min), "\"min\":%" PRIu64 ",\"mean\"", latency->min);
    (void)snprintf(max, sizeof(max), "\"max\":%" PRIu64 ",\"percentiles\"", latency->max);
    rig_edit(0, min, "\"min\":0,\"mean\"");
    refuses("member `latency_ns`: `min`, `max` and `mean` are not those of `buckets`");
    rig_compose(0);
    rig_edit(0, max, "\"max\":9223372036854775807,\"percentiles\"");
    refuses("member `latency_ns`: `min`, `max` and `mean` are not those of `buckets`");
    rig_compose(0);
    rig_edit(0, "\"buckets\":[[", "\"buckets\":[[1000,1],[");
    refuses("member `latency_ns.buckets[0]`: no bucket ends there");
    rig_compose(0);
    rig_edit(0, "\"buckets\":[[", "\"buckets\":[[7,0],[");
    refuses("member `latency_ns.buckets[0]`: no bucket ends there");
    rig_compose(0);
    rig_edit(0, "\"buckets\":[[", "\"buckets\":[[7],[");
    refuses("member `latency_ns.buckets[0]`: it is no pair");
    rig_compose(0);
    rig_edit(0, "\"buckets\":[[", "\"buckets\":[[7,576460752303423488],[");
    refuses("member `latency_ns.buckets[1]`: no bucket ends there");
}

/* However much of a file is missing. */
static void a_file_that_was_cut_is_refused(void **state)
{
    (void)state;
    rig_make(1);
    size_t length = strlen(rig_ranks[0]->text) - 1; /* without the newline */
    for (size_t cut = 1; cut < length; cut += 97) {
        rig_compose(0);
        rig_ranks[0]->text[length - cut] = '\0';
        refuses("");
    }
    rig_ranks[0]->text[0] = '\0';
    refuses("it is empty; perhaps its client has not ended");
}

static void two_reports_in_a_file_are_refused(void **state)
{
    (void)state;
    rig_make(1);
    rig_edit(0, "}\n", "}\n{}\n");
    refuses("it has more than one report");
}

/* Any member that is missing, or of another type, is an error, and never a crash. */
static void any_member_may_be_wrong(void **state)
{
    static char name[80];
    static char other[96];
    size_t members = 0;
    (void)state;
    rig_make(1);
    for (size_t offset = 0;; members++) {
        const char *at = strchr(rig_ranks[0]->text + offset, '"');
        size_t width = at == NULL ? 0 : strcspn(at + 1, "\"") + 2;
        if (at == NULL) {
            break;
        }
        offset = (size_t)(at - rig_ranks[0]->text) + width;
        if (at[width] != ':' || width >= sizeof(name)) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "%.*s:", (int)width, at);
        (void)snprintf(other, sizeof(other), "%.*s:{\"no\":[true]},\"x%zu\":", (int)width, at,
                       members);
        rig_edit(0, name, other);
        (void)rank_read(&rank, rig_file(0));
        rank_free(&rank);
        rig_compose(0);
    }
    assert_true(members > 100);
}

#define RANK_TEST(name) cmocka_unit_test_setup_teardown(name, rig_merge_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(what_was_counted_is_read),
        RANK_TEST(what_it_was_is_read),
        RANK_TEST(intervals_are_read),
        RANK_TEST(a_table_of_sizes_is_not_looked_for),
        RANK_TEST(options_of_another_system_are_read),
        RANK_TEST(a_failure_and_a_wrong_answer_are_read),
        RANK_TEST(what_is_wrong_is_named),
        RANK_TEST(buckets_that_can_not_be_are_refused),
        RANK_TEST(a_file_that_was_cut_is_refused),
        RANK_TEST(two_reports_in_a_file_are_refused),
        RANK_TEST(any_member_may_be_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
