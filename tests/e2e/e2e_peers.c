/*
 * The server among peers of every kind: no peer changes the bytes of another, and no peer harms
 * another.
 */

#include "e2e.h"

#include <stdlib.h>
#include <string.h>

#include "range.h"
#include "util.h"

/* ---- bytes --------------------------------------------------------------------------------- */

static void b3_nul_bytes_come_back(void **state)
{
    static const size_t nul_at[] = {0, 1, 2, 100, 4095};
    struct e2e_server server;
    uint8_t data[4096];
    (void)state;
    e2e_server(&server, NULL);
    for (size_t i = 0; i < LENGTH(nul_at); i++) {
        memset(data, 'x', sizeof(data));
        data[nul_at[i]] = 0;
        e2e_peer_echoes(e2e_peer(&server), data, sizeof(data));
    }
    memset(data, 0, sizeof(data));
    e2e_peer_echoes(e2e_peer(&server), data, sizeof(data));
    uv_os_sock_t peer = e2e_peer(&server);
    for (unsigned byte = 0; byte < 256; byte++) {
        data[0] = (uint8_t)byte;
        e2e_peer_echoes(peer, data, 1);
    }
}

static void megabytes_come_back_unchanged(void **state)
{
    struct e2e_server server;
    size_t length = 5 * MIB + 3;
    uint8_t *data = malloc(length);
    (void)state;
    assert_non_null(data);
    e2e_noise(data, length, 5);
    e2e_server(&server, "-t", "1", NULL);
    int status = e2e_peer_try(e2e_peer(&server), data, length);
    free(data);
    assert_int_equal(status, 0);
}

static void single_bytes_come_back(void **state)
{
    struct e2e_server server;
    uint8_t data[1000];
    (void)state;
    e2e_noise(data, sizeof(data), 1);
    e2e_server(&server, NULL);
    uv_os_sock_t peer = e2e_peer(&server);
    assert_int_equal(peer_nodelay(peer), 0);
    for (size_t i = 0; i < sizeof(data); i++) {
        e2e_peer_echoes(peer, data + i, 1);
    }
}

/* ---- peers that do nothing, or leave ------------------------------------------------------- */

static void b4_silent_connections_delay_no_other(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "2", NULL);
    e2e_serves_beside_silent_peers(&server, 20);
    if (process_has_ended(server.process)) {
        assert_int_equal(e2e_server_sum(server.process, "accepted"), 24);
    }
}

/* Serves a peer after `count` that left in this way at once, and ends. */
static void serves_after(struct e2e_server *server, size_t count, void (*leave)(uv_os_sock_t peer))
{
    e2e_server(server, NULL);
    for (size_t i = 0; i < count; i++) {
        leave(e2e_peer(server));
    }
    e2e_peer_echoes(e2e_peer(server), "hello", 5);
    e2e_tear_down_peers();
    e2e_server_ends(server);
}

static void b5_connections_that_are_reset_at_once(void **state)
{
    struct e2e_server server;
    (void)state;
    serves_after(&server, 200, e2e_peer_reset);
    assert_int_equal(e2e_server_sum(server.process, "sent"), 5);
    e2e_ends_add_up(e2e_report(server.process, 0));
}

static void resets_in_the_middle_of_a_message(void **state)
{
    struct e2e_server server;
    uint8_t data[10000];
    (void)state;
    e2e_noise(data, sizeof(data), 2);
    e2e_server(&server, NULL);
    uv_os_sock_t other = e2e_peer(&server);
    for (size_t i = 0; i < 50; i++) {
        uv_os_sock_t peer = e2e_peer(&server);
        assert_true(peer_send(peer, data, sizeof(data)) > 0);
        e2e_peer_reset(peer);
        e2e_peer_echoes(other, data, 100);
    }
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    const json_t *report = e2e_report(server.process, 0);
    assert_true(e2e_uint(report, "counters.sent") <= e2e_uint(report, "counters.received"));
    assert_true(e2e_uint(report, "counters.failed") <= 50);
    e2e_ends_add_up(report);
}

static void connections_without_a_byte(void **state)
{
    struct e2e_server server;
    (void)state;
    serves_after(&server, 100, e2e_peer_close);
    assert_int_equal(e2e_server_sum(server.process, "closed_by_client"), 101);
}

/* ---- limits -------------------------------------------------------------------------------- */

/* Whether a new peer is served. Tries again for a while. */
static uv_os_sock_t served_at_last(const struct e2e_server *server)
{
    uint64_t until_ms = e2e_now_ms() + PATIENCE_MS;
    for (;;) {
        uv_os_sock_t peer = e2e_peer(server);
        int status = e2e_peer_try(peer, "hello", 5);
        if (status == 0) {
            return peer;
        }
        if (e2e_now_ms() > until_ms) {
            fail_msg("no new connection is served: %s", uv_err_name(status));
        }
        e2e_peer_close(peer);
        (void)process_pump(5, NULL, NULL);
    }
}

