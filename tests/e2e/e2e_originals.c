/*
 * The defects of the samples of 1998, by number. Each test shows that its defect is absent here.
 * Where a defect is a whole subject of its own, other tests go further.
 */

#include "e2e.h"

#include <string.h>

#include "backend.h"
#include "fake_server.h"
#include "net.h"
#include "range.h"
#include "util.h"

/* The backend's accept modes, with NULL at the end. {NULL} if it has only one way. */
struct modes {
    const char *const *accept;
    const char *const *recv;
};

static struct modes modes_of_backend(void)
{
    static const char *const none[] = {NULL};
    const struct backend *backend = NULL;
    char why[256];
    assert_int_equal(backend_choose(e2e_backend(), &backend, why, sizeof(why)), 0);
    return (struct modes){backend->accept_modes != NULL ? backend->accept_modes : none,
                          backend->recv_modes != NULL ? backend->recv_modes : none};
}

/* Runs the test in each accept mode of the backend, at least in the default. */
static void in_each_accept_mode(void (*test)(const char *accept))
{
    struct modes modes = modes_of_backend();
    test(NULL);
    for (size_t i = 1; modes.accept[0] != NULL && modes.accept[i] != NULL; i++) {
        print_message("--accept=%s\n", modes.accept[i]);
        test(e2e_text("--accept=%s", modes.accept[i]));
    }
}

static void serves(const struct e2e_server *server)
{
    e2e_peer_echoes(e2e_peer(server), "hello", 5);
}

/* 1: a second server on the same port printed nothing and exited with 0. */
static void defect_01_port_in_use_is_said(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *late =
        e2e_start(e2e_server_path, e2e_text("-e:%s", server.port), e2e_backend_argument(), NULL);
    e2e_ends(late, 1);
    e2e_says(late, PROCESS_ERR, e2e_text("127.0.0.1:%s", server.port));
    e2e_says(late, PROCESS_ERR, uv_strerror(UV_EADDRINUSE));
    e2e_says(late, PROCESS_ERR, "is another server running there");
#ifdef _WIN32 /* the other address that it may name */
    e2e_says(late, PROCESS_ERR, "netsh int ipv4 show excludedportrange tcp");
#endif
    serves(&server);
}

/* 2: output went to the console only, so a pipe or a file stayed empty. */
static void defect_02_output_goes_where_it_is_sent(void **state)
{
    struct e2e_server server;
    const char *path = e2e_path("client.txt");
    (void)state;
    e2e_server_listens(&server, e2e_start(e2e_server_path, "-e:0", e2e_backend_argument(), NULL));
    const char *const arguments[] = {"-n:127.0.0.1", e2e_text("-e:%s", server.port), "--requests=7",
                                     e2e_backend_argument(), NULL};
    struct process *client = process_start(e2e_client_path, arguments, path);
    assert_non_null(client);
    e2e_ends(client, 0);
    assert_non_null(strstr(e2e_read_file(path), "messages     7,"));
    e2e_server_ends(&server);
    e2e_says(server.process, PROCESS_OUT, "1 served");
}

static void echoes_after_a_nul(const char *accept)
{
    struct e2e_server server;
    uint8_t data[3000];
    e2e_noise(data, sizeof(data), 3);
    data[2] = 0;
    e2e_server(&server, accept, NULL);
    for (size_t length = 3; length <= sizeof(data); length += 999) {
        e2e_peer_echoes(e2e_peer(&server), data, length);
    }
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "sent"), 3 + 1002 + 2001 + 3000);
}

/* 3: data that came with the accept was treated as a string. After its first NUL came zeros. */
static void defect_03_bytes_after_a_nul_come_back(void **state)
{
    (void)state;
    in_each_accept_mode(echoes_after_a_nul);
}

static void serves_beside_silent_ones(const char *accept)
{
    struct e2e_server server;
    /* long enough to delay a server that waits for the end of the stream */
    e2e_server(&server, "-t", "2", "--accept-timeout", "10m", accept, NULL);
    e2e_serves_beside_silent_peers(&server, 40);
}

