#include "server_options.h"

#include <stddef.h>

#include "sys.h"
#include "units.h"

#define FIELD(member) offsetof(struct server_options, member)

/* On systems of 32 bits not all of a terabyte can be addressed. */
#define ADDRESSABLE ((uint64_t)(SIZE_MAX / 2) + 1)
#define MEMORY_MAX (ADDRESSABLE < UNITS_TIB ? ADDRESSABLE : UNITS_TIB)

#define DEFAULT_PORT "5001"

static const char group_listen[] = "Where to listen";
static const char group_work[] = "Work and memory";
static const char group_socket[] = "Sockets";
static const char group_time[] = "Time";
static const char group_signal[] = "A server that is running";
static const char group_output[] = "Output";

static const struct option_example examples[] = {
    {"echo-server", "echo on 127.0.0.1, port 5001"},
    {"echo-server -e:6001", "on port 6001"},
    {"echo-server -l :6001 -t 4 -v", "on all addresses, with 4 threads, a line per completion"},
    {"echo-server -l :0 --json=report.json",
     "on a free port, which is printed; a report at the end"},
    {"echo-server --signal=stop --pid=11777", "stop the server that is process 11777"},
};

static bool is_signal(const char *text)
{
    enum sys_meaning meaning;
    return program_meaning(text, &meaning);
}

static const struct option_row rows[] = {
    {.letter = 'l',
     .name = "listen",
     .type = OPTION_STRINGS,
     .argument = "HOST:PORT",
     .group = group_listen,
     .help = "listen there: 127.0.0.1:6001, [::1]:6001, name:echo, or *:6001 and :6001 for all "
             "addresses, IPv4 and IPv6; may be given more than once",
     .check = option_is_address,
     .takes = "HOST:PORT, as in 127.0.0.1:6001, [::1]:6001 or *:6001, with a port of 0 to 65535 "
              "or a service name",
     .offset = FIELD(listen)},
    {.letter = 'e',
     .other_letter = 'p',
     .any_case = true,
     .name = "port",
     .type = OPTION_PORT,
     .argument = "PORT",
     .group = group_listen,
     .help = "listen on 127.0.0.1:PORT; 0 is any free one",
     .default_note = DEFAULT_PORT " without --listen",
     .max = 65535,
     .offset = FIELD(port)},
    {.name = "backlog",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_listen,
     .help = "connections that may wait to be accepted",
     .default_text = "1024",
     .min = 1,
     .max = 65535,
     .offset = FIELD(backlog)},
    {.name = "max-connections",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_listen,
     .help = "connections at the same time, of all threads together",
     .default_text = "16384",
     .min = 1,
     .max = 10000000,
     .offset = FIELD(max_connections)},
    PROGRAM_MODE_ROW(group_listen, "accept",
                     "how connections are accepted; --backend=help lists the modes", false,
                     FIELD(accept)),
    {.name = "accept-depth",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_listen,
     .help = "accepts that are outstanding at the same time, of each listener",
     .default_text = "8",
     .min = 1,
     .max = 1024,
     .offset = FIELD(accept_depth)},
    {.name = "accept-timeout",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_listen,
     .help = "where an accept waits for a connection's first bytes: close one that is silent for "
             "so long",
     .default_text = "5s",
     .zero = "never",
     .min = NS_PER_MS,
     .max = 30 * NS_PER_DAY,
     .offset = FIELD(accept_timeout_ns)},
    {.letter = 't',
     .name = "threads",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_work,
     .help = "worker threads that share the connections",
     .default_text = "0",
     .zero = "one per CPU",
     .min = 1,
     .max = 1024,
     .offset = FIELD(threads)},
    {.name = "cpus",
     .type = OPTION_CPUS,
     .argument = "LIST",
     .group = group_work,
     .help = "pin the threads to these CPUs in turn, as in 0,2-3",
     .offset = FIELD(cpus)},
    {.name = "buffer-size",
     .type = OPTION_BYTES,
     .argument = "SIZE",
     .group = group_work,
     .help = "size of a buffer for receiving",
     .default_text = "256KiB",
     .min = UNITS_KIB,
     .max = 64 * UNITS_MIB,
     .offset = FIELD(buffer_size)},
    {.name = "buffer-memory",
     .type = OPTION_BYTES,
     .argument = "SIZE",
     .group = group_work,
     .help = "all buffers together; at least one for each thread",
     .default_text = "256MiB",
     .min = UNITS_MIB,
     .max = MEMORY_MAX,
     .offset = FIELD(buffer_memory)},
    PROGRAM_BACKEND_ROWS(group_work),
    PROGRAM_SOCKET_ROWS(group_socket),
    {.name = "idle-timeout",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_time,
     .help = "close a connection on which no byte moved for so long",
     .default_text = "60s",
     .zero = "never",
     .min = NS_PER_MS,
     .max = 30 * NS_PER_DAY,
     .offset = FIELD(idle_timeout_ns)},
    {.name = "stall-timeout",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_time,
     .help = "while others wait for a buffer, reset a connection that holds one and whose peer "
             "has taken no byte for so long",
     .default_text = "5s",
     .zero = "never",
     .min = NS_PER_MS,
     .max = 30 * NS_PER_DAY,
     .offset = FIELD(stall_timeout_ns)},
    {.name = "drain-timeout",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_time,
     .help = "how long connections may take to end after Ctrl-C, before they are reset",
     .default_text = "10s",
     .zero = "at once",
     .min = NS_PER_MS,
     .max = 30 * NS_PER_DAY,
     .offset = FIELD(drain_timeout_ns)},
    {.name = "stats-interval",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_time,
     .help = "print statistics so often",
     .default_text = "0",
     .zero = "never",
     .min = 10 * NS_PER_MS,
     .max = 30 * NS_PER_DAY,
     .offset = FIELD(stats_interval_ns)},
    PROGRAM_SIGNAL_ROWS(group_signal,
                        "tell the server with --pid to stop, to restart, or to print its report "
                        "so far on its stderr, and exit: stop, restart or report",
                        "stop, restart or report", is_signal),
    PROGRAM_OUTPUT_ROWS(
        group_output,
        "a line per completion: which thread, which socket, what, how many bytes, what next"),
};

