/*
 * --sndbuf=none: the system keeps no copy of what is sent. So a send and its memory last until the
 * peer has acknowledged the bytes. On systems other than Windows it is a usage error.
 */

#include "e2e.h"

#include <string.h>

#include "net.h"
#include "util.h"

/* Ends the test where the option does not exist, after checking the message. */
static void needs_unbuffered_sends(void)
{
    if (net_sends_unbuffered) {
        return;
    }
    struct process *server =
        e2e_start(e2e_server_path, "-e:0", "--sndbuf=none", e2e_backend_argument(), NULL);
    e2e_ends(server, 2);
    e2e_says(server, PROCESS_ERR, "--sndbuf: 'none' works only on Windows");
    e2e_skip("this system buffers what is sent");
}

static void messages_of_every_size_come_back(void **state)
{
    static const char *const sizes[] = {"1", "64", "4KiB", "64KiB", "1MiB"};
    (void)state;
    needs_unbuffered_sends();
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        struct e2e_server server;
        e2e_server(&server, "-t", "2", "--sndbuf=none", NULL);
        struct process *client = e2e_client(&server, "--sndbuf=none", "-c", "8", "-P", "2", "-s",
                                            sizes[i], "--requests", "80", NULL);
        e2e_ends(client, 0);
        assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.messages"), 80);
        e2e_books_agree(&server, client);
        assert_string_equal(e2e_string(e2e_report(server.process, 0), "options.sndbuf"), "none");
    }
}

/* The last send is not complete when the peer has all of its bytes. */
static void all_comes_back_before_the_end_of_the_stream(void **state)
{
    static const size_t sizes[] = {1, 4096, MIB};
    static uint8_t data[MIB];
    struct e2e_server server;
    (void)state;
    needs_unbuffered_sends();
    e2e_noise(data, sizeof(data), 7);
    e2e_server(&server, "--sndbuf=none", NULL);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        assert_int_equal(e2e_peer_finish(e2e_peer(&server), data, sizes[i]), 0);
    }
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "closed_by_client"), 3);
}

/* Bytes that the peers do not read stay in the server's buffers, of which there are eight here. */
static void slow_readers_cost_the_buffers_alone(void **state)
{
    struct e2e_server server;
    (void)state;
    needs_unbuffered_sends();
    e2e_server(&server, "-t", "1", "--sndbuf=none", "--buffer-size", "128KiB", "--buffer-memory",
               "1MiB", "--drain-timeout", "500ms", "--stall-timeout", e2e_duration(500), NULL);
    for (size_t i = 0; i < 16; i++) {
        (void)e2e_slow_reader(&server);
    }
    e2e_peer_echoes(e2e_peer(&server), "hello", 5); /* when a stalled connection was dropped */
    e2e_tear_down_peers();
    e2e_signal(server.process, SIGINT);
    int code = process_wait(server.process, PATIENCE_MS);
    assert_true(code == 0 ||
                code == 1); /* some may be reset, if their own resets have not come yet */
    assert_int_equal(e2e_server_sum(server.process, "accepted"), 17);
}

/* The system owns the memory of a cancelled send until its completion. */
static void a_stop_cuts_what_is_not_taken(void **state)
{
    struct e2e_server server;
    (void)state;
    needs_unbuffered_sends();
    e2e_server(&server, "--sndbuf=none", "--drain-timeout", "300ms", NULL);
    for (size_t i = 0; i < 4; i++) {
        (void)e2e_slow_reader(&server);
    }
    e2e_signal(server.process, SIGINT);
    e2e_ends(server.process, 1);
    assert_int_equal(e2e_server_sum(server.process, "cut"), 4);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(messages_of_every_size_come_back),
        E2E(all_comes_back_before_the_end_of_the_stream),
        E2E(slow_readers_cost_the_buffers_alone),
        E2E(a_stop_cuts_what_is_not_taken),
    };
    return e2e_run(argc, argv, tests);
}
