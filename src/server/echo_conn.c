/*
 * One connection of the server. It has two states. In each, one operation is outstanding; or the
 * connection's task is queued, because it has used up its share of the turn:
 *
 *     RECEIVING --data--> SENDING --all sent--> RECEIVING
 *
 * `ended`: the server has ended its side. Then data is discarded instead of sent.
 */

#include "echo_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "progress.h"
#include "units.h"
#include "util.h"

enum echo_state { ECHO_RECEIVING, ECHO_SENDING };

struct echo_conn {
    struct conn conn; /* first */
    struct echo_generation *generation;
    enum echo_state state;
    bool ended;
};

static struct echo_conn *echo_of(struct conn *conn)
{
    return (struct echo_conn *)(void *)conn;
}

static struct echo *echo_owner(const struct echo_conn *c)
{
    return (struct echo *)(void *)c->conn.worker;
}

static struct server_counters *echo_counters(const struct echo_conn *c)
{
    return &c->generation->stats.counters;
}

/* ---- end ----------------------------------------------------------------------------------- */

static void echo_close(struct echo_conn *c, enum io_close_how how, uint64_t *counter,
                       const char *why)
{
    (*counter)++;
    conn_trace(&c->conn, why, "close follows");
    if (c->state == ECHO_SENDING && !c->conn.send_pending) {
        conn_release(&c->conn, c->conn.recv.data); /* received, but not yet given to a send */
        c->state = ECHO_RECEIVING;
    }
    conn_close(&c->conn, how);
}

static void echo_fail(struct echo_conn *c, enum stats_operation operation, int status)
{
    stats_error_count(&c->generation->stats.errors, operation, status);
    echo_close(c, IO_CLOSE_RESET, &echo_counters(c)->failed, uv_err_name(status));
}

static void echo_on_closed(struct io_close *op)
{
    struct echo_conn *c = echo_of(CONTAINER_OF(op, struct conn, close));
    struct echo *echo = echo_owner(c);
    struct echo_generation *generation = c->generation;
    assert(c->conn.closing);
    c->conn.closing = false;
    conn_trace(&c->conn, "closed", "nothing is outstanding");
    conn_list_remove(&c->conn);
    conn_free(&c->conn);
    admission_leave(echo->config->admission);
    echo_generation_leave(echo, generation);
}

/* Ends the server's side. What the client still sends is discarded. */
static void echo_end(struct echo_conn *c)
{
    struct io_loop *io = c->conn.worker->io;
    assert(c->state == ECHO_RECEIVING && !c->ended);
    int status = io->backend->shutdown(io, c->conn.socket);
    if (status != 0) {
        echo_fail(c, STATS_SHUTDOWN, status);
        return;
    }
    c->ended = true;
    conn_trace(&c->conn, "drained, shutdown", "recv goes on");
}

/* ---- data ---------------------------------------------------------------------------------- */

static void echo_at_end_of_stream(struct echo_conn *c)
{
    struct server_counters *counters = echo_counters(c);
    if (c->ended) {
        echo_close(c, IO_CLOSE_GRACEFUL, &counters->drained, "end of stream after ours");
    } else {
        echo_close(c, IO_CLOSE_GRACEFUL, &counters->closed_by_client, "end of stream");
    }
}

/* Handles the outcome of a recv. False: the connection is closing. */
static bool echo_received(struct echo_conn *c, bool queued)
{
    const struct io_recv *recv = &c->conn.recv;
    struct server_counters *counters = echo_counters(c);
    assert(c->state == ECHO_RECEIVING);
    if (recv->status != 0) {
        echo_fail(c, STATS_RECV, recv->status);
        return false;
    }
    if (recv->length == 0) {
        echo_at_end_of_stream(c);
        return false;
    }
    progress_moved(&c->conn);
    counters->received += recv->length;
    if (c->ended) {
        counters->discarded += recv->length;
        conn_release(&c->conn, recv->data);
        conn_trace_bytes(&c->conn, "recv", recv->length, queued, "discarded, recv follows");
    } else {
        c->state = ECHO_SENDING;
        conn_trace_bytes(&c->conn, "recv", recv->length, queued, "send follows");
    }
    return true;
}

