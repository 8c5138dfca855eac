#include "bench_options.h"

#include <stddef.h>

#include "estimate.h"
#include "pin.h"
#include "units.h"

#define FIELD(member) offsetof(struct bench_options, member)
#define COMPARE(member) offsetof(struct compare_options, member)

static const char group_what[] = "What is compared";
static const char group_how[] = "How";
static const char group_output[] = "Output";

/* The row of --help, which each command has. */
#define HELP_ROW(at)                                                                               \
    {                                                                                              \
        .letter = 'h', .other_letter = '?', .stops = true, .name = "help", .type = OPTION_FLAG,    \
        .group = group_output, .help = "print this", .offset = (at)                                \
    }

static const struct option_example examples[] = {
    {"echo-bench --quick", "all backends that work here, four cases, in less than a minute"},
    {"echo-bench --case 50x64B --backend uv --backend raw -o a.json", "one case, two backends"},
    {"echo-bench --peers build/release/peers", "all cases, with other servers beside ours"},
    {"echo-bench compare OLD.json NEW.json", "exit code 1 if a backend got worse"},
    {"echo-bench export RESULT.json", "the ratios, as github-action-benchmark reads them"},
    {"echo-bench --pin=together --against OLD/bin",
     "exit code 1 if a backend is slower than OLD's"},
};

static const struct option_row rows[] = {
    {.name = "quick",
     .type = OPTION_FLAG,
     .group = group_what,
     .help = "the quick cases of the matrix, with its quick times",
     .offset = FIELD(quick)},
    {.name = "matrix",
     .type = OPTION_STRING,
     .argument = "FILE",
     .group = group_what,
     .help = "the cases",
     .default_text = BENCH_MATRIX,
     .default_note = "bench/matrix.json",
     .offset = FIELD(matrix)},
    {.name = "case",
     .type = OPTION_STRINGS,
     .argument = "NAME",
     .group = group_what,
     .help = "this one alone; may be given more than once",
     .offset = FIELD(cases)},
    {.name = "backend",
     .type = OPTION_STRINGS,
     .argument = "NAME",
     .group = group_what,
     .help = "this one alone; may be given more than once, and ratios are to the first",
     .check = option_is_word,
     .takes = "the name of a backend",
     .offset = FIELD(backends)},
    {.name = "peers",
     .type = OPTION_STRING,
     .argument = "DIR",
     .group = group_what,
     .help = "the programs in DIR besides, each run as PROGRAM PORT",
     .offset = FIELD(peers)},
    {.name = "target",
     .type = OPTION_STRING,
     .argument = "HOST:PORT",
     .group = group_what,
     .help = "a server that runs there, besides",
     .check = option_is_address,
     .takes = "HOST:PORT",
     .offset = FIELD(target)},
    {.name = "against",
     .type = OPTION_STRING,
     .argument = "DIR",
     .group = group_what,
     .help = "the echo-server in DIR besides, an older build: in each round each backend has a run "
             "of both, one after the other, and the ratios are of new to old. What seems slower is "
             "measured again, and exit code 1 says that it is",
     .offset = FIELD(against)},
    {.name = "rounds",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_how,
     .help = "runs of each server in each case, by turns",
     .default_text = "0",
     .default_note = "the matrix's",
     .zero = "the matrix's",
     .min = ESTIMATE_PAIRS_MIN,
     .max = ESTIMATE_MAX,
     .offset = FIELD(rounds)},
    {.letter = 'd',
     .name = "duration",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_how,
     .help = "of what is measured in a run",
     .default_text = "0",
     .default_note = "the matrix's",
     .zero = "the matrix's",
     .min = 10 * NS_PER_MS,
     .max = 3600 * NS_PER_S,
     .offset = FIELD(duration_ns)},
    {.letter = 'w',
     .name = "warmup",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_how,
     .help = "of a run before that",
     .default_text = "0",
     .default_note = "the matrix's",
     .zero = "the matrix's",
     .min = NS_PER_MS,
     .max = 3600 * NS_PER_S,
     .offset = FIELD(warmup_ns)},
    {.name = "pin",
     .type = OPTION_CHOICE,
     .argument = "HOW",
     .group = group_how,
     .help = "server and client on a CPU each; together on one, which is steadier and measures CPU "
             "time alone; or where the system puts them",
     .default_text = "apart",
     .choices = pin_mode_names,
     .offset = FIELD(pin)},
    {.name = "client-backend",
     .type = OPTION_STRING,
     .argument = "NAME",
     .group = group_how,
     .help = "what the client uses, the same for all servers",
     .default_text = "raw",
     .check = option_is_word,
     .takes = "the name of a backend",
     .offset = FIELD(client_backend)},
    {.name = "bin",
     .type = OPTION_STRING,
     .argument = "DIR",
     .group = group_how,
     .help = "where the echo-server is that is measured; the client is the one beside echo-bench, "
             "so that two builds of the server meet the same",
     .default_note = "where echo-bench is",
     .offset = FIELD(bin)},
    {.letter = 'o',
     .name = "output",
     .type = OPTION_STRING,
     .argument = "FILE",
     .group = group_output,
     .help = "the results, as JSON; - is standard output, and tables go to standard error then",
     .default_text = "echo-bench.json",
     .offset = FIELD(output)},
    {.name = "no-progress",
     .old_name = "no-color",
     .type = OPTION_FLAG,
     .group = group_output,
     .help = "no live line of progress and no colors (NO_COLOR does the same)",
     .offset = FIELD(no_progress)},
    HELP_ROW(FIELD(help)),
    {.stops = true,
     .name = "version",
     .type = OPTION_FLAG,
     .group = group_output,
     .help = "print the version, how it was built, and the usable backends",
     .offset = FIELD(version)},
};

