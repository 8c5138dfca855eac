/*
 * The client against a peer that misbehaves at random, over the network in memory. The report of
 * each run equals what the witness at the seam has counted, and the peer's records permit it. A
 * seed that fails is run again by `test_adversary_sim --seed=N`.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adversary_oracle.h"
#include "log.h"
#include "sim_rig.h"
#include "sim_world.h"
#include "verdict.h"
#include "witness.h"
#include "world.h"

#define PORT 6001
#define SECOND UINT64_C(1000000000)
#define TURNS_MAX 2000000
#define DOZE_MAX_MS 15
#define NEVER UINT64_MAX

static struct {
    uint64_t seed;
    struct adversary_run run;
    struct sim_config config;
    struct adversary peer;
    struct load client;
    struct load_plan plan;
    struct sockaddr_storage addresses[2]; /* nothing listens at the first */
    uint64_t drain_ns, abort_ns, freeze_ns;
    bool dozes; /* the client is late again and again */
    bool client_ended, peer_ended;
    bool gave_up;
    uint64_t bytes;    /* verified, when last looked at */
    uint64_t bytes_ns; /* when they last grew */
} scene;

/* Of all seeds. */
static struct {
    struct adversary_tally tally;
    uint64_t classes[VERDICT_CLASSES]; /* runs with such a failure */
    uint64_t messages, abandoned, either;
} sum;

static void fail_seed(const char *what)
{
    print_error("seed %" PRIu64 ": %s (run again with --seed=%" PRIu64 ")\n", scene.seed, what,
                scene.seed);
    fail();
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fail_seed(#condition);                                                                 \
        }                                                                                          \
    } while (0)

/* ---- a run --------------------------------------------------------------------------------- */

static void draw_network(void)
{
    sim_rig_lossless(&scene.config, scene.seed);
    if (scene.run.requests * scene.run.size > 2000 && scene.config.capacity_min < 1000) {
        scene.config.capacity_min = scene.config.capacity_max = 1000; /* or it takes for ever */
    }
    scene.config.turn_ns = 10000; /* a client awake for a schedule must see time pass */
    switch (world_chance(12)) {
    case 0:
        scene.config.connect_refused_ppm = 300000;
        break;
    case 1:
        scene.config.connect_hangs_ppm = 200000;
        break;
    default:
        break;
    }
}

static void draw_plan(void)
{
    const struct adversary_run *run = &scene.run;
    size_t first = world_chance(4) == 0 ? 0 : 1;
    (void)uv_ip4_addr("127.0.0.1", PORT + 1, (struct sockaddr_in *)(void *)&scene.addresses[0]);
    (void)uv_ip4_addr("127.0.0.1", PORT, (struct sockaddr_in *)(void *)&scene.addresses[1]);
    scene.plan = (struct load_plan){.addresses = scene.addresses + first,
                                    .address_count = 2 - first,
                                    .workers = 1,
                                    .seed = scene.seed,
                                    .size = run->size,
                                    .depth = run->depth,
                                    .lifetime = run->lifetime,
                                    .rate = (double)run->rate,
                                    .duration_ns = run->duration_ns,
                                    .connect_timeout_ns = SECOND / 2,
                                    .timeout_ns = run->timeout_ns,
                                    .drain_timeout_ns = run->drain_timeout_ns,
                                    .give_up_ns = run->give_up_ns,
                                    .allow_drain = run->allow_drain,
                                    .stop_on_error = run->stop_on_error};
    scene.drain_ns = world_chance(8) == 0 ? sim_now() + world_chance(SECOND / 4) : NEVER;
    scene.freeze_ns = world_chance(4) == 0 ? sim_now() + world_chance(SECOND / 4) : NEVER;
    scene.dozes = world_chance(4) == 0;
    scene.abort_ns = world_chance(8) == 0 ? sim_now() + world_chance(SECOND / 4) : NEVER;
}

