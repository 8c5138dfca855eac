/*
 * Sends of the `uv` backend. Each send calls uv_try_write, which nearly always takes everything,
 * and uv_write for what is left. After each turn the backend looks at the sends that wait for room.
 */

#include "backend.h"

#include <assert.h>
#include <limits.h>

#include "net.h"
#include "untaken.h"
#include "util.h"
#include "uv_internal.h"

/* After this many turns in a row without progress, each further turn pauses for so long. */
#define UV_IDLE_TURNS 16
#define UV_PAUSE_MS 4

/* How many waiting sends are looked at in a turn; few, so that it costs nearly nothing. */
#define UV_LOOKS 32

/* Without a close, UV_ECANCELED is libuv's code on Windows for a connection that was aborted. */
static int uv_write_error(struct io_socket *socket, int status)
{
    bool aborted = status == UV_ECANCELED && socket->close == NULL;
    return uv_stream_error(socket, aborted ? UV_ECONNABORTED : status);
}

/*
 * How many bytes of a send that has ended the system has not taken. libuv does not tell. After a
 * close it is what libuv's queue held at that time. After an error the queue is empty; then the
 * system says how much it has taken since the connection began. Where it can't, the answer is 0.
 */
static size_t uv_unsent(struct io_socket *socket, const struct io_send *op)
{
    uv_os_sock_t os_socket;
    uint64_t taken;
    if (op->status == 0 || op->status == UV_ECANCELED) {
        return op->status == 0 ? 0 : socket->unsent;
    }
    if (uv_os_socket(uv_handle(socket), &os_socket) != 0 ||
        untaken_taken(os_socket, socket->connected, &taken) != 0 || taken > socket->submitted) {
        return 0;
    }
    socket->loop->base.stats.other_calls += UNTAKEN_TAKEN_CALLS;
    uint64_t unsent = socket->submitted - taken;
    return unsent < op->length ? (size_t)unsent : op->length;
}

/* A send that has waited is over. libuv has tried it once when there was room. It has tried it once
 * before, if the send was submitted from the callback of another one. */
static void uv_send_has_waited(struct io_socket *socket, int status)
{
    struct uv_backend_loop *loop = socket->loop;
    queue_remove(&socket->waiting);
    loop->send_count--;
    if (!net_holds_sends && status != UV_ECANCELED) {
        loop->base.stats.send_calls +=
            1U + (socket->goes_on && socket->sent_turn != loop->calls.turn);
    }
}

static void uv_on_write(uv_write_t *request, int status)
{
    struct io_socket *socket = (struct io_socket *)(void *)request->handle;
    struct uv_calls *calls = &socket->loop->calls;
    struct io_send *op = socket->send;
    assert(op != NULL);
    bool waited = queue_has(&socket->waiting);
    if (waited) {
        uv_send_has_waited(socket, status);
    }
    socket->send = NULL;
    socket->loop->events++;
    socket->loop->base.stats.completions++;
    op->status = uv_write_error(socket, status);
    op->sent = op->length - uv_unsent(socket, op);
    socket->finishing = waited;
    op->done(op);
    socket->finishing = false;
    if (socket->close == NULL && socket->send == NULL) {
        uv_calls_unwatch(calls, &socket->watch, UV_WANT_SEND);
    }
}

/* Queues what uv_try_write has left of the send, which took `taken` bytes. */
static int uv_send_rest(struct io_socket *socket, struct io_send *op, size_t taken)
{
    uv_buf_t rest =
        uv_buf_init((char *)(uintptr_t)(op->data + taken), (unsigned)(op->length - taken));
    socket->loop->base.stats.send_calls++;
    int status = uv_write(&socket->request.write, uv_stream(socket), &rest, 1, uv_on_write);
    if (status != 0) {
        op->sent = taken;
        return uv_stream_error(socket, status);
    }
    socket->send = op;
    socket->sent_turn = socket->loop->calls.turn;
    socket->goes_on = socket->finishing;
    socket->left = (uint32_t)uv_stream_get_write_queue_size(uv_stream(socket));
    if (socket->left > 0) {
        queue_push(&socket->loop->sends, &socket->waiting);
        socket->loop->send_count++;
        uv_calls_watch(&socket->loop->calls, &socket->watch, UV_WANT_SEND);
    }
    return IO_PENDING;
}