/* 4: a client that connected and sent nothing made all others wait. Seven filled the backlog. */
static void defect_04_silent_clients_delay_no_other(void **state)
{
    (void)state;
    in_each_accept_mode(serves_beside_silent_ones);
}

/* One after another, so that each meets a pending accept. */
static void survives_resets_one_by_one(const char *accept)
{
    struct e2e_server server;
    e2e_server(&server, "-t", "1", "--accept-depth", "1", accept, NULL);
    for (size_t i = 0; i < 50; i++) {
        e2e_peer_reset(e2e_peer(&server));
    }
    serves(&server);
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    e2e_ends_add_up(e2e_report(server.process, 0));
    assert_int_equal(e2e_server_sum(server.process, "sent"), 5);
}

/* 5: a client that reset its connection before it sent a byte ended the server. */
static void defect_05_a_reset_before_data_ends_nothing(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "1", NULL);
    uv_os_sock_t other = e2e_peer(&server);
    for (size_t i = 0; i < 20; i++) {
        e2e_peer_reset(e2e_peer(&server));
        e2e_peer_echoes(other, "still here", 10);
    }
    serves(&server);
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "sent"), 205);
}

/* 6: an accept that failed was not submitted again, so the server accepted nothing more. Here one
 * accept is outstanding and meets reset after reset. (For accepts that fail for want of descriptors
 * see e2e_peers.c and wine_shortage.) */
static void defect_06_a_failed_accept_is_made_again(void **state)
{
    (void)state;
    in_each_accept_mode(survives_resets_one_by_one);
}

static void survives_resets_in_the_backlog(const char *accept)
{
    struct e2e_server server;
    uv_os_sock_t peers[50];
    e2e_server(&server, "-t", "1", "--accept-depth", "1", accept, NULL);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < LENGTH(peers); i++) {
            peers[i] = e2e_peer(&server);
        }
        for (size_t i = LENGTH(peers); i-- > 0;) { /* newest first */
            e2e_peer_reset(peers[i]);
        }
        serves(&server);
    }
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    e2e_ends_add_up(e2e_report(server.process, 0));
    assert_int_equal(e2e_server_sum(server.process, "sent"), 15);
}

/* 7: every error of WSAAccept ended the server. Here connections are reset while they wait to be
 * accepted. */
static void defect_07_an_accept_error_ends_nothing(void **state)
{
    (void)state;
    in_each_accept_mode(survives_resets_in_the_backlog);
}

/* 8: an array of threads had room for eight processors. */
static void defect_08_more_threads_than_processors(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "64", NULL);
    struct process *client = e2e_client(&server, "-t", "64", "--requests", "640", NULL);
    e2e_ends(client, 0);
    assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.messages"), 640);
    e2e_books_agree(&server, client);
    const json_t *workers = e2e_member(e2e_report(server.process, 0), "workers");
    assert_int_equal(json_array_size(workers), 64);
}

/* 9: with messages of some megabytes both sides blocked in a send. */
static void defect_09_large_messages_do_not_deadlock(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-b:8192", "--requests", "2", NULL);
    e2e_ends(client, 0);
    assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.verified"), 16 * MIB);
    e2e_books_agree(&server, client);
}

/* 10: without a send buffer and with Nagle's algorithm, each large message met a delayed
 * acknowledgement of 40 ms. Nagle's algorithm is off on both sides (test_net.c asks the sockets).
 * bench/ measures how long a message takes. */
static void defect_10_large_messages_do_not_stall(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "1", NULL);
    e2e_echoes_large_messages(&server, "100");
}

/* 11: with a backlog of five and one accept at a time, most of many simultaneous clients were
 * refused. Where a process can be stopped, the test connects all of them before any is accepted. */
