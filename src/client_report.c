#include "client_report.h"

#include <inttypes.h>

#include "units.h"

static const double client_percentiles[] = {50, 90, 99, 99.9};
static const char *const client_percentile_names[] = {"p50", "p90", "p99", "p999"};

#define CLIENT_PERCENTILES (sizeof(client_percentiles) / sizeof(client_percentiles[0]))

static double client_per_second(const struct client_report *report, uint64_t count)
{
    return report->seconds > 0 ? (double)count / report->seconds : 0;
}

bool client_report_ok(const struct client_report *report)
{
    const struct client_counters *n = &report->stats->counters;
    bool silence = n->sent > 0 && n->verified == 0;
    return n->connect_failures == 0 && n->failed == 0 && n->timeouts == 0 && n->mismatches == 0 &&
           !silence;
}

/* ---- text ---------------------------------------------------------------------------------- */

static void client_report_head(const struct client_report *report, FILE *out)
{
    const struct client_options *options = report->options;
    char size[UNITS_TEXT_SIZE];
    char connections[UNITS_TEXT_SIZE];
    (void)fprintf(out,
                  "echo-client: %s, %.1f s measured, backend %s, %zu threads, %s connections, "
                  "messages of %s bytes, %" PRIu64 " in flight\n",
                  report->address, report->seconds, report->backend->name, report->worker_count,
                  units_format_grouped(connections, sizeof(connections), options->connections),
                  units_format_grouped(size, sizeof(size), options->message_size),
                  options->pipeline);
}

static void client_report_data(const struct client_report *report, FILE *out)
{
    const struct client_stats *stats = report->stats;
    char messages[UNITS_TEXT_SIZE];
    char rate[UNITS_TEXT_SIZE];
    char bytes[UNITS_TEXT_SIZE];
    char throughput[UNITS_TEXT_SIZE];
    (void)fprintf(out, "  messages     %s, %s messages/s\n",
                  units_format_grouped(messages, sizeof(messages), stats->counters.messages),
                  units_format_count(rate, sizeof(rate),
                                     client_per_second(report, stats->measured_messages)));
    (void)fprintf(out, "  data         %s verified, %s/s each way\n",
                  units_format_bytes(bytes, sizeof(bytes), (double)stats->counters.verified),
                  units_format_bytes(throughput, sizeof(throughput),
                                     client_per_second(report, stats->measured_bytes)));
    (void)fprintf(out, "  books        sent %s bytes, verified %s",
                  units_format_grouped(messages, sizeof(messages), stats->counters.sent),
                  units_format_grouped(bytes, sizeof(bytes), stats->counters.verified));
    (void)fprintf(
        out, ", unanswered %s\n",
        units_format_grouped(rate, sizeof(rate), stats->counters.sent - stats->counters.verified));
}

static void client_report_latency(const struct client_report *report, FILE *out)
{
    const struct histogram *latency = &report->stats->latency;
    char text[UNITS_TEXT_SIZE];
    (void)fprintf(out, "  latency      ");
    if (latency->count == 0) {
        (void)fprintf(out, "no message began and ended in the measured time\n");
        return;
    }
    for (size_t i = 0; i < CLIENT_PERCENTILES; i++) {
        uint64_t value_ns = histogram_percentile(latency, client_percentiles[i]);
        (void)fprintf(out, "p%g %s, ", client_percentiles[i],
                      units_format_duration(text, sizeof(text), value_ns));
    }
    (void)fprintf(out, "max %s, mean ", units_format_duration(text, sizeof(text), latency->max));
    (void)fprintf(out, "%s\n",
                  units_format_duration(text, sizeof(text), (uint64_t)histogram_mean(latency)));
}

static void client_report_connections(const struct client_report *report, FILE *out)
{
    const struct client_counters *n = &report->stats->counters;
    (void)fprintf(out,
                  "  connections  %" PRIu64 " up (%" PRIu64 " at once): %" PRIu64
                  " completed, %" PRIu64 " drained by the server, %" PRIu64 " cut\n",
                  n->connected, report->stats->up_peak, n->completed, n->drained, n->cut);
    if (!client_report_ok(report)) {
        (void)fprintf(out,
                      "  FAILED       %" PRIu64 " did not connect, %" PRIu64 " broke, %" PRIu64
                      " had no answer in time, %" PRIu64 " brought wrong data\n",
                      n->connect_failures, n->failed, n->timeouts, n->mismatches);
    }
    if (n->sent > 0 && n->verified == 0) {
        (void)fprintf(out, "  FAILED       not a byte of what was sent came back\n");
    }
    if (report->stats->unsent > 0) {
        (void)fprintf(out, "  unsent       %" PRIu64 " messages of the schedule never began\n",
                      report->stats->unsent);
    }
}