static void make_worker(struct worker *worker, const struct worker_role *role,
                        const struct backend *backend)
{
    worker->role = role;
    worker->backend = backend;
    worker->io_config.buffer_size = (size_t)(world_chance(3) == 0 ? 100 : 4096);
    worker->io_config.buffer_memory = (size_t)1 << 20;
    worker->cpu = -1;
    worker_init(worker);
}

static void begin(uint64_t seed)
{
    memset(&scene, 0, sizeof(scene));
    scene.seed = seed;
    if (world_options.announce) {
        (void)fprintf(stderr, "at seed %" PRIu64 "\n", seed);
    }
    world_seed_chance(seed);
    adversary_draw_run(&scene.run, seed);
    draw_network();
    sim_begin(&scene.config);
    draw_plan();
    witness_begin(&scene.client);
    make_worker(&scene.peer.worker, &adversary_role, &backend_sim);
    make_worker(&scene.client.worker, &load_role, &backend_witness);
    adversary_init(&scene.peer, &scene.run, (uv_os_sock_t)PORT);
    load_init(&scene.client, &scene.plan, scene.run.connections, scene.run.requests);
    CHECK(worker_open(&scene.peer.worker) == 0);
    CHECK(worker_open(&scene.client.worker) == 0);
    scene.plan.began_ns = sim_now();
    scene.bytes_ns = sim_now();
    if (scene.plan.duration_ns > 0) {
        witness.end_ns = scene.plan.began_ns + scene.plan.duration_ns;
    }
    worker_post(&scene.peer.worker, WORKER_BEGIN);
    worker_post(&scene.client.worker, WORKER_BEGIN);
}

static void end_at_once(void)
{
    if (witness.abort_ns == NEVER) {
        witness.abort_ns = sim_now();
        worker_post(&scene.client.worker, WORKER_ABORT);
    }
}

/* What the client's main thread does, and what a person may do. */
static void command_client(void)
{
    if (sim_now() >= scene.drain_ns) {
        scene.drain_ns = NEVER;
        witness.end_ns = sim_now() < witness.end_ns ? sim_now() : witness.end_ns;
        worker_post(&scene.client.worker, WORKER_DRAIN);
    }
    if (sim_now() >= scene.abort_ns) {
        scene.abort_ns = NEVER;
        end_at_once();
    }
    if (!scene.gave_up && load_is_hopeless(&scene.client)) {
        CHECK(worker_awake(&scene.client.worker) - witness.verified_ns >= scene.run.give_up_ns);
        scene.gave_up = true;
        end_at_once();
    }
}

/* No run waits longer than its options allow. */
static void check_life(void)
{
    if (witness.expected.verified != scene.bytes) {
        scene.bytes = witness.expected.verified;
        scene.bytes_ns = sim_now();
    }
    CHECK(sim_now() - scene.bytes_ns < scene.run.give_up_ns + SECOND + 2 * witness.frozen_ns);
    CHECK(witness.wrong == NULL);
}

static void turn_client(void)
{
    command_client();
    witness.polled = false;
    if (!worker_turn(&scene.client.worker)) {
        worker_close(&scene.client.worker);
        scene.client_ended = true;
        worker_post(&scene.peer.worker, WORKER_DRAIN);
    } else if (witness.wrong != NULL) {
        fail_seed(witness.wrong);
    } else {
        check_life();
    }
}

static void turn_peer(void)
{
    if (!scene.peer_ended && !worker_turn(&scene.peer.worker)) {
        worker_close(&scene.peer.worker);
        scene.peer_ended = true;
    }
}

/* The client's process does not run, and its peer goes on. */
static void stop_client(uint64_t steps, uint64_t step_ns)
{
    for (uint64_t i = 0; i < steps && !scene.client_ended; i++) {
        sim_pass(sim_now() + step_ns);
        witness.frozen_ns += step_ns;
        turn_peer();
    }
}

