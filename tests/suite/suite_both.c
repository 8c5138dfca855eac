/*
 * The backend at both ends of a connection, `client` and `server`, on one loop. These scenarios
 * need nothing of the system, so they run on the simulated network too, with outcomes inline and
 * pending, short and late.
 */

#include "suite.h"
#include "sys.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t hello[] = {'h', 'e', 'l', 'l', 'o'};

/* Sends on `from` and receives on `to`. The recv checks the bytes. */
static void pair_carry(struct suite_rig *rig, struct rig_conn *from, struct rig_conn *to,
                       size_t length)
{
    struct stream stream = stream_of(60, length);
    uint8_t *bytes = stream_bytes(&stream, length);
    uint64_t before = to->received_total;
    rig_conn_send(from, bytes, length);
    RIG_UNTIL(rig, to->received_total - before == length && !from->send.outstanding);
    assert_int_equal(from->send.status, 0);
    free(bytes);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static void both_carry_every_size(const struct backend *backend)
{
    static const size_t sizes[] = {1, 2, 3, 4095, 4096, 4097, 65536, MIB + 1};
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        struct stream stream = stream_of(60, sizes[i]);
        struct suite_rig rig;
        struct pair pair = pair_open_rig(&rig, backend);
        pair.client->user = pair.server->user = &stream;
        pair.client->on_recv = pair.server->on_recv = sink_recv;
        rig_conn_recv(pair.client);
        rig_conn_recv(pair.server);
        pair_carry(&rig, pair.client, pair.server, sizes[i]);
        pair_carry(&rig, pair.server, pair.client, sizes[i]);
        rig_close(&rig);
    }
}

/* A client that sends and ends, a server that echoes and closes. */
static void both_connect_and_echo(const struct backend *backend)
{
    const size_t length = 300000;
    struct suite_rig rig;
    struct stream stream = stream_of(30, 0);
    uint8_t *bytes = stream_bytes(&stream, length);
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 8, 2);
    struct rig_conn *client = rig_conn_new(&rig);
    rig_conn_connect(client, &rig.address);
    RIG_UNTIL(&rig, !client->connect.outstanding && rig.opened == 1);
    assert_int_equal(client->connect.status, 0);
    client->user = &stream;
    client->on_recv = sink_recv;
    rig_conn_recv(client);
    rig_conn_send(client, bytes, length);
    RIG_UNTIL(&rig, client->received_total == length && !client->send.outstanding);
    assert_int_equal(client->send.status, 0);
    assert_int_equal(rig_conn_shutdown(client), 0);
    RIG_UNTIL(&rig, client->ended && rig.closed == 1);
    rig_close(&rig);
    free(bytes);
}

/* Many at once, each with a first message in its connect callback. */
static void send_first(struct rig_conn *conn)
{
    RIG_CHECK(conn->rig, conn->connect.status == 0);
    if (conn->connect.status == 0) {
        conn->on_recv = sink_recv;
        rig_conn_recv(conn);
        rig_conn_send(conn, hello, sizeof(hello));
    }
}

static size_t answered(const struct suite_rig *rig)
{
    size_t count = 0;
    for (const struct rig_conn *conn = rig->conns; conn != NULL; conn = conn->next) {
        count += conn->connect.outcomes == 1 && conn->received_total == 5;
    }
    return count;
}

static void both_connect_100_at_once(const struct backend *backend)
{
    enum { CONNECTS = 100 };
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 128, 8);
    for (size_t i = 0; i < CONNECTS; i++) {
        struct rig_conn *conn = rig_conn_new(&rig);
        conn->on_connect = send_first;
        rig_conn_connect(conn, &rig.address);
    }
    RIG_UNTIL(&rig, answered(&rig) == CONNECTS);
    assert_int_equal(rig.opened, CONNECTS);
    rig_close(&rig);
}

