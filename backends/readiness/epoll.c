/*
 * The `epoll` backend: readiness.c over epoll(7), edge-triggered. A wake is an eventfd that is
 * written and never read: each write is an edge.
 */

#include "readiness.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net.h"

/* ---- poller -------------------------------------------------------------------------------- */

static int epoll_add(struct readiness_loop *loop, int fd, uint32_t events, void *data)
{
    struct epoll_event event = {.events = events | EPOLLET, .data.ptr = data};
    int result = epoll_ctl(loop->poll_fd, EPOLL_CTL_ADD, fd, &event);
    return result == 0 ? 0 : uv_translate_sys_error(errno);
}

static void epoll_close(struct readiness_loop *loop)
{
    net_close(loop->wake_fd);
    net_close(loop->poll_fd);
}

static int epoll_open(struct readiness_loop *loop)
{
    loop->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->poll_fd < 0) {
        return uv_translate_sys_error(errno);
    }
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0) {
        int status = uv_translate_sys_error(errno);
        net_close(loop->poll_fd);
        return status;
    }
    int status = epoll_add(loop, loop->wake_fd, EPOLLIN, NULL);
    if (status != 0) {
        epoll_close(loop);
    }
    return status;
}

/* Watches for all that is wanted: epoll reports EPOLLOUT only after a send that found no room. */
static int epoll_watch(struct readiness_loop *loop, struct readiness_watch *watch, unsigned what)
{
    uint32_t events = EPOLLIN | EPOLLPRI | EPOLLRDHUP;
    events |= (watch->wanted & READY_SEND) != 0 ? EPOLLOUT : 0;
    (void)what;
    int status = epoll_add(loop, watch->fd, events, watch);
    watch->watched = status == 0 ? watch->wanted : 0;
    return status;
}

static unsigned epoll_readiness(uint32_t events)
{
    unsigned what = 0;
    what |= (events & EPOLLIN) != 0 ? READY_RECV : 0;
    what |= (events & EPOLLOUT) != 0 ? READY_SEND : 0;
    what |= (events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 ? READY_END : 0;
    return what;
}

static int epoll_wait_events(struct readiness_loop *loop, struct readiness_event *events,
                             uint64_t wait_ns)
{
    struct epoll_event raw[READINESS_BATCH];
    int timeout = (int)io_wait_ms(wait_ns, INT_MAX); /* -1: no timeout */
    int count = epoll_wait(loop->poll_fd, raw, READINESS_BATCH, timeout);
    if (count < 0) {
        return uv_translate_sys_error(errno);
    }
    for (int i = 0; i < count; i++) {
        events[i].watch = raw[i].data.ptr;
        events[i].what = epoll_readiness(raw[i].events);
        events[i].unread = 0;
    }
    return count;
}

/* The count of an eventfd never overflows in practice. */
static void epoll_wake(struct readiness_loop *loop)
{
    const uint64_t one = 1;
    ssize_t written;
    do {
        written = write(loop->wake_fd, &one, sizeof(one));
    } while (written < 0 && errno == EINTR);
    assert(written == (ssize_t)sizeof(one));
}

static const struct poller epoll_poller = {
    .backend = &backend_epoll,
    .open = epoll_open,
    .close = epoll_close,
    .watch = epoll_watch,
    .wait = epoll_wait_events,
    .wake = epoll_wake,
};

/* ---- loop ---------------------------------------------------------------------------------- */

static int epoll_loop_open(const struct io_config *config, struct io_loop **loop)
{
    return readiness_open(&epoll_poller, config, loop);
}

/* ---- table --------------------------------------------------------------------------------- */

const struct backend backend_epoll = {
    .name = "epoll",
    .loop_open = epoll_loop_open,
    READINESS_OPERATIONS,
};