static void defect_11_a_burst_of_clients_is_served(void **state)
{
    struct e2e_server server;
    uv_os_sock_t peers[200];
    (void)state;
    e2e_server(&server, "-t", "1", NULL);
    bool stopped = process_can_signal(SIGSTOP);
    if (stopped) {
        e2e_signal(server.process, SIGSTOP);
    }
    for (size_t i = 0; i < LENGTH(peers); i++) {
        peers[i] = e2e_peer(&server);
    }
    if (stopped) {
        e2e_signal(server.process, SIGCONT);
    }
    for (size_t i = 0; i < LENGTH(peers); i++) {
        e2e_peer_echoes(peers[i], "hello", 5);
    }
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "accepted"), LENGTH(peers));
}

/* 12: a client that shut down its side got all its data and then a reset instead of FIN. */
static void defect_12_a_half_close_is_answered_with_fin(void **state)
{
    static const size_t sizes[] = {0, 1, 100000, MIB};
    static uint8_t data[MIB];
    struct e2e_server server;
    (void)state;
    e2e_noise(data, sizeof(data), 12);
    e2e_server(&server, NULL);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        assert_int_equal(e2e_peer_finish(e2e_peer(&server), data, sizes[i]), 0);
    }
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "closed_by_client"), LENGTH(sizes));
}

/* 13: a client that sent and did not read kept the server from ending. */
static void defect_13_a_slow_reader_does_not_hold_the_end(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--drain-timeout", "500ms", NULL);
    (void)e2e_slow_reader(&server);
    uint64_t begin_ms = e2e_now_ms();
    e2e_signal(server.process, SIGINT);
    e2e_ends(server.process, 1); /* a connection was reset */
    assert_true(e2e_now_ms() - begin_ms >= 500);
    assert_int_equal(e2e_server_sum(server.process, "cut"), 1);
}

/* 14: at Ctrl-C the server freed memory that the system still used. It crashed in two of eleven
 * runs. */
static void defect_14_a_stop_under_load_is_clean(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 3; run++) {
        struct e2e_server server;
        e2e_server(&server, "--stats-interval", "20ms", "-t", "4", "--drain-timeout", "4s", NULL);
        struct process *client = e2e_client(&server, "-t", "4", "-c", "64", "-P", "4", NULL);
        e2e_sees_open(&server, 64);
        e2e_signal(server.process, SIGINT);
        e2e_ends_drained(&server, 64);
        e2e_signal(client, SIGINT);
        e2e_ends(client, 1); /* the server had stopped listening */
        assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.mismatches"), 0);
    }
}

/* 15: the client waited forever, and silently, for a connection that could not be made. */
static void defect_15_a_failed_connect_is_said(void **state)
{
    (void)state;
    struct process *client = e2e_client_at(e2e_free_port(), "-t", "2", "-c", "4", NULL);
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, uv_strerror(UV_ECONNREFUSED));
    assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.connect_failures"), 4);
}

/* 16: the exit code was always 0. */
static void defect_16_exit_codes_tell_what_happened(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    e2e_ends(e2e_client(&server, "--requests", "1", NULL), 0);
    e2e_ends(e2e_client(&server, "--requests", "0x", NULL), 2);
    e2e_ends(e2e_start(e2e_server_path, e2e_text("-e:%s", server.port), NULL), 1);
    e2e_ends(e2e_start(e2e_server_path, "-e:65536", NULL), 2);
    e2e_server_ends(&server); /* with 0 */
    e2e_ends(e2e_client(&server, "--requests", "1", NULL), 1);
}

/* 17: Ctrl-C before the listener existed was lost. */
static void defect_17_a_stop_at_the_start_is_honoured(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 5; run++) {
        struct process *server =
            e2e_start(e2e_server_path, "-e:0", "-t:4", e2e_backend_argument(), NULL);
        (void)process_pump(run, NULL, NULL); /* at a different moment of the start each time */
        e2e_server_stops_early(server);
    }
}

