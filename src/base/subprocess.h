#ifndef ECHOPORT_SUBPROCESS_H
#define ECHOPORT_SUBPROCESS_H

/*
 * Programs under test, run as processes by libuv: no shell, no fork. What they print is gathered
 * whenever process_pump() or one of the functions that wait is called. One thread only; times are
 * in milliseconds.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <uv.h>

/* Names for process_can_signal(), where the system lacks them: they can't be sent there. */
#ifndef SIGSTOP
#define SIGSTOP 19
#define SIGCONT 18
#endif

/* The suffix of a program's file name: "", on Windows ".exe". */
extern const char process_program_suffix[];

enum process_stream { PROCESS_OUT, PROCESS_ERR, PROCESS_STREAMS };

struct process;

/* Opens the loop, if it isn't open yet. 0; or a UV error: a resource has run out. */
int process_prepare(void);

/* The loop on which all of this runs, for handles of the test's own. */
uv_loop_t *process_loop(void);

/* Lets things happen for at most `timeout_ms`, or until `done` says so, which is asked after each
 * turn of the loop; NULL: never. What it said last. */
bool process_pump(uint64_t timeout_ms, bool (*done)(void *context), void *context);

/* Starts a program. `arguments` ends with NULL and has no name of the program in it. `out_path` is
 * a file that takes its standard output, NULL: it is gathered. NULL if it can't be started, which
 * has been said. */
struct process *process_start(const char *path, const char *const *arguments, const char *out_path);

/* The same, with its streams at these descriptors, which stay the caller's. -1: collect it. */
struct process *process_start_on(const char *path, const char *const *arguments,
                                 const int descriptors[PROCESS_STREAMS]);

/* From now on programs are started as LAUNCHER WORD PROGRAM..., with a pipe as descriptor 3. Its
 * other end closes when this process ends, or has noticed that the program has ended. Both strings
 * belong to the caller and must stay. */
void process_launch_by(const char *launcher, const char *word);

int process_id(const struct process *process);

/* What it has printed so far, ended by a NUL; valid until the next wait. */
const char *process_text(const struct process *process, enum process_stream stream);

/* The n-th line, n from 0, that contains `part` and has been ended, without its end: waits for it.
 * NULL if it hasn't come in time, or can't come any more. To be freed. */
char *process_line(struct process *process, enum process_stream stream, const char *part, size_t n,
                   uint64_t timeout_ms);

/* How many lines contain `part`, so far. */
size_t process_count_lines(const struct process *process, enum process_stream stream,
                           const char *part);

/* Closes the pipe of its stdout: what it writes from now on fails. And the same for its stderr. */
void process_close_out(struct process *process);
void process_close_err(struct process *process);

/* Stops reading the stream, but keeps it open, so that it fills; or continues reading. */
void process_stop_reading(struct process *process, enum process_stream stream);
void process_read_on(struct process *process, enum process_stream stream);

#define PROCESS_LATE INT32_MIN

/* Waits for its end and the end of its output: the exit code, or if a signal ended it that signal's
 * negative number, or PROCESS_LATE. */
int process_wait(struct process *process, uint64_t timeout_ms);

/* Whether it has ended, as far as is known. */
bool process_has_ended(const struct process *process);

/* Whether one of our programs can be sent the signal in such a way that it does what the signal
 * means. If not, says why to stderr. */
bool process_can_signal(int number);

/*
 * Sends it. On Windows SIGINT and SIGTERM are what --signal=stop sends and SIGHUP is
 * --signal=restart. 0 or a UV error; UV_ENOENT, on Windows alone: it is not ready to be told.
 */
int process_signal(struct process *process, int number);

/* Kills all that are still running, and frees all that were started. */
void process_end_all(void);

/* CPU time used by it, its resident memory now, and the descriptors (on Windows handles) that it
 * has open; false where the system doesn't say. */
bool process_cpu_ms(const struct process *process, uint64_t *cpu_ms);
bool process_rss_bytes(const struct process *process, uint64_t *rss_bytes);
bool process_handles(const struct process *process, size_t *count);

/* How many of its first 64 threads may run only on this CPU. False: the system does not tell. */
bool process_pinned_threads(const struct process *process, int cpu, size_t *count);

#endif
