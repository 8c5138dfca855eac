#include "echo.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys.h"
#include "util.h"

/* An accept that failed for want of something is tried again after so long, then twice as long. */
#define ECHO_RETRY_MIN_NS UINT64_C(10000000)
#define ECHO_RETRY_MAX_NS UINT64_C(500000000)

/* A stop takes on what already waits in the listeners' queues, for so long at the most. */
#define ECHO_STOP_NS UINT64_C(50000000)

struct echo_accept {
    struct io_accept op;
    struct echo_listener *listener;
    struct timer retry;
    struct worker_task task;
    uint64_t retry_ns; /* the last pause; 0 after a success */
    bool outstanding;
};

struct echo_listener {
    struct echo_listener *next;
    struct echo *echo;
    size_t address; /* which of the server's */
    struct io_listener *io;
    struct echo_accept accepts[]; /* config->accept_depth */
};

static struct echo *echo_self(struct worker *worker)
{
    assert(worker->role == &echo_role);
    return (struct echo *)(void *)worker;
}

void echo_init(struct echo *echo, const struct echo_config *config, const uv_os_sock_t *os_sockets,
               size_t os_socket_count)
{
    assert(config->accept_depth > 0);
    echo->config = config;
    echo->os_sockets = os_sockets;
    echo->os_socket_count = os_socket_count;
}

/* ---- accept -------------------------------------------------------------------------------- */

static void echo_accept_over(struct echo_accept *a)
{
    assert(a->listener->echo->accepts > 0);
    a->listener->echo->accepts--;
}

/* Counts a failed accept, says so, and has it tried again: at once if it was that one connection's
 * trouble, after a pause if the system lacks something. */
static void echo_accept_failed(struct echo_accept *a, int status)
{
    struct echo *echo = a->listener->echo;
    struct server_stats *stats = &echo->current->stats;
    uint64_t now_ns = worker_now(&echo->worker);
    stats->counters.accept_errors++;
    stats_error_count(&stats->errors, STATS_ACCEPT, status);
    if (status == UV_ECONNABORTED || status == UV_ECONNRESET || status == UV_EPROTO) {
        worker_defer(&echo->worker, &a->task);
        return;
    }
    a->retry_ns = a->retry_ns == 0 ? ECHO_RETRY_MIN_NS : a->retry_ns * 2;
    if (a->retry_ns > ECHO_RETRY_MAX_NS) {
        a->retry_ns = ECHO_RETRY_MAX_NS;
    }
    timer_start(&echo->worker.timers, &a->retry, now_ns + a->retry_ns);
    log_limited(&echo->accept_log, now_ns, "cannot accept a connection: %s; trying again",
                uv_strerror(status));
}

/* Takes the connection on, or gives it to another worker when that is its turn. */
static void echo_place(struct echo *echo, size_t address, struct io_token *token, bool queued)
{
    struct handover *handover = echo->config->handover;
    echo->accepted++;
    struct worker *taker =
        echo->aborted ? NULL : handover_give(handover, &echo->worker, address, token);
    if (taker == NULL) {
        echo_admit(echo, token, conn_trace_way(queued));
    } else if (echo->config->trace) {
        log_trace("worker %u: accepted, %s; handed over to worker %u", echo->worker.index,
                  conn_trace_way(queued), taker->index);
    }
}

/* Takes the outcome of an accept. False: it is over, or waits for its retry. */
static bool echo_accepted(struct echo_accept *a, bool queued)
{
    struct echo *echo = a->listener->echo;
    if (a->op.status == 0) {
        a->retry_ns = 0;
        echo_place(echo, a->listener->address, &a->op.token, queued);
        return true;
    }
    if (a->op.status == UV_ECANCELED || !echo->listening) {
        echo_accept_over(a);
    } else {
        echo_accept_failed(a, a->op.status);
    }
    return false;
}

