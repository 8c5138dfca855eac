#ifndef ECHOPORT_BENCH_OPTIONS_H
#define ECHOPORT_BENCH_OPTIONS_H

/* The options of echo-bench and of its commands compare and export. */

#include <stdbool.h>
#include <stdint.h>

#include "option.h"

/* Texts point to argv or are constant. */
struct bench_options {
    const char *matrix; /* a file, or NULL for the one that is built in */
    bool quick;
    struct option_strings cases;    /* none: all of the matrix, or its quick ones */
    struct option_strings backends; /* none: those of the matrix that work here */
    const char *peers;              /* a directory, or NULL */
    const char *target;             /* HOST:PORT, or NULL */
    const char *bin;                /* the directory of our server; NULL: beside this program */
    const char *against;            /* the directory of an older server, or NULL */
    uint64_t rounds;                /* 0: that of the matrix; likewise the next two */
    uint64_t duration_ns;
    uint64_t warmup_ns;
    const char *pin; /* for pin_find_mode() */
    const char *client_backend;
    const char *client_command; /* NULL: the client beside this program */
    const char *server_address; /* HOST or HOST:PORT, or NULL */
    const char *output;
    bool no_progress;
    bool help;
    bool version;
};

extern const struct option_program bench_program;

struct compare_options {
    uint64_t threshold; /* per cent */
    bool help;
};

extern const struct option_program compare_program;

struct export_options {
    bool help;
};

extern const struct option_program export_program;

#endif
