#ifndef ECHOPORT_LOG_H
#define ECHOPORT_LOG_H

/*
 * What people read while a program runs: messages, the trace of -v and the line of progress, all on
 * stderr. Each message is written whole, so that threads don't mix. Reports are written by
 * output.h. Every function may be called from any thread after log_setup().
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "text.h"

struct writer;

/* The longest message; what is longer is cut. */
#define LOG_LINE_MAX 1024

/* Limits a message that could come often: one in a second, with the number that was left out. Set
 * it to zero; it belongs to one thread. */
struct log_limit {
    uint64_t next_ns;
    uint64_t suppressed;
};

/* Names the program, and says whether stderr may be given colours and a line of progress. Once,
 * before any thread starts. */
void log_setup(const char *program, bool colour);

/* From now on the writer's thread writes everything, so that no thread waits for stderr's reader.
 * NULL: the thread that logs writes, as at first. Call it while no other thread logs. */
void log_set_writer(struct writer *writer);

/* Sends everything to `out` from now on, which stays the caller's; NULL throws it away. For tests,
 * while no other thread logs. */
void log_redirect(FILE *out);

/* "program: message" and a newline. */
void log_message(const char *format, ...) TEXT_FORMAT(1, 2);

/* The same, unless one came through `limit` less than a second before `now_ns`. */
void log_limited(struct log_limit *limit, uint64_t now_ns, const char *format, ...)
    TEXT_FORMAT(3, 4);

/* A line of the trace: the message and a newline, nothing else. */
void log_trace(const char *format, ...) TEXT_FORMAT(1, 2);

/* Whether stderr is a terminal that shows a line of progress. */
bool log_has_progress(void);

/* Replaces the line of progress; "" takes it away. Nothing where there is none. */
void log_progress(const char *text);

#endif