static void echo_accept_run(struct echo_accept *a)
{
    struct echo *echo = a->listener->echo;
    struct io_loop *io = echo->worker.io;
    for (unsigned n = 0; n < CONN_SHARE; n++) {
        if (!echo->listening) {
            echo_accept_over(a);
            return;
        }
        int outcome = io->backend->accept(io, a->listener->io, &a->op);
        if (outcome == IO_PENDING) {
            a->outstanding = true;
            return;
        }
        a->op.status = outcome < 0 ? outcome : a->op.status;
        if (!echo_accepted(a, false)) {
            return;
        }
    }
    worker_defer(&echo->worker, &a->task);
}

static void echo_on_accept(struct io_accept *op)
{
    struct echo_accept *a = CONTAINER_OF(op, struct echo_accept, op);
    assert(a->outstanding);
    a->outstanding = false;
    if (echo_accepted(a, true)) {
        echo_accept_run(a);
    }
}

static void echo_on_accept_task(struct worker_task *task)
{
    echo_accept_run(CONTAINER_OF(task, struct echo_accept, task));
}

static void echo_on_retry(struct timer *timer)
{
    echo_accept_run(CONTAINER_OF(timer, struct echo_accept, retry));
}

static int echo_listen(struct echo *echo, size_t address)
{
    struct io_loop *io = echo->worker.io;
    unsigned depth = echo->config->accept_depth;
    uv_os_sock_t os_socket = echo->os_sockets[address];
    struct echo_listener *listener =
        calloc(1, sizeof(*listener) + depth * sizeof(listener->accepts[0]));
    if (listener == NULL) {
        net_close(os_socket);
        return UV_ENOMEM;
    }
    int status = io->backend->listen(io, os_socket, echo->config->backlog, &listener->io);
    if (status != 0) {
        free(listener);
        return status;
    }
    listener->echo = echo;
    listener->address = address;
    listener->next = echo->listeners;
    echo->listeners = listener;
    echo->accepts += depth;
    for (unsigned i = 0; i < depth; i++) {
        struct echo_accept *a = &listener->accepts[i];
        a->listener = listener;
        a->op.done = echo_on_accept;
        timer_init(&a->retry, echo_on_retry);
        worker_task_init(&a->task, echo_on_accept_task);
        worker_defer(&echo->worker, &a->task);
    }
    return 0;
}

static void echo_stop_listening(struct echo *echo)
{
    struct io_loop *io = echo->worker.io;
    if (!echo->listening) {
        return;
    }
    echo->listening = false;
    for (struct echo_listener *listener = echo->listeners; listener != NULL;
         listener = listener->next) {
        io->backend->accept_stop(io, listener->io);
        for (unsigned i = 0; i < echo->config->accept_depth; i++) {
            struct echo_accept *a = &listener->accepts[i];
            if (!a->outstanding) { /* else it ends by its callback */
                timer_stop(&echo->worker.timers, &a->retry);
                worker_cancel(&echo->worker, &a->task);
                echo_accept_over(a);
            }
        }
    }
}

/* ---- hand-over ----------------------------------------------------------------------------- */

/* Takes on what the worker that listens has handed over. */
static void echo_take(struct echo *echo)
{
    struct io_token token;
    while (handover_take(echo->config->handover, &echo->worker, &token)) {
        echo_admit(echo, &token, "handed over");
    }
}

static void echo_leave(struct echo *echo)
{
    handover_leave(echo->config->handover, &echo->worker);
    echo_take(echo);
}

/* ---- generations --------------------------------------------------------------------------- */

/* The largest batch so far belongs to the present generations; the count begins anew. */
static void echo_keep_maxima(struct echo *echo)
{
    struct io_stats *stats = &echo->worker.io->stats;
    for (struct echo_generation *at = echo->oldest; at != NULL; at = at->next) {
        io_stats_keep_maxima(&at->work.io, stats);
    }
    stats->batch_max = 0;
}

