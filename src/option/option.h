#ifndef ECHOPORT_OPTION_H
#define ECHOPORT_OPTION_H

/*
 * Command lines, parsed by a table. For a row with the letter e and the name port it accepts:
 *
 *     -e 6001   -e:6001   --port 6001   --port=6001   and on Windows   /e:6001   /e 6001
 *
 * "-e:6001" is the form of the first echo programs. Nothing is guessed. Combined letters, a value
 * attached to its letter (-e6001) and names cut short are refused, with a hint at what to write.
 *
 * A word that starts with '-' is not the value of the option before it, unless a digit or nothing
 * follows the '-' and it is no option itself, as -4 may be. A word attached by ':' or '=' always
 * is. If an option is given more than once, its last value counts; OPTION_STRINGS keeps all of
 * them. A word that is neither an option nor a value belongs to the row that has `word`, if there
 * is one. Only one such word may be given, unless the row takes all. "--" ends the options; only
 * such words may follow.
 *
 * Only option_help() prints, and nothing here exits. The functions share no state.
 */

#include <stdio.h>

#include "option_address.h"
#include "option_cpus.h"
#include "option_table.h"
#include "text.h"

struct json;

/* A line without a newline: "echo-server: --threads: '0x' is not a number; it takes ...". Bytes of
 * argv that a terminal could act on are written as \x1b. */
struct option_error {
    char text[512];
};

/*
 * Fills `options`, whatever it held, with the defaults and then from argv[1] on. Words that start
 * with '/' are options, too, if `allow_slash`. argv must outlive `options`.
 *
 * Returns 0; 1 when a row that `stops` was met, and its member is true; or UV_EINVAL for a usage
 * error, with `error` filled.
 */
int option_parse(const struct option_program *program, void *options, int argc, char **argv,
                 bool allow_slash, struct option_error *error);

/* For rules that a single row can't check: writes the message "PROGRAM: TYPED: " and a text to
 * `error`, and returns UV_EINVAL. `typed` is the option as the user writes it. */
int option_fail(const struct option_program *program, struct option_error *error, const char *typed,
                const char *format, ...) TEXT_FORMAT(4, 5);

/* Writes the help, in lines of at most 80 columns. */
void option_help(const struct option_program *program, FILE *out);

/* Bytes of the name of a member, with its NUL. */
#define OPTION_MEMBER_SIZE (OPTION_NAME_MAX + sizeof "_seconds")

/* Writes the name of the member that option_json() makes of the row. False: it makes none. */
bool option_member(const struct option_row *row, char member[OPTION_MEMBER_SIZE]);

/*
 * Adds the options to the object that is open in `json`, each row with a name as one member. A "-"
 * in the name becomes "_". A duration is in seconds, and its member's name ends in "_seconds". A
 * text that was not given is null. Rows with `stops` or `unreported` are left out.
 */
void option_json(const struct option_program *program, const void *options, struct json *json);

#endif
