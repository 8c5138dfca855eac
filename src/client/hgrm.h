#ifndef ECHOPORT_HGRM_H
#define ECHOPORT_HGRM_H

/*
 * The percentile text of HdrHistogram, which its tools print and plotters read: docs/client.md. The
 * values are in milliseconds with six decimals, that is to the nanosecond.
 */

#include "histogram.h"
#include "text.h"

/*
 * Adds the whole text of `latency`: the head, the rows and the three lines that begin with #. A row
 * is printed at each fifth of a halving of the rest (0 %, 10 %, ... 50 %, 55 %, ... 75 %, ...), as
 * HdrHistogram does by default. Without a recorded value there are no rows, and the mean, the
 * standard deviation and the maximum are 0.
 */
void hgrm_text(const struct histogram *latency, struct text *out);

#endif
