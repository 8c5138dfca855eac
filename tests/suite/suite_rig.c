/* The rig: a loop, its listener and its accepts. Connections are in suite_conn.c. */

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "range.h"
#include "suite_inside.h"
#include "sys.h"

#define TURN_NS 2000000u
#define QUIET_TURNS 10
#define SILENT_MAX 1100 /* clients that have not knocked */

struct suite_mode suite_mode;

struct accept_op {
    struct io_accept op; /* first */
    struct suite_rig *rig;
};

/* ---- rules ---------------------------------------------------------------------------------- */

void rig_check(struct suite_rig *rig, bool holds, const char *what, const char *file, int line)
{
    if (!holds && rig->breach == NULL) {
        rig->breach = what;
        rig->breach_file = file;
        rig->breach_line = line;
    }
}

static void rig_assert_unbroken(const struct suite_rig *rig)
{
    if (rig->breach != NULL) {
        fail_msg("%s:%d: does not hold: %s", rig->breach_file, rig->breach_line, rig->breach);
    }
}

void rig_enter_callback(struct suite_rig *rig)
{
    RIG_CHECK(rig, rig->polling);
    RIG_CHECK(rig, !rig->in_call);
    RIG_CHECK(rig, !rig->in_callback);
    rig->in_callback = true;
}

void rig_leave_callback(struct suite_rig *rig)
{
    rig->in_callback = false;
}

void *rubbish(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL) {
        abort();
    }
    return memset(memory, 0xA5, size);
}

void side_submit(struct side *side, struct suite_rig *rig)
{
    RIG_CHECK(rig, !side->outstanding);
    side->outstanding = true;
    side->negative = false;
    side->submits++;
    rig->in_call = true;
}

void side_answer(struct side *side, struct suite_rig *rig, int answer)
{
    rig->in_call = false;
    RIG_CHECK(rig, answer <= IO_PENDING);
    side->came_inline = answer != IO_PENDING;
    side->negative = answer < 0;
    rig->inlines += answer == IO_DONE;
}

bool is_status(int status)
{
    return status <= 0 && status > UV_ERRNO_MAX;
}

void side_outcome(struct side *side, struct suite_rig *rig, int status)
{
    RIG_CHECK(rig, is_status(status));
    side->outcomes++;
    side->status = status;
    side->order = ++rig->order;
    side->outstanding = false;
    side->ready = true;
    RIG_CHECK(rig, side->outcomes == side->submits);
}

/* ---- loop ----------------------------------------------------------------------------------- */

static int rig_open_socket(void *context, int family, uv_os_sock_t *os_socket)
{
    struct suite_rig *rig = context;
    RIG_CHECK(rig, rig->in_call);
    rig->open_socket_calls++;
    rig->open_socket_family = family;
    if (rig->open_socket_answer != 0) {
        return rig->open_socket_answer;
    }
    struct sockaddr_storage bound;
    return rig->open_socket_binds ? peer_bind(family, os_socket, &bound)
                                  : peer_socket(family, os_socket);
}

void rig_open(struct suite_rig *rig, const struct backend *backend)
{
    rig_open_with(rig, backend, 64 * KIB, 64 * MIB);
}

void rig_open_with(struct suite_rig *rig, const struct backend *backend, size_t buffer_size,
                   size_t buffer_memory)
{
    *rig = (struct suite_rig){.backend = backend};
    struct io_config *config =
        rubbish(sizeof(*config)); /* freed: it is read during the call only */
    *config = (struct io_config){
        .buffer_size = buffer_size,
        .buffer_memory = buffer_memory,
        .open_socket = rig_open_socket,
        .open_context = rig,
        .accept_mode = suite_mode.accept_mode,
        .recv_mode = suite_mode.recv_mode,
        .accept_silent_max = SILENT_MAX,
    };
    assert_int_equal(backend->loop_open(config, &rig->loop), 0);
    free(config);
    assert_ptr_equal(rig->loop->backend, backend);
    assert_int_equal(rig->loop->pool.in_use, 0);
}

int rig_poll(struct suite_rig *rig, uint64_t deadline_ns)
{
    assert_false(rig->polling);
    rig->polling = true;
    int answer = rig->backend->poll(rig->loop, deadline_ns);
    rig->polling = false;
    rig_assert_unbroken(rig);
    assert_between(answer, 0, 1);
    return answer;
}

void rig_turn(struct suite_rig *rig)
{
    (void)rig_poll(rig, rig->backend->now(rig->loop) + TURN_NS);
    if (suite_simulated(rig->backend)) {
        suite_world_step();
    }
}

void rig_quiet(struct suite_rig *rig)
{
    uint64_t until = rig->backend->now(rig->loop) + QUIET_TURNS * (uint64_t)TURN_NS;
    do {
        rig_turn(rig);
    } while (rig->backend->now(rig->loop) < until);
}

