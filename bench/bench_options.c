#include "bench_options.h"

#include <stddef.h>
#include <string.h>

#include <uv.h>

#include "command.h"
#include "estimate.h"
#include "pin.h"
#include "program_options.h"
#include "run.h"
#include "units.h"

#define FIELD(member) offsetof(struct bench_options, member)
#define COMPARE(member) offsetof(struct compare_options, member)

static const char group_common[] = "Most used";
static const char group_what[] = "What is compared";
static const char group_how[] = "How";
static const char group_elsewhere[] = "The client on another machine";
static const char group_output[] = "Output";

static const struct option_example examples[] = {
    {"echo-bench --quick", "all backends that work here, four cases, less than a minute"},
    {"echo-bench --case 50x64B --backend uv --backend raw -o a.json", "one case, two backends"},
    {"echo-bench --peers build/release/peers", "all cases, with other servers beside ours"},
    {"echo-bench compare OLD.json NEW.json", "exit code 1 if a backend got worse"},
    {"echo-bench export RESULT.json", "the ratios, for github-action-benchmark"},
    {"echo-bench --server-address 10.0.0.1 --client-command 'ssh h2 echo-client'",
     "the client on another machine"},
    {"echo-bench --pin=together --against OLD/bin",
     "exit code 1 if a backend is slower than OLD's"},
};

/* A numeric address, but not that which means all. */
static bool is_one_address(const char *host)
{
    static const unsigned char all[16];
    unsigned char bytes[16];
    if (uv_inet_pton(AF_INET, host, bytes) == 0) {
        return memcmp(bytes, all, 4) != 0;
    }
    return uv_inet_pton(AF_INET6, host, bytes) == 0 && memcmp(bytes, all, 16) != 0;
}

/* No name and no zone, so that both machines take it for the same. */
static bool is_server_address(const char *text)
{
    char host[OPTION_HOST_SIZE];
    char port[OPTION_PORT_SIZE];
    return option_split_server(text, host, sizeof(host), port, sizeof(port)) == 0 &&
           is_one_address(host) && command_is_plain(host);
}

static bool is_pin_mode(const char *text)
{
    enum pin_mode mode;
    return pin_find_mode(text, &mode);
}

