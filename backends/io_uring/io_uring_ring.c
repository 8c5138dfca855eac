/*
 * SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1): the kernel does its part of the work within the call
 * that waits, on this thread. It interrupts the thread at no other time.
 */

#include "io_uring_ring.h"

#include <errno.h>

#include "util.h"

/*
 * liburing maps the rings where the thread sanitizer does not see it. A ring may get the address of
 * another thread's: the kernel has unmapped that one before.
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

/* ---- loop ---------------------------------------------------------------------------------- */

struct uring_loop *uring_self(struct io_loop *loop)
{
    assert(loop->backend == &backend_io_uring);
    return (struct uring_loop *)(void *)loop;
}

int uring_ring_open(struct io_uring *ring)
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

void uring_ring_close(struct io_uring *ring)
{
    URING_UNMAPS();
    io_uring_queue_exit(ring);
}

/* ---- requests ------------------------------------------------------------------------------ */

/* Gives the free entries of the submission queue to the requests that wait for one, in order. */
static void uring_queue_up(struct uring_loop *loop)
{
    while (!queue_is_empty(&loop->unqueued)) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);
        if (sqe == NULL) {
            return;
        }
        struct uring_request *request =
            CONTAINER_OF(queue_pop(&loop->unqueued), struct uring_request, node);
        request->operation->prepare(request, sqe);
        io_uring_sqe_set_data(sqe, request);
    }
}

int uring_begin(struct uring_loop *loop, struct uring_request *request,
                const struct uring_operation *operation)
{
    assert(!uring_is_pending(request));
    request->operation = operation;
    queue_push(&loop->unqueued, &request->node);
    uring_queue_up(loop);
    return IO_PENDING;
}

void uring_prepare_cancel(struct io_uring_sqe *sqe, int fd)
{
    io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
}

/* ---- turns --------------------------------------------------------------------------------- */

/* Submits early while requests are left without an entry. Whether any were; they still are if the
 * kernel is short of something. */
static bool uring_submit_early(struct uring_loop *loop)
{
    int result = 1;
    uring_queue_up(loop);
    bool was_full = !queue_is_empty(&loop->unqueued);
    while (!queue_is_empty(&loop->unqueued) && result > 0) {
        loop->base.enters++;
        result = io_uring_submit(&loop->ring);
        uring_queue_up(loop);
    }
    return was_full;
}

/* Whether completions may be left. The ring had no room for them, or the kernel has deferred work:
 * it limits what it does in one call. */
static bool uring_has_more(const struct uring_loop *loop)
{
    const unsigned left = IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN;
    return (IO_URING_READ_ONCE(*loop->ring.sq.kflags) & left) != 0;
}

static int uring_submit_and_wait(struct uring_loop *loop, uint64_t wait_ns)
{
    struct io_uring_cqe *cqe;
    struct __kernel_timespec timeout = {.tv_sec = (int64_t)(wait_ns / NS_PER_S),
                                        .tv_nsec = (long long)(wait_ns % NS_PER_S)};
    return wait_ns == 0 ? io_uring_submit_and_get_events(&loop->ring)
                        : io_uring_submit_and_wait_timeout(&loop->ring, &cqe, 1, &timeout, NULL);
}

int uring_enter(struct uring_loop *loop, uint64_t wait_ns)
{
    bool was_full = uring_submit_early(loop);
    loop->base.stats.wait_calls++;
    loop->base.enters++;
    int result = uring_submit_and_wait(loop, queue_is_empty(&loop->unqueued) ? wait_ns : 0);
    loop->base.full = was_full || (result < 0 && result != -ETIME) || uring_has_more(loop);
    /* The kernel has too little memory. What is queued stays queued for the next turn. */
    bool short_of_memory = result == -EAGAIN || result == -ENOMEM;
    io_loop_pause(&loop->base, short_of_memory);
    bool passing =
        result >= 0 || result == -ETIME || result == -EINTR || result == -EBUSY || short_of_memory;
    return passing ? 0 : uv_translate_sys_error(-result);
}

void uring_reap(struct uring_loop *loop)
{
    for (unsigned left = io_uring_cq_ready(&loop->ring); left > 0; left--) {
        struct io_uring_cqe *cqe = NULL;
        (void)io_uring_peek_cqe(&loop->ring, &cqe);
        assert(cqe != NULL);
        struct uring_request *request = io_uring_cqe_get_data(cqe);
        const struct uring_operation *operation = request->operation;
        int result = cqe->res;
        unsigned flags = cqe->flags;
        io_uring_cqe_seen(&loop->ring, cqe);
        assert(operation != NULL);
        request->operation = NULL;
        operation->completed(request, result, flags);
    }
}
