/* --start-at: clients that begin together by the clock. */

#include "e2e.h"
#include "utc.h"
#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 4

/* Seconds since 1970. */
static const char *seconds_from_now(uint64_t seconds)
{
    return e2e_text("%" PRIu64, utc_now_ns() / NS_PER_S + seconds);
}

static struct process *share_of(const struct e2e_server *server, int rank, const char *time)
{
    return e2e_start(e2e_client_path, e2e_text("127.0.0.1:%s", server->port), "--json",
                     e2e_text("--share=%d/%d", rank, CLIENTS), "-c:8", "--requests=400",
                     e2e_text("--start-at=%s", time), e2e_backend_argument(), NULL);
}

/* Whether a client was too late, as it may be on a slow machine. Otherwise it has run. */
static bool was_late(struct process *client)
{
    int code = process_wait(client, PATIENCE_MS);
    bool late = code == 1 && strstr(process_text(client, PROCESS_ERR), " late: ") != NULL;
    if (!late) {
        e2e_ends(client, 0);
    }
    return late;
}

static bool were_late(struct process *const clients[CLIENTS])
{
    bool late = false;
    for (int rank = 0; rank < CLIENTS; rank++) {
        late = was_late(clients[rank]) || late;
    }
    return late;
}

static void clients_begin_at_the_same_time(void **state)
{
    struct e2e_server server;
    struct process *clients[CLIENTS];
    const char *time;
    uint64_t ahead = 2;
    (void)state;
    e2e_server(&server, NULL);
    do {
        time = seconds_from_now(ahead);
        for (int rank = 0; rank < CLIENTS; rank++) {
            clients[rank] = share_of(&server, rank, time);
        }
        ahead *= 2;
    } while (were_late(clients));
    json_int_t seed = json_integer_value(e2e_member(e2e_report(clients[0], 0), "seed"));
    assert_true(seed > 0);
    for (int rank = 0; rank < CLIENTS; rank++) {
        const json_t *report = e2e_report(clients[rank], 0);
        assert_string_equal(e2e_string(report, "start_at"), time);
        assert_string_equal(e2e_string(report, "share.start"), "start_at");
        assert_true(e2e_real(report, "started_unix") >= strtod(time, NULL));
        assert_true(json_integer_value(e2e_member(report, "seed")) == seed);
        e2e_succeeds(report);
    }
}

static void a_client_begins_when_the_server_is_up_and_the_time_has_come(void **state)
{
    struct e2e_server server;
    struct process *client;
    const char *time;
    uint64_t ahead = 2;
    (void)state;
    e2e_server(&server, NULL);
    do {
        time = seconds_from_now(ahead);
        client = e2e_client(&server, "--wait=" E2E_NEVER, "-c:3", "--requests=9",
                            e2e_text("--start-at=%s.5", time), NULL);
        ahead *= 2;
    } while (was_late(client));
    const json_t *report = e2e_report(client, 0);
    e2e_says(client, PROCESS_ERR, "ready; the run begins at ");
    assert_true(e2e_real(report, "started_unix") >= strtod(time, NULL) + 0.5);
    assert_int_equal(e2e_uint(report, "counters.messages"), 9);
    assert_int_equal(e2e_uint(report, "counters.attempts"), 3);
    e2e_succeeds(report);
}

/* It reaches the server first, if it is to wait for it, and sends nothing. */
static void a_late_client_ends_with_1(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct process *client =
            e2e_client(&server, "-d:" E2E_NEVER, "-t:2", "--start-at=2026-01-01T01:00:00+01:00",
                       i > 0 ? "--wait=" E2E_NEVER : NULL, NULL);
        e2e_ends(client, 1);
        e2e_says(client, PROCESS_ERR, "echo-client: --start-at: ");
        e2e_says(client, PROCESS_ERR, " late: this client was ready at 20");
        e2e_says(client, PROCESS_ERR, "; choose a later time\n");
        assert_string_equal(process_text(client, PROCESS_OUT), "");
    }
    e2e_server_ends(&server);
    assert_int_equal(e2e_server_sum(server.process, "received"), 0);
    assert_int_equal(e2e_server_sum(server.process, "accepted"), 1);
}

static void a_client_that_waits_can_be_ended(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_needs_signal(SIGTERM);
    e2e_server(&server, NULL);
    for (int signals = 1; signals <= 2; signals++) {
        struct process *client =
            e2e_client(&server, "-d:" E2E_NEVER, "-t:2",
                       e2e_text("--start-at=%s", seconds_from_now(UINT64_C(86400))), NULL);
        (void)e2e_line(client, PROCESS_ERR, "ready; the run begins at ", 0);
        e2e_signal(client, SIGTERM);
        if (signals > 1) {
            (void)process_signal(client, SIGTERM); /* the first may have ended it already */
        }
        e2e_ends(client, 1);
        e2e_says(client, PROCESS_ERR, "--start-at: told to end before 20");
        assert_string_equal(process_text(client, PROCESS_OUT), "");
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(clients_begin_at_the_same_time),
        E2E(a_client_begins_when_the_server_is_up_and_the_time_has_come),
        E2E(a_late_client_ends_with_1),
        E2E(a_client_that_waits_can_be_ended),
    };
    return e2e_run(argc, argv, tests);
}
