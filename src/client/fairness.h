#ifndef ECHOPORT_FAIRNESS_H
#define ECHOPORT_FAIRNESS_H

/*
 * How evenly a server treats connections: the messages of the slowest and the median connection,
 * and how many had none. A connection here is a user, which may have several one after another.
 * The histogram has one value for each user: its messages in the measured time. Any thread.
 */

#include "histogram.h"
#include "json.h"
#include "text.h"

/* The line for people. Nothing for fewer than two connections. */
void fairness_text(const struct histogram *messages, struct text *out);

/* The member `fairness`; null if no connection has been counted. */
void fairness_json(const struct histogram *messages, struct json *json);

#endif
