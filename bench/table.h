#ifndef ECHOPORT_TABLE_H
#define ECHOPORT_TABLE_H

/* Results for people, in at most 100 columns. */

#include <stdio.h>

#include <jansson.h>

/* The table of one case, which summary_make() has been over. */
void table_case(FILE *out, const json_t *test_case);

/* What stands below all of them: how to read them, and what the harness costs. */
void table_end(FILE *out, const json_t *document);

#endif
