#ifndef ECHOPORT_EXPORT_H
#define ECHOPORT_EXPORT_H

#include <jansson.h>

/*
 * The ratios as github-action-benchmark reads them (customSmallerIsBetter): a list of objects with
 * "name", "unit", "value", "range", "extra". Each of our backends has its ratios to the first: the
 * CPU time per message and the time per message. The latter is the inverse of the throughput. Less
 * is better in both. The caller owns the list.
 */
json_t *export_ratios(const json_t *document);

/* The command: prints them. Returns the exit code: 0; 1: it can't write; 2: the file is not good.
 * */
int export_run(const char *path);

#endif
