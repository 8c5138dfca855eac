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
    struct option_strings listen;  /* each one is an address for option_split_address */
    const char *port;              /* to listen on 127.0.0.1 as well; NULL = only on `listen` */
    uint64_t threads;              /* 0 = one per CPU */
    uint64_t max_connections;
    uint64_t backlog;
    const char *accept; /* not checked: the name of a mode; NULL = the backend's default */
    uint64_t accept_depth;
    uint64_t accept_timeout_ns; /* 0 = never */
    uint64_t buffer_size;
    uint64_t buffer_memory; /* of all threads together; fits size_t */
    struct option_cpus cpus;
    uint64_t idle_timeout_ns;   /* 0 = never */
    uint64_t drain_timeout_ns;  /* 0 = at once */
    uint64_t stall_timeout_ns;  /* 0 = never */
    uint64_t stats_interval_ns; /* 0 = off */
};

extern const struct option_program server_program;

/*
 * Reads the command line as option_parse does, and checks that the options go together. At least
 * one of `listen` and `port` is there.
 *
 * Returns 0; 1 when `help` or `version` is set and to be printed; or UV_EINVAL (a usage error) or
 * UV_ENOMEM, with `error` filled. In any case server_options_free has to follow.
 */
int server_options_parse(struct server_options *options, int argc, char **argv,
                         struct option_error *error);

void server_options_help(FILE *out);

/* May be called again. */
void server_options_free(struct server_options *options);

#endif
