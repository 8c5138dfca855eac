#ifndef ECHOPORT_PROGRAM_OPTIONS_H
#define ECHOPORT_PROGRAM_OPTIONS_H

/*
 * The options that both programs have: the members, first in either's options, and their rows of
 * the table.
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
    uint64_t sndbuf_size; /* 0 = the system's choice, OPTION_NONE = net.h's NET_UNBUFFERED */
    uint64_t rcvbuf_size; /* 0 likewise */
    bool verbose;
    const char *json;      /* NULL = off, "-" = stdout, or a file */
    const char *backend;   /* not checked: any word, "help" too */
    const char *recv;      /* likewise, the name of a mode; NULL = the backend's default */
    const char *signal;    /* what program_meaning() knows, to be sent to `pid`; NULL = run */
    uint64_t pid;          /* fits int; 0 = not given */
    uint64_t busy_poll_ns; /* 0 = never */
    bool details;     /* the report has the worker table, the batches and the system calls, too */
    bool no_progress; /* neither a live line of progress nor control sequences */
    bool help;
    bool version;
};

/* What the rows can't check: that the options go together. 0, or UV_EINVAL and `error`. */
int program_options_check(const struct option_program *program,
                          const struct program_options *options, struct option_error *error);

/* The meaning of a word of --signal: "stop", "restart" or "report". False: it is none of them. */
bool program_meaning(const char *word, enum sys_meaning *meaning);

/* The options for the programs' sockets. */
struct net_options program_options_net(const struct program_options *options);

#define PROGRAM_FIELD(member) offsetof(struct program_options, member)

/* A row that names one of the backend's modes, which it alone knows. `hidden`: unreported. */
#define PROGRAM_MODE_ROW(heading, row_name, text, hidden, at)                                      \
    {                                                                                              \
        .unreported = (hidden), .name = (row_name), .type = OPTION_STRING, .argument = "MODE",     \
        .group = (heading), .help = (text), .default_note = "the backend's first",                 \
        .check = option_is_word, .takes = "the name of a mode", .offset = (at)                     \
    }

/* The rows of --backend and of what both programs may choose in it. A report says itself which
 * backend and which mode were in force. */
#define PROGRAM_BACKEND_ROWS(heading)                                                              \
    {.unreported = true,                                                                           \
     .name = "backend",                                                                            \
     .type = OPTION_STRING,                                                                        \
     .argument = "NAME",                                                                           \
     .group = (heading),                                                                           \
     .help = "what does the input and output; help lists what there is",                           \
     .default_text = "uv",                                                                         \
     .check = option_is_word,                                                                      \
     .takes = "the name of a backend, or help",                                                    \
     .offset = PROGRAM_FIELD(backend)},                                                            \
        PROGRAM_MODE_ROW(heading, "recv",                                                          \
                         "how a receive waits for data; --backend=help lists the modes", true,     \
                         PROGRAM_FIELD(recv)),                                                     \
    {                                                                                              \
        .name = "busy-poll", .type = OPTION_DURATION, .argument = "TIME", .group = (heading),      \
        .help = "stay awake for so long after the last thing that happened, which costs CPU time " \
                "and spares the time that a sleeping CPU takes to wake",                           \
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
     .help = "TCP_NODELAY: send at once, don't gather small pieces",                               \
     .default_text = "on",                                                                         \
     .offset = PROGRAM_FIELD(nodelay)},                                                            \
        PROGRAM_BUFFER_ROW(heading, "sndbuf", "SO_SNDBUF: the system's buffer for sending",        \
                           "Windows only", sndbuf_size),                                           \
        PROGRAM_BUFFER_ROW(heading, "rcvbuf", "SO_RCVBUF: the system's buffer for receiving",      \
                           NULL, rcvbuf_size)

/* The rows of what is sent to another process: one of `words`, as `accepts` checks. */
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
        .group = (heading), .help = "the process to tell, of the same user", .min = 1,             \
        .max = INT32_MAX, .offset = PROGRAM_FIELD(pid)                                             \
    }

#define PROGRAM_FLAG_ROW(heading, row_name, text, member)                                          \
    {                                                                                              \
        .unreported = true, .name = (row_name), .type = OPTION_FLAG, .group = (heading),           \
        .help = (text), .offset = PROGRAM_FIELD(member)                                            \
    }

/* The rows of what is printed; `verbose_text` is the program's own. */
#define PROGRAM_OUTPUT_ROWS(heading, verbose_text)                                                 \
    {.letter = 'v',                                                                                \
     .any_case = true,                                                                             \
     .unreported = true,                                                                           \
     .name = "verbose",                                                                            \
     .type = OPTION_FLAG,                                                                          \
     .group = (heading),                                                                           \
     .help = (verbose_text),                                                                       \
     .offset = PROGRAM_FIELD(verbose)},                                                            \
        {.unreported = true,                                                                       \
         .name = "json",                                                                           \
         .type = OPTION_OUTPUT,                                                                    \
         .argument = "FILE",                                                                       \
         .group = (heading),                                                                       \
         .help = "write the report as JSON, to stdout when there is no FILE or it is -",           \
         .offset = PROGRAM_FIELD(json)},                                                           \
        PROGRAM_FLAG_ROW(heading, "details",                                                       \
                         "print the worker table, batches and system calls, too", details),        \
        {.unreported = true,                                                                       \
         .name = "no-progress",                                                                    \
         .old_name = "no-color",                                                                   \
         .type = OPTION_FLAG,                                                                      \
         .group = (heading),                                                                       \
         .help = "no live line of progress and no colors (NO_COLOR does the same)",                \
         .offset = PROGRAM_FIELD(no_progress)},                                                    \
        {.letter = 'h',                                                                            \
         .other_letter = '?',                                                                      \
         .stops = true,                                                                            \
         .name = "help",                                                                           \
         .type = OPTION_FLAG,                                                                      \
         .group = (heading),                                                                       \
         .help = "print this",                                                                     \
         .offset = PROGRAM_FIELD(help)},                                                           \
    {                                                                                              \
        .stops = true, .name = "version", .type = OPTION_FLAG, .group = (heading),                 \
        .help = "print the version, how it was built, and the usable backends",                    \
        .offset = PROGRAM_FIELD(version)                                                           \
    }

#endif
