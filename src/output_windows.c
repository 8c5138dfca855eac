#include "output_system.h"

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

/* Windows runs it on a thread of its own, before the handlers that were there and before it ends
 * the process. */
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
