#ifndef ECHOPORT_STREAM_JSON_H
#define ECHOPORT_STREAM_JSON_H

/*
 * --json-stream: one object per line, as it happens. Each begins with `type`: "start", "interval"
 * or "report". Main thread.
 *
 * A reader that does not read can't make the memory grow: lines of intervals get lost then, and the
 * report's line says how many. The other lines are never lost.
 */

#include <stdint.h>

#include "client_report.h"
#include "interval.h"

struct stream_json {
    uint64_t lost; /* lines of intervals */
};

/* The run begins. Of the report only what client_report_json_start() needs is there. */
void stream_json_start(const struct client_report *report);

void stream_json_interval(struct stream_json *stream, const struct intervals *intervals,
                          const struct interval *interval);

/* The last line. */
void stream_json_report(const struct stream_json *stream, const struct client_report *report);

#endif