void client_report_text(const struct client_report *report, FILE *out)
{
    client_report_head(report, out);
    client_report_data(report, out);
    client_report_latency(report, out);
    client_report_connections(report, out);
    report_text_errors(out, &report->stats->errors);
    report_text_io(out, report->workers, report->worker_count, report->stats->counters.messages);
    report_text_process(out);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void client_report_json_latency(struct json *json, const struct histogram *latency)
{
    struct histogram_bucket bucket;
    size_t position = 0;
    json_object(json, "latency_ns");
    json_uint(json, "count", latency->count);
    json_uint(json, "min", latency->count > 0 ? latency->min : 0);
    json_double(json, "mean", histogram_mean(latency));
    for (size_t i = 0; i < CLIENT_PERCENTILES; i++) {
        json_uint(json, client_percentile_names[i],
                  histogram_percentile(latency, client_percentiles[i]));
    }
    json_uint(json, "max", latency->max);
    json_array(json, "buckets");
    while (histogram_next(latency, &position, &bucket)) {
        json_array(json, NULL);
        json_uint(json, NULL, bucket.upper);
        json_uint(json, NULL, bucket.count);
        json_end_array(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void client_report_json_run(struct json *json, const struct client_report *report)
{
    const struct client_options *options = report->options;
    json_string(json, "program", "echo-client");
    json_bool(json, "ok", client_report_ok(report));
    json_string(json, "backend", report->backend->name);
    report_json_mode(json, "recv", report->backend->recv_modes, report->recv_mode);
    json_string(json, "address", report->address);
    json_uint(json, "threads", report->worker_count);
    json_uint(json, "connections", options->connections);
    json_uint(json, "size", options->message_size);
    json_uint(json, "pipeline", options->pipeline);
    json_uint(json, "rate", options->rate);
    json_uint(json, "lifetime", options->lifetime);
    json_uint(json, "buffer_size", options->buffer_size);
    json_bool(json, "nodelay", options->common.nodelay);
    json_double(json, "busy_poll_seconds", (double)options->common.busy_poll_ns / 1e9);
    json_uint(json, "seed", report->seed);
    json_double(json, "seconds", report->seconds);
    json_double(json, "messages_per_second",
                client_per_second(report, report->stats->measured_messages));
    json_double(json, "bytes_per_second", client_per_second(report, report->stats->measured_bytes));
    json_uint(json, "up_peak", report->stats->up_peak);
    json_uint(json, "unsent", report->stats->unsent);
}

static void client_report_json_workers(struct json *json, const struct client_report *report)
{
    json_array(json, "workers");
    for (size_t i = 0; i < report->worker_count; i++) {
        const struct report_worker *worker = &report->workers[i];
        json_object(json, NULL);
        json_uint(json, "index", i);
        if (worker->cpu >= 0) {
            json_int(json, "cpu", worker->cpu);
        }
        json_double(json, "cpu_seconds", (double)worker->work.cpu_ns / 1e9);
        json_object(json, "io");
        report_json_io(json, &worker->work.io);
        json_end_object(json);
        json_end_object(json);
    }
    json_end_array(json);
}

void client_report_json(const struct client_report *report, FILE *out)
{
    struct json json;
    json_begin(&json, out);
    json_object(&json, NULL);
    client_report_json_run(&json, report);
    client_report_json_latency(&json, &report->stats->latency);
    json_object(&json, "counters");
#define CLIENT_REPORT_MEMBER(name, meaning) json_uint(&json, #name, report->stats->counters.name);
    CLIENT_COUNTERS(CLIENT_REPORT_MEMBER)
#undef CLIENT_REPORT_MEMBER
    json_end_object(&json);
    report_json_errors(&json, &report->stats->errors);
    client_report_json_workers(&json, report);
    report_json_process(&json);
    report_json_environment(&json);
    json_end_object(&json);
}
