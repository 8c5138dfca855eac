/* One user: its life, what its connection sends and receives, and its timer. */

#include "load_conn.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "progress.h"
#include "units.h"
#include "util.h"

/* The first and the longest pause before a user connects again after a failure. Each pause is twice
 * the one before. */
#define LOAD_RETRY_MIN_NS UINT64_C(10000000)
#define LOAD_RETRY_MAX_NS UINT64_C(1000000000)

/* ---- end ----------------------------------------------------------------------------------- */

void load_again(struct load_conn *c)
{
    struct load *load = load_owner(c);
    if (!load_has_more(load)) {
        load_done(c);
        return;
    }
    c->state = LOAD_WAITING;
    if (c->well) {
        c->retry_ns = 0;
        load_connect_in_turn(c);
        return;
    }
    c->retry_ns = c->retry_ns == 0 ? LOAD_RETRY_MIN_NS : c->retry_ns * 2;
    if (c->retry_ns > LOAD_RETRY_MAX_NS) {
        c->retry_ns = LOAD_RETRY_MAX_NS;
    }
    conn_set_timer(&c->conn, worker_awake(&load->worker) + c->retry_ns);
}

static void load_on_closed(struct io_close *op)
{
    struct load_conn *c = load_of(CONTAINER_OF(op, struct conn, close));
    assert(c->state == LOAD_CLOSING && c->conn.closing);
    c->conn.closing = false;
    conn_trace(&c->conn, "closed", "nothing is outstanding");
    load_count_bytes(c);
    if (c->connect_error == 0) {
        load_again(c);
        return;
    }
    c->state = LOAD_WAITING;
    if (load_connect_failed(c, c->connect_error)) {
        load_connect(c);
    }
}

/* ---- messages ------------------------------------------------------------------------------ */

/* The server has ended its side. */
static void load_at_end_of_stream(struct load_conn *c)
{
    struct client_counters *n = load_counters(c);
    struct load_end end = {.counter = &n->completed, .well = true, .how = IO_CLOSE_GRACEFUL};
    if (c->state == LOAD_ENDING) {
        end.why = "end of stream after ours";
    } else if (load_outstanding(c) == 0) {
        end.counter = &n->closed_by_server;
        end.why = "end of stream, nothing outstanding";
    } else if (load_plan_of(c)->allow_drain) {
        end.counter = &n->drained;
        end.fate = LOAD_DRAINED;
        end.why = "end of stream";
    } else {
        load_log_failure(c, STATS_RECV, UV_EOF);
        load_lose(c, IO_CLOSE_GRACEFUL, UV_EOF);
        return;
    }
    load_close(c, end);
}

/* Handles the outcome of a recv. False: the connection is closing. */
static bool load_received(struct load_conn *c, bool queued)
{
    const struct io_recv *recv = &c->conn.recv;
    if (recv->status != 0) {
        load_fail(c, STATS_RECV, recv->status);
        return false;
    }
    if (recv->length == 0) {
        load_at_end_of_stream(c);
        return false;
    }
    conn_trace_bytes(&c->conn, "recv", recv->length, queued, "to be verified, recv follows");
    bool right = load_verify(c, recv->data, recv->length);
    conn_release(&c->conn, recv->data);
    return right;
}

/* Handles the outcome of a send. Counts the bytes even if the connection is closing. False: it is
 * closing. */
static bool load_sent(struct load_conn *c, bool queued)
{
    struct load *load = load_owner(c);
    load->stats.counters.sent += c->conn.send.sent;
    c->sent += c->conn.send.sent;
    pool_put(&load->chunks, c->chunk);
    c->chunk = NULL;
    if (c->conn.closing) {
        return false;
    }
    if (c->conn.send.status != 0) {
        load_fail(c, STATS_SEND, c->conn.send.status);
        return false;
    }
    bool more = c->offered < c->begun_end;
    conn_trace_bytes(&c->conn, "send", c->conn.send.length, queued,
                     more ? "send follows" : "its echo is awaited");
    return true;
}

