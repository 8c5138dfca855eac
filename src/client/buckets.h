#ifndef ECHOPORT_BUCKETS_H
#define ECHOPORT_BUCKETS_H

/* A histogram in the JSON: exact enough to make the same histogram of it. Pure function. */

#include "histogram.h"
#include "json.h"

/* Adds the member "buckets": pairs of an upper bound and a count, of those that are not empty. The
 * bound of the last bucket of all is INT64_MAX, which any reader of JSON can hold. */
void buckets_json(const struct histogram *histogram, struct json *json);

#endif
