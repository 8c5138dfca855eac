#include "witness.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "load_conn.h"
#include "progress.h"
#include "sim_world.h"
#include "util.h"

#define CONNS_MAX 4096
#define USERS_MAX 16

/* Turns take time, and timers have ticks: a deadline is kept if it is missed by no more. */
#define SLACK_NS UINT64_C(60000000)

#define GOES_ON "it went on with a connection that was over"

struct backend backend_witness;
struct witness witness;

enum phase { CONNECTING, UP, ENDING, OVER };

/* A connection, by its number. */
struct seen {
    struct load_conn *c;
    enum phase phase;
    struct stream stream;
    uint64_t begun;    /* messages */
    uint64_t offered;  /* bytes in sends */
    uint64_t sent;     /* bytes that sends have taken */
    uint64_t verified; /* bytes that have come back right */
    uint64_t last_ns;  /* the last that happened, or the connect's begin; all on the awake clock */
    uint64_t taken;    /* bytes that the peer had taken when the client last asked */
    uint64_t taken_ns; /* when that was last more than before */
    int connect_error;
    enum load_fate fate;
    void (*recv_done)(struct io_recv *op);
    void (*send_done)(struct io_send *op);
    void (*connect_done)(struct io_connect *op);
    void (*close_done)(struct io_close *op);
};

static struct load *load;
static struct seen *seen; /* CONNS_MAX of them */
static size_t seen_count;
static bool user_up[USERS_MAX];
static uint64_t user_tried[USERS_MAX];

static void accuse(const char *sentence)
{
    witness.wrong = witness.wrong != NULL ? witness.wrong : sentence;
}

static void require(bool kept, const char *sentence)
{
    if (!kept) {
        accuse(sentence);
    }
}

/* The client's clock, which leaves out the time in which the client could not run. It may leave
 * out at most twice that time. */
static uint64_t awake_ns(void)
{
    uint64_t now_ns = worker_awake(&load->worker);
    require(now_ns <= sim_now() && now_ns + 2 * witness.frozen_ns >= sim_now(),
            "its clock leaves out too much");
    return now_ns;
}

static struct seen *of_conn(const struct conn *conn)
{
    assert(conn->number < seen_count);
    return &seen[conn->number];
}

static struct seen *of_socket(const struct io_socket *socket)
{
    for (size_t i = seen_count; i-- > 0;) {
        if (seen[i].phase != OVER && seen[i].c->conn.socket == socket) {
            return &seen[i];
        }
    }
    for (size_t i = seen_count; i-- > 0;) {
        if (seen[i].c != NULL && seen[i].c->conn.socket == socket) {
            return &seen[i];
        }
    }
    assert(false);
    return NULL;
}

/* ---- the end of a connection --------------------------------------------------------------- */

static uint64_t whole_messages(const struct seen *s)
{
    return s->verified / load->plan->size;
}

static uint64_t outstanding(const struct seen *s)
{
    return s->begun - whole_messages(s);
}

/* Asks the client how many messages it has begun on a connection. At its close the client has
 * added them to those of the earlier connections, and must not have begun others. */
static void ask_begun(struct seen *s, bool closing)
{
    s->begun = closing ? load->stats.begun - witness.begun : s->c->begun;
}

/* What the client says it has begun must fit what it has sent. */
static void check_begun(const struct seen *s)
{
    const struct load_plan *plan = load->plan;
    require(s->begun * plan->size >= s->offered, "it sent more than it had begun");
    require(s->begun >= whole_messages(s), "more was answered than it had begun");
    require(outstanding(s) <= plan->depth, "more messages were on their way than allowed");
    require(plan->lifetime == 0 || s->begun <= plan->lifetime, "a connection lived too long");
}

static void count_failure(void)
{
    witness.failures++;
    if (load->plan->stop_on_error && sim_now() < witness.end_ns) {
        witness.end_ns = sim_now();
    }
}

static void count_end(struct seen *s, uint64_t *counter, enum load_fate fate, bool failure)
{
    struct client_counters *n = &witness.expected;
    uint64_t left = outstanding(s);
    check_begun(s);
    (*counter)++;
    s->phase = OVER;
    s->fate = fate;
    witness.begun += s->begun;
    witness.given_back += load->ending ? 0 : left;
    n->lost_messages += fate == LOAD_LOST ? left : 0;
    n->drained_messages += fate == LOAD_DRAINED ? left : 0;
    n->unanswered_messages += fate == LOAD_UNANSWERED ? left : 0;
    n->unchecked_messages += fate == LOAD_UNCHECKED ? left : 0;
    require(fate != LOAD_ANSWERED || left == 0, "messages outstanding have no fate");
    if (failure) {
        count_failure();
    }
}

