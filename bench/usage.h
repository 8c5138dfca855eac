#ifndef ECHOPORT_USAGE_H
#define ECHOPORT_USAGE_H

/* What another process, which runs, has used so far: the same question for each server, ours or
 * not. */

#include <stdint.h>

struct usage {
    double cpu_seconds; /* user and system, of all its threads, those that have ended included */
    uint64_t rss_bytes; /* memory resident now */
    uint64_t peak_rss_bytes;
};

/* 0; UV_ENOTSUP where the system isn't asked; or another UV error: there is no such process, or it
 * may not be looked at. `usage` is then all 0. */
int usage_read(int pid, struct usage *usage);

/* The resolution of `cpu_seconds`, in nanoseconds. */
extern const uint64_t usage_tick_ns;

#endif
