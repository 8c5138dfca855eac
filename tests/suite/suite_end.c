/* How a stream ends: by a FIN from either side or by a reset, and what a receiver sees. */

#include "suite.h"

#include <stdlib.h>

#include "sys.h"
#include "util.h"

/* ---- FIN ------------------------------------------------------------------------------------ */

static void half_close_after(const struct backend *backend, size_t length)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 8, 1);
    struct stream stream = stream_of(10, length);
    uint8_t *bytes = stream_bytes(&stream, length + 1);
    uv_os_sock_t peer = rig_peer(&rig);
    rig_peer_send(&rig, peer, bytes, length);
    assert_int_equal(peer_shutdown(peer), 0);
    rig_peer_read(&rig, peer, &stream, length);
    assert_int_equal(rig_peer_end(&rig, peer, NULL), 0); /* a FIN, no reset */
    RIG_UNTIL(&rig, rig.closed == 1);
    assert_int_equal(rig.conns->received_total, length);
    assert_true(rig.conns->ended);
    rig_close(&rig);
    free(bytes);
}

static void half_close(const struct backend *backend)
{
    half_close_after(backend, 0);
    half_close_after(backend, 1);
    half_close_after(backend, 65535);
    half_close_after(backend, 65536);
    half_close_after(backend, 65537);
}

/* Our shutdown ends one direction only. */
static void our_shutdown(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    struct stream stream = stream_of(11, 0);
    uint8_t *bytes = stream_bytes(&stream, 1000);
    conn->user = &stream;
    conn->on_recv = sink_recv;
    rig_conn_recv(conn);
    assert_int_equal(rig_conn_shutdown(conn), 0);
    assert_int_equal(rig_peer_end(&rig, peer, NULL), 0);
    assert_true(conn->recv.outstanding);
    rig_peer_send(&rig, peer, bytes, 1000);
    RIG_UNTIL(&rig, conn->received_total == 1000);
    assert_int_equal(peer_shutdown(peer), 0);
    RIG_UNTIL(&rig, conn->ended);
    rig_close(&rig);
    free(bytes);
}

/* What was sent before a shutdown arrives before the end. */
static void shutdown_after_send(const struct backend *backend)
{
    const size_t length = 4 * MIB;
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    struct stream stream = stream_of(12, 0);
    uint8_t *bytes = stream_bytes(&stream, length);
    rig_conn_send(conn, bytes, length);
    rig_peer_read(&rig, peer, &stream, length / 2);
    struct flow rest = {
        .peer = peer,
        .stream = stream,
        .length = length,
        .sent = length,
        .received = length / 2,
    };
    while (conn->send.outstanding) {
        if (!flow_step(&rest)) {
            rig_turn(&rig);
        } else {
            (void)rig_poll(&rig, 0);
        }
    }
    assert_int_equal(conn->send.status, 0);
    assert_int_equal(rig_conn_shutdown(conn), 0);
    rig_flow(&rig, &rest);
    assert_int_equal(rig_peer_end(&rig, peer, NULL), 0);
    rig_close(&rig);
    free(bytes);
}

/* Receives until the end of the stream, and asserts that all `length` bytes came before it. */
static void drain_to_end(struct suite_rig *rig, struct rig_conn *conn, struct stream *stream,
                         size_t length)
{
    conn->user = stream;
    conn->on_recv = sink_recv;
    rig_conn_recv(conn);
    RIG_UNTIL(rig, conn->ended || conn->recv.status != 0);
    assert_int_equal(conn->recv.status, 0);
    assert_int_equal(conn->received_total, length);
}

/* The bytes and the FIN are both there before the backend looks. */
static void data_before_eof_of(const struct backend *backend, size_t length, size_t buffer_size,
                               bool waiting)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    rig_open_with(&rig, backend, buffer_size, 16 * buffer_size);
    rig_listen(&rig, 8, 1);
    struct rig_conn *conn = rig_pair(&rig, &peer);
    struct stream stream = stream_of(13, length);
    uint8_t *bytes = stream_bytes(&stream, length);
    conn->user = &stream;
    conn->on_recv = sink_recv;
    if (waiting) {
        rig_conn_recv(conn);
    }
    assert_int_equal(peer_send(peer, bytes, length), length);
    rig_forget_peer(&rig, peer);
    peer_close(peer);
    if (!waiting) {
        rig_quiet(&rig);
        drain_to_end(&rig, conn, &stream, length);
    }
    RIG_UNTIL(&rig, conn->ended || conn->recv.status != 0);
    assert_int_equal(conn->recv.status, 0);
    assert_int_equal(conn->received_total, length);
    rig_close(&rig);
    free(bytes);
}

