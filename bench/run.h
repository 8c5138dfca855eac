#ifndef ECHOPORT_RUN_H
#define ECHOPORT_RUN_H

/*
 * One run: a server of its own, echo-client with one load, and what was measured.
 *
 *     the server, "listening" -> usage -> the client, to its end -> usage -> the end of the server
 *
 * One at a time, on the thread of process_loop(). Other callbacks of that loop run meanwhile.
 */

#include <jansson.h>

#include "matrix.h"
#include "pin.h"
#include "subject.h"

/* What all runs have in common. The caller owns the texts. */
struct run_setup {
    char server[SUBJECT_PATH_SIZE]; /* the paths of the programs */
    char client[SUBJECT_PATH_SIZE];
    const char *client_backend;
    enum pin_mode pin;
    uint64_t buffer_size; /* bytes */
    struct bench_times times;
    uint64_t late_ms; /* a program that takes this much longer than planned hangs */
};

/*
 * The run as an object of the results (docs/benchmarking.md); the caller owns it. It lacks what was
 * not measured. Its list "marks" says what is wrong with it: "failed", with the reason in "error",
 * a line without its end; "books"; "client-bound".
 */
json_t *run_measure(const struct run_setup *setup, const struct bench_case *load,
                    const struct subject *subject);

/* Ends the run that is under way, as failed. Does nothing if there is none. */
void run_cancel(void);

#endif
