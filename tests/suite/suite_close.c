/* Close waits for all that is outstanding, in every state and from every place. */

#include "suite.h"

#include <stdlib.h>

#include "net.h"
#include "util.h"

static const uint8_t crumbs[1000];

/* ---- what is outstanding -------------------------------------------------------------------- */

static void close_idle(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    rig_conn_close(conn, IO_CLOSE_GRACEFUL);
    assert_false(conn->closed); /* never inline */
    RIG_UNTIL(&rig, conn->closed);
    assert_int_equal(rig_peer_end(&rig, peer, NULL), 0);
    rig_close(&rig);
}

static void close_with_recv(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    rig_conn_recv(conn);
    rig_quiet(&rig);
    assert_true(conn->recv.outstanding);
    rig_conn_close(conn, IO_CLOSE_GRACEFUL);
    assert_true(conn->recv.outstanding);
    RIG_UNTIL(&rig, conn->closed);
    assert_int_equal(conn->recv.status, UV_ECANCELED);
    assert_true(conn->recv.order < conn->close_order);
    assert_int_equal(rig_peer_end(&rig, peer, NULL), 0); /* a FIN, no reset */
    rig_close(&rig);
}

/* Two UV_ECANCELED come, then the close callback. No more arrives than `sent` said, even while
 * the peer reads this many bytes of the send. Without a reset exactly `sent` arrives, unless the
 * system holds sends: then it is an upper bound. */
static void close_with_both(const struct backend *backend, enum io_close_how how, size_t read)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    uint64_t arrived;
    struct fill fill;
    struct rig_conn *conn = rig_open_filled(&rig, backend, &peer, &fill);
    rig_peer_read(&rig, peer, &fill.stream, read);
    rig_quiet(&rig);
    assert_true(conn->recv.outstanding && conn->send.outstanding);
    rig_conn_close(conn, how);
    assert_true(conn->recv.outstanding && conn->send.outstanding);
    RIG_UNTIL(&rig, conn->closed);
    assert_int_equal(conn->recv.status, UV_ECANCELED);
    assert_int_equal(conn->send.status, UV_ECANCELED);
    assert_true(conn->recv.order < conn->close_order);
    assert_true(conn->send.order < conn->close_order);
    fill_free(&fill); /* nothing refers to it any more */
    int end = rig_peer_end(&rig, peer, &arrived);
    assert_true(read + arrived <= conn->sent_total);
    if (how == IO_CLOSE_GRACEFUL && !net_holds_sends) {
        assert_int_equal(read + arrived, conn->sent_total);
    }
    if (how == IO_CLOSE_RESET) {
        assert_true(rig_is_reset(end));
    }
    rig_close(&rig);
}

static void close_gracefully_with_both_outstanding(const struct backend *backend)
{
    close_with_both(backend, IO_CLOSE_GRACEFUL, 0);
    close_with_both(backend, IO_CLOSE_GRACEFUL, MIB);
}

static void close_by_reset_with_both_outstanding(const struct backend *backend)
{
    close_with_both(backend, IO_CLOSE_RESET, 0);
    close_with_both(backend, IO_CLOSE_RESET, MIB);
}

/* The number of calls that a close reports. */
static uint64_t close_calls(const struct backend *backend, enum io_close_how how)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    rig_conn_recv(conn);
    uint64_t before = rig.loop->stats.other_calls;
    rig_conn_end(conn, how);
    uint64_t calls = rig.loop->stats.other_calls - before;
    assert_int_equal(conn->recv.status, UV_ECANCELED);
    int end = rig_peer_end(&rig, peer, NULL);
    assert_true(how == IO_CLOSE_RESET ? rig_is_reset(end) : end == 0);
    rig_close(&rig);
    return calls;
}

/* A reset takes one more call, which tells the system to reset. */
static void close_by_reset(const struct backend *backend)
{
    uint64_t graceful = close_calls(backend, IO_CLOSE_GRACEFUL);
    uint64_t reset = close_calls(backend, IO_CLOSE_RESET);
    assert_int_equal(reset, graceful + 1);
}