static const struct option_row rows[] = {
    {.name = "quick",
     .type = OPTION_FLAG,
     .group = group_common,
     .help = "run the quick cases of the matrix, with its quick times",
     .offset = FIELD(quick)},
    {.name = "case",
     .type = OPTION_STRINGS,
     .argument = "NAME",
     .group = group_common,
     .help = "run only this case; may be given several times",
     .offset = FIELD(cases)},
    {.name = "backend",
     .type = OPTION_STRINGS,
     .argument = "NAME",
     .group = group_common,
     .help = "run only this backend; may be given several times, ratios are to the first",
     .check = option_is_word,
     .takes = "the name of a backend",
     .offset = FIELD(backends)},
    {.letter = 'd',
     .name = "duration",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_common,
     .help = "how long a run is measured",
     .default_text = "0",
     .zero = "the matrix's",
     .min = 10 * NS_PER_MS,
     .max = 3600 * NS_PER_S,
     .offset = FIELD(duration_ns)},
    {.name = "pin",
     .type = OPTION_STRING,
     .argument = "HOW",
     .group = group_common,
     .help = "apart: server and client on different CPUs; together: on one CPU, which is steadier "
             "and measures only CPU time; off: the system chooses",
     .default_text = "apart",
     .check = is_pin_mode,
     .takes = "apart, together or off",
     .offset = FIELD(pin)},
    {.letter = 'o',
     .name = "output",
     .type = OPTION_STRING,
     .argument = "FILE",
     .group = group_common,
     .help = "write the results to FILE as JSON; - is stdout, and then tables go to stderr",
     .default_text = "echo-bench.json",
     .takes = "the name of a file, or - for stdout",
     .offset = FIELD(output)},

    {.name = "matrix",
     .type = OPTION_STRING,
     .argument = "FILE",
     .group = group_what,
     .help = "the file with the cases",
     .default_note = "built in",
     .takes = "the name of a file",
     .offset = FIELD(matrix)},
    {.name = "peers",
     .type = OPTION_STRING,
     .argument = "DIR",
     .takes = "the name of a folder",
     .group = group_what,
     .help = "compare with the programs in DIR, too; each is run as PROGRAM PORT",
     .offset = FIELD(peers)},
    {.name = "target",
     .type = OPTION_STRING,
     .argument = "HOST:PORT",
     .group = group_what,
     .help = "compare with a server that runs there, too",
     .check = option_is_address,
     .takes = "HOST:PORT",
     .offset = FIELD(target)},
    {.name = "against",
     .type = OPTION_STRING,
     .argument = "DIR",
     .takes = "the name of a folder",
     .group = group_what,
     .help = "compare with the echo-server in DIR, an older build. Each round runs both, one after "
             "the other, with each backend; ratios are of new to old. A backend that seems slower "
             "is measured again; if it is slower, the exit code is 1",
     .offset = FIELD(against)},

    {.name = "rounds",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_how,
     .help = "how many runs each server has in each case, in turn",
     .default_text = "0",
     .zero = "the matrix's",
     .min = ESTIMATE_PAIRS_MIN,
     .max = ESTIMATE_MAX,
     .offset = FIELD(rounds)},
    {.letter = 'w',
     .name = "warmup",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_how,
     .help = "how long a run goes on before it is measured",
     .default_text = "0",
     .zero = "the matrix's",
     .min = NS_PER_MS,
     .max = 3600 * NS_PER_S,
     .offset = FIELD(warmup_ns)},
    {.name = "client-backend",
     .type = OPTION_STRING,
     .argument = "NAME",
     .group = group_how,
     .help = "the client's backend, the same for all servers",
     .default_text = "raw",
     .check = option_is_word,
     .takes = "the name of a backend",
     .offset = FIELD(client_backend)},
    {.name = "bin",
     .type = OPTION_STRING,
     .argument = "DIR",
     .takes = "the name of a folder",
     .group = group_how,
     .help = "measure the echo-server in DIR; the client stays the one beside echo-bench",
     .default_note = "where echo-bench is",
     .offset = FIELD(bin)},

    {.name = "client-command",
     .type = OPTION_STRING,
     .argument = "COMMAND",
     .group = group_elsewhere,
     .help = "start the client by COMMAND, perhaps on another machine: its options are added as "
             "further words. No shell reads COMMAND; blanks separate words, and '...' or \"...\" "
             "keeps them in one",
     .default_note = "the echo-client where echo-bench is",
     .check = command_is_good,
     .takes = "up to 24 words, with an end for each quote",
     .offset = FIELD(client_command)},
    {.name = "server-address",
     .type = OPTION_STRING,
     .argument = "ADDRESS[:PORT]",
     .group = group_elsewhere,
     .help = "our servers listen on this address of this machine, and the client connects to it; "
             "without PORT each run has a free one",
     .default_note = RUN_LOOPBACK,
     .check = is_server_address,
     .takes = "an address of this machine: 10.0.0.1, 10.0.0.1:6001, fd00::1 or [fd00::1]:6001",
     .offset = FIELD(server_address)},

    PROGRAM_NO_PROGRESS_ROW(group_output, FIELD(no_progress)),
    PROGRAM_HELP_ROW(group_output, FIELD(help)),
    PROGRAM_VERSION_ROW(group_output, FIELD(version)),
};

const struct option_program bench_program = {
    .name = "echo-bench",
    .summary = "Compares echo servers, ours and others, in turn under the same client: throughput, "
               "CPU time, latency, memory, and how sure each difference is.",
    .failure = "it could not run, no run of a server succeeded, or a backend is slower (--against)",
    .examples = examples,
    .example_count = LENGTH(examples),
    .rows = rows,
    .row_count = LENGTH(rows),
    .options_size = sizeof(struct bench_options),
};

static const struct option_example compare_examples[] = {
    {"echo-bench compare OLD.json NEW.json",
     "exit code 1 if a backend got worse by more than 3 %, or is missing"},
};

static const struct option_row compare_rows[] = {
    {.name = "threshold",
     .type = OPTION_COUNT,
     .argument = "PERCENT",
     .group = group_how,
     .help = "ignore changes that are estimated to be smaller than this",
     .default_text = "3",
     .min = 0,
     .max = 100,
     .offset = COMPARE(threshold)},
    PROGRAM_HELP_ROW(group_output, COMPARE(help)),
};

const struct option_program compare_program = {
    .name = "echo-bench compare OLD.json NEW.json",
    .summary =
        "Says in which cases a backend got worse from OLD to NEW, relative to the other backends.",
    .failure = "a backend got worse, has no good run in NEW, or nothing could be compared",
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
    PROGRAM_HELP_ROW(group_output, offsetof(struct export_options, help)),
};

const struct option_program export_program = {
    .name = "echo-bench export RESULT.json",
    .summary = "Prints the ratios of our backends for github-action-benchmark "
               "(customSmallerIsBetter).",
    .failure = "stdout could not be written",
    .examples = export_examples,
    .example_count = LENGTH(export_examples),
    .rows = export_rows,
    .row_count = LENGTH(export_rows),
    .options_size = sizeof(struct export_options),
};