static void data_before_eof(const struct backend *backend)
{
    static const size_t lengths[] = {1, 4096, 40000};
    for (size_t i = 0; i < LENGTH(lengths); i++) {
        data_before_eof_of(backend, lengths[i], 64 * KIB, true);
        data_before_eof_of(backend, lengths[i], 64 * KIB, false);
        data_before_eof_of(backend, lengths[i], 100, true);
        data_before_eof_of(backend, lengths[i], 100, false);
        data_before_eof_of(backend, lengths[i], lengths[i], true);
        data_before_eof_of(backend, lengths[i], lengths[i], false);
    }
}

/* Rule 3: the end of the one direction is not the end of the other. */
static void end_of_recv_does_not_end_send(const struct backend *backend)
{
    const size_t length = 16 * MIB;
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    struct stream stream = stream_of(14, 0);
    uint8_t *bytes = stream_bytes(&stream, length);
    rig_conn_send(conn, bytes, length);
    rig_conn_recv(conn);
    assert_int_equal(peer_shutdown(peer), 0);
    RIG_UNTIL(&rig, conn->recv.outcomes == 1);
    assert_true(conn->ended);
    rig_quiet(&rig);
    if (!conn->send.outstanding && sys_is_wine()) {
        rig_close(&rig);
        free(bytes);
        suite_skip("Wine says of a send that it is over when the other direction ends");
    }
    assert_true(conn->send.outstanding);
    rig_peer_read(&rig, peer, &stream, length);
    RIG_UNTIL(&rig, !conn->send.outstanding);
    assert_int_equal(conn->send.status, 0);
    rig_close(&rig);
    free(bytes);
}

/* ---- reset ---------------------------------------------------------------------------------- */

static void reset_peer(struct suite_rig *rig, uv_os_sock_t peer)
{
    rig_forget_peer(rig, peer);
    peer_reset(peer);
}

/* One connection is reset within its message; its neighbour does not notice. */
static void reset_mid_message(const struct backend *backend)
{
    struct suite_rig rig;
    uint8_t half[1000] = {0};
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    rig.on_open = echo_open;
    uv_os_sock_t other = rig_peer(&rig);
    rig_echo(&rig, other, 5000);
    conn->on_recv = sink_recv;
    rig_conn_recv(conn);
    rig_peer_send(&rig, peer, half, sizeof(half));
    RIG_UNTIL(&rig, conn->received_total == sizeof(half));
    reset_peer(&rig, peer);
    RIG_UNTIL(&rig, conn->recv.status != 0 || conn->ended);
    assert_true(rig_is_reset(conn->recv.status));
    rig_echo(&rig, other, 5000);
    rig_conn_end(conn, IO_CLOSE_GRACEFUL);
    rig_echo(&rig, other, 5000);
    assert_int_equal(rig.closed, 1);
    rig_close(&rig);
}

/* Bytes and the reset after them arrive at once. The system may drop the bytes, but the reset
 * must not look like the end of the stream. */
static void reset_after_data(const struct backend *backend)
{
    struct suite_rig rig;
    uint8_t bytes[100] = {0};
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    conn->on_recv = sink_recv;
    rig_conn_recv(conn);
    rig_quiet(&rig);
    assert_int_equal(peer_send(peer, bytes, sizeof(bytes)), sizeof(bytes));
    reset_peer(&rig, peer);
    RIG_UNTIL(&rig, conn->recv.status != 0 || conn->ended);
    assert_true(rig_is_reset(conn->recv.status));
    rig_close(&rig);
}

/* The bytes that the system has taken of all sends of the connection. The last send is
 * outstanding, and the peer reads nothing. UINT64_MAX: the system does not tell. */
static uint64_t taken_of_send(struct suite_rig *rig, struct rig_conn *conn, uv_os_sock_t peer)
{
    uv_os_sock_t os_socket;
    uint64_t before, taken = UINT64_MAX;
    if (rig->backend->handle(conn->socket, &os_socket) != 0) {
        return UINT64_MAX;
    }
    do { /* until nothing is on its way */
        before = taken;
        for (size_t i = 0; i < 5; i++) {
            rig_quiet(rig);
        }
        int status = peer_held(os_socket, peer, &taken);
        if (status == UV_ENOTSUP) {
            return UINT64_MAX;
        }
        assert_int_equal(status, 0);
    } while (taken != before);
    assert_true(taken > 0);
    return taken;
}

