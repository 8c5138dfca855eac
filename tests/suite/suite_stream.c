/* Bytes in large and small pieces: all that is sent comes back in order. */

#include "suite.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

/* ---- one long message ----------------------------------------------------------------------- */

/* A peer that writes and reads at the same time, on two threads. */
struct bulk {
    uv_os_sock_t peer;
    struct stream stream;
    uint64_t length;
    const struct backend *backend;
    struct io_loop *loop;
    uv_sem_t finished;
    int write_status;
    int read_status;   /* 0: to the end of the stream */
    uint64_t verified; /* bytes, up to the first that is wrong */
};

static void bulk_write(void *argument)
{
    static uint8_t piece[256 * 1024];
    struct bulk *bulk = argument;
    uint64_t written = 0;
    int count = 0;
    while (written < bulk->length && count >= 0) {
        uint64_t left = bulk->length - written;
        size_t length = left < sizeof(piece) ? (size_t)left : sizeof(piece);
        stream_fill(&bulk->stream, written, piece, length);
        count = peer_send(bulk->peer, piece, length);
        written += count > 0 ? (uint64_t)count : 0;
    }
    bulk->write_status = count < 0 ? count : peer_shutdown(bulk->peer);
}

static void bulk_read(void *argument)
{
    static uint8_t piece[256 * 1024];
    struct bulk *bulk = argument;
    bool right = true;
    int count;
    while ((count = peer_recv(bulk->peer, piece, sizeof(piece))) > 0) {
        size_t length = (size_t)count;
        size_t good = stream_check(&bulk->stream, bulk->verified, piece, length);
        bulk->verified += right ? good : 0;
        right = right && good == length;
    }
    bulk->read_status = count;
    uv_sem_post(&bulk->finished);
    bulk->backend->wake(bulk->loop);
}

static void bulk_echo(const struct backend *backend, size_t length)
{
    struct suite_rig rig;
    uv_thread_t writer;
    uv_thread_t reader;
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 8, 1);
    struct bulk bulk = {
        .peer = rig_peer(&rig),
        .stream = stream_of(2, length),
        .length = length,
        .backend = backend,
        .loop = rig.loop,
    };
    assert_int_equal(peer_block(bulk.peer, true), 0);
    assert_int_equal(uv_sem_init(&bulk.finished, 0), 0);
    assert_int_equal(uv_thread_create(&writer, bulk_write, &bulk), 0);
    assert_int_equal(uv_thread_create(&reader, bulk_read, &bulk), 0);
    RIG_UNTIL(&rig, uv_sem_trywait(&bulk.finished) == 0);
    assert_int_equal(uv_thread_join(&writer), 0);
    assert_int_equal(uv_thread_join(&reader), 0);
    uv_sem_destroy(&bulk.finished);
    assert_int_equal(bulk.write_status, 0);
    assert_int_equal(bulk.read_status, 0);
    assert_int_equal(bulk.verified, length);
    assert_int_equal(rig.conns->received_total, length);
    assert_int_equal(rig.conns->sent_total, length);
    rig_close(&rig);
}

static void echo_16_mib(const struct backend *backend)
{
    bulk_echo(backend, 16 * MIB);
}

static void echo_64_mib(const struct backend *backend)
{
    bulk_echo(backend, 64 * MIB);
}

/* ---- sizes and contents --------------------------------------------------------------------- */

/* A rig that echoes, with one peer. */
static uv_os_sock_t echo_rig(struct suite_rig *rig, const struct backend *backend)
{
    rig_open(rig, backend);
    rig->on_open = echo_open;
    rig_listen(rig, 8, 1);
    return rig_peer(rig);
}

static void echo_sizes(const struct backend *backend)
{
    static const size_t sizes[] = {1, 2, 3, 4095, 4096, 4097, 65535, 65536, 65537, MIB + 1};
    struct suite_rig rig;
    uv_os_sock_t peer = echo_rig(&rig, backend);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        rig_echo(&rig, peer, sizes[i]);
    }
    rig_close(&rig);
}

/* One message of these bytes. */
static void echo_bytes(struct suite_rig *rig, uv_os_sock_t peer, const uint8_t *bytes,
                       size_t length)
{
    uint8_t *back = malloc(length);
    assert_non_null(back);
    rig_peer_send(rig, peer, bytes, length);
    for (size_t at = 0; at < length;) {
        int count;
        RIG_UNTIL(rig, (count = peer_recv(peer, back + at, length - at)) != UV_EAGAIN);
        assert_true(count > 0);
        at += (size_t)count;
    }
    assert_memory_equal(bytes, back, length);
    free(back);
}

static void echo_nul_bytes(const struct backend *backend)
{
    static const uint8_t zeros[65536];
    struct suite_rig rig;
    uv_os_sock_t peer = echo_rig(&rig, backend);
    echo_bytes(&rig, peer, zeros, 1);
    echo_bytes(&rig, peer, zeros, sizeof(zeros));
    rig_close(&rig);
}

