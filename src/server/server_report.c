#include "server_report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "units.h"

/* ---- text ---------------------------------------------------------------------------------- */

static void server_report_connections(const struct server_report *report, struct text *out)
{
    const struct server_counters *n = &report->stats.counters;
    char accepted[UNITS_TEXT_SIZE];
    text_printf(out, "  connections  %s served",
                units_format_grouped(accepted, sizeof(accepted), n->accepted));
    const char *separator = report_text_counters(out, ": ", &stats_server_list, COUNTER_END, n);
    (void)report_text_count(out, separator, report->open, "open");
    text_printf(out, "\n");
    separator = "  not served   ";
    separator = report_text_counters(out, separator, &stats_server_list, COUNTER_ASIDE, n);
    text_printf(out, "%s", separator[0] == ',' ? "\n" : "");
}

static void server_report_data(const struct server_report *report, struct text *out)
{
    const struct server_counters *n = &report->stats.counters;
    char echoes[UNITS_TEXT_SIZE];
    text_printf(out, "  echoes       %s, received %s, sent %s",
                units_format_grouped(echoes, sizeof(echoes), n->echoes),
                units_counted(n->received, "byte").text, units_counted(n->sent, "byte").text);
    (void)report_text_count(out, ", ", n->discarded, "discarded");
    text_printf(out, "\n");
}

static void server_report_rate(const struct server_report *report, struct text *out)
{
    const struct server_counters *n = &report->stats.counters;
    char echoes[UNITS_TEXT_SIZE];
    char bytes[UNITS_TEXT_SIZE];
    if (report->seconds > 0) {
        text_printf(out, "  rate         %s, %s/s each way\n",
                    units_format_rate(echoes, sizeof(echoes), (double)n->echoes / report->seconds),
                    units_format_bytes(bytes, sizeof(bytes), (double)n->sent / report->seconds));
    }
}

/* How many connections each worker accepted. */
static void server_report_by_worker(const struct server_report *report, struct text *out)
{
    if (report->worker_count > 1) {
        text_printf(out, "  by worker   ");
        for (size_t i = 0; i < report->worker_count; i++) {
            text_printf(out, " %" PRIu64, report->workers[i].counters.accepted);
        }
        text_printf(out, "\n");
    }
}

/* "accepts      1,234 by acceptex, 12 with data, 3 reaped": the backend's own counts. */
static void server_report_accepts(const struct server_report *report, struct text *out)
{
    struct io_stats sum = {0};
    const struct io_stats none = {0};
    const char *mode = report_mode(report->backend->accept_modes, report->accept_mode);
    char accepts[UNITS_TEXT_SIZE];
    for (size_t i = 0; i < report->worker_count; i++) {
        io_stats_add_since(&sum, &report->workers[i].common.work.io, &none);
    }
    text_printf(out, "  accepts      %s%s%s",
                units_format_grouped(accepts, sizeof(accepts), sum.accepts),
                mode == NULL ? "" : " by ", mode == NULL ? "" : mode);
    (void)report_text_count(out, ", ", sum.accepts_with_data, "with data");
    (void)report_text_count(out, ", ", sum.accepts_reaped, "reaped");
    (void)report_text_count(out, ", ", sum.accepts_failed, "failed");
    text_printf(out, "\n");
}

static void server_report_details(const struct server_report *report, struct text *out)
{
    struct report_worker *workers = calloc(report->worker_count, sizeof(*workers));
    if (workers == NULL) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < report->worker_count; i++) {
        workers[i] = report->workers[i].common;
    }
    const struct report_backend backend = report_backend_of(report->backend, report->recv_mode);
    const struct report_details details = {.estimates_calls = backend.estimates_calls,
                                           .process = report_process_now(),
                                           .workers = workers,
                                           .worker_count = report->worker_count,
                                           .messages = report->stats.counters.echoes,
                                           .label = "per echo"};
    server_report_by_worker(report, out);
    server_report_accepts(report, out);
    report_text_details(out, &details);
    free(workers);
}

void server_report_text(const struct server_report *report, struct text *out)
{
    size_t begin = out->length;
    text_printf(out, "echo-server: generation %u%s, %.1f s, backend %s, %s\n", report->generation,
                report->so_far ? " so far" : "", report->seconds, report->backend->name,
                units_counted(report->worker_count, "thread").text);
    server_report_rate(report, out);
    server_report_connections(report, out);
    server_report_data(report, out);
    report_text_errors(out, &report->stats.errors);
    if (report->options->common.details) {
        server_report_details(report, out);
    }
    report_wrap(out, begin, report->columns);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void server_report_json_workers(struct json *json, const struct server_report *report)
{
    json_array(json, "workers");
    for (size_t i = 0; i < report->worker_count; i++) {
        const struct server_report_worker *worker = &report->workers[i];
        json_object(json, NULL);
        report_json_worker(json, i, &worker->common);
        report_json_counters(json, &stats_server_list, &worker->counters);
        json_end_object(json);
    }
    json_end_array(json);
}

/* As they are in force. */
static void server_report_json_options(struct json *json, const struct server_report *report)
{
    struct server_options options = *report->options;
    options.threads = report->worker_count;
    options.accept = report_mode(report->backend->accept_modes, report->accept_mode);
    json_object(json, "options");
    option_json(&server_program, &options, json);
    json_end_object(json);
}

void server_report_json(const struct server_report *report, struct text *out)
{
    const struct report_backend backend = report_backend_of(report->backend, report->recv_mode);
    const struct report_process process = report_process_now();
    struct json json;
    json_begin(&json, out);
    json_object(&json, NULL);
    json_string(&json, "program", "echo-server");
    json_uint(&json, "generation", report->generation);
    json_bool(&json, "last", report->last);
    report_json_backend(&json, &backend);
    json_array(&json, "addresses");
    for (size_t i = 0; i < report->address_count; i++) {
        json_string(&json, NULL, report->addresses[i]);
    }
    json_end_array(&json);
    json_double(&json, "seconds", report->seconds);
    report_json_counters(&json, &stats_server_list, &report->stats.counters);
    report_json_errors(&json, &report->stats.errors);
    server_report_json_workers(&json, report);
    report_json_process(&json, &process);
    report_json_environment(&json);
    server_report_json_options(&json, report);
    json_end_object(&json);
}
