/*
 * The client over the network in memory, in virtual time. The subjects are schedules that it can or
 * can't keep, what it measures, and runs that would never end.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "log.h"
#include "sim.h"
#include "sim_network.h"
#include "world.h"

#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

static struct sim_config network_config;
static uint64_t begun_ns;
static struct verdict verdict;

/* A calm world with one to three workers, one message under way for each connection, and no
 * limit of messages. The test may change the plan before it runs. */
static void begin(uint64_t seed, uint64_t latency_ns)
{
    world_next(seed);
    world.client_count = 1 + seed % 3;
    network_config = (struct sim_config){.seed = seed,
                                         .inline_ppm = 300000,
                                         .latency_min_ns = latency_ns,
                                         .latency_max_ns = latency_ns + 1000,
                                         .turn_ns = 10000};
}

static void make(void)
{
    sim_begin(&network_config);
    world_begin(&sim_network, WORLD_CALM);
    world_plan_simple();
    begun_ns = sim_now();
}

/* The time of the client's run until it ended or was told to end, in nanoseconds. */
static uint64_t run(void)
{
    uint64_t until_ns = 0;
    world_run();
    world_check_classes();
    world_judge(&verdict);
    for (size_t i = 0; i < world.client_count; i++) {
        uint64_t ended_ns = world.clients[i].measure_until_ns;
        until_ns = ended_ns > until_ns ? ended_ns : until_ns;
    }
    return until_ns - begun_ns;
}

static void end(void)
{
    world_end();
    sim_end();
}

/* The number of failures of the run in a class. */
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
        WORLD_CHECK(world.client_stats.latency.max >= SECOND);
        WORLD_CHECK(world.client_stats.since_sent.min >= 200 * MILLISECOND);
        WORLD_CHECK(histogram_mean(&world.client_stats.since_sent) <
                    histogram_mean(&world.client_stats.latency));
        WORLD_CHECK(world.client_stats.lateness.count >= world.client_stats.since_sent.count);
        WORLD_CHECK(world.client_stats.lateness.max < MILLISECOND);
        WORLD_CHECK(world.client_stats.begun + world.client_stats.unsent == 2000);
        end();
    }
}

/* In a turn of 10 us the worker gives out at most 256 messages of the 10,000 that are due. */
static void what_is_given_out_late_is_the_clients_delay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        begin(seed, 1000);
        make();
        world.plan.rate = 1e9;
        world.plan.duration_ns = 20 * MILLISECOND;
        WORLD_CHECK(run() == 20 * MILLISECOND);
        WORLD_CHECK(sim_now() - begun_ns <
                    SECOND + SECOND / 2); /* the server ends a second later */
        fails_as(VERDICT_RATE);
        WORLD_CHECK(world.client_stats.late > world.client_stats.blocked);
        WORLD_CHECK(world.client_stats.lateness.max >= 10 * MILLISECOND);
        WORLD_CHECK(world.client_stats.begun + world.client_stats.unsent == 20000000);
        end();
    }
}

/* A message is due every 10 ms, begins in the turn in which it is due, and is back a few turns
 * later. Those that are due in the first second are not measured. */
static void a_rate_is_kept(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, 1000);
        make();
        world.plan.rate = 100;
        world.plan.warmup_ns = SECOND;
        world.plan.duration_ns = 10 * SECOND;
        WORLD_CHECK(run() == 10 * SECOND);
        const struct client_stats *stats = &world.client_stats;
        WORLD_CHECK(verdict.ok);
        WORLD_CHECK(stats->begun == 1000 && stats->unsent == 0 && stats->late == 0);
        WORLD_CHECK(stats->latency.count == 900);
        WORLD_CHECK(stats->latency.max <= 100000);
        end();
    }
}

/* The turns of all workers. */
static uint64_t turns(void)
{
    uint64_t count = 0;
    for (size_t i = 0; i < world.client_count; i++) {
        count += world.clients[i].worker.turn;
    }
    return count;
}