void rig_assert_stats(struct suite_rig *rig)
{
    const struct io_stats *stats = &rig->loop->stats;
    assert_int_equal(stats->completions, rig->callbacks);
    assert_int_equal(stats->inline_outcomes, rig->inlines);
    assert_int_equal(stats->accepts_failed, rig->accepts_failed);
    assert_int_equal(stats->accepts,
                     rig->accept.outcomes - rig->accepts_failed - rig->accepts_canceled);
    assert_true(stats->batch_max <= stats->completions);
    assert_true(rig->loop->pool.in_use <= rig->loop->pool.limit);
    assert_true(stats->buffers_peak <= rig->loop->pool.limit);
}

static void rig_free(struct suite_rig *rig)
{
    while (rig->conns != NULL) {
        struct rig_conn *conn = rig->conns;
        rig->conns = conn->next;
        free(conn);
    }
    for (size_t i = 0; i < rig->peer_count; i++) {
        peer_close(rig->peers[i]);
    }
}

static size_t rig_sockets(const struct suite_rig *rig)
{
    size_t count = 0;
    for (const struct rig_conn *conn = rig->conns; conn != NULL; conn = conn->next) {
        count += conn->socket != NULL;
    }
    return count;
}

void rig_close(struct suite_rig *rig)
{
    for (struct rig_conn *conn = rig->conns; conn != NULL; conn = conn->next) {
        if (conn->socket != NULL && !conn->closing) {
            rig_conn_close(conn, IO_CLOSE_GRACEFUL);
        }
    }
    rig_accept_stop(rig);
    RIG_UNTIL(rig, rig->accepts_outstanding == 0 && rig_sockets(rig) == 0);
    for (struct rig_conn *conn = rig->conns; conn != NULL; conn = conn->next) {
        assert_int_equal(conn->recv.submits, conn->recv.outcomes);
        assert_int_equal(conn->send.submits, conn->send.outcomes);
        assert_int_equal(conn->connect.submits, conn->connect.outcomes);
        assert_null(conn->data);
    }
    rig_assert_stats(rig);
    assert_int_equal(rig->loop->pool.in_use, 0);
    rig->backend->loop_close(rig->loop);
    rig->loop = NULL;
    rig_free(rig);
}

/* ---- accept --------------------------------------------------------------------------------- */

/* On a simulated network a port takes the place of the socket. */
static void rig_bind(struct suite_rig *rig, uv_os_sock_t *os_socket,
                     struct sockaddr_storage *address)
{
    if (!suite_simulated(rig->backend)) {
        assert_int_equal(peer_bind(AF_INET, os_socket, address), 0);
        return;
    }
    uint16_t port = suite_world_port();
    *os_socket = port;
    *address = (struct sockaddr_storage){.ss_family = AF_INET};
    assert_int_equal(uv_ip4_addr("127.0.0.1", port, (struct sockaddr_in *)(void *)address), 0);
}

void rig_refusing_address(struct suite_rig *rig, struct sockaddr_storage *address)
{
    uv_os_sock_t bound; /* so it is free, and does not listen */
    rig_bind(rig, &bound, address);
    if (!suite_simulated(rig->backend)) {
        rig_keep_peer(rig, bound);
    }
}

void rig_listen(struct suite_rig *rig, int backlog, size_t accepts)
{
    uv_os_sock_t os_socket;
    rig_bind(rig, &os_socket, &rig->address);
    assert_int_equal(rig->backend->listen(rig->loop, os_socket, backlog, &rig->listener), 0);
    assert_non_null(rig->listener);
    rig->rearm = true;
    for (size_t i = 0; i < accepts; i++) {
        rig_accept(rig);
    }
}

static void rig_token(struct suite_rig *rig, struct io_token *token)
{
    if (rig->on_token != NULL) {
        rig->on_token(rig, token);
        return;
    }
    struct rig_conn *conn = rig_conn_new(rig);
    if (rig_conn_adopt(conn, token) == 0 && rig->on_open != NULL) {
        rig->on_open(conn);
    }
}

static void accept_outcome(struct suite_rig *rig, struct accept_op *mine)
{
    RIG_CHECK(rig, is_status(mine->op.status));
    RIG_CHECK(rig, rig->accepts_outstanding > 0);
    rig->accepts_outstanding--;
    rig->accept.outcomes++;
    rig->accept.status = mine->op.status;
    rig->accept.order = ++rig->order;
    if (mine->op.status == 0) {
        rig_token(rig, &mine->op.token);
    } else if (mine->op.status == UV_ECANCELED) {
        rig->accepts_canceled++;
    } else {
        rig->accepts_failed++;
    }
    free(mine);
}

static void accept_done(struct io_accept *op)
{
    struct accept_op *mine = (struct accept_op *)(void *)op;
    struct suite_rig *rig = mine->rig;
    rig_enter_callback(rig);
    rig->callbacks++;
    accept_outcome(rig, mine);
    if (rig->rearm) {
        rig_accept(rig);
    }
    rig_leave_callback(rig);
}

