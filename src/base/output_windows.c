#include "output_system.h"

#include <io.h>
#include <string.h>

#include <windows.h>

static bool is_separator(char c)
{
    return c == '/' || c == '\\';
}

static bool has_device_prefix(const char *path)
{
    return is_separator(path[0]) && is_separator(path[1]) && path[2] == '.' &&
           is_separator(path[3]);
}

/* The full name of "NUL", "con" or "\\.\pipe\x" begins with "\\.\", and that of a file does not.
 * What is too long for `full` has that prefix from the beginning, or names a file. */
bool output_system_is_device(const char *path)
{
    char full[MAX_PATH];
    DWORD length = GetFullPathNameA(path, sizeof(full), full, NULL);
    return has_device_prefix(path) ||
           (length > 0 && length < sizeof(full) && has_device_prefix(full));
}

size_t output_system_folder(const char *path)
{
    size_t length = strlen(path);
    while (length > 0 && !is_separator(path[length - 1]) && path[length - 1] != ':') {
        length--;
    }
    return length;
}

bool output_system_is_absolute(const char *path)
{
    return is_separator(path[0]) || (path[0] != '\0' && path[1] == ':');
}

static SRWLOCK calling = SRWLOCK_INIT;

/* Windows runs it on a thread of its own, before older handlers and before it ends the process. */
static BOOL WINAPI wait_for_call(DWORD event)
{
    (void)event;
    AcquireSRWLockExclusive(&calling);
    ReleaseSRWLockExclusive(&calling);
    return FALSE;
}

int output_system_hold_signals(int (*call)(void *context), void *context)
{
    AcquireSRWLockExclusive(&calling);
    (void)SetConsoleCtrlHandler(wait_for_call, TRUE);
    int status = call(context);
    ReleaseSRWLockExclusive(&calling);
    (void)SetConsoleCtrlHandler(wait_for_call, FALSE);
    return status;
}

/* Not needed: no write to an inherited handle fails with UV_EAGAIN here. */
void output_system_await_room(uv_file file)
{
    (void)file;
    Sleep(1);
}

/* A query of a pipe would wait for the write that is under way: the system serializes calls on a
 * synchronous handle. */
#define STUCK_MS 1000

bool output_system_is_stuck(uv_file file, uint64_t for_ms)
{
    (void)file;
    return for_ms >= STUCK_MS;
}

static bool is_console(HANDLE handle)
{
    DWORD mode;
    return GetConsoleMode(handle, &mode) != 0;
}

static bool is_file(HANDLE handle, BY_HANDLE_FILE_INFORMATION *information)
{
    return GetFileType(handle) == FILE_TYPE_DISK && GetFileInformationByHandle(handle, information);
}

/* Windows 10 and later, where the handles of a pipe can be compared. */
static bool is_same_object(HANDLE handle, HANDLE other)
{
    typedef BOOL(WINAPI * compare_t)(HANDLE, HANDLE);
    HMODULE module = GetModuleHandleW(L"kernelbase.dll");
    FARPROC found = module == NULL ? NULL : GetProcAddress(module, "CompareObjectHandles");
    compare_t compare = (compare_t)(void (*)(void))found;
    return handle == other || (compare != NULL && compare(handle, other));
}

bool output_system_is_one(uv_file file, uv_file other)
{
    HANDLE one = (HANDLE)_get_osfhandle(file);
    HANDLE two = (HANDLE)_get_osfhandle(other);
    BY_HANDLE_FILE_INFORMATION first;
    BY_HANDLE_FILE_INFORMATION second;
    if (is_console(one) && is_console(two)) {
        return true;
    }
    if (is_file(one, &first) && is_file(two, &second)) {
        return first.dwVolumeSerialNumber == second.dwVolumeSerialNumber &&
               first.nFileIndexHigh == second.nFileIndexHigh &&
               first.nFileIndexLow == second.nFileIndexLow;
    }
    return is_same_object(one, two);
}

size_t output_system_columns(uv_file file)
{
    CONSOLE_SCREEN_BUFFER_INFO information;
    HANDLE handle = (HANDLE)_get_osfhandle(file);
    if (!GetConsoleScreenBufferInfo(handle, &information)) {
        return 0;
    }
    int columns = information.srWindow.Right - information.srWindow.Left + 1;
    return columns > 0 ? (size_t)columns : 0;
}