static void echo_all_byte_values(const struct backend *backend)
{
    uint8_t bytes[256];
    struct suite_rig rig;
    uv_os_sock_t peer = echo_rig(&rig, backend);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
        echo_bytes(&rig, peer, &bytes[i], 1);
    }
    echo_bytes(&rig, peer, bytes, sizeof(bytes));
    rig_close(&rig);
}

static void echo_with_buffers_of(const struct backend *backend, size_t buffer_size, size_t length)
{
    struct suite_rig rig;
    rig_open_with(&rig, backend, buffer_size, buffer_size * 4);
    rig.on_open = echo_open;
    rig_listen(&rig, 8, 1);
    rig_echo(&rig, rig_peer(&rig), length);
    rig_close(&rig);
}

static void echo_buffer_sizes(const struct backend *backend)
{
    echo_with_buffers_of(backend, 1, 300);
    echo_with_buffers_of(backend, 3, 1000);
    echo_with_buffers_of(backend, 4097, 100000);
    echo_with_buffers_of(backend, MIB, 3 * MIB + 1);
}

/* ---- many small messages -------------------------------------------------------------------- */

static void echo_one_byte_writes(const struct backend *backend)
{
    struct suite_rig rig;
    struct flow flow = {
        .peer = echo_rig(&rig, backend),
        .stream = stream_of(3, 0),
        .length = 10000,
        .chunk = 1,
    };
    assert_int_equal(peer_nodelay(flow.peer), 0);
    rig_flow(&rig, &flow);
    rig_close(&rig);
}

/* All the messages are on their way before the first answer is read. */
static void echo_pipelining(const struct backend *backend)
{
    enum { MESSAGE = 100, MESSAGES = 1000 };
    struct suite_rig rig;
    struct stream stream = stream_of(4, 0);
    uint8_t *bytes = stream_bytes(&stream, MESSAGE * MESSAGES);
    uv_os_sock_t peer = echo_rig(&rig, backend);
    assert_int_equal(peer_nodelay(peer), 0);
    for (size_t i = 0; i < MESSAGES; i++) {
        rig_peer_send(&rig, peer, bytes + i * MESSAGE, MESSAGE);
    }
    rig_peer_read(&rig, peer, &stream, MESSAGE * MESSAGES);
    free(bytes);
    rig_close(&rig);
}

static void echo_1000_connections(const struct backend *backend)
{
    enum { CONNECTIONS = 1000, LENGTH = 300 };
    static struct flow flows[CONNECTIONS];
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 128, 16);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        flows[i] = (struct flow){.stream = stream_of(5, i), .length = LENGTH, .chunk = LENGTH};
        flows[i].peer = rig_peer(&rig);
        RIG_UNTIL(&rig, rig.opened + 64 > i); /* never more than the backlog holds */
    }
    RIG_UNTIL(&rig, rig.opened == CONNECTIONS);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        assert_true(flow_step(&flows[i]));
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        rig_flow(&rig, &flows[i]);
    }
    assert_int_equal(rig.opened, CONNECTIONS);
    assert_int_equal(rig.closed, 0);
    rig_close(&rig);
}

/* ---- both ways ------------------------------------------------------------------------------ */

/* Rule 3: a recv and a send at once, each with its own bytes. */
static void send_and_recv_at_once(const struct backend *backend)
{
    const size_t length = 8 * MIB;
    struct suite_rig rig;
    struct stream in = stream_of(6, 1);
    struct stream out = stream_of(6, 2);
    uint8_t *inward = stream_bytes(&in, length);
    uint8_t *outward = stream_bytes(&out, length);
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    conn->user = &in;
    conn->on_recv = sink_recv;
    rig_conn_recv(conn);
    rig_conn_send(conn, outward, length);
    rig_peer_send(&rig, peer, inward, length);
    rig_peer_read(&rig, peer, &out, length);
    RIG_UNTIL(&rig, conn->send.outcomes == 1 && conn->received_total == length);
    assert_int_equal(conn->send.status, 0);
    assert_int_equal(conn->sent, length);
    assert_true(conn->recv.outstanding);
    rig_close(&rig);
    free(inward);
    free(outward);
}

/* What the system can't take stays pending, and nothing is lost. */
static void slow_reader(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    struct fill fill = rig_conn_fill(conn);
    assert_true(conn->send.outstanding);
    rig_peer_read(&rig, peer, &fill.stream, fill.submitted);
    RIG_UNTIL(&rig, !conn->send.outstanding);
    assert_int_equal(conn->send.status, 0);
    assert_int_equal(conn->sent_total, fill.submitted);
    rig_close(&rig);
    fill_free(&fill);
}

