#include "hostile_conn.h"

#include <assert.h>

#include "net.h"
#include "util.h"

#define HOSTILE_MESSAGE ((size_t)4096)
#define HOSTILE_SMALL ((size_t)64)

#define HOSTILE_BEAT_NS (10 * NS_PER_MS)
#define HOSTILE_PATIENCE_NS (100 * NS_PER_MS) /* of a reset, for the first bytes of the echo */

/* Before it connects again: after an end, and after a failed connect. */
#define HOSTILE_PAUSE_NS (50 * NS_PER_MS)
#define HOSTILE_RETRY_NS (250 * NS_PER_MS)

enum hostile_reads { READS_ALL, READS_SLOWLY, READS_NOTHING };

/* What a connection of each kind does. */
struct hostile_manner {
    size_t first;     /* bytes that it sends when it comes up */
    size_t more;      /* bytes that it sends at each beat, unless a send is outstanding */
    uint64_t beat_ns; /* between two beats; 0: there are none */
    enum hostile_reads reads;
    bool urgent;   /* an urgent byte goes before each send at a beat, when all has come back */
    bool finishes; /* FIN follows the first send */
    bool leaves;   /* it resets when bytes come back, or at the first beat */
    bool flees;    /* it resets as soon as it is up */
};

static const struct hostile_manner hostile_manners[HOSTILE_KINDS] = {
    [HOSTILE_SILENT] = {.reads = READS_ALL},
    [HOSTILE_RESET] = {.first = HOSTILE_MESSAGE, .beat_ns = HOSTILE_PATIENCE_NS, .leaves = true},
    [HOSTILE_HALF_CLOSE] = {.first = HOSTILE_MESSAGE, .finishes = true},
    [HOSTILE_SLOW_READ] = {.reads = READS_SLOWLY,
                           .first = HOSTILE_CHUNK,
                           .more = HOSTILE_CHUNK,
                           .beat_ns = HOSTILE_BEAT_NS},
    [HOSTILE_BYTE_BY_BYTE] = {.first = 1, .more = 1, .beat_ns = HOSTILE_BEAT_NS},
    [HOSTILE_STOP_MIDWAY] = {.first = HOSTILE_MESSAGE / 2},
    [HOSTILE_NEVER_READ] = {.reads = READS_NOTHING,
                            .first = HOSTILE_CHUNK,
                            .more = HOSTILE_CHUNK,
                            .beat_ns = HOSTILE_BEAT_NS},
    [HOSTILE_STORM] = {.flees = true},
    [HOSTILE_URGENT] = {.first = HOSTILE_SMALL,
                        .more = HOSTILE_SMALL,
                        .beat_ns = HOSTILE_BEAT_NS,
                        .urgent = true},
};

static struct hostile_conn *hostile_of(struct conn *conn)
{
    return (struct hostile_conn *)(void *)conn;
}

static struct hostile *hostile_owner(const struct hostile_conn *c)
{
    return c->squad->hostile;
}

static const struct hostile_manner *hostile_manner(const struct hostile_conn *c)
{
    return &hostile_manners[c->squad->group.kind];
}

static struct hostile_counters *hostile_counters(const struct hostile_conn *c)
{
    return &c->squad->stats.counters;
}

/* ---- end ----------------------------------------------------------------------------------- */

static void hostile_close(struct hostile_conn *c, enum io_close_how how)
{
    c->state = HOSTILE_CLOSING;
    conn_close(&c->conn, how);
}

static void hostile_count_hold(const struct hostile_conn *c, uint64_t now_ns,
                               struct hostile_stats *stats)
{
    histogram_record(&stats->held_ns, now_ns > c->up_ns ? now_ns - c->up_ns : 0);
}

void hostile_conn_count_held(const struct hostile_conn *c, uint64_t now_ns,
                             struct hostile_stats *stats)
{
    if (c->state == HOSTILE_UP) {
        stats->counters.held++;
        hostile_count_hold(c, now_ns, stats);
    }
}

