/* One user: its connections one after another, and how they end. */

#include "load_conn.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "units.h"
#include "util.h"
#include "verdict.h"

/* A user whose connection failed tries again after this long, then twice as long. */
#define LOAD_RETRY_MIN_NS UINT64_C(10000000)
#define LOAD_RETRY_MAX_NS UINT64_C(1000000000)

/* ---- end ----------------------------------------------------------------------------------- */

void load_done(struct load_conn *c)
{
    struct load *load = load_owner(c);
    assert(c->state != LOAD_DONE && load->users_live > 0);
    c->state = LOAD_DONE;
    load->users_live--;
    load->stats.unsent += c->owed;
    c->owed = 0;
    load_set_awaits(c, false);
    if (c->was_up) {
        load_count_down_time(c);
    } else {
        load->stats.not_up++;
        load->stats.not_up_reason = c->last_error != 0 ? c->last_error : load->stats.not_up_reason;
    }
}

static void load_count_unanswered(struct load_conn *c, uint64_t outstanding)
{
    struct load *load = load_owner(c);
    uint64_t begun_ns = c->begun_ns[c->completed % load->plan->depth];
    uint64_t now_ns = worker_now(&load->worker);
    load->stats.counters.unanswered_messages += outstanding;
    if (now_ns > begun_ns && now_ns - begun_ns > load->stats.unanswered_oldest_ns) {
        load->stats.unanswered_oldest_ns = now_ns - begun_ns;
    }
}

static void load_count_messages(struct load_conn *c)
{
    struct client_counters *n = load_counters(c);
    uint64_t outstanding = load_outstanding(c);
    load_owner(c)->stats.begun += c->begun;
    if (outstanding == 0) {
        return;
    }
    switch (c->fate) {
    case LOAD_ANSWERED:
        assert(false);
        break;
    case LOAD_LOST:
        n->lost_messages += outstanding;
        break;
    case LOAD_DRAINED:
        n->drained_messages += outstanding;
        break;
    case LOAD_UNANSWERED:
        load_count_unanswered(c, outstanding);
        break;
    case LOAD_UNCHECKED:
        n->unchecked_messages += outstanding;
        break;
    }
}

/* When the last send has ended. */
static void load_count_bytes(struct load_conn *c)
{
    struct client_counters *n = load_counters(c);
    uint64_t bytes = c->sent > c->verified ? c->sent - c->verified : 0;
    switch (c->fate) {
    case LOAD_ANSWERED:
        break;
    case LOAD_LOST:
        n->lost_bytes += bytes;
        break;
    case LOAD_DRAINED:
        n->drained_bytes += bytes;
        break;
    case LOAD_UNANSWERED:
        n->unanswered_bytes += bytes;
        break;
    case LOAD_UNCHECKED:
        n->unchecked += bytes;
        break;
    }
}

/* What was begun and not answered is to be begun again, on whichever connection comes to it. */
static void load_give_back(struct load_conn *c)
{
    struct load *load = load_owner(c);
    uint64_t outstanding = load_outstanding(c);
    if (load->requests_left != UINT64_MAX) {
        load->requests_left += outstanding;
    }
    c->begun = c->completed;
}

void load_close(struct load_conn *c, struct load_end end)
{
    struct load *load = load_owner(c);
    assert(c->state != LOAD_CLOSING && c->state != LOAD_WAITING);
    (*end.counter)++;
    conn_trace(&c->conn, end.why, "close follows");
    if (c->state == LOAD_CONNECTING) {
        load->connecting--;
    } else {
        load->stats.up--;
    }
    c->fate = end.fate;
    c->well = end.well && c->completed > 0;
    c->in_vain += c->completed == 0;
    load_count_messages(c);
    load_give_back(c);
    load_set_awaits(c, true); /* the next connection, or the close of this one */
    c->state = LOAD_CLOSING;
    c->down_ns = worker_now(&load->worker);
    conn_close(&c->conn, end.how);
    if (verdict_failures_so_far(&load->stats.counters) > 0) {
        load_has_failed(load);
    }
}

/* The connection is broken or at its end, which `well` may excuse. */
static void load_log_failure(struct load_conn *c, enum stats_operation operation, int status)
{
    struct load *load = load_owner(c);
    stats_error_count(&load->stats.errors, operation, status);
    log_limited(&load->error_log, worker_now(&load->worker),
                "connection %" PRIu64 " failed in %s after %s verified, with %s unanswered: %s",
                c->conn.number, stats_operation_name(operation),
                units_counted(c->verified, "byte").text,
                units_counted(load_outstanding(c), "message").text, uv_strerror(status));
}

static void load_lose(struct load_conn *c, enum io_close_how how, int status)
{
    load_close(c, (struct load_end){.counter = &load_counters(c)->lost,
                                    .fate = LOAD_LOST,
                                    .how = how,
                                    .why = uv_err_name(status)});
}

/* An operation has ended with an error. Whether that is a failure depends on what was outstanding,
 * and on whether our FIN is out. */
