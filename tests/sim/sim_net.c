#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

/* A SYN that found the backlog full is sent again after one second, then two, four ... (RFC 6298,
 * 2.1 and 5.5). After this many times the connect fails, as with Linux's tcp_syn_retries. */
#define SYN_RETRY_NS UINT64_C(1000000000)
#define SYN_RETRIES 6

static void later(uint64_t at_ns, void (*run)(const struct sim_event *event), struct sim_conn *conn,
                  int side, size_t bytes)
{
    sim_post(
        &sim_world.events,
        (struct sim_event){.at_ns = at_ns, .run = run, .conn = conn, .side = side, .bytes = bytes});
}

static uint64_t soon(void)
{
    return sim_world.now_ns + sim_latency();
}

/* When bytes that are sent now arrive: after all that were sent before. */
static uint64_t arrival(struct sim_pipe *pipe)
{
    uint64_t at_ns = soon();
    if (at_ns > pipe->last_ns) {
        pipe->last_ns = at_ns;
    }
    return pipe->last_ns;
}

static void pump(struct sim_conn *conn, int side)
{
    if (conn->side[side].socket != NULL) {
        sim_socket_pump(conn->side[side].socket);
    }
}

static void run_pump(const struct sim_event *event)
{
    pump(event->conn, event->side);
}

void sim_net_pump_later(struct sim_conn *conn, int side)
{
    later(soon(), run_pump, conn, side, 0);
}

static void pipe_open(struct sim_pipe *pipe)
{
    const struct sim_config *config = &sim_world.config;
    pipe->capacity =
        config->capacity_min + (size_t)sim_below(config->capacity_max - config->capacity_min + 1);
    pipe->size = pipe->capacity + 2;
    pipe->ring = sim_allocate(pipe->size);
}

static void pipe_kill(struct sim_pipe *pipe)
{
    pipe->dead = true;
    pipe->readable = 0;
    pipe->flying = 0;
    free(pipe->ring);
    pipe->ring = NULL;
}

static void pipe_push(struct sim_pipe *pipe, const uint8_t *data, size_t length)
{
    size_t at = (pipe->head + pipe->readable + pipe->flying) % pipe->size;
    size_t straight = pipe->size - at < length ? pipe->size - at : length;
    memcpy(pipe->ring + at, data, straight);
    memcpy(pipe->ring, data + straight, length - straight);
    pipe->flying += length;
}

static void push_damaged(struct sim_pipe *pipe, uint8_t byte)
{
    const uint8_t bytes[2] = {byte, byte};
    const uint8_t flipped = (uint8_t)(byte ^ (1U << sim_below(8)));
    switch (sim_world.config.corruption.damage) {
    case SIM_FLIP:
        pipe_push(pipe, &flipped, 1);
        break;
    case SIM_DUPLICATE:
        pipe_push(pipe, bytes, 2);
        break;
    case SIM_SWAP:
        pipe->holding = true;
        pipe->held = byte;
        return; /* counted when it is done */
    case SIM_DROP:
    case SIM_INTACT:
        break;
    }
    sim_count(SIM_CORRUPTED);
}

static void release_held(struct sim_pipe *pipe)
{
    if (pipe->holding) {
        pipe->holding = false;
        pipe_push(pipe, &pipe->held, 1);
    }
}

/* Puts bytes one by one, since one of them may have to be damaged. */
static void push_bytes(struct sim_pipe *pipe, const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (pipe->offset + i == sim_world.config.corruption.offset) {
            push_damaged(pipe, data[i]);
            continue;
        }
        pipe_push(pipe, &data[i], 1);
        if (pipe->holding && pipe->held != data[i]) {
            sim_count(SIM_CORRUPTED);
        }
        release_held(pipe);
    }
}

static bool is_target(const struct sim_conn *conn, int side)
{
    const struct sim_corruption *corruption = &sim_world.config.corruption;
    return corruption->damage != SIM_INTACT && corruption->connection == conn->number &&
           corruption->to_client == (side == 1);
}

