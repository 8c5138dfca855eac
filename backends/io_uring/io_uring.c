/*
 * The `io_uring` backend:
 *
 *     io_uring.c            the loop, and the table of operations
 *        |
 *     io_uring_accept       one listener
 *     io_uring_socket       one connection
 *     io_uring_buffers      the receive buffers that the kernel may choose from
 *        |
 *     io_uring_ring         requests, and the way to the kernel and back
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io_uring_accept.h"
#include "io_uring_buffers.h"
#include "io_uring_ring.h"
#include "io_uring_socket.h"
#include "net.h"
#include "util.h"

/* The longest wait in one turn: more would not fit a timespec everywhere. */
#define URING_WAIT_MAX_NS NS_PER_DAY

/* ---- loop ---------------------------------------------------------------------------------- */

/* kernel.io_uring_disabled: 1 for all except one group, 2 for all; 0 where there is none. */
static int uring_sysctl(void)
{
    int digit = EOF;
    FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "r");
    if (file != NULL) {
        digit = fgetc(file);
        (void)fclose(file);
    }
    return digit == EOF ? 0 : digit - '0';
}

/* Since Linux 6.14 a ring counts as locked memory: 66 KiB of completions, 4 KiB of indices, 64 KiB
 * of submissions, and the ring of buffers, all in whole pages. */
#define URING_MEMLOCK                                                                              \
    "raise RLIMIT_MEMLOCK (ulimit -l) or use fewer threads: the rings of all processes of a user " \
    "count against it, about 140 KiB for each thread"

static const char *uring_why(int result)
{
    switch (-result) {
    case ENOMEM:
        return "no memory for a ring; " URING_MEMLOCK;
    case ENOSYS:
        return "this kernel has no io_uring, or a seccomp filter hides it";
    case EPERM:
    case EACCES:
        return uring_sysctl() != 0 ? "the sysctl kernel.io_uring_disabled forbids it"
                                   : "a seccomp filter or a security module refuses it";
    case EINVAL:
        return "this kernel is older than Linux 6.1";
    default:
        return strerror(-result);
    }
}

static int uring_probe(char *why, size_t why_size)
{
    struct io_uring ring;
    int result = uring_ring_open(&ring);
    if (why_size > 0) {
        (void)snprintf(why, why_size, "%s", result < 0 ? uring_why(result) : "");
    }
    if (result < 0) {
        return uv_translate_sys_error(-result);
    }
    uring_ring_close(&ring);
    return 0;
}

static void uring_prepare_wake(struct uring_request *request, struct io_uring_sqe *sqe)
{
    struct uring_loop *loop = CONTAINER_OF(request, struct uring_loop, wake);
    io_uring_prep_read(sqe, loop->wake_fd, &loop->wake_count, sizeof(loop->wake_count), 0);
}

static void uring_on_wake(struct uring_request *request, int result, unsigned flags)
{
    struct uring_loop *loop = CONTAINER_OF(request, struct uring_loop, wake);
    (void)flags;
    loop->woken = loop->woken || result > 0;
}

static void uring_await_wake(struct uring_loop *loop)
{
    static const struct uring_operation operation = {uring_prepare_wake, uring_on_wake};
    if (!uring_is_pending(&loop->wake)) {
        (void)uring_begin(loop, &loop->wake, &operation);
    }
}

static int uring_open_ring(struct uring_loop *loop)
{
    loop->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (loop->wake_fd < 0) {
        return uv_translate_sys_error(errno);
    }
    int result = uring_ring_open(&loop->ring);
    if (result < 0) {
        net_close(loop->wake_fd);
        return uv_translate_sys_error(-result);
    }
    int status = uring_buffers_open(loop);
    if (status != 0) {
        uring_ring_close(&loop->ring);
        net_close(loop->wake_fd);
    }
    return status;
}

static int uring_loop_open(const struct io_config *config, struct io_loop **out)
{
    struct uring_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return UV_ENOMEM;
    }
    pool_init(&loop->base.pool, config->buffer_size, config->buffer_memory);
    int status = uring_open_ring(loop);
    if (status != 0) {
        pool_destroy(&loop->base.pool);
        free(loop);
        return status;
    }
    loop->base.backend = &backend_io_uring;
    loop->config = *config;
    waiters_init(&loop->waiters, &loop->base, uring_retry_recv);
    queue_init(&loop->unqueued);
    queue_init(&loop->closed);
    queue_init(&loop->over);
    *out = &loop->base;
    return 0;
}

static const char *uring_loop_hint(int status)
{
    return status == UV_ENOMEM ? "; " URING_MEMLOCK : "";
}

static int uring_poll(struct io_loop *base, uint64_t deadline_ns);

static void uring_loop_close(struct io_loop *base)
{
    struct uring_loop *loop = uring_self(base);
    assert(loop->sockets == 0);
    while (loop->listeners > 0) { /* stopped, but their accepts are still pending */
        int woken = uring_poll(base, UINT64_MAX);
        assert(woken >= 0);
        (void)woken;
    }
    uring_ring_close(&loop->ring);
    uring_buffers_close(loop);
    net_close(loop->wake_fd);
    pool_destroy(&base->pool);
    free(loop);
}

static uint64_t uring_wait_ns(const struct uring_loop *loop, uint64_t deadline_ns)
{
    if (deadline_ns == 0 || waiters_can_feed(&loop->waiters) || !queue_is_empty(&loop->closed) ||
        !queue_is_empty(&loop->over)) {
        return 0;
    }
    uint64_t wait_ns = io_wait_ns(deadline_ns);
    return wait_ns < URING_WAIT_MAX_NS ? wait_ns : URING_WAIT_MAX_NS;
}

static int uring_poll(struct io_loop *base, uint64_t deadline_ns)
{
    struct uring_loop *loop = uring_self(base);
    uint64_t before = base->stats.completions;
    uring_await_wake(loop);
    uring_buffers_offer(loop);
    waiters_feed(&loop->waiters);
    bool delivered = base->stats.completions != before;
    int status = uring_enter(loop, uring_wait_ns(loop, delivered ? 0 : deadline_ns));
    uring_reap(loop);
    uring_buffers_look(loop);
    uring_finish_stopped(loop);
    uring_finish_closed(loop);
    bool woken = loop->woken;
    loop->woken = false;
    io_loop_end_turn(base, before, woken);
    return status != 0 ? status : woken;
}

static void uring_wake(struct io_loop *base)
{
    const uint64_t one = 1;
    ssize_t written;
    do {
        written = write(uring_self(base)->wake_fd, &one, sizeof(one));
    } while (written < 0 && errno == EINTR);
    assert(written == (ssize_t)sizeof(one));
}

static uint64_t uring_now(struct io_loop *loop)
{
    (void)loop;
    return uv_hrtime();
}

/* ---- table --------------------------------------------------------------------------------- */

const struct backend backend_io_uring = {
    .name = "io_uring",
    .native = true,
    .socket_size = sizeof(struct io_socket),
    .probe = uring_probe,
    .loop_open = uring_loop_open,
    .loop_hint = uring_loop_hint,
    .loop_close = uring_loop_close,
    .poll = uring_poll,
    .wake = uring_wake,
    .now = uring_now,
    .listen = uring_listen,
    .accept = uring_accept,
    .accept_stop = uring_accept_stop,
    .adopt = uring_adopt,
    .detach = uring_detach,
    .refuse = uring_refuse,
    .connect = uring_connect,
    .recv = uring_recv,
    .release = uring_release,
    .send = uring_send,
    .untaken = uring_untaken,
    .shutdown = uring_shutdown,
    .close = uring_close,
    .handle = uring_handle,
};
