#ifndef ECHOPORT_SYS_H
#define ECHOPORT_SYS_H

/* What the programs ask of the operating system apart from the network, where libuv does not
 * answer it or answers differently from one version to the next. Errors are UV codes. Any thread,
 * except sys_setup(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

/*
 * Prepares the process. First thing in main(), before any thread.
 *
 *   POSIX    ignores SIGPIPE: libuv writes without MSG_NOSIGNAL, so a peer that is gone would end
 *            the program where it should be told UV_EPIPE. Ignores SIGXFSZ: a file that grows
 *            beyond RLIMIT_FSIZE is an error, UV_EFBIG. Opens descriptors 0 to 2 if they are
 *            closed, lest a connection gets the number of stdout and is sent our report.
 *            sys_has_output() says which were. Looks whether there is a controlling terminal.
 *   Windows  starts Winsock, which libuv does for its own calls alone. Makes stdout and stderr
 *            binary, so that a line ends in "\n" everywhere and reports are the same byte by byte.
 *            A service or a program without a console may start a process with neither stdout nor
 *            stderr (GetStdHandle(): NULL). Then both are opened as NUL.
 */
void sys_setup(void);

/* Whether stdout, 1, or stderr, 2, was open for writing when sys_setup() was called. */
bool sys_has_output(int descriptor);

/* The null device: "/dev/null", "NUL". */
extern const char sys_null_device[];

/* Whether `descriptor`, 1 or 2, is a terminal that takes control sequences (ECMA-48). Windows 10
 * consoles take them when they are asked to (ENABLE_VIRTUAL_TERMINAL_PROCESSING), which this does;
 * older ones would print them. */
bool sys_takes_sequences(int descriptor);

/* Raises the limit of open descriptors as far as it goes without privileges. Returns the limit
 * there is then; UINT64_MAX if there is none, as on Windows. */
uint64_t sys_raise_descriptor_limit(void);

/* What to do about an error that means that a resource of the system or of this process has run
 * out. The text continues the message: "; raise the limit of ...". "" for every other error.
 * UV_EAGAIN means that a thread could not be started. */
const char *sys_shortage(int status);

/* The CPUs that may be used, at least 1. Linux: by the affinity of the calling thread, so ask
 * before pinning it. */
unsigned sys_cpu_count(void);

/* Lets the calling thread run on one CPU only, counted from 0 as the system counts them. UV_EINVAL:
 * there is no such CPU, or this process may not use it. UV_ENOTSUP: macOS can't, and we don't on
 * the BSDs. */
int sys_pin_thread(int cpu);

/*
 * Until sys_timer_restore() a wait ends within a millisecond of its deadline. Windows rounds waits
 * up to the next tick of its timer, 15.6 ms by default. timeBeginPeriod() shortens that period,
 * which costs power, so use it only while times matter. Other systems need nothing. Repeated calls
 * have no effect. Main thread.
 */
void sys_timer_refine(void);
void sys_timer_restore(void);

/* CPU time, user and system, of the calling thread, in nanoseconds; 0 if unknown. Windows counts
 * in ticks of about 15 ms. */
uint64_t sys_thread_cpu_ns(void);

/* CPU time of the process, all threads together, in nanoseconds; 0 if unknown. */
void sys_process_cpu_ns(uint64_t *user_ns, uint64_t *system_ns);

/* The most memory that the process has had resident since it began this program, in bytes; 0 if
 * unknown. On Linux without /proc it may be that of the program that started it. (uv_getrusage() of
 * libuv 1.44 gives kilobytes, but on macOS bytes; on Windows its CPU time wraps after a day. Hence
 * these two.) */
uint64_t sys_peak_rss_bytes(void);

/* Whether people here are used to options that start with a slash, as in /e:6001. */
extern const bool sys_slash_options;

/* What a signal asks of the programs. The first SYS_SENT_MEANINGS of them can be sent by --signal
 * (trigger.h). */
enum sys_meaning {
    SYS_STOP,    /* end in good order; if asked a second time, at once */
    SYS_RESTART, /* begin anew in the same process; a program that can't ends in good order */
    SYS_REPORT,  /* print the report so far, and go on */
    SYS_HANG_UP  /* end in good order if the terminal is gone; otherwise as SYS_RESTART */
};

#define SYS_SENT_MEANINGS 3

struct sys_signal {
    const char *name;
    uint64_t grace_ms; /* after it the system ends the process, done or not; 0: it doesn't */
    int number;        /* for uv_signal_start() */
    enum sys_meaning meaning;
    bool keyboard; /* a terminal sends it, to the processes in its foreground */
};

/* At most so many on any system. */
#define SYS_SIGNALS_MAX 6

extern const struct sys_signal sys_signals[];
extern const size_t sys_signal_count;

/*
 * Whether the process was started with this signal ignored, and must leave it ignored. By
 * convention that holds for the signals of a terminal: nohup ignores SIGHUP, and a shell script
 * ignores SIGINT for what it starts with `&`. The other signals are sent to one process on purpose,
 * and are always handled. Call it before a handler is set. Always false on Windows.
 */
bool sys_is_ignored(const struct sys_signal *signal);

/* Blocks all of sys_signals for the calling thread: those sent to the process go to other threads,
 * or wait. Nothing on Windows, where signals have a thread of their own. */
void sys_signals_block(void);

/*
 * Call it when every thread has blocked the signals, the caller too, and libuv has released them.
 * From now on a signal no longer ends the process and changes no exit code: the last report is out.
 * A second one that means stop ends it with 1. The calling thread takes signals again.
 */
void sys_signals_end(void);

/* Whether the process had a controlling terminal at sys_setup() that can't be opened any more.
 * False on Windows, where closing the console is a signal of its own. */
bool sys_terminal_is_gone(void);

/* The machine, for reports. */
struct sys_description {
    uv_utsname_t system; /* sysname, release, version, machine; "unknown" where it is not known */
    char cpu[128];       /* the model of the first CPU, or "unknown" */
    bool wine;           /* Windows is Wine: calls behave alike, speeds do not */
    /* TCP's for new sockets, "cubic" say: one may pace what another sends at once. Linux, and Wine
     * on it; else "". */
    char congestion_control[32];
};

void sys_describe(struct sys_description *description);

/* Is this Windows really Wine? False on other systems. */
bool sys_is_wine(void);

/* Whether this is a Wine older than this major version. Wine 10 does what Windows documents where
 * older versions don't. */
bool sys_is_wine_before(unsigned major);

#endif
