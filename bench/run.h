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

#include "command.h"
#include "matrix.h"
#include "pin.h"
#include "remote.h"
#include "subject.h"

#define RUN_LOOPBACK "127.0.0.1" /* where servers listen by default, and peers always */
#define RUN_ERROR_SIZE 512       /* of buffers for a reason */

/* What all runs have in common. The caller owns the texts. */
struct run_setup {
    char server[SUBJECT_PATH_SIZE];     /* its path */
    char server_host[OPTION_HOST_SIZE]; /* the address on which our servers listen */
    char server_port[OPTION_PORT_SIZE]; /* "0": a free one for each run */
    struct command client;              /* what starts echo-client, before its options */
    struct remote remote;
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

/* Runs the client of setup->remote for one message. Returns its report, which the caller owns.
 * NULL: that failed, and `why` says how, in a line without its end. */
json_t *run_first_client(const struct run_setup *setup, const struct subject *subject,
                         char why[RUN_ERROR_SIZE]);

/* Ends the run that is under way, as failed. Does nothing if there is none. */
void run_cancel(void);

#endif