/* Sends the next chunk of the messages that have begun: an outcome of send, or UV_ENOMEM without a
 * chunk. */
static int load_send(struct load_conn *c)
{
    struct load *load = load_owner(c);
    uint64_t left = c->begun_end - c->offered;
    size_t chunk = load->chunks.buffer_size;
    size_t length = left < chunk ? (size_t)left : chunk;
    c->chunk = pool_take(&load->chunks);
    if (c->chunk == NULL) {
        return UV_ENOMEM;
    }
    stream_fill(&c->stream, c->offered, c->chunk, length);
    c->offered += length;
    load_note_sent(c);
    return conn_send(&c->conn, c->chunk, length);
}

/* Sends if there is something to send. False: nothing was sent inline, or it is closing. */
static bool load_step_send(struct load_conn *c)
{
    load_begin(c);
    if (c->conn.send_pending || c->offered == c->begun_end) {
        return false;
    }
    int outcome = load_send(c);
    if (outcome == IO_PENDING) {
        return false;
    }
    if (c->chunk == NULL) {
        load_fail(c, STATS_SEND, outcome);
        return false;
    }
    if (outcome < 0) {
        c->conn.send.status = outcome;
    }
    return load_sent(c, false);
}

static bool load_step_recv(struct load_conn *c)
{
    if (c->conn.recv_pending) {
        return false;
    }
    int outcome = conn_recv(&c->conn);
    if (outcome == IO_PENDING) {
        return false;
    }
    if (outcome < 0) {
        c->conn.recv.status = outcome;
    }
    return load_received(c, false);
}

/* Resets a connection that has used up --lifetime, all answered: --close=rst. */
static bool load_reset_if_used_up(struct load_conn *c)
{
    const struct load_plan *plan = load_plan_of(c);
    if (!plan->close_reset || c->begun < plan->lifetime) {
        return false;
    }
    load_close(c, (struct load_end){.counter = &load_counters(c)->reset,
                                    .how = IO_CLOSE_RESET,
                                    .well = true,
                                    .why = "all answered, --close=rst"});
    return true;
}

/* Sends our FIN when no more messages will begin on this connection and all are answered. */
static void load_end_if_over(struct load_conn *c)
{
    struct io_loop *io = c->conn.worker->io;
    if (c->state != LOAD_UP || c->completed < c->begun || c->conn.send_pending || load_goes_on(c)) {
        return;
    }
    if (load_reset_if_used_up(c)) {
        return;
    }
    int status = io->backend->shutdown(io, c->conn.socket);
    if (status != 0) {
        load_fail(c, STATS_SHUTDOWN, status);
        return;
    }
    conn_trace(&c->conn, "all answered, shutdown", "recv goes on");
    c->state = LOAD_ENDING;
    progress_moved(&c->conn);
    load_set_awaits(c, true);
}

void load_run(struct load_conn *c)
{
    bool moved = true;
    while (moved && conn_has_share(&c->conn)) {
        bool sent = c->state == LOAD_UP && load_step_send(c);
        bool received = !c->conn.closing && load_step_recv(c);
        if (!c->conn.closing) {
            load_end_if_over(c);
        }
        moved = !c->conn.closing && (sent || received);
    }
}

static void load_on_recv(struct io_recv *op)
{
    struct load_conn *c = load_of(CONTAINER_OF(op, struct conn, recv));
    if (conn_recv_done(&c->conn) && load_received(c, true)) {
        load_run(c);
    }
}

static void load_on_send(struct io_send *op)
{
    struct load_conn *c = load_of(CONTAINER_OF(op, struct conn, send));
    (void)conn_send_done(&c->conn);
    if (load_sent(c, true)) {
        load_run(c);
    }
}

