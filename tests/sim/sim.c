#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>

#define TURN_LIMIT_MAX 4

struct sim_loop *sim_own(struct io_loop *loop)
{
    sim_require(sim_world.open, "a call without a world");
    sim_require(loop != NULL && loop->backend == &backend_sim, "this is not an open loop");
    return (struct sim_loop *)(void *)loop;
}

bool sim_submit_fails(void)
{
    if (!sim_chance(sim_world.config.submit_fails_ppm)) {
        return false;
    }
    sim_count(SIM_SUBMIT_FAILED);
    return true;
}

bool sim_inline(void)
{
    return sim_chance(sim_world.config.inline_ppm);
}

int sim_answer_done(struct sim_loop *loop)
{
    loop->head.stats.inline_outcomes++;
    sim_count(SIM_INLINE);
    return IO_DONE;
}

/* Half of what has ended is delivered at once, the rest late. */
uint64_t sim_delivery_time(void)
{
    bool at_once = sim_world.config.prompt || sim_below(2) == 0;
    return sim_world.now_ns + (at_once ? 0 : sim_latency());
}

void sim_completion(struct sim_loop *loop)
{
    loop->head.stats.completions++;
    sim_count(SIM_COMPLETIONS);
}

/* ---- loop ---------------------------------------------------------------------------------- */

static int sim_probe(char *why, size_t why_size)
{
    if (!sim_world.open) {
        snprintf(why, why_size, "sim is for tests: no world has been made");
        return UV_ENOTSUP;
    }
    return 0;
}

static int sim_loop_open(const struct io_config *config, struct io_loop **loop)
{
    sim_require(sim_world.open, "loop_open() without a world");
    sim_require(config->buffer_size > 0 && config->buffer_memory >= config->buffer_size,
                "loop_open() with an empty pool");
    struct sim_loop *opened = sim_allocate(sizeof(*opened));
    opened->head.backend = &backend_sim;
    pool_init(&opened->head.pool, config->buffer_size, config->buffer_memory);
    waiters_init(&opened->waiters, &opened->head, sim_retry_recv);
    opened->deadline_ns = UINT64_MAX;
    opened->next = sim_world.loops;
    sim_world.loops = opened;
    *loop = &opened->head;
    return 0;
}

void sim_loop_free(struct sim_loop *loop)
{
    struct sim_loop **link = &sim_world.loops;
    while (*link != loop) {
        link = &(*link)->next;
    }
    *link = loop->next;
    while (loop->held_count > 0) {
        pool_put(&loop->head.pool, loop->held[--loop->held_count]);
    }
    pool_destroy(&loop->head.pool);
    free(loop->held);
    free(loop->due.events);
    free(loop);
}

static void sim_loop_close(struct io_loop *loop)
{
    struct sim_loop *closing = sim_own(loop);
    sim_require(!closing->polling, "loop_close() from a callback");
    sim_require(closing->sockets == 0, "loop_close() while a socket is in use");
    sim_require(closing->listeners == 0, "loop_close() while a listener listens");
    sim_require(closing->due.count == 0, "loop_close() while an accept is outstanding");
    sim_require(closing->held_count == 0, "loop_close() while a buffer is not released");
    for (size_t i = sim_net_first_live(); i < sim_world.conn_count; i++) {
        const struct sim_conn *conn = sim_world.conns[i];
        sim_require(conn->token != TOKEN_OFFERED || conn->offered_to != closing,
                    "loop_close() while a token is not used up");
    }
    sim_loop_free(closing);
}

/* How many events a turn takes at most. */
static size_t turn_limit(void)
{
    return sim_chance(sim_world.config.full_ppm) ? 1 + (size_t)sim_below(TURN_LIMIT_MAX) : SIZE_MAX;
}

/* Runs the events that were due at the start. Events that callbacks cause, closes included, come
 * later. Counts *limit down; false if it has reached 0. */
static bool run_batch(struct sim_loop *loop, size_t *limit)
{
    uint64_t last = sim_world.order;
    while (sim_due(&loop->due) && loop->due.events[0].order <= last) {
        if ((*limit)-- == 0) {
            sim_count(SIM_FULL);
            return false;
        }
        struct sim_event event = sim_pop(&loop->due);
        event.run(&event);
    }
    return true;
}

static void run_batches(struct sim_loop *loop)
{
    if (sim_chance(sim_world.config.early_ppm)) {
        sim_count(SIM_EARLY);
        loop->head.full = sim_due(&loop->due);
        return;
    }
    size_t limit = turn_limit();
    do {
        loop->head.full = !run_batch(loop, &limit);
    } while (!loop->head.full && sim_due(&loop->due) && sim_chance(sim_world.config.batches_ppm));
}

