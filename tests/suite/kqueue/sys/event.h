#ifndef ECHOPORT_EVENT_H
#define ECHOPORT_EVENT_H

/*
 * As much of <sys/event.h> as kqueue.c uses, for a test on a system without kqueue. Names,
 * members and meanings are those of kqueue(2); the numbers are FreeBSD's.
 */

#include <stdint.h>
#include <time.h>

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned fflags;
    int64_t data;
    void *udata;
};

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_USER (-11)

#define EV_ADD 0x0001
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

#define NOTE_TRIGGER 0x01000000

#define EV_SET(at, its_ident, its_filter, its_flags, its_fflags, its_data, its_udata)              \
    (*(at) = (struct kevent){(its_ident), (its_filter), (its_flags), (its_fflags), (its_data),     \
                             (its_udata)})

/* A test brings them along: fake_kqueue.c, or test_kqueue.c. */
int kqueue(void);
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout);

#endif
