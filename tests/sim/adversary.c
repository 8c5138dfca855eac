/*
 *     accept -> { read, make the plan's moves } -> echo what is left -> the client's FIN -> last
 */

#include "adversary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define ADVERSARY_LATE_NS UINT64_C(20000000)
#define ADVERSARY_EXTRA_BYTES 16

struct adversary_conn {
    struct conn conn; /* first */
    struct adversary_record *record;
    struct timer pause;
    bool pausing;
    size_t move;        /* the present one */
    uint64_t moved;     /* bytes of it */
    size_t source;      /* of the bytes taken, the next to be echoed */
    uint64_t last_ns;   /* of the last action, or when the client began to wait for one */
    uint64_t last_step; /* after the client's FIN */
};

static struct adversary *self(struct worker *worker)
{
    assert(worker->role == &adversary_role);
    return (struct adversary *)(void *)worker;
}

static struct adversary *owner(const struct adversary_conn *c)
{
    return self(c->conn.worker);
}

static struct adversary_conn *of(struct conn *conn)
{
    return (struct adversary_conn *)(void *)conn;
}

static void run_conn(struct adversary_conn *c);

/* ---- what is noted ------------------------------------------------------------------------- */

static void note_time(struct adversary_conn *c, bool ours)
{
    uint64_t now_ns = worker_clock(c->conn.worker);
    uint64_t gap_ns = now_ns - c->last_ns;
    if (ours && gap_ns > c->record->gap_ns) {
        c->record->gap_ns = gap_ns;
    }
    c->last_ns = now_ns;
}

/* The connection is over. A side that still awaits something has waited until now. */
static void note_debt(struct adversary_conn *c)
{
    const struct adversary_record *record = c->record;
    note_time(c, record->saw_end || record->returned_length < record->taken_length);
}

static void note_end(struct adversary_conn *c, enum adversary_end end)
{
    note_time(c, true);
    c->record->end = end;
    c->record->after_theirs = c->record->saw_end;
}

/* ---- end ----------------------------------------------------------------------------------- */

static void close_conn(struct adversary_conn *c, enum io_close_how how)
{
    timer_stop(&c->conn.worker->timers, &c->pause);
    conn_close(&c->conn, how);
}

static void on_closed(struct io_close *op)
{
    struct adversary_conn *c = of(CONTAINER_OF(op, struct conn, close));
    c->conn.closing = false;
    conn_list_remove(&c->conn);
    conn_free(&c->conn);
}

static void lose(struct adversary_conn *c)
{
    c->record->saw_reset = true;
    note_debt(c);
    close_conn(c, IO_CLOSE_RESET);
}

static void end_side(struct adversary_conn *c)
{
    struct io_loop *io = c->conn.worker->io;
    note_end(c, ADVERSARY_END_FIN);
    if (io->backend->shutdown(io, c->conn.socket) != 0) {
        lose(c);
    }
}

/* ---- sending ------------------------------------------------------------------------------- */

static bool sent(struct adversary_conn *c)
{
    if (c->conn.closing) {
        return false;
    }
    if (c->conn.send.status != 0) {
        lose(c);
        return false;
    }
    return true;
}

/* Sends the bytes that follow those returned so far. True: more can be done at once. */
static bool send_returned(struct adversary_conn *c, size_t length)
{
    struct adversary_record *record = c->record;
    note_time(c, true);
    const uint8_t *data = record->returned + record->returned_length;
    record->returned_length += length;
    int outcome = conn_send(&c->conn, data, length);
    if (outcome == IO_PENDING) {
        return false;
    }
    if (outcome < 0) {
        c->conn.send.status = outcome;
    }
    return sent(c);
}

static size_t fits(const struct adversary_conn *c, uint64_t wanted)
{
    size_t room = adversary_bytes_max(owner(c)->run) - c->record->returned_length;
    uint64_t length = wanted < c->record->plan.piece ? wanted : c->record->plan.piece;
    return length < room ? (size_t)length : room;
}

static size_t unanswered(const struct adversary_conn *c)
{
    return c->record->taken_length - c->source;
}