struct sim_conn *sim_net_connect(uint16_t port)
{
    struct sim_conn *conn = sim_allocate(sizeof(*conn));
    sim_world.conns = sim_grow(sim_world.conns, &sim_world.conn_room, sim_world.conn_count,
                               sizeof(struct sim_conn *));
    conn->number = sim_world.conn_count;
    conn->port = port;
    sim_world.conns[sim_world.conn_count++] = conn;
    return conn;
}

static bool is_over(const struct sim_conn *conn)
{
    return conn->side[0].closed && (conn->side[1].closed || !conn->established) &&
           conn->side[0].memory == NULL && conn->side[1].memory == NULL;
}

size_t sim_net_first_live(void)
{
    size_t *over = &sim_world.conns_over;
    while (*over < sim_world.conn_count && is_over(sim_world.conns[*over])) {
        (*over)++;
    }
    return *over;
}

void sim_net_free(void)
{
    for (size_t i = 0; i < sim_world.conn_count; i++) {
        pipe_kill(&sim_world.conns[i]->pipe[0]);
        pipe_kill(&sim_world.conns[i]->pipe[1]);
        free(sim_world.conns[i]);
    }
    free(sim_world.conns);
}

/* Returns one of the listeners on `port`, at random, or NULL if there is none. */
static struct io_listener *find_listener(uint16_t port)
{
    struct io_listener *found = NULL;
    uint64_t seen = 0;
    for (struct io_listener *each = sim_world.listeners; each != NULL; each = each->next) {
        if (each->port == port && !each->stopped && sim_below(++seen) == 0) {
            found = each;
        }
    }
    return found;
}

static void run_listener_pump(const struct sim_event *event)
{
    sim_listener_pump(event->subject);
}

static void establish(struct sim_conn *conn, struct io_listener *listener)
{
    conn->established = true;
    pipe_open(&conn->pipe[0]);
    pipe_open(&conn->pipe[1]);
    if (listener->queue_first == NULL) {
        listener->queue_first = conn;
    } else {
        listener->queue_last->queue_next = conn;
    }
    listener->queue_last = conn;
    listener->queued++;
    sim_count(SIM_CONNECTIONS);
    sim_post(&sim_world.events,
             (struct sim_event){.at_ns = soon(), .run = run_listener_pump, .subject = listener});
}

int sim_net_syn(struct sim_conn *conn)
{
    struct io_listener *listener = find_listener(conn->port);
    if (listener == NULL || sim_chance(sim_world.config.connect_refused_ppm)) {
        sim_count(SIM_REFUSED);
        return UV_ECONNREFUSED;
    }
    if (listener->queued >= listener->backlog) {
        sim_count(SIM_BACKLOG_FULL);
        if (conn->syn_retries == SYN_RETRIES) {
            return UV_ETIMEDOUT;
        }
        sim_net_syn_later(conn, SYN_RETRY_NS << conn->syn_retries++);
        return UV_EAGAIN;
    }
    establish(conn, listener);
    return 0;
}

static void run_syn(const struct sim_event *event)
{
    struct sim_conn *conn = event->conn;
    if (conn->side[0].closed) {
        return; /* closed before the SYN arrived */
    }
    int status = sim_net_syn(conn);
    if (status != UV_EAGAIN) {
        sim_socket_connected(conn->side[0].socket, status);
    }
}

void sim_net_syn_later(struct sim_conn *conn, uint64_t delay_ns)
{
    later(soon() + delay_ns, run_syn, conn, 0, 0);
}

static void run_reset(const struct sim_event *event)
{
    struct sim_conn *conn = event->conn;
    struct sim_side *side = &conn->side[event->side];
    if (conn->stalled || side->reset || side->closed) {
        return;
    }
    side->reset = true;
    pipe_kill(&conn->pipe[0]);
    pipe_kill(&conn->pipe[1]);
    pump(conn, event->side);
}

static void reset_later(struct sim_conn *conn, int side)
{
    later(soon(), run_reset, conn, side, 0);
}

