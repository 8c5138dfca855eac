/*
 * Both sides of the program over the `iocp` backend and the simulated Winsock, for one seed after
 * another. Each seed has its own faults, delays, races, modes and commands. A seed that fails is
 * run again by `test_iocp --seed=N`.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include "iocp_network.h"
#include "log.h"
#include "world.h"

static struct winsock_counts sum;

static void run_world(const struct winsock_config *config, enum world_kind kind)
{
    iocp_network_begin(config, kind);
    world_run();
    world_check_classes();
    world_check_books(winsock_counts()->of[WINSOCK_RESETS] > 0);
    winsock_counts_add(&sum, winsock_counts());
    iocp_network_end();
}

/* Draws everything that Windows leaves open, and the modes. Most faults show in a small world, of a
 * few connections and messages, and many of these can be run. */
static void random_world(uint64_t seed, enum world_kind kind)
{
    struct winsock_config config;
    winsock_config_random(&config, seed);
    config.violated = world_fail;
    world_next(seed);
    world.accept_mode = (unsigned)world_chance(2); /* the third has a thread */
    world.recv_mode = (unsigned)world_chance(2);
    run_world(&config, kind);
}

static void describe(const char *what, uint64_t seeds, uint64_t messages)
{
    char text[1024];
    winsock_describe(&sum, text, sizeof(text));
    print_message("%" PRIu64 " %s worlds, %" PRIu64 " messages: %s\n", seeds, what, messages, text);
}

/* With wsaaccept a thread runs beside the loop: few worlds, not repeatable. */
static void worlds_with_a_thread_keep_their_books(void **state)
{
    uint64_t seeds = world_options.seed_count / 700 + 1;
    uint64_t messages = 0;
    (void)state;
    memset(&sum, 0, sizeof(sum));
    for (uint64_t i = 0; i < seeds; i++) {
        struct winsock_config config;
        winsock_config_random(&config, world_options.first_seed + i);
        config.threads = true;
        world_next(world_options.first_seed + i);
        world.accept_mode = 2;
        run_world(&config, WORLD_SMALL);
        messages += world.client_stats.counters.messages;
    }
    describe("threaded", seeds, messages);
}

static void random_worlds(const char *what, enum world_kind kind, uint64_t seeds)
{
    uint64_t messages = 0;
    memset(&sum, 0, sizeof(sum));
    for (uint64_t i = 0; i < seeds; i++) {
        random_world(world_options.first_seed + i, kind);
        messages += world.client_stats.counters.messages;
    }
    describe(what, seeds, messages);
}

static void small_worlds_keep_their_books(void **state)
{
    (void)state;
    random_worlds("small", WORLD_SMALL, world_options.seed_count);
}

static void random_worlds_keep_their_books(void **state)
{
    (void)state;
    random_worlds("random", WORLD_RANDOM, world_options.seed_count / 200 + 1);
}

/* Completions come late, reordered, in parts and by races. But there is no fault, so every message
 * is answered. */
static void perfect_worlds_lose_nothing(void **state)
{
    uint64_t seeds = world_options.seed_count / 200 + 1;
    (void)state;
    for (uint64_t seed = world_options.first_seed; seed < world_options.first_seed + seeds;
         seed++) {
        struct winsock_config config;
        iocp_network_lossless(&config, seed);
        world_next(seed);
        world.accept_mode = (unsigned)(seed % 2);
        world.recv_mode = (unsigned)(seed / 2 % 2);
        iocp_network_begin(&config, WORLD_CALM);
        uint64_t wanted = world_requests();
        world_run();
        world_check_classes();
        world_check_books(false);
        world_check_perfect(wanted);
        iocp_network_end();
    }
}

/* With acceptex-data. Clients that send are served all the same, and silent ones are reaped. */
static void silent_clients_delay_nobody_and_are_reaped(void **state)
{
    enum { SILENT = 20 };
    uint64_t reaped = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct winsock_config config;
        uv_os_sock_t silent[SILENT];
        iocp_network_lossless(&config, seed);
        world_next(seed);
        world.accept_mode = 1;
        world.accept_timeout_ns = 100 * 1000 * 1000;
        iocp_network_begin(&config, WORLD_CALM);
        for (size_t i = 0; i < SILENT; i++) {
            silent[i] = iocp_network_silent_client();
        }
        uint64_t wanted = world_requests();
        world_run();
        world_check_classes();
        WORLD_CHECK(world.client_stats.counters.messages == wanted);
        reaped += world.accepts_reaped;
        for (size_t i = 0; i < SILENT; i++) {
            iocp_network_hang_up(silent[i]);
        }
        iocp_network_end();
    }
    print_message("%" PRIu64 " reaped\n", reaped);
    assert_true(reaped > 0);
}

static void probe_asks_for_what_the_backend_needs(void **state)
{
    const struct winsock_config config = {.seed = 1};
    char why[100];
    (void)state;
    winsock_begin(&config);
    assert_int_equal(backend_iocp.probe(why, sizeof(why)), 0);
    assert_string_equal(why, "");
    size_t call = winsock_call_named("WSAIoctl");
    winsock_fail(call, 1, winsock_calls[call].codes[0]);
    assert_true(backend_iocp.probe(why, sizeof(why)) < 0);
    assert_non_null(strstr(why, "AcceptEx"));
    winsock_end();
}

int main(int argc, char **argv)
{
    if (world_parse_options(argc, argv, 70000 * TEST_EFFORT / 100) != 0) {
        return 2;
    }
    log_setup("test_iocp", false);
    if (world_options.seed_count > 1) {
        log_redirect(NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_worlds_keep_their_books),
        cmocka_unit_test(random_worlds_keep_their_books),
        cmocka_unit_test(perfect_worlds_lose_nothing),
        cmocka_unit_test(worlds_with_a_thread_keep_their_books),
        cmocka_unit_test(silent_clients_delay_nobody_and_are_reaped),
        cmocka_unit_test(probe_asks_for_what_the_backend_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
