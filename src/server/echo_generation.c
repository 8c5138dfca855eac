/* Generations: when each begins, what it has counted, and how the main thread gets that. */

#include "echo_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "sys.h"

/* The largest batch so far counts for the present generations. Then the count starts again. */
static void echo_keep_maxima(struct echo *echo)
{
    struct io_stats *stats = &echo->worker.io->stats;
    for (struct echo_generation *at = echo->oldest; at != NULL; at = at->next) {
        io_stats_keep_maxima(&at->work.io, stats);
    }
    stats->batch_max = 0;
}

bool echo_generation_new(struct echo *echo)
{
    struct echo_generation *generation = calloc(1, sizeof(*generation));
    if (generation == NULL) {
        return false;
    }
    echo_keep_maxima(echo);
    generation->number = echo->current == NULL ? 1 : echo->current->number + 1;
    generation->began_ns = worker_now(&echo->worker);
    generation->work_before.io = echo->worker.io->stats;
    generation->work_before.cpu_ns = sys_thread_cpu_ns();
    if (echo->current == NULL) {
        echo->oldest = generation;
    } else {
        echo->current->next = generation;
    }
    echo->current = generation;
    return true;
}

/* Computes this worker's part in the report of the generation, up to now. It may be called once:
 * for a generation that goes on, pass a copy. */
static void echo_generation_measure(struct echo *echo, struct echo_generation *generation)
{
    generation->ended_ns = worker_now(&echo->worker);
    io_stats_add_since(&generation->work.io, &echo->worker.io->stats, &generation->work_before.io);
    generation->work.cpu_ns = sys_thread_cpu_ns() - generation->work_before.cpu_ns;
}

void echo_generation_publish(struct echo *echo, struct echo_generation *generation)
{
    struct echo_generation **end = &echo->ended;
    server_stats_add(&echo->past, &generation->stats);
    generation->next = NULL;
    echo_generation_measure(echo, generation);
    uv_mutex_lock(&echo->worker.lock);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = generation;
    uv_mutex_unlock(&echo->worker.lock);
    worker_notify(&echo->worker);
}

void echo_generations_sweep(struct echo *echo)
{
    while (echo->oldest != echo->current && echo->oldest->open == 0) {
        struct echo_generation *generation = echo->oldest;
        echo->oldest = generation->next;
        echo_generation_publish(echo, generation);
    }
}

void echo_generation_leave(struct echo *echo, struct echo_generation *generation)
{
    assert(generation->open > 0);
    generation->open--;
    echo_generations_sweep(echo);
}

struct echo_generation *echo_take_ended(struct echo *echo)
{
    uv_mutex_lock(&echo->worker.lock);
    struct echo_generation *ended = echo->ended;
    echo->ended = NULL;
    uv_mutex_unlock(&echo->worker.lock);
    for (struct echo_generation *at = ended; at != NULL; at = at->next) {
        echo->handed_in = at->number;
    }
    return ended;
}

/* ---- the report so far --------------------------------------------------------------------- */

struct echo_generation *echo_take_so_far(struct echo *echo)
{
    struct echo_generation *so_far = worker_take_report(&echo->worker);
    while (so_far != NULL && so_far->number <= echo->handed_in) {
        struct echo_generation *next = so_far->next;
        free(so_far);
        so_far = next;
    }
    return so_far;
}

struct echo_generation *echo_generations_copy(struct echo *echo)
{
    struct echo_generation *copies = NULL;
    struct echo_generation **end = &copies;
    for (struct echo_generation *at = echo->oldest; at != NULL; at = at->next) {
        struct echo_generation *copy = malloc(sizeof(*copy));
        if (copy == NULL) {
            log_message("out of memory: the report so far lacks counts of worker %u",
                        echo->worker.index);
            break;
        }
        *copy = *at;
        copy->next = NULL;
        copy->conns = NULL;
        echo_generation_measure(echo, copy);
        *end = copy;
        end = &copy->next;
    }
    return copies;
}

/* ---- snapshot ------------------------------------------------------------------------------ */

void echo_generations_snapshot(struct echo *echo)
{
    uint64_t open = 0;
    struct server_stats sum = echo->past;
    for (struct echo_generation *at = echo->oldest; at != NULL; at = at->next) {
        open += at->open;
        server_stats_add(&sum, &at->stats);
    }
    uv_mutex_lock(&echo->worker.lock);
    echo->snapshot = sum;
    echo->snapshot_open = open;
    uv_mutex_unlock(&echo->worker.lock);
    worker_notify(&echo->worker);
}
