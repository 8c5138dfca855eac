/*
 * The server over time and with many connections. Closed connections leave nothing behind, and idle
 * ones need next to nothing.
 *
 * ECHOPORT_SOAK_SECONDS in the environment sets how long connections come and go; the default is 5.
 */

#include "e2e.h"

#include <stdlib.h>

#define SOAK_SECONDS 5
#define IDLE 1000
#define IDLE_COST 1024 /* bytes of memory that an idle connection may cost the program */

#define HANDLES_SLACK 8        /* what the system opens on first use, and keeps */
#define MEMORY_SLACK (2 * MIB) /* what an allocator keeps for reuse */

struct use {
    size_t handles;
    uint64_t rss_bytes;
};

static uint64_t soak_ms(void)
{
    const char *seconds = getenv("ECHOPORT_SOAK_SECONDS");
    uint64_t count = seconds != NULL ? strtoull(seconds, NULL, 10) : 0;
    return (count > 0 ? count : SOAK_SECONDS) * 1000;
}

static bool measure(const struct e2e_server *server, struct use *use)
{
    return process_handles(server->process, &use->handles) &&
           process_rss_bytes(server->process, &use->rss_bytes);
}

/* Ways for a peer to leave: without a byte, with an echo on its way, after the echo. */
static void come_and_reset(const struct e2e_server *server)
{
    static uint8_t data[20000];
    e2e_peer_reset(e2e_peer(server));
    uv_os_sock_t peer = e2e_peer(server);
    assert_true(peer_send(peer, data, sizeof(data)) > 0);
    e2e_peer_reset(peer);
    peer = e2e_peer(server);
    e2e_peer_echoes(peer, data, sizeof(data));
    e2e_peer_reset(peer);
}

/* A client with short-lived connections, and resets beside it. */
static void churn(const struct e2e_server *server, uint64_t ms)
{
    const char *duration = e2e_text("%ums", (unsigned)ms);
    struct process *client =
        e2e_client(server, "-t", "2", "-c", "16", "--lifetime", "3", "-d", duration, NULL);
    while (!process_has_ended(client)) {
        come_and_reset(server);
        (void)process_pump(5, NULL, NULL);
    }
    const json_t *report = e2e_end_report(client, 0);
    uint64_t connected = e2e_uint(report, "counters.connected");
    print_message("%u connections of the client\n", (unsigned)connected);
    assert_true(connected > 20); /* Wine is slow at it */
    assert_int_equal(e2e_uint(report, "counters.verified"), e2e_uint(report, "counters.sent"));
}

struct rest {
    const struct e2e_server *server;
    const struct use *first;
    struct use now;
};

static bool is_as_before(void *context)
{
    struct rest *rest = context;
    bool known = measure(rest->server, &rest->now);
    return known && rest->now.handles <= rest->first->handles + HANDLES_SLACK;
}

static void churn_leaves_nothing_behind(void **state)
{
    struct e2e_server server;
    struct use first;
    (void)state;
    e2e_server(&server, "-t", "2", "--stats-interval", "100ms", NULL); /* what wakes the wait */
    churn(&server, 1000);                                              /* warm-up */
    if (!measure(&server, &first)) {
        e2e_skip("the system does not say what a process uses");
    }
    churn(&server, soak_ms());
    struct rest rest = {.server = &server, .first = &first};
    bool ended = process_pump(PATIENCE_MS, is_as_before, &rest); /* the last ones close */
    print_message("handles %u, then %u; memory %u KiB, then %u KiB\n", (unsigned)first.handles,
                  (unsigned)rest.now.handles, (unsigned)(first.rss_bytes / KIB),
                  (unsigned)(rest.now.rss_bytes / KIB));
    assert_true(ended);
    assert_true(rest.now.rss_bytes <= first.rss_bytes + MEMORY_SLACK || e2e_is_sanitized());
    e2e_server_ends(&server);
    e2e_ends_add_up(e2e_report(server.process, 0));
}

static void idle_connections_cost_next_to_nothing(void **state)
{
    struct e2e_server server;
    struct use before;
    struct use after;
    uint8_t data[4096];
    (void)state;
    if (peer_setup() < IDLE + 100) {
        e2e_skip("too few descriptors");
    }
    e2e_noise(data, sizeof(data), 4);
    e2e_server(&server, "-t", "2", NULL);
    for (size_t i = 0; i < 20; i++) {
        e2e_peer_echoes(e2e_peer(&server), data, sizeof(data));
    }
    if (!measure(&server, &before)) {
        e2e_skip("the system does not say what a process uses");
    }
    for (size_t i = 0; i < IDLE; i++) {
        e2e_peer_echoes(e2e_peer(&server), data, sizeof(data));
    }
    assert_true(measure(&server, &after));
    int64_t growth = (int64_t)(after.rss_bytes - before.rss_bytes);
    print_message("%d bytes each\n", (int)(growth / IDLE));
    assert_true(growth < (int64_t)(IDLE * IDLE_COST + MIB) || e2e_is_sanitized());
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    const json_t *workers = e2e_member(e2e_report(server.process, 0), "workers");
    for (size_t i = 0; i < json_array_size(workers); i++) {
        /* no worker held buffers for more connections than were busy at the same time */
        assert_true(e2e_uint(json_array_get(workers, i), "io.buffers_peak") < 20);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(churn_leaves_nothing_behind),
        E2E(idle_connections_cost_next_to_nothing),
    };
    return e2e_run(argc, argv, tests);
}
