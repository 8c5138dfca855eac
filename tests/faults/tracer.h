#ifndef ECHOPORT_TRACER_H
#define ECHOPORT_TRACER_H

/*
 * Programs that run under ptrace(2), to count the system calls of their threads as the kernel sees
 * them. Linux. One thread starts and waits for all of them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* All numbers of system calls are smaller. */
#define TRACER_NUMBERS 1024

struct tracee {
    pid_t pid;
    bool ended;
    int status; /* of waitpid(), once it has ended */

    /* By number: the calls of all threads but the first. */
    uint64_t calls[TRACER_NUMBERS];
};

/* Whether this system allows tracing and reports system calls. */
bool tracer_can_trace(void);

/* Starts the program with its stdout in the file `out`. Fails the test on an error. */
void tracer_start(struct tracee *tracee, const char *const *arguments, const char *out);

/* Lets the programs run until `until` has ended. */
void tracer_run(struct tracee *tracees, size_t count, const struct tracee *until);

#endif