static void both_connect_refused(const struct backend *backend)
{
    struct suite_rig rig;
    struct sockaddr_storage address;
    rig_open(&rig, backend);
    struct rig_conn *conn = rig_conn_new(&rig);
    rig_refusing_address(&rig, &address);
    rig_conn_connect(conn, &address);
    RIG_UNTIL(&rig, !conn->connect.outstanding);
    assert_int_equal(conn->connect.status, UV_ECONNREFUSED);
    if (!conn->connect.negative) {
        rig_conn_end(conn, IO_CLOSE_GRACEFUL); /* it is in use until then */
    }
    assert_true(conn->closed);
    rig_close(&rig);
}

/* No recv is submitted: the send waits, no buffer is taken, and nothing is lost afterwards. */
static void both_stop_reading(const struct backend *backend)
{
    struct suite_rig rig;
    struct pair pair = pair_open_rig(&rig, backend);
    struct fill fill = rig_conn_fill(pair.client);
    assert_true(pair.client->send.outstanding);
    assert_int_equal(rig.loop->pool.in_use, 0);
    pair.server->user = &fill.stream;
    pair.server->on_recv = sink_recv;
    rig_conn_recv(pair.server);
    RIG_UNTIL(&rig,
              pair.server->received_total == fill.submitted && !pair.client->send.outstanding);
    assert_int_equal(pair.client->send.status, 0);
    rig_close(&rig);
    fill_free(&fill);
}

/* ---- ends ----------------------------------------------------------------------------------- */

static void both_half_close(const struct backend *backend)
{
    static const size_t lengths[] = {1, 1000, 65537};
    for (size_t i = 0; i < LENGTH(lengths); i++) {
        struct suite_rig rig;
        struct pair pair = pair_open_rig(&rig, backend);
        struct stream stream = stream_of(60, lengths[i]);
        pair.client->on_recv = pair.server->on_recv = sink_recv;
        pair.client->user = &stream;
        rig_conn_recv(pair.client);
        rig_conn_recv(pair.server);
        assert_int_equal(rig_conn_shutdown(pair.client), 0);
        RIG_UNTIL(&rig, pair.server->ended);
        pair_carry(&rig, pair.server, pair.client, lengths[i]); /* the other way goes on */
        rig_conn_close(pair.server, IO_CLOSE_GRACEFUL);
        RIG_UNTIL(&rig, pair.client->ended);
        assert_int_equal(pair.client->recv.status, 0);
        rig_close(&rig);
    }
}

static void both_close_gracefully(const struct backend *backend)
{
    struct suite_rig rig;
    struct pair pair = pair_open_rig(&rig, backend);
    rig_conn_recv(pair.client);
    rig_conn_recv(pair.server);
    rig_conn_close(pair.client, IO_CLOSE_GRACEFUL);
    assert_false(pair.client->closed);
    RIG_UNTIL(&rig, pair.client->closed && !pair.server->recv.outstanding);
    assert_int_equal(pair.client->recv.status, UV_ECANCELED);
    assert_true(pair.client->recv.order < pair.client->close_order);
    assert_int_equal(pair.server->recv.status, 0);
    assert_true(pair.server->ended);
    rig_close(&rig);
}

static void both_close_by_reset(const struct backend *backend)
{
    struct suite_rig rig;
    struct pair pair = pair_open_rig(&rig, backend);
    rig_conn_recv(pair.server);
    rig_conn_close(pair.client, IO_CLOSE_RESET);
    RIG_UNTIL(&rig, pair.client->closed && !pair.server->recv.outstanding);
    assert_true(rig_is_reset(pair.server->recv.status));
    rig_close(&rig);
}

/* Both operations of the end that resets are canceled; the reset ends both of the other end. */
static void both_close_with_both_outstanding(const struct backend *backend)
{
    struct suite_rig rig;
    struct pair pair = pair_open_rig(&rig, backend);
    struct fill of_client = rig_conn_fill(pair.client);
    struct fill of_server = rig_conn_fill(pair.server);
    assert_true(pair.client->send.outstanding && pair.server->send.outstanding);
    rig_conn_close(pair.client, IO_CLOSE_RESET);
    RIG_UNTIL(&rig, pair.client->closed);
    if (sys_is_wine() && !sys_is_wine_before(10)) {
        /* it takes whole sends, and resets when the peer has read them */
        pair.server->on_recv = sink_recv;
        rig_conn_recv(pair.server);
    }
    RIG_UNTIL(&rig, !pair.server->send.outstanding);
    assert_int_equal(pair.client->send.status, UV_ECANCELED);
    assert_true(pair.client->send.order < pair.client->close_order);
    assert_int_equal(pair.server->send.status, UV_ECONNRESET);
    rig_close(&rig);
    fill_free(&of_client);
    fill_free(&of_server);
}

