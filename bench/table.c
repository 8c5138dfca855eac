#include "table.h"

#include <stdio.h>
#include <string.h>

#include "compare.h"
#include "remote.h"
#include "result.h"
#include "subject.h"
#include "summary.h"
#include "units.h"

/* A subject: with all columns a row has at most 80, unless its name is longer than 12. */
#define TABLE_NAME "  %-12.40s"

/* Three digits of a ratio: "1.21", "12.1", "121". */
static const char *table_digits(char *text, size_t size, double ratio)
{
    (void)snprintf(text, size, "%.*f", ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0, ratio);
    return text;
}

static char table_sign(const char *verdict)
{
    if (strcmp(verdict, "more") == 0) {
        return '+';
    }
    return strcmp(verdict, "less") == 0 ? '-' : '=';
}

void table_one_ratio(struct text *out, const json_t *ratio)
{
    char text[80] = "";
    char middle[24];
    char low[24];
    char high[24];
    (void)table_digits(middle, sizeof(middle), result_number(ratio, "ratio"));
    (void)table_digits(low, sizeof(low), result_number(ratio, "low"));
    (void)table_digits(high, sizeof(high), result_number(ratio, "high"));
    if (result_has(ratio, "low")) {
        (void)snprintf(text, sizeof(text), "%s [%s, %s] %c", middle, low, high,
                       table_sign(result_text(ratio, "verdict")));
    } else if (ratio != NULL) {
        (void)snprintf(text, sizeof(text), "%s ?", middle);
    }
    text_printf(out, "  %-19s", text);
}

static void table_ratio(struct text *out, const json_t *ratio, const char *subject,
                        const char *base)
{
    if (strcmp(subject, base) == 0) {
        text_printf(out, "  %-19s", "1");
    } else {
        table_one_ratio(out, ratio);
    }
}

static void table_count(struct text *out, const json_t *subject, const char *path)
{
    char text[UNITS_TEXT_SIZE] = "-";
    if (result_has(subject, path)) {
        (void)units_format_count(text, sizeof(text), result_number(subject, path));
    }
    text_printf(out, " %7s", text);
}

static void table_time(struct text *out, const json_t *subject, const char *path)
{
    char text[UNITS_TEXT_SIZE] = "-";
    if (result_has(subject, path)) {
        (void)units_format_duration(text, sizeof(text),
                                    (uint64_t)(result_number(subject, path) * 1e9));
    }
    text_printf(out, " %7s", text);
}

static void table_row(struct text *out, const json_t *test_case, const json_t *subject,
                      const char *base)
{
    const char *name = result_text(subject, "subject");
    text_printf(out, TABLE_NAME, name);
    table_count(out, subject, "messages_per_second.median");
    if (summary_is_client_bound(test_case, name) || summary_is_client_bound(test_case, base)) {
        text_printf(out, "  %-19s", "client-bound");
    } else {
        table_ratio(out, summary_ratio(test_case, name, base, "messages_per_second"), name, base);
    }
    table_time(out, subject, "server_cpu_per_message.median");
    table_ratio(out, summary_ratio(test_case, name, base, "server_cpu_per_message"), name, base);
    table_time(out, subject, "p99.median");
    text_printf(out, "\n");
}

static void table_idle_row(struct text *out, const json_t *subject)
{
    char bytes[UNITS_TEXT_SIZE] = "-";
    if (result_has(subject, "idle_bytes_per_connection.median")) {
        (void)snprintf(bytes, sizeof(bytes), "%.0f",
                       result_number(subject, "idle_bytes_per_connection.median"));
    }
    text_printf(out, TABLE_NAME " %7s\n", result_text(subject, "subject"), bytes);
}

/* "2 of 7 runs of uv are marked client-bound". */
static void table_marks(struct text *out, const json_t *subject)
{
    const char *mark;
    json_t *count;
    json_object_foreach(json_object_get(subject, "marks"), mark, count)
    {
        text_printf(out, "    %d of %d runs of %.40s are marked %s\n",
                    (int)json_integer_value(count), (int)result_number(subject, "runs"),
                    result_text(subject, "subject"), mark);
    }
}

/* Describes the case, in a line without its end. */
static void table_load(struct text *out, const json_t *test_case, bool idle)
{
    char size[UNITS_TEXT_SIZE];
    uint64_t connections = (uint64_t)result_number(test_case, "connections");
    text_printf(out, "%s: %s, messages of %s, %.0f in flight", result_text(test_case, "name"),
                units_counted(connections, "connection").text,
                units_format_bytes(size, sizeof(size), result_number(test_case, "size")),
                result_number(test_case, "depth"));
    if (result_number(test_case, "workers") > 1) {
        text_printf(out, ", %.0f workers", result_number(test_case, "workers"));
    }
    if (result_number(test_case, "lifetime") > 0) {
        text_printf(out, ", %.0f per connection", result_number(test_case, "lifetime"));
    }
    if (result_number(test_case, "busy_poll") > 0) {
        uint64_t time_ns = (uint64_t)(1e9 * result_number(test_case, "busy_poll") + 0.5);
        text_printf(out, ", busy-polling for %s",
                    units_format_duration(size, sizeof(size), time_ns));
    }
    text_printf(out, "%s; %s", idle ? ", idle" : "",
                units_counted((uint64_t)result_rounds(test_case), "round").text);
}

