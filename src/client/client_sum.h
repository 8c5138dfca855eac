#ifndef ECHOPORT_CLIENT_SUM_H
#define ECHOPORT_CLIENT_SUM_H

/* The sums over all workers, for a report. Main thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client_report.h"
#include "load.h"

struct client_sum {
    struct client_stats *stats;
    struct report_worker *workers;
    struct load_report *part; /* room for one */
    uint64_t from_ns;         /* of the measured time, by uv_hrtime() */
    uint64_t until_ns;
    uint64_t first_message_ns; /* when the first message began, by the same; UINT64_MAX: none has */
    bool connected;
    size_t address; /* index of the first at which a connection came up; 0 if none did */
};

/* For `workers` workers. False: out of memory, which has been reported; nothing to free. */
bool client_sum_init(struct client_sum *sum, size_t workers);
void client_sum_free(struct client_sum *sum);

/* Adds what a worker contributes: `part`, or what it counted until it ended. */
void client_sum_add(struct client_sum *sum, const struct load *load,
                    const struct load_report *part);
void client_sum_add_ended(struct client_sum *sum, const struct load *load);

/* The measured time; 0: there was none. */
double client_sum_seconds(const struct client_sum *sum);

#endif
