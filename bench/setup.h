#ifndef ECHOPORT_SETUP_H
#define ECHOPORT_SETUP_H

/* Fills in what all runs have in common, from the options and the matrix. */

#include "bench_options.h"
#include "matrix.h"
#include "run.h"

/* 0; or a UV error, after a message: an option doesn't fit another, or a program is missing. The
 * setup has texts of the options. Its `remote` is not learnt yet. */
int setup_make(struct run_setup *setup, const struct bench_options *options,
               const struct matrix *matrix);

/* The path of a program in `directory`, or beside this one if that is NULL. 0; or UV_ENOENT, and a
 * message about the option that named the directory. */
int setup_program_path(const char *option, const char *directory, const char *name,
                       char path[SUBJECT_PATH_SIZE]);

#endif
