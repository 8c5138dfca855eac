#ifndef ECHOPORT_INJECT_H
#define ECHOPORT_INJECT_H

/*
 * Inside libinject.so, which is preloaded into a program so that one of its calls fails, or is cut
 * short. Variables of the environment say which:
 *
 *   INJECT         CALL:NTH:ERRNO, the NTH call from 1 on fails with that number and is not carried
 *                  out, unless it is close(), or connect() and EINTR; CALL:NTH:0, it moves one byte
 *                  alone; of getaddrinfo() every call that would fail waits instead
 *   INJECT_GATE    a file: while it exists, every call from the NTH on fails
 *   INJECT_THREAD  main: count the calls of the main thread, not those of the others
 *   INJECT_REPORT  a file that gets a line when it has: "struck"; and a line at the end of the
 *                  program: "open N", how many descriptors are
 *
 * Otherwise calls of the main thread don't count: it does no input or output of a backend. Of read
 * and write only those on sockets count, and not on standard streams. Of epoll_ctl only those count
 * that add a descriptor, since a change can't fail.
 */

#include <stdbool.h>
#include <stddef.h>

struct inject {
    char call[32];
    unsigned nth;
    int error; /* 0: cut short */
    bool main_thread;
    const char *gate; /* NULL: it fails once */
};

/* What is asked for. */
const struct inject *inject_wanted(void);

/* Counts a call, and tells whether it is the one. */
bool inject_strikes(const char *call);

/* Finds the function that this library stands before, and stores it at `next`, of that size. */
void inject_find(const char *name, void *next, size_t size);

#endif
