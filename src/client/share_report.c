#include "share_report.h"

#include <uv.h>

#include "utc.h"

/* ---- the part of the load ------------------------------------------------------------------ */

static void share_json_host(struct json *json)
{
    char host[UV_MAXHOSTNAMESIZE];
    size_t size = sizeof(host);
    int status = uv_os_gethostname(host, &size);
    json_string(json, "host", status == 0 ? host : "unknown");
}

/* How the clients begin together. */
static const char *share_start(const struct client_options *options)
{
    return options->barrier != NULL ? "barrier" : options->start_at != NULL ? "start_at" : "own";
}

void share_report_json_start(const struct client_report *report, struct json *json)
{
    const struct client_options *options = report->options;
    const struct client_whole *whole = &options->whole;
    if (options->share.ranks == 0) {
        json_null(json, "share");
        return;
    }
    json_object(json, "share");
    json_uint(json, "rank", options->share.rank);
    json_uint(json, "ranks", options->share.ranks);
    share_json_host(json);
    json_string(json, "start", share_start(options));
    json_uint_if(json, "run_id", options->barrier != NULL, report->run_id);
    json_uint(json, "connections", whole->connections);
    json_double(json, "rate", whole->rate);
    json_double(json, "connect_rate", whole->connect_rate);
    json_uint(json, "bandwidth", whole->bandwidth);
    json_uint(json, "requests", whole->requests);
    json_end_object(json);
}

/* ---- its time ------------------------------------------------------------------------------ */

static void share_json_measured(const struct client_report *report, struct json *json)
{
    if (report->measured_until_ns <= report->measured_from_ns) {
        json_null(json, "measured");
        return;
    }
    json_object(json, "measured");
    json_double(json, "from_seconds", (double)report->measured_from_ns / 1e9);
    json_double(json, "until_seconds", (double)report->measured_until_ns / 1e9);
    json_end_object(json);
}

static void share_json_message_size(const struct client_options *options, struct json *json)
{
    const struct sizes *sizes = options->sizes;
    uint64_t one = options->message_size;
    json_object(json, "message_size");
    json_uint(json, "min", sizes != NULL ? sizes->min : one);
    json_double(json, "mean", sizes != NULL ? sizes->mean : (double)one);
    json_uint(json, "max", sizes != NULL ? sizes->max : one);
    json_end_object(json);
}

void share_report_json_run(const struct client_report *report, struct json *json)
{
    char at[UTC_TEXT_SIZE];
    json_string(json, "ended_at", utc_format(at, sizeof(at), report->ended_unix_ns));
    json_double(json, "ended_unix", utc_seconds(report->ended_unix_ns));
    if (report->first_message_unix_ns > 0) {
        json_double(json, "first_message_unix", utc_seconds(report->first_message_unix_ns));
    } else {
        json_null(json, "first_message_unix");
    }
    share_json_measured(report, json);
    share_json_message_size(report->options, json);
}

/* ---- what it counted ----------------------------------------------------------------------- */

static void share_json_reason(struct json *json, const char *key, int code)
{
    if (code != 0) {
        json_string(json, key, uv_err_name(code));
    } else {
        json_null(json, key);
    }
}

void share_report_json_counts(const struct client_stats *stats, struct json *json)
{
    json_object(json, "figures");
    report_json_members(json, &stats_figure_list, stats);
    json_end_object(json);
    json_object(json, "reasons");
    share_json_reason(json, "not_up", stats->not_up_reason);
    share_json_reason(json, "connect", stats->connect_error);
    share_json_reason(json, "failed", stats->failed_error);
    json_end_object(json);
}