/* Freezes the client once for seconds, or for a time that its clock counts as a turn's own. */
static void freeze_client(void)
{
    if (sim_now() >= scene.freeze_ns) {
        scene.freeze_ns = NEVER;
        stop_client(50 + world_chance(100), SECOND / 50);
    } else if (scene.dozes && world_chance(8) == 0) {
        stop_client(1 + world_chance(DOZE_MAX_MS), SECOND / 1000);
    }
}

static void run_scene(void)
{
    for (unsigned turns = 0; !scene.peer_ended; turns++) {
        bool first = world_chance(2) == 0;
        CHECK(turns < TURNS_MAX);
        freeze_client();
        if (first) {
            turn_peer();
        }
        if (!scene.client_ended) {
            turn_client();
        }
        if (!first) {
            turn_peer();
        }
        if (scene.client.worker.tasks == NULL && scene.peer.worker.tasks == NULL) {
            (void)sim_step();
        }
    }
}

static void end(void)
{
    load_free(&scene.client);
    worker_destroy(&scene.client.worker);
    worker_destroy(&scene.peer.worker);
    adversary_free(&scene.peer);
    sim_end();
}

/* ---- what must hold ------------------------------------------------------------------------ */

static void check_counters(void)
{
    const struct client_counters *n = &scene.client.stats.counters;
    uint64_t differences = 0;
#define COMPARE(name, line, word, meaning)                                                         \
    if (n->name != witness.expected.name) {                                                        \
        print_error("seed %" PRIu64 ": " #name " %" PRIu64 ", the oracle has %" PRIu64 "\n",       \
                    scene.seed, n->name, witness.expected.name);                                   \
        differences++;                                                                             \
    }
    CLIENT_COUNTERS(COMPARE)
#undef COMPARE
    CHECK(differences == 0);
    CHECK(scene.client.stats.begun == witness.begun);
    CHECK(scene.client.stats.not_up == witness.not_up);
    CHECK(witness.wrong == NULL);
}

/* The number of scheduled messages that were due at the end of the run and have not begun. The
 * schedule ends with the last request. */
static uint64_t unsent(void)
{
    const struct load *client = &scene.client;
    uint64_t due = 0;
    if (scene.run.rate == 0) {
        return 0;
    }
    while (scene.plan.began_ns + (uint64_t)((double)due * 1e9 / scene.plan.rate) <
           client->measure_until_ns) {
        due++;
    }
    due -= witness.begun;
    uint64_t left = scene.run.requests + witness.given_back - witness.begun;
    return due < left ? due : left;
}

static void expect(struct verdict *expected, enum verdict_class class, uint64_t count)
{
    if (count > 0) {
        expected->failures[expected->count].class = class;
        expected->failures[expected->count++].count = count;
    }
}

static void check_verdict(void)
{
    const struct client_counters *n = &witness.expected;
    struct verdict verdict;
    struct verdict expected = {.count = 0};
    struct client_stats stats = scene.client.stats;
    stats.gave_up = scene.gave_up;
    struct verdict_run run = {.stats = &stats,
                              .connections = scene.run.connections,
                              .rate = (double)scene.run.rate,
                              .timeout_ns = scene.run.timeout_ns,
                              .give_up_ns = scene.run.give_up_ns};
    uint64_t left = unsent();
    bool too_slow = scene.run.rate > 0 && left > scene.run.connections &&
                    100 * left > 100 * ((witness.begun + left) / 100);
    expect(&expected, VERDICT_WRONG_DATA, n->mismatches);
    expect(&expected, VERDICT_LOST, n->lost);
    expect(&expected, VERDICT_TIMEOUT, n->timeouts);
    expect(&expected, VERDICT_TIMEOUT, n->end_timeouts);
    expect(&expected, VERDICT_UNANSWERED, n->unanswered);
    expect(&expected, VERDICT_FAILED, n->failed);
    expect(&expected, VERDICT_SILENT, n->messages == 0 ? n->drained : 0);
    expect(&expected, VERDICT_GAVE_UP, scene.gave_up);
    expect(&expected, VERDICT_NOT_UP, witness.not_up);
    expect(&expected, VERDICT_CONNECT, n->connect_failures);
    expect(&expected, VERDICT_RATE, too_slow ? left : 0);
    verdict_judge(&run, &verdict);
    CHECK(stats.unsent == left);
    CHECK(verdict.ok == (expected.count == 0));
    CHECK(verdict.count == expected.count);
    for (size_t i = 0; i < expected.count; i++) {
        CHECK(verdict.failures[i].class == expected.failures[i].class);
        CHECK(verdict.failures[i].count == expected.failures[i].count);
        sum.classes[expected.failures[i].class]++;
    }
    sum.classes[VERDICT_NONE] += verdict.ok;
    bool whole = n->messages == scene.run.requests;
    CHECK(!verdict.ok || whole || scene.client.ending);
}

