#include "client_options.h"

#include <stddef.h>
#include <string.h>

#include "arrival.h"
#include "client_hostile.h"
#include "client_options_connects.h"
#include "client_options_load.h"
#include "client_options_share.h"
#include "client_options_start.h"
#include "condition.h"
#include "sys.h"
#include "units.h"

#define FIELD(member) offsetof(struct client_options, member)

#define MESSAGES_MAX UINT64_C(1000000000000000) /* 1000T */
#define FIND_RATE_STEP_NS (2 * NS_PER_S)
#define GIVE_UP_NS (30 * NS_PER_S)

#define SERVER_TAKES                                                                               \
    "HOST or HOST:PORT, as in 127.0.0.1:6001, [::1]:6001 or :6001, with a port of 1 to 65535 "     \
    "or a service name"

#define SOURCE_TAKES                                                                               \
    "addresses and blocks with commas between them, as in 127.0.0.2,127.1.0.0/24 or "              \
    "fe80::1%eth0: up to 64 of them with 65536 addresses; a block begins with its first address"

static const char group_common[] = "Most used";
static const char group_server[] = "The server";
static const char group_load[] = "The load";
static const char group_share[] = "One load from many clients";
static const char group_hostile[] = "Hostile connections";
static const char group_end[] = "Times and limits";
static const char group_work[] = "Threads and memory";
static const char group_socket[] = "Sockets";
static const char group_signal[] = "A client that is running";
static const char group_output[] = "Output";

static const struct option_example examples[] = {
    {"echo-client -d 10s", "one connection to localhost, port 5001, for ten seconds"},
    {"echo-client 127.0.0.1:6001 -d 10s --wait 30s", "another port, as soon as the server is up"},
    {"echo-client -n:127.0.0.1 -t:32 -v -e:6001", "32 threads, until Ctrl-C, a line per echo"},
    {"echo-client -c 64 -s 64MiB -d 5s", "64 connections, messages of 64 MiB"},
    {"echo-client -c 50 -s 64 --find-rate p99-below=1ms",
     "the highest rate at which 99 % of the answers come within a millisecond"},
    {"echo-client -t 2 -c 100 -s 64 -R 50k -w 1s -d 10s",
     "the latency at 50,000 messages per second, from when each was due"},
};

static bool is_signal(const char *text)
{
    enum sys_meaning meaning;
    return program_meaning(text, &meaning) && meaning != SYS_RESTART;
}

static bool is_close(const char *text)
{
    return strcmp(text, "fin") == 0 || strcmp(text, "rst") == 0;
}

/* Whether it means to be a range or a mix. choose_sizes() says what is wrong with it. */
static bool is_size_list(const char *text)
{
    return strstr(text, "..") != NULL || strchr(text, ':') != NULL || strchr(text, '%') != NULL;
}

