#include "subprocess_system.h"

#include <assert.h>
#include <psapi.h>
#include <signal.h>
#include <stdlib.h>
#include <tlhelp32.h>
#include <winternl.h>

#include "subprocess.h"
#include "trigger.h"

const char process_program_suffix[] = ".exe";

const char *process_system_cannot(int number)
{
    bool can = number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGKILL;
    return can ? NULL : "Windows has nothing like it";
}

/* Our programs listen for the trigger of what the signal means. libuv implements SIGKILL. */
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

#define SYSTEM_EXTENDED_HANDLES 64                     /* SystemExtendedHandleInformation */
#define SYSTEM_BUFFER_TOO_SMALL ((NTSTATUS)0xC0000004) /* STATUS_INFO_LENGTH_MISMATCH */

struct system_handle {
    void *object;
    ULONG_PTR process;
    ULONG_PTR value;
    ULONG access;
    USHORT trace;
    USHORT type;
    ULONG attributes;
    ULONG reserved;
};

struct system_handles {
    ULONG_PTR count;
    ULONG_PTR reserved;
    struct system_handle list[];
};

/* All handles of all processes, to be freed; NULL if the system does not say. */
static struct system_handles *system_handles(void)
{
    struct system_handles *handles = NULL;
    ULONG size = 1 << 18;
    NTSTATUS status;
    do {
        free(handles);
        size *= 2;
        handles = malloc(size);
        assert(handles != NULL);
        status = NtQuerySystemInformation((SYSTEM_INFORMATION_CLASS)SYSTEM_EXTENDED_HANDLES,
                                          handles, size, NULL);
    } while (status == SYSTEM_BUFFER_TOO_SMALL);
    if (status != 0) {
        free(handles);
        handles = NULL;
    }
    return handles;
}

/* From the list of all: GetProcessHandleCount() counts none in Wine. */
bool process_system_handles(int id, size_t *count)
{
    struct system_handles *handles = system_handles();
    *count = 0;
    for (ULONG_PTR i = 0; handles != NULL && i < handles->count; i++) {
        *count += handles->list[i].process == (DWORD)id;
    }
    free(handles);
    return *count > 0;
}

#define THREAD_BASIC_INFORMATION_CLASS 0 /* ThreadBasicInformation */

struct thread_basic_information {
    NTSTATUS exit_status;
    void *block;
    CLIENT_ID id;
    ULONG_PTR affinity;
    LONG priority;
    LONG base_priority;
};

/* The CPUs that the thread may run on; 0 if the system does not say. */
static ULONG_PTR thread_affinity(DWORD id)
{
    struct thread_basic_information information = {.affinity = 0};
    HANDLE thread = OpenThread(THREAD_QUERY_INFORMATION, FALSE, id);
    if (thread == NULL) {
        return 0;
    }
    NTSTATUS status =
        NtQueryInformationThread(thread, (THREADINFOCLASS)THREAD_BASIC_INFORMATION_CLASS,
                                 &information, sizeof(information), NULL);
    (void)CloseHandle(thread);
    return status == 0 ? information.affinity : 0;
}

bool process_system_pinned_threads(const uv_process_t *handle, int cpu, size_t *count)
{
    THREADENTRY32 entry = {.dwSize = sizeof(entry)};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    *count = 0;
    if (snapshot == INVALID_HANDLE_VALUE) {
        return false;
    }
    for (BOOL more = Thread32First(snapshot, &entry); more; more = Thread32Next(snapshot, &entry)) {
        *count += entry.th32OwnerProcessID == (DWORD)handle->pid &&
                  thread_affinity(entry.th32ThreadID) == (ULONG_PTR)1 << cpu;
    }
    (void)CloseHandle(snapshot);
    return true;
}
