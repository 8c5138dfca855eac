#ifndef ECHOPORT_STRAIN_H
#define ECHOPORT_STRAIN_H

/*
 * How hard a worker had to work during its run. One of its own thread; read it when the thread has
 * ended.
 */

#include <stdint.h>

#include "worker.h"

#define STRAIN_UNKNOWN UINT64_MAX

struct strain {
    uint64_t run_ns;  /* from the begin of the run to the begin of its end; 0: there was none */
    uint64_t cpu_ns;  /* CPU time in it */
    uint64_t idle_ns; /* of it, turns that found nothing to do and did not sleep */
    uint64_t wait_ns; /* in which the thread was ready and had no CPU, or STRAIN_UNKNOWN */

    /* Private: at the begin. */
    uint64_t began_ns;
    uint64_t cpu_before_ns;
    uint64_t idle_before_ns;
    uint64_t wait_before_ns;
};

/* On the worker's thread. The second may be called only once, after the first. */
void strain_begin(struct strain *strain, struct worker *worker);
void strain_end(struct strain *strain, struct worker *worker);

/* The share of its run in which the worker was busy, 0 to 1; NAN: there was no run. */
double strain_busy_share(const struct strain *strain);

#endif
