/*
 * The parts of kqueue(2) that kqueue.c uses, over epoll(7). So the whole backend can be tested
 * where there is no kqueue. A queue is an epoll of three:
 *
 *     queue --+-- read    an epoll, edge-triggered, of what EVFILT_READ | EV_CLEAR watches
 *             +-- write   likewise, EVFILT_WRITE
 *             +-- user    an eventfd, which is read when EVFILT_USER is reported
 *
 * As in kqueue(2), each filter is an event of its own, and closing a descriptor removes it. It
 * reports what XNU reports: no EV_OOBAND, and in `data` the bytes to be received.
 *
 * On XNU a write filter that stays reports each acknowledgement. If that would have happened, the
 * program fails at its end.
 */

#include <sys/event.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake_xnu.h"

#define QUEUES_MAX 1024
#define EVENTS_MAX 256

enum part { PART_READ, PART_WRITE, PART_USER, PARTS };

struct queue {
    int fd; /* the caller's, which closes it */
    int parts[PARTS];
    uintptr_t user_ident;
};

/* What a descriptor is watched for. It is in one queue at a time. */
struct watched {
    void *udata[PART_USER];
    bool stays; /* its write filter has no EV_ONESHOT */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct queue queues[QUEUES_MAX];
static size_t queue_count;
static struct watched descriptors[FAKE_XNU_DESCRIPTORS];
static atomic_int acknowledgements; /* that XNU would report as events */

static void __attribute__((destructor)) no_event_is_an_acknowledgement(void)
{
    if (acknowledgements > 0) {
        (void)fprintf(stderr, "kqueue: %d events of a write filter that nothing waited for\n",
                      acknowledgements);
        _Exit(EXIT_FAILURE);
    }
}

static struct queue *find_queue(int fd)
{
    struct queue *found = NULL;
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < queue_count && found == NULL; i++) {
        found = queues[i].fd == fd ? &queues[i] : NULL;
    }
    (void)pthread_mutex_unlock(&lock);
    return found;
}

/* A queue was closed if the system gives its number to another one. */
static struct queue *renew_queue(int fd)
{
    struct queue *queue = find_queue(fd);
    if (queue == NULL) {
        (void)pthread_mutex_lock(&lock);
        assert(queue_count < QUEUES_MAX);
        queue = &queues[queue_count];
        queue->fd = fd;
        queue_count++;
        (void)pthread_mutex_unlock(&lock);
        return queue;
    }
    for (int i = 0; i < PARTS; i++) {
        (void)close(queue->parts[i]);
    }
    return queue;
}

int kqueue(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    struct queue *queue = renew_queue(fd);
    queue->parts[PART_READ] = epoll_create1(EPOLL_CLOEXEC);
    queue->parts[PART_WRITE] = epoll_create1(EPOLL_CLOEXEC);
    queue->parts[PART_USER] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (int i = 0; i < PARTS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = i};
        int added = epoll_ctl(fd, EPOLL_CTL_ADD, queue->parts[i], &event);
        assert(added == 0);
        (void)added;
    }
    return fd;
}

/* ---- changes ------------------------------------------------------------------------------- */

static int trigger(const struct queue *queue)
{
    const uint64_t one = 1;
    return write(queue->parts[PART_USER], &one, sizeof(one)) == (ssize_t)sizeof(one) ? 0 : -1;
}

static int add(struct queue *queue, enum part part, int fd, uint32_t events)
{
    struct epoll_event event = {.events = EPOLLET | events, .data.fd = fd};
    int epoll = queue->parts[part];
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0) {
        return 0;
    }
    return errno == EEXIST ? epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) : -1;
}

static int apply(struct queue *queue, const struct kevent *change)
{
    int fd = (int)change->ident;
    if (change->filter == EVFILT_USER) {
        if (change->fflags == NOTE_TRIGGER) {
            return trigger(queue);
        }
        queue->user_ident = change->ident;
        return 0;
    }
    enum part part = change->filter == EVFILT_READ ? PART_READ : PART_WRITE;
    bool once = (change->flags & EV_ONESHOT) != 0;
    assert(change->flags == (EV_ADD | EV_CLEAR) || (part == PART_WRITE && once));
    fake_xnu_watch(fd, queue->fd);
    descriptors[fd].udata[part] = change->udata;
    if (part == PART_READ) {
        return add(queue, part, fd, EPOLLIN | EPOLLPRI | EPOLLRDHUP);
    }
    descriptors[fd].stays = !once;
    return add(queue, part, fd, EPOLLOUT | (once ? EPOLLONESHOT : 0));
}

