/* A connection of a rig: one submit and its outcome at a time, and the handlers that are common. */

#include <stdlib.h>
#include <string.h>

#include "suite_inside.h"

/* Operations: each lives from its submit until its outcome. */
struct recv_op {
    struct io_recv op; /* first */
    struct rig_conn *conn;
    uint8_t *buffer; /* in which op.data is, if that is not its beginning */
};

struct send_op {
    struct io_send op; /* first */
    struct rig_conn *conn;
};

struct connect_op {
    struct io_connect op; /* first */
    struct rig_conn *conn;
    bool knocks;
};

struct close_op {
    struct io_close op; /* first */
    struct rig_conn *conn;
};

/* Hands outcomes to the handlers until none is left. A handler's own submits may bring outcomes
 * at once: they are handed over here as well, so that nothing recurses. */
static void rig_conn_run(struct rig_conn *conn)
{
    if (conn->running) {
        return;
    }
    conn->running = true;
    while (conn->connect.ready || conn->send.ready || conn->recv.ready) {
        struct side *side = conn->connect.ready ? &conn->connect
                            : conn->send.ready  ? &conn->send
                                                : &conn->recv;
        void (*handler)(struct rig_conn *) = side == &conn->connect ? conn->on_connect
                                             : side == &conn->send  ? conn->on_send
                                                                    : conn->on_recv;
        side->ready = false;
        if (handler != NULL) {
            handler(conn);
        }
    }
    conn->running = false;
}

struct rig_conn *rig_conn_new(struct suite_rig *rig)
{
    struct rig_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        abort();
    }
    conn->rig = rig;
    conn->next = rig->conns;
    rig->conns = conn;
    return conn;
}

static void rig_conn_unused(struct rig_conn *conn)
{
    free(conn->socket);
    conn->socket = NULL;
    conn->closed = true;
}

static void knock_recv(struct rig_conn *conn);

int rig_conn_adopt(struct rig_conn *conn, struct io_token *token)
{
    struct suite_rig *rig = conn->rig;
    conn->socket = rubbish(rig->backend->socket_size);
    rig->in_call = true;
    int status = rig->backend->adopt(rig->loop, token, conn->socket);
    rig->in_call = false;
    RIG_CHECK(rig, status <= 0);
    if (status != 0) {
        rig_conn_unused(conn);
        return status;
    }
    rig->opened++;
    if (suite_mode.knocks) {
        knock_recv(conn);
    }
    return 0;
}

/* ---- connect -------------------------------------------------------------------------------- */

/* Sends the knock, for which the listener waits. It goes past the backend, so that no operation is
 * counted. */
static void connect_knock(struct rig_conn *conn)
{
    uv_os_sock_t os_socket;
    RIG_CHECK(conn->rig, conn->rig->backend->handle(conn->socket, &os_socket) == 0);
    RIG_CHECK(conn->rig, peer_send(os_socket, KNOCK, 1) == 1);
}

static void connect_outcome(struct connect_op *mine)
{
    struct rig_conn *conn = mine->conn;
    if (mine->op.status == 0 && mine->knocks) {
        connect_knock(conn);
    }
    side_outcome(&conn->connect, conn->rig, mine->op.status);
    free(mine);
    rig_conn_run(conn);
}

static void connect_done(struct io_connect *op)
{
    struct connect_op *mine = (struct connect_op *)(void *)op;
    struct suite_rig *rig = mine->conn->rig;
    rig_enter_callback(rig);
    rig->callbacks++;
    connect_outcome(mine);
    rig_leave_callback(rig);
}

void rig_conn_connect(struct rig_conn *conn, const struct sockaddr_storage *address)
{
    struct suite_rig *rig = conn->rig;
    struct connect_op *mine = rubbish(sizeof(*mine));
    struct sockaddr_storage *copy = rubbish(sizeof(*copy)); /* freed: connect copies it */
    *copy = *address;
    mine->op.done = connect_done;
    mine->conn = conn;
    mine->knocks = suite_mode.knocks && memcmp(address, &rig->address, sizeof(*address)) == 0;
    conn->socket = rubbish(rig->backend->socket_size);
    side_submit(&conn->connect, rig);
    int answer = rig->backend->connect(rig->loop, conn->socket,
                                       (const struct sockaddr *)(const void *)copy, &mine->op);
    side_answer(&conn->connect, rig, answer);
    free(copy);
    if (answer == IO_PENDING) {
        return;
    }
    if (answer < 0) {
        rig_conn_unused(conn);
        mine->op.status = answer;
    }
    connect_outcome(mine);
}

