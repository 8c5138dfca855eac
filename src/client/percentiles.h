#ifndef ECHOPORT_PERCENTILES_H
#define ECHOPORT_PERCENTILES_H

/* The percentiles that reports have: --percentiles. Pure functions. */

#include <stdbool.h>
#include <stddef.h>

#include "histogram.h"
#include "json.h"
#include "text.h"

#define PERCENTILES_MAX 20
#define PERCENTILES_DEFAULT "50,90,95,99,99.9,99.99"
#define PERCENTILES_TAKES                                                                          \
    "up to 20 different numbers of 0 to 100 with at most 6 decimals, separated by commas"

/* Bytes of "99.999999" and its NUL. */
#define PERCENTILES_NAME 12

struct percentiles {
    size_t count;
    double values[PERCENTILES_MAX];                /* 0 to 100, in the order given */
    char names[PERCENTILES_MAX][PERCENTILES_NAME]; /* the shortest that is the same number */
};

/* Reads a list such as "50,99.9". False: it is none. */
bool percentiles_parse(const char *text, struct percentiles *percentiles);

/* The check of the option: whether percentiles_parse() accepts the text. */
bool percentiles_is(const char *text);

/* Adds "p50 18.8 us, p99.9 1.02 ms, " of a histogram that is not empty. */
void percentiles_text(const struct percentiles *percentiles, const struct histogram *histogram,
                      struct text *out);

/* Adds the members "50", "99.9" in nanoseconds to the object that is open; null if nothing was
 * recorded. */
void percentiles_json(const struct percentiles *percentiles, const struct histogram *histogram,
                      struct json *json);

#endif
