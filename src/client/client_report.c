#include "client_report.h"

#include <inttypes.h>
#include <math.h>

#include "answer.h"
#include "buckets.h"
#include "fairness.h"
#include "share_report.h"
#include "units.h"
#include "utc.h"

/* The JSON has these by name, whatever --percentiles says. */
static const double client_percentiles[] = {50, 90, 99, 99.9};
static const char *const client_percentile_names[] = {"p50", "p90", "p99", "p999"};

#define CLIENT_PERCENTILES LENGTH(client_percentiles)

static double client_per_second(const struct client_report *report, uint64_t count)
{
    return report->seconds > 0 ? (double)count / report->seconds : NAN;
}

static struct verdict_run client_verdict_run(const struct client_report *report)
{
    const struct client_options *options = report->options;
    return (struct verdict_run){.stats = report->stats,
                                .connections = options->connections,
                                .rate = options->rate,
                                .timeout_ns = options->timeout_ns,
                                .give_up_ns = options->give_up_ns,
                                .so_far = report->so_far};
}

void client_report_judge(const struct client_report *report, struct verdict *verdict)
{
    struct verdict_run run = client_verdict_run(report);
    verdict_judge(&run, verdict);
    if (report->fleet != NULL) {
        fleet_judge(report->fleet, verdict);
    }
}

void client_report_thresholds(const struct client_report *report, struct thresholds *thresholds)
{
    static const struct option_strings none = {.count = 0};
    bool shared = report->options->share.ranks > 0;
    const struct client_stats *stats = report->stats;
    const struct condition_figures figures = {
        .latency = &stats->latency,
        .lateness = &stats->lateness,
        .seconds = report->seconds,
        .messages = stats->measured_messages,
        .bytes = stats->measured_bytes,
        .failures = verdict_failures_so_far(&stats->counters),
    };
    threshold_judge(shared ? &none : &report->options->fail_if, &figures, thresholds);
}

/* ---- progress ------------------------------------------------------------------------------ */

void client_report_progress(const struct client_progress *progress, char *text)
{
    const struct client_counters *now = progress->now;
    uint64_t failures = verdict_failures_so_far(now);
    double seconds = (double)progress->tick_ns / 1e9;
    char rate[UNITS_TEXT_SIZE];
    char bytes[UNITS_TEXT_SIZE];
    char failed[UNITS_TEXT_SIZE + 16] = "all verified";
    if (failures > 0) {
        (void)snprintf(failed, sizeof(failed), "%" PRIu64 " FAILED", failures);
    }
    (void)snprintf(
        text, CLIENT_PROGRESS_TEXT, "%5.1f s  %" PRIu64 " up  %s, %s  %s  %s/s",
        (double)progress->run_ns / 1e9, progress->up, units_counted(now->messages, "message").text,
        failed,
        units_format_rate(rate, sizeof(rate),
                          (double)(now->messages - progress->before->messages) / seconds),
        units_format_bytes(bytes, sizeof(bytes),
                           (double)(now->verified - progress->before->verified) / seconds));
}

/* ---- text ---------------------------------------------------------------------------------- */

/* The verdict, and the other failures. */
static void client_report_verdict(const struct client_report *report, struct text *out)
{
    struct verdict verdict;
    client_report_judge(report, &verdict);
    const char *text = verdict.ok && report->so_far ? "no failure" : verdict_text(&verdict);
    text_printf(out, "%s%s%s\n", report->so_far ? "so far: " : "",
                verdict.ok ? "" : "FAILED: ", text);
    for (size_t i = 1; i < verdict.count; i++) {
        text_printf(out, "  and          %s\n", verdict.failures[i].text);
    }
}

/* "messages of 64 bytes"; of 64 to 65,536 bytes, 1,234 on average. */
static void client_report_sizes(const struct client_options *options, struct text *out)
{
    const struct sizes *sizes = options->sizes;
    char min[UNITS_TEXT_SIZE];
    char mean[UNITS_TEXT_SIZE];
    if (sizes == NULL) {
        text_printf(out, "messages of %s", units_counted(options->message_size, "byte").text);
        return;
    }
    text_printf(out, "messages of %s to %s (%s on average)",
                units_format_grouped(min, sizeof(min), sizes->min),
                units_counted(sizes->max, "byte").text,
                units_format_grouped(mean, sizeof(mean), (uint64_t)(sizes->mean + 0.5)));
}

