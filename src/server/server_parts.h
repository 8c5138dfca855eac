#ifndef ECHOPORT_SERVER_PARTS_H
#define ECHOPORT_SERVER_PARTS_H

/* Reports in the making: for each generation the sum of what the workers have handed in. Main
 * thread only. */

#include <stddef.h>
#include <stdint.h>

#include "echo.h"
#include "server_report.h"

/* The report of a generation, as far as it is complete. */
struct server_part {
    struct server_part *next;
    struct server_report report; /* generation, counts and workers */
    size_t handed_in;            /* workers */
    uint64_t began_ns;           /* by uv_hrtime(); of the first worker */
    uint64_t ended_ns;           /* of the last */
};

struct server_parts {
    struct server_part *first; /* the oldest generation; NULL: none */
    size_t worker_count;
};

void server_parts_init(struct server_parts *parts, size_t worker_count);

/* Adds a worker's generations and frees the list. If there is no memory for a generation, it is
 * left out and gets no report. */
void server_parts_add(struct server_parts *parts, const struct echo *echo,
                      struct echo_generation *generation);

/* Makes `copy` a copy of the counts, to which those of running workers can be added. */
void server_parts_copy(struct server_parts *copy, const struct server_parts *parts);

void server_parts_free_first(struct server_parts *parts);

/* Frees all parts. */
void server_parts_free(struct server_parts *parts);

#endif