static void end_of_stream(struct seen *s)
{
    struct client_counters *n = &witness.expected;
    if (s->phase == ENDING) {
        count_end(s, &n->completed, LOAD_ANSWERED, false);
    } else if (outstanding(s) == 0) {
        count_end(s, &n->closed_by_server, LOAD_ANSWERED, false);
    } else if (load->plan->allow_drain) {
        count_end(s, &n->drained, LOAD_DRAINED, false);
    } else {
        count_end(s, &n->lost, LOAD_LOST, true);
    }
}

static void reset(struct seen *s)
{
    struct client_counters *n = &witness.expected;
    if (s->phase == ENDING) {
        count_end(s, &n->reset_at_end, LOAD_ANSWERED, false);
    } else if (outstanding(s) > 0) {
        count_end(s, &n->lost, LOAD_LOST, true);
    } else {
        count_end(s, &n->failed, LOAD_ANSWERED, true);
    }
}

static void bytes(struct seen *s, const uint8_t *data, size_t length)
{
    struct client_counters *n = &witness.expected;
    uint64_t before = whole_messages(s);
    uint64_t awaited = s->offered - s->verified;
    size_t known = length < awaited ? length : (size_t)awaited;
    size_t right = stream_check(&s->stream, s->verified, data, known);
    s->verified += right;
    n->verified += right;
    n->messages += whole_messages(s) - before;
    s->last_ns = awake_ns();
    if (whole_messages(s) > before) {
        witness.verified_ns = awake_ns();
    }
    if (right < length) {
        count_end(s, &n->mismatches, LOAD_UNCHECKED, true);
    }
}

/* When --timeout is over: bytes that the peer takes are progress, too. */
static uint64_t timeout_due_ns(const struct seen *s)
{
    return (s->taken_ns > s->last_ns ? s->taken_ns : s->last_ns) + load->plan->timeout_ns;
}

/* Whether an outcome that the client waits for could have been delivered to it some turns ago. */
static bool is_waited_for_in_vain(const struct seen *s)
{
    const struct io_socket *socket = s->c->conn.socket;
    bool there = (socket->recv.op != NULL && socket->recv.ended) ||
                 (socket->connect.op != NULL && socket->connect.ended);
    return there && !load->worker.io->full &&
           socket->last_ns + 2 * sim_world.config.turn_ns < sim_now();
}

/* If two are due at once, the client decides; it has counted already. */
static bool client_says_timeout(const struct seen *s)
{
    const struct client_counters *client = &load->stats.counters;
    const struct client_counters *n = &witness.expected;
    return s->phase == ENDING ? client->end_timeouts > n->end_timeouts
                              : client->timeouts > n->timeouts;
}

/* The client closes although nothing has ended: something was due. */
static void closed_by_client(struct seen *s)
{
    const struct load_plan *plan = load->plan;
    struct client_counters *n = &witness.expected;
    uint64_t now_ns = sim_now();
    uint64_t cut_ns =
        witness.end_ns == UINT64_MAX ? UINT64_MAX : witness.end_ns + plan->drain_timeout_ns;
    cut_ns = witness.abort_ns < cut_ns ? witness.abort_ns : cut_ns;
    ask_begun(s, true);
    uint64_t owing = outstanding(s);
    uint64_t late_ns = plan->timeout_ns / PROGRESS_LOOKS + SLACK_NS;
    bool timed_out = (owing > 0 || s->phase == ENDING) && awake_ns() >= timeout_due_ns(s);
    require(!timed_out || awake_ns() <= timeout_due_ns(s) + late_ns, "a late timeout");
    bool cut = now_ns >= cut_ns;
    if (timed_out && cut) {
        witness.either++;
        timed_out = client_says_timeout(s);
    }
    if (timed_out && s->phase == ENDING) {
        count_end(s, &n->end_timeouts, LOAD_ANSWERED, true);
    } else if (timed_out) {
        count_end(s, &n->timeouts, LOAD_UNANSWERED, true);
    } else if (owing > 0) {
        count_end(s, &n->unanswered, LOAD_UNANSWERED, true);
    } else {
        count_end(s, &n->cut, LOAD_ANSWERED, false);
    }
    require(timed_out || cut, "it closed a connection and nothing was due");
    require(!timed_out || !is_waited_for_in_vain(s), "a timeout, and the answer was there");
}

static void given_up(struct seen *s)
{
    bool timed_out = awake_ns() >= s->last_ns + load->plan->connect_timeout_ns;
    bool ends = witness.end_ns <= sim_now() || witness.abort_ns <= sim_now();
    timed_out = timed_out && (!ends || witness.polled);
    s->phase = OVER;
    if (timed_out) {
        s->connect_error = UV_ETIMEDOUT;
        require(!is_waited_for_in_vain(s), "a connect timed out, and its outcome was there");
    } else {
        witness.expected.abandoned++;
        require(witness.end_ns != UINT64_MAX || witness.abort_ns != UINT64_MAX,
                "it gave up a connect and nothing was due");
    }
}

