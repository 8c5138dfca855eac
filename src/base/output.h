#ifndef ECHOPORT_OUTPUT_H
#define ECHOPORT_OUTPUT_H

/*
 * The output of a running program: stdout, stderr, and files that the user has named. Each has a
 * writer, a thread that does the blocking writes. So a reader that stops reading blocks neither a
 * worker nor a signal. If stdout and stderr are the same file, they share a writer, which keeps the
 * order.
 *
 * Reports are never lost to a slow reader: at its end a program waits until the reader has taken
 * them. It waits for lines of the log as well, since it can't tell a slow reader from one that has
 * stopped. A second request to stop ends that wait; only what the readers take at once is written.
 *
 * The state is one per process. Main thread only.
 */

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "text.h"

/* Whether stdout and stderr were open for writing when the program began. If one was not, says so
 * on the other. Before output_start(). */
bool output_is_open(const char *program);

/* Starts the writers of both. From now on log.h writes through that of stderr. Once, before other
 * threads start. 0, or a UV error, which has been reported. */
int output_start(const char *program);

/* What a file that is replaced contains. What is written in place gets each text once. */
enum output_mode {
    OUTPUT_ALL,    /* all texts so far */
    OUTPUT_LATEST, /* the last text */
    OUTPUT_APPEND /* it is not replaced: each text is added at once, from the file's beginning on */
};

/* The files that a program may have. */
enum output_id {
    OUTPUT_RESULT, /* the report or the results, for programs */
    OUTPUT_TABLE,  /* a table of the same, for other tools */
    OUTPUT_STREAM, /* what happens while the program runs, for programs */
    OUTPUT_FILES
};

/* Opens the file at `path` by the rules of output_file.h. Both strings belong to the caller and
 * must stay. `what` begins the messages about it: "--json: ". The writer's thread opens a FIFO, and
 * waits there for a reader. Once for each file; only one of them may be stdout. 0, or a UV error,
 * which has been reported. */
int output_open_file(enum output_id id, const char *what, const char *path, enum output_mode mode);

/* Whether one of the files is stdout. Then nothing else may be printed there. */
bool output_file_has_stdout(void);

/* Whether writing the file has failed. */
bool output_file_has_failed(enum output_id id);

/* Whether each text replaces the one before. If not, give it only the last text. */
bool output_file_is_kept(enum output_id id);

/* Write a text to stdout, to stderr, to a file that is open. Each takes the text over and leaves it
 * empty. */
void output_print(struct text *text);
void output_print_error(struct text *text);
void output_print_file(enum output_id id, struct text *text);

/* The same for a line that may get lost if the reader is slow, so that a long run needs a bounded
 * memory. The text is left empty. False: the line was lost, and is not counted. */
bool output_hint_file(enum output_id id, struct text *line);

/* Sets the handle that gets uv_async_send() when an error occurs. After output_end() it also gets
 * one when everything has been written. NULL: none. */
void output_watch(uv_async_t *watcher);

/* Reports errors that have occurred since the last call. True: a reader of stdout or stderr has
 * gone, and this is the first call that finds it. */
bool output_look(void);

/* No more reports will come: from now on the watcher is told when everything has been written. */
void output_end(void);

/* Whether everything has been written or is lost. With `impatient` what waits for a reader counts
 * as lost. */
bool output_is_over(bool impatient);

/* For a program that only waits for its readers. Call it repeatedly, with the time waited so far:
 * after a second it says once which reader it waits for. */
void output_say_waiting(uint64_t waited_ms);

/* Makes output_exit() not wait for readers that take nothing. */
void output_give_up(void);

/* Writes what the readers take at once, and ends the process with `code`. */
void output_quit(int code);

/* The last call: waits for the readers and stops the writers. Returns `code`, or 1 instead of 0 if
 * something could not be written. After output_give_up() it ends the process with 1 instead. */
int output_exit(int code);

#endif
