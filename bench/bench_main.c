/*
 *     echo-bench [run] [option...]
 *     echo-bench compare OLD.json NEW.json [option...]
 *     echo-bench export RESULT.json
 */

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "bench.h"
#include "bench_options.h"
#include "compare.h"
#include "control.h"
#include "export.h"
#include "log.h"
#include "option.h"
#include "sys.h"

/* The command line in one text, as results have it. */
static void main_join(char *text, size_t size, int argc, char **argv)
{
    size_t used = (size_t)snprintf(text, size, "echo-bench");
    for (int i = 1; i < argc && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, " %s", argv[i]);
    }
}

static int main_run(int argc, char **argv)
{
    struct bench_options options;
    struct option_error error;
    char command[512];
    int code = 2;
    int status = option_parse(&bench_program, &options, argc, argv, sys_slash_options, &error);
    log_setup("echo-bench", !options.no_color);
    if (status < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        code = status == UV_ENOMEM ? 1 : 2;
    } else if (options.help) {
        option_help(&bench_program, stdout);
        code = control_finish_output();
    } else if (options.version) {
        control_print_version("echo-bench");
        code = control_finish_output();
    } else {
        main_join(command, sizeof(command), argc, argv);
        code = bench_run(&options, command);
    }
    option_free(&bench_program, &options);
    return code;
}

/* argv[0] to argv[2] are "compare" and the files, if they are there. */
static int main_compare(int argc, char **argv)
{
    struct compare_options options;
    struct option_error error;
    int words = argc > 2 && argv[1][0] != '-' && argv[2][0] != '-' ? 2 : 0;
    int status =
        option_parse(&compare_program, &options, argc - words, argv + words, false, &error);
    int code = 2;
    log_setup("echo-bench", true);
    if (status < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
    } else if (options.help) {
        option_help(&compare_program, stdout);
        code = control_finish_output();
    } else if (words == 0) {
        log_message("compare: it takes two files, as in 'echo-bench compare OLD.json NEW.json'");
    } else {
        code = compare_run(argv[1], argv[2], (double)options.threshold / 100);
    }
    option_free(&compare_program, &options);
    return code;
}

static int main_export(int argc, char **argv)
{
    log_setup("echo-bench", true);
    if (argc != 2) {
        log_message("export: it takes one file, as in 'echo-bench export RESULT.json'");
        return 2;
    }
    return export_run(argv[1]);
}

int main(int argc, char **argv)
{
    sys_setup();
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "compare") == 0) {
        return main_compare(argc - 1, argv + 1);
    }
    if (strcmp(command, "export") == 0) {
        return main_export(argc - 1, argv + 1);
    }
    int word = strcmp(command, "run") == 0;
    return main_run(argc - word, argv + word);
}