/* Handles the outcome of a send. False: the connection is closing. */
static bool echo_sent(struct echo_conn *c, bool queued)
{
    const struct io_send *send = &c->conn.send;
    struct server_counters *counters = echo_counters(c);
    assert(c->state == ECHO_SENDING);
    counters->sent += send->sent;
    conn_release(&c->conn, c->conn.recv.data);
    c->state = ECHO_RECEIVING;
    if (send->status != 0) {
        echo_fail(c, STATS_SEND, send->status);
        return false;
    }
    counters->echoes++;
    progress_moved(&c->conn);
    conn_trace_bytes(&c->conn, "send", send->length, queued, "recv follows");
    if (c->generation->draining && worker_now(c->conn.worker) >= c->generation->half_ns) {
        echo_end(c);
    }
    return !c->conn.closing;
}

/* Starts the operation that the state calls for. */
static int echo_submit(struct echo_conn *c)
{
    if (c->state == ECHO_RECEIVING) {
        int outcome = conn_recv(&c->conn);
        c->conn.recv.status = outcome < 0 ? outcome : c->conn.recv.status;
        return outcome;
    }
    int outcome = conn_send(&c->conn, c->conn.recv.data, c->conn.recv.length);
    c->conn.send.status = outcome < 0 ? outcome : c->conn.send.status;
    return outcome;
}

/* Runs until an operation is outstanding, the connection closes, or its share is used up. */
static void echo_run(struct echo_conn *c)
{
    bool goes_on = true;
    while (goes_on && conn_has_share(&c->conn)) {
        enum echo_state was = c->state;
        if (echo_submit(c) == IO_PENDING) {
            return;
        }
        goes_on = was == ECHO_RECEIVING ? echo_received(c, false) : echo_sent(c, false);
    }
}

static void echo_on_recv(struct io_recv *op)
{
    struct echo_conn *c = echo_of(CONTAINER_OF(op, struct conn, recv));
    if (conn_recv_done(&c->conn) && echo_received(c, true)) {
        echo_run(c);
    }
}

static void echo_on_send(struct io_send *op)
{
    struct echo_conn *c = echo_of(CONTAINER_OF(op, struct conn, send));
    if (conn_send_done(&c->conn)) {
        if (echo_sent(c, true)) {
            echo_run(c);
        }
        return;
    }
    echo_counters(c)->sent += op->sent; /* closing: what was sent still counts */
    conn_release(&c->conn, c->conn.recv.data);
    c->state = ECHO_RECEIVING;
}

static void echo_on_task(struct worker_task *task)
{
    echo_run(echo_of(CONTAINER_OF(task, struct conn, task)));
}

/* ---- time ---------------------------------------------------------------------------------- */

static uint64_t echo_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Whether it has data to read and waits for a buffer. Then it does not wait for its peer. */
static bool echo_waits_for_buffer(const struct echo_conn *c)
{
    return c->conn.recv_pending && c->conn.recv.waiting;
}

/* Resets if data is unsent: a FIN would tell the peer that everything was sent. */
static void echo_judge_idle(struct echo_conn *c)
{
    uint64_t limit_ns = echo_owner(c)->config->idle_timeout_ns;
    uint64_t next_ns = c->conn.timer.seen_ns + limit_ns / PROGRESS_LOOKS;
    if (echo_waits_for_buffer(c) || !progress_is_quiet(&c->conn, limit_ns, &next_ns)) {
        conn_set_timer(&c->conn, next_ns);
        return;
    }
    enum io_close_how how = c->state == ECHO_SENDING ? IO_CLOSE_RESET : IO_CLOSE_GRACEFUL;
    echo_close(c, how, &echo_counters(c)->idle, "--idle-timeout");
}

