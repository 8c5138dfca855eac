/* The calls of the C library. */

#include "inject.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static struct inject wanted;
static atomic_uint calls; /* of wanted.call */

const struct inject *inject_wanted(void)
{
    return &wanted;
}

/* Makes its system calls directly: the functions are replaced here. */
static void report(const char *line)
{
    const char *path = getenv("INJECT_REPORT");
    if (path == NULL) {
        return;
    }
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)syscall(SYS_write, fd, line, strlen(line));
        (void)syscall(SYS_close, fd);
    }
}

/* Whether the call with that number fails. */
static bool is_due(unsigned number)
{
    return wanted.gate != NULL ? number >= wanted.nth && syscall(SYS_access, wanted.gate, F_OK) == 0
                               : number == wanted.nth;
}

bool inject_strikes(const char *call)
{
    int error = errno;
    bool strikes = strcmp(call, wanted.call) == 0 &&
                   (syscall(SYS_gettid) == getpid()) == wanted.main_thread &&
                   is_due(atomic_fetch_add(&calls, 1) + 1);
    if (strikes) {
        report("struck\n");
    }
    errno = error;
    return strikes;
}

void inject_find(const char *name, void *next, size_t size)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(next, &symbol, size);
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("INJECT");
    if (text != NULL && /* written by test_inject. NOLINTNEXTLINE(cert-err34-c) */
        sscanf(text, "%47[^:]:%u:%d", wanted.call, &wanted.nth, &wanted.error) != 3) {
        wanted.call[0] = '\0';
    }
    const char *thread = getenv("INJECT_THREAD");
    wanted.main_thread = thread != NULL && strcmp(thread, "main") == 0;
    wanted.gate = getenv("INJECT_GATE");
}

/* Three entries are no open descriptors of the program: ".", "..", the directory's own. */
__attribute__((destructor)) static void end(void)
{
    char line[32];
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    (void)snprintf(line, sizeof(line), "open %d\n", count - 3);
    report(line);
}

static int fail(void)
{
    errno = wanted.error;
    return -1;
}

/* A socket of a backend: the standard streams may be sockets, too. */
static bool is_socket(int fd)
{
    if (fd <= STDERR_FILENO) {
        return false;
    }
    int error = errno;
    int type;
    socklen_t size = sizeof(type);
    bool is = syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
    errno = error;
    return is;
}

/* ---- edges --------------------------------------------------------------------------------- */

#define FDS 4096

/* By descriptor: the epoll that watches it, and for what. */
static struct {
    int queue; /* 0: none */
    struct epoll_event event;
} watched[FDS];

int epoll_ctl(int queue, int how, int fd, struct epoll_event *event)
{
    static int (*next)(int, int, int, struct epoll_event *);
    inject_find("epoll_ctl", &next, sizeof(next));
    int result = next(queue, how, fd, event);
    if (result == 0 && how == EPOLL_CTL_ADD && inject_strikes("epoll_ctl")) {
        (void)next(queue, EPOLL_CTL_DEL, fd, NULL);
        return fail();
    }
    if (result == 0 && fd < FDS && how != EPOLL_CTL_DEL) {
        watched[fd].queue = queue;
        watched[fd].event = *event;
    }
    return result;
}

/* After EAGAIN and after a short transfer the kernel reports when there is more. Nothing happened
 * there, so this makes it report. */
static void promise_edge(int fd)
{
    int error = errno;
    if (fd < FDS && watched[fd].queue != 0 && wanted.gate == NULL) {
        (void)syscall(SYS_epoll_ctl, watched[fd].queue, EPOLL_CTL_MOD, fd, &watched[fd].event);
    }
    errno = error;
}

/* ---- calls that fail ----------------------------------------------------------------------- */

