#ifndef ECHOPORT_BATCHES_H
#define ECHOPORT_BATCHES_H

/*
 * The measured time of a run in batches: consecutive spans of equal length, each with the latencies
 * of its messages. The run adds short slices of time in order. When all batches are used, each two
 * neighbours become one. So a run of any length has 32 to 64 batches, and the memory is bounded.
 * One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

#define BATCHES_MAX 64

struct batch {
    uint64_t from_ns;
    uint64_t until_ns;
    uint64_t messages; /* that ended in this time, for the rate */
    struct histogram latency;
};

struct batches {
    struct batch *list; /* room for BATCHES_MAX */
    size_t count;
    size_t slices; /* of a full batch: 1, 2, 4, ... */
    size_t filled; /* slices in the last batch */
};

/* False: out of memory, and nothing to free. */
bool batches_init(struct batches *batches);
void batches_free(struct batches *batches);

/* Adds the next slice. A slice without a message is added too. */
void batches_add(struct batches *batches, uint64_t from_ns, uint64_t until_ns, uint64_t messages,
                 const struct histogram *latency);

/* Adds latencies to the last batch, without time. Does nothing if there is no batch. */
void batches_add_latency(struct batches *batches, const struct histogram *latency);

/* Adds up the latencies of `count` batches from `first` on. */
void batches_sum(const struct batches *batches, size_t first, size_t count, struct histogram *sum);

#endif
