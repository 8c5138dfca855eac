/*
 * Both sides of the program over the network in memory: echo.c serves, load.c loads. Each seed is a
 * world with its own faults, delays, sizes and commands. Whatever happens in it, everything ends,
 * nothing leaks, each connection is in one class and the books balance. A seed that fails is run
 * again by `test_sim --seed=N`.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "sim.h"
#include "sim_network.h"
#include "sim_world.h"
#include "world.h"

#define SECOND UINT64_C(1000000000)

static struct sim_config network_config;

static void begin(uint64_t seed, const struct sim_config *config, enum world_kind kind)
{
    world_next(seed);
    network_config = *config;
    if (network_config.turn_ns < 10000) {
        network_config.turn_ns = 10000; /* a worker awake for a schedule must see time pass */
    }
    network_config.one_listener = world_chance(2) == 0;
    network_config.no_detach = world_chance(4) == 0;
    world.reaches = seed % 4 == 1;
    sim_begin(&network_config);
    world_begin(&sim_network, kind);
}

static void end(void)
{
    world_end();
    sim_end();
}

/* A worker that listens for all keeps no more connections than it hands over to each other one. */
static void check_turns(void)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (size_t i = 0; i < world.server_count; i++) {
        uint64_t accepted = world.server_accepted[i];
        least = accepted < least ? accepted : least;
        most = accepted > most ? accepted : most;
    }
    if (network_config.one_listener && !network_config.no_detach) {
        WORLD_CHECK(most - least <= 1);
    } else if (network_config.one_listener) {
        WORLD_CHECK(world.server_accepted[0] == most);
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
    for (uint64_t seed = world_options.first_seed;
         seed < world_options.first_seed + world_options.seed_count; seed++) {
        struct sim_config config;
        sim_config_random(&config, seed);
        begin(seed, &config, WORLD_RANDOM);
        world_run();
        world_check_classes();
        world_check_books(sim_counts()->of[SIM_RESETS] > 0);
        messages += world.client_stats.counters.messages;
        sim_counts_add(&sum, sim_counts());
        end();
    }
    sim_describe(&sum, text, sizeof(text));
    print_message("%" PRIu64 " seeds from %" PRIu64 ", %" PRIu64 " messages; injected: %s\n",
                  world_options.seed_count, world_options.first_seed, messages, text);
}

/* Without a fault every message is answered. */
static void perfect_worlds_lose_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = world_options.first_seed;
         seed < world_options.first_seed + world_options.seed_count / 4 + 1; seed++) {
        struct sim_config config = {.seed = seed,
                                    .inline_ppm = seed % 3 == 0 ? 1000000 : 500000,
                                    .latency_max_ns = 100000,
                                    .turn_ns = 1000,
                                    .short_ppm = 300000};
        begin(seed, &config, WORLD_CALM);
        uint64_t wanted = world_requests();
        world_run();
        world_check_classes();
        world_check_books(sim_counts()->of[SIM_RESETS] > 0);
        world_check_perfect(wanted);
        check_turns();
        end();
    }
}

/* One byte is damaged in transit, in either direction: the client finds it. */
static void damage_is_found(void **state)
{
    unsigned damaged = 0;
    (void)state;
    for (uint64_t seed = world_options.first_seed;
         seed < world_options.first_seed + world_options.seed_count / 4 + 1; seed++) {
        struct sim_config config = {.seed = seed,
                                    .inline_ppm = 300000,
                                    .latency_max_ns = 100000,
                                    .turn_ns = 1000,
                                    .short_ppm = 100000};
        world_seed_chance(seed ^ UINT64_C(0x5bd1e995));
        config.corruption.damage = (enum sim_damage)(1 + world_chance(4));
        config.corruption.connection = (size_t)world_chance(2);
        config.corruption.to_client = world_chance(2) == 0;
        config.corruption.offset = world_chance(6000);
        begin(seed, &config, WORLD_CALM);
        world.plan.timeout_ns = SECOND / 2; /* what is lost is missed only then */
        world_run();
        const struct client_counters *c = &world.client_stats.counters;
        if (sim_counts()->of[SIM_CORRUPTED] > 0 && c->cut == 0 && c->drained == 0) {
            /* The client notices a missing byte when the next byte comes, or by its timeout. */
            damaged++;
            WORLD_CHECK(c->mismatches + c->timeouts + c->failed > 0);
        }
        world_check_classes();
        end();
    }
    assert_true(damaged > world_options.seed_count / 50);
}

