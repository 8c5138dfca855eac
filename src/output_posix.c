#include "output_system.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

bool output_system_is_device(const char *path)
{
    (void)path;
    return false;
}

size_t output_system_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

bool output_system_is_absolute(const char *path)
{
    return path[0] == '/';
}

int output_system_hold_signals(int (*call)(void *context), void *context)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* fails for a bad operation alone */
    int status = call(context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}