/* The server has ended the connection, or an error has. */
static void hostile_ended(struct hostile_conn *c, int status)
{
    struct hostile_stats *stats = &c->squad->stats;
    struct hostile_counters *n = &stats->counters;
    uint64_t *counter = status == UV_EOF          ? &n->closed_by_server
                        : status == UV_ECONNRESET ? &n->reset_by_server
                                                  : &n->failed;
    (*counter)++;
    hostile_count_hold(c, worker_now(c->conn.worker), stats);
    conn_trace(&c->conn, uv_err_name(status), "close follows");
    hostile_close(c, status == UV_EOF ? IO_CLOSE_GRACEFUL : IO_CLOSE_RESET);
}

/* The connection resets itself, as its mode says. */
static void hostile_leave(struct hostile_conn *c)
{
    hostile_counters(c)->reset_by_client++;
    conn_trace(&c->conn, "hostile", "reset follows");
    hostile_close(c, IO_CLOSE_RESET);
}

static void hostile_done(struct hostile_conn *c)
{
    c->state = HOSTILE_DONE;
    hostile_owner(c)->live--;
}

/* Nothing is outstanding: connects again after `pause_ns`, or waits for the storm. */
static void hostile_rest(struct hostile_conn *c, uint64_t pause_ns)
{
    c->state = HOSTILE_IDLE;
    if (c->squad->group.kind != HOSTILE_STORM) {
        hostile_conn_begin(c, pause_ns);
    }
}

static void hostile_on_closed(struct io_close *op)
{
    struct hostile_conn *c = hostile_of(CONTAINER_OF(op, struct conn, close));
    assert(c->state == HOSTILE_CLOSING && c->conn.closing);
    c->conn.closing = false;
    if (hostile_owner(c)->ending) {
        hostile_done(c);
    } else {
        hostile_rest(c, c->error != 0 ? HOSTILE_RETRY_NS : HOSTILE_PAUSE_NS);
    }
}

/* ---- sending ------------------------------------------------------------------------------- */

/* Handles the outcome of a send. */
static void hostile_sent(struct hostile_conn *c)
{
    struct io_loop *io = c->conn.worker->io;
    c->sent += c->conn.send.sent;
    hostile_counters(c)->bytes_sent += c->conn.send.sent;
    if (c->conn.closing) {
        return;
    }
    int status = c->conn.send.status;
    if (status == 0 && hostile_manner(c)->finishes) {
        status = io->backend->shutdown(io, c->conn.socket);
    }
    if (status != 0) {
        hostile_ended(c, status);
    }
}

static void hostile_send(struct hostile_conn *c, size_t length)
{
    int outcome = conn_send(&c->conn, hostile_owner(c)->chunk, length);
    if (outcome == IO_PENDING) {
        return;
    }
    if (outcome < 0) {
        c->conn.send.status = outcome;
    }
    hostile_sent(c);
}

static void hostile_on_send(struct io_send *op)
{
    struct hostile_conn *c = hostile_of(CONTAINER_OF(op, struct conn, send));
    (void)conn_send_done(&c->conn);
    hostile_sent(c);
}

/* Sends an urgent byte. hostile_may_send() has made sure that nothing is unsent. */
static void hostile_send_urgent(struct hostile_conn *c)
{
    struct io_loop *io = c->conn.worker->io;
    struct hostile_counters *n = hostile_counters(c);
    uv_os_sock_t os_socket;
    if (c->deaf) {
        return;
    }
    int status = io->backend->handle(c->conn.socket, &os_socket);
    if (status == 0) {
        status = net_send_urgent(os_socket, '!');
        io->stats.other_calls += NET_SEND_URGENT_CALLS;
    }
    if (status == 0) {
        n->urgent_bytes++;
    } else if (status == UV_ENOTSUP) {
        c->deaf = true;
        n->unsupported++;
    } /* after another error the next send or recv ends the connection */
}

/* ---- receiving ----------------------------------------------------------------------------- */

static bool hostile_may_receive(const struct hostile_conn *c)
{
    return c->state == HOSTILE_UP && !c->conn.recv_pending &&
           hostile_manner(c)->reads != READS_NOTHING && worker_now(c->conn.worker) >= c->read_ns;
}

