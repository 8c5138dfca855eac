#include "batches.h"

#include <assert.h>
#include <stdlib.h>

bool batches_init(struct batches *batches)
{
    *batches = (struct batches){.slices = 1};
    batches->list = malloc(BATCHES_MAX * sizeof(*batches->list));
    return batches->list != NULL;
}

void batches_free(struct batches *batches)
{
    free(batches->list);
    *batches = (struct batches){.slices = 1};
}

static void batch_join(struct batch *into, const struct batch *next)
{
    into->until_ns = next->until_ns;
    into->messages += next->messages;
    histogram_merge(&into->latency, &next->latency);
}

/* Makes one of each two neighbours. */
static void batches_halve(struct batches *batches)
{
    assert(batches->count % 2 == 0);
    batches->count /= 2;
    for (size_t i = 0; i < batches->count; i++) {
        if (i > 0) {
            batches->list[i] = batches->list[2 * i];
        }
        batch_join(&batches->list[i], &batches->list[2 * i + 1]);
    }
    batches->slices *= 2;
    batches->filled = batches->slices;
}

static struct batch *batches_open(struct batches *batches, uint64_t from_ns)
{
    if (batches->count == BATCHES_MAX) {
        batches_halve(batches);
    }
    struct batch *batch = &batches->list[batches->count++];
    batch->from_ns = from_ns;
    batch->messages = 0;
    histogram_init(&batch->latency);
    batches->filled = 0;
    return batch;
}

void batches_add(struct batches *batches, uint64_t from_ns, uint64_t until_ns, uint64_t messages,
                 const struct histogram *latency)
{
    bool full = batches->count == 0 || batches->filled == batches->slices;
    struct batch *batch =
        full ? batches_open(batches, from_ns) : &batches->list[batches->count - 1];
    assert(from_ns <= until_ns);
    batch->until_ns = until_ns;
    batch->messages += messages;
    histogram_merge(&batch->latency, latency);
    batches->filled++;
}

void batches_add_latency(struct batches *batches, const struct histogram *latency)
{
    if (batches->count > 0) {
        histogram_merge(&batches->list[batches->count - 1].latency, latency);
    }
}

void batches_sum(const struct batches *batches, size_t first, size_t count, struct histogram *sum)
{
    assert(first + count <= batches->count);
    histogram_init(sum);
    for (size_t i = first; i < first + count; i++) {
        histogram_merge(sum, &batches->list[i].latency);
    }
}
