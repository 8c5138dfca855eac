#ifndef ECHOPORT_CLIENT_OUTPUTS_H
#define ECHOPORT_CLIENT_OUTPUTS_H

/*
 * What a run prints at its end. It is composed when the run has ended, and printed at once, or when
 * a search has ended (--find-rate). Main thread.
 */

#include <stdbool.h>

#include "client_report.h"
#include "find_rate.h"
#include "json.h"
#include "text.h"

struct client_outputs {
    struct text report;
    struct text json_text;
    struct json json; /* its object is open: the search is missing */
    struct text hgrm;
    bool made;
    int code; /* the exit code of the run */
};

/* Composes anew what the report's options ask for. The texts don't point to the report. `code`: the
 * exit code of the run. */
void client_outputs_make(struct client_outputs *outputs, const struct client_report *report,
                         int code);

/* Completes and prints them, and frees them. `find`: the search that the run belongs to, or
 * NULL. */
void client_outputs_print(struct client_outputs *outputs, const struct client_options *options,
                          const struct find_rate *find);

/* Does nothing if they are zero. */
void client_outputs_free(struct client_outputs *outputs);

#endif
