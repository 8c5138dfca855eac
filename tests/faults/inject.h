#ifndef ECHOPORT_INJECT_H
#define ECHOPORT_INJECT_H

/*
 * The parts of libinject.so, which is preloaded into a program so that one of its calls fails, or
 * moves one byte only. Environment variables say which:
 *
 *   INJECT         CALL:NTH:ERRNO: the NTH call, counted from 1, fails with that number. It is not
 *                  carried out, except close(), and connect() with EINTR. CALL:NTH:0: it moves one
 *                  byte only. A getaddrinfo() that would fail waits instead
 *   INJECT_GATE    a file: while it exists, every call from the NTH on fails
 *   INJECT_THREAD  main: count the calls of the main thread, not those of the others
 *   INJECT_REPORT  a file that gets a line "struck" when a call fails. At the end of the program it
 *                  gets a line "open N": the number of open descriptors
 *
 * By default, calls of the main thread don't count: it does no input or output of a backend. Of
 * read and write, only those on sockets other than the standard streams count. Of epoll_ctl, only
 * those that add a descriptor count, since a change can't fail.
 */

#include <stdbool.h>
#include <stddef.h>

struct inject {
    char call[48];
    unsigned nth;
    int error; /* 0: it moves one byte only */
    bool main_thread;
    const char *gate; /* NULL: it fails once */
};

/* What INJECT and the other variables ask for. */
const struct inject *inject_wanted(void);

/* Counts a call: whether it is to fail. Any thread. */
bool inject_strikes(const char *call);

/* Stores a pointer to the function that this library replaces at `next`, of `size` bytes. */
void inject_find(const char *name, void *next, size_t size);

#endif
