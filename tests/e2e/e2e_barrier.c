/* --barrier: clients that begin together, as processes of one machine. */

#include "e2e.h"
#include "net.h"
#include "sys.h"
#include "utc.h"
#include "util.h"

#include <inttypes.h>
#include <string.h>

#define SILENT_STRANGERS 100 /* more than rank 0 keeps */

/* Where rank 0 listens, and where the clients' server does. */
struct place {
    struct e2e_server server;
    struct e2e_server barrier; /* only its address */
    const char *at;
};

static void make_place(struct place *place)
{
    unsigned port = e2e_free_port();
    e2e_server(&place->server, NULL);
    place->at = e2e_text("127.0.0.1:%u", port);
    assert_int_equal(
        uv_ip4_addr("127.0.0.1", (int)port, (struct sockaddr_in *)&place->barrier.address), 0);
}

/* Without a limit of time, unless `more` gives one. Rank 0 says which ranks are there. */
static struct process *rank_of(const struct place *place, unsigned rank, unsigned ranks,
                               const char *more, const char *much_more)
{
    return e2e_start(e2e_client_path, e2e_text("127.0.0.1:%s", place->server.port), "--json",
                     e2e_text("--share=%u/%u", rank, ranks), "-c:8", "--requests=40",
                     e2e_text("--barrier=%s", place->at), "--run-token=the token",
                     "--barrier-timeout=" E2E_NEVER, e2e_backend_argument(),
                     rank == 0 ? "-v" : "--details", more, much_more, NULL);
}

static void comes(struct process *host, unsigned rank)
{
    (void)e2e_line(host, PROCESS_ERR, e2e_text("barrier: rank %u is there", rank), 0);
}

/* It ends with 1 and has begun nothing. */
static void fails_with(struct process *client, const char *why)
{
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, why);
    assert_string_equal(process_text(client, PROCESS_OUT), "");
}

/* ---- it works ------------------------------------------------------------------------------ */

static void have_run(struct process *const clients[], unsigned count, uint64_t after_ns)
{
    uint64_t messages = 0;
    json_int_t seed = 0;
    uint64_t run_id = 0;
    for (unsigned rank = 0; rank < count; rank++) {
        const json_t *report = e2e_end_report(clients[rank], 0);
        json_int_t its_seed = json_integer_value(e2e_member(report, "seed"));
        assert_true(its_seed > 0 && (rank == 0 || its_seed == seed));
        assert_string_equal(e2e_string(report, "share.start"), "barrier");
        uint64_t its_run_id = e2e_uint(report, "share.run_id");
        assert_true(its_run_id > 0 && (rank == 0 || its_run_id == run_id));
        assert_true(e2e_real(report, "started_unix") * 1e9 >= (double)after_ns);
        e2e_succeeds(report);
        messages += e2e_uint(report, "counters.messages");
        seed = its_seed;
        run_id = its_run_id;
    }
    assert_int_equal(messages, 40);
}

/* Whatever the order in which they come, also before there is a rank 0. */
static void all_begin_when_the_last_has_come(void **state)
{
    static const unsigned orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}};
    (void)state;
    for (size_t i = 0; i < LENGTH(orders); i++) {
        struct place place;
        struct process *clients[4];
        make_place(&place);
        for (unsigned k = 0; k < 3; k++) {
            clients[orders[i][k]] = rank_of(&place, orders[i][k], 4, NULL, NULL);
        }
        for (unsigned k = 0; k < 3; k++) {
            if (orders[i][0] == 0) {
                comes(clients[0], orders[i][k]);
            }
            assert_false(process_has_ended(clients[orders[i][k]]));
        }
        uint64_t after_ns = utc_now_ns();
        clients[orders[i][3]] = rank_of(&place, orders[i][3], 4, NULL, NULL);
        have_run(clients, 4, after_ns - after_ns % 1000);
        e2e_server_ends(&place.server);
    }
}

/* Then the seed does not tell this run from others, and run_id still does. */
static void a_given_seed_stays(void **state)
{
    struct place place;
    struct process *clients[2];
    uint64_t run_ids[2];
    (void)state;
    make_place(&place);
    for (unsigned rank = 0; rank < 2; rank++) {
        clients[rank] = rank_of(&place, rank, 2, "--seed=5", NULL);
    }
    for (unsigned rank = 0; rank < 2; rank++) {
        const json_t *report = e2e_end_report(clients[rank], 0);
        assert_int_equal(e2e_uint(report, "seed"), 5);
        run_ids[rank] = e2e_uint(report, "share.run_id");
    }
    assert_true(run_ids[0] == run_ids[1] && run_ids[0] > 5);
}