static void assert_sent(const struct rig_conn *conn, uint64_t taken)
{
    if (taken != UINT64_MAX) {
        assert_int_equal(conn->sent_total, taken);
    }
}

/* The echo sends to a peer that has gone: both operations end, each with its own outcome. */
static void reset_while_sending(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct fill fill;
    struct rig_conn *conn = rig_open_filled(&rig, backend, &peer, &fill);
    assert_true(conn->recv.outstanding && conn->send.outstanding);
    uint64_t taken = taken_of_send(&rig, conn, peer);
    reset_peer(&rig, peer);
    RIG_UNTIL(&rig, !conn->recv.outstanding && !conn->send.outstanding);
    assert_true(rig_is_reset(conn->recv.status));
    assert_int_equal(conn->send.status, UV_ECONNRESET);
    assert_sent(conn, taken);
    rig_close(&rig);
    fill_free(&fill);
}

/* A send without a recv beside it fails by itself. */
static void reset_lone_send(struct suite_rig *rig, struct rig_conn *conn, uv_os_sock_t peer)
{
    struct fill fill = rig_conn_fill(conn);
    uint64_t taken = taken_of_send(rig, conn, peer);
    reset_peer(rig, peer);
    RIG_UNTIL(rig, !conn->send.outstanding);
    assert_int_equal(conn->send.status, UV_ECONNRESET);
    assert_sent(conn, taken);
    rig_close(rig);
    fill_free(&fill);
}

static void reset_of_a_lone_send(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    reset_lone_send(&rig, conn, peer);
}

/* The same on a connection made by connect(): a system may count its SYN as a byte. */
static void reset_of_a_send_after_connect(const struct backend *backend)
{
    struct suite_rig rig;
    struct sockaddr_storage address;
    uv_os_sock_t listener, peer;
    rig_open(&rig, backend);
    assert_int_equal(peer_bind(AF_INET, &listener, &address), 0);
    rig_keep_peer(&rig, listener);
    assert_int_equal(peer_listen(listener, 8), 0);
    struct rig_conn *conn = rig_conn_new(&rig);
    rig_conn_connect(conn, &address);
    RIG_UNTIL(&rig, !conn->connect.outstanding);
    assert_int_equal(peer_accept(listener, &peer), 0);
    rig_keep_peer(&rig, peer);
    reset_lone_send(&rig, conn, peer);
}

/* Sends until the reset shows. A send reports the reset even if the recv has already done so. */
static void send_after_reset(const struct backend *backend)
{
    static const uint8_t bytes[1000];
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    rig_conn_recv(conn);
    reset_peer(&rig, peer);
    RIG_UNTIL(&rig, !conn->recv.outstanding);
    assert_true(rig_is_reset(conn->recv.status));
    for (int i = 0; i < 100 && conn->send.status == 0; i++) {
        rig_conn_send(conn, bytes, sizeof(bytes));
        RIG_UNTIL(&rig, !conn->send.outstanding);
    }
    assert_int_equal(conn->send.status, UV_ECONNRESET);
    rig_close(&rig);
}

/* The system reports the reset to one operation, and something else to the other: on Linux the
 * end. */
static void reset_of_both_at_once(const struct backend *backend)
{
    static const uint8_t bytes[1000];
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    rig_conn_recv(conn);
    rig_quiet(&rig);
    reset_peer(&rig, peer);
    rig_conn_send(conn, bytes, sizeof(bytes)); /* without a turn in between */
    RIG_UNTIL(&rig, !conn->recv.outstanding && !conn->send.outstanding);
    /* Wine may give the error to the send only. */
    assert_true(rig_is_reset(conn->recv.status) || (sys_is_wine() && conn->ended));
    if (conn->send.status == 0) { /* loopback is asynchronous: the reset came after the send */
        rig_conn_send(conn, bytes, sizeof(bytes));
        RIG_UNTIL(&rig, !conn->send.outstanding);
    }
    assert_int_equal(conn->send.status, UV_ECONNRESET);
    rig_close(&rig);
}

/* A shutdown may report the reset or leave it to the recv, which reports it in any case. */
static void shutdown_after_reset(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    reset_peer(&rig, peer);
    rig_quiet(&rig);
    int status = rig_conn_shutdown(conn);
    assert_true(status == 0 || status == UV_ECONNRESET);
    rig_quiet(&rig);
    rig_conn_recv(conn);
    RIG_UNTIL(&rig, !conn->recv.outstanding);
    assert_true(rig_is_reset(conn->recv.status));
    rig_close(&rig);
}

