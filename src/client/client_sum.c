#include "client_sum.h"

#include <stdlib.h>

#include "log.h"

void client_sum_free(struct client_sum *sum)
{
    free(sum->stats);
    free(sum->workers);
    free(sum->part);
}

bool client_sum_init(struct client_sum *sum, size_t workers)
{
    *sum = (struct client_sum){.stats = calloc(1, sizeof(*sum->stats)),
                               .workers = calloc(workers, sizeof(*sum->workers)),
                               .part = malloc(sizeof(*sum->part)),
                               .from_ns = UINT64_MAX,
                               .first_message_ns = UINT64_MAX};
    if (sum->stats == NULL || sum->workers == NULL || sum->part == NULL) {
        log_message("out of memory: no report");
        client_sum_free(sum);
        return false;
    }
    client_stats_init(sum->stats);
    return true;
}

void client_sum_add(struct client_sum *sum, const struct load *load, const struct load_report *part)
{
    client_stats_add(sum->stats, &part->stats);
    sum->workers[load->worker.index] =
        (struct report_worker){.work = part->work, .cpu = load->worker.cpu};
    if (part->measured_from_ns < sum->from_ns) {
        sum->from_ns = part->measured_from_ns;
    }
    if (part->measured_until_ns > sum->until_ns) {
        sum->until_ns = part->measured_until_ns;
    }
    if (part->first_message_ns > 0 && part->first_message_ns < sum->first_message_ns) {
        sum->first_message_ns = part->first_message_ns;
    }
    if (part->connected && !sum->connected) {
        sum->connected = true;
        sum->address = part->address;
    }
}

void client_sum_add_ended(struct client_sum *sum, const struct load *load)
{
    load_report(load, sum->part);
    client_sum_add(sum, load, sum->part);
}

double client_sum_seconds(const struct client_sum *sum)
{
    return sum->until_ns > sum->from_ns ? (double)(sum->until_ns - sum->from_ns) / 1e9 : 0;
}