static void one_client_alone_begins(void **state)
{
    struct place place;
    (void)state;
    make_place(&place);
    struct process *client = rank_of(&place, 0, 1, NULL, NULL);
    have_run(&client, 1, 0);
}

static void ranks_wait_for_the_server_too(void **state)
{
    struct place place;
    struct process *clients[2];
    (void)state;
    make_place(&place);
    for (unsigned rank = 0; rank < 2; rank++) {
        clients[rank] = rank_of(&place, rank, 2, "--wait=" E2E_NEVER, NULL);
    }
    have_run(clients, 2, 0);
    e2e_server_ends(&place.server);
    assert_int_equal(e2e_server_sum(place.server.process, "accepted"), 8);
}

static void ranks_meet_at_an_ipv6_address_and_at_any(void **state)
{
    (void)state;
    if (!e2e_has_ipv6()) {
        e2e_skip("there is no IPv6 here");
    }
    for (unsigned i = 0; i < 2; i++) {
        struct place place;
        struct process *clients[2];
        make_place(&place);
        place.at = e2e_text("[::1]:%u", e2e_free_port());
        for (unsigned rank = 0; rank < 2; rank++) {
            clients[rank] = rank_of(&place, rank, 2, i > 0 ? "--barrier-listen=*" : NULL, NULL);
        }
        have_run(clients, 2, 0);
        e2e_says(clients[0], PROCESS_ERR, i > 0 ? "listens at [::]:" : "listens at [::1]:");
    }
}

/* ---- not all come -------------------------------------------------------------------------- */

static void missing_ranks_are_named(void **state)
{
    struct place place;
    (void)state;
    make_place(&place);
    struct process *host = rank_of(&place, 0, 3, "--barrier-timeout=300ms", NULL);
    fails_with(host, "--barrier: ranks 1-2 did not come within 300ms\n");
}

/* While rank 0 waits for its server, its time for the others has not begun. */
static void the_time_for_the_others_begins_when_rank_0_is_ready(void **state)
{
    struct place place;
    struct process *clients[2];
    (void)state;
    make_place(&place);
    const char *server = e2e_text("127.0.0.1:%u", e2e_free_port());
    for (unsigned rank = 0; rank < 2; rank++) {
        clients[rank] = e2e_start(e2e_client_path, e2e_text("--share=%u/3", rank), "-c:8", "-v",
                                  e2e_text("--barrier=%s", place.at), "--run-token=the token",
                                  rank == 0 ? "--barrier-timeout=1ms" : "--wait=0",
                                  rank == 0 ? "--wait=" E2E_NEVER : "--barrier-timeout=" E2E_NEVER,
                                  e2e_backend_argument(), server, NULL);
    }
    (void)e2e_line(clients[0], PROCESS_ERR, "waiting for ", 0);
    comes(clients[0], 1);
    (void)e2e_start(e2e_server_path, "-l", server, e2e_backend_argument(), NULL);
    fails_with(clients[0], "--barrier: rank 2 did not come within 1ms\n");
    fails_with(clients[1], "--barrier: rank 0 has ended the start: rank 2 did not come");
}

/* On a slow machine rank 1 may come after rank 0 has given up. Then it gives up by itself. */
static void a_missing_rank_ends_the_start_for_all(void **state)
{
    struct place place;
    (void)state;
    make_place(&place);
    struct process *host =
        rank_of(&place, 0, 3, e2e_text("--barrier-timeout=%s", e2e_duration(1500)), NULL);
    struct process *guest =
        rank_of(&place, 1, 3, e2e_text("--barrier-timeout=%s", e2e_duration(1500)), NULL);
    e2e_ends(host, 1);
    bool came = process_count_lines(host, PROCESS_ERR, "barrier: rank 1 is there") > 0;
    fails_with(host, came ? "--barrier: rank 2 did not come within " : "--barrier: ranks 1-2 did");
    fails_with(guest, came ? "--barrier: rank 0 has ended the start: rank 2 did not come within "
                           : "--barrier: rank 0 did not answer at ");
}

