#ifndef ECHOPORT_SYS_H
#define ECHOPORT_SYS_H

/* Operating system functions apart from the network, where libuv has none or where they differ
 * between its versions. Errors are UV codes. Any thread, unless a comment says otherwise. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

/*
 * Prepares the process. Call it first in main(), before any thread starts.
 *
 *   POSIX    Ignores SIGPIPE: libuv writes without MSG_NOSIGNAL, so a closed peer would end the
 *            program instead of giving UV_EPIPE. Ignores SIGXFSZ: a file that exceeds RLIMIT_FSIZE
 *            gives UV_EFBIG. Opens descriptors 0 to 2 if they are closed: otherwise a connection
 *            could get the number of stdout, and our report. sys_has_output() tells which were
 *            open. Checks whether there is a controlling terminal.
 *   Windows  Starts Winsock, which libuv does only for its own calls. Makes stdout and stderr
 *            binary, so that lines end in "\n" on every system and reports are equal byte by byte.
 *            A service or a program without a console may start a process without stdout and
 *            stderr (GetStdHandle(): NULL). Then both are opened as NUL.
 */
void sys_setup(void);

/* Whether `descriptor`, 1 (stdout) or 2 (stderr), was open for writing before sys_setup(). */
bool sys_has_output(int descriptor);

/* The null device: "/dev/null", "NUL". */
extern const char sys_null_device[];

/* Whether `descriptor`, 1 or 2, is a terminal that understands control sequences (ECMA-48). On
 * Windows this turns them on (ENABLE_VIRTUAL_TERMINAL_PROCESSING). Consoles before Windows 10 don't
 * have them. */
bool sys_takes_sequences(int descriptor);

/* Raises the limit of open descriptors as far as is possible without privileges. Returns the new
 * limit; UINT64_MAX: there is none, as on Windows. */
uint64_t sys_raise_descriptor_limit(void);

/* Advice on an error that means that a resource of the system or of this process has run out. The
 * text continues the message: "; raise the limit of ...". "" for every other error. UV_EAGAIN means
 * that a thread could not be started. */
const char *sys_shortage(int status);

/* The number of usable CPUs, at least 1. On Linux it depends on the affinity of the calling thread:
 * call it before pinning. */
unsigned sys_cpu_count(void);

/* Lets the calling thread run only on `cpu`, counted from 0 as the system does. 0; or UV_EINVAL: no
 * such CPU, or this process may not use it. UV_ENOTSUP: not possible on macOS, and not implemented
 * on the BSDs. */
int sys_pin_thread(int cpu);

/*
 * Until sys_timer_restore() a wait ends within a millisecond of its deadline. Windows rounds waits
 * up to the next tick of its timer, 15.6 ms by default. timeBeginPeriod() shortens that period. It
 * costs power, so use it only while times matter. On other systems this does nothing. Repeated
 * calls have no effect. Main thread.
 */
void sys_timer_refine(void);
void sys_timer_restore(void);

/* CPU time (user and system) of the calling thread, in nanoseconds; 0: unknown. Windows counts in
 * ticks of about 15 ms. */
uint64_t sys_thread_cpu_ns(void);

/* For how long the calling thread was ready to run and had no CPU, since it began, in nanoseconds.
 * UINT64_MAX: this system does not say. Linux does, unless its kernel lacks schedstat. */
uint64_t sys_thread_wait_ns(void);

/* For how long the hypervisor ran other machines while a CPU of this one was ready to run, since
 * the system started, in nanoseconds: the mean of all CPUs. UINT64_MAX: this system does not say.
 * Linux counts in ticks of about 10 ms. */
uint64_t sys_steal_ns(void);

/* CPU time of all threads of the process, in nanoseconds; 0: unknown. */
void sys_process_cpu_ns(uint64_t *user_ns, uint64_t *system_ns);

/* The peak resident memory of the process since it began this program, in bytes; 0: unknown. On
 * Linux without /proc it may include the program that started this one.
 *
 * uv_getrusage() of libuv 1.44 replaces neither function: it gives kilobytes, but bytes on macOS.
 * On Windows its CPU time wraps after a day. */
uint64_t sys_peak_rss_bytes(void);

/* Whether options may start with a slash, as in /e:6001: only on Windows. */
extern const bool sys_slash_options;

/* What a signal means to the programs. --signal can send the first SYS_SENT_MEANINGS
 * (trigger.h). */
enum sys_meaning {
    SYS_STOP,    /* end in good order; the second time, end at once */
    SYS_RESTART, /* start a new generation; the client, which has none, ends in good order */
    SYS_REPORT,  /* print the report so far, and go on */
    SYS_HANG_UP  /* end in good order if the terminal is gone; otherwise as SYS_RESTART */
};

#define SYS_SENT_MEANINGS 3

struct sys_signal {
    const char *name;
    uint64_t grace_ms; /* then the system ends the process in any case; 0: never */
    int number;        /* for uv_signal_start() */
    enum sys_meaning meaning;
    bool keyboard; /* a terminal sends it to its foreground processes */
};

/* The most that any system has. */
#define SYS_SIGNALS_MAX 6

extern const struct sys_signal sys_signals[];
extern const size_t sys_signal_count;

/*
 * Whether the process was started with this signal ignored, and must leave it so. By convention
 * this holds for the signals of a terminal. For example, nohup ignores SIGHUP, and a shell script
 * ignores SIGINT for commands started with `&`. Other signals are sent to one process on purpose,
 * and are always handled. Call it before a handler is set. Always false on Windows.
 */
bool sys_is_ignored(const struct sys_signal *signal);

/* Blocks all of sys_signals for the calling thread: those sent to the process go to other threads,
 * or stay pending. Does nothing on Windows, where signals run on their own thread. */
void sys_signals_block(void);

/*
 * Call it after the last report, when every thread has blocked the signals and libuv has released
 * them. From now on a signal does not end the process or change its exit code. But the second one
 * that means stop ends the process with 1. The calling thread receives signals again.
 */
void sys_signals_end(void);

/* Whether the process had a controlling terminal at sys_setup() that can no longer be opened. False
 * on Windows, where closing the console raises its own signal. */
bool sys_terminal_is_gone(void);

/* The machine, for reports. */
struct sys_description {
    uv_utsname_t system; /* sysname, release, version, machine; "unknown" where it is not known */
    char cpu[128];       /* the model of the first CPU, or "unknown" */
    bool wine;           /* Windows is Wine: its calls behave the same, but speeds differ */
    /* TCP's algorithm for new sockets, such as "cubic": some pace what others send at once. On
     * Linux, and in Wine on Linux; otherwise "". */
    char congestion_control[32];
};

/* Fills in `description`. */
void sys_describe(struct sys_description *description);

/* Whether this Windows is Wine. False on other systems. */
bool sys_is_wine(void);

/* Whether this is Wine before version `major`. Wine 10 follows Windows' documentation in places
 * where older versions don't. */
bool sys_is_wine_before(unsigned major);

#endif
