/*
 * SIGHUP starts a new generation in the same process. No connect fails, no byte is lost, and the
 * books balance over all generations.
 */

#include "e2e.h"

#include <string.h>

#include "range.h"
#include "sys.h"

#define RESTARTS 5

static void generation_ends(const struct e2e_server *server, unsigned generation)
{
    (void)e2e_line(server->process, PROCESS_OUT, e2e_text("\"generation\":%u,", generation), 0);
}

static void generation_serves(const struct e2e_server *server, unsigned generation)
{
    (void)e2e_line(server->process, PROCESS_ERR, e2e_text("generation %u serves", generation), 0);
}

/* There is one report per generation, in order. Only the last one says that it is the last. */
static void generations_are_in_order(const struct e2e_server *server, size_t count)
{
    assert_int_equal(e2e_report_count(server->process), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *report = e2e_report(server->process, i);
        assert_int_equal(e2e_uint(report, "generation"), i + 1);
        assert_int_equal(json_is_true(e2e_member(report, "last")), i + 1 == count);
        e2e_ends_add_up(report);
    }
}

/* The client has exited with 0 and reports no failure. */
static void nothing_failed(struct process *client)
{
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(json_array_size(e2e_member(report, "failures")), 0);
    assert_string_equal(e2e_string(report, "verdict"), "OK");
    assert_int_equal(e2e_uint(report, "counters.cut"), 0);
    assert_true(e2e_uint(report, "counters.messages") > 0);
    e2e_ends_add_up(report);
}

static uint64_t both(const json_t *one, const json_t *other, const char *counter)
{
    return e2e_uint(e2e_member(one, "counters"), counter) +
           e2e_uint(e2e_member(other, "counters"), counter);
}

static void books_balance(const struct e2e_server *server, const json_t *one, const json_t *other)
{
    /* connections that were being made when the client ended are reset, and may or may not reach
     * the server */
    uint64_t connected = both(one, other, "connected");
    uint64_t abandoned = both(one, other, "abandoned");
    assert_between(e2e_server_sum(server->process, "accepted"), connected, connected + abandoned);
    assert_true(e2e_server_sum(server->process, "failed") <= abandoned);
    uint64_t received = e2e_server_sum(server->process, "received");
    uint64_t sent = e2e_server_sum(server->process, "sent");
    assert_int_equal(both(one, other, "verified"), sent);
    assert_int_equal(both(one, other, "sent"), received);
    assert_int_equal(received, sent + e2e_server_sum(server->process, "discarded"));
}

/* Each connection sends a message every half second, so the server sees idle connections. It resets
 * none, however slow the machine. */
static void restarts_under_load(void (*restarted)(const struct e2e_server *server, unsigned number))
{
    /* Wine makes sockets slowly. Of fifty at once, some say nothing for 100 ms, after which a
     * draining server closes them. */
    unsigned count = sys_is_wine() ? 10 : 50;
    struct e2e_server server;
    e2e_server(&server, "-t", "2", "--drain-timeout", E2E_NEVER, "--stats-interval", "20ms", NULL);
    struct process *churn = e2e_client(&server, "-t", "2", "-c", e2e_text("%u", count),
                                       "--lifetime", "20", "--allow-drain", NULL);
    struct process *steady =
        e2e_client(&server, "-c", "10", "-s", "10000", "-R", "20", "--allow-drain", NULL);
    e2e_sees_open(&server, count + 10);
    for (unsigned i = 1; i <= RESTARTS; i++) {
        e2e_signal(server.process, SIGHUP);
        restarted(&server, i);
    }
    generation_ends(&server, RESTARTS);
    e2e_signal(churn, SIGINT);
    e2e_signal(steady, SIGINT);
    nothing_failed(churn);
    nothing_failed(steady);
    e2e_server_ends(&server);

    const json_t *one = e2e_report(churn, 0);
    const json_t *other = e2e_report(steady, 0);
    assert_true(
        e2e_uint(other, "counters.drained") + e2e_uint(other, "counters.closed_by_server") >= 10);
    generations_are_in_order(&server, RESTARTS + 1);
    assert_int_equal(e2e_server_sum(server.process, "cut"), 0);
    assert_int_equal(e2e_server_sum(server.process, "refused"), 0);
    books_balance(&server, one, other);
}