/* A message takes a few turns. In a client that is not crowded it takes a hundred. */
static void a_crowded_client_sleeps_until_a_message_is_due(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, 1000);
        make();
        bool crowded = seed % 2 == 0;
        world.plan.crowded = crowded;
        world.plan.rate = 100;
        world.plan.duration_ns = 10 * SECOND;
        (void)run();
        WORLD_CHECK(verdict.ok);
        WORLD_CHECK(world.client_stats.begun == 1000 && world.client_stats.late == 0);
        WORLD_CHECK(crowded ? turns() < 20000 : turns() > 40000);
        end();
    }
}

static void a_client_is_crowded_if_waiting_takes_too_many_cpus(void **state)
{
    (void)state;
    assert_false(load_is_crowded(2, 1e9, 2));
    assert_true(load_is_crowded(3, 1e9, 2));
    assert_true(load_is_crowded(64, 20000, 2));
    assert_false(load_is_crowded(64, 900, 2));
    assert_false(load_is_crowded(64, 0, 1));
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

/* The sizes that the client must have drawn, of the first messages of its first connection. */
static uint64_t sizes_of(const struct load_plan *plan, uint64_t number, uint64_t messages)
{
    uint64_t bytes = 0;
    for (uint64_t n = 0; n < messages; n++) {
        bytes += sizes_draw(plan->sizes, dice_at(dice_key(plan->seed, number), n));
    }
    return bytes;
}

/* The connection of a single user has messages of the sizes that its number decides. */
static bool sizes_are_drawn(uint64_t seed, const struct sizes *sizes)
{
    begin(seed, 1000);
    world.client_count = 1;
    make();
    bool single = world.clients[0].user_count == 1;
    world.plan.sizes = sizes;
    world.clients[0].requests_left = 20;
    (void)run();
    WORLD_CHECK(verdict.ok);
    WORLD_CHECK(world.client_stats.counters.messages == 20);
    WORLD_CHECK(!single || world.client_stats.counters.verified == sizes_of(&world.plan, 0, 20));
    end();
    return single;
}

static void sizes_are_those_of_the_connection(void **state)
{
    static const char *const texts[] = {"1..300", "1:50%,20000:50%", "7..7"};
    unsigned singles = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        char error[SIZES_ERROR_SIZE];
        struct sizes *sizes;
        assert_int_equal(sizes_parse(texts[seed % LENGTH(texts)], &sizes, error), 0);
        singles += sizes_are_drawn(seed, sizes);
        free(sizes);
    }
    assert_true(singles > 5);
}

/* All workers and users together have one message each millisecond, in turn. */
static void the_schedule_is_even(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        make();
        world.plan.rate = 1000;
        world.plan.duration_ns = SECOND;
        for (uint64_t tick = 0; tick < 1000; tick++) {
            struct load *load = &world.clients[tick % world.client_count];
            uint64_t of_worker = tick / world.client_count;
            size_t user = (size_t)(of_worker % load->user_count);
            WORLD_CHECK(load_due_ns(load, user, of_worker / load->user_count) ==
                        world.plan.began_ns + tick * MILLISECOND);
        }
        (void)run();
        end();
    }
}

/* With random gaps, all that is due in the time begins or is unsent, also if users are blocked. */
static void random_gaps_keep_the_rate(void **state)
{
    uint64_t total = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, seed % 2 == 0 ? 1000 : 100 * MILLISECOND);
        make();
        world.plan.rate = 1000;
        world.plan.arrival = ARRIVAL_POISSON;
        world.plan.duration_ns = 2 * SECOND;
        (void)run();
        total += world.client_stats.begun + world.client_stats.unsent;
        WORLD_CHECK(world.client_stats.late == 0);
        WORLD_CHECK(seed % 2 != 0 || verdict.ok);
        end();
    }
    /* 40,000 are expected, with a standard deviation of 200. */
    assert_true(total > 39000 && total < 41000);
}

/* Of 20 billion messages nearly all are overdue at the end of the run. They are not counted one by
 * one. */
static void overdue_messages_hold_up_no_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        begin(seed, 1000);
        make();
        world.plan.rate = 1e12;
        world.plan.arrival = ARRIVAL_POISSON;
        world.plan.duration_ns = 20 * MILLISECOND;
        WORLD_CHECK(run() == 20 * MILLISECOND);
        fails_as(VERDICT_RATE);
        uint64_t due = world.client_stats.begun + world.client_stats.unsent;
        WORLD_CHECK(due > 19990000000 && due < 20010000000);
        end();
    }
}

