#ifndef ECHOPORT_SERVER_PARTS_H
#define ECHOPORT_SERVER_PARTS_H

/* Unfinished reports: for each generation, the sum of what the workers have handed in. Main
 * thread. */

#include <stddef.h>
#include <stdint.h>

#include "echo.h"
#include "server_report.h"

/* The report of one generation, possibly incomplete. */
struct server_part {
    struct server_part *next;
    struct server_report report; /* generation, counts and workers */
    size_t handed_in;            /* workers that are included */
    uint64_t began_ns;           /* when the first worker began, by uv_hrtime() */
    uint64_t ended_ns;           /* when the last worker ended */
};

struct server_parts {
    struct server_part *first; /* the oldest generation; NULL: none */
    size_t worker_count;
};

/* Makes `parts` empty. `worker_count` is at least 1. */
void server_parts_init(struct server_parts *parts, size_t worker_count);

/* Adds a worker's generations and frees the list. Without memory for a generation, it is left out
 * and gets no report. */
void server_parts_add(struct server_parts *parts, const struct echo *echo,
                      struct echo_generation *generation);

/* Makes `copy` a copy of the counts. The caller can add the counts of running workers to it, and
 * frees it. */
void server_parts_copy(struct server_parts *copy, const struct server_parts *parts);

/* Frees the oldest part; there must be one. */
void server_parts_free_first(struct server_parts *parts);

/* Frees all parts. */
void server_parts_free(struct server_parts *parts);

#endif
