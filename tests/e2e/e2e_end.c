/*
 * Ends: Ctrl-C once and twice, half-close, drain, deadline, crash.
 */

#include "e2e.h"
#include "range.h"
#include "sys.h"
#include "util.h"

/* The exit code of a server that had to reset connections at its end. */
#define EXIT_AFTER_CUT 1

/* ---- Ctrl-C -------------------------------------------------------------------------------- */

static void endless_until_ctrl_c(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--stats-interval", "20ms", NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "8", NULL);
    e2e_sees_open(&server, 8);
    (void)e2e_line(server.process, PROCESS_ERR, " 8 open, ", 10);
    assert_false(process_has_ended(client));
    e2e_signal(client, SIGINT);
    const json_t *report = e2e_end_report(client, 0);
    assert_true(json_is_true(e2e_member(report, "ok")));
    assert_int_equal(e2e_uint(report, "counters.completed"), 8);
    assert_int_equal(e2e_uint(report, "counters.cut"), 0);
    assert_true(e2e_real(report, "messages_per_second") > 0);
    e2e_books_agree(&server, client);
}

static void ctrl_c_on_a_server_under_load(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--stats-interval", "20ms", "--drain-timeout", "4s", NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "8", "--allow-drain", NULL);
    e2e_sees_open(&server, 8);
    e2e_signal(server.process, SIGINT);
    uint64_t cut = e2e_ends_drained(&server, 8);
    e2e_signal(client, SIGINT);
    e2e_ends(client, 1); /* the server had stopped listening */
    const json_t *served = e2e_report(server.process, 0);
    const json_t *report = e2e_report(client, 0);
    e2e_ends_add_up(report);
    if (cut > 0) {
        return; /* bytes on their way at that moment are lost */
    }
    assert_int_equal(e2e_uint(served, "counters.drained"), 8);
    assert_int_equal(
        e2e_uint(report, "counters.drained") + e2e_uint(report, "counters.closed_by_server"), 8);
    assert_int_equal(e2e_uint(report, "counters.lost"), 0);
    assert_int_equal(e2e_uint(report, "counters.failed"), 0);
    assert_true(e2e_uint(report, "counters.connect_failures") > 0);
    uint64_t received = e2e_uint(served, "counters.received");
    uint64_t sent = e2e_uint(served, "counters.sent");
    assert_int_equal(e2e_uint(report, "counters.verified"), sent);
    assert_int_equal(e2e_uint(report, "counters.sent"), received);
    assert_int_equal(received, sent + e2e_uint(served, "counters.discarded"));
}

static void a_second_ctrl_c_ends_the_server_at_once(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--drain-timeout", E2E_NEVER, NULL);
    (void)e2e_slow_reader(&server);
    e2e_signal(server.process, SIGINT);
    (void)e2e_line(server.process, PROCESS_ERR, "once more to end at once", 0);
    e2e_signal(server.process, SIGINT);
    const json_t *report = e2e_end_report(server.process, EXIT_AFTER_CUT);
    assert_int_equal(e2e_uint(report, "counters.cut"), 1);
    e2e_ends_add_up(report);
}

static void waits_for_a_moment(uint64_t ms)
{
    (void)process_pump(e2e_ms(ms), NULL, NULL);
    print_message("signalled after %u ms\n", (unsigned)e2e_ms(ms));
}

static void b17_ctrl_c_is_honoured_at_any_moment(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    for (uint64_t ms = 0; ms < 10; ms++) {
        struct process *other =
            e2e_start(e2e_server_path, "-e:0", "-t:4", e2e_backend_argument(), NULL);
        waits_for_a_moment(ms);
        e2e_server_stops_early(other);
        struct process *client = e2e_client(&server, "-t", "4", NULL);
        waits_for_a_moment(ms);
        e2e_client_stops_early(client);
    }
}

/* ---- half-close ---------------------------------------------------------------------------- */

static void b12_half_close_gives_all_and_then_fin(void **state)
{
    static const size_t sizes[] = {0, 1, 4096, 65535, 65536, 65537, MIB + 1, 8 * MIB};
    const size_t count = LENGTH(sizes);
    struct e2e_server server;
    static uint8_t data[8 * MIB];
    (void)state;
    e2e_noise(data, sizeof(data), 12);
    e2e_server(&server, NULL);
    for (size_t i = 0; i < count; i++) {
        int status = e2e_peer_finish(e2e_peer(&server), data, sizes[i]);
        if (status != 0) {
            fail_msg("%u bytes: %s", (unsigned)sizes[i], uv_err_name(status));
        }
    }
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "closed_by_client"), count);
    assert_int_equal(e2e_server_sum(server.process, "failed"), 0);
}

/* ---- drain --------------------------------------------------------------------------------- */