static void rank_0_may_be_the_missing_one(void **state)
{
    struct place place;
    (void)state;
    make_place(&place);
    struct process *guest = rank_of(&place, 1, 2, "--barrier-timeout=300ms", NULL);
    fails_with(guest, e2e_text("--barrier: rank 0 did not answer at %s within 300ms: ", place.at));
}

/* ---- one leaves ---------------------------------------------------------------------------- */

static void a_killed_rank_ends_the_start_for_all(void **state)
{
    struct place place;
    (void)state;
    if (sys_is_wine()) {
        e2e_skip("Wine keeps some sockets of a killed process open");
    }
    make_place(&place);
    struct process *host = rank_of(&place, 0, 4, NULL, NULL);
    struct process *guest = rank_of(&place, 1, 4, NULL, NULL);
    struct process *killed = rank_of(&place, 2, 4, NULL, NULL);
    comes(host, 1);
    comes(host, 2);
    e2e_signal(killed, SIGKILL);
    fails_with(host, "--barrier: rank 2 has left before the start\n");
    fails_with(guest, "--barrier: rank 0 has ended the start: rank 2 has left before the start\n");
}

static void a_rank_that_is_told_to_end_ends_the_start_for_all(void **state)
{
    struct place place;
    (void)state;
    e2e_needs_signal(SIGTERM);
    make_place(&place);
    struct process *host = rank_of(&place, 0, 4, NULL, NULL);
    struct process *guest = rank_of(&place, 1, 4, NULL, NULL);
    struct process *stopped = rank_of(&place, 2, 4, NULL, NULL);
    comes(host, 1);
    comes(host, 2);
    e2e_signal(stopped, SIGTERM);
    fails_with(stopped, "--barrier: told to end before all clients were there\n");
    fails_with(host, "--barrier: rank 2 has left before the start\n");
    fails_with(guest, "--barrier: rank 0 has ended the start: rank 2 has left");
}

static void rank_0_that_is_told_to_end_tells_the_others(void **state)
{
    struct place place;
    (void)state;
    e2e_needs_signal(SIGTERM);
    make_place(&place);
    struct process *host = rank_of(&place, 0, 3, NULL, NULL);
    struct process *guest = rank_of(&place, 1, 3, NULL, NULL);
    comes(host, 1);
    e2e_signal(host, SIGTERM);
    fails_with(host, "--barrier: told to end before all clients were there\n");
    fails_with(guest, "--barrier: rank 0 has ended the start: it was told to end\n");
}

static void a_killed_rank_0_is_noticed(void **state)
{
    struct place place;
    (void)state;
    if (sys_is_wine()) {
        e2e_skip("Wine keeps some sockets of a killed process open");
    }
    make_place(&place);
    struct process *host = rank_of(&place, 0, 3, NULL, NULL);
    struct process *guest = rank_of(&place, 1, 3, NULL, NULL);
    comes(host, 1);
    e2e_signal(host, SIGKILL);
    fails_with(guest, "--barrier: rank 0 has left before the start\n");
}

/* Rank 1 may come too late on a slow machine. Then it gives up by itself. */
static void rank_0_that_finds_no_server_tells_the_others(void **state)
{
    struct place place;
    (void)state;
    make_place(&place);
    const char *wait = e2e_text("--wait=%s", e2e_duration(1500));
    const char *barrier = e2e_text("--barrier=%s", place.at);
    const char *nowhere = e2e_text("127.0.0.1:%u", e2e_free_port());
    struct process *host =
        e2e_start(e2e_client_path, "--share=0/3", "-c:8", "-v", barrier, "--run-token=the token",
                  wait, e2e_backend_argument(), nowhere, NULL);
    struct process *guest =
        e2e_start(e2e_client_path, "--share=1/3", "-c:8", barrier, "--run-token=the token",
                  e2e_text("--barrier-timeout=%s", e2e_duration(5000)), e2e_backend_argument(),
                  nowhere, NULL);
    fails_with(host, e2e_text("--wait: %s is not up after ", nowhere));
    bool came = process_count_lines(host, PROCESS_ERR, "barrier: rank 1 is there") > 0;
    fails_with(guest, came ? "--barrier: rank 0 has ended the start: it could not begin; "
                           : "--barrier: rank 0 did not answer at ");
}

