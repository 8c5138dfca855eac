#ifndef ECHOPORT_SERVER_PARTS_H
#define ECHOPORT_SERVER_PARTS_H

/* Reports in the making: what the workers have handed in of each generation. Main thread only. */

#include <stddef.h>
#include <stdint.h>

#include "echo.h"
#include "server_report.h"

/* The report of a generation as far as it has come. */
struct server_part {
    struct server_part *next;
    struct server_report report; /* generation, counts and workers */
    size_t handed_in;            /* workers */
    uint64_t began_ns;           /* by uv_hrtime(); of the first worker */
    uint64_t ended_ns;           /* of the last */
};

struct server_parts {
    struct server_part *first; /* of the oldest generation; NULL: none */
    size_t worker_count;
};

void server_parts_init(struct server_parts *parts, size_t worker_count);

/* Adds a worker's generations, a list that it takes over. One for which there is no memory is left
 * out: it gets no report. */
void server_parts_add(struct server_parts *parts, const struct echo *echo,
                      struct echo_generation *generation);

/* Makes `copy` one of the counts, to which those of running workers can be added. */
void server_parts_copy(struct server_parts *copy, const struct server_parts *parts);

void server_parts_free_first(struct server_parts *parts);

/* All of them. */
void server_parts_free(struct server_parts *parts);

#endif