static bool echo(struct adversary_conn *c, uint64_t most)
{
    struct adversary_record *record = c->record;
    size_t length = fits(c, most < unanswered(c) ? most : unanswered(c));
    if (length == 0) {
        owner(c)->overrun = true;
        return false;
    }
    memcpy(record->returned + record->returned_length, record->taken + c->source, length);
    c->source += length;
    c->moved += length;
    return send_returned(c, length);
}

static bool flip(struct adversary_conn *c)
{
    struct adversary_record *record = c->record;
    uint8_t bit = (uint8_t)(1U << (record->returned_length % 8));
    record->returned[record->returned_length] = record->taken[c->source++] ^ bit;
    return send_returned(c, 1);
}

static bool invent(struct adversary_conn *c, size_t length)
{
    struct adversary_record *record = c->record;
    for (size_t i = 0; i < length; i++) {
        record->returned[record->returned_length + i] = (uint8_t)(0x55 + 29 * i);
    }
    return send_returned(c, length);
}

/* ---- moves --------------------------------------------------------------------------------- */

static void next_move(struct adversary_conn *c)
{
    c->move++;
    c->moved = 0;
}

static void start_pause(struct adversary_conn *c, uint64_t time_ns)
{
    c->pausing = true;
    timer_start(&c->conn.worker->timers, &c->pause, worker_clock(c->conn.worker) + time_ns);
}

static void on_pause(struct timer *timer)
{
    struct adversary_conn *c = CONTAINER_OF(timer, struct adversary_conn, pause);
    c->pausing = false;
    run_conn(c);
}

/* A move that needs bytes of the client. True: something was done. */
static bool move_bytes(struct adversary_conn *c, const struct adversary_move *move)
{
    uint64_t need = move->kind == ADVERSARY_DROP ? move->amount : 1;
    if (unanswered(c) < need) {
        bool in_vain = c->record->saw_end || c->record->deaf;
        if (in_vain) {
            next_move(c);
        }
        return in_vain;
    }
    if (move->kind == ADVERSARY_DROP) {
        c->source += (size_t)move->amount;
        next_move(c);
        return true;
    }
    if (move->kind == ADVERSARY_FLIP) {
        next_move(c);
        return flip(c);
    }
    uint64_t left = move->amount - c->moved;
    if (left == 0) {
        next_move(c);
        return true;
    }
    return echo(c, left);
}

/* A move that ends the plan. False: nothing more can be done at once. */
static bool move_end(struct adversary_conn *c, enum adversary_kind kind)
{
    if (kind == ADVERSARY_SILENT) {
        c->record->silent = true;
    } else if (kind == ADVERSARY_FIN) {
        end_side(c);
        return !c->conn.closing;
    } else if (kind == ADVERSARY_CLOSE) {
        note_end(c, ADVERSARY_END_CLOSE);
        close_conn(c, IO_CLOSE_GRACEFUL);
    } else {
        note_end(c, ADVERSARY_END_RESET);
        close_conn(c, IO_CLOSE_RESET);
    }
    return false;
}

static bool make_move(struct adversary_conn *c, const struct adversary_move *move)
{
    size_t back = move->amount < c->source ? (size_t)move->amount : c->source;
    switch (move->kind) {
    case ADVERSARY_ANSWER:
    case ADVERSARY_FLIP:
    case ADVERSARY_DROP:
        return move_bytes(c, move);
    case ADVERSARY_REPEAT:
        c->source -= back;
        next_move(c);
        return true;
    case ADVERSARY_EXTRA:
        next_move(c);
        return invent(c, (size_t)move->amount);
    case ADVERSARY_PAUSE:
        next_move(c);
        start_pause(c, move->amount);
        return false;
    case ADVERSARY_DEAF:
        c->record->deaf = true;
        next_move(c);
        return true;
    default:
        return move_end(c, move->kind);
    }
}

/* After the client's FIN. */
static bool make_last(struct adversary_conn *c)
{
    bool first = c->last_step++ == 0;
    switch (c->record->plan.last) {
    case ADVERSARY_LAST_LATE:
        if (first) {
            start_pause(c, ADVERSARY_LATE_NS);
            return false;
        }
        break;
    case ADVERSARY_LAST_EXTRA:
        if (first) {
            return invent(c, ADVERSARY_EXTRA_BYTES);
        }
        break;
    case ADVERSARY_LAST_RESET:
        return move_end(c, ADVERSARY_RESET);
    case ADVERSARY_LAST_SILENT:
        return move_end(c, ADVERSARY_SILENT);
    case ADVERSARY_LAST_FIN:
        break;
    }
    return move_end(c, ADVERSARY_FIN);
}

