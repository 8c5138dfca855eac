#ifndef ECHOPORT_DOCUMENT_H
#define ECHOPORT_DOCUMENT_H

/* Writes documents of results, which result.h reads. */

#include <stdbool.h>

#include <jansson.h>

#include "matrix.h"
#include "pin.h"
#include "run.h"

/* A new document without cases: the time, the machine and the options. The caller owns it. */
json_t *document_new(const struct run_setup *setup, const struct pin_placement *placement,
                     bool quick, const char *command);

/* Adds a case without runs to a list of the document, which owns it. */
json_t *document_add_case(json_t *cases, const struct bench_case *load);

/* Sets "harness": what a message costs the client, from the first case that has that figure. It
 * also has the share of a CPU that echo-bench itself took. What work on the bytes and the system
 * cost is measured here, so it is left out when the client may run elsewhere. */
void document_set_harness(json_t *document, double bench_load);

#endif