/* What a peer that saw nothing but its own sockets would believe. */
static void check_records(void)
{
    char text[256];
    const struct adversary_circumstances how = {
        .timeout_ns = scene.run.timeout_ns,
        .connects_fail = scene.config.connect_refused_ppm + scene.config.connect_hangs_ppm > 0 ||
                         scene.plan.address_count > 1,
        .may_cut = witness.end_ns != NEVER || witness.abort_ns != NEVER};
    CHECK(!scene.peer.overrun);
    if (!adversary_agrees(&scene.peer, &scene.client.stats.counters, &how, text, sizeof(text))) {
        fail_seed(text);
    }
}

static void count(void)
{
    struct adversary_tally tally;
    adversary_tally(&witness.expected, &tally);
    for (size_t i = 0; i < ADVERSARY_OUTCOMES; i++) {
        sum.tally.of[i] += tally.of[i];
    }
    sum.messages += witness.expected.messages;
    sum.abandoned += witness.expected.abandoned;
    sum.either += witness.either;
}

/* One of two hundred is of the rarest class. */
#define SEEDS_FOR_ALL 1000

/* These runs contain every kind of end and every class of failures. Only a merge compares its books
 * with those of a server. */
static void report(void)
{
    bool all = world_options.seed_count >= SEEDS_FOR_ALL;
    print_message("%" PRIu64 " seeds from %" PRIu64 ", %" PRIu64 " messages. Connections:",
                  world_options.seed_count, world_options.first_seed, sum.messages);
    for (size_t i = 0; i < ADVERSARY_OUTCOMES; i++) {
        print_message(" %s=%" PRIu64, adversary_outcome_names[i], sum.tally.of[i]);
    }
    print_message(" (abandoned=%" PRIu64 "). Runs with:", sum.abandoned);
    for (int i = 0; i < VERDICT_CLASSES; i++) {
        print_message(" %s=%" PRIu64, verdict_class_name((enum verdict_class)i), sum.classes[i]);
    }
    print_message("; a timeout and the cut at once: %" PRIu64 "\n", sum.either);
    for (size_t i = 0; all && i < ADVERSARY_OUTCOMES; i++) {
        assert_true(sum.tally.of[i] > 0);
    }
    for (size_t i = 0; all && i < VERDICT_CLASSES; i++) {
        assert_true((sum.classes[i] > 0) == (i != VERDICT_BOOKS));
    }
}

/* ---- tests --------------------------------------------------------------------------------- */

static void the_client_and_the_oracle_agree(void **state)
{
    (void)state;
    for (uint64_t seed = world_options.first_seed;
         seed < world_options.first_seed + world_options.seed_count; seed++) {
        begin(seed);
        run_scene();
        witness_end();
        check_counters();
        check_verdict();
        check_records();
        count();
        end();
    }
    report();
}

int main(int argc, char **argv)
{
    if (world_parse_options(argc, argv, 10000 * TEST_EFFORT / 100) != 0) {
        return 2;
    }
    log_setup("test_adversary_sim", false);
    if (world_options.seed_count > 1) {
        log_redirect(NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_and_the_oracle_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