/* ---- events -------------------------------------------------------------------------------- */

static int take_user(const struct queue *queue, struct kevent *events, int room)
{
    uint64_t triggers;
    if (room == 0 || read(queue->parts[PART_USER], &triggers, sizeof(triggers)) < 0) {
        return 0;
    }
    *events = (struct kevent){.ident = queue->user_ident, .filter = EVFILT_USER, .flags = EV_CLEAR};
    return 1;
}

static struct kevent read_event(int fd, uint32_t events)
{
    bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if ((events & EPOLLPRI) != 0) {
        fake_xnu_urgent(fd);
    }
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        fake_xnu_ended(fd);
    }
    return (struct kevent){.ident = (uintptr_t)fd,
                           .filter = EVFILT_READ,
                           .flags = (unsigned short)(EV_CLEAR | (ended ? EV_EOF : 0)),
                           .data = fake_xnu_unread(fd, ended),
                           .udata = descriptors[fd].udata[PART_READ]};
}

static struct kevent write_event(int fd, uint32_t events)
{
    bool ended = (events & (EPOLLHUP | EPOLLERR)) != 0;
    if (ended) {
        fake_xnu_ended(fd);
    }
    return (struct kevent){.ident = (uintptr_t)fd,
                           .filter = EVFILT_WRITE,
                           .flags = (unsigned short)(ended ? EV_EOF : 0),
                           .udata = descriptors[fd].udata[PART_WRITE]};
}

/* The events of one filter, without a wait. */
static int take(const struct queue *queue, enum part part, struct kevent *events, int room)
{
    struct epoll_event raw[EVENTS_MAX];
    int most = room < EVENTS_MAX ? room : EVENTS_MAX;
    int count = most > 0 ? epoll_wait(queue->parts[part], raw, most, 0) : 0;
    for (int i = 0; i < count; i++) {
        int fd = raw[i].data.fd;
        events[i] =
            part == PART_READ ? read_event(fd, raw[i].events) : write_event(fd, raw[i].events);
        acknowledgements +=
            events[i].filter == EVFILT_READ && descriptors[fd].stays && fake_xnu_acknowledged(fd);
    }
    return count > 0 ? count : 0;
}

/* Reports the resets that a send has hidden. */
static int take_resets(const struct queue *queue, struct kevent *events, int room)
{
    int count = 0;
    int fd;
    while (count < room && (fd = fake_xnu_take_reset(queue->fd)) >= 0) {
        events[count++] = read_event(fd, EPOLLHUP);
    }
    return count;
}

static int wait_ms(const struct timespec *timeout)
{
    if (timeout == NULL) {
        return -1;
    }
    return timeout->tv_sec > INT_MAX / 1000 - 1
               ? INT_MAX
               : (int)(timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000);
}

static int wait_events(const struct queue *queue, struct kevent *events, int room,
                       const struct timespec *timeout)
{
    struct epoll_event ready[PARTS];
    int count = take_resets(queue, events, room);
    int parts = epoll_wait(queue->fd, ready, PARTS, count > 0 ? 0 : wait_ms(timeout));
    for (int i = 0; i < parts; i++) {
        enum part part = (enum part)ready[i].data.fd;
        struct kevent *at = events + count;
        count += part == PART_USER ? take_user(queue, at, room - count)
                                   : take(queue, part, at, room - count);
    }
    return parts < 0 ? -1 : count;
}

int kevent(int fd, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout)
{
    struct queue *queue = find_queue(fd);
    if (queue == NULL) {
        errno = EBADF;
        return -1;
    }
    for (int i = 0; i < change_count; i++) {
        if (apply(queue, &changes[i]) != 0) {
            return -1;
        }
    }
    return event_count > 0 ? wait_events(queue, events, event_count, timeout) : 0;
}
