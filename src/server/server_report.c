#include "server_report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "units.h"

/* ---- text ---------------------------------------------------------------------------------- */

static void server_report_connections(const struct server_report *report, struct text *out)
{
    const struct server_counters *n = &report->stats.counters;
    const struct report_count ends[] = {
        {n->closed_by_client, "ended by the client"},
        {n->drained, "drained"},
        {n->idle, "idle"},
        {n->stalled, "stalled"},
        {n->failed, "failed"},
        {n->cut, "cut"},
        {report->open, "open"},
    };
    const struct report_count others[] = {
        {n->refused, "refused"},
        {n->accept_errors, "failed accepts"},
    };
    char accepted[UNITS_TEXT_SIZE];
    text_printf(out, "  connections  %s served",
                units_format_grouped(accepted, sizeof(accepted), n->accepted));
    report_text_counts(out, ": ", ends, LENGTH(ends));
    report_text_counts(out, "\n               ", others, LENGTH(others));
    text_printf(out, "\n");
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
    const struct report_count some[] = {
        {sum.accepts_with_data, "with data"},
        {sum.accepts_reaped, "reaped"},
        {sum.accepts_failed, "failed"},
    };
    text_printf(out, "  accepts      %s%s%s",
                units_format_grouped(accepts, sizeof(accepts), sum.accepts),
                mode == NULL ? "" : " by ", mode == NULL ? "" : mode);
    report_text_counts(out, ", ", some, LENGTH(some));
    text_printf(out, "\n");
}

static void server_report_data(const struct server_report *report, struct text *out)
{
    const struct server_counters *n = &report->stats.counters;
    char received[UNITS_TEXT_SIZE];
    char sent[UNITS_TEXT_SIZE];
    char echoes[UNITS_TEXT_SIZE];
    text_printf(out, "  echoes       %s, received %s bytes, sent %s bytes",
                units_format_grouped(echoes, sizeof(echoes), n->echoes),
                units_format_grouped(received, sizeof(received), n->received),
                units_format_grouped(sent, sizeof(sent), n->sent));
    const struct report_count discarded = {n->discarded, "discarded"};
    report_text_counts(out, ", ", &discarded, 1);
    text_printf(out, "\n");
}

static struct report_worker *server_report_common(const struct server_report *report)
{
    struct report_worker *common = calloc(report->worker_count, sizeof(*common));
    for (size_t i = 0; common != NULL && i < report->worker_count; i++) {
        common[i] = report->workers[i].common;
    }
    return common;
}

void server_report_text(const struct server_report *report, struct text *out)
{
    struct report_worker *workers = server_report_common(report);
    text_printf(out, "echo-server: generation %u%s, %.1f s, backend %s, %zu workers\n",
                report->generation, report->so_far ? " so far" : "", report->seconds,
                report->backend->name, report->worker_count);
    server_report_connections(report, out);
    server_report_accepts(report, out);
    server_report_data(report, out);
    report_text_errors(out, &report->stats.errors);
    if (workers != NULL) {
        report_text_io(out, report->backend, workers, report->worker_count,
                       report->stats.counters.echoes);
    }
    report_text_process(out);
    free(workers);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void server_report_json_counters(struct json *json, const struct server_counters *counters)
{
#define SERVER_REPORT_MEMBER(name, meaning) json_uint(json, #name, counters->name);
    SERVER_COUNTERS(SERVER_REPORT_MEMBER)
#undef SERVER_REPORT_MEMBER
}

static void server_report_json_workers(struct json *json, const struct server_report *report)
{
    json_array(json, "workers");
    for (size_t i = 0; i < report->worker_count; i++) {
        const struct server_report_worker *worker = &report->workers[i];
        json_object(json, NULL);
        json_uint(json, "index", i);
        if (worker->common.cpu >= 0) {
            json_int(json, "cpu", worker->common.cpu);
        }
        json_double(json, "cpu_seconds", (double)worker->common.work.cpu_ns / 1e9);
        json_object(json, "counters");
        server_report_json_counters(json, &worker->counters);
        json_end_object(json);
        json_object(json, "io");
        report_json_io(json, &worker->common.work.io);
        json_end_object(json);
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
    struct json json;
    json_begin(&json, out);
    json_object(&json, NULL);
    json_string(&json, "program", "echo-server");
    json_uint(&json, "generation", report->generation);
    json_bool(&json, "last", report->last);
    json_string(&json, "backend", report->backend->name);
    json_bool(&json, "system_calls_estimated", report_estimates_calls(report->backend));
    report_json_mode(&json, "recv", report->backend->recv_modes, report->recv_mode);
    json_array(&json, "addresses");
    for (size_t i = 0; i < report->address_count; i++) {
        json_string(&json, NULL, report->addresses[i]);
    }
    json_end_array(&json);
    json_double(&json, "seconds", report->seconds);
    json_object(&json, "counters");
    server_report_json_counters(&json, &report->stats.counters);
    json_end_object(&json);
    report_json_errors(&json, &report->stats.errors);
    server_report_json_workers(&json, report);
    report_json_process(&json);
    report_json_environment(&json);
    server_report_json_options(&json, report);
    json_end_object(&json);
}
