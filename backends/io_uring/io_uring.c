/*
 * The `io_uring` backend. The life of an operation:
 *
 *     an SQE in the submission queue ............ the kernel does not know of it yet
 *     io_uring_enter(): submit and wait ......... one call a turn, for all of them
 *     its CQE ................................... request->completed(result, flags)
 *
 * SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1): the kernel does its part of the work within the call
 * that waits, on this thread, and interrupts it at no other time.
 */

#include "io_uring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net.h"
#include "util.h"

/*
 * liburing maps the rings behind the thread sanitizer's back. One that lies where another thread's
 * was comes after it all the same: the kernel has unmapped that one before.
 */
#if defined(__SANITIZE_THREAD__)
#define URING_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define URING_TSAN 1
#endif
#endif

#ifdef URING_TSAN
#include <sanitizer/tsan_interface.h>
static char uring_mapping;
#define URING_MAPPED() __tsan_acquire(&uring_mapping)
#define URING_UNMAPS() __tsan_release(&uring_mapping)
#else
#define URING_MAPPED() ((void)0)
#define URING_UNMAPS() ((void)0)
#endif

#define URING_SUBMISSIONS 1024u
#define URING_COMPLETIONS 4096u

/* A turn waits no longer than that in one go: more would not fit a timespec everywhere. */
#define URING_WAIT_MAX_NS (86400 * NS_PER_S)

struct uring_loop *uring_self(struct io_loop *loop)
{
    assert(loop->backend == &backend_io_uring);
    return (struct uring_loop *)(void *)loop;
}

/* ---- requests ------------------------------------------------------------------------------ */

struct io_uring_sqe *uring_sqe(struct uring_loop *loop)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);
    if (sqe == NULL) { /* the queue is full: the kernel shall have it early */
        loop->base.enters++;
        (void)io_uring_submit(&loop->ring);
        sqe = io_uring_get_sqe(&loop->ring);
    }
    return sqe;
}

int uring_begin(struct io_uring_sqe *sqe, struct uring_request *request)
{
    assert(!request->pending && request->completed != NULL);
    io_uring_sqe_set_data(sqe, request);
    request->pending = true;
    return IO_PENDING;
}

void uring_cancel(struct uring_loop *loop, int fd)
{
    struct io_uring_sqe *sqe = uring_sqe(loop);
    if (sqe == NULL) {
        loop->base.stats.other_calls++;
        (void)shutdown(fd, SHUT_RDWR); /* which ends what is outstanding, too */
        return;
    }
    io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data(sqe, NULL);
}

/* ---- wake ---------------------------------------------------------------------------------- */

static void uring_await_wake(struct uring_loop *loop)
{
    struct io_uring_sqe *sqe = uring_sqe(loop);
    if (sqe != NULL) {
        io_uring_prep_read(sqe, loop->wake_fd, &loop->wake_count, sizeof(loop->wake_count), 0);
        (void)uring_begin(sqe, &loop->wake);
    }
}

