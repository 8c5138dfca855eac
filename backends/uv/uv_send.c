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
#include "uvio.h"

/* How many waiting sends are looked at in a turn. Few, so that the cost is small. */
#define UVIO_LOOKS 32

/* ---- send ---------------------------------------------------------------------------------- */

/* Without a close, UV_ECANCELED is libuv's code on Windows for a connection that was aborted. */
static int uvio_write_error(struct io_socket *socket, int status)
{
    bool aborted = status == UV_ECANCELED && socket->close == NULL;
    return io_stream_failed(aborted ? UV_ECONNABORTED : status, &socket->lost);
}

/*
 * How many bytes of a send that has ended the system has not taken. libuv does not tell. After a
 * close it is what libuv's queue held at that time. After an error the queue is empty; then the
 * system says how much it has taken since the connection began. Where it can't, the answer is 0.
 */
static size_t uvio_unsent(struct io_socket *socket, const struct io_send *op)
{
    uv_os_sock_t os_socket;
    uint64_t taken;
    if (op->status == 0 || op->status == UV_ECANCELED) {
        return op->status == 0 ? 0 : socket->unsent;
    }
    if (uvio_os_socket(uvio_as_handle(socket), &os_socket) != 0 ||
        untaken_taken(os_socket, socket->connected, &taken) != 0 || taken > socket->submitted) {
        return 0;
    }
    socket->loop->base.stats.other_calls += UNTAKEN_TAKEN_CALLS;
    uint64_t unsent = socket->submitted - taken;
    return unsent < op->length ? (size_t)unsent : op->length;
}

/* A send that has waited has ended. libuv has tried it once when there was room. If it was
 * submitted from the callback of another send, libuv has tried it once before. */
static void uvio_send_has_waited(struct io_socket *socket, int status)
{
    struct uvio_loop *loop = socket->loop;
    queue_remove(&socket->waiting);
    loop->send_count--;
    if (!net_holds_sends && status != UV_ECANCELED) {
        loop->base.stats.send_calls +=
            1U + (socket->goes_on && socket->sent_turn != loop->calls.turn);
    }
}

static void uvio_on_write(uv_write_t *request, int status)
{
    struct io_socket *socket = (struct io_socket *)(void *)request->handle;
    struct uvio_calls *calls = &socket->loop->calls;
    struct io_send *op = socket->send;
    assert(op != NULL);
    bool waited = queue_has(&socket->waiting);
    if (waited) {
        uvio_send_has_waited(socket, status);
    }
    socket->send = NULL;
    socket->loop->events++;
    socket->loop->base.stats.completions++;
    op->status = uvio_write_error(socket, status);
    op->sent = op->length - uvio_unsent(socket, op);
    socket->finishing = waited;
    op->done(op);
    socket->finishing = false;
    if (socket->close == NULL && socket->send == NULL) {
        uvio_calls_unwatch(calls, &socket->watch, UVIO_WANT_SEND);
    }
}

/* Queues what uv_try_write has left of the send, which took `taken` bytes. */
static int uvio_send_rest(struct io_socket *socket, struct io_send *op, size_t taken)
{
    uv_buf_t rest =
        uv_buf_init((char *)(uintptr_t)(op->data + taken), (unsigned)(op->length - taken));
    socket->loop->base.stats.send_calls++;
    int status = uv_write(&socket->request.write, uvio_as_stream(socket), &rest, 1, uvio_on_write);
    if (status != 0) {
        op->sent = taken;
        return io_stream_failed(status, &socket->lost);
    }
    socket->send = op;
    socket->sent_turn = socket->loop->calls.turn;
    socket->goes_on = socket->finishing;
    socket->left = (uint32_t)uv_stream_get_write_queue_size(uvio_as_stream(socket));
    if (socket->left > 0) {
        queue_push(&socket->loop->sends, &socket->waiting);
        socket->loop->send_count++;
        uvio_calls_watch(&socket->loop->calls, &socket->watch, UVIO_WANT_SEND);
    }
    return IO_PENDING;
}

int uvio_send(struct io_loop *loop, struct io_socket *socket, struct io_send *op)
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
    int taken = uv_try_write(uvio_as_stream(socket), &whole, 1);
    if (taken < 0 && taken != UV_EAGAIN) {
        return io_stream_failed(taken, &socket->lost);
    }
    if (taken == UV_EAGAIN || (size_t)taken < op->length) {
        return uvio_send_rest(socket, op, taken < 0 ? 0 : (size_t)taken);
    }
    loop->stats.inline_outcomes++;
    op->sent = op->length;
    op->status = 0;
    return IO_DONE;
}

int uvio_untaken(struct io_loop *loop, struct io_socket *socket, uint64_t *bytes)
{
    uv_os_sock_t os_socket = (uv_os_sock_t)-1;
    int status = socket->broken != 0 ? socket->broken : socket->lost;
    if (status == 0) {
        status = uvio_os_socket(uvio_as_handle(socket), &os_socket);
    }
    if (status != 0) {
        return status;
    }
    loop->stats.other_calls++;
    return untaken_ask(os_socket, socket->submitted,
                       uv_stream_get_write_queue_size(uvio_as_stream(socket)), bytes);
}

/* ---- after a turn -------------------------------------------------------------------------- */

/* If a waiting send has less left than at the last look, libuv has tried it since then. */
static void uvio_look_at_sends(struct uvio_loop *self)
{
    size_t count = self->send_count < UVIO_LOOKS ? self->send_count : UVIO_LOOKS;
    for (size_t i = 0; i < count && !net_holds_sends; i++) {
        struct queue_node *node = queue_pop(&self->sends);
        struct io_socket *socket = CONTAINER_OF(node, struct io_socket, waiting);
        uint32_t left = (uint32_t)uv_stream_get_write_queue_size(uvio_as_stream(socket));
        bool counted = socket->goes_on && socket->sent_turn == self->calls.turn;
        self->base.stats.send_calls += left < socket->left && !counted;
        socket->left = left;
        queue_push(&self->sends, node);
    }
}

/* The bytes that are left of all sends that wait for room. */
static size_t uvio_waiting_bytes(struct uvio_loop *self)
{
    size_t unsent = 0;
    struct queue_node *end = &self->sends.head;
    for (struct queue_node *node = end->next; node != end; node = node->next) {
        struct io_socket *socket = CONTAINER_OF(node, struct io_socket, waiting);
        unsent += uv_stream_get_write_queue_size(uvio_as_stream(socket));
    }
    return unsent;
}

/*
 * While Linux is out of memory for TCP (tcp_mem), it reports a socket as writable and refuses the
 * write. libuv writes at each report, so its loop would do nothing else. Such a turn ends early,
 * makes no callback and leaves every write as it was. The bytes are only compared when a pause is
 * due.
 */
static bool uvio_turn_is_idle(struct uvio_loop *self, uv_run_mode mode)
{
    if (net_holds_sends || mode != UV_RUN_ONCE || self->events > 0 ||
        queue_is_empty(&self->sends)) {
        return false;
    }
    if (self->base.idle_turns + 1 < IO_IDLE_TURNS) {
        return true;
    }
    size_t before = self->unsent;
    self->unsent = uvio_waiting_bytes(self);
    return self->unsent == before;
}

void uvio_sends_after_turn(struct uvio_loop *self, uv_run_mode mode)
{
    uvio_look_at_sends(self);
    io_loop_pause(&self->base, uvio_turn_is_idle(self, mode));
}