static void connections_beyond_the_limit_are_refused(void **state)
{
    struct e2e_server server;
    uv_os_sock_t peers[6];
    unsigned refused = 0;
    (void)state;
    e2e_server(&server, "--max-connections", "4", "-t", "2", NULL);
    for (size_t i = 0; i < 4; i++) {
        peers[i] = e2e_peer(&server);
        e2e_peer_echoes(peers[i], "hello", 5);
    }
    for (size_t i = 4; i < 6; i++) {
        peers[i] = e2e_peer(&server);
        int status = e2e_peer_wait(peers[i], PATIENCE_MS);
        assert_true(status == 0 || status == UV_ECONNRESET);
        refused++;
    }
    (void)e2e_line(server.process, PROCESS_ERR, "--max-connections", 0);
    for (size_t i = 0; i < 4; i++) {
        e2e_peer_echoes(peers[i], "still here", 10);
    }
    e2e_peer_close(peers[0]);
    (void)served_at_last(&server);
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "accepted"), 5);
    assert_true(e2e_server_sum(server.process, "refused") >= refused);
}

#define IDLE_MS 1000

/* A peer sends bytes as often as the machine allows, until another peer has been closed as idle.
 * This peer may be closed too, but only if it was idle for the limit. Returns how many bytes came
 * back. */
static size_t is_active_beside(uv_os_sock_t active, uv_os_sock_t idle)
{
    size_t echoes = 0;
    uint64_t last_ms = e2e_now_ms();
    while (e2e_peer_wait(idle, IDLE_MS / 20) != 0) {
        uint64_t now_ms = e2e_now_ms();
        if (e2e_peer_try(active, "b", 1) != 0) {
            assert_true(e2e_now_ms() - last_ms >= IDLE_MS);
            assert_int_equal(e2e_peer_wait(idle, PATIENCE_MS), 0);
            return echoes;
        }
        last_ms = now_ms;
        echoes++;
    }
    return echoes;
}

/* Not before the limit. test_echo_time.c tests how soon after it. */
static void idle_connections_are_closed(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--idle-timeout", e2e_text("%dms", IDLE_MS), NULL);
    uv_os_sock_t active = e2e_peer(&server);
    uint64_t begin_ms = e2e_now_ms();
    size_t echoes = is_active_beside(active, e2e_peer(&server));
    assert_true(e2e_now_ms() - begin_ms >= IDLE_MS);
    assert_true(echoes > 0);
    assert_int_equal(e2e_peer_wait(active, PATIENCE_MS), 0);
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "idle"), 2);
    assert_int_equal(e2e_server_sum(server.process, "sent"), echoes);
}

/* ---- descriptors --------------------------------------------------------------------------- */

static bool limit_descriptors(const struct process *process, size_t limit)
{
    const char *const arguments[] = {e2e_text("--pid=%d", process_id(process)),
                                     e2e_text("--nofile=%u:", (unsigned)limit), NULL};
    struct process *prlimit = process_start("prlimit", arguments, NULL);
    return prlimit != NULL && process_wait(prlimit, PATIENCE_MS) == 0;
}

/* As many descriptors as it has now, and `more`. */
static void limit_server(const struct e2e_server *server, size_t more)
{
    size_t descriptors;
    if (!process_handles(server->process, &descriptors) ||
        !limit_descriptors(server->process, descriptors + more)) {
        e2e_skip("there is no /proc or no prlimit here");
    }
}

/* It waits and does not spin. */
static void is_at_rest(const struct e2e_server *server)
{
    uint64_t before_ms;
    uint64_t after_ms;
    (void)process_pump(100, NULL, NULL);
    assert_true(process_cpu_ms(server->process, &before_ms));
    (void)process_pump(500, NULL, NULL);
    assert_true(process_cpu_ms(server->process, &after_ms));
    assert_true(after_ms - before_ms < 100);
}

static void out_of_descriptors_and_back(void **state)
{
    struct e2e_server server;
    uv_os_sock_t first[4];
    (void)state;
    e2e_server(&server, "-t", "1", NULL);
    for (size_t i = 0; i < 4; i++) {
        first[i] = e2e_peer(&server);
        e2e_peer_echoes(first[i], "hello", 5);
    }
    limit_server(&server, 2);
    for (size_t i = 0; i < 10; i++) {
        (void)e2e_peer(&server);
    }
    is_at_rest(&server);
    for (size_t i = 0; i < 4; i++) {
        e2e_peer_echoes(first[i], "still here", 10);
    }
    assert_true(process_count_lines(server.process, PROCESS_ERR, "cannot accept") <= 3);
    e2e_tear_down_peers();
    (void)served_at_last(&server);
    e2e_tear_down_peers();
    e2e_server_ends(&server);
}

/* Workers pass free places to each other. All continue, and none spins. */
static void workers_out_of_descriptors_and_back(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "2", NULL);
    limit_server(&server, 20);
    struct process *client =
        e2e_client(&server, "-c", "90", "-d", e2e_duration(500), "--timeout", e2e_duration(1000),
                   "--drain-timeout", e2e_duration(1000), NULL);
    assert_int_not_equal(process_wait(client, PATIENCE_MS), PROCESS_LATE);
    is_at_rest(&server);
    (void)served_at_last(&server);
    e2e_tear_down_peers();
    e2e_server_ends(&server);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(b3_nul_bytes_come_back),
        E2E(megabytes_come_back_unchanged),
        E2E(single_bytes_come_back),
        E2E(b4_silent_connections_delay_no_other),
        E2E(b5_connections_that_are_reset_at_once),
        E2E(resets_in_the_middle_of_a_message),
        E2E(connections_without_a_byte),
        E2E(connections_beyond_the_limit_are_refused),
        E2E(idle_connections_are_closed),
        E2E(out_of_descriptors_and_back),
        E2E(workers_out_of_descriptors_and_back),
    };
    return e2e_run(argc, argv, tests);
}