/* Ends the server's side if it is time. Returns when to check again, by the loop's clock. */
static uint64_t echo_judge_end(struct echo_conn *c)
{
    const struct watch *timer = &c->conn.timer;
    uint64_t half_ns = c->generation->half_ns;
    uint64_t next_ns = timer->seen_ns + ECHO_QUIET_NS;
    if (c->state == ECHO_SENDING) {
        return worker_clock_at(c->conn.worker, next_ns);
    }
    if (timer->seen_clock_ns >= half_ns ||
        (!echo_waits_for_buffer(c) && progress_is_quiet(&c->conn, ECHO_QUIET_NS, &next_ns))) {
        echo_end(c);
        return UINT64_MAX;
    }
    return echo_min(half_ns, worker_clock_at(c->conn.worker, next_ns));
}

static void echo_judge_drain(struct echo_conn *c)
{
    const struct echo_generation *generation = c->generation;
    if (c->conn.timer.seen_clock_ns >= generation->deadline_ns) {
        echo_close(c, IO_CLOSE_RESET, &echo_counters(c)->cut, "the drain's deadline");
        return;
    }
    uint64_t next_ns = c->ended ? UINT64_MAX : echo_judge_end(c);
    if (!c->conn.closing) {
        watch_set_by_clock(&c->conn.timer, echo_min(next_ns, generation->deadline_ns));
    }
}

static void echo_on_timer(struct watch *watch)
{
    struct echo_conn *c = echo_of(CONTAINER_OF(watch, struct conn, timer));
    if (c->generation->draining) {
        echo_judge_drain(c);
    } else {
        echo_judge_idle(c);
    }
}

static void echo_watch(struct echo_conn *c)
{
    uint64_t idle_ns = echo_owner(c)->config->idle_timeout_ns;
    if (c->generation->draining) {
        uint64_t look_ns =
            worker_clock_at(c->conn.worker, progress_first_look(&c->conn, ECHO_QUIET_NS));
        watch_set_by_clock(&c->conn.timer, echo_min(look_ns, c->generation->deadline_ns));
    } else if (idle_ns != 0) {
        conn_set_timer(&c->conn, progress_first_look(&c->conn, idle_ns));
    }
}

void echo_drain_conns(struct echo_generation *generation)
{
    assert(generation->draining);
    for (struct conn *conn = generation->conns; conn != NULL; conn = conn->next) {
        if (!conn->closing) {
            echo_watch(echo_of(conn));
        }
    }
}

static bool echo_is_stalled(struct echo_conn *c, uint64_t seen_ns)
{
    uint64_t stalled_ns = progress_stalled_ns(&c->conn, seen_ns);
    return c->conn.send_pending && stalled_ns >= echo_owner(c)->config->stall_timeout_ns;
}

static void echo_reset_one_stalled(struct echo_conn *c)
{
    struct echo *echo = echo_owner(c);
    log_limited(&echo->stall_log, worker_now(&echo->worker),
                "worker %u reset connection %" PRIu64
                ": its peer has taken no byte for --stall-timeout, while %zu others waited for a "
                "buffer of --buffer-memory",
                echo->worker.index, c->conn.number, echo->worker.io->waiting);
    echo_close(c, IO_CLOSE_RESET, &echo_counters(c)->stalled, "--stall-timeout");
}

bool echo_reset_stalled(struct echo_generation *generation, bool all, uint64_t seen_ns)
{
    bool reset = false;
    for (struct conn *conn = generation->conns; conn != NULL; conn = conn->next) {
        struct echo_conn *c = echo_of(conn);
        if (!conn->closing && (all || conn->send_pending) && echo_is_stalled(c, seen_ns)) {
            echo_reset_one_stalled(c);
            reset = true;
        }
    }
    return reset;
}