int uv_backend_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op)
{
    assert(op->length > 0 && op->length <= INT_MAX);
    assert(op->done != NULL && socket->send == NULL && socket->close == NULL);
    op->sent = 0;
    if (socket->broken != 0) {
        return socket->broken;
    }
    socket->submitted += op->length;
    uv_buf_t whole = uv_buf_init((char *)(uintptr_t)op->data, (unsigned)op->length);
    loop->stats.send_calls++;
    int taken = uv_try_write(uv_stream(socket), &whole, 1);
    if (taken < 0 && taken != UV_EAGAIN) {
        return uv_stream_error(socket, taken);
    }
    if (taken == UV_EAGAIN || (size_t)taken < op->length) {
        return uv_send_rest(socket, op, taken < 0 ? 0 : (size_t)taken);
    }
    loop->stats.inline_outcomes++;
    op->sent = op->length;
    op->status = 0;
    return IO_DONE;
}

int uv_backend_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes)
{
    uv_os_sock_t os_socket = (uv_os_sock_t)-1;
    int status = socket->broken != 0 ? socket->broken : socket->lost;
    if (status == 0) {
        status = uv_os_socket(uv_handle(socket), &os_socket);
    }
    if (status != 0) {
        return status;
    }
    loop->stats.other_calls++;
    return untaken_ask(os_socket, socket->submitted,
                       uv_stream_get_write_queue_size(uv_stream(socket)), bytes);
}

/* ---- after a turn ---------------------------------------------------------------------------- */

/* If a waiting send has less left than at the last look, libuv has tried it since then. */
static void uv_look_at_sends(struct uv_backend_loop *self)
{
    size_t count = self->send_count < UV_LOOKS ? self->send_count : UV_LOOKS;
    for (size_t i = 0; i < count && !net_holds_sends; i++) {
        struct queue_node *node = queue_pop(&self->sends);
        struct io_socket *socket = CONTAINER_OF(node, struct io_socket, waiting);
        uint32_t left = (uint32_t)uv_stream_get_write_queue_size(uv_stream(socket));
        bool counted = socket->goes_on && socket->sent_turn == self->calls.turn;
        self->base.stats.send_calls += left < socket->left && !counted;
        socket->left = left;
        queue_push(&self->sends, node);
    }
}

/* The bytes that are left of all sends that wait for room. */
static size_t uv_waiting_bytes(struct uv_backend_loop *self)
{
    size_t unsent = 0;
    struct queue_node *end = &self->sends.head;
    for (struct queue_node *node = end->next; node != end; node = node->next) {
        struct io_socket *socket = CONTAINER_OF(node, struct io_socket, waiting);
        unsent += uv_stream_get_write_queue_size(uv_stream(socket));
    }
    return unsent;
}

/*
 * While the system is out of memory for TCP (tcp_mem), Linux reports a socket as writable and
 * refuses the write. libuv writes at each report, and its loop would do nothing else. Such a turn
 * ends early, makes no callback and leaves every write as it was. After UV_IDLE_TURNS of them in a
 * row the loop pauses in each.
 */
static void uv_look_at_turn(struct uv_backend_loop *self, uv_run_mode mode)
{
    if (net_holds_sends || mode != UV_RUN_ONCE || self->events > 0 ||
        queue_is_empty(&self->sends)) {
        self->idle_turns = 0;
        return;
    }
    if (++self->idle_turns < UV_IDLE_TURNS) {
        return;
    }
    size_t unsent = uv_waiting_bytes(self);
    if (unsent != self->unsent) {
        self->unsent = unsent;
        self->idle_turns = 0;
        return;
    }
    uv_sleep(UV_PAUSE_MS);
}

void uv_sends_after_turn(struct uv_backend_loop *self, uv_run_mode mode)
{
    uv_look_at_sends(self);
    uv_look_at_turn(self, mode);
}
