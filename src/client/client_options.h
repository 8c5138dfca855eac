#ifndef ECHOPORT_CLIENT_OPTIONS_H
#define ECHOPORT_CLIENT_OPTIONS_H

/*
 * The options of echo-client.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "percentiles.h"
#include "program_options.h"
#include "share.h"
#include "siphash.h"
#include "sizes.h"
#include "source.h"

/* Of all clients together: what was asked for. Without --share that is this client's own. */
struct client_whole {
    uint64_t connections;
    double rate;
    double connect_rate;
    uint64_t bandwidth;
    uint64_t requests;
};

/* The files that a client writes: --json, --json-stream and --hgrm. */
#define CLIENT_FILES 3

/* A host and a port, to be resolved. */
struct client_place {
    char host[OPTION_HOST_SIZE];
    char port[OPTION_PORT_SIZE];
};

/* Texts point to argv, to memory that is kept here, or are constant. With --share the members that
 * struct client_whole has, too, are this client's part. */
struct client_options {
    struct program_options common;    /* first */
    const char *server;               /* the word HOST:PORT, as given; NULL without one */
    const char *host;                 /* to be resolved, without a port */
    const char *port;                 /* a number of 1 to 65535, or a service name */
    char host_text[OPTION_HOST_SIZE]; /* `host` may point here, also that of a copy */
    char port_text[OPTION_PORT_SIZE]; /* `port` likewise */
    bool ipv4;                        /* only the server's IPv4 addresses */
    bool ipv6;                        /* only its IPv6 addresses */
    const char *source;               /* the local addresses, as given; or NULL */
    struct source_list sources;       /* the same; empty without --source */
    double connect_rate; /* connects per second of all threads; 0 = as fast as possible */
    uint64_t ramp_ns;    /* in which the connections begin; 0 = at once */
    uint64_t threads;
    uint64_t connections;        /* at least `threads` */
    uint64_t message_size;       /* bytes; 0 = `sizes` */
    const char *size_text;       /* a range or a mix; of no meaning with a message_size */
    const char *size_table;      /* --sizes; or NULL */
    struct sizes *sizes;         /* of messages, see client_options_free(); NULL = message_size */
    uint64_t pipeline;           /* messages in flight per connection */
    double rate;                 /* messages per second of all connections; 0 = closed loop */
    uint64_t bandwidth;          /* bytes per second that have become `rate`; 0 = not given */
    const char *arrival;         /* "uniform" or "poisson" */
    const char *close;           /* "fin" or "rst": the end of a connection's lifetime */
    uint64_t think_ns;           /* after an echo in the closed loop; 0 = none */
    uint64_t lifetime;           /* messages per connection; 0 = for ever */
    uint64_t requests;           /* messages in all; 0 = no limit */
    uint64_t seed;               /* 0 = a random one */
    uint64_t duration_ns;        /* 0 = until Ctrl-C */
    uint64_t warmup_ns;          /* less than the duration, when there is one */
    uint64_t wait_ns;            /* for the server, before the run; 0 = not at all */
    uint64_t connect_timeout_ns; /* 0 = never */
    uint64_t timeout_ns;         /* for the echo of a message; 0 = never */
    uint64_t drain_timeout_ns;   /* 0 = at once */
    uint64_t give_up_ns;       /* without a verified byte; at least twice the timeout; 0 = never */
    const char *share_text;    /* --share; or NULL */
    struct share share;        /* the same; its `ranks` are 0 without */
    struct client_whole whole; /* of which this client has a share */
    bool merge;                /* never: see merge_options.h */
    const char *start_at;      /* when the run begins; NULL: when this client is ready */
    uint64_t start_at_ns;      /* the same in nanoseconds since 1970 */
    const char *barrier;       /* where rank 0 listens, as given; NULL: no barrier */
    struct client_place barrier_at; /* the same */
    const char *barrier_listen;     /* the address of rank 0 itself, as given; NULL: that place */
    struct client_place listen_at;  /* the same */
    uint64_t barrier_timeout_ns;    /* for the other clients; 0 = never */
    const char *run_token;          /* --run-token; or NULL */
    struct siphash_key run_key;     /* of the run's token; zero: there is none */
    struct option_strings hostile;  /* each a text of hostile_parse() */
    uint64_t hostile_from_ns;       /* since the start of the run; less than the duration */
    bool allow_drain;               /* the server may end connections with messages outstanding */
    bool stop_on_error;
    const char *until;     /* a condition_precision; NULL: the run has only its other ends */
    const char *find_rate; /* condition_is_highest(); NULL: no search */
    struct option_strings fail_if;  /* conditions: condition_is() */
    uint64_t interval_ns;           /* of the time series; 0 = none */
    const char *percentiles;        /* percentiles_is() */
    struct percentiles percentile;  /* those */
    const char *json_stream;        /* a file for lines while the run goes on; NULL = none */
    const char *hgrm;               /* a file for the percentiles, "-" = stdout; NULL = none */
    char *file_names[CLIENT_FILES]; /* memory of those names that have the rank in them */
    struct option_cpus cpus;
    uint64_t buffer_size; /* bytes */
};

/* The row of --hgrm, which a merge has, too. */
#define CLIENT_HGRM_ROW(heading, at)                                                               \
    {                                                                                              \
        .unreported = true, .name = "hgrm", .type = OPTION_STRING, .argument = "FILE",             \
        .group = (heading),                                                                        \
        .help = "write the latency by percentile to FILE, in milliseconds and in HdrHistogram's "  \
                "format; with -, to stdout",                                                       \
        .takes = "the name of a file, or - for stdout", .offset = (at)                             \
    }

extern const struct option_program client_program;

/*
 * Reads the command line as option_parse() does, and checks that the options agree with each other.
 *
 * Returns 0; 1 when `help` or `version` is set and to be printed; or UV_EINVAL for a usage error,
 * with `error` filled. In any case call client_options_free() afterwards.
 */
int client_options_parse(struct client_options *options, int argc, char **argv,
                         struct option_error *error);

/* Frees the sizes and the names of files. Not a copy's. */
void client_options_free(struct client_options *options);

/* ---- client_options_server.c, for client_options.c ---- */

#define CLIENT_DEFAULT_HOST "localhost"
#define CLIENT_DEFAULT_PORT "5001"

/* Finds the server's host and port. The options that give them must agree. 0; or UV_EINVAL, with
 * `error` filled. */
int client_options_choose_server(struct client_options *options, struct option_error *error);

/* ---- client_options_share.c, for client_options_free() ---- */

void client_options_free_names(struct client_options *options);

#endif
