/*
 * The rules that neither a compiler nor clang-format keeps: what may be included and called where,
 * and how long things may get.
 *
 * A ratchet holds the few functions and files that may be longer than the limit, with the length
 * that they have. It only turns one way: a change that shortens one enters the new length, or
 * removes the line.
 */
#ifndef ECHOPORT_TIDY_H
#define ECHOPORT_TIDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct tidy_exception {
    const char *path;
    const char *function; /* NULL: the file as a whole */
    size_t lines;
};

struct tidy {
    const struct tidy_exception *ratchet; /* up to one whose path is NULL */
    bool *met;                            /* one for each of the ratchet, set when met; or NULL */
    FILE *out;                            /* where to say what is broken; NULL: nowhere */
    const char *last_rule;                /* that was broken */
    size_t broken;                        /* how often one was */
};

/* Counts, and says, that a rule is broken. */
#if defined(__MINGW_PRINTF_FORMAT) /* not Microsoft's */
__attribute__((format(__MINGW_PRINTF_FORMAT, 5, 6)))
#elif defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
void tidy_broken(struct tidy *tidy, const char *rule, const char *path, size_t line,
                 const char *format, ...);

/* Holds one .c or .h to the rules. `path` is from the project's root, with '/'. */
void tidy_source(struct tidy *tidy, const char *path, const char *text);

/* Holds a .c to the rule that something is made of it. `lists` is the text of all CMakeLists.txt;
 * tests/test_x.c may stand there as echoport_test(x). */
void tidy_listed(struct tidy *tidy, const char *path, const char *lists);

bool tidy_ends_with(const char *text, const char *suffix);

#endif
