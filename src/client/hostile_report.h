#ifndef ECHOPORT_HOSTILE_REPORT_H
#define ECHOPORT_HOSTILE_REPORT_H

/*
 * The report on hostile connections: what the server did to them, and the latency of the ordinary
 * connections before them and beside them. Any thread; no state.
 */

#include <stdint.h>

#include "histogram.h"
#include "hostile.h"
#include "json.h"
#include "text.h"

/* Ordinary messages that began in a part of the measured time. */
struct hostile_part {
    const struct histogram *latency;
    double seconds; /* 0: the part is empty */
};

struct hostile_report {
    struct hostile_result *result; /* NULL: no memory for it, nothing is reported */
    uint64_t from_ns;              /* --hostile-from */
    struct hostile_part before;
    struct hostile_part beside;
};

/* For people: a line for each group, and one for the ordinary connections. `report` is NULL without
 * --hostile: nothing is added. */
void hostile_report_text(const struct hostile_report *report, struct text *out);

/* The members `hostile` and `hostile_effect`: docs/report.md. Without --hostile the first is an
 * empty array and the second is null. */
void hostile_report_json(const struct hostile_report *report, struct json *json);

#endif
