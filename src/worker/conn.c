#include "conn.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "log.h"
#include "net.h"
#include "units.h"

/* The alignment of malloc, which a backend may expect for its socket. */
#define CONN_ALIGN 16u

static size_t conn_socket_offset(size_t size)
{
    return (size + CONN_ALIGN - 1) / CONN_ALIGN * CONN_ALIGN;
}

struct conn *conn_alloc(struct worker *worker, size_t size)
{
    assert(size >= sizeof(struct conn));
    size_t offset = conn_socket_offset(size);
    struct conn *conn = calloc(1, offset + worker->backend->socket_size);
    if (conn == NULL) {
        return NULL;
    }
    conn->worker = worker;
    conn->socket = (struct io_socket *)(void *)((char *)conn + offset);
    return conn;
}

void conn_free(struct conn *conn)
{
    assert(!conn->recv_pending && !conn->send_pending && !conn->closing);
    assert(!watch_active(&conn->timer) && conn->task.link == NULL);
    free(conn);
}

void conn_list_add(struct conn **list, struct conn *conn)
{
    assert(conn->link == NULL);
    conn->next = *list;
    conn->link = list;
    if (conn->next != NULL) {
        conn->next->link = &conn->next;
    }
    *list = conn;
}

void conn_list_remove(struct conn *conn)
{
    assert(conn->link != NULL && *conn->link == conn);
    *conn->link = conn->next;
    if (conn->next != NULL) {
        conn->next->link = conn->link;
    }
    conn->link = NULL;
}

/* Counts an outcome against the connection's share of this turn. */
static void conn_charge(struct conn *conn, size_t bytes)
{
    if (conn->turn != conn->worker->turn) {
        conn->turn = conn->worker->turn;
        conn->share = 0;
        conn->share_bytes = 0;
    }
    conn->share++;
    conn->share_bytes += bytes;
}

int conn_recv(struct conn *conn)
{
    struct io_loop *io = conn->worker->io;
    assert(!conn->recv_pending && !conn->closing);
    int outcome = io->backend->recv(io, conn->socket, &conn->recv);
    conn->recv_pending = outcome == IO_PENDING;
    if (outcome == IO_DONE) {
        conn_charge(conn, conn->recv.length);
    }
    return outcome;
}

int conn_send(struct conn *conn, const uint8_t *data, size_t length)
{
    struct io_loop *io = conn->worker->io;
    assert(!conn->send_pending && !conn->closing);
    conn->send.data = data;
    conn->send.length = length;
    conn->send.sent = 0;
    conn->submitted += length;
    int outcome = io->backend->send(io, conn->socket, &conn->send);
    conn->send_pending = outcome == IO_PENDING;
    if (outcome == IO_DONE) {
        conn_charge(conn, length);
    }
    return outcome;
}

bool conn_recv_done(struct conn *conn)
{
    assert(conn->recv_pending);
    conn->recv_pending = false;
    conn_charge(conn, conn->recv.length);
    if (conn->closing && conn->recv.status == 0 && conn->recv.length > 0) {
        conn_release(conn, conn->recv.data);
    }
    return !conn->closing;
}

bool conn_send_done(struct conn *conn)
{
    assert(conn->send_pending);
    conn->send_pending = false;
    conn_charge(conn, conn->send.sent);
    return !conn->closing;
}

bool conn_has_share(struct conn *conn)
{
    assert(!conn->closing);
    bool used_up = conn->turn == conn->worker->turn &&
                   (conn->share >= CONN_SHARE || conn->share_bytes >= CONN_SHARE_BYTES);
    if (used_up) {
        worker_defer(conn->worker, &conn->task);
    }
    return !used_up;
}

bool conn_met_itself(const struct conn *conn)
{
    struct io_loop *io = conn->worker->io;
    uv_os_sock_t os_socket;
    if (io->backend->handle(conn->socket, &os_socket) != 0) {
        return false;
    }
    io->stats.other_calls += NET_OWN_PEER_CALLS;
    return net_is_own_peer(os_socket);
}

void conn_release(struct conn *conn, uint8_t *data)
{
    struct io_loop *io = conn->worker->io;
    assert(data != NULL);
    io->backend->release(io, data);
}

void conn_set_timer(struct conn *conn, uint64_t deadline_ns)
{
    assert(!conn->closing);
    watch_set(&conn->timer, deadline_ns);
}

void conn_stop_timer(struct conn *conn)
{
    watch_stop(&conn->timer);
}

void conn_close(struct conn *conn, enum io_close_how how)
{
    struct io_loop *io = conn->worker->io;
    assert(!conn->closing);
    conn->closing = true;
    watch_stop(&conn->timer);
    worker_cancel(conn->worker, &conn->task);
    io->backend->close(io, conn->socket, how, &conn->close);
}

/* ---- trace --------------------------------------------------------------------------------- */

const char *conn_trace_way(bool queued)
{
    return queued ? "queued" : "inline";
}

void conn_print_bytes(const struct conn *conn, const char *what, size_t bytes, bool queued,
                      const char *next)
{
    log_trace("worker %u conn %" PRIu64 ": %s %s, %s; %s", conn->worker->index, conn->number, what,
              units_counted(bytes, "byte").text, conn_trace_way(queued), next);
}

void conn_trace(const struct conn *conn, const char *what, const char *next)
{
    if (conn->trace) {
        log_trace("worker %u conn %" PRIu64 ": %s; %s", conn->worker->index, conn->number, what,
                  next);
    }
}
