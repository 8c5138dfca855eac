#ifndef ECHOPORT_BUCKETS_H
#define ECHOPORT_BUCKETS_H

/* A histogram in the JSON: exact enough to make the same histogram of it. Pure functions. */

#include <stdbool.h>

#include "histogram.h"
#include "json.h"
#include "text.h"

/* Adds the member "buckets": pairs of an upper bound and a count, of those that are not empty. The
 * bound of the last bucket of all is INT64_MAX, which any reader of JSON can hold. */
void buckets_json(const struct histogram *histogram, struct json *json);

/* Adds the buckets to a text, which is not for people, to be kept: some bytes for each. Then the
 * member can be made of that text. */
void buckets_pack(const struct histogram *histogram, struct text *packed);
void buckets_packed_json(const struct text *packed, struct json *json);

#endif
