#include "sys.h"

#include <fcntl.h>
#include <io.h>
#include <mmsystem.h>
#include <psapi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/*
 * When a console is closed, Windows ends each of its processes when its handler returns, after five
 * seconds at the latest. libuv's handler raises SIGHUP and does not return. So the program has five
 * seconds to finish and print.
 */
#define CONSOLE_GRACE_MS 5000

#define TIMER_PERIOD_MS 1

const struct sys_signal sys_signals[] = {
    {.number = SIGINT, .name = "Ctrl-C", .meaning = SYS_STOP, .keyboard = true},
    {.number = SIGBREAK, .name = "Ctrl-Break", .meaning = SYS_RESTART, .keyboard = true},
    {.number = SIGHUP, .name = "console close", .meaning = SYS_STOP, .grace_ms = CONSOLE_GRACE_MS},
};

const size_t sys_signal_count = LENGTH(sys_signals);

const char sys_null_device[] = "NUL";

static bool had_output[3];

bool sys_has_output(int descriptor)
{
    return had_output[descriptor];
}

static bool has_handle(DWORD which)
{
    HANDLE handle = GetStdHandle(which);
    return handle != NULL && handle != INVALID_HANDLE_VALUE;
}

/* The C library has no descriptor for a stream without a handle. */
static void open_standard_descriptors(void)
{
    had_output[1] = has_handle(STD_OUTPUT_HANDLE);
    had_output[2] = has_handle(STD_ERROR_HANDLE);
    bool neither = !had_output[1] && !had_output[2];
    for (int i = 1; i <= 2; i++) {
        int null = had_output[i] ? -1 : _open(sys_null_device, _O_WRONLY | _O_BINARY);
        if (null >= 0 && null != i) {
            (void)_dup2(null, i);
            (void)_close(null);
        }
        had_output[i] = had_output[i] || neither;
    }
}

/* If a process was started with Ctrl-C ignored, Windows does not deliver it. */
bool sys_is_ignored(const struct sys_signal *signal)
{
    (void)signal;
    return false;
}

void sys_signals_block(void)
{
}

void sys_signals_end(void)
{
}

bool sys_terminal_is_gone(void)
{
    return false;
}

void sys_setup(void)
{
    WSADATA data;
    (void)WSAStartup(MAKEWORD(2, 2), &data); /* if it fails, the first socket reports it */
    open_standard_descriptors();
    (void)_setmode(1, _O_BINARY);
    (void)_setmode(2, _O_BINARY);
}

bool sys_takes_sequences(int descriptor)
{
    HANDLE console = GetStdHandle(descriptor == 1 ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE);
    DWORD mode;
    return GetConsoleMode(console, &mode) &&
           SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

/* Only memory limits the number of handles. */
uint64_t sys_raise_descriptor_limit(void)
{
    return UINT64_MAX;
}

const char *sys_shortage(int status)
{
    bool short_of_memory = status == UV_ENOMEM || status == UV_ENOBUFS || status == UV_EAGAIN ||
                           status == UV_EAI_MEMORY || status == UV_EMFILE;
    return short_of_memory ? "; close other programs, or use fewer threads and smaller buffers"
                           : "";
}

/* Windows counts CPUs within groups of at most 64. */
int sys_pin_thread(int cpu)
{
    if (cpu < 0) {
        return UV_EINVAL;
    }
    DWORD left = (DWORD)cpu;
    WORD groups = GetActiveProcessorGroupCount();
    for (WORD group = 0; group < groups; group++) {
        DWORD size = GetActiveProcessorCount(group);
        if (left < size) {
            GROUP_AFFINITY affinity = {.Mask = (KAFFINITY)1 << left, .Group = group};
            if (!SetThreadGroupAffinity(GetCurrentThread(), &affinity, NULL)) {
                return uv_translate_sys_error((int)GetLastError());
            }
            return 0;
        }
        left -= size;
    }
    return UV_EINVAL;
}

/* A FILETIME counts 100 ns. */
static uint64_t filetime_ns(FILETIME time)
{
    return (((uint64_t)time.dwHighDateTime << 32) | time.dwLowDateTime) * 100;
}

static bool timer_is_refined;

void sys_timer_refine(void)
{
    if (!timer_is_refined) {
        timer_is_refined = timeBeginPeriod(TIMER_PERIOD_MS) == TIMERR_NOERROR;
    }
}

void sys_timer_restore(void)
{
    if (timer_is_refined) {
        (void)timeEndPeriod(TIMER_PERIOD_MS); /* fails only for a period that was not set */
        timer_is_refined = false;
    }
}

uint64_t sys_thread_cpu_ns(void)
{
    FILETIME created, ended, kernel, user;
    if (!GetThreadTimes(GetCurrentThread(), &created, &ended, &kernel, &user)) {
        return 0;
    }
    return filetime_ns(kernel) + filetime_ns(user);
}

uint64_t sys_thread_wait_ns(void)
{
    return UINT64_MAX;
}

uint64_t sys_steal_ns(void)
{
    return UINT64_MAX;
}

void sys_process_cpu_ns(uint64_t *user_ns, uint64_t *system_ns)
{
    FILETIME created, ended, kernel, user;
    *user_ns = 0;
    *system_ns = 0;
    if (GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user)) {
        *user_ns = filetime_ns(user);
        *system_ns = filetime_ns(kernel);
    }
}

uint64_t sys_peak_rss_bytes(void)
{
    PROCESS_MEMORY_COUNTERS counters = {.cb = sizeof counters};
    if (!GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters)) {
        return 0;
    }
    return counters.PeakWorkingSetSize;
}

/* For example "8.0"; NULL: this is Windows. */
static const char *wine_version(void)
{
    const char *(CDECL * version)(void) = NULL;
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    FARPROC found = ntdll != NULL ? GetProcAddress(ntdll, "wine_get_version") : NULL;
    memcpy(&version, &found, sizeof version);
    return version != NULL ? version() : NULL;
}

bool sys_is_wine(void)
{
    return wine_version() != NULL;
}

bool sys_is_wine_before(unsigned major)
{
    const char *version = wine_version();
    return version != NULL && strtoul(version, NULL, 10) < major;
}

const bool sys_slash_options = true;