static void load_on_task(struct worker_task *task)
{
    load_run(load_of(CONTAINER_OF(task, struct conn, task)));
}

/* ---- time ---------------------------------------------------------------------------------- */

/* For --timeout, no byte has moved or no FIN has come. */
static void load_time_out(struct load_conn *c)
{
    struct load *load = load_owner(c);
    struct client_counters *n = &load->stats.counters;
    bool ending = c->state == LOAD_ENDING;
    stats_error_count(&load->stats.errors, STATS_RECV, UV_ETIMEDOUT);
    log_limited(&load->error_log, worker_now(&load->worker),
                "connection %" PRIu64 ": %s for --timeout after %s sent, %" PRIu64 " verified",
                c->conn.number, ending ? "not ended by the server" : "no answer",
                units_counted(c->offered, "byte").text, c->verified);
    load_close(c, (struct load_end){.counter = ending ? &n->end_timeouts : &n->timeouts,
                                    .fate = ending ? LOAD_ANSWERED : LOAD_UNANSWERED,
                                    .how = IO_CLOSE_RESET,
                                    .why = "--timeout"});
}

static void load_watch_answer(struct load_conn *c)
{
    uint64_t limit_ns = load_plan_of(c)->timeout_ns;
    uint64_t next_ns = c->conn.timer.seen_ns + limit_ns / PROGRESS_LOOKS;
    bool awaited = load_outstanding(c) > 0 || c->state == LOAD_ENDING;
    if (awaited && progress_is_quiet(&c->conn, limit_ns, &next_ns)) {
        load_time_out(c);
    } else {
        conn_set_timer(&c->conn, next_ns);
    }
}

/* The first connect does not depend on messages: all connections of a ramp come up, even if the
 * messages are spent. */
static bool load_has_use(const struct load_conn *c)
{
    return load_has_more(load_owner(c)) || (c->in_turn && !c->was_up);
}

/* The pause before a connect is over. */
static void load_on_pause_over(struct load_conn *c)
{
    if (!load_has_use(c)) {
        load_done(c);
    } else if (c->in_turn) {
        load_connect(c);
    } else {
        load_connect_in_turn(c);
    }
}

static void load_on_timer(struct watch *watch)
{
    struct load_conn *c = load_of(CONTAINER_OF(watch, struct conn, timer));
    switch (c->state) {
    case LOAD_WAITING:
        load_on_pause_over(c);
        break;
    case LOAD_CONNECTING:
        load_not_connected(c, UV_ETIMEDOUT);
        break;
    case LOAD_UP:
    case LOAD_ENDING:
        load_watch_answer(c);
        break;
    case LOAD_CLOSING:
    case LOAD_DONE:
        assert(false);
        break;
    }
}

/* Since when the connection has not been able to begin a message; UINT64_MAX: it is able. */
static uint64_t load_blocked_ns(const struct load_conn *c)
{
    if (c->state != LOAD_UP) {
        return c->down_ns;
    }
    return load_outstanding(c) < load_plan_of(c)->depth ? UINT64_MAX : c->full_ns;
}

/* A message is delayed because an answer is missing, or because the worker was late. Counts the
 * cause that came first. */
static void load_count_delay(struct load_conn *c, uint64_t due_ns, bool late)
{
    struct client_stats *stats = &load_owner(c)->stats;
    uint64_t blocked_ns = load_blocked_ns(c);
    if (blocked_ns <= due_ns || (blocked_ns != UINT64_MAX && !late)) {
        stats->blocked++;
    } else if (late) {
        stats->late++;
    }
}