/* The same through the echo: it stops reading, so its peer waits. */
static void slow_reader_of_an_echo(const struct backend *backend)
{
    struct suite_rig rig;
    struct stream stream = stream_of(8, 0);
    static uint8_t piece[64 * 1024];
    uv_os_sock_t peer = echo_rig(&rig, backend);
    uint64_t sent = 0;
    unsigned stuck = 0;
    while (stuck < 10) { /* turns in a row in which nothing moved */
        stream_fill(&stream, sent, piece, sizeof(piece));
        int count = peer_send(peer, piece, sizeof(piece));
        assert_true(count > 0 || count == UV_EAGAIN);
        sent += count > 0 ? (uint64_t)count : 0;
        stuck = count > 0 ? 0 : stuck + 1;
        if (count > 0) {
            (void)rig_poll(&rig, 0);
        } else {
            rig_turn(&rig);
        }
        assert_true(sent < 128 * MIB);
    }
    assert_true(rig.loop->pool.in_use <= 1);
    rig_peer_read(&rig, peer, &stream, sent);
    assert_int_equal(rig.conns->received_total, sent);
    rig_close(&rig);
}

/* A connection that does not read does not delay another. */
static void slow_reader_beside_another(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t slow;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &slow);
    struct fill fill = rig_conn_fill(conn);
    rig.on_open = echo_open;
    rig_echo(&rig, rig_peer(&rig), 100000);
    assert_true(conn->send.outstanding);
    rig_peer_read(&rig, slow, &fill.stream, fill.submitted);
    RIG_UNTIL(&rig, !conn->send.outstanding);
    rig_close(&rig);
    fill_free(&fill);
}

/* A connection to a peer, with small buffers on both sides. */
static struct rig_conn *narrow_pair(struct suite_rig *rig, uv_os_sock_t *peer)
{
    enum { SMALL = 4096 };
    uv_os_sock_t os_socket;
    *peer = rig_peer_with(rig, SMALL);
    RIG_UNTIL(rig, rig->opened == 1);
    assert_int_equal(rig->backend->handle(rig->conns->socket, &os_socket), 0);
    assert_int_equal(peer_send_buffer(os_socket, SMALL), 0);
    return rig->conns;
}

/* The peer reads nothing, and sends of one byte fill the buffers completely, so the last send
 * finds no room at all. It waits without further calls, and other connections are served. */
static void send_into_a_full_socket(const struct backend *backend)
{
    struct suite_rig rig;
    struct stream stream = stream_of(11, 0);
    uint8_t *bytes = stream_bytes(&stream, MIB);
    uv_os_sock_t peer;
    size_t sent = 0;
    rig_open(&rig, backend);
    rig_listen(&rig, 8, 1);
    struct rig_conn *conn = narrow_pair(&rig, &peer);
    while (!conn->send.outstanding) {
        assert_true(sent < MIB);
        rig_conn_send(conn, bytes + sent++, 1);
        for (size_t i = 0; conn->send.outstanding && i < 100; i++) {
            rig_turn(&rig);
        }
    }
    uint64_t calls = rig.loop->stats.send_calls;
    rig_quiet(&rig);
    assert_true(rig.loop->stats.send_calls <= calls + 100); /* it does not spin */
    rig.on_open = echo_open;
    rig_echo(&rig, rig_peer(&rig), 10000);
    rig_peer_read(&rig, peer, &stream, sent);
    RIG_UNTIL(&rig, !conn->send.outstanding);
    assert_int_equal(conn->send.status, 0);
    assert_int_equal(conn->sent_total, sent);
    rig_close(&rig);
    free(bytes);
}

/* A receive stops before an out-of-band byte, and more bytes follow behind it. */
static void stream_goes_on_behind_an_urgent_byte(const struct backend *backend)
{
    const size_t half = 1000;
    struct suite_rig rig;
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    struct stream stream = stream_of(10, 0);
    uint8_t *bytes = stream_bytes(&stream, 2 * half);
    conn->user = &stream;
    conn->on_recv = sink_recv;
    rig_conn_recv(conn);
    rig_quiet(&rig);
    assert_int_equal(peer_send(peer, bytes, half), half);
    assert_int_equal(peer_send_urgent(peer, '!'), 1);
    assert_int_equal(peer_send(peer, bytes + half, half), half);
    RIG_UNTIL(&rig, conn->received_total == 2 * half);
    assert_true(conn->recv.outstanding);
    rig_close(&rig);
    free(bytes);
}

const struct scenario suite_stream[] = {
    SCENARIO(echo_16_mib),
    SCENARIO(echo_64_mib),
    SCENARIO(echo_sizes),
    SCENARIO(echo_nul_bytes),
    SCENARIO(echo_all_byte_values),
    SCENARIO(echo_buffer_sizes),
    SCENARIO(echo_one_byte_writes),
    SCENARIO(echo_pipelining),
    SCENARIO(echo_1000_connections),
    SCENARIO(send_and_recv_at_once),
    SCENARIO(slow_reader),
    SCENARIO(slow_reader_of_an_echo),
    SCENARIO(slow_reader_beside_another),
    SCENARIO(send_into_a_full_socket),
    SCENARIO(stream_goes_on_behind_an_urgent_byte),
    {NULL, NULL},
};