static void client_report_head(const struct client_report *report, struct text *out)
{
    const struct client_options *options = report->options;
    text_printf(out, "echo-client: ");
    if (options->share.ranks > 0) {
        text_printf(out, "share %" PRIu64 "/%" PRIu64 ", ", options->share.rank,
                    options->share.ranks);
    }
    text_printf(out, "%s, %.1f s measured, backend %s, %s, %s, ", report->address, report->seconds,
                report->backend.name, units_counted(report->worker_count, "thread").text,
                units_counted(options->connections, "connection").text);
    client_report_sizes(options, out);
    text_printf(out, ", %" PRIu64 " in flight\n", options->pipeline);
}

/* The measured time. The counts of bytes are of the whole run. */
static void client_report_data(const struct client_report *report, struct text *out)
{
    const struct client_stats *stats = report->stats;
    char count[UNITS_TEXT_SIZE];
    char rate[UNITS_TEXT_SIZE];
    if (report->seconds <= 0) {
        text_printf(out, "  messages     nothing %s\n",
                    report->so_far ? "is measured before --warmup is over"
                                   : "was measured: the run was over before --warmup");
        return;
    }
    text_printf(
        out, "  messages     %s, %s\n",
        units_format_grouped(count, sizeof(count), stats->measured_messages),
        units_format_rate(rate, sizeof(rate), client_per_second(report, stats->measured_messages)));
    text_printf(
        out, "  data         %s verified, %s/s each way\n",
        units_format_bytes(count, sizeof(count), (double)stats->measured_bytes),
        units_format_bytes(rate, sizeof(rate), client_per_second(report, stats->measured_bytes)));
}

/* Bytes sent and not answered yet. An answer may arrive before its send is known to be over. */
static uint64_t client_under_way(const struct client_counters *n)
{
    uint64_t over = n->verified + counters_total(&stats_client_list, COUNTER_BYTES, n);
    return n->sent > over ? n->sent - over : 0;
}

/* What became of the bytes that were sent. Left out, without --details, if all were verified. */
static void client_report_books(const struct client_report *report, struct text *out)
{
    const struct client_counters *n = &report->stats->counters;
    char verified[UNITS_TEXT_SIZE];
    uint64_t unverified = counters_total(&stats_client_list, COUNTER_BYTES, n);
    if (unverified == 0 && !report->options->common.details) {
        return;
    }
    text_printf(out, "  books        sent %s, %s verified", units_counted(n->sent, "byte").text,
                units_format_grouped(verified, sizeof(verified), n->verified));
    (void)report_text_counters(out, ", ", &stats_client_list, COUNTER_BYTES, n);
    (void)report_text_count(out, ", ", report->so_far ? client_under_way(n) : 0, "under way");
    text_printf(out, "; %s in the whole run\n", units_counted(n->messages, "message").text);
}

/* The percentiles, maximum and mean of latencies. */
static void client_report_durations(const struct client_report *report,
                                    const struct histogram *latency, struct text *out)
{
    char text[UNITS_TEXT_SIZE];
    if (latency->count == 0) {
        text_printf(out, "no message began and ended in the measured time");
    } else {
        percentiles_text(&report->options->percentile, latency, out);
        text_printf(out, "max %s, mean ", units_format_duration(text, sizeof(text), latency->max));
        text_printf(out, "%s",
                    units_format_duration(text, sizeof(text), (uint64_t)histogram_mean(latency)));
    }
}

/* With --rate: the latency since the messages were sent, and how late the client itself was. */
static void client_report_schedule(const struct client_report *report, struct text *out)
{
    const struct histogram *lateness = &report->stats->lateness;
    char text[UNITS_TEXT_SIZE];
    if (report->options->rate <= 0) {
        return;
    }
    text_printf(out, "  latency since sent   ");
    client_report_durations(report, &report->stats->since_sent, out);
    text_printf(out, "\n");
    if (lateness->count > 0) {
        text_printf(out, "  client lateness p99  %s",
                    units_format_duration(text, sizeof(text), histogram_percentile(lateness, 99)));
        text_printf(out, ", max %s\n", units_format_duration(text, sizeof(text), lateness->max));
    }
}

static void client_report_latency(const struct client_report *report, struct text *out)
{
    uint64_t unanswered = report->stats->counters.unanswered_messages;
    char text[UNITS_TEXT_SIZE];
    text_printf(out, report->options->rate > 0 ? "  latency since due    " : "  latency      ");
    client_report_durations(report, &report->stats->latency, out);
    if (unanswered > 0) {
        text_printf(out, "; %s unanswered, the oldest for %s",
                    units_counted(unanswered, "message").text,
                    units_format_duration(text, sizeof(text), report->stats->unanswered_oldest_ns));
    }
    text_printf(out, "\n");
}

