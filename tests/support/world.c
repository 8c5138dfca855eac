#include "world.h"

#include <stdarg.h>
#include <setjmp.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define TURNS_MAX 1000000
#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

struct world world;
struct world_options world_options;

int world_parse_options(int argc, char **argv, uint64_t seed_count)
{
    world_options = (struct world_options){.first_seed = 1, .seed_count = seed_count};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--seed=", 7) == 0) {
            world_options.first_seed = strtoull(argv[i] + 7, NULL, 10);
            world_options.seed_count = 1;
        } else if (strncmp(argv[i], "--seeds=", 8) == 0) {
            world_options.seed_count = strtoull(argv[i] + 8, NULL, 10);
        } else if (strcmp(argv[i], "--announce") == 0) {
            world_options.announce = true;
        } else {
            (void)fprintf(stderr, "usage: %s [--seed=N] [--seeds=COUNT] [--announce]\n", argv[0]);
            return 2;
        }
    }
    return 0;
}

/* ---- chance -------------------------------------------------------------------------------- */

static uint64_t chance_state;

uint64_t world_chance(uint64_t limit)
{
    return random_mixed(&chance_state) % limit;
}

void world_seed_chance(uint64_t seed)
{
    chance_state = seed;
}

static uint64_t one_of(const uint64_t *values, size_t count)
{
    return values[world_chance(count)];
}