static void old_generation_has_ended(const struct e2e_server *server, unsigned number)
{
    generation_ends(server, number);
}

static void restarts_one_after_the_other(void **state)
{
    (void)state;
    restarts_under_load(old_generation_has_ended);
}

static void new_generation_has_begun(const struct e2e_server *server, unsigned number)
{
    generation_serves(server, number + 1);
}

static void restarts_while_older_ones_drain(void **state)
{
    (void)state;
    restarts_under_load(new_generation_has_begun);
}

static void statistics_begin_anew(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "2", NULL);
    for (unsigned i = 1; i <= 3; i++) {
        struct process *client =
            e2e_client(&server, "-c", "2", "--requests", e2e_text("%u", 10 * i), "-s", "100", NULL);
        e2e_ends(client, 0);
        if (i < 3) {
            e2e_signal(server.process, SIGHUP);
            generation_ends(&server, i);
        }
    }
    e2e_server_ends(&server);
    generations_are_in_order(&server, 3);
    for (unsigned i = 0; i < 3; i++) {
        const json_t *report = e2e_report(server.process, i);
        assert_int_equal(e2e_uint(report, "counters.accepted"), 2);
        assert_int_equal(e2e_uint(report, "counters.received"), 1000 * (i + 1));
    }
}

/* Without connections the reports still come in order, and the addresses stay. */
static void restarts_without_connections(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "2", NULL);
    for (unsigned i = 1; i <= RESTARTS; i++) {
        e2e_signal(server.process, SIGHUP);
        generation_serves(&server, i + 1);
    }
    e2e_peer_echoes(e2e_peer(&server), "hello", 5);
    assert_int_equal(process_count_lines(server.process, PROCESS_OUT, "listening on "), 1);
    e2e_signal(server.process, SIGTERM);
    (void)e2e_line(server.process, PROCESS_ERR, "once more to end at once", 0);
    e2e_signal(server.process, SIGHUP); /* too late */
    e2e_tear_down_peers();
    e2e_ends(server.process, 0);
    generations_are_in_order(&server, RESTARTS + 1);
}

/* The largest batch is counted per generation. */
static void maxima_begin_anew(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "1", "--stats-interval", "20ms", NULL);
    struct process *many = e2e_client(&server, "-c", "200", "--requests", "2000", NULL);
    e2e_ends(many, 0);
    e2e_sees_open(&server, 0);
    e2e_signal(server.process, SIGHUP);
    generation_ends(&server, 1);
    e2e_ends(e2e_client(&server, "-c", "1", "--requests", "10", NULL), 0);
    e2e_server_ends(&server);
    const json_t *old = json_array_get(e2e_member(e2e_report(server.process, 0), "workers"), 0);
    const json_t *young = json_array_get(e2e_member(e2e_report(server.process, 1), "workers"), 0);
    assert_true(e2e_uint(old, "io.batch_max") > 0);
    assert_between(e2e_uint(young, "io.batch_max"), 1, 8);
}

/* A client can't restart: SIGHUP ends it, as when the terminal closes. */
static void hang_up_ends_the_client(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--stats-interval", "20ms", NULL);
    struct process *client = e2e_client(&server, "-c", "2", NULL);
    e2e_sees_open(&server, 2);
    e2e_signal(client, SIGHUP);
    e2e_ends(client, 0);
    e2e_books_agree(&server, client);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(restarts_one_after_the_other),
        E2E(restarts_while_older_ones_drain),
        E2E(statistics_begin_anew),
        E2E(restarts_without_connections),
        E2E(maxima_begin_anew),
        E2E(hang_up_ends_the_client),
    };
    return e2e_run(argc, argv, tests);
}