static void load_fail(struct load_conn *c, enum stats_operation operation, int status)
{
    struct client_counters *n = load_counters(c);
    bool lost = io_stream_is_lost(status);
    if (lost && c->state == LOAD_ENDING) {
        stats_error_count(&load_owner(c)->stats.errors, operation, status);
        load_close(c, (struct load_end){.counter = &n->reset_at_end,
                                        .how = IO_CLOSE_RESET,
                                        .well = true,
                                        .why = uv_err_name(status)});
        return;
    }
    load_log_failure(c, operation, status);
    if (lost && load_outstanding(c) > 0) {
        load_lose(c, IO_CLOSE_RESET, status);
        return;
    }
    load_owner(c)->stats.failed_error = status;
    load_close(c, (struct load_end){.counter = &n->failed,
                                    .fate = LOAD_UNANSWERED,
                                    .how = IO_CLOSE_RESET,
                                    .why = uv_err_name(status)});
}

/* Connects again, after a pause if the last connection did not end well. */
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
        load_connect(c);
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

/* Takes the outcome of a recv. False: the connection is closing. */
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

/* Takes the outcome of a send, and counts it even if the connection is closing. */
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
    bool more = c->offered < c->begun * load->plan->size;
    conn_trace_bytes(&c->conn, "send", c->conn.send.length, queued,
                     more ? "send follows" : "its echo is awaited");
    return true;
}

/* Sends the next chunk of what has begun: an outcome of io_send, or UV_ENOMEM. */
static int load_send(struct load_conn *c)
{
    struct load *load = load_owner(c);
    uint64_t left = c->begun * load->plan->size - c->offered;
    size_t chunk = load->chunks.buffer_size;
    size_t length = left < chunk ? (size_t)left : chunk;
    c->chunk = pool_take(&load->chunks);
    if (c->chunk == NULL) {
        return UV_ENOMEM;
    }
    stream_fill(&c->stream, c->offered, c->chunk, length);
    c->offered += length;
    return conn_send(&c->conn, c->chunk, length);
}

/* One send, if there is something to send. False: nothing was done inline, or it is closing. */
static bool load_step_send(struct load_conn *c)
{
    load_begin(c);
    if (c->conn.send_pending || c->offered == c->begun * load_plan_of(c)->size) {
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

/* When all that will ever begin on this connection has been answered: FIN. */
static void load_end_if_over(struct load_conn *c)
{
    struct io_loop *io = c->conn.worker->io;
    if (c->state != LOAD_UP || c->completed < c->begun || c->conn.send_pending || load_goes_on(c)) {
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

/* No byte has moved, or no FIN has come, for --timeout. */
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

static void load_on_timer(struct watch *watch)
{
    struct load_conn *c = load_of(CONTAINER_OF(watch, struct conn, timer));
    switch (c->state) {
    case LOAD_WAITING:
        if (load_has_more(load_owner(c))) {
            load_connect(c);
        } else {
            load_done(c);
        }
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

/* Since when the connection can't take a message of the schedule; UINT64_MAX: it can. */
static uint64_t load_blocked_ns(const struct load_conn *c)
{
    if (c->state != LOAD_UP) {
        return c->down_ns;
    }
    return load_outstanding(c) < load_plan_of(c)->depth ? UINT64_MAX : c->full_ns;
}

/* A message waits since an answer is missing, or since the worker gives it out late: counts what
 * was there first. */
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
    load_connect(c);
}

struct load_conn *load_conn_start(struct load *load, size_t index)
{
    struct conn *conn = conn_alloc(&load->worker, sizeof(struct load_conn));
    if (conn == NULL) {
        return NULL;
    }
    struct load_conn *c = load_of(conn);
    c->begun_ns = calloc((size_t)load->plan->depth, sizeof(uint64_t));
    if (c->begun_ns == NULL) {
        conn_free(conn);
        return NULL;
    }
    conn->recv.done = load_on_recv;
    conn->send.done = load_on_send;
    conn->close.done = load_on_closed;
    c->connect.done = load_on_connect;
    watch_init(&conn->timer, &load->worker, load_on_timer);
    worker_task_init(&conn->task, load_on_first_task);
    conn->trace = load->plan->trace;
    c->index = index;
    c->state = LOAD_WAITING;
    load->users_live++;
    return c;
}

void load_conn_begin(struct load_conn *c)
{
    bool first = c->conn.task.run == load_on_first_task;
    if (first || c->state == LOAD_UP) { /* else it is about to connect, and goes on then */
        worker_defer(c->conn.worker, &c->conn.task);
    }
}

void load_conn_free(struct load_conn *c)
{
    conn_stop_timer(&c->conn);
    worker_cancel(c->conn.worker, &c->conn.task);
    free(c->begun_ns);
    conn_free(&c->conn);
}

void load_conn_settle(struct load_conn *c)
{
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
        break; /* it ends by itself */
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
