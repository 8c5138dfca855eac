#ifndef ECHOPORT_SUBPROCESS_SYSTEM_H
#define ECHOPORT_SUBPROCESS_SYSTEM_H

/* What subprocess.c asks of the system: subprocess_posix.c, subprocess_windows.c. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

/* Why the signal can't be sent to a process here so that it acts on it; NULL: it can. */
const char *process_system_cannot(int number);

/* Sends it to a process that hasn't ended, as far as is known. 0 or a UV error. */
int process_system_signal(uv_process_t *handle, int number);

/* CPU time used so far, and resident memory now. False: the system doesn't say. */
bool process_system_cpu_ms(const uv_process_t *handle, uint64_t *cpu_ms);
bool process_system_rss_bytes(const uv_process_t *handle, uint64_t *rss_bytes);

/* Descriptors (on Windows handles) of the process with this id. False: the system doesn't say. */
bool process_system_handles(int id, size_t *count);

/* How many threads may run only on this CPU. False: the system does not tell. */
bool process_system_pinned_threads(const uv_process_t *handle, int cpu, size_t *count);

#endif