static void table_head(struct text *out, const json_t *test_case, const char *base, bool idle)
{
    table_load(out, test_case, idle);
    text_printf(out, "\n");
    if (idle) {
        text_printf(out, TABLE_NAME " %7s\n", "", "bytes per idle connection");
    } else {
        text_printf(out, TABLE_NAME " %7s  : %-17.17s %7s  : %-17.17s %7s\n", "", "msg/s", base,
                    "cpu/msg", base, "p99");
    }
}

void table_case(struct text *out, const json_t *test_case)
{
    const json_t *subjects = json_object_get(test_case, "subjects");
    const char *base = result_text(json_array_get(subjects, 0), "subject");
    bool idle = json_is_true(json_object_get(test_case, "idle"));
    table_head(out, test_case, base, idle);
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        if (idle) {
            table_idle_row(out, json_array_get(subjects, i));
        } else {
            table_row(out, test_case, json_array_get(subjects, i), base);
        }
    }
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        table_marks(out, json_array_get(subjects, i));
    }
    text_printf(out, "\n");
}

static void table_pairs_row(struct text *out, const json_t *test_case, const char *subject)
{
    char old[SUBJECT_PATH_SIZE];
    (void)snprintf(old, sizeof(old), SUBJECT_OLD "%s", subject);
    text_printf(out, TABLE_NAME, subject);
    for (const struct summary_metric *metric = compare_metrics; metric->name != NULL; metric++) {
        json_t *ratio = summary_make_ratio(test_case, subject, old, metric->name);
        table_one_ratio(out, ratio);
        json_decref(ratio);
    }
    text_printf(out, "\n");
}

void table_pairs(struct text *out, const json_t *test_case)
{
    const json_t *subjects = json_object_get(test_case, "subjects");
    table_load(out, test_case, false);
    text_printf(out, "\n" TABLE_NAME "  %-19s  %-19s  %s\n", "new : old", "msg/s", "cpu/msg",
                "cpu/client's cpu");
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        const char *name = result_text(json_array_get(subjects, i), "subject");
        if (summary_is_ours(name)) {
            table_pairs_row(out, test_case, name);
        }
    }
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        table_marks(out, json_array_get(subjects, i));
    }
    text_printf(out, "\n");
}

static const char *table_duration(char *text, const json_t *harness, const char *name)
{
    uint64_t value_ns = (uint64_t)(1e9 * result_number(harness, name));
    return units_format_duration(text, UNITS_TEXT_SIZE, value_ns);
}

/* What the measuring costs, and what the system does. */
static void table_harness(struct text *out, const json_t *harness)
{
    char one[UNITS_TEXT_SIZE];
    char other[UNITS_TEXT_SIZE];
    if (result_has(harness, "client_cpu_per_message")) {
        text_printf(out, "A message costs the client %s",
                    table_duration(one, harness, "client_cpu_per_message"));
        if (result_has(harness, "null_cpu_per_message")) {
            text_printf(out, "; %s of it is work on the bytes",
                        table_duration(other, harness, "null_cpu_per_message"));
        }
        text_printf(out, ".\necho-bench itself used %.2f %% of a CPU.\n",
                    100 * result_number(harness, "bench_load"));
    }
    if (result_has(harness, "floor_per_message")) {
        text_printf(out,
                    "The system alone takes %s for one receive and one send of such a message,\n"
                    "and %s for a receive that brings nothing.\n",
                    table_duration(one, harness, "floor_per_message"),
                    table_duration(other, harness, "empty_call"));
    }
}

void table_end(struct text *out, const json_t *document)
{
    text_string(out,
                "Ratios are of pairs of runs, with an interval of 95 % or more: + more, - less,\n"
                "= no difference (the interval holds 1), ? too few pairs for one. cpu/msg is the\n"
                "server's CPU time per message. Runs marked client-bound count for cpu/msg alone.\n"
                "With more than one of them a case has no msg/s and no p99. Runs marked books or\n"
                "failed count for nothing.\n");
    table_harness(out, json_object_get(document, "harness"));
    remote_say(out, document);
    if (json_is_true(json_object_get(json_object_get(document, "environment"), "wine"))) {
        text_printf(out, "This is Wine: the figures say nothing about Windows.\n");
    }
}
