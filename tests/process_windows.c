#include "process_system.h"

#include <psapi.h>
#include <signal.h>

#include "process.h"
#include "trigger.h"

const char *process_system_cannot(int number)
{
    bool can = number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGKILL;
    return can ? NULL : "Windows has nothing like it";
}

/* What a program of ours would do at the signal, it does at the trigger; SIGKILL is libuv's. */
int process_system_signal(uv_process_t *handle, int number)
{
    if (number == SIGKILL) {
        return uv_process_kill(handle, number);
    }
    return trigger_send(handle->pid, number == SIGHUP ? SYS_RESTART : SYS_STOP);
}

/* A FILETIME counts 100 ns. */
static uint64_t filetime_ms(FILETIME time)
{
    return (((uint64_t)time.dwHighDateTime << 32) | time.dwLowDateTime) / 10000;
}

bool process_system_cpu_ms(const uv_process_t *handle, uint64_t *cpu_ms)
{
    FILETIME created, ended, kernel, user;
    if (!GetProcessTimes(handle->process_handle, &created, &ended, &kernel, &user)) {
        return false;
    }
    *cpu_ms = filetime_ms(kernel) + filetime_ms(user);
    return true;
}

bool process_system_rss_bytes(const uv_process_t *handle, uint64_t *rss_bytes)
{
    PROCESS_MEMORY_COUNTERS counters = {.cb = sizeof(counters)};
    if (!GetProcessMemoryInfo(handle->process_handle, &counters, sizeof(counters))) {
        return false;
    }
    *rss_bytes = counters.WorkingSetSize;
    return true;
}

bool process_system_handles(const uv_process_t *handle, size_t *count)
{
    DWORD found;
    if (!GetProcessHandleCount(handle->process_handle, &found)) {
        return false;
    }
    *count = found;
    return true;
}
