#include "merge_options.h"

#include <stddef.h>
#include <string.h>

#include "client_options.h"
#include "condition.h"
#include "program_options.h"

#define FIELD(member) offsetof(struct merge_options, member)

static const char group_input[] = "What is merged";
static const char group_judge[] = "What is good enough";
static const char group_output[] = "Output";

static const struct option_example examples[] = {
    {"echo-client --merge run.*.json", "the result of all clients, for people"},
    {"echo-client --merge run.*.json --server server.json --json=run.json",
     "the same with the books of the server, and as JSON"},
};

static const struct option_row rows[] = {
    {.word = true,
     .type = OPTION_WORDS,
     .argument = "FILE",
     .group = group_input,
     .help = "the reports (--json) of all clients that shared a load (--share), in any order",
     .takes = "the names of files",
     .offset = FIELD(files)},
    {.name = "merge",
     .type = OPTION_FLAG,
     .group = group_input,
     .help = "add up the reports, as if one client had made the run",
     .offset = FIELD(merge)},
    {.name = "server",
     .type = OPTION_STRINGS,
     .argument = "FILE",
     .group = group_input,
     .help = "the report (--json) of an echo-server that the clients used, with all its "
             "generations: the bytes of both sides must agree; may be repeated",
     .takes = "the name of a file",
     .offset = FIELD(server)},
    {.name = "fail-if",
     .type = OPTION_STRINGS,
     .argument = "CONDITION",
     .group = group_judge,
     .help = "exit with 3 if this holds for all clients together, as in 'p99>5ms' or "
             "rate-below=10k; is added to those that the clients were given; may be repeated",
     .check = condition_is,
     .takes = CONDITION_TAKES,
     .offset = FIELD(fail_if)},
    PROGRAM_JSON_ROW(group_output, FIELD(json)),
    CLIENT_HGRM_ROW(group_output, FIELD(hgrm)),
    PROGRAM_DETAILS_ROW(group_output, FIELD(details)),
    PROGRAM_HELP_ROW(group_output, FIELD(help)),
};

const struct option_program merge_program = {
    .name = "echo-client --merge",
    .summary = "Adds up the reports of clients that shared one load, and reports the whole run.",
    .failure = "the reports can't be merged, or the report's first line says FAILED and why",
    .not_enough = "measured well, but not good enough",
    .examples = examples,
    .example_count = LENGTH(examples),
    .rows = rows,
    .row_count = LENGTH(rows),
    .options_size = sizeof(struct merge_options),
};

bool merge_is_asked(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--merge") == 0) {
            return true;
        }
    }
    return false;
}

/* A file that is written must not be one that is read. */
static int check_output(const struct merge_options *options, const char *typed, const char *output,
                        struct option_error *error)
{
    bool same = false;
    for (size_t i = 0; output != NULL && i < options->files.count; i++) {
        same = same || strcmp(output, options->files.items[i]) == 0;
    }
    for (size_t i = 0; output != NULL && i < options->server.count; i++) {
        same = same || strcmp(output, options->server.items[i]) == 0;
    }
    return same ? option_fail(&merge_program, error, typed,
                              "'%s' is one of the files to read; give it a file of its own", output)
                : 0;
}

static int check_outputs(const struct merge_options *options, struct option_error *error)
{
    int result = check_output(options, "--json", options->json, error);
    if (result == 0) {
        result = check_output(options, "--hgrm", options->hgrm, error);
    }
    if (result == 0 && options->json != NULL && options->hgrm != NULL &&
        strcmp(options->json, options->hgrm) == 0) {
        result =
            option_fail(&merge_program, error, "--hgrm",
                        "'%s' is what --json has, too; give it a file of its own", options->hgrm);
    }
    return result;
}

static bool is_there_before(const struct option_strings *strings, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(strings->items[i], strings->items[index]) == 0) {
            return true;
        }
    }
    return false;
}

/* The bytes of a server that is there twice would count twice. */
static int check_servers(const struct merge_options *options, struct option_error *error)
{
    for (size_t i = 0; i < options->server.count; i++) {
        if (is_there_before(&options->server, i)) {
            return option_fail(&merge_program, error, "--server",
                               "'%s' is there twice; give the file of each server once",
                               options->server.items[i]);
        }
    }
    return 0;
}

int merge_options_parse(struct merge_options *options, int argc, char **argv,
                        struct option_error *error)
{
    int result = option_parse(&merge_program, options, argc, argv, false, error);
    if (result == 0 && options->files.count == 0) {
        result = option_fail(&merge_program, error, "FILE",
                             "give the reports of all clients, as in run.*.json");
    }
    if (result == 0) {
        result = check_servers(options, error);
    }
    return result == 0 ? check_outputs(options, error) : result;
}
