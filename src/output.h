#ifndef ECHOPORT_OUTPUT_H
#define ECHOPORT_OUTPUT_H

/*
 * All that a program puts out while it runs: stdout, stderr, and a file that the user has named.
 * Each has a writer, a thread that does the blocking writes. So a reader that stops reading blocks
 * neither a worker nor a signal. stdout and stderr share a writer where they are the same file, so
 * that the order holds.
 *
 * Reports are never lost to a slow reader: at its end a program waits until the reader has taken
 * them. It waits for lines of the log as well, since it can't tell a slow reader from one that has
 * stopped. A second request to end ends that wait, but for what the readers take at once.
 *
 * There is one of this in a process, as there is one stdout. Main thread only.
 */

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "text.h"

/* Whether stdout and stderr were open for writing when the program began. If not, says on the other
 * one what is closed. Before output_start(). */
bool output_is_open(const char *program);

/* Starts the writers of both; from now on log.h writes through them. Once, before other threads. 0,
 * or a UV error, which has been reported. */
int output_start(const char *program);

/* How the texts for a file follow each other. What is written in place gets each once. */
enum output_mode {
    OUTPUT_ALL,   /* the file has all of them */
    OUTPUT_LATEST /* the file has the last */
};

/* The file at `path`, as output_file.h has it; both strings stay the caller's. `what` begins the
 * messages on it: "--json: ". A FIFO is opened by its writer's thread, which waits for a reader
 * then. Once. 0, or a UV error, which has been reported. */
int output_open_file(const char *what, const char *path, enum output_mode mode);

/* Whether that file is stdout, which then is for nothing else. */
bool output_file_has_stdout(void);

/* Whether it could not be written. */
bool output_file_has_failed(void);

/* Whether its texts replace one another; otherwise it is to be given the last alone. */
bool output_file_is_kept(void);

/* Each takes the text over, and leaves it empty: to stdout, to stderr, to the file. */
void output_print(struct text *text);
void output_print_error(struct text *text);
void output_print_file(struct text *text);

/* Whom to tell, by uv_async_send(), of an error; after output_end() also when everything has been
 * written. NULL: nobody any more. */
void output_watch(uv_async_t *watcher);

/* Reports errors that have come since the last call. True: a reader of stdout or stderr has gone,
 * and this is the first call to find that. */
bool output_look(void);

/* No more reports will come: the watcher is told when everything has been written. */
void output_end(void);

/* Whether everything has been written or is lost. `impatient`: or waits for a reader, and is given
 * up. */
bool output_is_over(bool impatient);

/* To be called again and again by a program that has done all but that, with the time it has waited
 * so far: says once, after a second, for whose reader it waits. */
void output_say_waiting(uint64_t waited_ms);

/* output_exit() is not to wait for those that are stuck. */
void output_give_up(void);

/* Lets the readers take what they take at once, and ends the process. */
void output_quit(int code);

/* The last call: waits for the readers and stops the writers. Returns `code`, or 1 for 0 if
 * something could not be written. After output_give_up() it ends the process with 1 instead. */
int output_exit(int code);

#endif
