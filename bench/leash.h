#ifndef ECHOPORT_LEASH_H
#define ECHOPORT_LEASH_H

/*
 * Programs that end when the one that has started them does, however it ends: by SIGKILL, say. For
 * that echo-bench starts them by way of itself, as `echo-bench leash PROGRAM [ARGUMENT...]`, which
 * becomes PROGRAM. Its descriptor LEASH_FILE is a pipe that nobody writes to, and that ends with
 * the one that started it.
 *
 *   Linux    The kernel sends SIGKILL (prctl(2), PR_SET_PDEATHSIG). A program with capabilities or
 *            a set-user-ID bit loses that when it begins.
 *   POSIX    A child of PROGRAM, which ends it when the pipe ends.
 *   Windows  libuv has its children in a job that ends with this process: no leash is needed.
 */

#define LEASH_FILE 3

/* The word after the program's name. */
#define LEASH_WORD "leash"

/* Whether a leash is needed here. */
extern const int leash_is_needed;

/* Becomes the program words[0], whose arguments these are, ended by NULL. The exit code, if that
 * fails, after a message. */
int leash_become(char **words);

#endif
