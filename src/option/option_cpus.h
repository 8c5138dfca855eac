#ifndef ECHOPORT_OPTION_CPUS_H
#define ECHOPORT_OPTION_CPUS_H

/* Lists of CPUs, as in 0,2-3. */

#include <stddef.h>

#define OPTION_CPU_LIMIT 1024

/* In the order given, each at most once. */
struct option_cpus {
    int ids[OPTION_CPU_LIMIT]; /* 0 to OPTION_CPU_LIMIT - 1 */
    size_t count;
};

/* Reads all of `text`. Returns 0; UV_EINVAL when it is not such a list, or has a CPU twice; or
 * UV_ERANGE when a CPU is too large. `cpus` changes only on success. */
int option_parse_cpus(const char *text, struct option_cpus *cpus);

#endif
