#ifndef ECHOPORT_USAGE_H
#define ECHOPORT_USAGE_H

/* What another running process has used so far: the same for our servers and for others. */

#include <stdint.h>

struct usage {
    double cpu_seconds; /* user and system, of all its threads, also ended ones */
    uint64_t rss_bytes; /* memory resident now */
    uint64_t peak_rss_bytes;
};

/* Returns 0; UV_ENOTSUP on systems where this is not done; another UV error: there is no such
 * process, or access is denied. After an error `usage` is all 0. */
int usage_read(int pid, struct usage *usage);

/* The resolution of `cpu_seconds`, in nanoseconds. */
extern const uint64_t usage_tick_ns;

#endif