static int sim_poll(struct io_loop *loop, uint64_t deadline_ns)
{
    struct sim_loop *polled = sim_own(loop);
    sim_require(!polled->polling, "poll() from a callback");
    polled->polling = true;
    polled->deadline_ns = deadline_ns;
    polled->head.stats.wait_calls++;
    sim_pass(sim_world.now_ns + sim_world.config.turn_ns);
    if (sim_chance(sim_world.config.wake_ppm)) {
        sim_count(SIM_WAKES);
        polled->woken = true;
    }
    bool woken = polled->woken;
    polled->woken = false;
    bool busy = woken || sim_due(&polled->due);
    uint64_t before = loop->stats.completions;
    run_batches(polled);
    io_loop_end_turn(loop, before, woken);
    if (busy) {
        polled->deadline_ns = sim_world.now_ns; /* the caller may have a new one: ask again */
    }
    polled->polling = false;
    return woken ? 1 : 0;
}

static void sim_wake(struct io_loop *loop)
{
    sim_own(loop)->woken = true;
}

static uint64_t sim_loop_now(struct io_loop *loop)
{
    (void)sim_own(loop);
    return sim_world.now_ns;
}

/* ---- listen and accept --------------------------------------------------------------------- */

static bool port_is_taken(uint16_t port)
{
    for (const struct io_listener *each = sim_world.listeners; each != NULL; each = each->next) {
        if (each->port == port && !each->stopped) {
            return true;
        }
    }
    return false;
}

static int sim_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                      struct io_listener **listener)
{
    struct sim_loop *listening = sim_own(loop);
    sim_require(os_socket >= 1 && os_socket <= UINT16_MAX, "listen() on a port out of range");
    if (sim_world.config.one_listener && port_is_taken((uint16_t)os_socket)) {
        return UV_ENOTSUP;
    }
    struct io_listener *made = sim_allocate(sizeof(*made));
    made->loop = listening;
    made->port = (uint16_t)os_socket;
    made->backlog = backlog > 0 ? (size_t)backlog : 1;
    made->next = sim_world.listeners;
    sim_world.listeners = made;
    listening->listeners++;
    *listener = made;
    return 0;
}

static struct sim_conn *pop_queue(struct io_listener *listener)
{
    struct sim_conn *conn = listener->queue_first;
    if (conn != NULL) {
        listener->queue_first = conn->queue_next;
        listener->queued--;
    }
    return conn;
}

/* Finds the outcome of an accept: *status, and for 0 *conn. False if no connection waits. */
static bool accept_try(struct io_listener *listener, struct io_accept *op, struct sim_conn **conn,
                       int *status)
{
    const struct sim_config *config = &sim_world.config;
    listener->loop->head.stats.accept_calls++;
    *conn = NULL;
    *status = 0;
    if (listener->queue_first == NULL) {
        return false;
    }
    if (sim_chance(config->accept_emfile_ppm)) {
        sim_count(SIM_EMFILE);
        listener->loop->head.stats.accepts_failed++;
        *status = UV_EMFILE;
        return true;
    }
    *conn = pop_queue(listener);
    if (sim_chance(config->accept_aborted_ppm)) {
        sim_count(SIM_ABORTED);
        listener->loop->head.stats.accepts_failed++;
        sim_net_close(*conn, 1, IO_CLOSE_RESET);
        *conn = NULL;
        *status = UV_ECONNABORTED;
        return true;
    }
    (*conn)->token = TOKEN_OFFERED;
    (*conn)->offered_to = listener->loop;
    (*conn)->offered_by = op;
    return true;
}

static void set_token(struct sim_loop *loop, struct io_accept *op, struct sim_conn *conn)
{
    size_t buffer_size = loop->head.pool.buffer_size;
    op->token = (struct io_token){.os_socket = (uv_os_sock_t)conn->number};
    loop->head.stats.accepts++;
    size_t there = sim_net_readable(conn, 1);
    if (there > 0 && sim_chance(sim_world.config.first_bytes_ppm)) {
        sim_count(SIM_FIRST_BYTES);
        loop->head.stats.accepts_with_data++;
        conn->first = 1 + (size_t)sim_below(there < buffer_size ? there : buffer_size);
        op->token.first = conn->pipe[0].ring; /* not NULL, but not to be read */
        op->token.first_length = conn->first;
    }
}

static void run_accept(const struct sim_event *event)
{
    struct io_accept *op = event->subject;
    struct sim_conn *conn = event->conn;
    struct sim_loop *loop = conn != NULL ? conn->offered_to : NULL;
    sim_require(op->status == STATUS_BUSY, "an accept was changed while it was outstanding");
    op->status = event->side;
    if (conn != NULL) {
        set_token(loop, op, conn);
    }
    op->done(op);
    sim_require(conn == NULL || conn->token != TOKEN_OFFERED,
                "an accept's callback returned and its token is not used up");
}

static void end_accept(struct io_listener *listener, struct io_accept *op, struct sim_conn *conn,
                       int status)
{
    sim_completion(listener->loop);
    sim_post(&listener->loop->due, (struct sim_event){.at_ns = sim_delivery_time(),
                                                      .run = run_accept,
                                                      .subject = op,
                                                      .conn = conn,
                                                      .side = status});
}

void sim_listener_pump(struct io_listener *listener)
{
    struct sim_conn *conn;
    int status;
    while (listener->accepts.first != NULL &&
           accept_try(listener, listener->accepts.first, &conn, &status)) {
        end_accept(listener, accepts_pop(&listener->accepts), conn, status);
    }
}

