#ifndef ECHOPORT_LEASH_H
#define ECHOPORT_LEASH_H

/*
 * Ends the programs that echo-bench has started when echo-bench ends, also by SIGKILL. echo-bench
 * starts each as `echo-bench leash PROGRAM [ARGUMENT...]`, which executes PROGRAM. The descriptor
 * LEASH_FILE is a pipe to which nothing is written. It ends when the first echo-bench does.
 *
 *   Linux    The kernel sends SIGKILL (prctl(2), PR_SET_PDEATHSIG). exec() of a program with
 *            capabilities or a set-user-ID bit clears that setting.
 *   POSIX    PROGRAM gets a child process, which kills PROGRAM when the pipe ends.
 *   Windows  libuv puts child processes in a job that ends with this process. No leash is needed.
 */

#define LEASH_FILE 3

/* The first argument. */
#define LEASH_WORD "leash"

/* Whether a leash is needed here. */
extern const int leash_is_needed;

/* Executes the program words[0], a path or a name on the search path, with the arguments `words`,
 * which end with NULL. Returns only if that fails, after a message: the exit code. */
int leash_become(char **words);

#endif