/* Counts received bytes. A slow reader makes up for at most one beat without reading. */
static void hostile_count_received(struct hostile_conn *c, size_t length)
{
    uint64_t rate = c->squad->group.rate;
    uint64_t now_ns = worker_now(c->conn.worker);
    hostile_counters(c)->answered += c->received == 0;
    hostile_counters(c)->bytes_received += length;
    c->received += length;
    if (hostile_manner(c)->reads == READS_SLOWLY) {
        uint64_t least_ns = now_ns > HOSTILE_BEAT_NS ? now_ns - HOSTILE_BEAT_NS : 0;
        c->read_ns = c->read_ns > least_ns ? c->read_ns : least_ns;
        c->read_ns += (uint64_t)((double)length * 1e9 / (double)rate);
    }
}

/* Handles the outcome of a recv. */
static void hostile_received(struct hostile_conn *c)
{
    const struct io_recv *recv = &c->conn.recv;
    if (recv->status != 0 || recv->length == 0) {
        hostile_ended(c, recv->status != 0 ? recv->status : UV_EOF);
        return;
    }
    hostile_count_received(c, recv->length);
    conn_release(&c->conn, recv->data);
    if (hostile_manner(c)->leaves) {
        hostile_leave(c);
    }
}

/* Receives until a recv is outstanding, none may begin, or its share of the turn is used up. */
static void hostile_receive(struct hostile_conn *c)
{
    while (hostile_may_receive(c) && conn_has_share(&c->conn)) {
        int outcome = conn_recv(&c->conn);
        if (outcome == IO_PENDING) {
            return;
        }
        if (outcome < 0) {
            c->conn.recv.status = outcome;
        }
        hostile_received(c);
    }
}

static void hostile_on_recv(struct io_recv *op)
{
    struct hostile_conn *c = hostile_of(CONTAINER_OF(op, struct conn, recv));
    if (conn_recv_done(&c->conn)) {
        hostile_received(c);
        hostile_receive(c);
    }
}

static void hostile_on_task(struct worker_task *task)
{
    hostile_receive(hostile_of(CONTAINER_OF(task, struct conn, task)));
}

/* ---- time ---------------------------------------------------------------------------------- */

static void hostile_set_beat(struct hostile_conn *c)
{
    const struct hostile_manner *manner = hostile_manner(c);
    if (c->state == HOSTILE_UP && manner->beat_ns > 0) {
        conn_set_timer(&c->conn, worker_awake(c->conn.worker) + manner->beat_ns);
    }
}

/* Urgent bytes follow only when all bytes before them have come back. */
static bool hostile_may_send(const struct hostile_conn *c)
{
    return !c->conn.send_pending && (!hostile_manner(c)->urgent || c->received >= c->sent);
}

static void hostile_beat(struct hostile_conn *c)
{
    const struct hostile_manner *manner = hostile_manner(c);
    if (manner->leaves) {
        hostile_leave(c);
        return;
    }
    if (hostile_may_send(c)) {
        if (manner->urgent) {
            hostile_send_urgent(c);
        }
        hostile_send(c, manner->more);
    }
    hostile_receive(c);
    hostile_set_beat(c);
}

/* ---- connecting ---------------------------------------------------------------------------- */

static void hostile_connected(struct hostile_conn *c)
{
    const struct hostile_manner *manner = hostile_manner(c);
    c->state = HOSTILE_UP;
    c->up_ns = worker_now(c->conn.worker);
    hostile_counters(c)->opened++;
    conn_stop_timer(&c->conn);
    if (manner->flees) {
        hostile_leave(c);
        return;
    }
    if (manner->first > 0) {
        hostile_send(c, manner->first);
    }
    hostile_receive(c);
    hostile_set_beat(c);
}

/* The next connect tries the next address. */
static void hostile_count_failure(struct hostile_conn *c, int status)
{
    struct hostile *hostile = hostile_owner(c);
    c->error = status;
    hostile_counters(c)->connect_failures++;
    c->squad->stats.connect_error = status;
    hostile->address = (hostile->address + 1) % hostile->plan->address_count;
}