const struct option_program bench_program = {
    .name = "echo-bench",
    .summary =
        "Compares echo servers, ours and others, by turns under the same client: throughput, "
        "CPU time, latency, memory, and how sure a difference is.",
    .failure = "could not run, or of a server no run went well, or one is slower (--against)",
    .examples = examples,
    .example_count = LENGTH(examples),
    .rows = rows,
    .row_count = LENGTH(rows),
    .options_size = sizeof(struct bench_options),
};

static const struct option_example compare_examples[] = {
    {"echo-bench compare OLD.json NEW.json",
     "exit code 1 if a backend got worse by more than 3 %, or is gone"},
};

static const struct option_row compare_rows[] = {
    {.name = "threshold",
     .type = OPTION_COUNT,
     .argument = "PERCENT",
     .group = group_how,
     .help = "what is surely worse counts if it is estimated to be so by more than that",
     .default_text = "3",
     .min = 0,
     .max = 100,
     .offset = COMPARE(threshold)},
    HELP_ROW(COMPARE(help)),
};

const struct option_program compare_program = {
    .name = "echo-bench compare OLD.json NEW.json",
    .summary = "Says in which cases a backend got worse, against the others, from OLD to NEW.",
    .failure = "one did, or has no good run in NEW, or nothing could be compared",
    .examples = compare_examples,
    .example_count = LENGTH(compare_examples),
    .rows = compare_rows,
    .row_count = LENGTH(compare_rows),
    .options_size = sizeof(struct compare_options),
};

static const struct option_example export_examples[] = {
    {"echo-bench export RESULT.json >ratios.json", "for github-action-benchmark"},
};

static const struct option_row export_rows[] = {
    HELP_ROW(offsetof(struct export_options, help)),
};

const struct option_program export_program = {
    .name = "echo-bench export RESULT.json",
    .summary = "Prints the ratios of our backends, as github-action-benchmark reads them "
               "(customSmallerIsBetter).",
    .examples = export_examples,
    .example_count = LENGTH(export_examples),
    .rows = export_rows,
    .row_count = LENGTH(export_rows),
    .options_size = sizeof(struct export_options),
};
