/* What policy must know before a timer drops a connection. Does the peer still take bytes? Does a
 * receive wait for a buffer, and not for its peer? */

#include "suite.h"

#include <stdlib.h>

/* ---- untaken -------------------------------------------------------------------------------- */

static int ask_untaken(struct suite_rig *rig, struct rig_conn *conn, uint64_t *bytes)
{
    rig->in_call = true;
    int status = rig->backend->untaken(rig->loop, conn->socket, bytes);
    rig->in_call = false;
    return status;
}

static uint64_t untaken(struct suite_rig *rig, struct rig_conn *conn)
{
    uint64_t bytes = UINT64_MAX;
    assert_int_equal(ask_untaken(rig, conn, &bytes), 0);
    return bytes;
}

static struct pair telling_rig(struct suite_rig *rig, const struct backend *backend)
{
    uint64_t bytes;
    struct pair pair = pair_open_rig(rig, backend);
    if (ask_untaken(rig, pair.client, &bytes) == UV_ENOTSUP) {
        rig_close(rig);
        suite_skip("the system does not tell what a peer has acknowledged");
    }
    return pair;
}

static void both_untaken_is_zero_at_rest(const struct backend *backend)
{
    static const uint8_t bytes[100 * KIB];
    struct suite_rig rig;
    struct pair pair = telling_rig(&rig, backend);
    assert_int_equal(untaken(&rig, pair.client), 0);
    assert_int_equal(untaken(&rig, pair.server), 0);
    struct rig_conn *ends[] = {pair.client, pair.server, pair.client};
    for (size_t i = 0; i < 2; i++) {
        ends[i + 1]->on_recv = sink_recv;
        rig_conn_recv(ends[i + 1]);
        rig_conn_send(ends[i], bytes, sizeof(bytes));
        assert_true(untaken(&rig, ends[i]) <= sizeof(bytes));
        RIG_UNTIL(&rig, !ends[i]->send.outstanding && ends[i + 1]->received_total == sizeof(bytes));
        RIG_UNTIL(&rig, untaken(&rig, ends[i]) == 0); /* the last acknowledgement may come late */
    }
    rig_close(&rig);
}

/* Only what the peer's system holds is taken of the bytes that were sent. */
static void both_untaken_while_nothing_is_read(const struct backend *backend)
{
    struct suite_rig rig;
    struct pair pair = telling_rig(&rig, backend);
    struct fill fill = rig_conn_fill(pair.client);
    for (size_t i = 0; i < 5; i++) {
        rig_quiet(&rig);
        uint64_t left = untaken(&rig, pair.client);
        assert_true(left > 0 && left <= fill.submitted);
    }
    assert_int_equal(untaken(&rig, pair.server), 0);
    rig_conn_close(pair.client, IO_CLOSE_RESET);
    RIG_UNTIL(&rig, pair.client->closed);
    rig_close(&rig);
    fill_free(&fill);
}

/* Reads until the other end has fewer untaken bytes. They become fewer while the send is pending
 * and after it has completed. */
static void both_untaken_falls_while_a_peer_reads(const struct backend *backend)
{
    struct suite_rig rig;
    struct pair pair = telling_rig(&rig, backend);
    size_t falls_while_pending = 0, falls_after = 0;
    struct fill fill = rig_conn_fill(pair.client);
    uint64_t before = untaken(&rig, pair.client);
    while (before > 0) {
        uint64_t left = before;
        bool pending = pair.client->send.outstanding;
        while (left == before) {
            rig_conn_release(pair.server);
            if (!pair.server->recv.outstanding && pair.server->received_total < fill.submitted) {
                rig_conn_recv(pair.server);
            }
            rig_turn(&rig);
            left = untaken(&rig, pair.client);
            assert_true(left <= before);
        }
        falls_while_pending += pending;
        falls_after += !pending;
        before = left;
    }
    assert_true(falls_while_pending > 1);
    assert_true(falls_after > 0 || suite_simulated(backend));
    assert_int_equal(pair.client->send.status, 0);
    pair.server->on_recv = sink_recv;
    rig_conn_release(pair.server);
    if (!pair.server->recv.outstanding && pair.server->received_total < fill.submitted) {
        rig_conn_recv(pair.server);
    }
    RIG_UNTIL(&rig, pair.server->received_total == fill.submitted);
    rig_close(&rig);
    fill_free(&fill);
}

/* ---- waiting -------------------------------------------------------------------------------- */

enum { PAIRS = 6, BUFFERS = 2 };

/* The number of these receives that wait, which the loop must report as well. */
static size_t waiting(const struct suite_rig *rig, struct rig_conn *const servers[PAIRS])
{
    size_t count = 0;
    for (size_t i = 0; i < PAIRS; i++) {
        count += servers[i]->recv.outstanding && servers[i]->op->waiting;
    }
    assert_int_equal(rig->loop->waiting, count);
    return count;
}

/* All have data, and two of them have a buffer. */
static void let_wait(struct suite_rig *rig, const struct backend *backend,
                     struct rig_conn *servers[PAIRS])
{
    static const uint8_t bytes[500];
    rig_open_with(rig, backend, KIB, BUFFERS * KIB);
    rig_listen(rig, 8, 1);
    for (size_t i = 0; i < PAIRS; i++) {
        struct pair pair = pair_open(rig);
        servers[i] = pair.server;
        rig_conn_recv(pair.server);
        rig_conn_send(pair.client, bytes, sizeof(bytes));
        RIG_UNTIL(rig, pair.server->data != NULL || rig->loop->waiting == i + 1 - BUFFERS);
    }
    assert_int_equal(waiting(rig, servers), PAIRS - BUFFERS);
}

static void both_count_what_waits_for_a_buffer(const struct backend *backend)
{
    struct suite_rig rig;
    struct rig_conn *servers[PAIRS];
    let_wait(&rig, backend, servers);
    for (size_t i = 0; i < PAIRS; i++) {
        assert_non_null(servers[i]->data);
        rig_conn_release(servers[i]);
        size_t left = i + 1 + BUFFERS < PAIRS ? PAIRS - BUFFERS - i - 1 : 0;
        RIG_UNTIL(&rig, waiting(&rig, servers) == left);
        RIG_UNTIL(&rig, i + 1 == PAIRS || servers[i + 1]->data != NULL);
    }
    rig_conn_recv(servers[0]);
    rig_quiet(&rig);
    assert_int_equal(waiting(&rig, servers), 0); /* it waits for its peer */
    rig_close(&rig);
}

static void both_count_no_closed_one_as_waiting(const struct backend *backend)
{
    struct suite_rig rig;
    struct rig_conn *servers[PAIRS];
    let_wait(&rig, backend, servers);
    for (size_t i = PAIRS - 1; i >= BUFFERS; i--) {
        rig_conn_close(servers[i], i % 2 == 0 ? IO_CLOSE_GRACEFUL : IO_CLOSE_RESET);
        RIG_UNTIL(&rig, servers[i]->closed);
        assert_int_equal(waiting(&rig, servers), i - BUFFERS);
    }
    for (size_t i = 0; i < BUFFERS; i++) {
        rig_conn_release(servers[i]);
    }
    rig_close(&rig);
}

const struct scenario suite_progress[] = {
    SCENARIO(both_untaken_is_zero_at_rest),          SCENARIO(both_untaken_while_nothing_is_read),
    SCENARIO(both_untaken_falls_while_a_peer_reads), SCENARIO(both_count_what_waits_for_a_buffer),
    SCENARIO(both_count_no_closed_one_as_waiting),   {NULL, NULL},
};