/* A connection to itself would hold the server's port. It counts as refused, as for the load. */
static void hostile_connect_outcome(struct hostile_conn *c, int status)
{
    if (status == 0 && conn_met_itself(&c->conn)) {
        status = UV_ECONNREFUSED;
    }
    if (status == 0) {
        hostile_connected(c);
    } else {
        hostile_count_failure(c, status);
        hostile_close(c, IO_CLOSE_RESET);
    }
}

static void hostile_on_connect(struct io_connect *op)
{
    struct hostile_conn *c = CONTAINER_OF(op, struct hostile_conn, connect);
    if (!c->conn.closing) {
        hostile_connect_outcome(c, op->status);
    }
}

/* A new connection: no bytes yet. */
static void hostile_renew(struct hostile_conn *c)
{
    c->conn.number = hostile_owner(c)->opened++;
    c->sent = c->received = c->read_ns = 0;
    c->error = 0;
    c->deaf = false;
    c->state = HOSTILE_CONNECTING;
}

static void hostile_connect(struct hostile_conn *c)
{
    const struct load_plan *plan = hostile_owner(c)->plan;
    struct worker *worker = c->conn.worker;
    const struct sockaddr_storage *address = &plan->addresses[hostile_owner(c)->address];
    assert(c->state == HOSTILE_IDLE);
    hostile_renew(c);
    if (plan->connect_timeout_ns > 0) {
        conn_set_timer(&c->conn, worker_awake(worker) + plan->connect_timeout_ns);
    }
    int outcome = worker->io->backend->connect(
        worker->io, c->conn.socket, (const struct sockaddr *)(const void *)address, &c->connect);
    if (outcome < 0) {
        hostile_count_failure(c, outcome);
        conn_stop_timer(&c->conn);
        hostile_rest(c, HOSTILE_RETRY_NS);
    } else if (outcome == IO_DONE) {
        hostile_connect_outcome(c, c->connect.status);
    }
}

static void hostile_on_timer(struct watch *watch)
{
    struct hostile_conn *c = hostile_of(CONTAINER_OF(watch, struct conn, timer));
    switch (c->state) {
    case HOSTILE_IDLE:
        hostile_connect(c);
        break;
    case HOSTILE_CONNECTING:
        hostile_connect_outcome(c, UV_ETIMEDOUT);
        break;
    case HOSTILE_UP:
        hostile_beat(c);
        break;
    case HOSTILE_CLOSING:
    case HOSTILE_DONE:
        assert(false);
        break;
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

struct hostile_conn *hostile_conn_new(struct hostile_squad *squad)
{
    struct hostile *hostile = squad->hostile;
    struct conn *conn = conn_alloc(&hostile->worker, sizeof(struct hostile_conn));
    if (conn == NULL) {
        return NULL;
    }
    struct hostile_conn *c = hostile_of(conn);
    conn->recv.done = hostile_on_recv;
    conn->send.done = hostile_on_send;
    conn->close.done = hostile_on_closed;
    c->connect.done = hostile_on_connect;
    watch_init(&conn->timer, &hostile->worker, hostile_on_timer);
    worker_task_init(&conn->task, hostile_on_task);
    conn->trace = hostile->plan->trace;
    c->squad = squad;
    return c;
}

void hostile_conn_free(struct hostile_conn *c)
{
    conn_stop_timer(&c->conn);
    worker_cancel(c->conn.worker, &c->conn.task);
    conn_free(&c->conn);
}

void hostile_conn_begin(struct hostile_conn *c, uint64_t pause_ns)
{
    assert(c->state == HOSTILE_IDLE);
    conn_set_timer(&c->conn, worker_awake(c->conn.worker) + pause_ns);
}

void hostile_conn_end(struct hostile_conn *c)
{
    switch (c->state) {
    case HOSTILE_IDLE:
        conn_stop_timer(&c->conn);
        worker_cancel(c->conn.worker, &c->conn.task);
        hostile_done(c);
        break;
    case HOSTILE_UP:
        hostile_conn_count_held(c, worker_now(c->conn.worker), &c->squad->stats);
        hostile_close(c, IO_CLOSE_RESET);
        break;
    case HOSTILE_CONNECTING:
        hostile_close(c, IO_CLOSE_RESET);
        break;
    case HOSTILE_CLOSING:
    case HOSTILE_DONE:
        break;
    }
}
