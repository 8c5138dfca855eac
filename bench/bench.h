#ifndef ECHOPORT_BENCH_H
#define ECHOPORT_BENCH_H

/* The command run: all cases, all rounds, by turns. */

#include "bench_options.h"

/*
 * Measures, prints the tables to stdout, and writes the results after each case. `command` is the
 * command line, for the results. Returns the exit code: 0; 1: it could not run, or a server has no
 * good run (summary.h) of a case, or the results could not be written; 2: the matrix or a name is
 * wrong; 128 plus the number of the signal that ended it, 130 for Ctrl-C. The cases that are done
 * are written then, too.
 */
int bench_run(const struct bench_options *options, const char *command);

#endif