/* A connect at one address has failed, and its socket is closed. */
static void connect_failed(const struct seen *s)
{
    size_t user = s->c->index;
    if (++user_tried[user] < load->plan->address_count) {
        witness.expected.abandoned += load->ending;
        return;
    }
    user_tried[user] = 0;
    witness.expected.connect_failures++;
    count_failure();
}

/* ---- between the two ----------------------------------------------------------------------- */

/* While sim runs, the loop is sim's; while the client runs, it is the witness's. */
static void enter_sim(struct io_loop *loop)
{
    loop->backend = &backend_sim;
}

static void leave_sim(struct io_loop *loop)
{
    loop->backend = &backend_witness;
}

static void see_recv(struct seen *s)
{
    const struct io_recv *op = &s->c->conn.recv;
    if (s->phase == OVER) {
        require(s->c->conn.closing, GOES_ON);
        return;
    }
    ask_begun(s, false);
    if (op->status != 0) {
        require(op->status == UV_ECONNRESET, "sim has another error");
        reset(s);
    } else if (op->length == 0) {
        end_of_stream(s);
    } else {
        bytes(s, op->data, op->length);
    }
}

static void see_send(struct seen *s)
{
    const struct io_send *op = &s->c->conn.send;
    witness.expected.sent += op->sent;
    s->sent += op->sent;
    if (s->phase != OVER && op->status != 0) {
        ask_begun(s, false);
        reset(s);
    }
}

static void see_connect(struct seen *s)
{
    if (s->phase == OVER) {
        return;
    }
    s->connect_error = s->c->connect.status;
    s->phase = s->connect_error == 0 ? UP : OVER;
    s->last_ns = awake_ns();
    if (s->connect_error == 0) {
        witness.expected.connected++;
        user_up[s->c->index] = true;
        user_tried[s->c->index] = 0;
    }
}

static void see_closed(const struct seen *s)
{
    struct client_counters *n = &witness.expected;
    uint64_t left = s->sent > s->verified ? s->sent - s->verified : 0;
    if (s->connect_error != 0) {
        connect_failed(s);
    }
    n->lost_bytes += s->fate == LOAD_LOST ? left : 0;
    n->drained_bytes += s->fate == LOAD_DRAINED ? left : 0;
    n->unanswered_bytes += s->fate == LOAD_UNANSWERED ? left : 0;
    n->unchecked += s->fate == LOAD_UNCHECKED ? left : 0;
}

static void on_recv(struct io_recv *op)
{
    struct conn *conn = CONTAINER_OF(op, struct conn, recv);
    struct seen *s = of_conn(conn);
    op->done = s->recv_done;
    see_recv(s);
    leave_sim(conn->worker->io);
    op->done(op);
    enter_sim(load->worker.io);
}

static void on_send(struct io_send *op)
{
    struct conn *conn = CONTAINER_OF(op, struct conn, send);
    struct seen *s = of_conn(conn);
    op->done = s->send_done;
    see_send(s);
    leave_sim(conn->worker->io);
    op->done(op);
    enter_sim(load->worker.io);
}

static void on_connect(struct io_connect *op)
{
    struct load_conn *c = CONTAINER_OF(op, struct load_conn, connect);
    struct seen *s = of_conn(&c->conn);
    op->done = s->connect_done;
    see_connect(s);
    leave_sim(load->worker.io);
    op->done(op);
    enter_sim(load->worker.io);
}

static void on_close(struct io_close *op)
{
    struct conn *conn = CONTAINER_OF(op, struct conn, close);
    struct seen *s = of_conn(conn);
    op->done = s->close_done;
    see_closed(s);
    leave_sim(load->worker.io);
    op->done(op);
    enter_sim(load->worker.io);
}

static int witness_loop_open(const struct io_config *config, struct io_loop **loop)
{
    int status = backend_sim.loop_open(config, loop);
    if (status == 0) {
        leave_sim(*loop);
    }
    return status;
}

static void witness_loop_close(struct io_loop *loop)
{
    enter_sim(loop);
    backend_sim.loop_close(loop);
}

static int witness_poll(struct io_loop *loop, uint64_t deadline_ns)
{
    enter_sim(loop);
    int woken = backend_sim.poll(loop, deadline_ns);
    leave_sim(loop);
    witness.polled = true;
    return woken;
}

static void witness_wake(struct io_loop *loop)
{
    const struct backend *before = loop->backend;
    enter_sim(loop);
    backend_sim.wake(loop);
    loop->backend = before;
}

static uint64_t witness_now(struct io_loop *loop)
{
    (void)loop;
    return sim_now();
}

