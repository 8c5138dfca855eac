#include "server_parts.h"

#include <stdlib.h>
#include <string.h>

void server_parts_init(struct server_parts *parts, size_t worker_count)
{
    *parts = (struct server_parts){.worker_count = worker_count};
}

static struct server_part *server_part_new(unsigned generation, size_t worker_count)
{
    struct server_part *part = calloc(1, sizeof(*part));
    if (part != NULL) {
        part->report.workers = calloc(worker_count, sizeof(*part->report.workers));
    }
    if (part == NULL || part->report.workers == NULL) {
        free(part);
        return NULL;
    }
    part->report.generation = generation;
    part->began_ns = UINT64_MAX;
    return part;
}

/* Finds the part of a generation, or adds it at the end. NULL: out of memory. */
static struct server_part *server_part_for(struct server_parts *parts, unsigned generation)
{
    struct server_part **at = &parts->first;
    while (*at != NULL && (*at)->report.generation != generation) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        *at = server_part_new(generation, parts->worker_count);
    }
    return *at;
}

static void server_part_add(struct server_part *part, const struct echo *echo,
                            const struct echo_generation *generation)
{
    struct server_report_worker *worker = &part->report.workers[echo->worker.index];
    worker->common.work = generation->work;
    worker->common.cpu = echo->worker.cpu;
    worker->counters = generation->stats.counters;
    server_stats_add(&part->report.stats, &generation->stats);
    part->report.open += generation->open;
    part->handed_in++;
    if (generation->began_ns < part->began_ns) {
        part->began_ns = generation->began_ns;
    }
    if (generation->ended_ns > part->ended_ns) {
        part->ended_ns = generation->ended_ns;
    }
}

void server_parts_add(struct server_parts *parts, const struct echo *echo,
                      struct echo_generation *generation)
{
    while (generation != NULL) {
        struct echo_generation *next = generation->next;
        struct server_part *part = server_part_for(parts, generation->number);
        if (part != NULL) {
            server_part_add(part, echo, generation);
        }
        free(generation);
        generation = next;
    }
}

void server_parts_copy(struct server_parts *copy, const struct server_parts *parts)
{
    server_parts_init(copy, parts->worker_count);
    for (const struct server_part *from = parts->first; from != NULL; from = from->next) {
        struct server_part *to = server_part_for(copy, from->report.generation);
        if (to != NULL) {
            struct server_report_worker *workers = to->report.workers;
            memcpy(workers, from->report.workers, parts->worker_count * sizeof(*workers));
            to->report.stats = from->report.stats;
            to->began_ns = from->began_ns;
            to->ended_ns = from->ended_ns;
        }
    }
}

void server_parts_free_first(struct server_parts *parts)
{
    struct server_part *part = parts->first;
    parts->first = part->next;
    free(part->report.workers);
    free(part);
}

void server_parts_free(struct server_parts *parts)
{
    while (parts->first != NULL) {
        server_parts_free_first(parts);
    }
}