static void both_close_right_after_pending(const struct backend *backend)
{
    struct suite_rig rig;
    struct pair pair = pair_open_rig(&rig, backend);
    rig_conn_send(pair.client, hello, sizeof(hello));
    rig_quiet(&rig);
    rig_conn_recv(pair.server);
    rig_conn_close(pair.server, IO_CLOSE_GRACEFUL);
    RIG_UNTIL(&rig, pair.server->closed);
    assert_int_equal(pair.server->recv.outcomes, 1);
    assert_true(pair.server->recv.status == UV_ECANCELED || pair.server->received_total > 0);
    rig_close(&rig);
}

static void close_now(struct rig_conn *conn)
{
    if (!conn->closing) {
        rig_conn_close(conn, IO_CLOSE_GRACEFUL);
        RIG_CHECK(conn->rig, !conn->closed);
    }
}

static void both_close_in_callbacks(const struct backend *backend)
{
    struct suite_rig rig;
    struct pair pair = pair_open_rig(&rig, backend);
    pair.server->on_recv = close_now;
    pair.client->on_recv = close_now; /* the end of the stream, or the reset */
    rig_conn_recv(pair.client);
    rig_conn_recv(pair.server);
    rig_conn_send(pair.client, hello, 1);
    RIG_UNTIL(&rig, pair.client->closed && pair.server->closed);
    assert_int_equal(pair.server->recv.outcomes, 1);
    assert_int_equal(pair.client->recv.outcomes, 1);
    rig.on_open = close_now;
    struct rig_conn *client = rig_conn_new(&rig);
    client->on_connect = close_now;
    rig_conn_connect(client, &rig.address);
    RIG_UNTIL(&rig, client->closed);
    rig_close(&rig);
}

/* ---- accepts -------------------------------------------------------------------------------- */

static void both_accept_stop(const struct backend *backend)
{
    struct suite_rig rig;
    struct pair pair;
    rig_open(&rig, backend);
    rig_listen(&rig, 8, 8);
    pair = pair_open(&rig);
    assert_int_equal(rig.accepts_outstanding, 8);
    rig_accept_stop(&rig);
    RIG_UNTIL(&rig, rig.accepts_outstanding == 0);
    assert_int_equal(rig.accepts_canceled, 8);
    pair.client->on_recv = pair.server->on_recv = sink_recv;
    rig_conn_recv(pair.server);
    pair_carry(&rig, pair.client, pair.server, 1000); /* what is open stays so */
    rig_close(&rig);
}

static void refuse_token(struct suite_rig *rig, struct io_token *token)
{
    rig->backend->refuse(rig->loop, token);
}

static void both_refuse(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig.on_token = refuse_token;
    rig_listen(&rig, 8, 2);
    struct rig_conn *client = rig_conn_new(&rig);
    rig_conn_connect(client, &rig.address);
    RIG_UNTIL(&rig, !client->connect.outstanding);
    assert_int_equal(client->connect.status, 0);
    rig_conn_recv(client);
    RIG_UNTIL(&rig, !client->recv.outstanding);
    assert_true(client->ended || client->recv.status == UV_ECONNRESET);
    rig.on_token = NULL;
    (void)pair_open(&rig); /* the listener goes on */
    rig_close(&rig);
}

/* ---- buffers and wakes ---------------------------------------------------------------------- */

