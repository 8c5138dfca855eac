#include "echo_internal.h"

#include <assert.h>
#include <stdio.h>

#include "sys.h"
#include "util.h"

/* A stop still accepts what waits in the listeners' queues, but only for this long. */
#define ECHO_STOP_NS UINT64_C(50000000)

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

/* ---- hand-over ----------------------------------------------------------------------------- */

/* Admits the connections that the listening worker has handed over. */
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

/* ---- stall --------------------------------------------------------------------------------- */

/* All connections are checked this many times in --stall-timeout, but not more often than every
 * ECHO_STALL_MIN_NS. */
#define ECHO_STALL_LOOKS 4
#define ECHO_STALL_MIN_NS UINT64_C(10000000)

/* After a reset, the connections that hold a buffer are checked again soon: one that got the free
 * buffer may be overdue too. */
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

/* Starts the checks when receives wait for a buffer. */
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

static void echo_restart(struct echo *echo)
{
    struct echo_generation *old = echo->current;
    if (echo->stopping) {
        return;
    }
    if (!echo_generation_new(echo)) {
        log_message("cannot restart: out of memory");
        return;
    }
    echo_generation_drain(echo, old);
    echo_generations_sweep(echo);
}

/* Runs in each turn of a stop. Stops listening after a turn without a new connection: closing a
 * listener resets the connections in its queue. */
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
    case WORKER_BEGIN: /* the client's */
    case WORKER_REACH:
        break;
    case WORKER_SNAPSHOT:
        echo_generations_snapshot(echo);
        break;
    case WORKER_REPORT:
        worker_publish_report(worker, echo_generations_copy(echo));
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

/* Where only one loop can listen at an address, it is that of the first worker, which hands
 * connections over to the others. */
static int echo_listen_or_join(struct echo *echo, size_t address)
{
    int status = echo_listen(echo, address);
    if (status == UV_ENOTSUP && echo->worker.index > 0) {
        handover_join(echo->config->handover, &echo->worker, address);
        return 0;
    }
    return status;
}

/* Takes over all sockets, and closes those that are left after an error. `status` is the first. */
static int echo_listen_all(struct echo *echo, int status)
{
    echo->listening = true;
    for (size_t i = 0; i < echo->os_socket_count; i++) {
        if (status == 0) {
            status = echo_listen_or_join(echo, i);
        } else {
            net_close(echo->os_sockets[i]);
        }
    }
    echo->os_sockets = NULL;
    return status;
}

static int echo_start(struct worker *worker)
{
    struct echo *echo = echo_self(worker);
    worker_task_init(&echo->stop_task, echo_on_stop_task);
    watch_init(&echo->stall, worker, echo_on_stall);
    int status = echo_listen_all(echo, echo_generation_new(echo) ? 0 : UV_ENOMEM);
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
    if (echo->listening) { /* the start or the loop has failed */
        echo->aborted = true;
        echo_stop_listening(echo);
        echo_leave(echo);
    }
    echo_free_listeners(echo);
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
