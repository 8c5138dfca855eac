#ifndef ECHOPORT_CLIENT_SLICES_H
#define ECHOPORT_CLIENT_SLICES_H

/* Collects the slices of the workers while they run, and gives them to the series. Main thread. */

#include <stdbool.h>
#include <stdint.h>

#include "control.h"
#include "load.h"
#include "series.h"

struct client_slices {
    struct control *control;
    struct series series; /* subscribe before client_slices_begin() */
    uv_timer_t timer;     /* control_close() closes it */
    bool has_timer;       /* it is initialized */
};

/* For a run. Zero `slices` before the first. False: out of memory, which has been reported; nothing
 * to free. */
bool client_slices_init(struct client_slices *slices, struct control *control, size_t workers);

/* Does nothing if it is zero. */
void client_slices_free(struct client_slices *slices);

/* The run begins: from now on collects once in the length of a slice. */
void client_slices_begin(struct client_slices *slices, uint64_t length_ns);

/* When all workers have ended: hands out the last slices. */
void client_slices_end(struct client_slices *slices);

#endif