void echo_cut_conns(struct echo_generation *generation)
{
    for (struct conn *conn = generation->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (!conn->closing) {
            struct echo_conn *c = echo_of(conn);
            echo_close(c, IO_CLOSE_RESET, &echo_counters(c)->cut, "told to end at once");
        }
    }
}

/* ---- begin --------------------------------------------------------------------------------- */

static void echo_refuse(struct echo *echo, struct io_token *token, const char *why)
{
    struct io_loop *io = echo->worker.io;
    echo->current->stats.counters.refused++;
    io->backend->refuse(io, token);
    log_limited(&echo->refuse_log, worker_now(&echo->worker), "a connection was refused: %s", why);
}

static void echo_tune(struct echo_conn *c)
{
    const struct net_options *options = &echo_owner(c)->config->net;
    struct io_loop *io = c->conn.worker->io;
    uv_os_sock_t os_socket;
    if (io->backend->handle(c->conn.socket, &os_socket) == 0) {
        io->stats.other_calls += net_tune_calls(options);
        /* if the connection has been reset, its first recv reports that */
        (void)net_tune_accepted(os_socket, options);
    }
}

static struct echo_conn *echo_conn_new(struct echo *echo)
{
    struct conn *conn = conn_alloc(&echo->worker, sizeof(struct echo_conn));
    if (conn == NULL) {
        return NULL;
    }
    struct echo_conn *c = echo_of(conn);
    conn->recv.done = echo_on_recv;
    conn->send.done = echo_on_send;
    conn->close.done = echo_on_closed;
    watch_init(&conn->timer, &echo->worker, echo_on_timer);
    worker_task_init(&conn->task, echo_on_task);
    c->generation = echo->current;
    conn->number = ++echo->conn_count;
    conn->trace = echo->config->trace;
    progress_begin(conn);
    return c;
}

static void echo_trace_begin(const struct echo_conn *c, size_t first_length, const char *how)
{
    char what[128];
    if (!c->conn.trace) {
        return;
    }
    if (first_length > 0) {
        (void)snprintf(what, sizeof(what), "accepted with %s, %s",
                       units_counted(first_length, "byte").text, how);
    } else {
        (void)snprintf(what, sizeof(what), "accepted, %s", how);
    }
    conn_trace(&c->conn, what, "recv follows");
}

static void echo_not_adopted(struct echo *echo, struct echo_conn *c, int status)
{
    struct server_stats *stats = &c->generation->stats;
    stats_error_count(&stats->errors, STATS_ACCEPT, status);
    stats->counters.accept_errors++;
    admission_leave(echo->config->admission);
    conn_free(&c->conn);
}

/* Makes the token's connection `c`, and begins to receive. */
static void echo_adopt(struct echo *echo, struct echo_conn *c, struct io_token *token,
                       const char *how)
{
    struct io_loop *io = echo->worker.io;
    size_t first_length = token->first_length;
    int status = io->backend->adopt(io, token, c->conn.socket);
    if (status != 0) {
        echo_not_adopted(echo, c, status);
        return;
    }
    c->generation->stats.counters.accepted++;
    c->generation->open++;
    conn_list_add(&c->generation->conns, &c->conn);
    echo_tune(c);
    echo_trace_begin(c, first_length, how);
    echo_watch(c);
    echo_run(c);
}

void echo_admit(struct echo *echo, struct io_token *token, const char *how)
{
    if (echo->aborted) {
        echo_refuse(echo, token, "told to end at once");
        return;
    }
    if (!admission_enter(echo->config->admission)) {
        echo_refuse(echo, token, "--max-connections are open");
        return;
    }
    struct echo_conn *c = echo_conn_new(echo);
    if (c == NULL) {
        admission_leave(echo->config->admission);
        echo_refuse(echo, token, "out of memory");
    } else {
        echo_adopt(echo, c, token, how);
    }
}