static struct echo_generation *echo_generation_new(struct echo *echo)
{
    struct echo_generation *generation = calloc(1, sizeof(*generation));
    if (generation == NULL) {
        return NULL;
    }
    echo_keep_maxima(echo);
    generation->number = echo->current == NULL ? 1 : echo->current->number + 1;
    generation->began_ns = worker_now(&echo->worker);
    generation->work_before.io = echo->worker.io->stats;
    generation->work_before.cpu_ns = sys_thread_cpu_ns();
    if (echo->current == NULL) {
        echo->oldest = generation;
    } else {
        echo->current->next = generation;
    }
    echo->current = generation;
    return generation;
}

/* Sets what the report of the generation says of this worker, up to now. For a generation that goes
 * on, call it for a copy. */
static void echo_generation_measure(struct echo *echo, struct echo_generation *generation)
{
    generation->ended_ns = worker_now(&echo->worker);
    io_stats_add_since(&generation->work.io, &echo->worker.io->stats, &generation->work_before.io);
    generation->work.cpu_ns = sys_thread_cpu_ns() - generation->work_before.cpu_ns;
}

/* Hands a generation that has ended to the main thread. */
static void echo_generation_publish(struct echo *echo, struct echo_generation *generation)
{
    struct echo_generation **end = &echo->ended;
    server_stats_add(&echo->past, &generation->stats);
    generation->next = NULL;
    echo_generation_measure(echo, generation);
    uv_mutex_lock(&echo->worker.lock);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = generation;
    uv_mutex_unlock(&echo->worker.lock);
    worker_notify(&echo->worker);
}

/* Publishes the old generations that have no connection left, in their order. */
static void echo_generations_sweep(struct echo *echo)
{
    while (echo->oldest != echo->current && echo->oldest->open == 0) {
        struct echo_generation *generation = echo->oldest;
        echo->oldest = generation->next;
        echo_generation_publish(echo, generation);
    }
}

static void echo_generation_drain(struct echo *echo, struct echo_generation *generation)
{
    uint64_t now_ns = worker_now(&echo->worker);
    uint64_t timeout_ns = echo->config->drain_timeout_ns;
    if (generation->draining) {
        return;
    }
    generation->draining = true;
    generation->half_ns = now_ns + timeout_ns / 2;
    generation->deadline_ns = now_ns + timeout_ns;
    if (timeout_ns == 0) {
        echo_cut_conns(generation);
    } else {
        echo_drain_conns(generation);
    }
}

void echo_conn_gone(struct echo *echo, struct echo_generation *generation)
{
    assert(generation->open > 0);
    generation->open--;
    echo_generations_sweep(echo);
}

struct echo_generation *echo_take_ended(struct echo *echo)
{
    uv_mutex_lock(&echo->worker.lock);
    struct echo_generation *ended = echo->ended;
    echo->ended = NULL;
    for (struct echo_generation *at = ended; at != NULL; at = at->next) {
        echo->handed_in = at->number;
    }
    uv_mutex_unlock(&echo->worker.lock);
    return ended;
}

/* ---- the report so far --------------------------------------------------------------------- */

bool echo_has_so_far(struct echo *echo)
{
    uv_mutex_lock(&echo->worker.lock);
    bool has = echo->has_so_far;
    uv_mutex_unlock(&echo->worker.lock);
    return has;
}

struct echo_generation *echo_take_so_far(struct echo *echo)
{
    uv_mutex_lock(&echo->worker.lock);
    struct echo_generation *so_far = echo->so_far;
    echo->so_far = NULL;
    echo->has_so_far = false;
    while (so_far != NULL && so_far->number <= echo->handed_in) {
        struct echo_generation *next = so_far->next;
        free(so_far);
        so_far = next;
    }
    uv_mutex_unlock(&echo->worker.lock);
    return so_far;
}

