#include "output_system.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

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
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* fails only for a bad operation */
    int status = call(context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

void output_system_await_room(uv_file file)
{
    struct pollfd room = {.fd = file, .events = POLLOUT};
    (void)poll(&room, 1, -1); /* the next write gives any error */
}

/* POLLERR and POLLHUP count as room: then the write fails and does not wait. */
bool output_system_is_stuck(uv_file file, uint64_t for_ms)
{
    struct pollfd room = {.fd = file, .events = POLLOUT};
    (void)for_ms;
    return poll(&room, 1, 0) == 0;
}

bool output_system_is_one(uv_file file, uv_file other)
{
    struct stat one;
    struct stat two;
    return fstat(file, &one) == 0 && fstat(other, &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

size_t output_system_columns(uv_file file)
{
    struct winsize size;
    return ioctl(file, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