/* ---- one does not fit ---------------------------------------------------------------------- */

static void a_second_client_of_a_rank_is_refused(void **state)
{
    struct place place;
    struct process *clients[3];
    (void)state;
    make_place(&place);
    clients[0] = rank_of(&place, 0, 3, NULL, NULL);
    clients[1] = rank_of(&place, 1, 3, NULL, NULL);
    comes(clients[0], 1);
    fails_with(rank_of(&place, 1, 3, NULL, NULL),
               "--barrier: rank 0 refuses this client: another client is rank 1 already\n");
    (void)e2e_line(clients[0], PROCESS_ERR, "--barrier: refused a client: another client is rank 1",
                   0);
    clients[2] = rank_of(&place, 2, 3, NULL, NULL);
    have_run(clients, 3, 0);
}

/* Without that client the ranks can't become complete. */
static void does_not_fit(unsigned ranks, const char *option, const char *why)
{
    struct place place;
    make_place(&place);
    struct process *host = rank_of(&place, 0, 3, NULL, NULL);
    struct process *guest = rank_of(&place, 1, 3, NULL, NULL);
    comes(host, 1);
    fails_with(rank_of(&place, 2, ranks, option, NULL),
               e2e_text("--barrier: rank 0 refuses this client: %s", why));
    fails_with(host, e2e_text("--barrier: %s", why));
    fails_with(guest, e2e_text("--barrier: rank 0 has ended the start: %s", why));
}

static void a_rank_with_other_options_ends_the_start_for_all(void **state)
{
    (void)state;
    does_not_fit(3, "--rate=100", "--rate of rank 2 is not that of rank 0: all ");
    does_not_fit(3, "--seed=5", "--seed of rank 2 is not that of rank 0: all ");
}

static void a_rank_of_another_number_ends_the_start_for_all(void **state)
{
    (void)state;
    does_not_fit(4, NULL, "--share is 2/4 at one client, and 0/3 at rank 0: ");
}

static void another_token_is_refused_and_ends_nothing(void **state)
{
    struct place place;
    struct process *clients[2];
    (void)state;
    make_place(&place);
    clients[0] = rank_of(&place, 0, 2, NULL, NULL);
    (void)e2e_line(clients[0], PROCESS_ERR, "listens at", 0);
    fails_with(rank_of(&place, 1, 2, "--run-token=another", NULL), "has another --run-token");
    (void)e2e_line(clients[0], PROCESS_ERR, "refused a client at 127.0.0.1:", 0);
    clients[1] = rank_of(&place, 1, 2, NULL, NULL);
    have_run(clients, 2, 0);
}

/* ---- strangers ----------------------------------------------------------------------------- */

/* What a stranger may send to rank 0. */
static const char *const words[] = {
    "\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "\x16\x03\x01\x02\xff\xff",
    "echoport-barrier 2 0x1\n",
    "echoport-barrier 1 0x1\njoin 1 2 00 0x1\n",
    "echoport-barrier 1 0x1\n\n\n\n",
    "echoport-barrier 1 0x1\npong 0x0\n",
};

static void garbage_does_not_disturb(void **state)
{
    struct place place;
    struct process *clients[2];
    char flood[2000];
    (void)state;
    make_place(&place);
    clients[0] = rank_of(&place, 0, 2, NULL, NULL);
    (void)e2e_line(clients[0], PROCESS_ERR, "listens at", 0);
    memset(flood, 'a', sizeof(flood));
    for (size_t i = 0; i < LENGTH(words); i++) {
        assert_true(peer_send(e2e_peer(&place.barrier), words[i], strlen(words[i])) > 0);
    }
    assert_true(peer_send(e2e_peer(&place.barrier), flood, sizeof(flood)) > 0);
    e2e_peer_reset(e2e_peer(&place.barrier));
    clients[1] = rank_of(&place, 1, 2, NULL, NULL);
    have_run(clients, 2, 0);
}

/* After rank 0 has said hello. */
static void is_closed(uv_os_sock_t stranger)
{
    int received;
    do {
        received = e2e_peer_wait(stranger, PATIENCE_MS);
    } while (received > 0);
    assert_true(received == 0 || received == UV_ECONNRESET);
}