static bool act(struct adversary_conn *c)
{
    const struct adversary_record *record = c->record;
    if (c->conn.send_pending || c->pausing || record->silent) {
        return false;
    }
    if (record->end != ADVERSARY_END_NONE) {
        if (record->saw_end) {
            close_conn(c, IO_CLOSE_GRACEFUL);
        }
        return false;
    }
    if (c->move < record->plan.move_count) {
        return make_move(c, &record->plan.moves[c->move]);
    }
    if (unanswered(c) > 0) {
        return echo(c, UINT64_MAX);
    }
    return record->saw_end && make_last(c);
}

/* ---- receiving ----------------------------------------------------------------------------- */

static bool received(struct adversary_conn *c)
{
    struct adversary_record *record = c->record;
    const struct io_recv *recv = &c->conn.recv;
    if (recv->status != 0) {
        lose(c);
        return false;
    }
    if (recv->length == 0 || record->returned_length >= record->taken_length) {
        note_time(c, false); /* from now on the client waits for something */
    }
    if (recv->length == 0) {
        record->saw_end = true;
        return true;
    }
    bool fits_in = recv->length <= adversary_bytes_max(owner(c)->run) - record->taken_length;
    if (fits_in) {
        memcpy(record->taken + record->taken_length, recv->data, recv->length);
        record->taken_length += recv->length;
    }
    owner(c)->overrun = owner(c)->overrun || !fits_in;
    conn_release(&c->conn, recv->data);
    return true;
}

static bool hear(struct adversary_conn *c)
{
    if (c->conn.recv_pending || c->record->deaf || c->record->saw_end) {
        return false;
    }
    int outcome = conn_recv(&c->conn);
    if (outcome == IO_PENDING) {
        return false;
    }
    if (outcome < 0) {
        c->conn.recv.status = outcome;
    }
    return received(c);
}

static void run_conn(struct adversary_conn *c)
{
    bool moved = true;
    while (moved && conn_has_share(&c->conn)) {
        bool heard = hear(c);
        bool acted = !c->conn.closing && act(c);
        moved = !c->conn.closing && (heard || acted);
    }
}

static void on_recv(struct io_recv *op)
{
    struct adversary_conn *c = of(CONTAINER_OF(op, struct conn, recv));
    if (conn_recv_done(&c->conn) && received(c)) {
        run_conn(c);
    }
}

static void on_send(struct io_send *op)
{
    struct adversary_conn *c = of(CONTAINER_OF(op, struct conn, send));
    if (conn_send_done(&c->conn) && sent(c)) {
        run_conn(c);
    }
}

static void on_task(struct worker_task *task)
{
    run_conn(of(CONTAINER_OF(task, struct conn, task)));
}

/* ---- accepting ----------------------------------------------------------------------------- */

static void make_record(struct adversary *a, struct adversary_conn *c)
{
    size_t most = adversary_bytes_max(a->run);
    c->record = &a->records[a->record_count];
    adversary_draw_plan(&c->record->plan, a->run, a->record_count);
    a->record_count++;
    c->record->taken = malloc(most);
    c->record->returned = malloc(most);
    assert(c->record->taken != NULL && c->record->returned != NULL);
}

static void serve(struct adversary *a)
{
    struct io_loop *io = a->worker.io;
    if (a->ending || a->record_count == ADVERSARY_CONNS) {
        a->overrun = a->overrun || !a->ending;
        io->backend->refuse(io, &a->accept.token);
        return;
    }
    struct adversary_conn *c = of(conn_alloc(&a->worker, sizeof(*c)));
    assert(c != NULL);
    c->conn.recv.done = on_recv;
    c->conn.send.done = on_send;
    c->conn.close.done = on_closed;
    worker_task_init(&c->conn.task, on_task);
    timer_init(&c->pause, on_pause);
    if (io->backend->adopt(io, &a->accept.token, c->conn.socket) != 0) {
        conn_free(&c->conn);
        return;
    }
    c->last_ns = worker_clock(&a->worker);
    conn_list_add(&a->conns, &c->conn);
    make_record(a, c);
    run_conn(c);
}

