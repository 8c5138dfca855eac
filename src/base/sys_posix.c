#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#include "util.h"

const struct sys_signal sys_signals[] = {
    {.number = SIGINT, .name = "SIGINT", .meaning = SYS_STOP, .keyboard = true},
    {.number = SIGTERM, .name = "SIGTERM", .meaning = SYS_STOP},
    {.number = SIGHUP, .name = "SIGHUP", .meaning = SYS_HANG_UP, .keyboard = true},
    {.number = SIGUSR1, .name = "SIGUSR1", .meaning = SYS_REPORT},
    {.number = SIGUSR2, .name = "SIGUSR2", .meaning = SYS_RESTART},
#ifdef SIGINFO
    {.number = SIGINFO, .name = "SIGINFO", .meaning = SYS_REPORT, .keyboard = true},
#endif
};

const size_t sys_signal_count = LENGTH(sys_signals);

const char sys_null_device[] = "/dev/null";

static bool had_output[STDERR_FILENO + 1];

bool sys_has_output(int descriptor)
{
    return had_output[descriptor];
}

bool sys_is_ignored(const struct sys_signal *signal)
{
    struct sigaction action;
    return signal->keyboard && sigaction(signal->number, NULL, &action) == 0 &&
           action.sa_handler == SIG_IGN;
}

static void set_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    for (size_t i = 0; i < sys_signal_count; i++) {
        (void)sigaddset(set, sys_signals[i].number);
    }
}

void sys_signals_block(void)
{
    sigset_t set;
    set_signals(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void on_late_signal(int number)
{
    (void)number;
}

static void on_late_stop(int number)
{
    static volatile sig_atomic_t stops;
    (void)number;
    stops++;
    if (stops > 1) {
        _exit(EXIT_FAILURE);
    }
}

void sys_signals_end(void)
{
    sigset_t set;
    for (size_t i = 0; i < sys_signal_count; i++) {
        const struct sys_signal *at = &sys_signals[i];
        if (!sys_is_ignored(at)) {
            (void)signal(at->number, at->meaning == SYS_STOP ? on_late_stop : on_late_signal);
        }
    }
    set_signals(&set);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- terminal ------------------------------------------------------------------------------ */

static bool had_terminal;

/* Opens and closes the controlling terminal. 0, or the errno. */
static int try_terminal(void)
{
    int descriptor = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) {
        return errno;
    }
    (void)close(descriptor);
    return 0;
}

/* Other errors, such as EMFILE, don't mean that the terminal is gone. */
bool sys_terminal_is_gone(void)
{
    int error = had_terminal ? try_terminal() : 0;
    return error == ENXIO || error == EIO || error == ENODEV;
}

static void open_standard_descriptors(void)
{
    int descriptor;
    for (descriptor = STDOUT_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        int flags = fcntl(descriptor, F_GETFL);
        had_output[descriptor] = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
    }
    do {
        descriptor = open("/dev/null", O_RDWR);
    } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
}

void sys_setup(void)
{
    open_standard_descriptors();
    had_terminal = try_terminal() == 0;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

bool sys_takes_sequences(int descriptor)
{
    return isatty(descriptor) == 1;
}

/* The usable part of `limit`: macOS caps it at kern.maxfilesperproc. */
static rlim_t highest_limit(rlim_t limit)
{
#ifdef __APPLE__
    int per_process = 0;
    size_t size = sizeof per_process;
    if (sysctlbyname("kern.maxfilesperproc", &per_process, &size, NULL, 0) == 0 &&
        per_process > 0 && (rlim_t)per_process < limit) {
        return (rlim_t)per_process;
    }
#endif
    return limit;
}

uint64_t sys_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return UINT64_MAX;
    }
    struct rlimit raised = {.rlim_cur = highest_limit(limit.rlim_max), .rlim_max = limit.rlim_max};
    if (raised.rlim_cur > limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &raised) == 0) {
        limit = raised;
    }
    rlim_t most = highest_limit(limit.rlim_cur);
    return most == RLIM_INFINITY ? UINT64_MAX : (uint64_t)most;
}

const char *sys_shortage(int status)
{
    switch (status) {
    case UV_EMFILE:
        return "; raise the limit of open files (ulimit -n)";
    case UV_ENFILE:
        return "; the system's limit of open files is reached: raise it, or close other programs";
    case UV_EAGAIN:
        return "; raise the limit of processes (ulimit -u) or of memory (ulimit -v), or use fewer "
               "threads";
    case UV_ENOMEM:
    case UV_ENOBUFS:
    case UV_EAI_MEMORY:
        return "; raise the limit of memory (ulimit -v, or the container's), or use fewer threads "
               "and smaller buffers";
    case UV_ENOSPC:
        return "; raise fs.epoll.max_user_watches: this user has reached it";
    default:
        return "";
    }
}

