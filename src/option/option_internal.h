#ifndef ECHOPORT_OPTION_INTERNAL_H
#define ECHOPORT_OPTION_INTERNAL_H

/*
 * What the files of the options share; everybody else includes option.h.
 *
 *     option.c          the command line: words, messages
 *     option_type.c     the values: what each type takes, and how it is read
 *     option_address.c  hosts and ports
 *     option_help.c     --help
 */

#include "option.h"

#define OPTION_RANGE_SIZE 160 /* of buffers for option_range */

#define OPTION_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define OPTION_DIGITS "0123456789"

/* What a type means. */
struct option_kind {
    const char *noun; /* in messages: "'0x' is not ..."; NULL when the range says it all */
    bool range_in_help;
    void (*range)(const struct option_row *row, char *buffer, size_t size);

    /*
     * Reads `text`, which isn't empty, into the member at `field`; NULL for OPTION_FLAG, for which
     * there is nothing to read. Returns 0, UV_EINVAL when it is malformed, UV_ERANGE when it isn't
     * in the row's range, UV_EEXIST when something occurs twice in it, or UV_ENOMEM.
     */
    int (*store)(const struct option_row *row, void *field, const char *text);
};

const struct option_kind *option_kind(const struct option_row *row);

/* The row's member of `options`. */
void *option_field(const struct option_row *row, void *options);

/* Whether `text` is a number in `min` to `max`, or a name as /etc/services has them: 0, UV_EINVAL
 * or UV_ERANGE. A name that begins with a digit, as few do, is taken for a mistyped number. */
int option_check_port(const char *text, uint64_t min, uint64_t max);

/* Text that is put together in a buffer; what doesn't fit is left out. */
struct option_line {
    char *text;
    size_t size;
    size_t used;
};

/* An empty line in the buffer `text`. */
struct option_line option_line(char *text, size_t size);

void option_put(struct option_line *line, const char *text);

#endif
