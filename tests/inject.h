#ifndef ECHOPORT_INJECT_H
#define ECHOPORT_INJECT_H

/*
 * Inside libinject.so, which is preloaded into a program so that one of its calls fails, or is cut
 * short. What is asked for stands in the environment:
 *
 *   INJECT         CALL:NTH:ERRNO, the NTH call from 1 on fails with that number and is not carried
 *                  out, unless it is close(), or connect() and EINTR; CALL:NTH:0, it moves one byte
 *                  alone
 *   INJECT_GATE    a file: every call from the NTH on fails, as long as the file is there
 *   INJECT_THREAD  main: it is the main thread's calls that count, not those of the others
 *   INJECT_REPORT  a file that gets a line when it has: "struck"; and a line at the end of the
 *                  program: "open N", how many descriptors are
 *
 * Else the main thread is spared: it does no input or output of a backend. Of read and write, those
 * of sockets count, but for standard streams; of epoll_ctl, those that add a descriptor, since a
 * change can't fail.
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
