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

/* Names for process_can_signal() where the system lacks these signals. They can't be sent there. */
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

/* Runs the loop for at most `timeout_ms`, or until `done` returns true. `done` is called after each
 * turn; NULL: always false. Returns its last answer. */
bool process_pump(uint64_t timeout_ms, bool (*done)(void *context), void *context);

/* Starts a program. `arguments` ends with NULL and does not have the program's name. `out_path` is
 * a file that takes its standard output; NULL: it is gathered. Returns NULL, after a message, if
 * the program can't be started. */
struct process *process_start(const char *path, const char *const *arguments, const char *out_path);

/* The same, with its streams at these descriptors, which the caller still owns. -1: gather it. */
struct process *process_start_on(const char *path, const char *const *arguments,
                                 const int descriptors[PROCESS_STREAMS]);

/* From now on programs are started as LAUNCHER WORD PROGRAM..., with a pipe as descriptor 3. The
 * other end closes when this process ends or notices that the program has ended. Both strings
 * belong to the caller and must stay. */
void process_launch_by(const char *launcher, const char *word);

int process_id(const struct process *process);

/* What it has printed so far, with a NUL at the end; valid until the next wait. */
const char *process_text(const struct process *process, enum process_stream stream);

/* Waits for the n-th complete line, n from 0, that contains `part`. Returns it without its newline;
 * the caller frees it. NULL: it hasn't come in time, or can't come any more. */
char *process_line(struct process *process, enum process_stream stream, const char *part, size_t n,
                   uint64_t timeout_ms);

/* How many lines contain `part`, so far. */
size_t process_count_lines(const struct process *process, enum process_stream stream,
                           const char *part);

/* Closes the pipe of its stdout or stderr: what it writes there from now on fails. */
void process_close_out(struct process *process);
void process_close_err(struct process *process);

/* Stops reading the stream, but keeps it open, so that it fills; or continues reading. */
void process_stop_reading(struct process *process, enum process_stream stream);
void process_read_on(struct process *process, enum process_stream stream);

#define PROCESS_LATE INT32_MIN

/* Waits for its end and the end of its output. Returns the exit code; the negative number of the
 * signal that ended it; or PROCESS_LATE. */
int process_wait(struct process *process, uint64_t timeout_ms);

/* Whether it has ended, as far as is known. */
bool process_has_ended(const struct process *process);

/* Whether the signal can be sent to one of our programs so that it does what the signal means. If
 * not, says why on stderr. */
bool process_can_signal(int number);

/*
 * Sends it. On Windows SIGINT and SIGTERM act as --signal=stop, and SIGHUP as --signal=restart. 0
 * or a UV error. UV_ENOENT, only on Windows: the program does not listen for it yet.
 */
int process_signal(struct process *process, int number);

/* Kills all that are still running, and frees all that were started. */
void process_end_all(void);

/* Its CPU time so far, its resident memory now, and its open descriptors (on Windows handles).
 * False: the system doesn't say. */
bool process_cpu_ms(const struct process *process, uint64_t *cpu_ms);
bool process_rss_bytes(const struct process *process, uint64_t *rss_bytes);
bool process_handles(const struct process *process, size_t *count);

/* How many of its first 64 threads may run only on this CPU. False: the system does not tell. */
bool process_pinned_threads(const struct process *process, int cpu, size_t *count);

#endif