static const struct option_row rows[] = {
    {.word = true,
     .type = OPTION_STRING,
     .argument = "HOST:PORT",
     .group = group_common,
     .help = "the server: 127.0.0.1:6001, [::1]:6001, name:echo, a host alone, or :6001 on this "
             "machine",
     .check = option_is_server_word,
     .takes = SERVER_TAKES,
     .offset = FIELD(server)},
    {.letter = 'c',
     .name = "connections",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_common,
     .help = "connections of all threads together; at least one for each thread, at most 1M in a "
             "client",
     .default_note = "one per thread",
     .min = 1,
     .max = CLIENT_CONNECTIONS_MAX,
     .offset = FIELD(connections)},
    {.letter = 's',
     .name = "size",
     .type = OPTION_SIZE,
     .argument = "SIZE",
     .group = group_common,
     .help = "size of a message; of each at random in a range or mix",
     .default_note = "4096",
     .min = 1,
     .max = SIZES_MAX,
     .check = is_size_list,
     .takes = SIZES_LIST_TAKES,
     .text_offset = FIELD(size_text),
     .offset = FIELD(message_size)},
    {.letter = 'd',
     .name = "duration",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_common,
     .help = "stop after this time, the warm-up included",
     .default_text = "0",
     .zero = "at Ctrl-C",
     .min = NS_PER_MS,
     .max = PROGRAM_TIME_MAX,
     .offset = FIELD(duration_ns)},
    PROGRAM_JSON_ROW(group_common, PROGRAM_FIELD(json)),
    PROGRAM_VERBOSE_ROW(
        group_common,
        "print a line per completion, as the server does, and per verified echo: ack(1) ..."),

    {.letter = 'n',
     .any_case = true,
     .name = "host",
     .type = OPTION_STRING,
     .argument = "HOST[:PORT]",
     .group = group_server,
     .help = "the same as HOST:PORT; all addresses of a name are tried in turn",
     .default_note = CLIENT_DEFAULT_HOST,
     .check = option_is_server,
     .takes = SERVER_TAKES,
     .offset = FIELD(host)},
    {.letter = 'e',
     .other_letter = 'p',
     .any_case = true,
     .name = "port",
     .type = OPTION_STRING,
     .argument = "PORT",
     .group = group_server,
     .help = "the port, if the host has none: a number or a service name",
     .default_note = CLIENT_DEFAULT_PORT,
     .check = option_is_server_port,
     .takes = "1 to 65535 or a service name",
     .offset = FIELD(port)},
    PROGRAM_TIME_ROW(
        group_server, "wait",
        "if the server or its name is not there yet, retry for this long; the run begins when "
        "the server is up",
        "0", "don't wait", FIELD(wait_ns)),

    {.letter = '4',
     .name = "ipv4",
     .type = OPTION_FLAG,
     .group = group_server,
     .help = "connect only to IPv4 addresses of the server",
     .offset = FIELD(ipv4)},
    {.letter = '6',
     .name = "ipv6",
     .type = OPTION_FLAG,
     .group = group_server,
     .help = "connect only to IPv6 addresses of the server",
     .offset = FIELD(ipv6)},
    {.name = "source",
     .type = OPTION_STRING,
     .argument = "LIST",
     .group = group_server,
     .help = "connect from these addresses of this machine in turn, for more than 28,000 "
             "connections: 127.0.0.2,127.1.0.0/24",
     .default_note = "the system chooses",
     .check = source_is_list,
     .takes = SOURCE_TAKES,
     .offset = FIELD(source)},

    {.letter = 'b',
     .any_case = true,
     .type = OPTION_COUNT,
     .argument = "KIB",
     .group = group_load,
     .help = "size of a message in KiB: -b:4 is -s 4KiB",
     .min = 1,
     .max = UNITS_GIB,
     .scale = UNITS_KIB,
     .offset = FIELD(message_size)},
    {.name = "sizes",
     .type = OPTION_STRING,
     .argument = "TABLE",
     .group = group_load,
     .help = "sizes of messages at random by a table: w1 to w5, or a file with lines of bytes and "
             "weight. w1: memcached at Facebook, w2: a search application at Google, w3: a data "
             "center at Google, w4: Hadoop at Facebook, w5: web search (DCTCP). They are the "
             "workloads of Homa (SIGCOMM 2018)",
     .takes = SIZES_TABLE_TAKES,
     .offset = FIELD(size_table)},
    {.letter = 'P',
     .name = "pipeline",
     .type = OPTION_COUNT,
     .argument = "DEPTH",
     .group = group_load,
     .help = "messages in flight per connection",
     .default_text = "1",
     .min = 1,
     .max = 65536,
     .offset = FIELD(pipeline)},
    {.letter = 'R',
     .name = "rate",
     .type = OPTION_DECIMAL,
     .argument = "N",
     .group = group_load,
     .help = "messages per second of all connections together, such as 50k or 0.5; latency then "
             "counts from when a message was due",
     .default_text = "0",
     .zero = "each after the echo of the one before",
     .min = CLIENT_RATE_MIN_THOUSANDTHS,
     .max = CLIENT_RATE_MAX * 1000,
     .offset = FIELD(rate)},
    {.name = "connect-rate",
     .type = OPTION_DECIMAL,
     .argument = "N",
     .group = group_load,
     .help = "connects per second of all threads together, those of new connections for old ones "
             "too",
     .default_text = "0",
     .zero = "as fast as possible",
     .min = CLIENT_RATE_MIN_THOUSANDTHS,
     .max = CLIENT_CONNECT_RATE_MAX * 1000,
     .offset = FIELD(connect_rate)},
    {.name = "ramp",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_load,
     .help = "begin the connections evenly over this time; a --warmup of this length leaves it out "
             "of the results",
     .default_text = "0",
     .zero = "all at once",
     .min = NS_PER_MS,
     .max = PROGRAM_TIME_MAX,
     .offset = FIELD(ramp_ns)},
    {.name = "bandwidth",
     .type = OPTION_BYTES,
     .argument = "SIZE",
     .group = group_load,
     .help = "bytes per second in each direction, instead of --rate: that divided by the mean size "
             "of a message",
     .default_text = "0",
     .zero = "no such limit",
     .min = 1,
     .max = UNITS_TIB,
     .offset = FIELD(bandwidth)},
    {.name = "arrival",
     .type = OPTION_STRING,
     .argument = "KIND",
     .group = group_load,
     .help = "with --rate, the gaps between messages: uniform (all the same) or poisson (random, "
             "as of many independent people)",
     .default_text = "uniform",
     .check = arrival_is_kind,
     .takes = "uniform or poisson",
     .offset = FIELD(arrival)},
    {.name = "lifetime",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_load,
     .help = "messages per connection; then a new connection replaces it",
     .default_text = "0",
     .zero = "for ever",
     .min = 1,
     .max = MESSAGES_MAX,
     .offset = FIELD(lifetime)},
    {.name = "close",
     .type = OPTION_STRING,
     .argument = "HOW",
     .group = group_load,
     .help = "how the client ends a connection that has used up --lifetime: fin (ends its side and "
             "waits for the server's end) or rst (resets it)",
     .default_text = "fin",
     .check = is_close,
     .takes = "fin or rst",
     .offset = FIELD(close)},
    PROGRAM_TIME_ROW(group_load, "think",
                     "without --rate: pause between an echo and the next message of a connection",
                     "0", "none", FIELD(think_ns)),
    {.name = "seed",
     .type = OPTION_INTEGER,
     .argument = "N",
     .group = group_load,
     .help = "seed of the bytes that are sent; decimal, or hexadecimal as in 0x5eed",
     .default_text = "0",
     .zero = "a random one",
     .min = 1,
     .max = INT64_MAX, /* what any reader of JSON can hold */
     .offset = FIELD(seed)},

    {.unreported = true, /* the report's member `share` has it */
     .name = "share",
     .type = OPTION_STRING,
     .argument = "R/N",
     .group = group_share,
     .help = "of N clients this is number R, from 0 on, and does its share of the load that the "
             "options give as a whole; auto: what Open MPI, PMI, Slurm or Kubernetes say",
     .takes = SHARE_TAKES,
     .offset = FIELD(share_text)},
    {.name = "start-at",
     .type = OPTION_STRING,
     .argument = "TIME",
     .group = group_share,
     .help = "begin the run at this time, by the clock of this machine; a client that is not ready "
             "then ends with 1. TIME: seconds since 1970, as of date +%s, or as in "
             "2026-11-29T13:00:00Z",
     .default_note = "when it is ready",
     .check = client_options_is_time,
     .takes = START_AT_TAKES,
     .offset = FIELD(start_at)},
    {.unreported = true, /* the report's member `share` has what came of it */
     .name = "barrier",
     .type = OPTION_STRING,
     .argument = "HOST:PORT",
     .group = group_share,
     .help = "begin when all clients of --share are ready, at the same moment. Rank 0 listens "
             "there, the others connect to it; no HOST: this machine",
     .default_note = "none",
     .check = client_options_is_barrier,
     .takes = BARRIER_TAKES,
     .offset = FIELD(barrier)},
    {.unreported = true,
     .name = "barrier-listen",
     .type = OPTION_STRING,
     .argument = "ADDRESS",
     .group = group_share,
     .help = "where rank 0 itself listens, if its machine does not have the address of --barrier: "
             "behind NAT, or if its own name is 127.0.1.1; *: at all addresses",
     .default_note = "that of --barrier",
     .check = client_options_is_listen,
     .takes = LISTEN_TAKES,
     .offset = FIELD(barrier_listen)},
    {.unreported = true,
     .name = "barrier-timeout",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_share,
     .help = "end with 1 if the other clients are not there after this time",
     .default_text = "60s",
     .zero = "never",
     .min = NS_PER_MS,
     .max = PROGRAM_TIME_MAX,
     .offset = FIELD(barrier_timeout_ns)},
    {.unreported = true, /* it is a secret */
     .name = "run-token",
     .type = OPTION_STRING,
     .argument = "TEXT",
     .group = group_share,
     .help =
         "a text that the clients of this run have, and no other; it is never sent. Other users "
         "can see arguments, but not the environment variable ECHOPORT_RUN_TOKEN",
     .default_note = "ECHOPORT_RUN_TOKEN, or what the launcher calls the job",
     .offset = FIELD(run_token)},

    {.unreported = true, /* it never runs: client_main.c */
     .name = "merge",
     .type = OPTION_FLAG,
     .group = group_share,
     .help =
         "add up the reports (--json) of all clients of a run: echo-client --merge FILE...; its "
         "own options are in --merge --help",
     .offset = FIELD(merge)},

    {.unreported = true, /* the report's member `hostile` has them */
     .name = "hostile",
     .type = OPTION_STRINGS,
     .argument = "MODE:N",
     .group = group_hostile,
     .help = "N hostile connections beside the ordinary ones, which the verdict leaves out. MODE: "
             "silent, reset, half-close, slow-read:RATE (bytes per second), byte-by-byte, "
             "stop-midway, never-read, storm:RATE (connections per second) or urgent",
     .takes = "MODE:N or MODE:RATE:N",
     .offset = FIELD(hostile)},
    {.name = "hostile-from",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_hostile,
     .help = "when they begin, since the start of the run; the report compares the ordinary "
             "latency before and after that",
     .default_note = "half of the measured time, or 5s in an endless run",
     .unset = UINT64_MAX,
     .zero = "at once",
     .min = NS_PER_MS,
     .max = PROGRAM_TIME_MAX,
     .offset = FIELD(hostile_from_ns)},

    {.name = "requests",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_end,
     .help = "stop after this many messages of all connections together",
     .default_text = "0",
     .zero = "no limit",
     .min = 1,
     .max = MESSAGES_MAX,
     .offset = FIELD(requests)},
    {.letter = 'w',
     .name = "warmup",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_end,
     .help = "leave this time at the start out of the results; less than --duration",
     .default_text = "0",
     .zero = "none",
     .min = NS_PER_MS,
     .max = PROGRAM_TIME_MAX,
     .offset = FIELD(warmup_ns)},
    PROGRAM_TIME_ROW(group_end, "connect-timeout", "give up a connect after this time", "5s",
                     "never", FIELD(connect_timeout_ns)),
    PROGRAM_TIME_ROW(
        group_end, "timeout",
        "drop a connection that waits for an echo and on which no byte has moved for this "
        "long",
        "10s", "never", FIELD(timeout_ns)),
    PROGRAM_TIME_ROW(
        group_end, "drain-timeout",
        "at the end, wait this long for messages in flight, then cut their connections", "10s",
        "at once", FIELD(drain_timeout_ns)),
    {.name = "give-up",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_end,
     .help = "fail the run after waiting this long for echoes or connections without verifying a "
             "byte; at least twice --timeout",
     .default_note = "30s, or twice --timeout if that is longer",
     .unset = UINT64_MAX,
     .zero = "never",
     .min = NS_PER_MS,
     .max = PROGRAM_TIME_MAX,
     .offset = FIELD(give_up_ns)},
    {.name = "stop-on-error",
     .type = OPTION_FLAG,
     .group = group_end,
     .help = "stop at the first failure",
     .offset = FIELD(stop_on_error)},
    {.unreported = true, /* the report's own member has it */
     .name = "until",
     .type = OPTION_STRING,
     .argument = "PRECISION",
     .group = group_end,
     .help = "end as soon as a percentile of the latency is known so well, at the latest after "
             "--duration, as in p99+-5%; exit with 3 if it never is",
     .check = condition_is_precision,
     .takes = CONDITION_PRECISION_TAKES,
     .offset = FIELD(until)},
    {.name = "fail-if",
     .type = OPTION_STRINGS,
     .argument = "CONDITION",
     .group = group_end,
     .help = "exit with 3 if this holds for what was measured, as in 'p99>5ms', 'rate<10k', max, "
             "mean, bytes, failures, lateness-p99; in cmd.exe p99-above=5ms or rate-below=10k; may "
             "be repeated",
     .check = condition_is,
     .takes = CONDITION_TAKES,
     .offset = FIELD(fail_if)},
    {.name = "find-rate",
     .unreported = true, /* the member of that name has it */
     .type = OPTION_STRING,
     .argument = "CONDITION",
     .group = group_end,
     .help = "find the highest rate at which this holds, as in 'p99<1ms' or p99-below=1ms; runs a "
             "step of --duration (2s unless given) at one rate after another, the first at --rate "
             "or 1k",
     .check = condition_is_highest,
     .takes = CONDITION_HIGHEST_TAKES,
     .offset = FIELD(find_rate)},
    {.name = "allow-drain",
     .type = OPTION_FLAG,
     .group = group_end,
     .help = "let the server close a connection (FIN) with messages unanswered, as in a graceful "
             "restart; otherwise they count as lost",
     .offset = FIELD(allow_drain)},

    {.letter = 't',
     .any_case = true,
     .name = "threads",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_work,
     .help = "worker threads, which share the connections",
     .default_text = "1",
     .min = 1,
     .max = 1024,
     .offset = FIELD(threads)},
    PROGRAM_WORKER_ROWS(group_work, FIELD(cpus), FIELD(buffer_size)),
    PROGRAM_BACKEND_ROW(group_work),
    PROGRAM_IO_ROWS(group_work),

    PROGRAM_SOCKET_ROWS(group_socket),

    PROGRAM_SIGNAL_ROWS(group_signal,
                        "stop or report: tell the client with --pid to end, or to print its "
                        "report so far on its stderr",
                        "stop or report", is_signal),

    {.letter = 'i',
     .name = "interval",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_output,
     .help = "print a line with rate and latency on stderr once in this time; the JSON gets "
             "`intervals`, the last 3,600 of them",
     .default_text = "0",
     .zero = "never",
     .min = 10 * NS_PER_MS,
     .max = PROGRAM_TIME_MAX,
     .offset = FIELD(interval_ns)},
    {.name = "percentiles",
     .type = OPTION_STRING,
     .argument = "LIST",
     .group = group_output,
     .help = "the percentiles of the latency that are reported",
     .default_text = PERCENTILES_DEFAULT,
     .check = percentiles_is,
     .takes = PERCENTILES_TAKES,
     .offset = FIELD(percentiles)},
    {.unreported = true,
     .name = "json-stream",
     .type = OPTION_STRING,
     .argument = "FILE",
     .implied = "-",
     .group = group_output,
     .help = "write a line of JSON at the start, for each interval (of a second without "
             "--interval) and for the report to FILE; without FILE, or with -, to stdout",
     .takes = "the name of a file, or - for stdout",
     .offset = FIELD(json_stream)},
    CLIENT_HGRM_ROW(group_output, FIELD(hgrm)),
    PROGRAM_OUTPUT_ROWS(group_output),
};

