#ifndef ECHOPORT_WORLD_H
#define ECHOPORT_WORLD_H

/*
 * Both sides of the program on one thread, over a network with virtual time: echo.c serves, load.c
 * loads. Each seed is a world with its own sizes and commands. Whatever happens in it, everything
 * ends, each connection is in one class and the books balance.
 *
 *     world_next(seed);              the network is made, with this seed
 *     world_begin(&network, kind);
 *     world_run();
 *     world_check(...);
 *     world_end();                   the network is ended
 *
 * A failed check fails the cmocka test that runs, and prints how to run the seed again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "echo.h"
#include "load.h"
#include "verdict.h"

#define WORLD_PORT 6001
#define WORLD_SERVERS_MAX 3
#define WORLD_CLIENTS_MAX 4

struct world_network {
    const struct backend *backend;
    uint64_t (*now)(void);
    bool (*step)(void); /* as sim_step() */
    bool (*advance)(uint64_t deadline_ns);
    uv_os_sock_t (*listening)(size_t server); /* what its listen() is given; at WORLD_PORT */
    int (*open_socket)(void *context, int family, uv_os_sock_t *os_socket);
    /* Removes the listener of a server that did not start. The network can't know that net.c has
     * closed it. NULL: every start must succeed. */
    void (*not_listening)(uv_os_sock_t os_socket);
};

enum world_kind {
    WORLD_RANDOM,
    WORLD_SMALL, /* random, with a few connections and a few kilobytes */
    WORLD_CALM,  /* no timeout and no command ends anything */
};

struct world {
    uint64_t seed;
    const struct world_network *network;
    enum world_kind kind;
    struct admission admission;
    struct handover handover;
    struct echo_config echo_config;
    struct echo servers[WORLD_SERVERS_MAX];
    size_t server_count;
    uv_os_sock_t listening[WORLD_SERVERS_MAX];
    bool server_ended[WORLD_SERVERS_MAX];
    uint64_t server_accepted[WORLD_SERVERS_MAX];
    unsigned accept_mode; /* of every server; set them between world_next() and world_begin() */
    unsigned recv_mode;   /* of both sides */
    uint64_t accept_timeout_ns; /* 0: drawn */
    struct load_plan plan;
    size_t client_count; /* the client's workers; set it when the modes are set; 0: one */
    struct load clients[WORLD_CLIENTS_MAX];
    struct client_stats client_stats; /* of those that have ended */
    bool reaches;        /* the client looks for its server first; set it when the modes are set */
    bool client_begun;   /* WORKER_BEGIN has been posted */
    bool client_stopped; /* by --stop-on-error */
    bool client_ended[WORLD_CLIENTS_MAX];
    struct sockaddr_storage addresses[2];                   /* nothing listens at the first */
    uint64_t restart_ns, drain_ns, abort_ns, client_end_ns; /* when; UINT64_MAX: never */
    uint64_t drain_with;              /* the n-th connection; UINT64_MAX: with none */
    struct server_stats server_stats; /* of all generations */
    uint64_t accepts_reaped;          /* likewise */
};

extern struct world world;

/* Which seeds: --seed=N, --seeds=COUNT, --announce (each on stderr before it runs). */
struct world_options {
    uint64_t first_seed;
    uint64_t seed_count;
    bool announce;
};

extern struct world_options world_options;

/* Reads the command line. 0; or 2, after printing the usage. */
int world_parse_options(int argc, char **argv, uint64_t seed_count);

void world_next(uint64_t seed);
void world_begin(const struct world_network *network, enum world_kind kind);
void world_run(void);
void world_end(void);

/* Below `limit`, by the world's seed; or by another. */
uint64_t world_chance(uint64_t limit);
void world_seed_chance(uint64_t seed);

/* Sets the plan of a calm world that has begun: each connection has one message of a byte under
 * way. There is no limit of messages and no schedule. */
void world_plan_simple(void);

/* Sums over all workers of the client: users, and messages that may still begin. */
size_t world_users(void);
uint64_t world_requests(void);

/* Asserts that each connection is in one class, on both sides. */
void world_check_classes(void);

/* Sets `verdict` to how the client's run went. */
void world_judge(struct verdict *verdict);

/* Asserts that the bytes of both sides agree. `resets`: the network has reset a connection by
 * itself. */
void world_check_books(bool resets);

/* Asserts that every message was answered and that the client ended every connection. */
void world_check_perfect(uint64_t messages);

void world_fail(const char *what);

#define WORLD_CHECK(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            world_fail(#condition);                                                                \
        }                                                                                          \
    } while (0)

/* For tests of the start. */
void world_draw_options(void);
void world_make_server(size_t i, const uv_os_sock_t *os_sockets, size_t count);
void world_take_generations(size_t i);

#endif
