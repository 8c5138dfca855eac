#include "ws_world.h"

#include <stdlib.h>
#include <string.h>

struct connection *ws_net_connection(void)
{
    struct connection *conn = ws_world_allocate(sizeof(*conn));
    uint64_t spread = ws_world.config.capacity_max - ws_world.config.capacity_min + 1;
    conn->all = ws_world.connections;
    ws_world.connections = conn;
    for (int side = 0; side < 2; side++) {
        conn->pipe[side].capacity = ws_world.config.capacity_min + (size_t)ws_world_below(spread);
    }
    return conn;
}

void ws_net_free(struct connection *conn)
{
    for (int side = 0; side < 2; side++) {
        free(conn->pipe[side].ring);
        conn->pipe[side].ring = NULL;
    }
}

/* When the bytes that are sent now arrive: in order. */
static uint64_t arrival(struct pipe *pipe)
{
    uint64_t at_ns = ws_world.now_ns + ws_world_latency();
    pipe->last_ns = at_ns > pipe->last_ns ? at_ns : pipe->last_ns;
    return pipe->last_ns;
}

static void pump(struct connection *conn, int side)
{
    if (conn->side[side].endpoint != NULL) {
        ws_endpoint_pump(conn->side[side].endpoint);
    }
}

static void pump_later(struct connection *conn, int side)
{
    if (conn->side[side].endpoint != NULL) {
        ws_endpoint_pump_later(conn->side[side].endpoint, ws_world_latency());
    }
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* `detail`: how many bytes, and in the lowest bit which side sent them. */
static void bytes_arrive(void *subject, size_t detail)
{
    struct connection *conn = subject;
    int from = (int)(detail & 1);
    struct pipe *pipe = &conn->pipe[from];
    if (conn->cut) {
        return;
    }
    pipe->flying -= detail >> 1;
    pipe->readable += detail >> 1;
    if (conn->side[!from].closed) {
        ws_net_reset(conn, !from); /* no socket will ever read them */
    } else {
        pump(conn, !from);
    }
    if (ws_world.config.unbuffered) { /* the acknowledgement */
        pump_later(conn, from);
    }
}

size_t ws_net_room(const struct connection *conn, int side)
{
    const struct pipe *pipe = &conn->pipe[side];
    return conn->cut ? 0 : pipe->capacity - pipe->readable - pipe->flying;
}

void ws_net_write(struct connection *conn, int side, const uint8_t *data, size_t length)
{
    struct pipe *pipe = &conn->pipe[side];
    if (pipe->ring == NULL) {
        pipe->ring = ws_world_allocate(pipe->capacity);
    }
    size_t tail = (pipe->head + pipe->readable + pipe->flying) % pipe->capacity;
    size_t first = length < pipe->capacity - tail ? length : pipe->capacity - tail;
    memcpy(pipe->ring + tail, data, first);
    memcpy(pipe->ring, data + first, length - first);
    pipe->flying += length;
    pipe->sent += length;
    ws_world_post(arrival(pipe), bytes_arrive, conn, length << 1 | (size_t)side);
}

size_t ws_net_readable(const struct connection *conn, int side)
{
    return conn->pipe[!side].readable;
}

void ws_net_read(struct connection *conn, int side, uint8_t *data, size_t length)
{
    struct pipe *pipe = &conn->pipe[!side];
    size_t first = length < pipe->capacity - pipe->head ? length : pipe->capacity - pipe->head;
    memcpy(data, pipe->ring + pipe->head, first);
    memcpy(data + first, pipe->ring, length - first);
    ws_net_skip(conn, side, length);
}

void ws_net_skip(struct connection *conn, int side, size_t length)
{
    struct pipe *pipe = &conn->pipe[!side];
    pipe->head = (pipe->head + length) % pipe->capacity;
    pipe->readable -= length;
    ws_world.counts.of[WINSOCK_BYTES] += length;
    pump_later(conn, !side);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void end_arrives(void *subject, size_t from)
{
    struct connection *conn = subject;
    if (!conn->cut) {
        conn->pipe[from].end_arrived = true;
        pump(conn, !from);
    }
}

void ws_net_shutdown(struct connection *conn, int side)
{
    struct pipe *pipe = &conn->pipe[side];
    if (!pipe->end_sent && !conn->cut) {
        pipe->end_sent = true;
        ws_world_post(arrival(pipe), end_arrives, conn, (size_t)side);
    }
}

bool ws_net_at_end(const struct connection *conn, int side)
{
    const struct pipe *pipe = &conn->pipe[!side];
    return pipe->end_arrived && pipe->readable == 0;
}

/* Bytes that had arrived and were not read are lost, too. */
static void reset_arrives(void *subject, size_t to)
{
    struct connection *conn = subject;
    conn->side[to].reset = true;
    conn->pipe[!to].readable = 0;
    pump(conn, (int)to);
}

static void cut(struct connection *conn)
{
    conn->cut = true;
    conn->pipe[0].flying = conn->pipe[1].flying = 0;
}

void ws_net_reset(struct connection *conn, int side)
{
    if (!conn->cut) {
        cut(conn);
        conn->pipe[!side].readable = 0;
        ws_world_post(ws_world.now_ns + ws_world_latency(), reset_arrives, conn, (size_t)!side);
    }
}

void ws_net_break(struct connection *conn)
{
    if (!conn->cut) {
        ws_world_count(WINSOCK_RESETS);
        cut(conn);
        for (size_t side = 0; side < 2; side++) {
            ws_world_post(ws_world.now_ns + ws_world_latency(), reset_arrives, conn, side);
        }
    }
}

void ws_net_close(struct connection *conn, int side, bool reset)
{
    conn->side[side].closed = true;
    conn->side[side].endpoint = NULL;
    if (reset) {
        ws_net_reset(conn, side);
    } else {
        ws_net_shutdown(conn, side);
    }
}