/* Copies of all generations, oldest first. If memory runs out, the list ends early. */
static struct echo_generation *echo_copy_generations(struct echo *echo)
{
    struct echo_generation *copies = NULL;
    struct echo_generation **end = &copies;
    for (struct echo_generation *at = echo->oldest; at != NULL; at = at->next) {
        struct echo_generation *copy = malloc(sizeof(*copy));
        if (copy == NULL) {
            log_message("out of memory: the report so far lacks work of worker %u",
                        echo->worker.index);
            break;
        }
        *copy = *at;
        copy->next = NULL;
        copy->conns = NULL;
        echo_generation_measure(echo, copy);
        *end = copy;
        end = &copy->next;
    }
    return copies;
}

/* What was published before has been taken: no report is requested before the last is printed. */
static void echo_report(struct echo *echo)
{
    struct echo_generation *copies = echo_copy_generations(echo);
    uv_mutex_lock(&echo->worker.lock);
    assert(!echo->has_so_far);
    echo->so_far = copies;
    echo->has_so_far = true;
    uv_mutex_unlock(&echo->worker.lock);
    worker_notify(&echo->worker);
}

/* ---- stall --------------------------------------------------------------------------------- */

/* All connections are looked at so many times in --stall-timeout, but not more often than this. */
#define ECHO_STALL_LOOKS 4
#define ECHO_STALL_MIN_NS UINT64_C(10000000)

/* When a look has reset a connection, those that get the buffers are looked at soon: they may be
 * overdue as well. */
static void echo_on_stall(struct watch *watch)
{
    struct echo *echo = CONTAINER_OF(watch, struct echo, stall);
    uint64_t interval_ns = echo->config->stall_timeout_ns / ECHO_STALL_LOOKS;
    bool all = watch->seen_ns >= echo->stall_look_ns;
    bool reset = false;
    if (echo->worker.io->waiting == 0) {
        return;
    }
    if (all) {
        echo->stall_look_ns =
            watch->seen_ns + (interval_ns > ECHO_STALL_MIN_NS ? interval_ns : ECHO_STALL_MIN_NS);
    }
    for (struct echo_generation *at = echo->oldest; at != NULL; at = at->next) {
        reset = echo_reset_stalled(at, all, watch->seen_ns) || reset;
    }
    uint64_t soon_ns = watch->seen_ns + ECHO_STALL_MIN_NS;
    watch_set(watch, reset && soon_ns < echo->stall_look_ns ? soon_ns : echo->stall_look_ns);
}

/* Sees in each turn whether receives wait. */
static uint64_t echo_turn(struct worker *worker)
{
    struct echo *echo = echo_self(worker);
    if (worker->io->waiting > 0 && echo->config->stall_timeout_ns != 0 &&
        !watch_active(&echo->stall)) {
        uint64_t now_ns = worker_awake(worker);
        watch_set(&echo->stall, now_ns > echo->stall_look_ns ? now_ns : echo->stall_look_ns);
    }
    return UINT64_MAX;
}

/* ---- commands ------------------------------------------------------------------------------ */

static void echo_snapshot(struct echo *echo)
{
    uint64_t open = 0;
    struct server_stats sum = echo->past;
    for (struct echo_generation *at = echo->oldest; at != NULL; at = at->next) {
        open += at->open;
        server_stats_add(&sum, &at->stats);
    }
    uv_mutex_lock(&echo->worker.lock);
    echo->snapshot = sum;
    echo->snapshot_open = open;
    uv_mutex_unlock(&echo->worker.lock);
    worker_notify(&echo->worker);
}

static void echo_restart(struct echo *echo)
{
    struct echo_generation *old = echo->current;
    if (echo->stopping) {
        return;
    }
    if (echo_generation_new(echo) == NULL) {
        log_message("cannot restart: out of memory");
        return;
    }
    echo_generation_drain(echo, old);
    echo_generations_sweep(echo);
}

/* Runs in each turn of a stop, until one has brought no connection: closing a listener resets what
 * waits in its queue. */
