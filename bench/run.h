#ifndef ECHOPORT_RUN_H
#define ECHOPORT_RUN_H

/*
 * One run: a server of its own, put under one load by echo-client, and what came of it.
 *
 *     the server, "listening" -> usage -> the client, to its end -> usage -> the end of the server
 *
 * One at a time, on the thread of process_loop(), on which things may happen meanwhile.
 */

#include <jansson.h>

#include "matrix.h"
#include "pin.h"
#include "subject.h"

/* What is the same for all runs. Texts are the caller's. */
struct run_setup {
    char server[SUBJECT_PATH_SIZE]; /* the paths of the programs */
    char client[SUBJECT_PATH_SIZE];
    const char *client_backend;
    enum pin_mode pin;
    uint64_t buffer_size; /* bytes */
    struct bench_times times;
    uint64_t late_ms; /* a program that takes so much longer than it was told to hangs */
};

/*
 * The run as an object of the results (docs/benchmarking.md), which is the caller's. What was not
 * measured is not in it. Its list "marks" says what is wrong with it: "failed" (and "error" says
 * why, in a line without its end), "books", "client-bound".
 */
json_t *run_measure(const struct run_setup *setup, const struct bench_case *load,
                    const struct subject *subject);

/* Ends what is under way, as failed. Does nothing if nothing is. */
void run_cancel(void);

#endif
