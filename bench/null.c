#include "null.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include <uv.h>

#include "histogram.h"
#include "stream.h"
#include "sys.h"
#include "units.h"

#define NULL_PART (64 * UNITS_KIB)
#define NULL_SIZE_MAX UNITS_MIB           /* larger messages are extrapolated from this */
#define NULL_BATCH_BYTES (64 * UNITS_KIB) /* at least, before the clock is read again */

struct null_client {
    struct stream stream;
    struct histogram latency;
    uint64_t offset;
    unsigned char bytes[NULL_PART];
};

static void null_message(struct null_client *client, uint64_t size)
{
    uint64_t begin_ns = uv_hrtime();
    for (uint64_t left = size; left > 0;) {
        size_t part = (size_t)(left < NULL_PART ? left : NULL_PART);
        stream_fill(&client->stream, client->offset, client->bytes, part);
        size_t right = stream_check(&client->stream, client->offset, client->bytes, part);
        assert(right == part);
        (void)right;
        client->offset += part;
        left -= part;
    }
    histogram_record(&client->latency, uv_hrtime() - begin_ns);
}

/* The CPU time per message in nanoseconds, over as many messages as take the time. */
static double null_measure(struct null_client *client, uint64_t size)
{
    uint64_t batch = 1 + NULL_BATCH_BYTES / size;
    uint64_t messages = 0;
    uint64_t begin_ns = sys_thread_cpu_ns();
    uint64_t end_ns = uv_hrtime() + 50 * NS_PER_MS;
    do {
        for (uint64_t i = 0; i < batch; i++) {
            null_message(client, size);
        }
        messages += batch;
    } while (uv_hrtime() < end_ns);
    return (double)(sys_thread_cpu_ns() - begin_ns) / (double)messages;
}

double null_cpu_per_message(uint64_t size)
{
    struct null_client *client = malloc(sizeof(*client));
    uint64_t measured = size < NULL_SIZE_MAX ? size : NULL_SIZE_MAX;
    if (client == NULL) {
        return 0;
    }
    client->stream = stream_of(1, 1);
    client->offset = 0;
    histogram_init(&client->latency);
    double cost_ns = null_measure(client, measured);
    free(client);
    return cost_ns / 1e9 * ((double)size / (double)measured);
}
