#ifndef ECHOPORT_OPTION_VALUE_H
#define ECHOPORT_OPTION_VALUE_H

/*
 * The values of options: how each type is read, and what it accepts in words. For the files of the
 * options only.
 */

#include "option_table.h"

#define OPTION_RANGE_SIZE 256 /* of buffers for option_range() */

/*
 * Reads `text`, which is not empty, into the row's member of `options`. Not for OPTION_FLAG.
 *
 * Returns 0; UV_EINVAL when it is malformed; UV_ERANGE when it is outside of the row's range; or
 * UV_E2BIG when the option has been given too often.
 */
int option_store(const struct option_row *row, void *options, const char *text);

/* The values that a row accepts, as in "0 (never) or 1ms to 30d"; empty for a flag. */
void option_range(const struct option_row *row, char *buffer, size_t size);

/* What a value of the row's type is called, as in "a number"; NULL when the range says it all. */
const char *option_noun(const struct option_row *row);

/* Whether the member is a number with a range. */
bool option_is_number(const struct option_row *row);

#endif
