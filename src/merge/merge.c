#include "merge.h"

#include <stdio.h>

#include "books.h"
#include "client_outputs.h"
#include "fleet.h"
#include "libuv.h"
#include "log.h"
#include "merge_options.h"
#include "output.h"
#include "program.h"
#include "sys.h"
#include "total.h"

static const char program_name[] = "echo-client";

/* Exit codes. */
#define MERGE_FAILED 1
#define MERGE_USAGE 2
#define MERGE_NOT_ENOUGH 3

static int merge_code(const struct client_report *report)
{
    struct verdict verdict;
    struct thresholds thresholds;
    client_report_judge(report, &verdict);
    client_report_thresholds(report, &thresholds);
    return !verdict.ok ? MERGE_FAILED : !thresholds.ok ? MERGE_NOT_ENOUGH : 0;
}

/* Opens the files before anything is printed. */
static bool merge_open_outputs(const struct merge_options *options)
{
    const char *json = options->json;
    const char *hgrm = options->hgrm;
    return (json == NULL || output_open_file(OUTPUT_RESULT, "--json: ", json, OUTPUT_ALL) == 0) &&
           (hgrm == NULL || output_open_file(OUTPUT_TABLE, "--hgrm: ", hgrm, OUTPUT_ALL) == 0);
}

static int merge_print(const struct merge_options *options, const struct client_report *report)
{
    struct client_outputs outputs = {.made = false};
    int code = merge_code(report);
    if (!merge_open_outputs(options)) {
        return MERGE_FAILED;
    }
    client_outputs_make(&outputs, report, code);
    client_outputs_print(&outputs, report->options, NULL);
    return code;
}

static int merge_fleet(const struct merge_options *options, const struct fleet *fleet,
                       const struct books *books, struct refusals *refusals)
{
    struct total total;
    total_make(&total, fleet, options, books, refusals);
    int code = refusals_end(refusals) ? MERGE_FAILED : merge_print(options, &total.report);
    total_free(&total);
    return code;
}

static int merge_run(const struct merge_options *options)
{
    struct refusals refusals = {.count = 0};
    struct fleet fleet;
    struct books books;
    int code = MERGE_FAILED;
    fleet_read(&fleet, options->files.items, options->files.count, &refusals);
    books_read(&books, &options->server, &refusals);
    fleet_check(&fleet, &refusals);
    if (refusals.count == 0) {
        code = merge_fleet(options, &fleet, options->server.count > 0 ? &books : NULL, &refusals);
    } else {
        (void)refusals_end(&refusals);
    }
    fleet_free(&fleet);
    return code;
}

int merge_main(int argc, char **argv)
{
    struct merge_options options;
    struct option_error error;
    sys_setup();
    libuv_explain_aborts(program_name);
    int status = merge_options_parse(&options, argc, argv, &error);
    log_setup(program_name, false);
    if (!output_is_open(program_name)) {
        return MERGE_FAILED;
    }
    if (status < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return MERGE_USAGE;
    }
    if (options.help) {
        option_help(&merge_program, stdout);
        return program_finish_output();
    }
    if (output_start(program_name) != 0) {
        return output_exit(MERGE_FAILED);
    }
    return output_exit(merge_run(&options));
}
