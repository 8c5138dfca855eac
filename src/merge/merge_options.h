#ifndef ECHOPORT_MERGE_OPTIONS_H
#define ECHOPORT_MERGE_OPTIONS_H

/* The options of echo-client --merge. */

#include <stdbool.h>

#include "option.h"

/* Texts point to argv or are constant. */
struct merge_options {
    bool merge;                /* always */
    struct option_words files; /* at least one */
    struct option_strings server;
    struct option_strings fail_if;
    const char *json; /* NULL = off, "-" = stdout, or a file */
    const char *hgrm; /* likewise */
    bool details;
    bool help;
};

extern const struct option_program merge_program;

/* Whether the command line has the word --merge. */
bool merge_is_asked(int argc, char **argv);

/* Reads the command line. Changes the order of argv. Returns 0; 1 when `help` is set; or UV_EINVAL
 * for a usage error, with `error` filled. */
int merge_options_parse(struct merge_options *options, int argc, char **argv,
                        struct option_error *error);

#endif
