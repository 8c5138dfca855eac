#ifndef ECHOPORT_TABLE_H
#define ECHOPORT_TABLE_H

/* Results for people, at most 100 columns wide. */

#include <jansson.h>

#include "text.h"

/* The table of one case, after summary_make(). */
void table_case(struct text *out, const json_t *test_case);

/* The same for --against: the ratios of new to old. */
void table_pairs(struct text *out, const json_t *test_case);

/* "1.21 [1.17, 1.26] +", of 19 columns after two; `ratio` is a ratio of the results, or NULL. */
void table_one_ratio(struct text *out, const json_t *ratio);

/* The text below the tables: how to read them, and what the harness costs. */
void table_end(struct text *out, const json_t *document);

#endif
