#include "hostile_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

#include <uv.h>

#include "report.h"
#include "units.h"
#include "util.h"

#define HOSTILE_ROW(name, line, word, meaning)                                                     \
    {#name, COUNTER_SUM, COUNTER_##line, word, meaning, offsetof(struct hostile_counters, name)},

static const struct counter hostile_rows[] = {HOSTILE_COUNTERS(HOSTILE_ROW)};
static const struct counter_list hostile_list = {hostile_rows, LENGTH(hostile_rows)};

/* ---- text ---------------------------------------------------------------------------------- */

/* For how long the server held connections. */
static void hostile_text_held(struct text *out, const struct histogram *held_ns)
{
    char median[UNITS_TEXT_SIZE];
    char longest[UNITS_TEXT_SIZE];
    if (held_ns->count > 0) {
        text_printf(
            out, "; held for %s (median) to %s (max)",
            units_format_duration(median, sizeof(median), histogram_percentile(held_ns, 50)),
            units_format_duration(longest, sizeof(longest), held_ns->max));
    }
}

/* What came back, and what was sent beside the stream. */
static void hostile_text_traffic(struct text *out, const struct hostile_counters *n)
{
    char bytes[UNITS_TEXT_SIZE];
    (void)report_text_count(out, ", ", n->answered, "answered");
    if (n->answered > 0) {
        text_printf(out, " (%s)",
                    units_format_bytes(bytes, sizeof(bytes), (double)n->bytes_received));
    }
    if (n->urgent_bytes > 0) {
        text_printf(out, ", %s", units_counted(n->urgent_bytes, "urgent byte").text);
    }
}

static void hostile_text_group(struct text *out, const struct hostile_group *group,
                               const struct hostile_stats *stats)
{
    char name[HOSTILE_NAME];
    char opened[UNITS_TEXT_SIZE];
    const struct hostile_counters *n = &stats->counters;
    text_printf(out, "  hostile      %s: %s opened", hostile_name(group, name),
                units_format_grouped(opened, sizeof(opened), n->opened));
    hostile_text_traffic(out, n);
    (void)report_text_counters(out, ", ", &hostile_list, COUNTER_END, n);
    (void)report_text_counters(out, ", ", &hostile_list, COUNTER_ASIDE, n);
    if (stats->connect_error != 0) {
        text_printf(out, " (%s)", uv_strerror(stats->connect_error));
    }
    hostile_text_held(out, &stats->held_ns);
    text_printf(out, "\n");
}

static double hostile_rate(const struct hostile_part *part)
{
    return part->seconds > 0 ? (double)part->latency->count / part->seconds : NAN;
}

/* "before: 10 k/s, p50 20 us, p99 80 us, max 1 ms" */
static void hostile_text_part(struct text *out, const char *name, const struct hostile_part *part)
{
    char rate[UNITS_TEXT_SIZE];
    char p50[UNITS_TEXT_SIZE];
    char p99[UNITS_TEXT_SIZE];
    char longest[UNITS_TEXT_SIZE];
    const struct histogram *latency = part->latency;
    if (latency->count == 0 || part->seconds <= 0) {
        text_printf(out, "%s no message", name);
        return;
    }
    text_printf(out, "%s %s, p50 %s, p99 %s, max %s", name,
                units_format_rate(rate, sizeof(rate), hostile_rate(part)),
                units_format_duration(p50, sizeof(p50), histogram_percentile(latency, 50)),
                units_format_duration(p99, sizeof(p99), histogram_percentile(latency, 99)),
                units_format_duration(longest, sizeof(longest), latency->max));
}

static void hostile_text_effect(struct text *out, const struct hostile_report *report)
{
    char from[UNITS_TEXT_SIZE];
    text_printf(out, "  ordinary     hostile connections from %s on: ",
                units_format_duration(from, sizeof(from), report->from_ns));
    hostile_text_part(out, "before", &report->before);
    hostile_text_part(out, "; beside them", &report->beside);
    text_printf(out, "\n");
}

void hostile_report_text(const struct hostile_report *report, struct text *out)
{
    if (report == NULL || report->result == NULL) {
        return;
    }
    if (!report->result->began) {
        text_printf(out, "  hostile      none: the run has not reached --hostile-from\n");
        return;
    }
    for (size_t i = 0; i < report->result->count; i++) {
        hostile_text_group(out, &report->result->groups[i].group, &report->result->groups[i].stats);
    }
    hostile_text_effect(out, report);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void hostile_json_group(struct json *json, const struct hostile_group *group,
                               const struct hostile_stats *stats)
{
    bool held = stats->held_ns.count > 0;
    json_object(json, NULL);
    json_string(json, "mode", hostile_modes[group->kind].name);
    json_uint_if(json, "rate", group->rate > 0, group->rate);
    json_uint(json, "connections", group->count);
    report_json_members(json, &hostile_list, &stats->counters);
    json_object(json, "held_ns");
    json_uint_if(json, "median", held, histogram_percentile(&stats->held_ns, 50));
    json_uint_if(json, "max", held, stats->held_ns.max);
    json_end_object(json);
    json_end_object(json);
}

static void hostile_json_part(struct json *json, const char *key, const struct hostile_part *part)
{
    const struct histogram *latency = part->latency;
    bool known = latency->count > 0;
    json_object(json, key);
    json_uint(json, "messages", latency->count);
    json_double(json, "messages_per_second", hostile_rate(part));
    json_object(json, "latency_ns");
    json_uint_if(json, "50", known, histogram_percentile(latency, 50));
    json_uint_if(json, "99", known, histogram_percentile(latency, 99));
    json_uint_if(json, "max", known, latency->max);
    json_end_object(json);
    json_end_object(json);
}

void hostile_report_json(const struct hostile_report *report, struct json *json)
{
    json_array(json, "hostile");
    for (size_t i = 0; report != NULL && report->result != NULL && i < report->result->count; i++) {
        hostile_json_group(json, &report->result->groups[i].group,
                           &report->result->groups[i].stats);
    }
    json_end_array(json);
    if (report == NULL) {
        json_null(json, "hostile_effect");
        return;
    }
    json_object(json, "hostile_effect");
    json_double(json, "from_seconds", (double)report->from_ns / NS_PER_S);
    hostile_json_part(json, "before", &report->before);
    hostile_json_part(json, "beside", &report->beside);
    json_end_object(json);
}