/* ---- nothing outstanding -------------------------------------------------------------------- */

/* Without a recv no data is taken, and the system's full buffers stop the peer. Afterwards all
 * data is there. */
static void stop_reading(const struct backend *backend)
{
    static uint8_t piece[64 * 1024];
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    struct stream stream = stream_of(17, 0);
    uint64_t sent = 0;
    unsigned stuck = 0;
    while (stuck < 10) {
        stream_fill(&stream, sent, piece, sizeof(piece));
        int count = peer_send(peer, piece, sizeof(piece));
        assert_true(count > 0 || count == UV_EAGAIN);
        sent += count > 0 ? (uint64_t)count : 0;
        stuck = count > 0 ? 0 : stuck + 1;
        rig_turn(&rig);
        assert_int_equal(rig.loop->pool.in_use, 0);
        assert_true(sent < 128 * MIB);
    }
    assert_int_equal(rig.loop->stats.recv_calls, 0);
    conn->user = &stream;
    conn->on_recv = sink_recv;
    rig_conn_recv(conn);
    RIG_UNTIL(&rig, conn->received_total == sent);
    rig_close(&rig);
}

/* A recv has one outcome, however many bytes are there. */
static void recv_is_one_shot(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    rig_open_with(&rig, backend, 100, 1600);
    rig_listen(&rig, 8, 1);
    struct rig_conn *conn = rig_pair(&rig, &peer);
    struct stream stream = stream_of(18, 0);
    uint8_t *bytes = stream_bytes(&stream, 1000);
    rig_peer_send(&rig, peer, bytes, 1000);
    for (size_t i = 1; conn->received_total < 1000; i++) {
        rig_conn_recv(conn);
        RIG_UNTIL(&rig, !conn->recv.outstanding);
        rig_turn(&rig);
        assert_int_equal(conn->recv.outcomes, i);
        size_t offset = (size_t)conn->received_total - conn->length;
        assert_true(conn->length > 0);
        assert_memory_equal(conn->data, bytes + offset, conn->length);
        rig_conn_release(conn);
        assert_int_equal(rig.loop->pool.in_use, 0);
    }
    rig_close(&rig);
    free(bytes);
}

/* Data that no recv asks for costs no turns. */
static void stop_reading_does_not_spin(const struct backend *backend)
{
    static const uint8_t bytes[1000];
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    rig_conn_recv(conn);
    rig_peer_send(&rig, peer, bytes, sizeof(bytes));
    RIG_UNTIL(&rig, !conn->recv.outstanding);
    rig_conn_release(conn);
    rig_peer_send(&rig, peer, bytes, sizeof(bytes));
    rig_quiet(&rig);
    uint64_t turns = rig.loop->stats.wait_calls;
    uint64_t until = backend->now(rig.loop) + 20000000;
    while (backend->now(rig.loop) < until) {
        (void)rig_poll(&rig, until);
    }
    assert_true(rig.loop->stats.wait_calls - turns < 25);
    rig_close(&rig);
}

static void eof_while_not_reading(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    assert_int_equal(peer_shutdown(peer), 0);
    rig_quiet(&rig);
    rig_conn_recv(conn);
    RIG_UNTIL(&rig, !conn->recv.outstanding);
    assert_int_equal(conn->recv.status, 0);
    assert_true(conn->ended);
    rig_close(&rig);
}

static void reset_while_not_reading(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    reset_peer(&rig, peer);
    rig_quiet(&rig);
    rig_conn_recv(conn);
    RIG_UNTIL(&rig, !conn->recv.outstanding);
    assert_true(rig_is_reset(conn->recv.status));
    rig_close(&rig);
}

const struct scenario suite_end[] = {
    SCENARIO(half_close),
    SCENARIO(our_shutdown),
    SCENARIO(shutdown_after_send),
    SCENARIO(data_before_eof),
    SCENARIO(end_of_recv_does_not_end_send),
    SCENARIO(reset_mid_message),
    SCENARIO(reset_after_data),
    SCENARIO(reset_while_sending),
    SCENARIO(reset_of_a_lone_send),
    SCENARIO(reset_of_a_send_after_connect),
    SCENARIO(send_after_reset),
    SCENARIO(reset_of_both_at_once),
    SCENARIO(shutdown_after_reset),
    SCENARIO(stop_reading),
    SCENARIO(stop_reading_does_not_spin),
    SCENARIO(recv_is_one_shot),
    SCENARIO(eof_while_not_reading),
    SCENARIO(reset_while_not_reading),
    {NULL, NULL},
};