void load_conn_due(struct load_conn *c, uint64_t due_ns, bool late)
{
    struct load *load = load_owner(c);
    load_count_delay(c, due_ns, late);
    if (c->state == LOAD_DONE) {
        load->stats.unsent++;
        return;
    }
    c->owed++;
    if (c->state == LOAD_UP) {
        load_run(c);
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

static void load_on_first_task(struct worker_task *task)
{
    struct load_conn *c = load_of(CONTAINER_OF(task, struct conn, task));
    task->run = load_on_task;
    c->down_ns = worker_now(c->conn.worker);
    load_connect_in_turn(c);
}

static bool load_make_ring(struct load_conn *c, uint64_t depth)
{
    size_t length = 1;
    while (length < depth) {
        length *= 2;
    }
    c->ring_mask = length - 1;
    c->messages = calloc(length, sizeof(*c->messages));
    return c->messages != NULL;
}

struct load_conn *load_conn_start(struct load *load, size_t index)
{
    struct conn *conn = conn_alloc(&load->worker, sizeof(struct load_conn));
    if (conn == NULL) {
        return NULL;
    }
    struct load_conn *c = load_of(conn);
    if (!load_make_ring(c, load->plan->depth)) {
        conn_free(conn);
        return NULL;
    }
    conn->recv.done = load_on_recv;
    conn->send.done = load_on_send;
    conn->close.done = load_on_closed;
    c->connect.done = load_on_connect;
    watch_init(&conn->timer, &load->worker, load_on_timer);
    load_think_init(c);
    worker_task_init(&conn->task, load_on_first_task);
    conn->trace = load->plan->trace;
    c->index = index;
    c->state = LOAD_WAITING;
    load->users_live++;
    return c;
}

uint64_t load_conn_measured(const struct load_conn *c)
{
    return c->measured;
}

void load_conn_begin(struct load_conn *c)
{
    bool first = c->conn.task.run == load_on_first_task;
    if (load_owner(c)->begun) {
        c->arrival = load_arrival(load_owner(c), c->index);
        load_take_seed(c); /* its connection may be older than the seed */
    }
    if (first || c->state == LOAD_UP) { /* otherwise it is about to connect, and then goes on */
        worker_defer(c->conn.worker, &c->conn.task);
    }
}

void load_conn_free(struct load_conn *c)
{
    conn_stop_timer(&c->conn);
    load_think_stop(c);
    worker_cancel(c->conn.worker, &c->conn.task);
    free(c->messages);
    conn_free(&c->conn);
}

void load_conn_settle(struct load_conn *c)
{
    if (c->state == LOAD_WAITING && c->in_turn && !load_has_use(c)) {
        conn_stop_timer(&c->conn);
        load_done(c);
        return;
    }
    load_end_if_over(c);
}

void load_conn_end(struct load_conn *c)
{
    struct load *load = load_owner(c);
    load->stats.unsent += c->owed;
    c->owed = 0;
    switch (c->state) {
    case LOAD_WAITING:
        conn_stop_timer(&c->conn);
        worker_cancel(&load->worker, &c->conn.task);
        load_done(c);
        break;
    case LOAD_UP:
        load_end_if_over(c);
        break;
    case LOAD_CONNECTING: /* load_conn_abandon() follows */
    case LOAD_ENDING:
    case LOAD_CLOSING:
    case LOAD_DONE:
        break; /* it ends on its own */
    }
}

void load_conn_abandon(struct load_conn *c)
{
    if (c->state == LOAD_CONNECTING) {
        load_close(c, (struct load_end){.counter = &load_counters(c)->abandoned,
                                        .how = IO_CLOSE_GRACEFUL,
                                        .why = "given up"});
    }
}

void load_conn_cut(struct load_conn *c)
{
    struct client_counters *n = load_counters(c);
    bool owing = load_outstanding(c) > 0;
    load_conn_abandon(c);
    if (c->state == LOAD_UP || c->state == LOAD_ENDING) {
        load_close(c, (struct load_end){.counter = owing ? &n->unanswered : &n->cut,
                                        .fate = owing ? LOAD_UNANSWERED : LOAD_ANSWERED,
                                        .how = IO_CLOSE_RESET,
                                        .why = "the end of the run"});
    }
}
