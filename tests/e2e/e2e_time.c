/*
 * Time limits never hit a peer while its bytes move or lie unread.
 */

#include "e2e.h"

#include <stdlib.h>
#include <string.h>

#include "sys.h"
#include "util.h"

/* The time limit of these tests, far longer than any pause of a test on a busy machine. */
#define LIMIT_MS 3000

/* ---- a server that is stopped --------------------------------------------------------------- */

/* More connections than a poll of any backend handles at once. */
#define PEERS 300

/* What the clients send while the server is stopped lies in its sockets when it continues. */
static void a_stopped_server_blames_no_peer(void **state)
{
    struct e2e_server server;
    uv_os_sock_t peers[PEERS];
    (void)state;
    e2e_needs_signal(SIGSTOP);
    e2e_server(&server, "-t", "1", "--idle-timeout", e2e_duration(LIMIT_MS), NULL);
    for (size_t i = 0; i < LENGTH(peers); i++) {
        peers[i] = e2e_peer(&server);
        e2e_peer_echoes(peers[i], "before", 6);
    }
    e2e_signal(server.process, SIGSTOP);
    for (size_t i = 0; i < LENGTH(peers); i++) {
        assert_int_equal(peer_send(peers[i], "while", 5), 5);
    }
    (void)process_pump(e2e_ms(LIMIT_MS * 4 / 3), NULL, NULL);
    e2e_signal(server.process, SIGCONT);
    for (size_t i = 0; i < LENGTH(peers); i++) {
        assert_int_equal(e2e_peer_wait(peers[i], PATIENCE_MS), 5);
    }
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    /* from then on one of them may have been idle for the limit */
    uint64_t idle = e2e_server_sum(server.process, "idle");
    assert_int_equal(e2e_server_sum(server.process, "closed_by_client") + idle, PEERS);
}

/* ---- a client that is stopped --------------------------------------------------------------- */

/* The answers come while the client is stopped, and lie in its sockets when it continues. */
static void a_stopped_client_blames_no_server(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_needs_signal(SIGSTOP);
    e2e_server(&server, "--stats-interval", "20ms", NULL);
    struct process *client = e2e_client(&server, "-t", "1", "-c", e2e_text("%d", PEERS),
                                        "--timeout", e2e_duration(LIMIT_MS), NULL);
    e2e_sees_open(&server, PEERS);
    e2e_signal(client, SIGSTOP);
    (void)process_pump(e2e_ms(LIMIT_MS * 4 / 3), NULL, NULL);
    e2e_signal(client, SIGCONT);
    (void)process_pump(e2e_ms(LIMIT_MS / 6), NULL, NULL);
    e2e_signal(client, SIGTERM);
    e2e_ends(client, 0);
    e2e_succeeds(e2e_report(client, 0));
    e2e_books_agree(&server, client);
}

/* ---- a peer that reads slowly ---------------------------------------------------------------- */

#define SLOW_BYTES (256 * KIB)
#define SLOW_STEP ((size_t)2 * KIB)

static uint8_t sent[SLOW_BYTES];

/* Sends all of `sent`, reads a little now and then until well after the limit, and then reads the
 * rest. */
static void reads_slowly(uv_os_sock_t peer)
{
    uint8_t chunk[SLOW_STEP];
    size_t out = 0;
    size_t in = 0;
    uint64_t until_ms = e2e_now_ms() + e2e_ms(LIMIT_MS * 3 / 2);
    while (in < SLOW_BYTES) {
        int count = out < SLOW_BYTES ? peer_send(peer, sent + out, SLOW_BYTES - out) : 0;
        assert_true(count >= 0 || count == UV_EAGAIN);
        out += count > 0 ? (size_t)count : 0;
        count = peer_recv(peer, chunk, sizeof(chunk));
        assert_true(count > 0 || count == UV_EAGAIN);
        if (count > 0) {
            assert_memory_equal(chunk, sent + in, (size_t)count);
            in += (size_t)count;
        }
        bool slowly = e2e_now_ms() < until_ms && in + SLOW_STEP < SLOW_BYTES;
        (void)process_pump(slowly ? e2e_ms(LIMIT_MS / 60) : count < 0, NULL, NULL);
    }
}

/* The buffer limits of both sides decide where the bytes lie that the peer has not read. */
static void slow_reader_is_served(const char *sndbuf, const char *buffer_size)
{
    struct e2e_server server;
    uv_os_sock_t peer;
    e2e_noise(sent, sizeof(sent), 7);
    e2e_server(&server, "-t", "1", "--idle-timeout", e2e_duration(LIMIT_MS), "--sndbuf", sndbuf,
               "--buffer-size", buffer_size, NULL);
    peer = e2e_peer_with(&server, 4096);
    reads_slowly(peer);
    e2e_peer_echoes(peer, "still here", 10);
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "closed_by_client"), 1);
}

static void slow_reader_of_small_sends_lives_beyond_the_idle_timeout(void **state)
{
    (void)state;
    slow_reader_is_served("16KiB", "4KiB");
}

/* There is one send, and the peer takes a little of it now and then. */
static void slow_reader_of_a_large_send_lives_beyond_the_idle_timeout(void **state)
{
    (void)state;
    if (sys_is_wine()) {
        e2e_skip("Wine 8 does not tell what a peer has taken");
    }
    slow_reader_is_served("16KiB", "256KiB");
}

/* The last send completed long ago. */
static void what_leaves_the_systems_queue_is_progress(void **state)
{
    (void)state;
    if (sys_is_wine()) {
        e2e_skip("Wine 8 does not tell what a peer has taken");
    }
    slow_reader_is_served("1MiB", "256KiB");
}

/* ---- peers that read nothing ----------------------------------------------------------------- */

#define STUCK 100

/* The peers send until nothing moves. There are fewer buffers than peers. */
static void stuck_readers(const struct e2e_server *server)
{
    static uint8_t chunk[64 * KIB];
    uv_os_sock_t peers[STUCK];
    for (size_t i = 0; i < STUCK; i++) {
        peers[i] = e2e_peer_with(server, 4096);
    }
    for (unsigned quiet = 0; quiet < 10; quiet++) {
        for (size_t i = 0; i < STUCK; i++) {
            if (peer_send(peers[i], chunk, sizeof(chunk)) > 0) {
                quiet = 0;
            }
        }
        (void)process_pump(5, NULL, NULL);
    }
}

/* There are many times more stuck peers than the server resets at once. */
static void stuck_readers_do_not_starve_others(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "1", "--sndbuf", "16KiB", "--rcvbuf", "16KiB", "--buffer-memory",
               "1MiB", "--buffer-size", "64KiB", "--stall-timeout", e2e_duration(1000),
               "--idle-timeout", "0", NULL);
    stuck_readers(&server);
    e2e_peer_echoes(e2e_peer(&server), "served", 6);
    (void)e2e_line(server.process, PROCESS_ERR, "--stall-timeout", 0);
    e2e_tear_down_peers();
    e2e_server_ends_without_resets(&server);
    assert_true(e2e_server_sum(server.process, "stalled") > 0);
    assert_int_equal(e2e_server_sum(server.process, "idle"), 0);
    e2e_ends_add_up(e2e_report(server.process, 0));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(a_stopped_server_blames_no_peer),
        E2E(a_stopped_client_blames_no_server),
        E2E(slow_reader_of_small_sends_lives_beyond_the_idle_timeout),
        E2E(slow_reader_of_a_large_send_lives_beyond_the_idle_timeout),
        E2E(what_leaves_the_systems_queue_is_progress),
        E2E(stuck_readers_do_not_starve_others),
    };
    return e2e_run(argc, argv, tests);
}
