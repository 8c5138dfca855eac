/*
 * Both sides of the program over the network in memory: echo.c serves, load.c loads, for one seed
 * after another, each a world of its own with its own faults, delays, sizes and commands. Whatever
 * happens in it, everything ends, nothing leaks, each connection is in one class and the books
 * balance. A seed that fails is run again by `test_sim --seed=N`.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"
#include "load.h"
#include "log.h"
#include "sim.h"

#define PORT 6001
#define SERVERS_MAX 3
#define TURNS_MAX 1000000
#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

static uint64_t first_seed = 1;
static uint64_t seed_count = 500 * TEST_EFFORT / 100;
static bool announce; /* each seed on stderr, before it runs: for crashes */

/* ---- chance -------------------------------------------------------------------------------- */

static uint64_t chance_state;

static uint64_t chance(uint64_t below)
{
    uint64_t z = (chance_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static uint64_t one_of(const uint64_t *values, size_t count)
{
    return values[chance(count)];
}

#define ONE_OF(...)                                                                                \
    one_of((const uint64_t[]){__VA_ARGS__},                                                        \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* ---- a world ------------------------------------------------------------------------------- */

static bool world_exists; /* after a failure it does for ever */

static struct {
    uint64_t seed;
    struct sim_config sim;
    struct admission admission;
    struct handover handover;
    struct echo_config echo_config;
    struct echo servers[SERVERS_MAX];
    size_t server_count;
    bool server_ended[SERVERS_MAX];
    uint64_t server_accepted[SERVERS_MAX];
    struct load_plan plan;
    struct load client;
    bool client_ended;
    struct sockaddr_storage address;
    uint64_t restart_ns, drain_ns, abort_ns, client_end_ns; /* when; UINT64_MAX: never */
    uint64_t drain_with;              /* the n-th connection; UINT64_MAX: with none */
    struct server_stats server_stats; /* of all generations */
} world;

static void world_fail(const char *what)
{
    print_error("seed %" PRIu64 ": %s (run: test_sim --seed=%" PRIu64 ")\n", world.seed, what,
                world.seed);
    fail();
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            world_fail(#condition);                                                                \
        }                                                                                          \
    } while (0)

static void world_draw_options(void)
{
    const uint64_t never = UINT64_MAX;
    world.server_count = 1 + (size_t)chance(SERVERS_MAX);
    world.echo_config = (struct echo_config){
        .admission = &world.admission,
        .handover = &world.handover,
        .idle_timeout_ns = ONE_OF(SECOND, 5 * SECOND, 60 * SECOND),
        .drain_timeout_ns = ONE_OF(0, 50 * MILLISECOND, SECOND, 10 * SECOND),
        .backlog = (int)ONE_OF(1, 8, 128),
        .accept_depth = (unsigned)ONE_OF(1, 2, 8),
    };
    world.plan = (struct load_plan){
        .addresses = &world.address,
        .address_count = 1,
        .workers = 1,
        .seed = world.seed,
        .size = ONE_OF(1, 2, 3, 64, 4095, 4096, 4097, 65536, 300000),
        .depth = ONE_OF(1, 1, 2, 7, 16),
        .lifetime = ONE_OF(0, 0, 1, 3, 20),
        .rate = (double)ONE_OF(0, 0, 0, 1000),
        .warmup_ns = ONE_OF(0, 0, 10 * MILLISECOND),
        .duration_ns = ONE_OF(0, 0, 100 * MILLISECOND, 2 * SECOND),
        .connect_timeout_ns = ONE_OF(SECOND, 5 * SECOND),
        .timeout_ns = ONE_OF(500 * MILLISECOND, 10 * SECOND),
        .drain_timeout_ns = ONE_OF(0, 100 * MILLISECOND, 10 * SECOND),
    };
    uint64_t now = sim_now();
    world.restart_ns = chance(2) == 0 ? now + chance(500 * MILLISECOND) : never;
    world.drain_ns = chance(3) == 0 ? now + chance(SECOND) : never;
    world.abort_ns = chance(6) == 0 ? now + chance(2 * SECOND) : never;
    world.drain_with = chance(4) == 0 ? 1 + chance(8) : UINT64_MAX;
    world.client_end_ns = now + (chance(3) == 0        ? chance(SECOND)
                                 : world.plan.rate > 0 ? SECOND / 10
                                                       : 5 * SECOND);
}

static void world_make_server(size_t i, const uv_os_sock_t *ports, size_t port_count)
{
    struct echo *echo = &world.servers[i];
    struct worker *worker = &echo->worker;
    memset(echo, 0, sizeof(*echo));
    worker->role = &echo_role;
    worker->backend = &backend_sim;
    worker->io_config.buffer_size = (size_t)ONE_OF(1, 100, 4096, 16384);
    worker->io_config.buffer_memory = worker->io_config.buffer_size * (size_t)ONE_OF(1, 2, 1000);
    worker->index = (unsigned)i;
    worker->cpu = -1;
    worker_init(worker);
    echo_init(echo, &world.echo_config, ports, port_count);
}

static void world_open_server(size_t i)
{
    static const uv_os_sock_t ports[] = {PORT};
    world_make_server(i, ports, 1);
    world.server_ended[i] = worker_open(&world.servers[i].worker) != 0;
    CHECK(!world.server_ended[i]);
}

static void world_open_client(void)
{
    struct worker *worker = &world.client.worker;
    struct sockaddr_in *address = (struct sockaddr_in *)&world.address;
    uint64_t budget = 1 + 200000 / (world.plan.size + 4000);
    memset(&world.client, 0, sizeof(world.client));
    memset(&world.address, 0, sizeof(world.address));
    (void)uv_ip4_addr("127.0.0.1", PORT, address);
    worker->role = &load_role;
    worker->backend = &backend_sim;
    worker->io_config.buffer_size = (size_t)ONE_OF(1, 100, 4096, 16384);
    worker->io_config.buffer_memory = (size_t)1 << 20;
    if (world.plan.size > 4097 && worker->io_config.buffer_size == 1) {
        worker->io_config.buffer_size = 1000; /* or the run takes for ever */
    }
    worker->cpu = -1;
    worker_init(worker);
    load_init(&world.client, &world.plan, (size_t)ONE_OF(1, 2, 5, 20), 1 + chance(budget));
    world.client_ended = worker_open(worker) != 0;
    CHECK(!world.client_ended);
}

/* Neither side ends anything by itself, and nobody tells it to. */
static void world_calm(void)
{
    world.restart_ns = world.drain_ns = world.abort_ns = world.client_end_ns = UINT64_MAX;
    world.drain_with = UINT64_MAX;
    world.echo_config.idle_timeout_ns = 0;
    world.echo_config.backlog = 128;
    world.plan.duration_ns = 0;
    world.plan.timeout_ns = 0;
}

static void world_begin(uint64_t seed, const struct sim_config *sim, bool calm)
{
    if (world_exists) {
        fail_msg("the world before this one has failed");
    }
    world_exists = true;
    if (announce) {
        (void)fprintf(stderr, "at seed %" PRIu64 "\n", seed);
    }
    memset(&world, 0, sizeof(world));
    world.seed = seed;
    world.sim = *sim;
    if (world.sim.turn_ns < 10000) {
        world.sim.turn_ns = 10000; /* who stays awake for a schedule must see time pass */
    }
    chance_state = seed;
    world.sim.one_listener = chance(2) == 0;
    world.sim.no_detach = chance(4) == 0;
    sim_begin(&world.sim);
    world_draw_options();
    if (calm) {
        world_calm();
    }
    admission_init(&world.admission, calm ? 1000 : ONE_OF(1, 3, 1000));
    CHECK(handover_init(&world.handover, world.server_count, 1) == 0);
    for (size_t i = 0; i < world.server_count; i++) {
        world_open_server(i);
    }
    world_open_client();
}

/* ---- running it ---------------------------------------------------------------------------- */

static void world_post_servers(enum worker_command command)
{
    for (size_t i = 0; i < world.server_count; i++) {
        if (!world.server_ended[i]) {
            worker_post(&world.servers[i].worker, command);
        }
    }
}

static bool world_is_due(uint64_t *when_ns)
{
    if (sim_now() < *when_ns) {
        return false;
    }
    *when_ns = UINT64_MAX;
    return true;
}

static void world_command(void)
{
    if (world_is_due(&world.restart_ns)) {
        world_post_servers(WORKER_RESTART);
    }
    if (world.servers[0].accepted >= world.drain_with) {
        world.drain_with = UINT64_MAX;
        world.drain_ns = sim_now();
    }
    if (world_is_due(&world.drain_ns)) {
        world_post_servers(WORKER_DRAIN);
    }
    if (world_is_due(&world.abort_ns)) {
        world_post_servers(WORKER_ABORT);
    }
    if (world_is_due(&world.client_end_ns) && !world.client_ended) {
        worker_post(&world.client.worker, WORKER_DRAIN);
    }
}

static void world_take_generations(size_t i)
{
    struct echo_generation *generation = echo_take_ended(&world.servers[i]);
    while (generation != NULL) {
        struct echo_generation *next = generation->next;
        CHECK(generation->open == 0 && generation->conns == NULL);
        server_stats_add(&world.server_stats, &generation->stats);
        world.server_accepted[i] += generation->stats.counters.accepted;
        free(generation);
        generation = next;
    }
}

/* A thread wakes up when it pleases, and so may find several commands. Nothing moves the clock
 * meanwhile. */
static bool world_oversleeps(const struct worker *worker)
{
    bool told = false;
    for (size_t i = 0; i < WORKER_COMMANDS; i++) {
        told = told || worker->posted[i] > 0;
    }
    return told && chance(3) > 0;
}

/* One turn of each worker, the servers in any order. False: all have ended. */
static bool world_turn(void)
{
    bool alive = false;
    size_t first = (size_t)chance(world.server_count);
    for (size_t n = 0; n < world.server_count; n++) {
        size_t i = (first + n) % world.server_count;
        struct worker *worker = &world.servers[i].worker;
        if (world.server_ended[i]) {
            continue;
        }
        if (world_oversleeps(worker) || worker_turn(worker)) {
            alive = true;
        } else {
            worker_close(worker);
            world.server_ended[i] = true;
        }
        world_take_generations(i);
    }
    if (world.client_ended) {
        return alive;
    }
    if (!alive && !world.client.ending && world.client_end_ns == UINT64_MAX) {
        world.client_end_ns = sim_now(); /* it would try to connect for ever */
    }
    if (!worker_turn(&world.client.worker)) {
        worker_close(&world.client.worker);
        world.client_ended = true;
        world.drain_ns = sim_now() + SECOND; /* nobody else would end the servers */
        world.restart_ns = UINT64_MAX;
    }
    return true;
}

/* The earliest command, so that the clock does not pass it. */
static uint64_t world_next_command(void)
{
    uint64_t next = world.restart_ns < world.drain_ns ? world.restart_ns : world.drain_ns;
    next = world.abort_ns < next ? world.abort_ns : next;
    return world.client_end_ns < next ? world.client_end_ns : next;
}

/* Somebody goes on in the next turn without waiting for anything. */
static bool world_has_tasks(void)
{
    bool tasks = !world.client_ended && world.client.worker.tasks != NULL;
    for (size_t i = 0; i < world.server_count; i++) {
        tasks = tasks || (!world.server_ended[i] && world.servers[i].worker.tasks != NULL);
    }
    return tasks;
}

/* A worker sees in the turn after its last completion that it has finished: so twice. */
static void world_run(void)
{
    unsigned idle = 0;
    for (unsigned turns = 0; world_turn(); turns++) {
        CHECK(turns < TURNS_MAX);
        world_command();
        if (world_has_tasks() || sim_step()) {
            idle = 0;
        } else if (world_next_command() != UINT64_MAX) {
            (void)sim_advance(world_next_command());
        } else {
            CHECK(++idle < 3); /* nothing will ever happen again */
        }
    }
}

static void world_end(void)
{
    for (size_t i = 0; i < world.server_count; i++) {
        worker_destroy(&world.servers[i].worker);
    }
    worker_destroy(&world.client.worker);
    handover_destroy(&world.handover);
    admission_destroy(&world.admission);
    sim_end();
    world_exists = false;
}

/* ---- what must hold ------------------------------------------------------------------------ */

/* Each connection is in one class, on both sides. */
static void check_classes(void)
{
    const struct client_counters *c = &world.client.stats.counters;
    const struct server_counters *s = &world.server_stats.counters;
    CHECK(c->connected ==
          c->completed + c->drained + c->cut + c->failed + c->timeouts + c->mismatches);
    CHECK(c->attempts >= c->connected + c->connect_failures + c->abandoned);
    CHECK(world.client.stats.up == 0);
    CHECK(s->accepted == s->closed_by_client + s->drained + s->idle + s->failed + s->cut);
}

static void check_books(void)
{
    const struct client_counters *c = &world.client.stats.counters;
    const struct server_counters *s = &world.server_stats.counters;
    bool resets = c->cut + c->failed + c->timeouts + c->mismatches > 0 ||
                  s->failed + s->cut + s->idle + s->refused + s->accept_errors > 0;
    CHECK(c->verified <= s->sent);
    CHECK(s->sent <= s->received);
    CHECK(s->received <= c->sent);
    CHECK(c->mismatches == 0);
    if (!resets && sim_counts()->of[SIM_RESETS] == 0) {
        CHECK(c->verified == s->sent);
        CHECK(s->received == s->sent + s->discarded);
    }
    CHECK(c->verified >= c->messages * world.plan.size);
    CHECK(world.client.stats.latency.count <= c->messages);
}

/* Who listens for all keeps no more for himself than he hands over to each. */
static void check_turns(void)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (size_t i = 0; i < world.server_count; i++) {
        uint64_t accepted = world.server_accepted[i];
        least = accepted < least ? accepted : least;
        most = accepted > most ? accepted : most;
    }
    if (world.sim.one_listener && !world.sim.no_detach) {
        CHECK(most - least <= 1);
    } else if (world.sim.one_listener) {
        CHECK(world.server_accepted[0] == most);
    }
}

/* ---- tests --------------------------------------------------------------------------------- */

static void random_worlds_keep_their_books(void **state)
{
    struct sim_counts sum;
    char text[1024];
    uint64_t messages = 0;
    (void)state;
    memset(&sum, 0, sizeof(sum));
    for (uint64_t seed = first_seed; seed < first_seed + seed_count; seed++) {
        struct sim_config config;
        sim_config_random(&config, seed);
        world_begin(seed, &config, false);
        world_run();
        check_classes();
        check_books();
        messages += world.client.stats.counters.messages;
        sim_counts_add(&sum, sim_counts());
        world_end();
    }
    sim_describe(&sum, text, sizeof(text));
    print_message("%" PRIu64 " seeds from %" PRIu64 ", %" PRIu64 " messages; injected: %s\n",
                  seed_count, first_seed, messages, text);
}

/* Without a fault every message is answered. */
static void perfect_worlds_lose_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + seed_count / 4 + 1; seed++) {
        struct sim_config config = {.seed = seed,
                                    .inline_ppm = seed % 3 == 0 ? 1000000 : 500000,
                                    .latency_max_ns = 100000,
                                    .turn_ns = 1000,
                                    .short_ppm = 300000};
        world_begin(seed, &config, true);
        uint64_t wanted = world.client.requests_left;
        world_run();
        check_classes();
        check_books();
        CHECK(world.client.stats.counters.messages == wanted);
        CHECK(world.client.stats.counters.verified == wanted * world.plan.size);
        CHECK(world.client.stats.counters.sent == world.client.stats.counters.verified);
        CHECK(world.client.stats.counters.connected == world.client.stats.counters.completed);
        CHECK(world.server_stats.counters.closed_by_client == world.server_stats.counters.accepted);
        check_turns();
        world_end();
    }
}

