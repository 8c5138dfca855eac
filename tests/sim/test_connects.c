/*
 * When the client's connections begin, in virtual time: --connect-rate and --ramp. After each step
 * of the world the connects so far are compared with those that were due.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim.h"
#include "sim_network.h"
#include "world.h"

#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)
#define SEEDS 20

/* How late a connect may be: some turns of all workers. */
#define TURNS_NS MILLISECOND

static struct sim_config network_config;
static struct world_network network;
static struct verdict verdict;
static double allowed_rate; /* connects per second that are allowed */
static uint64_t seen;       /* connects so far */
static uint64_t late_ns;    /* the most that one of them was late */
static uint64_t due_max;    /* of the connects that are due; UINT64_MAX: as many as the time has */

/* Connects that were due at `ns` after the begin, the first at once. */
static uint64_t due(uint64_t ns)
{
    uint64_t count = (uint64_t)((double)ns * allowed_rate / 1e9) + 1;
    return count < due_max ? count : due_max;
}

static uint64_t attempts(void)
{
    uint64_t count = world.client_stats.counters.attempts;
    for (size_t i = 0; i < world.client_count; i++) {
        count += world.client_ended[i] ? 0 : world.clients[i].stats.counters.attempts;
    }
    return count;
}

static void look(void)
{
    if (!world.client_begun) {
        return;
    }
    uint64_t ns = sim_now() - world.plan.began_ns;
    WORLD_CHECK(attempts() <= due(ns));
    for (; seen < attempts(); seen++) {
        uint64_t turn_ns = (uint64_t)((double)seen * 1e9 / allowed_rate);
        late_ns = ns > turn_ns + late_ns ? ns - turn_ns : late_ns;
    }
}

static bool step(void)
{
    look();
    return sim_network.step();
}

static bool advance(uint64_t deadline_ns)
{
    look();
    return sim_network.advance(deadline_ns);
}

/* A calm world without a limit of messages. Its workers may have very different numbers of
 * users. */
static void make(uint64_t seed, size_t workers)
{
    world_next(seed);
    world.client_count = workers;
    network_config = (struct sim_config){.seed = seed,
                                         .inline_ppm = 300000,
                                         .latency_min_ns = MILLISECOND,
                                         .latency_max_ns = MILLISECOND + 1000,
                                         .turn_ns = 10000};
    network = sim_network;
    network.step = step;
    network.advance = advance;
    sim_begin(&network_config);
    world_begin(&network, WORLD_CALM);
    world_plan_simple();
    world.plan.connections = world_users();
    seen = late_ns = 0;
    due_max = UINT64_MAX;
}

static void run(void)
{
    world_run();
    world_check_classes();
    world_judge(&verdict);
    WORLD_CHECK(verdict.ok);
}

static void end(void)
{
    world_end();
    sim_end();
}

/* The first connects and those of new connections for old ones. */
static void no_connect_is_earlier_than_its_turn(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        make(seed, 1 + seed % 3);
        allowed_rate = world.plan.connect_rate = 50;
        world.plan.lifetime = 1;
        world.plan.duration_ns = 4 * SECOND;
        run();
        WORLD_CHECK(world.client_stats.counters.attempts <= 200);
        WORLD_CHECK(world.client_stats.counters.connected > world_users());
        end();
    }
}

/* No turn is left out while connections wait for one. */
static void every_turn_of_the_first_connects_is_used(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        make(seed, 1);
        allowed_rate = world.plan.connect_rate = 7;
        due_max = world_users();
        world.plan.rate = 10;
        world.plan.duration_ns = 60 * SECOND;
        run();
        WORLD_CHECK(late_ns <= TURNS_NS);
        WORLD_CHECK(world.client_stats.counters.attempts == world_users());
        end();
    }
}

static void a_ramp_is_even(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        make(seed, 1);
        world.plan.ramp_ns = 3 * SECOND;
        allowed_rate = (double)world_users() / 3;
        due_max = world_users();
        world.plan.rate = 10;
        world.plan.duration_ns = 5 * SECOND;
        run();
        WORLD_CHECK(late_ns <= TURNS_NS);
        WORLD_CHECK(world.client_stats.counters.attempts == world_users());
        end();
    }
}

/* The messages are spent long before. */
static void all_connections_of_a_ramp_come_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        make(seed, 1);
        world.plan.ramp_ns = 10 * SECOND;
        allowed_rate = (double)world_users() / 10;
        world.plan.duration_ns = 0;
        for (size_t i = 0; i < world.client_count; i++) {
            world.clients[i].requests_left = 1;
        }
        run();
        WORLD_CHECK(world.client_stats.counters.connected == world_users());
        end();
    }
}

/* Waiting for a turn is not waiting for the server. */
static void a_turn_is_not_awaited_in_vain(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        make(seed, 1);
        allowed_rate = world.plan.connect_rate = 0.5;
        world.plan.lifetime = 1;
        world.plan.give_up_ns = SECOND;
        world.plan.duration_ns = (2 * world_users() + 10) * SECOND;
        run();
        WORLD_CHECK(!world.client_stats.gave_up);
        end();
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_connect_is_earlier_than_its_turn),
        cmocka_unit_test(every_turn_of_the_first_connects_is_used),
        cmocka_unit_test(a_ramp_is_even),
        cmocka_unit_test(all_connections_of_a_ramp_come_up),
        cmocka_unit_test(a_turn_is_not_awaited_in_vain),
    };
    int status = world_parse_options(argc, argv, SEEDS);
    return status != 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
