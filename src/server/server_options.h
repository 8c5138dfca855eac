#ifndef ECHOPORT_SERVER_OPTIONS_H
#define ECHOPORT_SERVER_OPTIONS_H

/*
 * The options of echo-server.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "program_options.h"

/* Texts point to argv or are constant. */
struct server_options {
    struct program_options common; /* first */
    struct option_strings listen;  /* addresses for option_split_address() */
    const char *port;              /* of 127.0.0.1, in addition; NULL = only `listen` */
    uint64_t threads;              /* 0 = one per CPU */
    uint64_t max_connections;
    uint64_t backlog;
    const char *accept; /* any word for a mode; NULL = the backend's default */
    uint64_t accept_depth;
    uint64_t accept_timeout_ns; /* 0 = never */
    uint64_t buffer_size;       /* bytes */
    uint64_t buffer_memory;     /* bytes, of all threads together; fits size_t */
    struct option_cpus cpus;
    uint64_t idle_timeout_ns;   /* 0 = never */
    uint64_t drain_timeout_ns;  /* 0 = at once */
    uint64_t stall_timeout_ns;  /* 0 = never */
    uint64_t stats_interval_ns; /* 0 = off */
};

extern const struct option_program server_program;

/*
 * Reads the command line as option_parse() does, and checks that the options agree with each other.
 * Without `listen` and `port`, `port` gets its default.
 *
 * Returns 0; 1 when `help` or `version` is set and to be printed; or UV_EINVAL for a usage error,
 * with `error` filled.
 */
int server_options_parse(struct server_options *options, int argc, char **argv,
                         struct option_error *error);

#endif