/* Now and then a server is stopped after a poll: longer than any of its limits, or until its
 * next timer is just due. The client continues, so its bytes wait in the sockets. */
#define FREEZE_NS (30 * SECOND)
#define FREEZES_MAX 8
#define LATENCY_NS 100000

static struct backend freezing_backend;
static unsigned freezes;

/* Steps of the longest latency until the client has nothing more to do, then long steps. */
static void freeze_until(uint64_t until_ns)
{
    struct worker *client = &world.clients[0].worker;
    bool goes_on = !world.client_ended[0];
    unsigned quiet = 0;
    while (sim_now() < until_ns) {
        uint64_t before = goes_on ? client->io->stats.completions : 0;
        goes_on = goes_on && worker_turn(client);
        bool busy = goes_on && (client->tasks != NULL || client->io->stats.completions > before);
        quiet = busy ? 0 : quiet + 1;
        sim_pass(sim_now() + (quiet < 10 ? LATENCY_NS : SECOND / 100));
    }
}

static int poll_and_freeze(struct io_loop *loop, uint64_t deadline_ns)
{
    int woken = backend_sim.poll(loop, deadline_ns);
    if (freezes < FREEZES_MAX && world_chance(20) == 0) {
        bool just_due = deadline_ns > sim_now() && deadline_ns != UINT64_MAX;
        freezes++;
        freeze_until(just_due && world_chance(2) == 0 ? deadline_ns : sim_now() + FREEZE_NS);
    }
    return woken;
}

static void a_frozen_server_blames_no_peer(void **state)
{
    unsigned all_freezes = 0;
    (void)state;
    freezing_backend = backend_sim;
    freezing_backend.poll = poll_and_freeze;
    for (uint64_t seed = world_options.first_seed;
         seed < world_options.first_seed + world_options.seed_count / 4 + 1; seed++) {
        struct sim_config config = {.seed = seed,
                                    .inline_ppm = 300000,
                                    .latency_max_ns = LATENCY_NS,
                                    .turn_ns = 1000,
                                    .short_ppm = 300000};
        freezes = 0;
        begin(seed, &config, WORLD_CALM);
        for (size_t i = 0; i < world.server_count; i++) {
            world.servers[i].worker.backend = &freezing_backend;
        }
        world.echo_config.idle_timeout_ns = 10 * SECOND; /* no client takes that long */
        uint64_t wanted = world_requests();
        world_run();
        world_check_classes();
        world_check_perfect(wanted);
        all_freezes += freezes;
        end();
    }
    assert_true(all_freezes > world_options.seed_count / 4);
}

/* The first worker to listen must not be told that the address can't have another listener. */
static void address_without_a_listener_fails_the_start(void **state)
{
    static const uv_os_sock_t ports[] = {WORLD_PORT, WORLD_PORT};
    const struct sim_config config = {.seed = 1, .one_listener = true};
    struct worker *worker = &world.servers[0].worker;
    (void)state;
    memset(&world, 0, sizeof(world));
    world.network = &sim_network;
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
    if (world_parse_options(argc, argv, 500 * TEST_EFFORT / 100) != 0) {
        return 2;
    }
    log_setup("test_sim", false);
    if (world_options.seed_count > 1) {
        log_redirect(NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_worlds_keep_their_books),
        cmocka_unit_test(perfect_worlds_lose_nothing),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(a_frozen_server_blames_no_peer),
        cmocka_unit_test(address_without_a_listener_fails_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