static void stop_listening(struct adversary *a)
{
    struct io_loop *io = a->worker.io;
    struct io_listener *listener = a->listener;
    if (listener != NULL) {
        a->listener = NULL;
        io->backend->accept_stop(io, listener);
    }
}

/* Whether another accept may begin. */
static bool goes_on(struct adversary *a)
{
    if (a->record_count >= a->run->listens) {
        stop_listening(a);
    }
    if (a->record_count >= a->run->accepts && !a->held) {
        a->held = true;
        if (a->run->hold_ns > 0) {
            timer_start(&a->worker.timers, &a->hold, worker_clock(&a->worker) + a->run->hold_ns);
        }
    }
    bool waits = a->held && (a->run->hold_ns == 0 || timer_active(&a->hold));
    return a->listener != NULL && !waits;
}

static void take_accept(struct adversary *a)
{
    a->accepting = false;
    if (a->accept.status == 0) {
        serve(a);
    }
}

static void accept_more(struct adversary *a)
{
    struct io_loop *io = a->worker.io;
    while (!a->accepting && goes_on(a)) {
        int outcome = io->backend->accept(io, a->listener, &a->accept);
        if (outcome < 0) {
            break;
        }
        a->accepting = outcome == IO_PENDING;
        if (outcome == IO_DONE) {
            take_accept(a);
        }
    }
}

static void on_accept(struct io_accept *op)
{
    struct adversary *a = CONTAINER_OF(op, struct adversary, accept);
    take_accept(a);
    accept_more(a);
}

static void on_hold(struct timer *timer)
{
    accept_more(CONTAINER_OF(timer, struct adversary, hold));
}

/* ---- life ---------------------------------------------------------------------------------- */

static void start_beat(struct adversary *a)
{
    if (a->beat_ns > 0) {
        timer_start(&a->worker.timers, &a->beat, worker_clock(&a->worker) + a->beat_ns);
    }
}

static void on_beat(struct timer *timer)
{
    struct adversary *a = CONTAINER_OF(timer, struct adversary, beat);
    uint64_t late_ns = worker_clock(&a->worker) - timer->deadline_ns;
    a->stall_ns = late_ns > a->stall_ns ? late_ns : a->stall_ns;
    start_beat(a);
}

void adversary_init(struct adversary *adversary, const struct adversary_run *run,
                    uv_os_sock_t os_socket)
{
    adversary->run = run;
    adversary->os_socket = os_socket;
    adversary->records = calloc(ADVERSARY_CONNS, sizeof(struct adversary_record));
    assert(adversary->records != NULL);
}

void adversary_free(struct adversary *adversary)
{
    for (size_t i = 0; i < adversary->record_count; i++) {
        free(adversary->records[i].taken);
        free(adversary->records[i].returned);
    }
    free(adversary->records);
    adversary->records = NULL;
}

static int start(struct worker *worker)
{
    struct adversary *a = self(worker);
    timer_init(&a->hold, on_hold);
    timer_init(&a->beat, on_beat);
    start_beat(a);
    a->accept.done = on_accept;
    return worker->backend->listen(worker->io, a->os_socket, 128, &a->listener);
}

static void command(struct worker *worker, enum worker_command command)
{
    struct adversary *a = self(worker);
    if (command == WORKER_BEGIN) {
        accept_more(a);
    }
    if (command != WORKER_DRAIN || a->ending) {
        return;
    }
    a->ending = true;
    timer_stop(&worker->timers, &a->hold);
    stop_listening(a);
    for (struct conn *conn = a->conns; conn != NULL; conn = conn->next) {
        if (!conn->closing) {
            note_debt(of(conn));
            close_conn(of(conn), IO_CLOSE_RESET);
        }
    }
}

static bool finished(const struct worker *worker)
{
    const struct adversary *a = (const struct adversary *)(const void *)worker;
    return a->ending && a->conns == NULL && !a->accepting;
}

static void stop(struct worker *worker)
{
    timer_stop(&worker->timers, &self(worker)->hold);
    timer_stop(&worker->timers, &self(worker)->beat);
}

const struct worker_role adversary_role = {
    .start = start,
    .command = command,
    .finished = finished,
    .stop = stop,
};
