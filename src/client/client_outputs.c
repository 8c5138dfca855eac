#include "client_outputs.h"

#include "hgrm.h"
#include "output.h"
#include "output_file.h"

void client_outputs_free(struct client_outputs *outputs)
{
    text_free(&outputs->report);
    text_free(&outputs->json_text);
    text_free(&outputs->hgrm);
    outputs->made = false;
}

void client_outputs_make(struct client_outputs *outputs, const struct client_report *report,
                         int code)
{
    const struct client_options *options = report->options;
    client_outputs_free(outputs);
    outputs->made = true;
    outputs->code = code;
    client_report_text(report, &outputs->report);
    if (options->common.json != NULL) {
        json_begin(&outputs->json, &outputs->json_text);
        json_object(&outputs->json, NULL);
        client_report_json_members(report, &outputs->json);
    }
    if (options->hgrm != NULL) {
        hgrm_text(&report->stats->latency, &outputs->hgrm);
    }
}

static void client_outputs_print_json(struct client_outputs *outputs, const struct find_rate *find)
{
    if (find != NULL) {
        find_rate_json(find, &outputs->json);
    } else {
        json_null(&outputs->json, "find_rate");
    }
    json_end_object(&outputs->json);
    output_print_file(OUTPUT_RESULT, &outputs->json_text);
}

void client_outputs_print(struct client_outputs *outputs, const struct client_options *options,
                          const struct find_rate *find)
{
    if (!output_file_has_stdout()) {
        size_t begin = outputs->report.length;
        if (find != NULL) {
            find_rate_text(find, &outputs->report);
            report_wrap(&outputs->report, begin, output_columns(1));
        }
        output_print(&outputs->report);
    }
    if (options->common.json != NULL) {
        client_outputs_print_json(outputs, find);
    }
    if (options->hgrm != NULL) {
        output_print_file(OUTPUT_TABLE, &outputs->hgrm);
    }
    client_outputs_free(outputs);
}