const struct option_program server_program = {
    .name = "echo-server",
    .summary =
        "Sends back to every TCP client what it receives from it, byte for byte, until Ctrl-C.",
    .failure = "could not run, or a connection was cut: reset before it was over",
    .examples = examples,
    .example_count = LENGTH(examples),
    .rows = rows,
    .row_count = LENGTH(rows),
    .options_size = sizeof(struct server_options),
};

static int check_memory(const struct server_options *options, struct option_error *error)
{
    char memory[UNITS_TEXT_SIZE];
    char least[UNITS_TEXT_SIZE];
    char size[UNITS_TEXT_SIZE];
    uint64_t threads = options->threads > 0 ? options->threads : sys_cpu_count();
    uint64_t needed = threads * options->buffer_size;

    if (options->buffer_memory >= needed) {
        return 0;
    }
    return option_fail(&server_program, error, "--buffer-memory",
                       "'%s' is out of range; it takes at least %s here, --buffer-size (%s) for "
                       "each of --threads",
                       units_exact_bytes(memory, sizeof memory, options->buffer_memory),
                       units_exact_bytes(least, sizeof least, needed),
                       units_exact_bytes(size, sizeof size, options->buffer_size));
}

int server_options_parse(struct server_options *options, int argc, char **argv,
                         struct option_error *error)
{
    int result = option_parse(&server_program, options, argc, argv, sys_slash_options, error);

    if (result != 0) {
        return result;
    }
    if (options->port == NULL && options->listen.count == 0) {
        options->port = DEFAULT_PORT;
    }
    result = program_options_check(&server_program, &options->common, error);
    return result == 0 ? check_memory(options, error) : result;
}

void server_options_help(FILE *out)
{
    option_help(&server_program, out);
}

void server_options_free(struct server_options *options)
{
    option_free(&server_program, options);
}