static void silent_connections_are_drained_soon(void **state)
{
    struct e2e_server server;
    uv_os_sock_t peers[5];
    (void)state;
    e2e_server(&server, "--drain-timeout", E2E_NEVER, NULL);
    for (size_t i = 0; i < 5; i++) {
        peers[i] = e2e_peer(&server);
        e2e_peer_echoes(peers[i], "hello", 5);
    }
    e2e_signal(server.process, SIGTERM);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(e2e_peer_wait(peers[i], PATIENCE_MS), 0); /* FIN */
        assert_int_equal(peer_send(peers[i], "late", 4), 4);
        e2e_peer_close(peers[i]);
    }
    const json_t *report = e2e_end_report(server.process, 0);
    assert_int_equal(e2e_uint(report, "counters.drained"), 5);
    assert_int_equal(e2e_uint(report, "counters.discarded"), 20);
    assert_int_equal(e2e_uint(report, "counters.received"), 45);
    assert_int_equal(e2e_uint(report, "counters.sent"), 25);
    e2e_ends_add_up(report);
}

static void b13_a_slow_reader_is_cut_at_the_deadline(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--drain-timeout", "1s", NULL);
    (void)e2e_slow_reader(&server);
    uint64_t begin_ms = e2e_now_ms();
    e2e_signal(server.process, SIGTERM);
    e2e_ends(server.process, EXIT_AFTER_CUT);
    assert_true(e2e_now_ms() - begin_ms >= 1000);
    const json_t *report = e2e_report(server.process, 0);
    assert_int_equal(e2e_uint(report, "counters.cut"), 1);
    assert_true(e2e_uint(report, "counters.sent") <= e2e_uint(report, "counters.received"));
    e2e_ends_add_up(report);
}

static void without_a_drain_timeout_all_are_cut(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--drain-timeout", "0", NULL);
    uv_os_sock_t peer = e2e_peer(&server);
    e2e_peer_echoes(peer, "hello", 5);
    e2e_signal(server.process, SIGTERM);
    e2e_ends(server.process, EXIT_AFTER_CUT);
    e2e_peer_is_reset(peer);
    assert_int_equal(e2e_server_sum(server.process, "cut"), 1);
}

/* ---- crashes ------------------------------------------------------------------------------- */

static void b14_shutdown_after_an_aborted_client(void **state)
{
    /* Wine keeps some sockets of a killed process open. They are reset at the deadline. */
    const uint64_t left_open = sys_is_wine() ? 64 : 0;
    const unsigned runs = sys_is_wine() ? 4 : 10;
    (void)state;
    for (unsigned run = 0; run < runs; run++) {
        struct e2e_server server;
        e2e_server(&server, "--stats-interval", "10ms", "-t", "4", "--drain-timeout",
                   left_open > 0 ? "2s" : E2E_NEVER, NULL);
        struct process *client = e2e_client(&server, "-t", "64", "-c", "64", NULL);
        e2e_sees_open(&server, 16 + 4 * run);
        e2e_signal(client, SIGKILL);
        e2e_ends(client, -SIGKILL);
        e2e_signal(server.process, SIGINT);
        int ended = process_wait(server.process, PATIENCE_MS);
        assert_true(ended == 0 || (left_open > 0 && ended == EXIT_AFTER_CUT));
        const json_t *report = e2e_report(server.process, 0);
        assert_true(e2e_uint(report, "counters.accepted") >= 16 + 4 * run);
        assert_true(e2e_uint(report, "counters.cut") <= left_open);
        e2e_ends_add_up(report);
        process_end_all();
    }
}

static void a_killed_server_is_reported(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--stats-interval", "20ms", NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "8", NULL);
    e2e_sees_open(&server, 8);
    e2e_signal(server.process, SIGKILL);
    e2e_interrupt_after(client, "cannot connect", 0);
    const json_t *report = e2e_end_report(client, 1);
    assert_true(e2e_uint(report, "counters.connected") >= 8);
    assert_true(e2e_uint(report, "counters.connect_failures") > 0);
    assert_int_equal(e2e_uint(report, "counters.mismatches"), 0);
    assert_true(e2e_errors(report, "connect", "ECONNREFUSED") > 0);
    e2e_ends_add_up(report);
}

static void a_stopped_server_loses_nothing(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_needs_signal(SIGSTOP);
    e2e_server(&server, "--stats-interval", "20ms", NULL);
    struct process *client = e2e_client(&server, "-t", "2", "-c", "8", "-P", "4", NULL);
    e2e_sees_open(&server, 8);
    for (unsigned i = 0; i < 3; i++) {
        e2e_signal(server.process, SIGSTOP);
        (void)process_pump(100, NULL, NULL);
        e2e_signal(server.process, SIGCONT);
        e2e_signal(client, SIGSTOP);
        (void)process_pump(50, NULL, NULL);
        e2e_signal(client, SIGCONT);
    }
    e2e_signal(client, SIGINT);
    e2e_ends(client, 0);
    e2e_books_agree(&server, client);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(endless_until_ctrl_c),
        E2E(ctrl_c_on_a_server_under_load),
        E2E(a_second_ctrl_c_ends_the_server_at_once),
        E2E(b17_ctrl_c_is_honoured_at_any_moment),
        E2E(b12_half_close_gives_all_and_then_fin),
        E2E(silent_connections_are_drained_soon),
        E2E(b13_a_slow_reader_is_cut_at_the_deadline),
        E2E(without_a_drain_timeout_all_are_cut),
        E2E(b14_shutdown_after_an_aborted_client),
        E2E(a_killed_server_is_reported),
        E2E(a_stopped_server_loses_nothing),
    };
    return e2e_run(argc, argv, tests);
}