#define ONE_OF(...)                                                                                \
    one_of((const uint64_t[]){__VA_ARGS__},                                                        \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* ---- a world ------------------------------------------------------------------------------- */

static bool world_exists; /* stays true after a failure */

void world_fail(const char *what)
{
    print_error("seed %" PRIu64 ": %s (run again with --seed=%" PRIu64 ")\n", world.seed, what,
                world.seed);
    fail();
}

/* Draws the times of all commands. Most of them are within the span, in nanoseconds. */
static void world_draw_commands(uint64_t span_ns)
{
    const uint64_t never = UINT64_MAX;
    uint64_t now = world.network->now();
    world.restart_ns = world_chance(2) == 0 ? now + world_chance(span_ns / 2) : never;
    world.drain_ns = world_chance(3) == 0 ? now + world_chance(span_ns) : never;
    world.abort_ns = world_chance(6) == 0 ? now + world_chance(2 * span_ns) : never;
    world.drain_with = world_chance(4) == 0 ? 1 + world_chance(8) : never;
    world.client_end_ns = now + (world_chance(3) == 0  ? world_chance(span_ns)
                                 : world.plan.rate > 0 ? span_ns / 10
                                                       : 5 * span_ns);
}

void world_draw_options(void)
{
    size_t first = (size_t)ONE_OF(0, 1, 1); /* of the addresses */
    world.server_count = 1 + (size_t)world_chance(WORLD_SERVERS_MAX);
    world.echo_config = (struct echo_config){
        .admission = &world.admission,
        .handover = &world.handover,
        .idle_timeout_ns = ONE_OF(SECOND, 5 * SECOND, 60 * SECOND),
        .drain_timeout_ns = ONE_OF(0, 50 * MILLISECOND, SECOND, 10 * SECOND),
        .stall_timeout_ns = ONE_OF(0, MILLISECOND, 100 * MILLISECOND, 5 * SECOND),
        .backlog = (int)ONE_OF(1, 8, 128),
        .accept_depth = (unsigned)ONE_OF(1, 2, 8),
    };
    world.plan = (struct load_plan){
        .addresses = world.addresses + first,
        .address_count = 2 - first,
        .workers = world.client_count > 0 ? world.client_count : 1,
        .seed = world.seed,
        .size = world.kind == WORLD_SMALL ? ONE_OF(1, 2, 64, 1000)
                                          : ONE_OF(1, 2, 3, 64, 4095, 4096, 4097, 65536, 300000),
        .depth = ONE_OF(1, 1, 2, 7, 16),
        .lifetime = ONE_OF(0, 0, 1, 3, 20),
        .allow_drain = world_chance(2) == 0,
        .rate = (double)ONE_OF(0, 0, 0, 1000),
        .warmup_ns = ONE_OF(0, 0, 10 * MILLISECOND),
        .duration_ns = ONE_OF(0, 0, 100 * MILLISECOND, 2 * SECOND),
        .connect_timeout_ns = ONE_OF(SECOND, 5 * SECOND),
        .timeout_ns = ONE_OF(500 * MILLISECOND, 10 * SECOND),
        .drain_timeout_ns = ONE_OF(0, 100 * MILLISECOND, 10 * SECOND),
        .give_up_ns = ONE_OF(0, SECOND, 30 * SECOND),
        .stop_on_error = world_chance(4) == 0,
    };
    world_draw_commands(world.kind == WORLD_SMALL ? SECOND / 100 : SECOND);
}

void world_make_server(size_t i, const uv_os_sock_t *ports, size_t port_count)
{
    struct echo *echo = &world.servers[i];
    struct worker *worker = &echo->worker;
    memset(echo, 0, sizeof(*echo));
    worker->role = &echo_role;
    worker->backend = world.network->backend;
    worker->io_config.buffer_size = (size_t)ONE_OF(1, 100, 4096, 16384);
    if (world.plan.size > 65536 && worker->io_config.buffer_size == 1) {
        worker->io_config.buffer_size = 1000; /* or the run takes for ever */
    }
    worker->io_config.buffer_memory = worker->io_config.buffer_size * (size_t)ONE_OF(1, 2, 1000);
    worker->io_config.accept_mode = world.accept_mode;
    worker->io_config.recv_mode = world.recv_mode;
    worker->io_config.accept_timeout_ns = ONE_OF(0, 100 * MILLISECOND, 5 * SECOND);
    worker->io_config.accept_silent_max = (size_t)ONE_OF(1, 3, 1000);
    if (world.accept_timeout_ns != 0) {
        worker->io_config.accept_timeout_ns = world.accept_timeout_ns;
    }
    worker->index = (unsigned)i;
    worker->cpu = -1;
    worker_init(worker);
    echo_init(echo, &world.echo_config, ports, port_count);
}

static void world_open_server(size_t i)
{
    world_make_server(i, &world.listening[i], 1);
    world.server_ended[i] = worker_open(&world.servers[i].worker) != 0;
    if (world.server_ended[i]) {
        WORLD_CHECK(world.network->not_listening != NULL);
        world.network->not_listening(world.listening[i]);
        world_take_generations(i);
    }
}

static void world_post_clients(enum worker_command command)
{
    for (size_t i = 0; i < world.plan.workers; i++) {
        if (!world.client_ended[i]) {
            worker_post(&world.clients[i].worker, command);
        }
    }
}

static void world_begin_clients(void)
{
    world.client_begun = true;
    world.plan.began_ns = world.network->now();
    world_post_clients(WORKER_BEGIN);
}

static void world_make_client(size_t i)
{
    struct load *load = &world.clients[i];
    struct worker *worker = &load->worker;
    uint64_t budget = 1 + 200000 / (world.plan.size + 4000);
    memset(load, 0, sizeof(*load));
    worker->role = &load_role;
    worker->backend = world.network->backend;
    worker->io_config.buffer_size = (size_t)ONE_OF(1, 100, 4096, 16384);
    worker->io_config.buffer_memory = (size_t)1 << 20;
    worker->io_config.recv_mode = world.recv_mode;
    worker->io_config.open_socket = world.network->open_socket;
    if (world.plan.size > 4097 && worker->io_config.buffer_size == 1) {
        worker->io_config.buffer_size = 1000; /* or the run takes for ever */
    }
    worker->index = (unsigned)i;
    worker->cpu = -1;
    worker_init(worker);
    if (world.kind == WORLD_SMALL) {
        load_init(load, &world.plan, (size_t)ONE_OF(1, 2, 4), 1 + world_chance(8));
    } else {
        load_init(load, &world.plan, (size_t)ONE_OF(1, 2, 5, 20), 1 + world_chance(budget));
    }
}

static void world_open_clients(void)
{
    client_stats_init(&world.client_stats);
    memset(world.addresses, 0, sizeof(world.addresses));
    (void)uv_ip4_addr("127.0.0.1", WORLD_PORT + 1, (struct sockaddr_in *)&world.addresses[0]);
    (void)uv_ip4_addr("127.0.0.1", WORLD_PORT, (struct sockaddr_in *)&world.addresses[1]);
    for (size_t i = 0; i < world.plan.workers; i++) {
        world_make_client(i);
        world.client_ended[i] = worker_open(&world.clients[i].worker) != 0;
        if (world.client_ended[i]) {
            WORLD_CHECK(world.network->not_listening != NULL);
            world.drain_ns = world.network->now();
        }
    }
    if (world.reaches) {
        world_post_clients(WORKER_REACH);
    } else {
        world_begin_clients();
    }
}

/* Neither side ends anything by itself, and no command tells it to. */
static void world_calm(void)
{
    world.restart_ns = world.drain_ns = world.abort_ns = world.client_end_ns = UINT64_MAX;
    world.drain_with = UINT64_MAX;
    world.echo_config.idle_timeout_ns = 0;
    world.echo_config.stall_timeout_ns = 0;
    world.echo_config.backlog = 128;
    world.plan.duration_ns = 0;
    world.plan.timeout_ns = 0;
    world.plan.give_up_ns = 0;
    world.plan.stop_on_error = false;
}

void world_next(uint64_t seed)
{
    if (world_exists) {
        fail_msg("the world before this one has failed");
    }
    world_exists = true;
    if (world_options.announce) {
        (void)fprintf(stderr, "at seed %" PRIu64 "\n", seed);
    }
    memset(&world, 0, sizeof(world));
    world.seed = seed;
    chance_state = seed;
}

void world_begin(const struct world_network *network, enum world_kind kind)
{
    bool calm = kind == WORLD_CALM;
    world.network = network;
    world.kind = kind;
    world_draw_options();
    if (calm) {
        world_calm();
    }
    admission_init(&world.admission, calm ? 1000 : ONE_OF(1, 3, 1000));
    WORLD_CHECK(handover_init(&world.handover, world.server_count, 1) == 0);
    for (size_t i = 0; i < world.server_count; i++) {
        world.listening[i] = network->listening(i);
    }
    for (size_t i = 0; i < world.server_count; i++) {
        world_open_server(i);
    }
    world_open_clients();
}

void world_plan_simple(void)
{
    world.plan.depth = 1; /* no more than what was drawn; nor is the size */
    world.plan.size = 1;
    world.plan.addresses = &world.addresses[1];
    world.plan.address_count = 1;
    world.plan.lifetime = 0;
    world.plan.rate = 0;
    world.plan.warmup_ns = 0;
    world.plan.drain_timeout_ns = 10 * SECOND;
    for (size_t i = 0; i < world.plan.workers; i++) {
        world.clients[i].requests_left = UINT64_MAX;
    }
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
    if (world.network->now() < *when_ns) {
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
        world.drain_ns = world.network->now();
    }
    if (world_is_due(&world.drain_ns)) {
        world_post_servers(WORKER_DRAIN);
    }
    if (world_is_due(&world.abort_ns)) {
        world_post_servers(WORKER_ABORT);
    }
    if (world_is_due(&world.client_end_ns)) {
        world_post_clients(WORKER_DRAIN);
    }
}

void world_take_generations(size_t i)
{
    struct echo_generation *generation = echo_take_ended(&world.servers[i]);
    while (generation != NULL) {
        struct echo_generation *next = generation->next;
        WORLD_CHECK(generation->open == 0 && generation->conns == NULL);
        server_stats_add(&world.server_stats, &generation->stats);
        world.server_accepted[i] += generation->stats.counters.accepted;
        world.accepts_reaped += generation->work.io.accepts_reaped;
        free(generation);
        generation = next;
    }
}

/* A thread may wake up late and find several commands. Nothing moves the clock meanwhile. */
static bool world_oversleeps(const struct worker *worker)
{
    bool told = false;
    for (size_t i = 0; i < WORKER_COMMANDS; i++) {
        told = told || worker->posted[i] > 0;
    }
    return told && world_chance(3) > 0;
}

/* Runs one turn of each server, in any order. False: all have ended. */
static bool world_turn_servers(void)
{
    bool alive = false;
    size_t first = (size_t)world_chance(world.server_count);
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
    return alive;
}

static bool world_clients_alive(void)
{
    bool alive = false;
    for (size_t i = 0; i < world.plan.workers; i++) {
        alive = alive || !world.client_ended[i];
    }
    return alive;
}

/* Whether one of the workers that still run is ending. */
static bool world_any_ends(void)
{
    bool ends = false;
    for (size_t i = 0; i < world.plan.workers; i++) {
        ends = ends || (!world.client_ended[i] && world.clients[i].ending);
    }
    return ends;
}

/* Whether all workers that still run are hopeless. */
static bool world_is_hopeless(void)
{
    bool hopeless = true;
    for (size_t i = 0; i < world.plan.workers; i++) {
        hopeless = hopeless && (world.client_ended[i] || load_is_hopeless(&world.clients[i]));
    }
    return hopeless;
}

/* Whether --stop-on-error has seen a failure in one of them. */
static bool world_any_stops(void)
{
    bool stops = false;
    for (size_t i = 0; i < world.plan.workers; i++) {
        stops = stops || load_is_stopping(&world.clients[i]);
    }
    return stops;
}

/* What the main thread does while the client runs. */
static void world_control_clients(bool served)
{
    if (!world.client_stopped && world_any_stops()) {
        world.client_stopped = true;
        world_post_clients(WORKER_DRAIN);
    }
    if (!served && !world_any_ends() && world.client_end_ns == UINT64_MAX) {
        world.client_end_ns = world.network->now(); /* it would try to connect for ever */
    }
    if (!world.client_stats.gave_up && world_is_hopeless()) {
        world.client_stats.gave_up = true;
        world_post_clients(WORKER_ABORT);
    }
    if (!world.client_begun && world.clients[0].reach.up && !world_any_ends()) {
        world_begin_clients();
    }
}

static void world_turn_client(size_t i)
{
    struct load *load = &world.clients[i];
    if (!worker_turn(&load->worker)) {
        worker_close(&load->worker);
        world.client_ended[i] = true;
        client_stats_add(&world.client_stats, &load->stats);
    }
}

/* Runs one turn of each worker. False: all have ended. */
static bool world_turn(void)
{
    bool served = world_turn_servers();
    if (!world_clients_alive()) {
        return served;
    }
    world_control_clients(served);
    for (size_t i = 0; i < world.plan.workers; i++) {
        if (!world.client_ended[i]) {
            world_turn_client(i);
        }
    }
    if (!world_clients_alive()) {
        world.drain_ns = world.network->now() + SECOND; /* nothing else would end the servers */
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

/* Whether a worker continues in the next turn without waiting for anything. */
static bool world_has_tasks(void)
{
    bool tasks = false;
    for (size_t i = 0; i < world.plan.workers; i++) {
        tasks = tasks || (!world.client_ended[i] && world.clients[i].worker.tasks != NULL);
    }
    for (size_t i = 0; i < world.server_count; i++) {
        tasks = tasks || (!world.server_ended[i] && world.servers[i].worker.tasks != NULL);
    }
    return tasks;
}

/* A worker notices in the turn after its last completion that it has finished. Where a wait
 * takes time, the wait itself may bring that completion. So a few turns must pass without
 * progress. */
void world_run(void)
{
    unsigned idle = 0;
    for (unsigned turns = 0; world_turn(); turns++) {
        WORLD_CHECK(turns < TURNS_MAX);
        world_command();
        if (world_has_tasks() || world.network->step()) {
            idle = 0;
        } else if (world_next_command() != UINT64_MAX) {
            (void)world.network->advance(world_next_command());
        } else {
            WORLD_CHECK(++idle < 10); /* nothing will ever happen again */
        }
    }
}

void world_end(void)
{
    for (size_t i = 0; i < world.server_count; i++) {
        worker_destroy(&world.servers[i].worker);
    }
    for (size_t i = 0; i < world.plan.workers; i++) {
        load_free(&world.clients[i]);
        worker_destroy(&world.clients[i].worker);
    }
    handover_destroy(&world.handover);
    admission_destroy(&world.admission);
    world_exists = false;
}

size_t world_users(void)
{
    size_t users = 0;
    for (size_t i = 0; i < world.plan.workers; i++) {
        users += world.clients[i].user_count;
    }
    return users;
}

uint64_t world_requests(void)
{
    uint64_t requests = 0;
    for (size_t i = 0; i < world.plan.workers; i++) {
        requests += world.clients[i].requests_left;
    }
    return requests;
}

/* ---- what must hold ------------------------------------------------------------------------ */

static uint64_t world_client_failures(void)
{
    const struct client_counters *c = &world.client_stats.counters;
    return c->mismatches + c->lost + c->timeouts + c->end_timeouts + c->unanswered + c->failed;
}

/* Each connection is in one class, on both sides. */
void world_check_classes(void)
{
    const struct client_counters *c = &world.client_stats.counters;
    const struct server_counters *s = &world.server_stats.counters;
    WORLD_CHECK(c->connected == c->completed + c->closed_by_server + c->drained + c->reset_at_end +
                                    c->reset + c->cut + world_client_failures());
    WORLD_CHECK(c->attempts >= c->connected + c->abandoned);
    WORLD_CHECK(c->sent == c->verified + c->lost_bytes + c->drained_bytes + c->unanswered_bytes +
                               c->unchecked);
    WORLD_CHECK(world.client_stats.begun == c->messages + c->lost_messages + c->drained_messages +
                                                c->unanswered_messages + c->unchecked_messages);
    WORLD_CHECK(c->drained == 0 || world.plan.allow_drain);
    for (size_t i = 0; i < world.plan.workers; i++) {
        WORLD_CHECK(world.clients[i].awaiting == 0 && world.clients[i].connecting == 0);
    }
    WORLD_CHECK(world.client_stats.not_up <= world_users());
    WORLD_CHECK(world.client_stats.up == 0);
    WORLD_CHECK(s->accepted ==
                s->closed_by_client + s->drained + s->idle + s->stalled + s->failed + s->cut);
}

void world_judge(struct verdict *verdict)
{
    const struct verdict_run run = {.stats = &world.client_stats,
                                    .connections = world_users(),
                                    .rate = world.plan.rate,
                                    .timeout_ns = world.plan.timeout_ns,
                                    .give_up_ns = world.plan.give_up_ns};
    verdict_judge(&run, verdict);
}

void world_check_books(bool resets)
{
    const struct client_counters *c = &world.client_stats.counters;
    const struct server_counters *s = &world.server_stats.counters;
    bool cut = resets || c->reset + c->cut + c->reset_at_end + world_client_failures() > 0 ||
               s->failed + s->cut + s->idle + s->stalled + s->refused + s->accept_errors > 0;
    WORLD_CHECK(c->verified <= s->sent);
    WORLD_CHECK(s->sent <= s->received);
    WORLD_CHECK(s->received <= c->sent);
    WORLD_CHECK(c->mismatches == 0);
    if (!cut) {
        WORLD_CHECK(c->verified == s->sent);
        WORLD_CHECK(s->received == s->sent + s->discarded);
    }
    WORLD_CHECK(world.plan.sizes != NULL || c->verified >= c->messages * world.plan.size);
    WORLD_CHECK(world.client_stats.latency.count <= c->messages);
}

void world_check_perfect(uint64_t messages)
{
    const struct client_counters *c = &world.client_stats.counters;
    const struct server_counters *s = &world.server_stats.counters;
    WORLD_CHECK(c->messages == messages);
    WORLD_CHECK(c->verified == messages * world.plan.size);
    WORLD_CHECK(c->sent == c->verified);
    WORLD_CHECK(c->connected == c->completed);
    WORLD_CHECK(c->connect_failures == 0);
    WORLD_CHECK(s->closed_by_client == s->accepted);
}