/* How the connections that came up ended. */
static void client_report_connections(const struct client_report *report, struct text *out)
{
    const struct client_counters *n = &report->stats->counters;
    char up[UNITS_TEXT_SIZE];
    char at_once[UNITS_TEXT_SIZE];
    text_printf(out, "  connections  %s up (%s at once)",
                units_format_grouped(up, sizeof(up), n->connected),
                units_format_grouped(at_once, sizeof(at_once), report->stats->up_peak));
    const char *separator = report_text_counters(out, ": ", &stats_client_list, COUNTER_END, n);
    (void)report_text_count(out, separator, report->so_far ? report->stats->up : 0, "still up");
    (void)report_text_counters(out, "; ", &stats_client_list, COUNTER_ASIDE, n);
    text_printf(out, "\n");
    if (report->stats->unsent > 0) {
        text_printf(out, "  unsent       %s of the schedule never began\n",
                    units_counted(report->stats->unsent, "message").text);
    }
}

/* At the end of the run. Without a message there is nothing to trust or to doubt. */
static void client_report_trust(const struct client_report *report, struct text *out)
{
    if (report->trust != NULL && report->stats->latency.count > 0) {
        trust_text(report->trust, out);
    }
    if (report->trust != NULL) {
        until_text(report->until, out);
    }
}