/* Two buffers, both held, and eight ends that want one: six wait, and each gets its turn. */
static void both_starve(const struct backend *backend)
{
    enum { PAIRS = 8, BUFFERS = 2 };
    static const uint8_t bytes[500];
    struct suite_rig rig;
    size_t served = 0;
    struct rig_conn *servers[PAIRS];
    rig_open_with(&rig, backend, KIB, BUFFERS * KIB);
    rig_listen(&rig, 8, 1);
    for (size_t i = 0; i < PAIRS; i++) {
        struct pair pair = pair_open(&rig);
        servers[i] = pair.server;
        rig_conn_recv(pair.server);
        rig_conn_send(pair.client, bytes, sizeof(bytes));
        RIG_UNTIL(&rig, !pair.client->send.outstanding);
    }
    RIG_UNTIL(&rig, rig.loop->stats.starved == PAIRS - BUFFERS);
    while (served < PAIRS) {
        size_t holding = 0;
        rig_turn(&rig);
        assert_true(rig.loop->pool.in_use <= BUFFERS);
        for (size_t i = 0; i < PAIRS; i++) {
            holding += servers[i]->data != NULL;
        }
        for (size_t i = 0; i < PAIRS && holding == BUFFERS; i++) {
            served += servers[i]->data != NULL;
            rig_conn_release(servers[i]);
        }
    }
    for (size_t i = 0; i < PAIRS; i++) {
        assert_int_equal(servers[i]->recv.outcomes, 1);
    }
    assert_int_equal(rig.loop->stats.buffers_peak, BUFFERS);
    rig_close(&rig);
}

/* The holder gives the one buffer back and asks for it again at once. The ends take turns. */
static void both_starve_by_turns(const struct backend *backend)
{
    enum { ROUNDS = 8 };
    static const uint8_t bytes[ROUNDS * KIB];
    struct suite_rig rig;
    struct rig_conn *servers[2];
    rig_open_with(&rig, backend, KIB, KIB);
    rig_listen(&rig, 8, 1);
    for (size_t i = 0; i < 2; i++) {
        struct pair pair = pair_open(&rig);
        servers[i] = pair.server;
        rig_conn_recv(pair.server);
        rig_conn_send(pair.client, bytes, sizeof(bytes));
        RIG_UNTIL(&rig, servers[0]->data != NULL);
        rig_quiet(&rig);
    }
    for (size_t i = 0; i < ROUNDS; i++) {
        struct rig_conn *holder = servers[i % 2];
        struct rig_conn *waiting = servers[(i + 1) % 2];
        rig_conn_release(holder);
        rig_conn_recv(holder);
        RIG_UNTIL(&rig, waiting->data != NULL);
        rig_quiet(&rig);
        assert_true(holder->recv.outstanding);
    }
    rig_close(&rig);
}

static void both_idle_hold_no_buffer(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig_listen(&rig, 8, 2);
    for (size_t i = 0; i < 20; i++) {
        struct pair pair = pair_open(&rig);
        rig_conn_recv(pair.client);
        rig_conn_recv(pair.server);
    }
    rig_quiet(&rig);
    assert_int_equal(rig.loop->pool.in_use, 0);
    rig_close(&rig);
}

static void both_wake(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    for (size_t i = 1; i <= 3; i++) {
        int woken = 0;
        backend->wake(rig.loop);
        backend->wake(rig.loop);
        for (size_t turns = 0; woken == 0 && turns < 1000; turns++) {
            woken = rig_poll(&rig, 0);
        }
        assert_int_equal(woken, 1);
        assert_int_equal(rig_poll(&rig, 0), 0);
        assert_int_equal(rig.loop->stats.wakes, i);
    }
    rig_close(&rig);
}

const struct scenario suite_both[] = {
    SCENARIO(both_carry_every_size),
    SCENARIO(both_connect_and_echo),
    SCENARIO(both_connect_100_at_once),
    SCENARIO(both_connect_refused),
    SCENARIO(both_stop_reading),
    SCENARIO(both_half_close),
    SCENARIO(both_close_gracefully),
    SCENARIO(both_close_by_reset),
    SCENARIO(both_close_with_both_outstanding),
    SCENARIO(both_close_right_after_pending),
    SCENARIO(both_close_in_callbacks),
    SCENARIO(both_accept_stop),
    SCENARIO(both_refuse),
    SCENARIO(both_starve),
    SCENARIO(both_starve_by_turns),
    SCENARIO(both_idle_hold_no_buffer),
    SCENARIO(both_wake),
    {NULL, NULL},
};
