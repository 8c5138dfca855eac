/*
 *     echo-bench [run] [option...]
 *     echo-bench compare OLD.json NEW.json [option...]
 *     echo-bench export RESULT.json
 *
 * Options may stand before the files as well.
 */

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "bench.h"
#include "bench_options.h"
#include "compare.h"
#include "export.h"
#include "leash.h"
#include "libuv.h"
#include "log.h"
#include "option.h"
#include "output.h"
#include "program.h"
#include "sys.h"

/* The exit code of a command that has printed its result. Failing to print it is a failure. */
static int main_finish(int code)
{
    int finished = program_finish_output();
    return code != 0 ? code : finished;
}

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
    log_setup("echo-bench", !options.no_progress);
    if (status < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
    } else if (options.help) {
        option_help(&bench_program, stdout);
        code = program_finish_output();
    } else if (options.version) {
        program_print_version("echo-bench");
        code = program_finish_output();
    } else {
        main_join(command, sizeof(command), argc, argv);
        code = output_start("echo-bench") == 0 ? bench_run(&options, command) : 1;
        code = output_exit(code);
    }
    return code;
}

static bool main_are_words(char **argv, int count)
{
    bool are = true;
    for (int i = 0; i < count; i++) {
        are = are && argv[i][0] != '-';
    }
    return are;
}

/* Takes `count` files out of argv, where they are the first or the last words. Returns false if
 * they are neither. */
static bool main_take_files(int *argc, char **argv, int count, const char **files)
{
    int at = *argc > count && main_are_words(argv + 1, count) ? 1 : *argc - count;
    if (at < 1 || !main_are_words(argv + at, count)) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        files[i] = argv[at + i];
    }
    *argc -= count;
    memmove(argv + at, argv + at + count, (size_t)(*argc - at) * sizeof(argv[0]));
    return true;
}

/* Reads the options of a command. Returns the exit code if the command ends here, or -1. */
static int main_parse(const struct option_program *program, void *options, const bool *help,
                      int argc, char **argv)
{
    struct option_error error;
    int status = option_parse(program, options, argc, argv, false, &error);
    log_setup("echo-bench", true);
    if (status < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    if (*help) {
        option_help(program, stdout);
        return program_finish_output();
    }
    return -1;
}

static int main_compare(int argc, char **argv)
{
    struct compare_options options;
    const char *files[2];
    bool complete = main_take_files(&argc, argv, 2, files);
    int code = main_parse(&compare_program, &options, &options.help, argc, argv);
    if (code < 0 && !complete) {
        log_message("compare: it takes two files, as in 'echo-bench compare OLD.json NEW.json'");
        code = 2;
    } else if (code < 0) {
        code = main_finish(compare_run(files[0], files[1], (double)options.threshold / 100));
    }
    return code;
}

static int main_export(int argc, char **argv)
{
    struct export_options options;
    const char *file;
    bool complete = main_take_files(&argc, argv, 1, &file);
    int code = main_parse(&export_program, &options, &options.help, argc, argv);
    if (code < 0 && !complete) {
        log_message("export: it takes one file, as in 'echo-bench export RESULT.json'");
        code = 2;
    } else if (code < 0) {
        code = export_run(file);
    }
    return code;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], LEASH_WORD) == 0) {
        return leash_become(argv + 2); /* before this process changes what the program inherits */
    }
    sys_setup();
    libuv_explain_aborts("echo-bench");
    if (!output_is_open("echo-bench")) {
        return 1;
    }
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
