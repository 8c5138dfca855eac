#ifndef ECHOPORT_LOG_H
#define ECHOPORT_LOG_H

/*
 * What people read while a program runs: messages, the trace of -v and the line of progress, all on
 * stderr. Each message is written as a whole, so those of two threads never mix. output.h writes
 * reports. No output of the programs has colours. After log_setup() any thread may call anything
 * here.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "text.h"

struct writer;

/* The longest message, bytes. A longer one is cut. */
#define LOG_LINE_MAX 1024

/* Limits a message that could come often to one per second. That one says how many were left out.
 * Starts as zero; belongs to one thread. */
struct log_limit {
    uint64_t next_ns;
    uint64_t suppressed;
};

/* Names the program, and says whether it may show a line of progress. It shows one if stderr is a
 * terminal and TERM is not "dumb". Call it once, before any thread starts. */
void log_setup(const char *program, bool progress);

/* From now on the writer's thread writes everything, so no other thread waits for stderr's reader.
 * NULL: the thread that logs writes, as before. Call it while no other thread logs. */
void log_set_writer(struct writer *writer);

/* Writes everything to `out` from now on, without a line of progress. NULL: throws it away. The
 * caller owns `out`. For tests, while no other thread logs. */
void log_redirect(FILE *out);

/* "program: message" and a newline. */
void log_message(const char *format, ...) TEXT_FORMAT(1, 2);

/* The same, at most once per second of `now_ns`. */
void log_limited(struct log_limit *limit, uint64_t now_ns, const char *format, ...)
    TEXT_FORMAT(3, 4);

/* A line of the trace: the message and a newline, nothing else. */
void log_trace(const char *format, ...) TEXT_FORMAT(1, 2);

/* Whether stderr is a terminal that shows a line of progress. */
bool log_has_progress(void);

/* Replaces the line of progress, cut to the terminal's width; "" removes it. Does nothing if
 * log_has_progress() is false. */
void log_progress(const char *text);

#endif