static void uring_on_wake(struct uring_request *request, int result, unsigned flags)
{
    struct uring_loop *loop = CONTAINER_OF(request, struct uring_loop, wake);
    (void)flags;
    loop->woken = loop->woken || result > 0;
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

/* ---- poll ---------------------------------------------------------------------------------- */

static bool uring_has_something_to_do(const struct uring_loop *loop)
{
    bool deaf = !loop->wake.pending; /* there was no room to ask for wakes */
    return deaf || waiters_can_feed(&loop->waiters) || !queue_is_empty(&loop->closed) ||
           !queue_is_empty(&loop->over) || io_uring_cq_ready(&loop->ring) > 0;
}

static uint64_t uring_wait_ns(const struct uring_loop *loop, uint64_t deadline_ns)
{
    if (deadline_ns == 0 || uring_has_something_to_do(loop)) {
        return 0;
    }
    uint64_t now_ns = deadline_ns == UINT64_MAX ? 0 : uv_hrtime();
    uint64_t wait_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    return wait_ns < URING_WAIT_MAX_NS ? wait_ns : URING_WAIT_MAX_NS;
}

/* Whether completions may be left that the ring had no room for, or that the kernel has put off: it
 * does but so much of its part of the work in one call. */
static bool uring_is_full(const struct uring_loop *loop)
{
    const unsigned left = IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN;
    return (IO_URING_READ_ONCE(*loop->ring.sq.kflags) & left) != 0;
}

/* Submits what there is and waits for a completion. 0; or a UV error, the ring can't be used. */
static int uring_enter(struct uring_loop *loop, uint64_t wait_ns)
{
    int result;
    loop->base.stats.wait_calls++;
    loop->base.enters++;
    if (wait_ns == 0) {
        result = io_uring_submit_and_get_events(&loop->ring);
    } else {
        struct io_uring_cqe *cqe;
        struct __kernel_timespec timeout = {.tv_sec = (int64_t)(wait_ns / NS_PER_S),
                                            .tv_nsec = (long long)(wait_ns % NS_PER_S)};
        result = io_uring_submit_and_wait_timeout(&loop->ring, &cqe, 1, &timeout, NULL);
    }
    loop->base.full = (result < 0 && result != -ETIME) || uring_is_full(loop);
    /* EAGAIN, EBUSY, ENOMEM: the kernel is short of something; what is queued stays so */
    bool passing = result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
                   result == -EBUSY || result == -ENOMEM;
    return passing ? 0 : uv_translate_sys_error(-result);
}

static void uring_reap(struct uring_loop *loop)
{
    unsigned count = io_uring_cq_ready(&loop->ring);
    for (unsigned i = 0; i < count; i++) {
        struct io_uring_cqe *cqe = NULL;
        (void)io_uring_peek_cqe(&loop->ring, &cqe);
        assert(cqe != NULL);
        struct uring_request *request = io_uring_cqe_get_data(cqe);
        int result = cqe->res;
        unsigned flags = cqe->flags;
        io_uring_cqe_seen(&loop->ring, cqe);
        if (request != NULL) { /* else the answer to a cancel, which says nothing more */
            assert(request->pending);
            request->pending = false;
            request->completed(request, result, flags);
        }
    }
}

static int uring_poll(struct io_loop *base, uint64_t deadline_ns)
{
    struct uring_loop *loop = uring_self(base);
    uint64_t before = base->stats.completions;
    if (!loop->wake.pending) {
        uring_await_wake(loop);
    }
    uring_buffers_offer(loop);
    waiters_feed(&loop->waiters);
    bool delivered = base->stats.completions != before;
    int status = uring_enter(loop, uring_wait_ns(loop, delivered ? 0 : deadline_ns));
    uring_reap(loop);
    uring_buffers_look(loop);
    uring_finish_listeners(loop);
    uring_finish_closed(loop);
    bool woken = loop->woken;
    loop->woken = false;
    io_loop_end_turn(base, before, woken);
    return status != 0 ? status : woken;
}

static uint64_t uring_now(struct io_loop *loop)
{
    (void)loop;
    return uv_hrtime();
}

/* ---- life ---------------------------------------------------------------------------------- */

static int uring_setup(struct io_uring *ring)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
        .cq_entries = URING_COMPLETIONS,
    };
    int result = io_uring_queue_init_params(URING_SUBMISSIONS, ring, &params);
    URING_MAPPED();
    return result;
}

static void uring_tear_down(struct io_uring *ring)
{
    URING_UNMAPS();
    io_uring_queue_exit(ring);
}

/* kernel.io_uring_disabled: 1 for all but a group, 2 for everyone; 0 where there is none. */
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

static const char *uring_hint(int status)
{
    return status == UV_ENOMEM ? "; " URING_MEMLOCK : "";
}

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
    int result = uring_setup(&ring);
    if (why_size > 0) {
        (void)snprintf(why, why_size, "%s", result < 0 ? uring_why(result) : "");
    }
    if (result < 0) {
        return uv_translate_sys_error(-result);
    }
    uring_tear_down(&ring);
    return 0;
}

static int uring_open_ring(struct uring_loop *loop)
{
    loop->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (loop->wake_fd < 0) {
        return uv_translate_sys_error(errno);
    }
    int result = uring_setup(&loop->ring);
    if (result < 0) {
        net_close(loop->wake_fd);
        return uv_translate_sys_error(-result);
    }
    int status = uring_buffers_open(loop);
    if (status != 0) {
        uring_tear_down(&loop->ring);
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
    loop->wake.completed = uring_on_wake;
    waiters_init(&loop->waiters, &loop->base, uring_retry_recv);
    queue_init(&loop->closed);
    queue_init(&loop->over);
    *out = &loop->base;
    return 0;
}

static void uring_loop_close(struct io_loop *base)
{
    struct uring_loop *loop = uring_self(base);
    assert(loop->sockets == 0);
    while (loop->listeners > 0) { /* stopped, and not yet out of the kernel's hands */
        int woken = uring_poll(base, UINT64_MAX);
        assert(woken >= 0);
        (void)woken;
    }
    uring_tear_down(&loop->ring);
    uring_buffers_close(loop);
    net_close(loop->wake_fd);
    pool_destroy(&base->pool);
    free(loop);
}

static int uring_detach(struct io_loop *loop, struct io_token *token)
{
    (void)loop;
    (void)token;
    return 0;
}

static void uring_refuse(struct io_loop *loop, struct io_token *token)
{
    loop->stats.other_calls++;
    net_close(token->os_socket);
    *token = (struct io_token){.os_socket = -1};
}

static void uring_release(struct io_loop *loop, uint8_t *data)
{
    pool_put(&loop->pool, data); /* it is offered again at the next poll */
}

const struct backend backend_io_uring = {
    .name = "io_uring",
    .native = true,
    .socket_size = sizeof(struct io_socket),
    .probe = uring_probe,
    .loop_open = uring_loop_open,
    .loop_hint = uring_hint,
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
