#include "usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uv.h>

/* Memory, from /proc/PID/status, which has it in KiB. See proc(5). */
static uint64_t status_bytes(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10) * 1024;
}

static int read_memory(int pid, struct usage *usage)
{
    char text[4096];
    (void)snprintf(text, sizeof(text), "/proc/%d/status", pid);
    FILE *file = fopen(text, "rb");
    if (file == NULL) {
        return UV_ESRCH;
    }
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    (void)fclose(file);
    usage->rss_bytes = status_bytes(text, "VmRSS:");
    usage->peak_rss_bytes = status_bytes(text, "VmHWM:");
    return 0;
}

/* The clock of its CPU time is exact; /proc/PID/stat has ticks of 10 ms. */
int usage_read(int pid, struct usage *usage)
{
    clockid_t clock;
    struct timespec time;
    memset(usage, 0, sizeof(*usage));
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
        return UV_ESRCH;
    }
    usage->cpu_seconds = (double)time.tv_sec + (double)time.tv_nsec / 1e9;
    return read_memory(pid, usage);
}

const uint64_t usage_tick_ns = 1;
