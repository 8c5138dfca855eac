#include "server_options.h"

#include <stddef.h>

#include "sys.h"
#include "units.h"

#define FIELD(member) offsetof(struct server_options, member)

/* A system of 32 bits can't address all of a terabyte. */
#define ADDRESSABLE ((uint64_t)(SIZE_MAX / 2) + 1)
#define MEMORY_MAX (ADDRESSABLE < UNITS_TIB ? ADDRESSABLE : UNITS_TIB)

#define DEFAULT_PORT "5001"

static const char group_common[] = "Most used";
static const char group_listen[] = "Listening";
static const char group_work[] = "Threads and memory";
static const char group_socket[] = "Sockets";
static const char group_time[] = "Timeouts";
static const char group_signal[] = "A server that is running";
static const char group_output[] = "Output";

static const struct option_example examples[] = {
    {"echo-server", "echo on 127.0.0.1, port 5001"},
    {"echo-server -e:6001", "echo on port 6001"},
    {"echo-server -l :6001 -t 4 -v", "all addresses, 4 threads, a line per completion"},
    {"echo-server -l :0 --json=report.json",
     "a free port, which is printed; the report goes to a file, too"},
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
     .group = group_common,
     .help = "listen on this address: 127.0.0.1:6001, [::1]:6001 or name:echo; *:6001 or :6001 for "
             "all addresses, IPv4 and IPv6; may be given several times",
     .check = option_is_address,
     .takes = "HOST:PORT, as in 127.0.0.1:6001, [::1]:6001 or *:6001, with a port of 0 to 65535 "
              "or a service name",
     .offset = FIELD(listen)},
    {.letter = 'e',
     .other_letter = 'p',
     .any_case = true,
     .name = "port",
     .type = OPTION_STRING,
     .argument = "PORT",
     .group = group_common,
     .help = "listen on 127.0.0.1:PORT: a number, where 0 is any free port, or a service name",
     .default_note = DEFAULT_PORT " without --listen",
     .check = option_is_port,
     .takes = "0 to 65535 or a service name",
     .offset = FIELD(port)},
    {.letter = 't',
     .name = "threads",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_common,
     .help = "worker threads, which share the connections",
     .default_text = "0",
     .zero = "one per CPU",
     .min = 1,
     .max = 1024,
     .offset = FIELD(threads)},
    PROGRAM_BACKEND_ROW(group_common),
    PROGRAM_JSON_ROW(group_common, PROGRAM_FIELD(json)),
    PROGRAM_VERBOSE_ROW(group_common,
                        "print a line per completion: thread, socket, operation, bytes, next step"),

    {.name = "backlog",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_listen,
     .help = "how many connections may wait to be accepted",
     .default_text = "1024",
     .min = 1,
     .max = 65535,
     .offset = FIELD(backlog)},
    {.name = "max-connections",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_listen,
     .help = "how many connections all threads together may have open",
     .default_text = "16384",
     .min = 1,
     .max = 10000000,
     .offset = FIELD(max_connections)},
    PROGRAM_MODE_ROW(group_listen, "accept", "how connections are accepted", false, FIELD(accept)),
    {.name = "accept-depth",
     .type = OPTION_COUNT,
     .argument = "N",
     .group = group_listen,
     .help = "how many accepts each listener has outstanding",
     .default_text = "8",
     .min = 1,
     .max = 1024,
     .offset = FIELD(accept_depth)},
    PROGRAM_TIME_ROW(
        group_listen, "accept-timeout",
        "where an accept waits for the first bytes: close a connection that sends nothing for "
        "this long",
        "5s", "never", FIELD(accept_timeout_ns)),

    PROGRAM_WORKER_ROWS(group_work, FIELD(cpus), FIELD(buffer_size)),
    {.name = "buffer-memory",
     .type = OPTION_BYTES,
     .argument = "SIZE",
     .group = group_work,
     .help = "memory of all buffers together; at least one buffer for each thread",
     .default_text = "256MiB",
     .min = UNITS_MIB,
     .max = MEMORY_MAX,
     .offset = FIELD(buffer_memory)},
    PROGRAM_IO_ROWS(group_work),

    PROGRAM_SOCKET_ROWS(group_socket),

    PROGRAM_TIME_ROW(group_time, "idle-timeout",
                     "close a connection on which no byte has moved for this long", "60s", "never",
                     FIELD(idle_timeout_ns)),
    PROGRAM_TIME_ROW(
        group_time, "stall-timeout",
        "reset a connection if its peer has taken no byte for this long, while it holds "
        "a buffer that others wait for",
        "5s", "never", FIELD(stall_timeout_ns)),
    PROGRAM_TIME_ROW(group_time, "drain-timeout",
                     "after Ctrl-C, wait this long for connections to end, then reset them", "10s",
                     "at once", FIELD(drain_timeout_ns)),

    PROGRAM_SIGNAL_ROWS(group_signal,
                        "stop, restart or report: tell the server with --pid to end, to restart, "
                        "or to print its report so far on its stderr",
                        "stop, restart or report", is_signal),

    {.name = "stats-interval",
     .type = OPTION_DURATION,
     .argument = "TIME",
     .group = group_output,
     .help = "print a line of statistics this often",
     .default_text = "0",
     .zero = "never",
     .min = 10 * NS_PER_MS,
     .max = PROGRAM_TIME_MAX,
     .offset = FIELD(stats_interval_ns)},
    PROGRAM_OUTPUT_ROWS(group_output),
};

const struct option_program server_program = {
    .name = "echo-server",
    .summary = "Echoes every byte that it receives from a TCP client, until Ctrl-C.",
    .failure = "the server could not run, or it had to reset a connection before its end",
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