/* 18, first: at most 64 connections. */
static void defect_18_a_hundred_connections(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "100", "-R", "1k", "--requests",
                                        "100", NULL); /* one each */
    e2e_ends(client, 0);
    assert_int_equal(e2e_uint(e2e_report(client, 0), "up_peak"), 100);
    e2e_books_agree(&server, client);
}

/* 18, second: only IPv4. */
static void defect_18_both_families(void **state)
{
    struct e2e_server server;
    (void)state;
    if (!e2e_has_ipv6()) {
        e2e_skip("there is no IPv6 here");
    }
    e2e_server_listens(&server, e2e_start(e2e_server_path, "-l", "[::1]:0", "--json",
                                          e2e_backend_argument(), NULL));
    struct process *client =
        e2e_start(e2e_client_path, "-n", "::1", "-e", server.port, "--requests", "10", "--json",
                  e2e_seed_argument(), e2e_backend_argument(), NULL);
    e2e_ends(client, 0);
    e2e_books_agree(&server, client);
}

/* 18, third: the client waited forever for a silent server. */
static void defect_18_an_answer_has_a_time_limit(void **state)
{
    struct fake_plan plan = {.mode = FAKE_MUTE, .size = 100, .affected = 1};
    (void)state;
    struct fake_server *fake = fake_server_start(process_loop(), &plan);
    assert_non_null(fake);
    struct process *client = e2e_client_at(fake_server_port(fake), "-s", "100", "--requests", "1",
                                           "--timeout", "300ms", NULL);
    int ended = process_wait(client, PATIENCE_MS);
    fake_server_stop(fake);
    assert_int_equal(ended, 1);
    assert_true(e2e_uint(e2e_report(client, 0), "counters.timeouts") >= 1);
}

/* 18, fourth: only two bytes of each buffer were checked. Here a single bit is wrong, at any
 * place. */
static void defect_18_every_byte_is_checked(void **state)
{
    static const uint64_t offsets[] = {0, 1, 500, 998, 999};
    (void)state;
    for (size_t i = 0; i < LENGTH(offsets); i++) {
        struct fake_plan plan = {
            .mode = FAKE_FLIP, .offset = offsets[i], .size = 1000, .affected = 1};
        struct fake_server *fake = fake_server_start(process_loop(), &plan);
        assert_non_null(fake);
        struct process *client =
            e2e_client_at(fake_server_port(fake), "-s", "1000", "--requests", "1", NULL);
        int ended = process_wait(client, PATIENCE_MS);
        fake_server_stop(fake);
        assert_int_equal(ended, 1);
        e2e_says(client, PROCESS_ERR, e2e_text("at offset %u:", (unsigned)offsets[i]));
    }
}

/* ---- their client --------------------------------------------------------------------------- */

enum { THREADS = 64, MESSAGES = 20, MESSAGE = 4 * KIB };

/* A thread of the client of 1998. Its messages consist of one byte value, different in each
 * thread. */
struct original {
    uv_thread_t thread;
    const struct sockaddr_storage *address;
    uint8_t value;
    int status;        /* 0, or a UV error */
    unsigned messages; /* messages with the right first and last byte */
};

/* Sends a message and receives as many bytes: 0 or a UV error. */
static int original_exchange(uv_os_sock_t peer, const uint8_t *out, uint8_t *in)
{
    size_t moved = 0;
    while (moved < MESSAGE) {
        int count = peer_send(peer, out + moved, MESSAGE - moved);
        if (count < 0) {
            return count;
        }
        moved += (size_t)count;
    }
    for (moved = 0; moved < MESSAGE;) {
        int count = peer_recv(peer, in + moved, MESSAGE - moved);
        if (count <= 0) {
            return count == 0 ? UV_EOF : count;
        }
        moved += (size_t)count;
    }
    return 0;
}