const struct option_program client_program = {
    .name = "echo-client",
    .summary = "Sends messages to an echo server, verifies every byte that comes back, and reports "
               "throughput and latency.",
    .failure = "the client could not run, or the report's first line says FAILED and why",
    .not_enough = "measured well, but not good enough, or the figures cannot tell",
    .examples = examples,
    .example_count = LENGTH(examples),
    .rows = rows,
    .row_count = LENGTH(rows),
    .options_size = sizeof(struct client_options),
};

/* Two files must not be the same. */
static int check_other_file(const char *option, const char *file, const char *other_option,
                            const char *other, struct option_error *error)
{
    if (file == NULL || other == NULL || strcmp(file, other) != 0) {
        return 0;
    }
    return option_fail(&client_program, error, option,
                       "'%s' is what %s has, too; give it a file of its own", file, other_option);
}

static int check_files(struct client_options *options, struct option_error *error)
{
    const char *json = options->common.json;
    const char *stream = options->json_stream;
    int result = check_other_file("--hgrm", options->hgrm, "--json", json, error);

    if (result == 0) {
        result = check_other_file("--json-stream", stream, "--json", json, error);
    }
    return result == 0 ? check_other_file("--hgrm", options->hgrm, "--json-stream", stream, error)
                       : result;
}