#define FAILING(name, parameters, arguments)                                                       \
    int name parameters                                                                            \
    {                                                                                              \
        static int(*next) parameters;                                                              \
        inject_find(#name, &next, sizeof(next));                                                   \
        return inject_strikes(#name) ? fail() : next arguments;                                    \
    }

FAILING(epoll_create1, (int flags), (flags))
FAILING(pipe2, (int fds[2], int flags), (fds, flags))
FAILING(eventfd, (unsigned count, int flags), (count, flags))
FAILING(epoll_wait, (int queue, struct epoll_event *events, int room, int timeout),
        (queue, events, room, timeout))
FAILING(epoll_pwait,
        (int queue, struct epoll_event *events, int room, int timeout, const sigset_t *mask),
        (queue, events, room, timeout, mask))
FAILING(socket, (int family, int type, int protocol), (family, type, protocol))
FAILING(listen, (int fd, int backlog), (fd, backlog))
FAILING(accept4, (int fd, __SOCKADDR_ARG address, socklen_t *restrict size, int flags),
        (fd, address, size, flags))
FAILING(shutdown, (int fd, int how), (fd, how))
FAILING(getsockopt, (int fd, int level, int option, void *restrict value, socklen_t *restrict size),
        (fd, level, option, value, size))
FAILING(setsockopt, (int fd, int level, int option, const void *value, socklen_t size),
        (fd, level, option, value, size))

/* After EINTR the connect goes on. */
int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    static int (*next)(int, __CONST_SOCKADDR_ARG, socklen_t);
    inject_find("connect", &next, sizeof(next));
    bool strikes = inject_strikes("connect");
    if (strikes && wanted.error != EINTR) {
        return fail();
    }
    int result = next(fd, address, size);
    return strikes ? fail() : result;
}

/* A resolver that gets no answer while calls are to fail. */
int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
    static int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    const struct timespec pause = {.tv_nsec = 1000000};
    inject_find("getaddrinfo", &next, sizeof(next));
    bool is_query = (hints->ai_flags & AI_NUMERICHOST) == 0;
    while (is_query && inject_strikes("getaddrinfo")) {
        (void)nanosleep(&pause, NULL);
    }
    return next(host, service, hints, found);
}

/* The descriptor is closed even if the call fails. */
int close(int fd)
{
    static int (*next)(int);
    inject_find("close", &next, sizeof(next));
    bool strikes = inject_strikes("close");
    int result = next(fd);
    return strikes ? fail() : result;
}

int fcntl(int fd, int command, ...)
{
    static int (*next)(int, int, ...);
    va_list list;
    inject_find("fcntl", &next, sizeof(next));
    va_start(list, command);
    long argument = va_arg(list, long);
    va_end(list);
    return inject_strikes("fcntl") ? fail() : next(fd, command, argument);
}

int ioctl(int fd, unsigned long request, ...)
{
    static int (*next)(int, unsigned long, ...);
    va_list list;
    inject_find("ioctl", &next, sizeof(next));
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    return inject_strikes("ioctl") ? fail() : next(fd, request, argument);
}

/* ---- calls that fail, or are cut short ----------------------------------------------------- */

/* The calls that move `size` bytes. */
#define MOVING(name, parameters, arguments, is_counted, size)                                      \
    ssize_t name parameters                                                                        \
    {                                                                                              \
        static ssize_t(*next) parameters;                                                          \
        inject_find(#name, &next, sizeof(next));                                                   \
        if (!(is_counted) || !inject_strikes(#name)) {                                             \
            return next arguments;                                                                 \
        }                                                                                          \
        (size) = 1;                                                                                \
        ssize_t result = wanted.error != 0 ? fail() : next arguments;                              \
        promise_edge(fd);                                                                          \
        return result;                                                                             \
    }

MOVING(recv, (int fd, void *data, size_t length, int flags), (fd, data, length, flags), true,
       length)
MOVING(send, (int fd, const void *data, size_t length, int flags), (fd, data, length, flags), true,
       length)
MOVING(read, (int fd, void *data, size_t length), (fd, data, length), is_socket(fd), length)
MOVING(write, (int fd, const void *data, size_t length), (fd, data, length), is_socket(fd), length)

/* ---- calls that are no system calls -------------------------------------------------------- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument)
{
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    inject_find("pthread_create", &next, sizeof(next));
    return inject_strikes("pthread_create") ? wanted.error
                                            : next(thread, attributes, run, argument);
}

#ifndef __SANITIZE_ADDRESS__ /* it replaces the heap itself */

/* Other names in glibc: dlsym() may allocate memory, so it can't find malloc(). */
extern void *__libc_malloc(size_t size);               /* NOLINT(bugprone-reserved-identifier) */
extern void *__libc_calloc(size_t count, size_t size); /* NOLINT(bugprone-reserved-identifier) */

static void *fail_memory(void)
{
    errno = wanted.error;
    return NULL;
}

void *malloc(size_t size)
{
    return inject_strikes("malloc") ? fail_memory() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return inject_strikes("calloc") ? fail_memory() : __libc_calloc(count, size);
}

#endif