static void original_main(void *argument)
{
    struct original *original = argument;
    uint8_t out[MESSAGE];
    uint8_t in[MESSAGE];
    uv_os_sock_t peer;
    memset(out, original->value, sizeof(out));
    original->status = peer_connect(original->address, 0, &peer);
    if (original->status != 0) {
        return;
    }
    original->status = peer_block(peer, true);
    for (unsigned i = 0; i < MESSAGES && original->status == 0; i++) {
        memset(in, ~original->value, sizeof(in));
        original->status = original_exchange(peer, out, in);
        original->messages +=
            original->status == 0 && in[0] == original->value && in[MESSAGE - 1] == original->value;
    }
    peer_reset(peer); /* the process ended with the connection open */
}

static void serves_original_clients(const char *accept, const char *recv, const char *sndbuf)
{
    static struct original originals[THREADS];
    struct e2e_server server;
    e2e_server(&server, "-t", "2", accept, recv, sndbuf, NULL);
    for (size_t i = 0; i < THREADS; i++) {
        originals[i] = (struct original){.address = &server.address, .value = (uint8_t)(i * 5)};
        assert_int_equal(uv_thread_create(&originals[i].thread, original_main, &originals[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(uv_thread_join(&originals[i].thread), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(originals[i].status, 0);
        assert_int_equal(originals[i].messages, MESSAGES);
    }
    serves(&server);
    e2e_tear_down_peers();
    e2e_server_ends(&server);
    e2e_ends_add_up(e2e_report(server.process, 0));
    assert_int_equal(e2e_server_sum(server.process, "accepted"), THREADS + 1);
    assert_int_equal(e2e_server_sum(server.process, "received"), THREADS * MESSAGES * MESSAGE + 5);
}

/* A backend without modes refuses the option, with a message. */
static const char *mode_argument(const char *option, const char *mode)
{
    return mode != NULL ? e2e_text("--%s=%s", option, mode) : e2e_backend_argument();
}

/* 64 at once, the most that it could do. Its check of two bytes is enough to detect bytes of
 * another connection. */
static void their_client_is_served_in_each_mode(void **state)
{
    struct modes modes = modes_of_backend();
    size_t accept = 0;
    (void)state;
    do {
        size_t recv = 0;
        do {
            const char *accept_argument = mode_argument("accept", modes.accept[accept]);
            const char *recv_argument = mode_argument("recv", modes.recv[recv]);
            print_message("%s %s\n", accept_argument, recv_argument);
            serves_original_clients(accept_argument, recv_argument, "--sndbuf=0");
            if (net_sends_unbuffered) { /* as their servers did */
                serves_original_clients(accept_argument, recv_argument, "--sndbuf=none");
            }
        } while (modes.recv[recv] != NULL && modes.recv[++recv] != NULL);
    } while (modes.accept[accept] != NULL && modes.accept[++accept] != NULL);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(defect_01_port_in_use_is_said),
        E2E(defect_02_output_goes_where_it_is_sent),
        E2E(defect_03_bytes_after_a_nul_come_back),
        E2E(defect_04_silent_clients_delay_no_other),
        E2E(defect_05_a_reset_before_data_ends_nothing),
        E2E(defect_06_a_failed_accept_is_made_again),
        E2E(defect_07_an_accept_error_ends_nothing),
        E2E(defect_08_more_threads_than_processors),
        E2E(defect_09_large_messages_do_not_deadlock),
        E2E(defect_10_large_messages_do_not_stall),
        E2E(defect_11_a_burst_of_clients_is_served),
        E2E(defect_12_a_half_close_is_answered_with_fin),
        E2E(defect_13_a_slow_reader_does_not_hold_the_end),
        E2E(defect_14_a_stop_under_load_is_clean),
        E2E(defect_15_a_failed_connect_is_said),
        E2E(defect_16_exit_codes_tell_what_happened),
        E2E(defect_17_a_stop_at_the_start_is_honoured),
        E2E(defect_18_a_hundred_connections),
        E2E(defect_18_both_families),
        E2E(defect_18_an_answer_has_a_time_limit),
        E2E(defect_18_every_byte_is_checked),
        E2E(their_client_is_served_in_each_mode),
    };
    return e2e_run(argc, argv, tests);
}