/* A search runs steps of a limited time. */
static int check_find_rate(struct client_options *options, struct option_error *error)
{
    if (options->find_rate == NULL) {
        return 0;
    }
    if (options->requests > 0) {
        return option_fail(&client_program, error, "--find-rate",
                           "it can't be combined with --requests: --duration ends each step");
    }
    if (options->until != NULL) {
        return option_fail(&client_program, error, "--find-rate",
                           "it can't be combined with --until: --duration ends each step");
    }
    if (options->duration_ns == 0) {
        options->duration_ns = FIND_RATE_STEP_NS;
    }
    return 0;
}

static int check_warmup(struct client_options *options, struct option_error *error)
{
    char warmup[UNITS_TEXT_SIZE];
    char duration[UNITS_TEXT_SIZE];

    if (options->duration_ns == 0 || options->warmup_ns < options->duration_ns) {
        return 0;
    }
    return option_fail(&client_program, error, "--warmup",
                       "'%s' is out of range; it takes less than %s here, the --duration",
                       units_exact_duration(warmup, sizeof warmup, options->warmup_ns),
                       units_exact_duration(duration, sizeof duration, options->duration_ns));
}

/* The time must have room for two timeouts, so that --timeout takes effect first. */
static int check_give_up(struct client_options *options, struct option_error *error)
{
    uint64_t least_ns = 2 * options->timeout_ns;
    char given[UNITS_TEXT_SIZE];
    char least[UNITS_TEXT_SIZE];

    if (options->give_up_ns == UINT64_MAX) {
        options->give_up_ns = least_ns > GIVE_UP_NS ? least_ns : GIVE_UP_NS;
    }
    if (options->give_up_ns == 0 || options->give_up_ns >= least_ns) {
        return 0;
    }
    return option_fail(&client_program, error, "--give-up",
                       "'%s' is out of range; it takes 0 (never) or at least %s here, twice the "
                       "--timeout",
                       units_exact_duration(given, sizeof given, options->give_up_ns),
                       units_exact_duration(least, sizeof least, least_ns));
}

static int check_common(struct client_options *options, struct option_error *error)
{
    return program_options_check(&client_program, &options->common, error);
}

static int choose_percentiles(struct client_options *options, struct option_error *error)
{
    (void)error;
    (void)percentiles_parse(options->percentiles, &options->percentile); /* the row has checked */
    return 0;
}

/* What the options say together, in this order. */
static int (*const checks[])(struct client_options *options, struct option_error *error) = {
    check_common,
    choose_percentiles,
    client_options_read_share,
    client_options_name_files,
    client_options_choose_server,
    check_give_up,
    client_options_check_connects,
    check_files,
    check_find_rate,
    check_warmup,
    client_hostile_check,
    client_options_choose_load,
    client_options_take_share,
    client_options_choose_start,
};

int client_options_parse(struct client_options *options, int argc, char **argv,
                         struct option_error *error)
{
    int result = option_parse(&client_program, options, argc, argv, sys_slash_options, error);

    for (size_t i = 0; i < LENGTH(checks) && result == 0; i++) {
        result = checks[i](options, error);
    }
    return result;
}