/* ---- recv ----------------------------------------------------------------------------------- */

static void recv_outcome(struct recv_op *mine)
{
    struct rig_conn *conn = mine->conn;
    struct suite_rig *rig = conn->rig;
    conn->op = NULL;
    side_outcome(&conn->recv, rig, mine->op.status);
    conn->length = 0;
    if (mine->op.status == 0) {
        RIG_CHECK(rig, (mine->op.data == NULL) == (mine->op.length == 0));
        RIG_CHECK(rig, mine->op.length <= rig->loop->pool.buffer_size);
        conn->data = mine->op.data;
        conn->buffer = mine->buffer != NULL ? mine->buffer : mine->op.data;
        conn->length = mine->op.length;
        conn->ended = conn->length == 0;
        conn->received_total += conn->length;
    }
    free(mine);
    if (conn->closing) {
        rig_conn_release(conn); /* no handler wants it any more */
    }
    rig_conn_run(conn);
}

static void recv_done(struct io_recv *op)
{
    struct recv_op *mine = (struct recv_op *)(void *)op;
    struct suite_rig *rig = mine->conn->rig;
    rig_enter_callback(rig);
    rig->callbacks++;
    recv_outcome(mine);
    rig_leave_callback(rig);
}

static struct recv_op *recv_new(struct rig_conn *conn, void (*done)(struct io_recv *op))
{
    struct recv_op *mine = rubbish(sizeof(*mine));
    mine->op.done = done;
    mine->conn = conn;
    mine->buffer = NULL;
    return mine;
}

/* The submit itself. */
static void recv_start(struct recv_op *mine)
{
    struct rig_conn *conn = mine->conn;
    struct suite_rig *rig = conn->rig;
    conn->op = &mine->op;
    rig->in_call = true;
    int answer = rig->backend->recv(rig->loop, conn->socket, &mine->op);
    side_answer(&conn->recv, rig, answer);
    if (answer == IO_PENDING) {
        return;
    }
    if (answer < 0) {
        mine->op.status = answer;
    }
    recv_outcome(mine);
}

void rig_conn_recv(struct rig_conn *conn)
{
    struct recv_op *mine = conn->early;
    RIG_CHECK(conn->rig, conn->data == NULL);
    side_submit(&conn->recv, conn->rig);
    if (mine != NULL) {
        conn->early = NULL;
        conn->rig->in_call = false;
        conn->recv.came_inline = true;
        recv_outcome(mine);
    } else if (conn->knock != NULL) {
        conn->waits = recv_new(conn, recv_done);
        conn->op = &conn->knock->op;
        conn->rig->in_call = false;
        conn->recv.came_inline = false;
    } else {
        recv_start(recv_new(conn, recv_done));
    }
}

/* ---- knock ---------------------------------------------------------------------------------- */

/* Takes the knock out of the received bytes. True: nothing else came. */
static bool knock_take(struct recv_op *mine)
{
    struct suite_rig *rig = mine->conn->rig;
    if (mine->op.status != 0 || mine->op.length == 0) {
        return false; /* the end of the stream, or an error: the first recv reports it */
    }
    RIG_CHECK(rig, mine->op.data[0] == (uint8_t)KNOCK[0]);
    if (mine->op.length == 1) {
        rig->in_call = true;
        rig->backend->release(rig->loop, mine->op.data);
        rig->in_call = false;
        return true;
    }
    mine->buffer = mine->op.data++;
    mine->op.length--;
    return false;
}

/* Then the first recv continues as if there had been no knock. */
static void knock_outcome(struct recv_op *mine)
{
    struct rig_conn *conn = mine->conn;
    struct recv_op *waits = conn->waits;
    bool alone = knock_take(mine);
    conn->knock = NULL;
    conn->waits = NULL;
    if (waits != NULL && !alone) {
        free(waits);
        recv_outcome(mine);
        return;
    }
    if (alone) {
        free(mine);
    } else {
        conn->early = mine;
    }
    if (waits != NULL) {
        recv_start(waits);
    }
}

