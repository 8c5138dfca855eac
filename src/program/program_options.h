#ifndef ECHOPORT_PROGRAM_OPTIONS_H
#define ECHOPORT_PROGRAM_OPTIONS_H

/*
 * The options that both programs have: the members, which come first in the options of each, and
 * their rows of the table.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"
#include "option.h"
#include "sys.h"
#include "units.h"

/* Texts point to argv or are constant. */
struct program_options {
    bool nodelay;
    uint64_t sndbuf_size; /* bytes; 0 = the system's choice, OPTION_NONE = NET_UNBUFFERED */
    uint64_t rcvbuf_size; /* bytes; 0 = the system's choice */
    bool verbose;
    const char *json;      /* NULL = off, "-" = stdout, or a file */
    const char *backend;   /* any word, or "help": whether there is such a backend isn't checked */
    const char *recv;      /* any word for a mode; NULL = the backend's default */
    const char *signal;    /* to send to `pid`, a word that program_meaning() knows; NULL = run */
    uint64_t pid;          /* fits int; 0 = not given */
    uint64_t busy_poll_ns; /* 0 = never */
    bool details;          /* the report has the worker table, batches and system calls, too */
    bool no_progress;      /* neither a live line of progress nor control sequences */
    bool help;
    bool version;
};

/* Checks that the options agree with each other. 0, or UV_EINVAL with `error` filled. */
int program_options_check(const struct option_program *program,
                          const struct program_options *options, struct option_error *error);

/* The meaning of a word of --signal: "stop", "restart" or "report". False: it has none. */
bool program_meaning(const char *word, enum sys_meaning *meaning);

/* The options for the programs' sockets. */
struct net_options program_options_net(const struct program_options *options);

#define PROGRAM_FIELD(member) offsetof(struct program_options, member)

#define PROGRAM_TIME_MAX (30 * NS_PER_DAY)

/* A row of a timeout: 1ms to 30 days, or 0, which means `off`. */
#define PROGRAM_TIME_ROW(heading, row_name, text, initial, off, at)                                \
    {                                                                                              \
        .name = (row_name), .type = OPTION_DURATION, .argument = "TIME", .group = (heading),       \
        .help = (text), .default_text = (initial), .zero = (off), .min = NS_PER_MS,                \
        .max = PROGRAM_TIME_MAX, .offset = (at)                                                    \
    }

/* The rows of what the workers of both programs have; the members are at `cpus` and `size`. */
#define PROGRAM_WORKER_ROWS(heading, cpus, size)                                                   \
    {.name = "cpus",                                                                               \
     .type = OPTION_CPUS,                                                                          \
     .argument = "LIST",                                                                           \
     .group = (heading),                                                                           \
     .help = "pin the threads to these CPUs in turn, as in 0,2-3",                                 \
     .offset = (cpus)},                                                                            \
    {                                                                                              \
        .name = "buffer-size", .type = OPTION_BYTES, .argument = "SIZE", .group = (heading),       \
        .help = "size of a receive buffer", .default_text = "256KiB", .min = UNITS_KIB,            \
        .max = 64 * UNITS_MIB, .offset = (size)                                                    \
    }

/* A report names the backend and the modes that were in force, whatever was given. */
#define PROGRAM_BACKEND_ROW(heading)                                                               \
    {                                                                                              \
        .unreported = true, .name = "backend", .type = OPTION_STRING, .argument = "NAME",          \
        .group = (heading), .help = "the I/O backend; --backend=help lists them",                  \
        .default_text = "uv", .check = option_is_word, .takes = "the name of a backend, or help",  \
        .offset = PROGRAM_FIELD(backend)                                                           \
    }

/* A row that names one of the backend's modes. */
#define PROGRAM_MODE_ROW(heading, row_name, text, hidden, at)                                      \
    {                                                                                              \
        .unreported = (hidden), .name = (row_name), .type = OPTION_STRING, .argument = "MODE",     \
        .group = (heading), .help = text "; --backend=help lists the modes",                       \
        .default_note = "the backend's first", .check = option_is_word,                            \
        .takes = "the name of a mode", .offset = (at)                                              \
    }

/* The rows that tune the backend. */
#define PROGRAM_IO_ROWS(heading)                                                                   \
    PROGRAM_MODE_ROW(heading, "recv", "how a receive waits for data", true, PROGRAM_FIELD(recv)),  \
    {                                                                                              \
        .name = "busy-poll", .type = OPTION_DURATION, .argument = "TIME", .group = (heading),      \
        .help = "after each event, poll for this long before sleeping: costs CPU time, saves the " \
                "time that a sleeping CPU takes to wake up",                                       \
        .default_text = "0", .zero = "never", .min = 1000, .max = NS_PER_MS * 1000,                \
        .offset = PROGRAM_FIELD(busy_poll_ns)                                                      \
    }

