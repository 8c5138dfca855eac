#include "tracer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_THREADS 64

/* The program that a thread belongs to. */
static struct {
    pid_t thread;
    struct tracee *tracee;
} threads[MAX_THREADS];

static struct tracee *tracee_of(pid_t thread)
{
    for (size_t i = 0; i < MAX_THREADS; i++) {
        if (threads[i].thread == thread) {
            return threads[i].tracee;
        }
    }
    return NULL;
}

static void belongs_to(pid_t thread, struct tracee *tracee)
{
    size_t i = 0;
    while (i < MAX_THREADS && threads[i].thread != 0 && threads[i].thread != thread) {
        i++;
    }
    assert_true(i < MAX_THREADS);
    threads[i].thread = thread;
    threads[i].tracee = tracee;
}

static void forget(pid_t thread)
{
    for (size_t i = 0; i < MAX_THREADS; i++) {
        if (threads[i].thread == thread) {
            threads[i].thread = 0;
        }
    }
}

static _Noreturn void become(const char *const *arguments, const char *out)
{
    int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 ||
        raise(SIGSTOP) != 0) {
        _exit(126);
    }
    (void)execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

/* A traced child that is stopped; -1: tracing is not possible. */
static pid_t start_stopped(const char *const *arguments, const char *out)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        become(arguments, out);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
        return -1;
    }
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, pid, NULL, options) != 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        return -1;
    }
    return pid;
}

static bool get_call(pid_t thread, struct __ptrace_syscall_info *info)
{
    return ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(*info), info) > 0;
}

bool tracer_can_trace(void)
{
    static const char *const nothing[] = {"/bin/true", NULL};
    struct __ptrace_syscall_info info;
    int status;
    pid_t pid = start_stopped(nothing, "/dev/null");
    if (pid < 0) {
        return false;
    }
    bool can = ptrace(PTRACE_SYSCALL, pid, NULL, 0L) == 0 && waitpid(pid, &status, 0) == pid &&
               WIFSTOPPED(status) && get_call(pid, &info);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return can;
}

void tracer_start(struct tracee *tracee, const char *const *arguments, const char *out)
{
    memset(tracee, 0, sizeof(*tracee));
    tracee->pid = start_stopped(arguments, out);
    assert_true(tracee->pid > 0);
    belongs_to(tracee->pid, tracee);
    assert_int_equal(ptrace(PTRACE_SYSCALL, tracee->pid, NULL, 0L), 0);
}

static void count_call(struct tracee *tracee, pid_t thread)
{
    struct __ptrace_syscall_info info;
    if (get_call(thread, &info) && info.op == PTRACE_SYSCALL_INFO_ENTRY &&
        info.entry.nr < TRACER_NUMBERS && thread != tracee->pid) {
        tracee->calls[info.entry.nr]++;
    }
}

/* Handles a thread's stop. Returns the signal that the thread is to get. */
static long look_at(pid_t thread, int status)
{
    struct tracee *tracee = tracee_of(thread);
    int signal_number = WSTOPSIG(status);
    unsigned long child = 0;
    if (signal_number == (SIGTRAP | 0x80)) {
        if (tracee != NULL) {
            count_call(tracee, thread);
        }
        return 0;
    }
    if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_CLONE << 8))) {
        assert_int_equal(ptrace(PTRACE_GETEVENTMSG, thread, NULL, &child), 0);
        belongs_to((pid_t)child, tracee);
        return 0;
    }
    /* a new thread begins with a stop, and so does a program */
    return signal_number == SIGSTOP || signal_number == SIGTRAP ? 0 : signal_number;
}

static void has_ended(pid_t thread, int status, struct tracee *tracees, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tracees[i].pid == thread) {
            tracees[i].ended = true;
            tracees[i].status = status;
        }
    }
    forget(thread);
}

void tracer_run(struct tracee *tracees, size_t count, const struct tracee *until)
{
    while (!until->ended) {
        int status;
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR) {
            continue;
        }
        assert_true(thread > 0);
        if (WIFSTOPPED(status)) {
            /* a thread that was killed meanwhile is gone: ESRCH */
            (void)ptrace(PTRACE_SYSCALL, thread, NULL, look_at(thread, status));
        } else {
            has_ended(thread, status, tracees, count);
        }
    }
}