static void echo_on_stop_task(struct worker_task *task)
{
    struct echo *echo = CONTAINER_OF(task, struct echo, stop_task);
    if (echo->accepted == echo->stop_accepted ||
        worker_now(&echo->worker) >= echo->stop_deadline_ns) {
        echo_stop_listening(echo);
        return;
    }
    echo->stop_accepted = echo->accepted;
    worker_defer(&echo->worker, task);
}

static void echo_drain(struct echo *echo)
{
    if (echo->stopping) {
        return;
    }
    echo->stopping = true;
    echo->stop_accepted = UINT64_MAX;
    echo->stop_deadline_ns = worker_now(&echo->worker) + ECHO_STOP_NS;
    worker_defer(&echo->worker, &echo->stop_task);
    echo_leave(echo);
    echo_generation_drain(echo, echo->current);
}

static void echo_abort(struct echo *echo)
{
    echo->stopping = echo->aborted = true;
    worker_cancel(&echo->worker, &echo->stop_task);
    echo_stop_listening(echo);
    echo_leave(echo);
    for (struct echo_generation *at = echo->oldest; at != NULL; at = at->next) {
        echo_cut_conns(at);
    }
}

static void echo_command(struct worker *worker, enum worker_command command)
{
    struct echo *echo = echo_self(worker);
    switch (command) {
    case WORKER_BEGIN: /* a server serves from its start */
    case WORKER_REACH: /* and connects to nothing */
        break;
    case WORKER_SNAPSHOT:
        echo_snapshot(echo);
        break;
    case WORKER_REPORT:
        echo_report(echo);
        break;
    case WORKER_RESTART:
        echo_restart(echo);
        break;
    case WORKER_DRAIN:
        echo_drain(echo);
        break;
    case WORKER_ABORT:
        echo_abort(echo);
        break;
    case WORKER_TAKE:
        echo_take(echo);
        break;
    case WORKER_COMMANDS:
        assert(false);
        break;
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

static int echo_start(struct worker *worker)
{
    struct echo *echo = echo_self(worker);
    int status = 0;
    worker_task_init(&echo->stop_task, echo_on_stop_task);
    watch_init(&echo->stall, worker, echo_on_stall);
    if (echo_generation_new(echo) == NULL) {
        status = UV_ENOMEM;
    }
    echo->listening = true;
    for (size_t i = 0; i < echo->os_socket_count; i++) {
        if (status != 0) {
            net_close(echo->os_sockets[i]);
            continue;
        }
        status = echo_listen(echo, i);
        if (status == UV_ENOTSUP && worker->index > 0) { /* the first has the address to itself */
            handover_join(echo->config->handover, worker, i);
            status = 0;
        }
    }
    echo->os_sockets = NULL;
    if (status != 0) {
        (void)snprintf(worker->error, sizeof(worker->error), "worker %u: cannot listen: %s%s",
                       worker->index, uv_strerror(status), sys_shortage(status));
    }
    return status;
}

static bool echo_finished(const struct worker *worker)
{
    const struct echo *echo = (const struct echo *)(const void *)worker;
    return !echo->listening && echo->accepts == 0 && echo->oldest == echo->current &&
           echo->current->open == 0;
}

static void echo_stop(struct worker *worker)
{
    struct echo *echo = echo_self(worker);
    if (echo->listening) { /* the start failed, or the loop did */
        echo->aborted = true;
        echo_stop_listening(echo);
        echo_leave(echo);
    }
    while (echo->listeners != NULL) {
        struct echo_listener *listener = echo->listeners;
        echo->listeners = listener->next;
        free(listener);
    }
    if (echo->current != NULL) {
        echo->current->draining = true;
        echo_generation_publish(echo, echo->current);
    }
    echo->oldest = echo->current = NULL;
    watch_stop(&echo->stall);
}

const struct worker_role echo_role = {
    .start = echo_start,
    .turn = echo_turn,
    .command = echo_command,
    .finished = echo_finished,
    .stop = echo_stop,
};
