#include "usage.h"

#include <string.h>

#include <uv.h>

#include <psapi.h>

static double seconds(const FILETIME *time)
{
    ULARGE_INTEGER ticks = {
        .u = {.LowPart = time->dwLowDateTime, .HighPart = time->dwHighDateTime}};
    return (double)ticks.QuadPart / 1e7; /* of 100 ns */
}

int usage_read(int pid, struct usage *usage)
{
    FILETIME created;
    FILETIME ended;
    FILETIME system;
    FILETIME user;
    PROCESS_MEMORY_COUNTERS memory = {.cb = sizeof(memory)};
    memset(usage, 0, sizeof(*usage));
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)pid);
    if (process == NULL) {
        return uv_translate_sys_error((int)GetLastError());
    }
    int status = 0;
    if (GetProcessTimes(process, &created, &ended, &system, &user) &&
        K32GetProcessMemoryInfo(process, &memory, sizeof(memory))) {
        usage->cpu_seconds = seconds(&system) + seconds(&user);
        usage->rss_bytes = memory.WorkingSetSize;
        usage->peak_rss_bytes = memory.PeakWorkingSetSize;
    } else {
        status = uv_translate_sys_error((int)GetLastError());
    }
    (void)CloseHandle(process);
    return status;
}

const uint64_t usage_tick_ns = 15625000; /* the period of the clock interrupt */