void rig_accept(struct suite_rig *rig)
{
    do {
        struct accept_op *mine = rubbish(sizeof(*mine));
        mine->op.done = accept_done;
        mine->rig = rig;
        rig->accept.submits++;
        rig->accepts_outstanding++;
        rig->in_call = true;
        int answer = rig->backend->accept(rig->loop, rig->listener, &mine->op);
        side_answer(&rig->accept, rig, answer);
        if (answer == IO_PENDING) {
            return;
        }
        if (answer < 0) {
            mine->op.status = answer;
        }
        accept_outcome(rig, mine);
    } while (rig->rearm);
}

void rig_accept_stop(struct suite_rig *rig)
{
    rig->rearm = false;
    if (rig->listener == NULL) {
        return;
    }
    rig->in_call = true;
    rig->backend->accept_stop(rig->loop, rig->listener);
    rig->in_call = false;
    rig->listener = NULL;
}

/* ---- peers ---------------------------------------------------------------------------------- */

void rig_keep_peer(struct suite_rig *rig, uv_os_sock_t peer)
{
    assert_true(rig->peer_count < RIG_PEERS);
    rig->peers[rig->peer_count++] = peer;
}

void rig_forget_peer(struct suite_rig *rig, uv_os_sock_t peer)
{
    size_t kept = 0;
    for (size_t i = 0; i < rig->peer_count; i++) {
        if (rig->peers[i] != peer) {
            rig->peers[kept++] = rig->peers[i];
        }
    }
    rig->peer_count = kept;
}

uv_os_sock_t rig_peer(struct suite_rig *rig)
{
    return rig_peer_with(rig, 0);
}

uv_os_sock_t rig_peer_with(struct suite_rig *rig, int receive_buffer)
{
    uv_os_sock_t peer;
    assert_int_equal(peer_connect(&rig->address, receive_buffer, &peer), 0);
    rig_keep_peer(rig, peer);
    if (suite_mode.knocks) {
        assert_int_equal(peer_send(peer, KNOCK, 1), 1);
    }
    return peer;
}

struct rig_conn *rig_pair(struct suite_rig *rig, uv_os_sock_t *peer)
{
    size_t opened = rig->opened;
    *peer = rig_peer(rig);
    RIG_UNTIL(rig, rig->opened > opened);
    return rig->conns;
}

struct rig_conn *rig_open_pair(struct suite_rig *rig, const struct backend *backend,
                               uv_os_sock_t *peer)
{
    rig_open(rig, backend);
    rig_listen(rig, 8, 1);
    return rig_pair(rig, peer);
}

struct rig_conn *rig_open_called(struct suite_rig *rig, const struct backend *backend,
                                 void (*on_recv)(struct rig_conn *conn), const void *data,
                                 size_t length)
{
    uv_os_sock_t peer;
    struct rig_conn *conn = rig_open_pair(rig, backend, &peer);
    conn->on_recv = on_recv;
    rig_conn_recv(conn);
    rig_peer_send(rig, peer, data, length);
    return conn;
}

bool rig_is_reset(int end)
{
    return end == UV_ECONNRESET || (end == 0 && sys_is_wine());
}

int rig_peer_end(struct suite_rig *rig, uv_os_sock_t peer, uint64_t *count)
{
    static uint8_t scratch[256 * 1024];
    uint64_t total = 0;
    int got;
    do {
        RIG_UNTIL(rig, (got = peer_recv(peer, scratch, sizeof(scratch))) != UV_EAGAIN);
        total += got > 0 ? (uint64_t)got : 0;
    } while (got > 0);
    if (count != NULL) {
        *count = total;
    } else {
        assert_int_equal(total, 0);
    }
    return got;
}

void rig_peer_send(struct suite_rig *rig, uv_os_sock_t peer, const void *data, size_t length)
{
    const uint8_t *at = data;
    while (length > 0) {
        int sent;
        RIG_UNTIL(rig, (sent = peer_send(peer, at, length)) != UV_EAGAIN);
        assert_true(sent > 0);
        at += sent;
        length -= (size_t)sent;
    }
}

/* ---- pair ------------------------------------------------------------------------------------ */

struct pair pair_open(struct suite_rig *rig)
{
    struct pair pair = {.client = rig_conn_new(rig)};
    size_t opened = rig->opened;
    rig_conn_connect(pair.client, &rig->address);
    RIG_UNTIL(rig, !pair.client->connect.outstanding && rig->opened > opened);
    assert_int_equal(pair.client->connect.status, 0);
    pair.server = rig->conns; /* the newest */
    assert_ptr_not_equal(pair.server, pair.client);
    return pair;
}

struct pair pair_open_rig(struct suite_rig *rig, const struct backend *backend)
{
    rig_open(rig, backend);
    rig_listen(rig, 8, 1);
    return pair_open(rig);
}