void client_report_text(const struct client_report *report, struct text *out)
{
    size_t begin = out->length;
    struct thresholds thresholds;
    const struct report_details details = {.estimates_calls = report->backend.estimates_calls,
                                           .process = report->process,
                                           .workers = report->workers,
                                           .worker_count = report->worker_count,
                                           .messages = report->stats->counters.messages,
                                           .label = "per message"};
    client_report_verdict(report, out);
    client_report_head(report, out);
    client_report_data(report, out);
    client_report_latency(report, out);
    client_report_schedule(report, out);
    fairness_text(&report->stats->fairness, out);
    client_report_connections(report, out);
    hostile_report_text(report->hostile, out);
    fleet_text(report->fleet, out);
    client_report_books(report, out);
    answer_text(report->stats, out);
    report_text_errors(out, &report->stats->errors);
    client_report_thresholds(report, &thresholds);
    threshold_text(&thresholds, out);
    client_report_trust(report, out);
    if (report->options->common.details) {
        report_text_details(out, &details);
    }
    report_wrap(out, begin, report->columns);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

/* The members of durations, up to the maximum. */
static void client_report_json_durations(struct json *json, const struct client_report *report,
                                         const struct histogram *latency)
{
    bool measured = latency->count > 0;
    json_uint(json, "count", latency->count);
    json_uint_if(json, "min", measured, latency->min);
    json_double(json, "mean", measured ? histogram_mean(latency) : NAN);
    for (size_t i = 0; i < CLIENT_PERCENTILES; i++) {
        json_uint_if(json, client_percentile_names[i], measured,
                     histogram_percentile(latency, client_percentiles[i]));
    }
    json_uint_if(json, "max", measured, latency->max);
    json_object(json, "percentiles");
    percentiles_json(&report->options->percentile, latency, json);
    json_end_object(json);
}

static void client_report_json_latency(struct json *json, const struct client_report *report)
{
    const struct client_stats *stats = report->stats;
    uint64_t unanswered = stats->counters.unanswered_messages;
    json_object(json, "latency_ns");
    json_string(json, "since", report->options->rate > 0 ? "due" : "begin");
    client_report_json_durations(json, report, &stats->latency);
    json_uint(json, "unanswered", unanswered);
    json_uint_if(json, "unanswered_oldest", unanswered > 0, stats->unanswered_oldest_ns);
    buckets_json(&stats->latency, json);
    json_end_object(json);
}

/* What there is only with --rate; null without. */
static void client_report_json_open_loop(struct json *json, const struct client_report *report,
                                         const char *key, const struct histogram *durations)
{
    if (report->options->rate <= 0) {
        json_null(json, key);
        return;
    }
    json_object(json, key);
    client_report_json_durations(json, report, durations);
    buckets_json(durations, json);
    json_end_object(json);
}

static void client_report_json_verdict(struct json *json, const struct client_report *report)
{
    struct verdict verdict;
    client_report_judge(report, &verdict);
    json_bool(json, "ok", verdict.ok);
    json_string(json, "verdict", verdict_text(&verdict));
    json_array(json, "failures");
    for (size_t i = 0; i < verdict.count; i++) {
        json_object(json, NULL);
        json_string(json, "class", verdict_class_name(verdict.failures[i].class));
        json_uint(json, "count", verdict.failures[i].count);
        json_string(json, "text", verdict.failures[i].text);
        json_end_object(json);
    }
    json_end_array(json);
}

/* Whether the schedule of --rate was kept. */
static void client_report_json_schedule(struct json *json, const struct client_report *report)
{
    struct verdict_run run = client_verdict_run(report);
    const char *late = verdict_late_side(&run);
    json_uint_if(json, "unsent", run.rate > 0, report->stats->unsent);
    if (late != NULL) {
        json_string(json, "late", late);
    } else {
        json_null(json, "late");
    }
}

/* As they are in force. */
static void client_report_json_options(struct json *json, const struct client_report *report)
{
    struct client_options options = *report->options;
    options.threads = report->worker_count;
    options.seed = report->seed;
    option_json(&client_program, &options, json);
}

void client_report_json_start(const struct client_report *report, struct json *json)
{
    char at[UTC_TEXT_SIZE];
    json_string(json, "program", "echo-client");
    json_uint(json, "format", CLIENT_REPORT_FORMAT);
    json_string(json, "started_at", utc_format(at, sizeof(at), report->began_unix_ns));
    json_double(json, "started_unix", utc_seconds(report->began_unix_ns));
    report_json_backend(json, &report->backend);
    share_report_json_start(report, json);
    client_report_json_options(json, report);
}

static void client_report_json_run(struct json *json, const struct client_report *report)
{
    const struct client_stats *stats = report->stats;
    client_report_json_start(report, json);
    client_report_json_verdict(json, report);
    json_string(json, "address", report->address);
    json_double(json, "seconds", report->seconds);
    json_uint(json, "measured_messages", stats->measured_messages);
    json_uint(json, "measured_bytes", stats->measured_bytes);
    json_double(json, "messages_per_second", client_per_second(report, stats->measured_messages));
    json_double(json, "bytes_per_second", client_per_second(report, stats->measured_bytes));
    json_uint(json, "up", report->options->connections - stats->not_up);
    json_uint(json, "up_peak", stats->up_peak);
    json_double(json, "down_seconds", (double)stats->down_ns / 1e9);
    client_report_json_schedule(json, report);
    answer_json(report->stats, json);
    share_report_json_run(report, json);
}

static void client_report_json_thresholds(struct json *json, const struct client_report *report)
{
    struct thresholds thresholds;
    client_report_thresholds(report, &thresholds);
    threshold_json(&thresholds, json);
}

static void client_report_json_trust(struct json *json, const struct client_report *report)
{
    if (report->trust != NULL) {
        trust_json(report->trust, json);
        until_json(report->until, json);
    } else {
        json_null(json, "trust");
        json_null(json, "until");
    }
}

static void client_report_json_workers(struct json *json, const struct client_report *report)
{
    json_array(json, "workers");
    for (size_t i = 0; i < report->worker_count; i++) {
        json_object(json, NULL);
        report_json_worker(json, i, &report->workers[i]);
        json_end_object(json);
    }
    json_end_array(json);
}

void client_report_json_members(const struct client_report *report, struct json *json)
{
    client_report_json_run(json, report);
    client_report_json_latency(json, report);
    client_report_json_open_loop(json, report, "latency_since_sent_ns", &report->stats->since_sent);
    client_report_json_open_loop(json, report, "lateness_ns", &report->stats->lateness);
    fairness_json(&report->stats->fairness, json);
    client_report_json_thresholds(json, report);
    client_report_json_trust(json, report);
    report_json_counters(json, &stats_client_list, &report->stats->counters);
    share_report_json_counts(report->stats, json);
    report_json_errors(json, &report->stats->errors);
    hostile_report_json(report->hostile, json);
    client_report_json_workers(json, report);
    report_json_process(json, &report->process);
    if (report->fleet == NULL) {
        report_json_environment(json);
    } else {
        json_null(json, "environment"); /* each of `clients` has one */
    }
    intervals_json(report->intervals, json);
    fleet_json(report->fleet, json);
}
