#include "stream_json.h"

#include "output.h"

/* Opens the object of a line. */
static void stream_json_open(struct json *json, struct text *line, const char *type)
{
    json_begin(json, line);
    json_object(json, NULL);
    json_string(json, "type", type);
}

void stream_json_start(const struct client_report *report)
{
    struct text line = {0};
    struct json json;
    stream_json_open(&json, &line, "start");
    client_report_json_start(report, &json);
    json_end_object(&json);
    output_print_file(OUTPUT_STREAM, &line);
}

void stream_json_interval(struct stream_json *stream, const struct intervals *intervals,
                          const struct interval *interval)
{
    struct text line = {0};
    struct json json;
    stream_json_open(&json, &line, "interval");
    interval_json(intervals, interval, &json);
    json_end_object(&json);
    stream->lost += !output_hint_file(OUTPUT_STREAM, &line);
}

void stream_json_report(const struct stream_json *stream, const struct client_report *report)
{
    struct text line = {0};
    struct json json;
    stream_json_open(&json, &line, "report");
    json_uint(&json, "lost_lines", stream->lost);
    client_report_json_members(report, &json);
    json_null(&json, "find_rate"); /* a search ends after its last run */
    json_end_object(&json);
    output_print_file(OUTPUT_STREAM, &line);
}
