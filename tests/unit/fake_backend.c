#include "fake_backend.h"

#include <assert.h>
#include <string.h>

#define FAKE_BUFFER_SIZE ((size_t)32 * 1024)
#define FAKE_BUFFERS 64

static struct fake *fake_of(struct io_loop *io)
{
    return (struct fake *)(void *)io;
}

static void fake_expect(struct fake *fake, bool right)
{
    uv_mutex_lock(&fake->lock);
    fake->wrong += !right;
    uv_mutex_unlock(&fake->lock);
}

/* ---- the loop ------------------------------------------------------------------------------- */

void fake_init(struct fake *fake)
{
    memset(fake, 0, sizeof(*fake));
    int status = uv_mutex_init(&fake->lock);
    assert(status == 0);
    status = uv_cond_init(&fake->wakes);
    assert(status == 0);
    (void)status;
}

void fake_destroy(struct fake *fake)
{
    uv_cond_destroy(&fake->wakes);
    uv_mutex_destroy(&fake->lock);
}

struct io_config fake_config(struct fake *fake)
{
    return (struct io_config){.buffer_size = FAKE_BUFFER_SIZE,
                              .buffer_memory = FAKE_BUFFERS * FAKE_BUFFER_SIZE,
                              .open_context = fake};
}

static void fake_set_open(struct fake *fake, bool open)
{
    uv_mutex_lock(&fake->lock);
    fake->wrong += fake->open == open;
    fake->open = open;
    uv_mutex_unlock(&fake->lock);
}

static int fake_loop_open(const struct io_config *config, struct io_loop **loop)
{
    struct fake *fake = config->open_context;
    if (fake->open_status != 0) {
        return fake->open_status;
    }
    fake_set_open(fake, true);
    fake->opens++;
    fake->io.backend = &fake_backend;
    pool_init(&fake->io.pool, config->buffer_size, config->buffer_memory);
    *loop = &fake->io;
    return 0;
}

static void fake_loop_close(struct io_loop *io)
{
    struct fake *fake = fake_of(io);
    fake_set_open(fake, false);
    fake->closes++;
    pool_destroy(&io->pool);
}

static bool fake_wait(struct fake *fake, bool wait)
{
    uv_mutex_lock(&fake->lock);
    while (wait && !fake->woken) {
        uv_cond_wait(&fake->wakes, &fake->lock);
    }
    bool woken = fake->woken;
    fake->woken = false;
    fake->wrong += !fake->open;
    uv_mutex_unlock(&fake->lock);
    return woken;
}

static int fake_poll(struct io_loop *io, uint64_t deadline_ns)
{
    struct fake *fake = fake_of(io);
    fake->polls++;
    fake->deadline_ns = deadline_ns;
    bool woken = fake_wait(fake, fake->blocks && deadline_ns == UINT64_MAX);
    if (!woken && deadline_ns != UINT64_MAX && deadline_ns > fake->now_ns) {
        fake->now_ns = deadline_ns;
    }
    if (fake->on_poll != NULL) {
        fake->on_poll(fake);
    }
    return fake->poll_status < 0 ? fake->poll_status : woken;
}

static void fake_wake(struct io_loop *io)
{
    struct fake *fake = fake_of(io);
    uv_mutex_lock(&fake->lock);
    fake->wrong += !fake->open;
    fake->woken = true;
    uv_cond_signal(&fake->wakes);
    uv_mutex_unlock(&fake->lock);
}

static uint64_t fake_now(struct io_loop *io)
{
    struct fake *fake = fake_of(io);
    fake->clock_looks++;
    return fake->now_ns;
}

/* ---- connections ---------------------------------------------------------------------------- */

static void fake_recv_outcome(struct fake *fake, struct io_recv *op, int status, size_t length)
{
    op->status = status;
    op->length = length;
    op->data = length > 0 ? pool_take(&fake->io.pool) : NULL;
    fake_expect(fake, length == 0 || op->data != NULL);
}

static int fake_adopt(struct io_loop *io, struct io_token *token, struct io_socket *socket)
{
    (void)io;
    (void)token;
    *socket = (struct io_socket){.recv = NULL};
    return 0;
}

static int fake_handle(struct io_socket *socket, uv_os_sock_t *os_socket)
{
    (void)socket;
    (void)os_socket;
    return UV_ENOTSUP;
}

static int fake_shutdown(struct io_loop *io, struct io_socket *socket)
{
    fake_expect(fake_of(io), socket->send == NULL && socket->close == NULL && !socket->shut);
    socket->shut = true;
    return 0;
}

static int fake_recv(struct io_loop *io, struct io_socket *socket, struct io_recv *op)
{
    struct fake *fake = fake_of(io);
    fake_expect(fake, socket->recv == NULL && socket->close == NULL);
    if (fake->recv_outcome == IO_DONE) {
        fake_recv_outcome(fake, op, 0, fake->recv_length);
    } else if (fake->recv_outcome == IO_PENDING) {
        socket->recv = op;
    }
    return fake->recv_outcome;
}

static void fake_release(struct io_loop *io, uint8_t *data)
{
    pool_put(&io->pool, data);
}

static int fake_detach(struct io_loop *io, struct io_token *token)
{
    (void)token;
    return fake_of(io)->detach_status;
}

static int fake_send(struct io_loop *io, struct io_socket *socket, struct io_send *op)
{
    struct fake *fake = fake_of(io);
    fake_expect(fake, socket->send == NULL && socket->close == NULL);
    if (fake->send_outcome == IO_DONE) {
        op->status = 0;
        op->sent = op->length;
    } else if (fake->send_outcome == IO_PENDING) {
        socket->send = op;
    }
    return fake->send_outcome;
}

static int fake_untaken(struct io_loop *io, struct io_socket *socket, uint64_t *bytes)
{
    struct fake *fake = fake_of(io);
    fake_expect(fake, socket->close == NULL);
    *bytes = fake->untaken_bytes + socket->untaken;
    return fake->untaken_status;
}

static void fake_close(struct io_loop *io, struct io_socket *socket, enum io_close_how how,
                       struct io_close *op)
{
    fake_expect(fake_of(io), socket->close == NULL);
    socket->close = op;
    socket->how = how;
}

void fake_recv_ends(struct fake *fake, struct io_socket *socket, int status, size_t length)
{
    struct io_recv *op = socket->recv;
    socket->recv = NULL;
    fake_recv_outcome(fake, op, status, length);
    op->done(op);
}

void fake_send_ends(struct io_socket *socket, int status, size_t sent)
{
    struct io_send *op = socket->send;
    socket->send = NULL;
    op->status = status;
    op->sent = sent;
    op->done(op);
}

void fake_close_ends(struct fake *fake, struct io_socket *socket)
{
    struct io_close *op = socket->close;
    if (socket->recv != NULL) {
        fake_recv_ends(fake, socket, UV_ECANCELED, 0);
    }
    if (socket->send != NULL) {
        fake_send_ends(socket, UV_ECANCELED, 0);
    }
    socket->close = NULL;
    op->done(op);
}

const struct backend fake_backend = {
    .name = "fake",
    .socket_size = sizeof(struct io_socket),
    .loop_open = fake_loop_open,
    .loop_close = fake_loop_close,
    .poll = fake_poll,
    .wake = fake_wake,
    .now = fake_now,
    .adopt = fake_adopt,
    .detach = fake_detach,
    .recv = fake_recv,
    .release = fake_release,
    .send = fake_send,
    .untaken = fake_untaken,
    .shutdown = fake_shutdown,
    .close = fake_close,
    .handle = fake_handle,
};
