/* The server's listeners and their accepts. */

#include "echo_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "util.h"

/* The first and the longest pause before a failed accept is tried again. Each pause is twice the
 * one before. */
#define ECHO_RETRY_MIN_NS UINT64_C(10000000)
#define ECHO_RETRY_MAX_NS UINT64_C(500000000)

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

static void echo_accept_over(struct echo_accept *a)
{
    assert(a->listener->echo->accepts > 0);
    a->listener->echo->accepts--;
}

/* Counts a failed accept and tries again: in the next turn if only this connection failed. If the
 * system has run out of something, it says so and tries after a pause. */
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

/* Admits the connection, or hands it over to the next worker in turn. */
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

/* Handles the outcome of an accept. False: it has ended, or a retry is planned. */
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

static void echo_accept_init(struct echo_listener *listener, struct echo_accept *a)
{
    a->listener = listener;
    a->op.done = echo_on_accept;
    timer_init(&a->retry, echo_on_retry);
    worker_task_init(&a->task, echo_on_accept_task);
    worker_defer(&listener->echo->worker, &a->task);
}

static void echo_listener_add(struct echo *echo, struct echo_listener *listener, size_t address)
{
    listener->echo = echo;
    listener->address = address;
    listener->next = echo->listeners;
    echo->listeners = listener;
    echo->accepts += echo->config->accept_depth;
    for (unsigned i = 0; i < echo->config->accept_depth; i++) {
        echo_accept_init(listener, &listener->accepts[i]);
    }
}

int echo_listen(struct echo *echo, size_t address)
{
    struct io_loop *io = echo->worker.io;
    size_t accepts_size = echo->config->accept_depth * sizeof(struct echo_accept);
    struct echo_listener *listener = calloc(1, sizeof(*listener) + accepts_size);
    if (listener == NULL) {
        net_close(echo->os_sockets[address]);
        return UV_ENOMEM;
    }
    int status =
        io->backend->listen(io, echo->os_sockets[address], echo->config->backlog, &listener->io);
    if (status != 0) {
        free(listener);
        return status;
    }
    echo_listener_add(echo, listener, address);
    return 0;
}

static void echo_listener_stop(struct echo *echo, struct echo_listener *listener)
{
    struct io_loop *io = echo->worker.io;
    io->backend->accept_stop(io, listener->io);
    for (unsigned i = 0; i < echo->config->accept_depth; i++) {
        struct echo_accept *a = &listener->accepts[i];
        if (!a->outstanding) { /* otherwise its callback ends it */
            timer_stop(&echo->worker.timers, &a->retry);
            worker_cancel(&echo->worker, &a->task);
            echo_accept_over(a);
        }
    }
}

void echo_stop_listening(struct echo *echo)
{
    if (!echo->listening) {
        return;
    }
    echo->listening = false;
    for (struct echo_listener *at = echo->listeners; at != NULL; at = at->next) {
        echo_listener_stop(echo, at);
    }
}

void echo_free_listeners(struct echo *echo)
{
    while (echo->listeners != NULL) {
        struct echo_listener *listener = echo->listeners;
        echo->listeners = listener->next;
        free(listener);
    }
}
