/*
 * The client's side over the network in memory, in virtual time: a schedule that can't be kept, and
 * runs that would never end.
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
#include "world.h"

#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

static struct sim_config network_config;
static uint64_t begun_ns;
static struct verdict verdict;

static uv_os_sock_t listening(size_t server)
{
    (void)server;
    return (uv_os_sock_t)WORLD_PORT;
}

static const struct world_network network = {
    .backend = &backend_sim,
    .now = sim_now,
    .step = sim_step,
    .advance = sim_advance,
    .listening = listening,
};

/* A calm world, whose plan the test may change before it runs: one message on its way for each
 * connection, and no limit of messages. */
static void begin(uint64_t seed, uint64_t latency_ns)
{
    world_next(seed);
    network_config = (struct sim_config){.seed = seed,
                                         .inline_ppm = 300000,
                                         .latency_min_ns = latency_ns,
                                         .latency_max_ns = latency_ns + 1000,
                                         .turn_ns = 10000};
}

static void make(void)
{
    sim_begin(&network_config);
    world_begin(&network, WORLD_CALM);
    world.plan.depth = 1; /* what was drawn is no less, as with the size */
    world.plan.size = 1;
    world.plan.addresses = &world.addresses[1];
    world.plan.address_count = 1;
    world.plan.lifetime = 0;
    world.plan.rate = 0;
    world.plan.warmup_ns = 0;
    world.plan.drain_timeout_ns = 10 * SECOND;
    world.clients[0].requests_left = UINT64_MAX;
    begun_ns = sim_now();
}

/* How long the client's run took, up to its end or until it was told to end. */
static uint64_t run(void)
{
    world_run();
    world_check_classes();
    world_judge(&verdict);
    return world.clients[0].measure_until_ns - begun_ns;
}

static void end(void)
{
    world_end();
    sim_end();
}

/* How often the run failed in a class. */
static uint64_t failures(enum verdict_class class)
{
    uint64_t count = 0;
    for (size_t i = 0; i < verdict.count; i++) {
        count += verdict.failures[i].class == class ? verdict.failures[i].count : 0;
    }
    return count;
}

static void fails_as(enum verdict_class class)
{
    if (verdict.count != 1 || verdict.failures[0].class != class) {
        fail_msg("seed %" PRIu64 ": %zu failures, the first: %s", world.seed, verdict.count,
                 verdict_text(&verdict));
    }
}

/* ---- the schedule -------------------------------------------------------------------------- */

/* An echo takes 200 ms, and messages of all connections come due every millisecond. */
static void a_slow_answer_is_the_servers_delay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, 100 * MILLISECOND);
        make();
        world.plan.rate = 1000;
        world.plan.duration_ns = 2 * SECOND;
        (void)run();
        fails_as(VERDICT_RATE);
        WORLD_CHECK(failures(VERDICT_RATE) >= 1500);
        WORLD_CHECK(world.client_stats.late == 0);
        WORLD_CHECK(world.client_stats.begun + world.client_stats.unsent == 2000);
        end();
    }
}

/* In a turn of 10 us the worker gives out 256 messages at the most, of the 10,000 that are due. */
static void what_is_given_out_late_is_the_clients_delay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        begin(seed, 1000);
        make();
        world.plan.rate = 1e9;
        world.plan.duration_ns = 20 * MILLISECOND;
        (void)run();
        fails_as(VERDICT_RATE);
        WORLD_CHECK(world.client_stats.late > world.client_stats.blocked);
        WORLD_CHECK(world.client_stats.begun + world.client_stats.unsent == 20000000);
        end();
    }
}

static void a_schedule_that_is_kept_is_fine(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        make();
        world.plan.rate = 20;
        world.plan.duration_ns = 10 * SECOND;
        (void)run();
        WORLD_CHECK(verdict.ok);
        WORLD_CHECK(world.client_stats.begun + world.client_stats.unsent == 200);
        end();
    }
}

/* ---- runs that would never end ------------------------------------------------------------- */

static void a_connect_that_never_ends_is_given_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        network_config.connect_hangs_ppm = 1000000;
        make();
        world.plan.connect_timeout_ns = 0;
        world.plan.give_up_ns = 30 * SECOND;
        uint64_t took_ns = run();
        WORLD_CHECK(failures(VERDICT_GAVE_UP) == 1);
        WORLD_CHECK(failures(VERDICT_NOT_UP) == world_users());
        WORLD_CHECK(took_ns >= 30 * SECOND && took_ns < 33 * SECOND);
        end();
    }
}

/* Nothing arrives any more, sooner or later, and no timeout ends a connection. */
static void a_silent_network_is_given_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        network_config.stall_ppm = 200000;
        make();
        world.plan.give_up_ns = 5 * SECOND;
        (void)run();
        WORLD_CHECK(failures(VERDICT_GAVE_UP) == 1);
        WORLD_CHECK(failures(VERDICT_UNANSWERED) > 0);
        WORLD_CHECK(world.client_stats.unanswered_oldest_ns >= 2 * SECOND); /* a SYN may be late */
        end();
    }
}

/* A message is due every twenty seconds, and answered in two milliseconds. */
static void time_in_which_nothing_is_due_does_not_count(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        make();
        world.plan.rate = 0.05;
        world.plan.duration_ns = 200 * SECOND;
        world.plan.give_up_ns = SECOND;
        (void)run();
        WORLD_CHECK(verdict.ok);
        end();
    }
}

static void the_first_error_stops_the_run(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        network_config.corruption = (struct sim_corruption){
            .damage = SIM_FLIP, .connection = 0, .to_client = true, .offset = 0};
        make();
        world.plan.stop_on_error = true;
        (void)run();
        fails_as(VERDICT_WRONG_DATA);
        WORLD_CHECK(failures(VERDICT_WRONG_DATA) == 1);
        WORLD_CHECK(world.client_stats.counters.unchecked_messages == 1);
        end();
    }
}

/* ---- connects ------------------------------------------------------------------------------ */

/* The machine is short of buffers, often: the others come up, and later all have. */
static void a_shortage_is_not_a_missing_server(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        network_config.submit_fails_ppm = 300000;
        make();
        world.plan.duration_ns = 60 * SECOND;
        (void)run();
        WORLD_CHECK(failures(VERDICT_NOT_UP) == 0);
        WORLD_CHECK(world.client_stats.not_up == 0);
        end();
    }
}

int main(int argc, char **argv)
{
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    log_setup("test_load", false);
    log_redirect(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_answer_is_the_servers_delay),
        cmocka_unit_test(what_is_given_out_late_is_the_clients_delay),
        cmocka_unit_test(a_schedule_that_is_kept_is_fine),
        cmocka_unit_test(a_connect_that_never_ends_is_given_up),
        cmocka_unit_test(a_silent_network_is_given_up),
        cmocka_unit_test(time_in_which_nothing_is_due_does_not_count),
        cmocka_unit_test(the_first_error_stops_the_run),
        cmocka_unit_test(a_shortage_is_not_a_missing_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