#define PROGRAM_BUFFER_ROW(heading, row_name, text, no_buffer, member)                             \
    {                                                                                              \
        .name = (row_name), .type = OPTION_BYTES, .argument = "SIZE", .group = (heading),          \
        .help = (text), .default_text = "0", .zero = "the system's choice", .none = (no_buffer),   \
        .min = 1, .max = UNITS_GIB, .offset = PROGRAM_FIELD(member)                                \
    }

/* The rows of the sockets' options. */
#define PROGRAM_SOCKET_ROWS(heading)                                                               \
    {.name = "nodelay",                                                                            \
     .type = OPTION_SWITCH,                                                                        \
     .argument = "on|off",                                                                         \
     .group = (heading),                                                                           \
     .help = "TCP_NODELAY: send small pieces at once",                                             \
     .default_text = "on",                                                                         \
     .offset = PROGRAM_FIELD(nodelay)},                                                            \
        PROGRAM_BUFFER_ROW(heading, "sndbuf", "SO_SNDBUF: the system's send buffer",               \
                           "Windows only", sndbuf_size),                                           \
        PROGRAM_BUFFER_ROW(heading, "rcvbuf", "SO_RCVBUF: the system's receive buffer", NULL,      \
                           rcvbuf_size)

/* The rows that tell another process something: one of `words`, which `accepts` checks. */
#define PROGRAM_SIGNAL_ROWS(heading, text, words, accepts)                                         \
    {.unreported = true,                                                                           \
     .name = "signal",                                                                             \
     .type = OPTION_STRING,                                                                        \
     .argument = "WHAT",                                                                           \
     .group = (heading),                                                                           \
     .help = (text),                                                                               \
     .check = (accepts),                                                                           \
     .takes = (words),                                                                             \
     .offset = PROGRAM_FIELD(signal)},                                                             \
    {                                                                                              \
        .unreported = true, .name = "pid", .type = OPTION_INTEGER, .argument = "PID",              \
        .group = (heading), .help = "the process to tell; it must belong to the same user",        \
        .min = 1, .max = INT32_MAX, .offset = PROGRAM_FIELD(pid)                                   \
    }

#define PROGRAM_JSON_ROW(heading, at)                                                              \
    {                                                                                              \
        .unreported = true, .name = "json", .type = OPTION_STRING, .argument = "FILE",             \
        .implied = "-", .group = (heading),                                                        \
        .help = "write the report as JSON to FILE; without FILE, or with -, to stdout",            \
        .takes = "the name of a file, or - for stdout", .offset = (at)                             \
    }

#define PROGRAM_VERBOSE_ROW(heading, text)                                                         \
    {                                                                                              \
        .letter = 'v', .any_case = true, .unreported = true, .name = "verbose",                    \
        .type = OPTION_FLAG, .group = (heading), .help = (text), .offset = PROGRAM_FIELD(verbose)  \
    }

/* The flags that other programs have, too, at other places in their options. */
#define PROGRAM_NO_PROGRESS_ROW(heading, at)                                                       \
    {                                                                                              \
        .unreported = true, .name = "no-progress", .old_name = "no-color", .type = OPTION_FLAG,    \
        .group = (heading),                                                                        \
        .help = "no line of progress on the terminal (TERM=dumb does the same)", .offset = (at)    \
    }
#define PROGRAM_HELP_ROW(heading, at)                                                              \
    {                                                                                              \
        .letter = 'h', .other_letter = '?', .stops = true, .name = "help", .type = OPTION_FLAG,    \
        .group = (heading), .help = "print this help", .offset = (at)                              \
    }
#define PROGRAM_VERSION_ROW(heading, at)                                                           \
    {                                                                                              \
        .stops = true, .name = "version", .type = OPTION_FLAG, .group = (heading),                 \
        .help = "print the version, the build and the usable backends", .offset = (at)             \
    }

#define PROGRAM_DETAILS_ROW(heading, at)                                                           \
    {                                                                                              \
        .unreported = true, .name = "details", .type = OPTION_FLAG, .group = (heading),            \
        .help = "print the worker table, batches and system calls, too", .offset = (at)            \
    }

/* The other rows of what is printed. */
#define PROGRAM_OUTPUT_ROWS(heading)                                                               \
    PROGRAM_DETAILS_ROW(heading, PROGRAM_FIELD(details)),                                          \
        PROGRAM_NO_PROGRESS_ROW(heading, PROGRAM_FIELD(no_progress)),                              \
        PROGRAM_HELP_ROW(heading, PROGRAM_FIELD(help)),                                            \
        PROGRAM_VERSION_ROW(heading, PROGRAM_FIELD(version))

#endif
