#ifndef ECHOPORT_PROGRAM_H
#define ECHOPORT_PROGRAM_H

#include "backend.h"
#include "option.h"
#include "program_options.h"

/* One of the two programs. Its options struct begins with `common`. */
struct program {
    const struct option_program *table;
    int (*parse)(struct program_options *common, int argc, char **argv, struct option_error *error);

    /* Runs the program and returns its exit code. `note` is what backend_choose() said about its
     * choice; empty: nothing. */
    int (*run)(const struct program_options *common, const struct backend *backend,
               const char *note);
};

/*
 * The main() of either program. Prepares the process and reads the command line. Then it prints the
 * help, the version or the list of backends; or sends --signal; or chooses the backend and runs.
 * `common` is the head of the program's options, which this function fills and frees. Main thread.
 * Returns the exit code.
 */
int program_main(const struct program *program, struct program_options *common, int argc,
                 char **argv);

/* --version: prints the version of `name`, how it was built and the usable backends to stdout. */
void program_print_version(const char *name);

/* Flushes what <stdio.h> has printed to stdout. Returns the exit code: 0, or 1 after a message. */
int program_finish_output(void);

#endif
