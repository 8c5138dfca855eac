#ifndef ECHOPORT_COMMAND_H
#define ECHOPORT_COMMAND_H

/*
 * A command that starts another program, such as "ssh h2 /opt/echoport/bin/echo-client". No shell
 * reads it, so the rule is the same on all systems:
 *
 *   - Blanks, tabs and line ends separate words.
 *   - Within '...' or "..." each character is part of the word. A quote may begin inside a word.
 *   - No other character has a meaning, not even a backslash.
 */

#include <stdbool.h>
#include <stddef.h>

#define COMMAND_WORDS_MAX 24
#define COMMAND_SIZE 2048 /* of the words, each with a NUL */

struct command {
    size_t starts[COMMAND_WORDS_MAX]; /* of each word, in `text` */
    size_t count;                     /* at least 1 */
    char text[COMMAND_SIZE];
};

/* Splits `text`. 0; UV_EINVAL: it has no word, its first word is empty, or a quote has no end;
 * UV_E2BIG: it is too long. The command is undefined after an error. */
int command_split(const char *text, struct command *command);

/* Whether command_split() accepts it. */
bool command_is_good(const char *text);

/* A command of one word, whatever its characters are, which is cut if it is too long. */
void command_set_program(struct command *command, const char *path);

/* The word with that index. */
const char *command_word(const struct command *command, size_t index);

/* Whether a shell passes the word on as it is: sh, csh, zsh, fish, cmd.exe and PowerShell. */
bool command_is_plain(const char *word);

#endif