#ifdef __linux__

/* More than any kernel supports. */
#define CPU_LIMIT 65536

int sys_pin_thread(int cpu)
{
    if (cpu < 0 || cpu >= CPU_LIMIT) {
        return UV_EINVAL;
    }
    size_t count = (size_t)cpu + 1;
    size_t size = CPU_ALLOC_SIZE(count);
    cpu_set_t *set = CPU_ALLOC(count);
    if (set == NULL) {
        return UV_ENOMEM;
    }
    CPU_ZERO_S(size, set);
    CPU_SET_S((size_t)cpu, size, set);
    int error = pthread_setaffinity_np(pthread_self(), size, set);
    CPU_FREE(set);
    return error == 0 ? 0 : uv_translate_sys_error(error);
}

#else

int sys_pin_thread(int cpu)
{
    return cpu < 0 ? UV_EINVAL : UV_ENOTSUP;
}

#endif

void sys_timer_refine(void)
{
}

void sys_timer_restore(void)
{
}

uint64_t sys_thread_cpu_ns(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) {
        return 0;
    }
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

static uint64_t timeval_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_usec * NS_PER_US;
}

#ifdef __linux__

/* The `n`th number, from 1 on, of the next line of a file; UINT64_MAX: there is none. */
static uint64_t next_line_number(FILE *file, unsigned n)
{
    static const char digits[] = "0123456789";
    char line[256];
    char *at = fgets(line, sizeof line, file) != NULL ? strpbrk(line, digits) : NULL;
    for (; at != NULL && n > 1; n--) {
        at = strpbrk(at + strspn(at, digits), digits);
    }
    return at != NULL ? strtoull(at, NULL, 10) : UINT64_MAX;
}

/* The second number of "105423 2312 17". */
uint64_t sys_thread_wait_ns(void)
{
    FILE *file = fopen("/proc/thread-self/schedstat", "re");
    if (file == NULL) {
        return UINT64_MAX;
    }
    uint64_t wait_ns = next_line_number(file, 2);
    (void)fclose(file);
    return wait_ns;
}

/* How many lines "cpu0 ...", "cpu1 ..." follow. sys_cpu_count() has only those of this process. */
static uint64_t count_cpu_lines(FILE *file)
{
    char line[256];
    uint64_t count = 0;
    while (fgets(line, sizeof line, file) != NULL && strncmp(line, "cpu", 3) == 0) {
        count++;
    }
    return count;
}

/* The eighth number of "cpu  user nice system idle iowait irq softirq steal ...", of all CPUs. */
uint64_t sys_steal_ns(void)
{
    long per_second = sysconf(_SC_CLK_TCK);
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL) {
        return UINT64_MAX;
    }
    uint64_t ticks = next_line_number(file, 8);
    uint64_t cpus = count_cpu_lines(file);
    (void)fclose(file);
    bool known = per_second > 0 && ticks != UINT64_MAX && cpus > 0;
    return known ? ticks * (NS_PER_S / (uint64_t)per_second) / cpus : UINT64_MAX;
}

#else

uint64_t sys_thread_wait_ns(void)
{
    return UINT64_MAX;
}

uint64_t sys_steal_ns(void)
{
    return UINT64_MAX;
}

#endif

void sys_process_cpu_ns(uint64_t *user_ns, uint64_t *system_ns)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage); /* fails only for a bad first argument */
    *user_ns = timeval_ns(usage.ru_utime);
    *system_ns = timeval_ns(usage.ru_stime);
}

#ifdef __linux__

/* From the line "VmHWM:      2316 kB" of /proc/self/status; 0: there is none. */
static uint64_t status_peak_rss_bytes(void)
{
    static const char name[] = "VmHWM:";
    char line[256];
    uint64_t bytes = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && bytes == 0 && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, name, sizeof name - 1) == 0) {
            bytes = strtoull(line + sizeof name - 1, NULL, 10) * 1024;
        }
    }
    if (status != NULL) {
        (void)fclose(status);
    }
    return bytes;
}

#else

static uint64_t status_peak_rss_bytes(void)
{
    return 0;
}

#endif

/* On Linux ru_maxrss includes the program that this process ran before exec(). */
uint64_t sys_peak_rss_bytes(void)
{
    uint64_t bytes = status_peak_rss_bytes();
    if (bytes != 0) {
        return bytes;
    }
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}

bool sys_is_wine(void)
{
    return false;
}

bool sys_is_wine_before(unsigned major)
{
    (void)major;
    return false;
}

const bool sys_slash_options = false;
