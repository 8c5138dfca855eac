/*
 * The `kqueue` backend of macOS and the BSDs: readiness.c over kqueue(2). EVFILT_READ is watched
 * while a descriptor is open, edge-triggered by EV_CLEAR. EVFILT_WRITE is added with EV_ONESHOT
 * when a send or a connect waits: a filter that stayed would report each acknowledgement on XNU. A
 * wake is an EVFILT_USER.
 *
 * XNU does not report urgent data (EV_OOBAND is an input flag). But `data` says how many bytes can
 * be received, including those after urgent data.
 */

#include "readiness.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/event.h>
#include <time.h>
#include <unistd.h>

#include "net.h"
#include "util.h"

/* The longest single wait, in seconds: some systems refuse a longer one. */
#define KQUEUE_WAIT_MAX_S 86400

/* ---- poller -------------------------------------------------------------------------------- */

static int kqueue_error(void)
{
    return uv_translate_sys_error(errno);
}

/* Without a list for events, errors of changes are those of the call. */
static int kqueue_change(const struct readiness_loop *loop, const struct kevent *changes, int count)
{
    int result;
    do {
        result = kevent(loop->poll_fd, changes, count, NULL, 0, NULL);
    } while (result < 0 && errno == EINTR); /* they have been applied; once more does no harm */
    return result == 0 ? 0 : kqueue_error();
}

static void kqueue_close(struct readiness_loop *loop)
{
    net_close(loop->poll_fd);
}

static int kqueue_open(struct readiness_loop *loop)
{
    struct kevent user;
    loop->wake_fd = -1;
    loop->poll_fd = kqueue();
    if (loop->poll_fd < 0) {
        return kqueue_error();
    }
    EV_SET(&user, 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
    int status = fcntl(loop->poll_fd, F_SETFD, FD_CLOEXEC) == 0 ? 0 : kqueue_error();
    if (status == 0) {
        status = kqueue_change(loop, &user, 1);
    }
    if (status != 0) {
        kqueue_close(loop);
    }
    return status;
}

/* Adds EVFILT_READ with the first EVFILT_WRITE, if it wasn't added before: one call for both. */
static int kqueue_watch(struct readiness_loop *loop, struct readiness_watch *watch, unsigned what)
{
    struct kevent changes[2];
    int count = 0;
    uintptr_t fd = (uintptr_t)watch->fd;
    if ((watch->watched & READY_RECV) == 0) {
        EV_SET(&changes[count++], fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, watch);
    }
    if ((what & READY_SEND) != 0) {
        EV_SET(&changes[count++], fd, EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0, watch);
    }
    int status = kqueue_change(loop, changes, count);
    if (status == 0) {
        watch->watched |= (uint8_t)(READY_RECV | what);
    }
    return status;
}

/* EV_EOF: the peer has ended its side; in EVFILT_WRITE, it reads no more. */
static unsigned kqueue_readiness(const struct kevent *event)
{
    unsigned what = event->filter == EVFILT_WRITE ? READY_SEND : READY_RECV;
    return what | ((event->flags & (EV_EOF | EV_ERROR)) != 0 ? READY_END : 0);
}

static struct readiness_event kqueue_event(const struct kevent *raw)
{
    struct readiness_event event = {.what = kqueue_readiness(raw)};
    if (raw->filter == EVFILT_USER) {
        return event;
    }
    event.watch = raw->udata;
    if (raw->filter == EVFILT_WRITE) {
        event.watch->watched &= (uint8_t)~READY_SEND;
    } else if (raw->data > 0) {
        event.unread = (size_t)raw->data;
    }
    return event;
}

static const struct timespec *kqueue_timeout(uint64_t wait_ns, struct timespec *timeout)
{
    if (wait_ns == UINT64_MAX) {
        return NULL;
    }
    uint64_t seconds = wait_ns / NS_PER_S;
    timeout->tv_sec = (time_t)(seconds < KQUEUE_WAIT_MAX_S ? seconds : KQUEUE_WAIT_MAX_S);
    timeout->tv_nsec = (long)(wait_ns % NS_PER_S);
    return timeout;
}

static int kqueue_wait(struct readiness_loop *loop, struct readiness_event *events,
                       uint64_t wait_ns)
{
    struct kevent raw[READINESS_BATCH];
    struct timespec timeout;
    int count =
        kevent(loop->poll_fd, NULL, 0, raw, READINESS_BATCH, kqueue_timeout(wait_ns, &timeout));
    if (count < 0) {
        return kqueue_error();
    }
    for (int i = 0; i < count; i++) {
        events[i] = kqueue_event(&raw[i]);
    }
    return count;
}

static void kqueue_wake(struct readiness_loop *loop)
{
    struct kevent user;
    EV_SET(&user, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
    int status = kqueue_change(loop, &user, 1);
    assert(status == 0);
    (void)status;
}

static const struct poller kqueue_poller = {
    .backend = &backend_kqueue,
    .waits_for_buffers = true,
    .open = kqueue_open,
    .close = kqueue_close,
    .watch = kqueue_watch,
    .wait = kqueue_wait,
    .wake = kqueue_wake,
};

/* ---- loop ---------------------------------------------------------------------------------- */

static int kqueue_loop_open(const struct io_config *config, struct io_loop **loop)
{
    return readiness_open(&kqueue_poller, config, loop);
}

/* ---- table --------------------------------------------------------------------------------- */

const struct backend backend_kqueue = {
    .name = "kqueue",
    .loop_open = kqueue_loop_open,
    READINESS_OPERATIONS,
};
