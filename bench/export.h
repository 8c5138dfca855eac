#ifndef ECHOPORT_EXPORT_H
#define ECHOPORT_EXPORT_H

#include <jansson.h>

/*
 * The ratios as github-action-benchmark reads them (customSmallerIsBetter): a list of objects with
 * "name", "unit", "value", "range", "extra". Of each backend of ours to the first: the CPU time of
 * a message, and the time of a message, which is the inverse of the throughput. Less is better in
 * both. The caller's.
 */
json_t *export_ratios(const json_t *document);

/* The command: prints them. The exit code: 0; 1: it could not be written; 2: the file is not good.
 */
int export_run(const char *path);

#endif