/* One byte is damaged on its way, in either direction: the client finds it. */
static void damage_is_found(void **state)
{
    unsigned damaged = 0;
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + seed_count / 4 + 1; seed++) {
        struct sim_config config = {.seed = seed,
                                    .inline_ppm = 300000,
                                    .latency_max_ns = 100000,
                                    .turn_ns = 1000,
                                    .short_ppm = 100000};
        chance_state = seed ^ UINT64_C(0x5bd1e995);
        config.corruption.damage = (enum sim_damage)(1 + chance(4));
        config.corruption.connection = (size_t)chance(2);
        config.corruption.to_client = chance(2) == 0;
        config.corruption.offset = chance(6000);
        world_begin(seed, &config, true);
        world.plan.timeout_ns = SECOND / 2; /* what is lost is missed only then */
        world_run();
        const struct client_counters *c = &world.client.stats.counters;
        if (sim_counts()->of[SIM_CORRUPTED] > 0 && c->cut == 0 && c->drained == 0) {
            /* A byte that is missing is seen when the next one comes, or by its absence. */
            damaged++;
            CHECK(c->mismatches + c->timeouts + c->failed > 0);
        }
        check_classes();
        world_end();
    }
    assert_true(damaged > seed_count / 50);
}

/* That an address can't have another listener is no answer for the worker that asks first. */
static void address_without_a_listener_fails_the_start(void **state)
{
    static const uv_os_sock_t ports[] = {PORT, PORT};
    const struct sim_config config = {.seed = 1, .one_listener = true};
    struct worker *worker = &world.servers[0].worker;
    (void)state;
    memset(&world, 0, sizeof(world));
    sim_begin(&config);
    world_draw_options();
    assert_int_equal(handover_init(&world.handover, 1, 2), 0);
    world_make_server(0, ports, 2);
    assert_int_equal(worker_open(worker), UV_ENOTSUP);
    assert_non_null(strstr(worker->error, "worker 0: cannot listen: "));
    world_take_generations(0);
    worker_destroy(worker);
    handover_destroy(&world.handover);
    sim_end();
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--seed=", 7) == 0) {
            first_seed = strtoull(argv[i] + 7, NULL, 10);
            seed_count = 1;
        } else if (strncmp(argv[i], "--seeds=", 8) == 0) {
            seed_count = strtoull(argv[i] + 8, NULL, 10);
        } else if (strcmp(argv[i], "--announce") == 0) {
            announce = true;
        } else {
            (void)fprintf(stderr, "usage: test_sim [--seed=N] [--seeds=COUNT] [--announce]\n");
            return 2;
        }
    }
    log_setup("test_sim", false);
    if (seed_count > 1) {
        log_redirect(NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_worlds_keep_their_books),
        cmocka_unit_test(perfect_worlds_lose_nothing),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(address_without_a_listener_fails_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
