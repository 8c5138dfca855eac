/*
 * The server's memory stays bounded, whatever its clients do. Not with a sanitizer, which needs
 * memory of its own.
 */

#include "e2e.h"

#include <string.h>

#define CONNECTIONS 5000

static uint64_t rss_of(const struct e2e_server *server)
{
    uint64_t bytes = 0;
    assert_true(process_rss_bytes(server->process, &bytes));
    return bytes;
}

static void needs_memory_of_its_own(const struct e2e_server *server)
{
    uint64_t bytes;
    if (!process_rss_bytes(server->process, &bytes)) {
        e2e_skip("the system does not say how much memory a process has");
    }
}

static void rested_connections_hold_no_buffer(void **state)
{
    struct e2e_server server;
    uint8_t data[4096];
    (void)state;
    if (e2e_is_sanitized()) {
        e2e_skip("a sanitizer's memory would be measured");
    }
    if (peer_setup() < CONNECTIONS + 100) {
        e2e_skip("too few descriptors");
    }
    e2e_noise(data, sizeof(data), 3);
    e2e_server(&server, "-t", "2", NULL);
    needs_memory_of_its_own(&server);
    for (size_t i = 0; i < 20; i++) {
        e2e_peer_echoes(e2e_peer(&server), data, sizeof(data));
    }
    uint64_t before = rss_of(&server);
    for (size_t i = 20; i < CONNECTIONS; i++) {
        e2e_peer_echoes(e2e_peer(&server), data, sizeof(data));
    }
    uint64_t growth = rss_of(&server) - before;
    print_message("%u bytes a connection\n", (unsigned)(growth / CONNECTIONS));
    assert_true(growth < CONNECTIONS * 1024 + MIB);
    e2e_tear_down_peers();
    e2e_server_ends(&server);
}

/* Sends until 200 MiB are out or the server has taken nothing for a while. */
static uint64_t send_and_never_read(uv_os_sock_t peer)
{
    static uint8_t chunk[65536];
    uint64_t sent = 0;
    unsigned quiet = 0;
    while (sent < 200 * MIB && quiet < 30) {
        int count = peer_send(peer, chunk, sizeof(chunk));
        assert_true(count > 0 || count == UV_EAGAIN);
        if (count > 0) {
            sent += (uint64_t)count;
            quiet = 0;
        } else {
            (void)process_pump(10, NULL, NULL);
            quiet++;
        }
    }
    return sent;
}

static void a_peer_that_never_reads_costs_nothing(void **state)
{
    struct e2e_server server;
    (void)state;
    if (e2e_is_sanitized()) {
        e2e_skip("a sanitizer's memory would be measured");
    }
    e2e_server(&server, "-t", "2", "--drain-timeout", "100ms", NULL);
    needs_memory_of_its_own(&server);
    /* A ring uses its buffers in turn, so each is touched once, by the first connections that
     * send. */
    struct process *client =
        e2e_client(&server, "-c", "16", "-s", "256KiB", "--requests", "400", NULL);
    e2e_ends(client, 0);
    uint64_t before = rss_of(&server);
    uv_os_sock_t peer = e2e_peer(&server);
    uint64_t sent = send_and_never_read(peer);
    client = e2e_client(&server, "-c", "4", "--requests", "400", NULL);
    e2e_ends(client, 0);
    (void)send_and_never_read(peer);
    uint64_t after = rss_of(&server);
    print_message("%u KiB taken, memory grew by %d KiB\n", (unsigned)(sent / KIB),
                  (int)((int64_t)(after - before) / (int64_t)KIB));
    assert_true(after < before + 2 * MIB);
    e2e_peer_reset(peer);
    e2e_server_ends_without_resets(&server);
}

/* A process that becomes another program by exec() keeps the peak of the first one, says
 * getrusage(2). Our reports must not include it. */
static void the_peak_of_its_parent_is_not_counted(void **state)
{
    const size_t size = 300 * MIB;
    struct e2e_server server;
    (void)state;
    if (e2e_is_sanitized()) {
        e2e_skip("a sanitizer's memory would be measured");
    }
    void *memory = test_malloc(size);
    memset(memory, 1, size);
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "--requests", "100", NULL);
    e2e_ends(client, 0);
    e2e_server_ends(&server);
    test_free(memory);
    uint64_t peak = e2e_uint(e2e_report(client, 0), "process.peak_rss_bytes");
    print_message("client %u KiB", (unsigned)(peak / KIB));
    assert_true(peak > 0 && peak < size / 2);
    if (e2e_report_count(server.process) > 0) { /* a killed server has no report */
        peak = e2e_uint(e2e_report(server.process, 0), "process.peak_rss_bytes");
        print_message(", server %u KiB", (unsigned)(peak / KIB));
        assert_true(peak > 0 && peak < size / 2);
    }
    print_message("\n");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(rested_connections_hold_no_buffer),
        E2E(a_peer_that_never_reads_costs_nothing),
        E2E(the_peak_of_its_parent_is_not_counted),
    };
    return e2e_run(argc, argv, tests);
}
