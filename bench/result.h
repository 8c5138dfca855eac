#ifndef ECHOPORT_RESULT_H
#define ECHOPORT_RESULT_H

/*
 * Results in memory and in the file: one document of JSON, which docs/benchmarking.md describes.
 * Times are in seconds and sizes in bytes. An absent member was not measured.
 *
 * A key may be a path, with '.' between the members: "latency.p99". Running out of memory ends the
 * program.
 */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "text.h"

#define RESULT_FORMAT 1

/* A number, or 0 where there is none. */
double result_number(const json_t *object, const char *path);
bool result_has(const json_t *object, const char *path);
const char *result_text(const json_t *object, const char *path); /* "" where there is none */

void result_set(json_t *object, const char *key, double value);
void result_set_text(json_t *object, const char *key, const char *value);
void result_set_known(json_t *object, const char *key, const char *value); /* does nothing for "" */

/* Sets a member to `value`, appends one to a list; both take the reference over. */
void result_put(json_t *object, const char *key, json_t *value);
void result_append(json_t *list, json_t *value);

/* ---- runs ---------------------------------------------------------------------------------- */

/* A run that has only an empty list of marks. */
json_t *result_run(void);

void result_add_mark(json_t *run, const char *mark);
bool result_has_mark(const json_t *run, const char *mark);

/* Sets "latency" and "percentiles" of a run from the client's "latency_ns", unless that is empty.
 * */
void result_set_latency(json_t *run, const json_t *latency_ns);

/* ---- cases, documents ---------------------------------------------------------------------- */

/* The case of that name, in a document or in a list of cases, or NULL. */
json_t *result_case(const json_t *document, const char *name);
json_t *result_case_in(const json_t *cases, const char *name);

/* How many rounds the runs of a case belong to. */
size_t result_rounds(const json_t *test_case);

/* The run of a subject in a round, or NULL. */
const json_t *result_find_run(const json_t *test_case, const char *subject, size_t round);

/* Adds the document to `out` as JSON. */
void result_compose(const json_t *document, struct text *out);

/* Reads a document; the caller owns it. NULL, after a message: it can't be read, or is no document
 * of results. */
json_t *result_load(const char *path);

#endif
