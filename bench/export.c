#include "export.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "result.h"
#include "summary.h"

/* Inverts a ratio of throughputs, so that less is better. */
static json_t *export_ratio(const char *test_case, const json_t *ratio)
{
    bool inverse = strcmp(result_text(ratio, "metric"), "messages_per_second") == 0;
    double value = result_number(ratio, "ratio");
    double low = result_number(ratio, inverse ? "high" : "low");
    double high = result_number(ratio, inverse ? "low" : "high");
    char name[256];
    char range[64];
    char extra[128];
    (void)snprintf(name, sizeof(name), "%.64s %.64s : %.64s, %s", test_case,
                   result_text(ratio, "subject"), result_text(ratio, "base"),
                   inverse ? "time of a message" : "server CPU of a message");
    (void)snprintf(range, sizeof(range), "%.3f to %.3f", inverse ? 1 / low : low,
                   inverse ? 1 / high : high);
    (void)snprintf(extra, sizeof(extra), "%.0f pairs, %.1f %% confidence: %s",
                   result_number(ratio, "pairs"), 100 * result_number(ratio, "confidence"),
                   result_text(ratio, "verdict"));
    return json_pack("{s:s,s:s,s:f,s:s,s:s}", "name", name, "unit", "ratio", "value",
                     inverse ? 1 / value : value, "range", range, "extra", extra);
}

static void export_case(json_t *list, const json_t *test_case)
{
    const json_t *ratios = json_object_get(test_case, "ratios");
    for (size_t i = 0; i < json_array_size(ratios); i++) {
        const json_t *ratio = json_array_get(ratios, i);
        if (summary_is_ours(result_text(ratio, "subject")) &&
            summary_is_ours(result_text(ratio, "base")) && result_has(ratio, "low")) {
            result_append(list, export_ratio(result_text(test_case, "name"), ratio));
        }
    }
}

json_t *export_ratios(const json_t *document)
{
    const json_t *cases = json_object_get(document, "cases");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(cases); i++) {
        export_case(list, json_array_get(cases, i));
    }
    return list;
}

int export_run(const char *path)
{
    json_t *document = result_load(path);
    if (document == NULL) {
        return 2;
    }
    json_t *list = export_ratios(document);
    int status = json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    status = status != 0 || printf("\n") < 0 || fflush(stdout) != 0;
    if (status != 0) {
        log_message("cannot write to standard output");
    }
    json_decref(list);
    json_decref(document);
    return status;
}