static void run_listener_pump(const struct sim_event *event)
{
    sim_listener_pump(event->subject);
}

static void check_accept(const struct sim_loop *loop, const struct io_listener *listener,
                         const struct io_accept *op)
{
    sim_require(!listener->stopped, "the listener was stopped");
    sim_require(listener->loop == loop, "the listener belongs to another loop");
    for (size_t i = sim_net_first_live(); i < sim_world.conn_count; i++) {
        const struct sim_conn *conn = sim_world.conns[i];
        sim_require(conn->token != TOKEN_OFFERED || conn->offered_by != op,
                    "accept() with an operation whose token is not used up");
    }
}

static int sim_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op)
{
    struct sim_loop *accepting = sim_own(loop);
    struct sim_conn *conn;
    int status;
    check_accept(accepting, listener, op);
    if (sim_submit_fails()) {
        return UV_ENOBUFS;
    }
    if (listener->accepts.first == NULL && sim_inline() &&
        accept_try(listener, op, &conn, &status)) {
        op->status = status;
        if (conn != NULL) {
            set_token(accepting, op, conn);
        }
        return sim_answer_done(accepting);
    }
    op->status = STATUS_BUSY;
    accepts_push(&listener->accepts, op);
    sim_post(&sim_world.events, (struct sim_event){.at_ns = sim_world.now_ns + sim_latency(),
                                                   .run = run_listener_pump,
                                                   .subject = listener});
    return IO_PENDING;
}

static void sim_accept_stop(struct io_loop *loop, struct io_listener *listener)
{
    struct sim_conn *conn;
    sim_require(!listener->stopped, "the listener was stopped already");
    struct sim_loop *owner = sim_own(loop);
    sim_require(listener->loop == owner, "the listener belongs to another loop");
    listener->stopped = true;
    owner->listeners--;
    while (listener->accepts.first != NULL) {
        struct io_accept *op = accepts_pop(&listener->accepts);
        int status;
        if (sim_chance(sim_world.config.race_ppm) && accept_try(listener, op, &conn, &status)) {
            sim_count(SIM_RACES);
            end_accept(listener, op, conn, status);
        } else {
            sim_count(SIM_CANCELED);
            end_accept(listener, op, NULL, UV_ECANCELED);
        }
    }
    while ((conn = pop_queue(listener)) != NULL) {
        sim_net_close(conn, 1, IO_CLOSE_RESET);
    }
}

/* The connection of a token that `loop` may dispose of. */
static struct sim_conn *token_conn(const struct sim_loop *loop, const struct io_token *token)
{
    size_t number = (size_t)token->os_socket;
    sim_require(number < sim_world.conn_count, "this is not a token");
    struct sim_conn *conn = sim_world.conns[number];
    sim_require(conn->token != TOKEN_NONE, "the token was used up already");
    sim_require(conn->token == TOKEN_DETACHED || conn->offered_to == loop,
                "the token belongs to another loop");
    return conn;
}

static int sim_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket)
{
    struct sim_loop *adopting = sim_own(loop);
    struct sim_conn *conn = token_conn(adopting, token);
    sim_socket_check_unused(socket);
    conn->token = TOKEN_NONE;
    if (sim_chance(sim_world.config.adopt_fails_ppm)) {
        sim_count(SIM_ADOPT_FAILED);
        sim_net_close(conn, 1, IO_CLOSE_GRACEFUL);
        return UV_ENOMEM;
    }
    sim_socket_open(socket, adopting, conn, 1);
    return 0;
}

static int sim_detach(struct io_loop *loop, struct io_token *token)
{
    struct sim_conn *conn = token_conn(sim_own(loop), token);
    sim_require(conn->token == TOKEN_OFFERED, "the token was detached already");
    if (sim_world.config.no_detach) {
        return UV_ENOTSUP;
    }
    conn->token = TOKEN_DETACHED;
    return 0;
}

static void sim_refuse(struct io_loop *loop, struct io_token *token)
{
    struct sim_conn *conn = token_conn(sim_own(loop), token);
    conn->token = TOKEN_NONE;
    loop->stats.other_calls++;
    sim_net_close(conn, 1, IO_CLOSE_GRACEFUL);
}

/* ---- table --------------------------------------------------------------------------------- */

const struct backend backend_sim = {
    .name = "sim",
    .native = false,
    .socket_size = sizeof(struct io_socket),
    .probe = sim_probe,
    .loop_open = sim_loop_open,
    .loop_close = sim_loop_close,
    .poll = sim_poll,
    .wake = sim_wake,
    .now = sim_loop_now,
    .listen = sim_listen,
    .accept = sim_accept,
    .accept_stop = sim_accept_stop,
    .adopt = sim_adopt,
    .detach = sim_detach,
    .refuse = sim_refuse,
    .connect = sim_connect,
    .recv = sim_recv,
    .release = sim_release,
    .send = sim_send,
    .untaken = sim_untaken,
    .shutdown = sim_shutdown,
    .close = sim_close,
    .handle = sim_handle,
};