/* What a send reported as sent arrives, although the connection is closed at once. */
static void close_after_send(const struct backend *backend)
{
    static const size_t lengths[] = {1, 1000, 65536, 1048577};
    for (size_t i = 0; i < LENGTH(lengths); i++) {
        struct suite_rig rig;
        uv_os_sock_t peer;
        struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
        struct stream stream = stream_of(21, i);
        uint8_t *bytes = stream_bytes(&stream, lengths[i]);
        struct flow flow = {
            .peer = peer,
            .stream = stream,
            .length = lengths[i],
            .sent = lengths[i],
        };
        rig_conn_send(conn, bytes, lengths[i]);
        while (conn->send.outstanding) {
            (void)flow_step(&flow);
            (void)rig_poll(&rig, 0);
        }
        assert_int_equal(conn->send.status, 0);
        rig_conn_close(conn, IO_CLOSE_GRACEFUL);
        free(bytes);
        rig_flow(&rig, &flow);
        assert_int_equal(rig_peer_end(&rig, peer, NULL), 0);
        rig_close(&rig);
    }
}

/* Closing does not undo a shutdown: the peer has everything and then the end. */
static void close_after_shutdown(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    uint64_t arrived;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    rig_conn_send(conn, crumbs, sizeof(crumbs));
    RIG_UNTIL(&rig, !conn->send.outstanding);
    rig_conn_recv(conn);
    assert_int_equal(rig_conn_shutdown(conn), 0);
    rig_conn_end(conn, IO_CLOSE_GRACEFUL);
    assert_int_equal(rig_peer_end(&rig, peer, &arrived), 0);
    assert_int_equal(arrived, sizeof(crumbs));
    rig_close(&rig);
}

/* A reset may follow a shutdown, whether it has taken effect or not. */
static void close_by_reset_after_shutdown(const struct backend *backend)
{
    for (int settled = 0; settled <= 1; settled++) {
        struct suite_rig rig;
        uv_os_sock_t peer;
        struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
        rig_conn_recv(conn);
        assert_int_equal(rig_conn_shutdown(conn), 0);
        if (settled) {
            assert_int_equal(rig_peer_end(&rig, peer, NULL), 0);
        }
        rig_conn_end(conn, IO_CLOSE_RESET);
        assert_int_equal(conn->recv.status, UV_ECANCELED);
        int status = 1;
        RIG_UNTIL(&rig, (status = peer_send(peer, crumbs, 1)) < 0 && status != UV_EAGAIN);
        rig_close(&rig);
    }
}

/* Data is waiting, the recv was answered with PENDING, and close follows without a turn. */
static void close_right_after_pending(const struct backend *backend)
{
    for (int with_data = 0; with_data <= 1; with_data++) {
        struct suite_rig rig;
        uv_os_sock_t peer;
        struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
        if (with_data) {
            rig_peer_send(&rig, peer, crumbs, sizeof(crumbs));
            rig_quiet(&rig);
        }
        rig_conn_recv(conn);
        rig_conn_end(conn, IO_CLOSE_GRACEFUL);
        assert_int_equal(conn->recv.outcomes, 1);
        assert_true(conn->recv.status == UV_ECANCELED || conn->received_total > 0);
        rig_close(&rig);
    }
}

static void close_many(const struct backend *backend)
{
    enum { CONNECTIONS = 200 };
    static const uint8_t bytes[65536];
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig_listen(&rig, 128, 8);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        uv_os_sock_t peer;
        struct rig_conn *conn = rig_pair(&rig, &peer);
        rig_conn_recv(conn);
        if (i % 2 == 0) {
            rig_conn_send(conn, bytes, sizeof(bytes));
        }
    }
    size_t i = 0;
    for (struct rig_conn *conn = rig.conns; conn != NULL; conn = conn->next) {
        rig_conn_close(conn, i++ % 3 == 0 ? IO_CLOSE_RESET : IO_CLOSE_GRACEFUL);
    }
    assert_int_equal(rig.closed, 0);
    RIG_UNTIL(&rig, rig.closed == CONNECTIONS);
    for (struct rig_conn *conn = rig.conns; conn != NULL; conn = conn->next) {
        assert_int_equal(conn->recv.status, UV_ECANCELED);
    }
    rig_close(&rig);
}