static void knock_done(struct io_recv *op)
{
    struct recv_op *mine = (struct recv_op *)(void *)op;
    struct suite_rig *rig = mine->conn->rig;
    rig_enter_callback(rig);
    rig->callbacks++;
    knock_outcome(mine);
    rig_leave_callback(rig);
}

/* Receives the knock, before the scenario has the connection. */
static void knock_recv(struct rig_conn *conn)
{
    struct suite_rig *rig = conn->rig;
    struct recv_op *mine = recv_new(conn, knock_done);
    conn->knock = mine;
    rig->in_call = true;
    int answer = rig->backend->recv(rig->loop, conn->socket, &mine->op);
    rig->in_call = false;
    rig->inlines += answer == IO_DONE;
    if (answer == IO_PENDING) {
        return;
    }
    if (answer < 0) {
        mine->op.status = answer;
    }
    knock_outcome(mine);
}

/* The connection is closed before it has received what came with the knock. */
static void knock_forget(struct rig_conn *conn)
{
    struct recv_op *early = conn->early;
    conn->early = NULL;
    if (early != NULL && early->buffer != NULL) {
        conn->data = early->op.data;
        conn->buffer = early->buffer;
        rig_conn_release(conn);
    }
    free(early);
}

void rig_conn_release(struct rig_conn *conn)
{
    struct suite_rig *rig = conn->rig;
    if (conn->data == NULL) {
        return;
    }
    conn->data = NULL;
    rig->in_call = true;
    rig->backend->release(rig->loop, conn->buffer);
    rig->in_call = false;
}

/* ---- send ----------------------------------------------------------------------------------- */

static void send_outcome(struct send_op *mine)
{
    struct rig_conn *conn = mine->conn;
    struct suite_rig *rig = conn->rig;
    side_outcome(&conn->send, rig, mine->op.status);
    RIG_CHECK(rig, mine->op.sent <= mine->op.length);
    RIG_CHECK(rig, mine->op.status != 0 || mine->op.sent == mine->op.length);
    conn->sent = mine->op.sent;
    conn->sent_total += conn->sent;
    free(mine);
    if (conn->closing) {
        rig_conn_release(conn);
    }
    rig_conn_run(conn);
}

static void send_done(struct io_send *op)
{
    struct send_op *mine = (struct send_op *)(void *)op;
    struct suite_rig *rig = mine->conn->rig;
    rig_enter_callback(rig);
    rig->callbacks++;
    send_outcome(mine);
    rig_leave_callback(rig);
}

void rig_conn_send(struct rig_conn *conn, const void *data, size_t length)
{
    struct suite_rig *rig = conn->rig;
    struct send_op *mine = rubbish(sizeof(*mine));
    mine->op.done = send_done;
    mine->op.data = data;
    mine->op.length = length;
    mine->conn = conn;
    side_submit(&conn->send, rig);
    int answer = rig->backend->send(rig->loop, conn->socket, &mine->op);
    side_answer(&conn->send, rig, answer);
    if (answer == IO_PENDING) {
        return;
    }
    if (answer < 0) {
        mine->op.status = answer;
    }
    send_outcome(mine);
}

/* ---- fill ----------------------------------------------------------------------------------- */

/* In most systems one piece is more than the network takes. */
static size_t fill_piece_size(const struct rig_conn *conn)
{
    return suite_simulated(conn->rig->backend) ? MIB : 16 * MIB;
}

static void fill_send(struct fill *fill, struct rig_conn *conn)
{
    size_t length = fill_piece_size(conn);
    stream_fill(&fill->stream, fill->submitted, fill->piece, length);
    rig_conn_send(conn, fill->piece, length);
    fill->submitted += length;
}

struct fill rig_conn_fill_at_once(struct rig_conn *conn)
{
    struct fill fill = {.stream = stream_of(70, 0), .piece = malloc(fill_piece_size(conn))};
    if (fill.piece == NULL) {
        abort();
    }
    do {
        fill_send(&fill, conn);
    } while (!conn->send.outstanding && conn->send.status == 0);
    return fill;
}

