#include "sim_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION UINT64_C(1000000)

struct sim_world sim_world;

void sim_require(bool kept, const char *sentence)
{
    if (kept) {
        return;
    }
    sim_world.violated = true;
    if (sim_world.config.violated != NULL) {
        sim_world.config.violated(sentence);
    }
    fprintf(stderr, "sim: %s (seed %" PRIu64 ", at %" PRIu64 " ns)\n", sentence,
            sim_world.config.seed, sim_world.now_ns);
    abort();
}

void *sim_allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        fputs("sim: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *sim_grow(void *array, size_t *room, size_t count, size_t item_size)
{
    if (count < *room) {
        return array;
    }
    size_t wanted = *room == 0 ? 16 : *room * 2;
    void *grown = sim_allocate(wanted * item_size);
    if (array != NULL) {
        memcpy(grown, array, count * item_size);
        free(array);
    }
    *room = wanted;
    return grown;
}

/* splitmix64: https://prng.di.unimi.it/splitmix64.c */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t sim_below(uint64_t limit)
{
    return limit < 2 ? 0 : next_random(&sim_world.random) % limit;
}

bool sim_chance(uint32_t ppm)
{
    return ppm != 0 && sim_below(MILLION) < ppm;
}

void sim_count(enum sim_kind kind)
{
    sim_world.counts.of[kind]++;
}

uint64_t sim_latency(void)
{
    uint64_t least = sim_world.config.latency_min_ns;
    return least + sim_below(sim_world.config.latency_max_ns - least + 1);
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void sim_post(struct sim_queue *queue, struct sim_event event)
{
    queue->events = sim_grow(queue->events, &queue->room, queue->count, sizeof(struct sim_event));
    event.order = ++sim_world.order;
    size_t at = queue->count++;
    while (at > 0 && before(&event, &queue->events[(at - 1) / 2])) {
        queue->events[at] = queue->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->events[at] = event;
}

struct sim_event sim_pop(struct sim_queue *queue)
{
    struct sim_event *events = queue->events;
    struct sim_event first = events[0];
    struct sim_event last = events[--queue->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < queue->count && before(&events[child + 1], &events[child])) {
            child++;
        }
        if (child >= queue->count || !before(&events[child], &last)) {
            break;
        }
        events[at] = events[child];
        at = child;
    }
    events[at] = last;
    return first;
}

bool sim_due(const struct sim_queue *queue)
{
    return queue->count > 0 && queue->events[0].at_ns <= sim_world.now_ns;
}

void sim_pass(uint64_t time_ns)
{
    struct sim_queue *events = &sim_world.events;
    while (events->count > 0 && events->events[0].at_ns <= time_ns) {
        struct sim_event event = sim_pop(events);
        if (event.at_ns > sim_world.now_ns) {
            sim_world.now_ns = event.at_ns;
        }
        event.run(&event);
    }
    if (time_ns > sim_world.now_ns) {
        sim_world.now_ns = time_ns;
    }
}

void sim_begin(const struct sim_config *config)
{
    sim_require(!sim_world.open, "sim_begin() while a world exists");
    sim_world = (struct sim_world){
        .config = *config, .random = config->seed, .now_ns = 1000 * MILLION, .open = true};
    struct sim_config *own = &sim_world.config;
    if (own->latency_max_ns < own->latency_min_ns) {
        own->latency_max_ns = own->latency_min_ns;
    }
    if (own->capacity_min == 0) {
        own->capacity_min = own->capacity_max != 0 ? 1 : 64 * 1024;
    }
    if (own->capacity_max < own->capacity_min) {
        own->capacity_max = own->capacity_min;
    }
}

static void free_world(void)
{
    while (sim_world.loops != NULL) {
        sim_loop_free(sim_world.loops);
    }
    while (sim_world.listeners != NULL) {
        struct io_listener *listener = sim_world.listeners;
        sim_world.listeners = listener->next;
        free(listener);
    }
    sim_net_free();
    free(sim_world.events.events);
    sim_world = (struct sim_world){.open = false};
}

void sim_end(void)
{
    if (!sim_world.violated) {
        sim_require(sim_world.open, "sim_end() without a world");
        sim_require(sim_world.loops == NULL, "sim_end() while a loop is open");
        for (size_t i = sim_net_first_live(); i < sim_world.conn_count; i++) {
            sim_require(sim_world.conns[i]->token == TOKEN_NONE,
                        "a detached token was neither adopted nor refused");
        }
    }
    free_world();
}

uint64_t sim_now(void)
{
    return sim_world.now_ns;
}

static bool loop_has_work(void)
{
    for (const struct sim_loop *loop = sim_world.loops; loop != NULL; loop = loop->next) {
        if (loop->woken || sim_due(&loop->due)) {
            return true;
        }
    }
    return false;
}

static uint64_t next_event(void)
{
    uint64_t next = UINT64_MAX;
    if (sim_world.events.count > 0) {
        next = sim_world.events.events[0].at_ns;
    }
    for (const struct sim_loop *loop = sim_world.loops; loop != NULL; loop = loop->next) {
        if (loop->due.count > 0 && loop->due.events[0].at_ns < next) {
            next = loop->due.events[0].at_ns;
        }
    }
    return next;
}

bool sim_advance(uint64_t deadline_ns)
{
    sim_pass(sim_world.now_ns);
    while (!loop_has_work()) {
        if (deadline_ns <= sim_world.now_ns) {
            return true;
        }
        uint64_t next = next_event();
        if (next > deadline_ns) {
            next = deadline_ns;
        }
        if (next == UINT64_MAX) {
            return false;
        }
        sim_pass(next);
    }
    return true;
}

bool sim_step(void)
{
    uint64_t deadline_ns = UINT64_MAX;
    for (const struct sim_loop *loop = sim_world.loops; loop != NULL; loop = loop->next) {
        if (loop->deadline_ns < deadline_ns) {
            deadline_ns = loop->deadline_ns;
        }
    }
    bool more = sim_advance(deadline_ns);
    for (struct sim_loop *loop = sim_world.loops; loop != NULL; loop = loop->next) {
        if (loop->deadline_ns <= sim_world.now_ns) {
            loop->deadline_ns = UINT64_MAX;
        }
    }
    return more;
}

/* A given fault is absent from half of the worlds, since faults together hide each other. */
static uint32_t draw_ppm(uint64_t *state, uint32_t most)
{
    uint64_t draw = next_random(state);
    return draw % 2 == 0 ? 0 : (uint32_t)((draw >> 8) % most) + 1;
}

void sim_config_random(struct sim_config *config, uint64_t seed)
{
    static const uint32_t inline_ppm[] = {0, 100000, 500000, 900000, 1000000};
    static const uint64_t latency_ns[] = {0, 1000, 100 * 1000, 20 * MILLION};
    static const size_t capacity[] = {1, 7, 1000, 65536};
    uint64_t state = seed ^ UINT64_C(0x73696d);
    *config = (struct sim_config){.seed = seed, .turn_ns = 1000};
    config->inline_ppm = inline_ppm[next_random(&state) % 5];
    config->latency_max_ns = latency_ns[next_random(&state) % 4];
    config->latency_min_ns = config->latency_max_ns / (1 + next_random(&state) % 10);
    config->capacity_max = capacity[next_random(&state) % 4];
    config->capacity_min = config->capacity_max / (1 + next_random(&state) % 10);
    config->short_ppm = draw_ppm(&state, 900000);
    config->first_bytes_ppm = draw_ppm(&state, 1000000);
    config->race_ppm = draw_ppm(&state, 1000000);
    config->early_ppm = draw_ppm(&state, 300000);
    config->batches_ppm = draw_ppm(&state, 800000);
    config->wake_ppm = draw_ppm(&state, 100000);
    config->reset_ppm = draw_ppm(&state, 20000);
    config->stall_ppm = draw_ppm(&state, 5000);
    config->submit_fails_ppm = draw_ppm(&state, 10000);
    config->connect_refused_ppm = draw_ppm(&state, 200000);
    config->connect_hangs_ppm = draw_ppm(&state, 100000);
    config->accept_emfile_ppm = draw_ppm(&state, 300000);
    config->accept_aborted_ppm = draw_ppm(&state, 200000);
    config->adopt_fails_ppm = draw_ppm(&state, 100000);
    config->full_ppm = draw_ppm(&state, 300000);
}

const struct sim_counts *sim_counts(void)
{
    return &sim_world.counts;
}

void sim_counts_add(struct sim_counts *sum, const struct sim_counts *counts)
{
    for (size_t i = 0; i < SIM_KINDS; i++) {
        sum->of[i] += counts->of[i];
    }
}

void sim_describe(const struct sim_counts *counts, char *text, size_t size)
{
    static const char *const names[SIM_KINDS] = {
        [SIM_CONNECTIONS] = "connections",
        [SIM_BYTES] = "bytes",
        [SIM_INLINE] = "inline",
        [SIM_COMPLETIONS] = "completions",
        [SIM_SHORT_RECV] = "short_recv",
        [SIM_SHORT_SEND] = "short_send",
        [SIM_FIRST_BYTES] = "first_bytes",
        [SIM_STARVED] = "starved",
        [SIM_CANCELED] = "canceled",
        [SIM_RACES] = "races",
        [SIM_EARLY] = "early",
        [SIM_FULL] = "full",
        [SIM_WAKES] = "wakes",
        [SIM_RESETS] = "resets",
        [SIM_STALLS] = "stalls",
        [SIM_UNREAD] = "unread",
        [SIM_BACKLOG_FULL] = "backlog_full",
        [SIM_SUBMIT_FAILED] = "submit_fail",
        [SIM_REFUSED] = "refused",
        [SIM_HANGING] = "hanging",
        [SIM_EMFILE] = "emfile",
        [SIM_ABORTED] = "aborted",
        [SIM_ADOPT_FAILED] = "adopt_fail",
        [SIM_CORRUPTED] = "corrupted",
    };
    size_t used = 0;
    if (size > 0) {
        text[0] = '\0';
    }
    for (size_t i = 0; i < SIM_KINDS && used + 1 < size; i++) {
        if (counts->of[i] != 0) {
            int more = snprintf(text + used, size - used, "%s%s=%" PRIu64, used == 0 ? "" : " ",
                                names[i], counts->of[i]);
            used += more > 0 ? (size_t)more : 0;
        }
    }
}