/* ---- from within callbacks ------------------------------------------------------------------ */

static void close_now(struct rig_conn *conn)
{
    if (!conn->closing) {
        rig_conn_close(conn, IO_CLOSE_GRACEFUL);
        RIG_CHECK(conn->rig, !conn->closed);
    }
}

static void close_in_recv_callback(const struct backend *backend)
{
    struct suite_rig rig;
    struct rig_conn *conn = rig_open_called(&rig, backend, close_now, crumbs, sizeof(crumbs));
    RIG_UNTIL(&rig, conn->closed);
    assert_int_equal(conn->recv.outcomes, 1);
    assert_int_equal(conn->recv.status, 0);
    rig_close(&rig);
}

static void close_in_send_callback(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct fill fill;
    struct rig_conn *conn = rig_open_filled(&rig, backend, &peer, &fill);
    conn->on_send = close_now;
    rig_peer_read(&rig, peer, &fill.stream, fill.submitted);
    RIG_UNTIL(&rig, conn->closed);
    assert_int_equal(conn->send.status, 0);
    assert_int_equal(conn->recv.status, UV_ECANCELED);
    assert_int_equal(rig_peer_end(&rig, peer, NULL), 0);
    rig_close(&rig);
    fill_free(&fill);
}

static void close_in_accept_callback(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig.on_open = close_now;
    rig_listen(&rig, 8, 2);
    for (size_t i = 1; i <= 5; i++) {
        uv_os_sock_t peer = rig_peer(&rig);
        RIG_UNTIL(&rig, rig.closed == i);
        assert_int_equal(rig_peer_end(&rig, peer, NULL), 0);
    }
    rig_close(&rig);
}

/* Both operations are submitted in the accept callback, and canceled there. */
static void submit_and_close(struct rig_conn *conn)
{
    struct fill *fill = conn->rig->user;
    rig_conn_recv(conn);
    *fill = rig_conn_fill_at_once(conn);
    rig_conn_close(conn, IO_CLOSE_RESET);
}

static void submit_and_close_in_accept_callback(const struct backend *backend)
{
    struct suite_rig rig;
    struct fill fill;
    rig_open(&rig, backend);
    rig.user = &fill;
    rig.on_open = submit_and_close;
    rig_listen(&rig, 8, 2);
    uv_os_sock_t peer = rig_peer(&rig);
    uint64_t arrived;
    RIG_UNTIL(&rig, rig.closed == 1);
    assert_int_equal(rig.conns->recv.status, UV_ECANCELED);
    assert_int_equal(rig.conns->send.status, UV_ECANCELED);
    assert_true(rig_is_reset(rig_peer_end(&rig, peer, &arrived)));
    assert_true(arrived <= rig.conns->sent);
    rig_close(&rig);
    fill_free(&fill);
}

static void close_user(struct rig_conn *conn)
{
    close_now(conn->user);
}

/* A rig with two connections. The first has the second as its user. Returns the first. */
static struct rig_conn *open_two(struct suite_rig *rig, const struct backend *backend)
{
    uv_os_sock_t peer;
    uv_os_sock_t other;
    struct rig_conn *first = rig_open_pair(rig, backend, &peer);
    first->user = rig_pair(rig, &other);
    return first;
}

