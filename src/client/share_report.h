#ifndef ECHOPORT_SHARE_REPORT_H
#define ECHOPORT_SHARE_REPORT_H

/*
 * What the JSON of a client has for a merge with those of other clients (--share): which part of
 * the load it had, when that was, and everything that it counted. Pure functions, except that they
 * ask for the name of the host.
 */

#include "client_report.h"
#include "json.h"

/* Adds the member `share`. */
void share_report_json_start(const struct client_report *report, struct json *json);

/* Adds `ended_at`, `ended_unix`, `first_message_unix`, `measured` and `message_size`. */
void share_report_json_run(const struct client_report *report, struct json *json);

/* Adds `figures` and `reasons`. */
void share_report_json_counts(const struct client_stats *stats, struct json *json);

#endif
