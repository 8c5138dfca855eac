#include "command.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#define COMMAND_BLANKS " \t\r\n"

/* Copies the word at `*at` to `to`, and moves `*at` behind it. Returns its length; or UV_EINVAL: a
 * quote has no end. `to` takes whatever is left of the command. */
static int command_copy_word(const char **at, char *to)
{
    char quote = '\0';
    int length = 0;
    for (; **at != '\0' && (quote != '\0' || strchr(COMMAND_BLANKS, **at) == NULL); ++*at) {
        char c = **at;
        if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else if (quote != '\0' && c == quote) {
            quote = '\0';
        } else {
            to[length++] = c;
        }
    }
    to[length] = '\0';
    return quote == '\0' ? length : UV_EINVAL;
}

int command_split(const char *text, struct command *command)
{
    size_t used = 0;
    command->count = 0;
    if (strlen(text) >= COMMAND_SIZE) {
        return UV_E2BIG; /* words need no more room than the text: each has a blank or an end */
    }
    for (text += strspn(text, COMMAND_BLANKS); *text != '\0';
         text += strspn(text, COMMAND_BLANKS)) {
        if (command->count == COMMAND_WORDS_MAX) {
            return UV_E2BIG;
        }
        int length = command_copy_word(&text, command->text + used);
        if (length < 0) {
            return length;
        }
        command->starts[command->count++] = used;
        used += (size_t)length + 1;
    }
    return command->count == 0 || command->text[0] == '\0' ? UV_EINVAL : 0;
}

bool command_is_good(const char *text)
{
    struct command command;
    return command_split(text, &command) == 0;
}

void command_set_program(struct command *command, const char *path)
{
    command->count = 1;
    command->starts[0] = 0;
    (void)snprintf(command->text, sizeof(command->text), "%s", path);
}

const char *command_word(const struct command *command, size_t index)
{
    assert(index < command->count);
    return command->text + command->starts[index];
}

bool command_is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_.:/+=";
    return word[0] != '\0' && word[strspn(word, plain)] == '\0';
}