/* A user that thinks for 100 ms begins a message in each 100 ms and the time of an echo. Thinking
 * is not waiting: such a run is not given up. */
static void thinking_makes_a_pace(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, 1000);
        make();
        world.plan.think_ns = 100 * MILLISECOND;
        world.plan.duration_ns = 2 * SECOND;
        world.plan.give_up_ns = 50 * MILLISECOND;
        (void)run();
        uint64_t users = world_users();
        WORLD_CHECK(verdict.ok);
        WORLD_CHECK(world.client_stats.counters.messages <= 20 * users);
        WORLD_CHECK(world.client_stats.counters.messages >= 17 * users);
        end();
    }
}

/* What an echo may take beyond the network's latency: some turns of all workers. */
#define TURNS_NS MILLISECOND

/* The time from when the n-th message of a user was due until its echo. One is due in each period,
 * and an echo takes `echo_ns`. A message that waits for the echo of another begins late. */
static uint64_t expected_ns(uint64_t n, uint64_t echo_ns, uint64_t period_ns)
{
    return echo_ns <= period_ns ? echo_ns : (n + 1) * echo_ns - n * period_ns;
}

/* Each user of the worker had this number of messages. */
static void check_latencies(const struct load *load, uint64_t messages, uint64_t echo_ns)
{
    const struct histogram *latency = &load->stats.latency;
    double ticks = (double)(load->user_count * world.client_count);
    uint64_t period_ns = (uint64_t)(ticks * 1e9 / world.plan.rate);
    WORLD_CHECK(latency->count == messages * load->user_count);
    for (uint64_t n = 0; n < messages; n++) {
        uint64_t least_ns = expected_ns(n, echo_ns, period_ns);
        uint64_t most_ns = least_ns + (n + 1) * TURNS_NS;
        double middle = 100 * ((double)n + 0.5) / (double)messages;
        uint64_t value_ns = histogram_percentile(latency, middle);
        WORLD_CHECK(value_ns >= least_ns && value_ns <= most_ns + most_ns / 100);
    }
    WORLD_CHECK(latency->min >= echo_ns);
    WORLD_CHECK(latency->max <=
                expected_ns(messages - 1, echo_ns, period_ns) + messages * TURNS_NS);
}

/* The schedule begins when all connections are up. */
static void latencies_of_a_schedule(uint64_t seed, uint64_t echo_ns, double rate)
{
    enum { MESSAGES = 5 };
    begin(seed, echo_ns / 2);
    network_config.inline_ppm = 1000000; /* the latency of two ways, and no more */
    network_config.prompt = true;
    make();
    world.plan.rate = rate;
    world.plan.began_ns += 10 * SECOND;
    for (size_t i = 0; i < world.client_count; i++) {
        world.clients[i].requests_left = MESSAGES * world.clients[i].user_count;
    }
    (void)run();
    WORLD_CHECK(world.client_stats.late == 0 && world.client_stats.unsent == 0);
    for (size_t i = 0; i < world.client_count; i++) {
        check_latencies(&world.clients[i], MESSAGES, echo_ns);
    }
    end();
}

static void latency_counts_from_when_a_message_was_due(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        latencies_of_a_schedule(seed, 2 * MILLISECOND, 50);
    }
}

/* The whole queue is in the latency. */
static void latency_has_the_time_before_a_message_can_begin(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        latencies_of_a_schedule(seed, 200 * MILLISECOND, 1000);
    }
}

/* ---- what is measured ------------------------------------------------------------------------ */

/* A steady run of three seconds: the last two are measured. */
static bool is_two_thirds(uint64_t measured, uint64_t all)
{
    return 300 * measured >= 196 * all && 300 * measured <= 204 * all;
}

static void warm_up_is_left_out(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        make();
        world.plan.warmup_ns = SECOND;
        world.plan.duration_ns = 3 * SECOND;
        WORLD_CHECK(run() == 3 * SECOND);
        const struct client_stats *stats = &world.client_stats;
        WORLD_CHECK(verdict.ok);
        WORLD_CHECK(is_two_thirds(stats->measured_messages, stats->counters.messages));
        WORLD_CHECK(is_two_thirds(stats->measured_bytes, stats->counters.verified));
        WORLD_CHECK(is_two_thirds(stats->latency.count, stats->counters.messages));
        end();
    }
}