void sim_net_break(struct sim_conn *conn)
{
    if (sim_chance(sim_world.config.reset_ppm)) {
        sim_count(SIM_RESETS);
        reset_later(conn, 0);
        reset_later(conn, 1);
    }
    if (!conn->stalled && sim_chance(sim_world.config.stall_ppm)) {
        sim_count(SIM_STALLS);
        conn->stalled = true;
    }
}

size_t sim_net_room(const struct sim_conn *conn, int side)
{
    const struct sim_pipe *pipe = &conn->pipe[side];
    size_t used = pipe->readable + pipe->flying;
    return used < pipe->capacity ? pipe->capacity - used : 0;
}

static void run_arrive(const struct sim_event *event)
{
    struct sim_conn *conn = event->conn;
    struct sim_pipe *pipe = &conn->pipe[event->side];
    int receiver = 1 - event->side;
    if (conn->stalled || pipe->dead) {
        return;
    }
    pipe->flying -= event->bytes;
    if (conn->side[receiver].closed) {
        pipe->head = (pipe->head + event->bytes) % pipe->size;
        reset_later(conn, event->side);
        return;
    }
    pipe->readable += event->bytes;
    pump(conn, receiver);
}

void sim_net_send(struct sim_conn *conn, int side, const uint8_t *data, size_t length)
{
    struct sim_pipe *pipe = &conn->pipe[side];
    if (pipe->dead) {
        return;
    }
    size_t before = pipe->flying;
    if (is_target(conn, side)) {
        push_bytes(pipe, data, length);
    } else {
        pipe_push(pipe, data, length);
    }
    pipe->offset += length;
    later(arrival(pipe), run_arrive, conn, side, pipe->flying - before);
}

size_t sim_net_flying(const struct sim_conn *conn, int side)
{
    return conn->pipe[side].flying;
}

size_t sim_net_readable(const struct sim_conn *conn, int side)
{
    return conn->pipe[1 - side].readable;
}

bool sim_net_ended(const struct sim_conn *conn, int side)
{
    const struct sim_pipe *pipe = &conn->pipe[1 - side];
    return pipe->end_arrived && !pipe->dead;
}

void sim_net_receive(struct sim_conn *conn, int side, uint8_t *data, size_t length)
{
    struct sim_pipe *pipe = &conn->pipe[1 - side];
    size_t straight = pipe->size - pipe->head < length ? pipe->size - pipe->head : length;
    memcpy(data, pipe->ring + pipe->head, straight);
    memcpy(data + straight, pipe->ring, length - straight);
    pipe->head = (pipe->head + length) % pipe->size;
    pipe->readable -= length;
    sim_world.counts.of[SIM_BYTES] += length;
    sim_net_pump_later(conn, 1 - side); /* there is room again */
}

static void run_end(const struct sim_event *event)
{
    struct sim_conn *conn = event->conn;
    struct sim_pipe *pipe = &conn->pipe[event->side];
    if (!conn->stalled && !pipe->dead) {
        pipe->end_arrived = true;
        pump(conn, 1 - event->side);
    }
}

void sim_net_shutdown(struct sim_conn *conn, int side)
{
    struct sim_pipe *pipe = &conn->pipe[side];
    pipe->end_sent = true;
    if (pipe->dead) {
        return;
    }
    if (pipe->holding) { /* no byte follows to swap it with */
        release_held(pipe);
        later(arrival(pipe), run_arrive, conn, side, 1);
    }
    later(arrival(pipe), run_end, conn, side, 0);
}

void sim_net_close(struct sim_conn *conn, int side, enum io_close_how how)
{
    struct sim_side *own = &conn->side[side];
    own->closed = true;
    own->socket = NULL;
    if (!conn->established) {
        return;
    }
    bool unread = conn->pipe[1 - side].readable > 0;
    if (how == IO_CLOSE_RESET || unread) {
        sim_world.counts.of[SIM_UNREAD] += how == IO_CLOSE_GRACEFUL;
        reset_later(conn, 1 - side);
    } else if (!own->reset && !conn->pipe[side].end_sent) {
        sim_net_shutdown(conn, side);
    }
    if (conn->side[1 - side].closed) {
        pipe_kill(&conn->pipe[0]);
        pipe_kill(&conn->pipe[1]);
    }
}