static void silent_strangers_do_not_keep_a_rank_out(void **state)
{
    struct place place;
    struct process *clients[2];
    (void)state;
    make_place(&place);
    clients[0] = rank_of(&place, 0, 2, NULL, NULL);
    (void)e2e_line(clients[0], PROCESS_ERR, "listens at", 0);
    uv_os_sock_t oldest = e2e_peer(&place.barrier);
    for (unsigned i = 1; i < SILENT_STRANGERS; i++) {
        (void)e2e_peer(&place.barrier);
    }
    clients[1] = rank_of(&place, 1, 2, NULL, NULL);
    is_closed(oldest);
    have_run(clients, 2, 0);
}

static void a_silent_stranger_is_closed_some_time(void **state)
{
    struct place place;
    (void)state;
    make_place(&place);
    struct process *host = rank_of(&place, 0, 2, NULL, NULL);
    (void)e2e_line(host, PROCESS_ERR, "listens at", 0);
    is_closed(e2e_peer(&place.barrier));
    assert_false(process_has_ended(host));
}

static void an_echo_server_is_no_rank_0(void **state)
{
    struct place place;
    (void)state;
    make_place(&place);
    place.at = e2e_text("127.0.0.1:%s", place.server.port);
    struct process *guest = rank_of(&place, 1, 2, "--barrier-timeout=300ms", NULL);
    fails_with(guest, e2e_text("--barrier: rank 0 did not answer at %s within 300ms", place.at));
    struct process *host = rank_of(&place, 0, 2, NULL, NULL);
    fails_with(
        host, e2e_text("--barrier: rank 0 cannot listen at %s: %s; give all clients another port\n",
                       place.at, uv_strerror(UV_EADDRINUSE)));
}

/* A server of another protocol that speaks first. */
static void a_greeting_of_another_protocol_is_no_rank_0(void **state)
{
    static const char greeting[] = "SSH-2.0-OpenSSH_9.2\r\n";
    struct place place;
    struct sockaddr_storage address;
    uv_os_sock_t listener;
    uv_os_sock_t accepted;
    (void)state;
    make_place(&place);
    assert_int_equal(peer_bind(AF_INET, &listener, &address), 0);
    assert_int_equal(peer_listen(listener, 1), 0);
    place.at =
        e2e_text("127.0.0.1:%u", net_address_port((const struct sockaddr *)(const void *)&address));
    struct process *guest = rank_of(&place, 1, 2, NULL, NULL);
    assert_int_equal(peer_accept(listener, &accepted), 0);
    assert_true(peer_send(accepted, greeting, sizeof(greeting) - 1) > 0);
    (void)e2e_line(guest, PROCESS_ERR,
                   e2e_text("waiting for rank 0 at %s: %s", place.at, uv_strerror(UV_EPROTO)), 0);
    peer_close(accepted);
    peer_close(listener);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(all_begin_when_the_last_has_come),
        E2E(a_given_seed_stays),
        E2E(one_client_alone_begins),
        E2E(ranks_wait_for_the_server_too),
        E2E(ranks_meet_at_an_ipv6_address_and_at_any),
        E2E(missing_ranks_are_named),
        E2E(the_time_for_the_others_begins_when_rank_0_is_ready),
        E2E(a_missing_rank_ends_the_start_for_all),
        E2E(rank_0_may_be_the_missing_one),
        E2E(a_killed_rank_ends_the_start_for_all),
        E2E(a_rank_that_is_told_to_end_ends_the_start_for_all),
        E2E(rank_0_that_is_told_to_end_tells_the_others),
        E2E(a_killed_rank_0_is_noticed),
        E2E(rank_0_that_finds_no_server_tells_the_others),
        E2E(a_second_client_of_a_rank_is_refused),
        E2E(a_rank_with_other_options_ends_the_start_for_all),
        E2E(a_rank_of_another_number_ends_the_start_for_all),
        E2E(another_token_is_refused_and_ends_nothing),
        E2E(garbage_does_not_disturb),
        E2E(silent_strangers_do_not_keep_a_rank_out),
        E2E(a_silent_stranger_is_closed_some_time),
        E2E(an_echo_server_is_no_rank_0),
        E2E(a_greeting_of_another_protocol_is_no_rank_0),
    };
    return e2e_run(argc, argv, tests);
}