static int witness_connect(struct io_loop *loop, struct io_socket *socket,
                           const struct sockaddr *address, struct io_connect *op)
{
    struct load_conn *c = CONTAINER_OF(op, struct load_conn, connect);
    assert(c->conn.number == seen_count && seen_count < CONNS_MAX && c->index < USERS_MAX);
    struct seen *s = &seen[seen_count++];
    *s = (struct seen){.c = c,
                       .phase = CONNECTING,
                       .stream = stream_of(load->plan->seed, c->conn.number),
                       .last_ns = awake_ns(),
                       .connect_done = op->done};
    witness.expected.attempts++;
    op->done = on_connect;
    enter_sim(loop);
    int outcome = backend_sim.connect(loop, socket, address, op);
    leave_sim(loop);
    assert(outcome >= 0);
    if (outcome == IO_DONE) {
        op->done = s->connect_done;
        see_connect(s);
    }
    return outcome;
}

static int witness_recv(struct io_loop *loop, struct io_socket *socket, struct io_recv *op)
{
    struct seen *s = of_conn(CONTAINER_OF(op, struct conn, recv));
    require(s->phase != OVER, GOES_ON);
    s->recv_done = op->done;
    op->done = on_recv;
    enter_sim(loop);
    int outcome = backend_sim.recv(loop, socket, op);
    leave_sim(loop);
    assert(outcome >= 0);
    if (outcome == IO_DONE) {
        op->done = s->recv_done;
        see_recv(s);
    }
    return outcome;
}

static void witness_release(struct io_loop *loop, uint8_t *data)
{
    enter_sim(loop);
    backend_sim.release(loop, data);
    leave_sim(loop);
}

static int witness_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op)
{
    struct seen *s = of_conn(CONTAINER_OF(op, struct conn, send));
    require(s->phase != OVER, GOES_ON);
    if (s->offered == s->verified) {
        s->last_ns = awake_ns(); /* from now on an answer is awaited */
    }
    require(stream_check(&s->stream, s->offered, op->data, op->length) == op->length,
            "it sent bytes that are not the connection's");
    s->offered += op->length;
    s->send_done = op->done;
    op->done = on_send;
    enter_sim(loop);
    int outcome = backend_sim.send(loop, socket, op);
    leave_sim(loop);
    assert(outcome >= 0);
    if (outcome == IO_DONE) {
        op->done = s->send_done;
        see_send(s);
    }
    return outcome;
}

static int witness_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes)
{
    struct seen *s = of_socket(socket);
    enter_sim(loop);
    int status = backend_sim.untaken(loop, socket, bytes);
    leave_sim(loop);
    if (status == 0 && s->offered - *bytes > s->taken) {
        s->taken = s->offered - *bytes;
        s->taken_ns = awake_ns();
    }
    return status;
}

static int witness_shutdown(struct io_loop *loop, struct io_socket *socket)
{
    struct seen *s = of_socket(socket);
    ask_begun(s, false);
    require(s->phase == UP && outstanding(s) == 0, "it ended its side with messages outstanding");
    enter_sim(loop);
    int status = backend_sim.shutdown(loop, socket);
    leave_sim(loop);
    if (status == 0) {
        s->phase = ENDING;
        s->last_ns = awake_ns();
    } else {
        reset(s);
    }
    return status;
}

static void witness_close(struct io_loop *loop, struct io_socket *socket, enum io_close_how how,
                          struct io_close *op)
{
    struct seen *s = of_conn(CONTAINER_OF(op, struct conn, close));
    if (s->phase == CONNECTING) {
        given_up(s);
    } else if (s->phase != OVER) {
        closed_by_client(s);
    }
    s->close_done = op->done;
    op->done = on_close;
    enter_sim(loop);
    backend_sim.close(loop, socket, how, op);
    leave_sim(loop);
}

void witness_begin(struct load *client)
{
    load = client;
    witness =
        (struct witness){.end_ns = UINT64_MAX, .abort_ns = UINT64_MAX, .verified_ns = sim_now()};
    memset(user_up, 0, sizeof(user_up));
    memset(user_tried, 0, sizeof(user_tried));
    seen_count = 0;
    seen = calloc(CONNS_MAX, sizeof(*seen));
    assert(seen != NULL);
    backend_witness = backend_sim;
    backend_witness.loop_open = witness_loop_open;
    backend_witness.loop_close = witness_loop_close;
    backend_witness.poll = witness_poll;
    backend_witness.wake = witness_wake;
    backend_witness.now = witness_now;
    backend_witness.connect = witness_connect;
    backend_witness.recv = witness_recv;
    backend_witness.release = witness_release;
    backend_witness.send = witness_send;
    backend_witness.untaken = witness_untaken;
    backend_witness.shutdown = witness_shutdown;
    backend_witness.close = witness_close;
}

void witness_end(void)
{
    for (size_t user = 0; user < load->user_count; user++) {
        witness.not_up += !user_up[user];
    }
    free(seen);
    seen = NULL;
}