struct fill rig_conn_fill(struct rig_conn *conn)
{
    struct fill fill = rig_conn_fill_at_once(conn);
    rig_quiet(conn->rig);
    while (!conn->send.outstanding && conn->send.status == 0) { /* the system took it after all */
        fill_send(&fill, conn);
        rig_quiet(conn->rig);
    }
    return fill;
}

struct rig_conn *rig_open_filled(struct suite_rig *rig, const struct backend *backend,
                                 uv_os_sock_t *peer, struct fill *fill)
{
    struct rig_conn *conn = rig_open_pair(rig, backend, peer);
    rig_conn_recv(conn);
    *fill = rig_conn_fill(conn);
    return conn;
}

void fill_free(struct fill *fill)
{
    free(fill->piece);
}

int rig_conn_shutdown(struct rig_conn *conn)
{
    struct suite_rig *rig = conn->rig;
    rig->in_call = true;
    int status = rig->backend->shutdown(rig->loop, conn->socket);
    rig->in_call = false;
    RIG_CHECK(rig, status <= 0);
    return status;
}

/* ---- close ---------------------------------------------------------------------------------- */

static void close_done(struct io_close *op)
{
    struct close_op *mine = (struct close_op *)(void *)op;
    struct rig_conn *conn = mine->conn;
    struct suite_rig *rig = conn->rig;
    rig_enter_callback(rig);
    RIG_CHECK(rig, conn->closing && !conn->closed);
    RIG_CHECK(rig, !conn->recv.outstanding && !conn->send.outstanding);
    RIG_CHECK(rig, !conn->connect.outstanding);
    free(mine);
    rig_conn_unused(conn);
    conn->close_order = ++rig->order;
    rig->closed++;
    if (conn->on_close != NULL) {
        conn->on_close(conn);
    }
    rig_leave_callback(rig);
}

void rig_conn_close(struct rig_conn *conn, enum io_close_how how)
{
    struct suite_rig *rig = conn->rig;
    struct close_op *mine = rubbish(sizeof(*mine));
    RIG_CHECK(rig, !conn->closing);
    mine->op.done = close_done;
    mine->conn = conn;
    conn->closing = true;
    if (!conn->send.outstanding) {
        rig_conn_release(conn); /* else the send may have borrowed it */
    }
    if (conn->early != NULL) {
        knock_forget(conn);
    }
    rig->in_call = true;
    rig->backend->close(rig->loop, conn->socket, how, &mine->op);
    rig->in_call = false;
}

void rig_conn_end(struct rig_conn *conn, enum io_close_how how)
{
    rig_conn_close(conn, how);
    RIG_UNTIL(conn->rig, conn->closed);
}

/* ---- handlers ------------------------------------------------------------------------------- */

static void echo_on_send(struct rig_conn *conn)
{
    if (conn->closing) {
        return;
    }
    if (conn->send.status != 0) {
        rig_conn_close(conn, IO_CLOSE_GRACEFUL);
        return;
    }
    rig_conn_release(conn);
    rig_conn_recv(conn);
}

static void echo_on_recv(struct rig_conn *conn)
{
    if (conn->closing) {
        return;
    }
    if (conn->recv.status != 0 || conn->ended) {
        rig_conn_close(conn, IO_CLOSE_GRACEFUL);
        return;
    }
    rig_conn_send(conn, conn->data, conn->length);
}

void echo_open(struct rig_conn *conn)
{
    conn->on_recv = echo_on_recv;
    conn->on_send = echo_on_send;
    rig_conn_recv(conn);
}

void sink_recv(struct rig_conn *conn)
{
    if (conn->closing || conn->recv.status != 0 || conn->ended) {
        return;
    }
    if (conn->user != NULL) {
        const struct stream *stream = conn->user;
        uint64_t offset = conn->received_total - conn->length;
        RIG_CHECK(conn->rig,
                  stream_check(stream, offset, conn->data, conn->length) == conn->length);
    }
    rig_conn_release(conn);
    rig_conn_recv(conn);
}