/* The last outcome of a canceled operation may close another connection. */
static void close_another_in_canceled_callback(const struct backend *backend)
{
    struct suite_rig rig;
    struct rig_conn *first = open_two(&rig, backend);
    struct rig_conn *second = first->user;
    first->on_recv = close_user;
    rig_conn_recv(first);
    rig_conn_recv(second);
    rig_conn_close(first, IO_CLOSE_GRACEFUL);
    RIG_UNTIL(&rig, first->closed && second->closed);
    assert_int_equal(second->recv.status, UV_ECANCELED);
    rig_close(&rig);
}

/* A close callback may close another connection too. */
static void close_another_in_close_callback(const struct backend *backend)
{
    struct suite_rig rig;
    struct rig_conn *first = open_two(&rig, backend);
    struct rig_conn *second = first->user;
    first->on_close = close_user;
    rig_conn_recv(second);
    rig_conn_close(first, IO_CLOSE_GRACEFUL);
    RIG_UNTIL(&rig, first->closed && second->closed);
    assert_true(first->close_order < second->close_order);
    rig_close(&rig);
}

/* ---- the batch ------------------------------------------------------------------------------ */

/* Closes every connection of the rig, including itself. */
static void close_all(struct rig_conn *conn)
{
    for (struct rig_conn *at = conn->rig->conns; at != NULL; at = at->next) {
        close_now(at);
    }
}

/* All have data when a turn begins, and the first callback closes all. The outcomes of the
 * others come before their close callbacks, which the rig checks. Their memory is freed there:
 * the rest of the batch must not touch it, which AddressSanitizer checks. */
static void close_others_of_the_batch(const struct backend *backend)
{
    enum { CONNECTIONS = 16 };
    struct suite_rig rig;
    uv_os_sock_t peers[CONNECTIONS];
    rig_open(&rig, backend);
    rig_listen(&rig, 32, 4);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct rig_conn *conn = rig_pair(&rig, &peers[i]);
        conn->on_recv = close_all;
        rig_conn_recv(conn);
    }
    rig_quiet(&rig);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        assert_int_equal(peer_send(peers[i], crumbs, sizeof(crumbs)), sizeof(crumbs));
    }
    RIG_UNTIL(&rig, rig.closed == CONNECTIONS);
    for (struct rig_conn *conn = rig.conns; conn != NULL; conn = conn->next) {
        assert_int_equal(conn->recv.outcomes, 1);
        assert_true(conn->recv.status == 0 || conn->recv.status == UV_ECANCELED);
    }
    rig_close(&rig);
}

/* Each connection closes itself, and a new one may take its place at once. */
static void accept_into_the_place_of_the_closed(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 32, 4);
    for (size_t i = 0; i < 100; i++) {
        uv_os_sock_t peer = rig_peer(&rig);
        rig_echo(&rig, peer, 100);
        rig_conn_close(rig.conns, i % 2 == 0 ? IO_CLOSE_GRACEFUL : IO_CLOSE_RESET);
        rig_forget_peer(&rig, peer);
        peer_close(peer);
    }
    RIG_UNTIL(&rig, rig.closed == 100);
    rig_close(&rig);
}

const struct scenario suite_close[] = {
    SCENARIO(close_idle),
    SCENARIO(close_with_recv),
    SCENARIO(close_gracefully_with_both_outstanding),
    SCENARIO(close_by_reset_with_both_outstanding),
    SCENARIO(close_by_reset),
    SCENARIO(close_after_send),
    SCENARIO(close_after_shutdown),
    SCENARIO(close_by_reset_after_shutdown),
    SCENARIO(close_right_after_pending),
    SCENARIO(close_many),
    SCENARIO(close_in_recv_callback),
    SCENARIO(close_in_send_callback),
    SCENARIO(close_in_accept_callback),
    SCENARIO(submit_and_close_in_accept_callback),
    SCENARIO(close_another_in_canceled_callback),
    SCENARIO(close_another_in_close_callback),
    SCENARIO(close_others_of_the_batch),
    SCENARIO(accept_into_the_place_of_the_closed),
    {NULL, NULL},
};