static bool is_about(uint64_t count, uint64_t expected)
{
    return count + 1 >= expected && count <= expected + 1;
}

/* A message is due every 10 ms. It belongs to the part in which it was due. */
static void messages_before_hostile_ones_are_told_apart(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        make();
        world.plan.rate = 100;
        world.plan.warmup_ns = SECOND / 2;
        world.plan.duration_ns = 2 * SECOND;
        world.plan.hostile = true;
        world.plan.hostile_from_ns = SECOND;
        (void)run();
        const struct client_stats *stats = &world.client_stats;
        WORLD_CHECK(is_about(stats->latency_before.count, 50));
        WORLD_CHECK(is_about(stats->latency_beside.count, 100));
        WORLD_CHECK(stats->latency_before.count + stats->latency_beside.count ==
                    stats->latency.count);
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

/* At some time nothing arrives any more, and no timeout ends a connection. */
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

/* There is no listener at the first address: that is no failure and costs no pause. */
static void the_next_address_is_tried_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        make();
        world.plan.addresses = world.addresses;
        world.plan.address_count = 2;
        world.plan.give_up_ns = 5 * SECOND;
        for (size_t i = 0; i < world.client_count; i++) {
            world.clients[i].requests_left = 3 * world.clients[i].user_count;
        }
        uint64_t users = world_users();
        (void)run();
        const struct client_counters *c = &world.client_stats.counters;
        WORLD_CHECK(verdict.ok);
        WORLD_CHECK(c->connected == users && c->connect_failures == 0);
        WORLD_CHECK(c->attempts > users && c->attempts <= 2 * users);
        WORLD_CHECK(world.client_stats.down_ns == 0);
        end();
    }
}

/* The machine is often short of buffers: other connections come up, and later all do. */
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

/* ---- a server that drains ------------------------------------------------------------------ */

/* The messages never end. So the server ends its side at half of its drain timeout, and cuts no
 * connection. */
static void a_drain_under_load_cuts_no_connection(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, MILLISECOND);
        make();
        world.plan.allow_drain = true;
        world.echo_config.drain_timeout_ns = 10 * SECOND;
        world.drain_ns = begun_ns + SECOND;
        (void)run();
        const struct server_counters *served = &world.server_stats.counters;
        const struct client_counters *c = &world.client_stats.counters;
        WORLD_CHECK(served->drained == world_users() && served->cut == 0);
        WORLD_CHECK(c->drained + c->closed_by_server == world_users() && c->lost == 0);
        WORLD_CHECK(sim_now() - begun_ns >= 6 * SECOND && sim_now() - begun_ns < 8 * SECOND);
        world_check_books(false);
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
        cmocka_unit_test(a_rate_is_kept),
        cmocka_unit_test(a_crowded_client_sleeps_until_a_message_is_due),
        cmocka_unit_test(a_client_is_crowded_if_waiting_takes_too_many_cpus),
        cmocka_unit_test(a_schedule_that_is_kept_is_fine),
        cmocka_unit_test(sizes_are_those_of_the_connection),
        cmocka_unit_test(thinking_makes_a_pace),
        cmocka_unit_test(the_schedule_is_even),
        cmocka_unit_test(random_gaps_keep_the_rate),
        cmocka_unit_test(overdue_messages_hold_up_no_end),
        cmocka_unit_test(latency_counts_from_when_a_message_was_due),
        cmocka_unit_test(latency_has_the_time_before_a_message_can_begin),
        cmocka_unit_test(warm_up_is_left_out),
        cmocka_unit_test(messages_before_hostile_ones_are_told_apart),
        cmocka_unit_test(a_connect_that_never_ends_is_given_up),
        cmocka_unit_test(a_silent_network_is_given_up),
        cmocka_unit_test(time_in_which_nothing_is_due_does_not_count),
        cmocka_unit_test(the_first_error_stops_the_run),
        cmocka_unit_test(the_next_address_is_tried_at_once),
        cmocka_unit_test(a_shortage_is_not_a_missing_server),
        cmocka_unit_test(a_drain_under_load_cuts_no_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
