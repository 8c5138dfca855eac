#include "ws_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000u
#define MOMENT_NS (MILLISECOND / 5) /* of real time, for other threads */
#define MOMENTS_MAX 1000

struct world ws_world;

static uv_once_t lock_once = UV_ONCE_INIT;
static uv_mutex_t lock;
static uv_cond_t changed;

/* ---- misuse ---------------------------------------------------------------------------------- */

bool ws_world_require(bool kept, const char *sentence)
{
    if (kept || ws_world.config.forgiving) {
        return kept;
    }
    ws_world.violated = true;
    if (ws_world.config.violated != NULL) {
        ws_world_unlock();
        ws_world.config.violated(sentence);
    }
    (void)fprintf(stderr, "winsock: %s (seed %" PRIu64 ", at %" PRIu64 " ns)\n", sentence,
                  ws_world.config.seed, ws_world.now_ns);
    abort();
}

void *ws_world_allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        (void)fputs("winsock: out of memory\n", stderr);
        abort();
    }
    return memory;
}

/* ---- chance ---------------------------------------------------------------------------------- */

/* https://prng.di.unimi.it/splitmix64.c */
uint64_t ws_world_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t next_choice(void)
{
    if (ws_world.choice_count == 0) {
        return 0;
    }
    ws_world.choice_count--;
    return *ws_world.choices++;
}

uint64_t ws_world_below(uint64_t limit)
{
    if (limit < 2) {
        return 0;
    }
    if (ws_world.choices != NULL) {
        return (limit <= 256 ? next_choice() : next_choice() * limit / 256) % limit;
    }
    return ws_world_random(&ws_world.random) % limit;
}

bool ws_world_chance(uint32_t ppm)
{
    return ppm != 0 && ws_world_below(MILLION) >= MILLION - ppm;
}

void ws_world_count(enum winsock_kind kind)
{
    ws_world.counts.of[kind]++;
}

uint64_t ws_world_latency(void)
{
    uint64_t least = ws_world.config.latency_min_ns;
    return least + ws_world_below(ws_world.config.latency_max_ns - least + 1);
}

void winsock_choose_from(const uint8_t *bytes, size_t count)
{
    ws_world.choices = bytes;
    ws_world.choice_count = count;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool before(const struct event *a, const struct event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void events_grow(void)
{
    size_t room = ws_world.event_room == 0 ? 64 : 2 * ws_world.event_room;
    struct event *events = ws_world_allocate(room * sizeof(*events));
    if (ws_world.event_count > 0) {
        memcpy(events, ws_world.events, ws_world.event_count * sizeof(*events));
    }
    free(ws_world.events);
    ws_world.events = events;
    ws_world.event_room = room;
}

void ws_world_post(uint64_t at_ns, void (*run)(void *subject, size_t detail), void *subject,
                   size_t detail)
{
    struct event event = {at_ns, ++ws_world.order, run, subject, detail};
    if (ws_world.event_count == ws_world.event_room) {
        events_grow();
    }
    size_t at = ws_world.event_count++;
    while (at > 0 && before(&event, &ws_world.events[(at - 1) / 2])) {
        ws_world.events[at] = ws_world.events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    ws_world.events[at] = event;
}

static struct event events_take(void)
{
    struct event *events = ws_world.events;
    struct event first = events[0];
    struct event last = events[--ws_world.event_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < ws_world.event_count && before(&events[child + 1], &events[child])) {
            child++;
        }
        if (child >= ws_world.event_count || !before(&events[child], &last)) {
            break;
        }
        events[at] = events[child];
        at = child;
    }
    events[at] = last;
    return first;
}

uint64_t ws_world_next_event(void)
{
    return ws_world.event_count > 0 ? ws_world.events[0].at_ns : UINT64_MAX;
}

void ws_world_pass(uint64_t time_ns)
{
    while (ws_world_next_event() <= time_ns) {
        struct event event = events_take();
        if (event.at_ns > ws_world.now_ns) {
            ws_world.now_ns = event.at_ns;
        }
        event.run(event.subject, event.detail);
    }
    if (time_ns > ws_world.now_ns) {
        ws_world.now_ns = time_ns;
    }
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void lock_init(void)
{
    if (uv_mutex_init(&lock) != 0 || uv_cond_init(&changed) != 0) {
        abort();
    }
}

void ws_world_lock(void)
{
    uv_once(&lock_once, lock_init);
    uv_mutex_lock(&lock);
}

void ws_world_unlock(void)
{
    uv_mutex_unlock(&lock);
}

void ws_world_changed(void)
{
    if (ws_world.config.threads) {
        uv_cond_broadcast(&changed);
    }
}

bool ws_world_pause(void)
{
    return ws_world.config.threads && uv_cond_timedwait(&changed, &lock, MOMENT_NS) == 0;
}

bool ws_world_wait(uint64_t deadline_ns)
{
    if (ws_world_pause()) {
        return true;
    }
    uint64_t next = ws_world_next_event();
    next = next < deadline_ns ? next : deadline_ns;
    if (next == UINT64_MAX) {
        return ws_world.config.threads;
    }
    ws_world_pass(next);
    return true;
}

uint64_t winsock_now(void)
{
    ws_world_lock();
    uint64_t now_ns = ws_world.now_ns;
    ws_world_unlock();
    return now_ns;
}

/* The actions of other threads are no events: they get some moments before the answer is that
 * nothing comes. */
static bool advance(uint64_t deadline_ns)
{
    unsigned moments = ws_world.config.threads ? MOMENTS_MAX : 0;
    ws_world.waits_in_a_row = 0;
    ws_world_pass(ws_world.now_ns);
    while (!ws_port_any_packet()) {
        if (deadline_ns <= ws_world.now_ns) {
            return true;
        }
        if (ws_world_pause()) {
            continue;
        }
        uint64_t next = ws_world_next_event();
        next = next < deadline_ns ? next : deadline_ns;
        if (next != UINT64_MAX) {
            ws_world_pass(next);
        } else if (moments-- == 0) {
            return false;
        }
    }
    return true;
}

bool winsock_advance(uint64_t deadline_ns)
{
    ws_world_lock();
    bool more = advance(deadline_ns);
    ws_world_unlock();
    return more;
}

bool winsock_step(void)
{
    uint64_t deadline_ns = UINT64_MAX;
    ws_world_lock();
    for (const struct port *port = ws_world.ports; port != NULL; port = port->next) {
        deadline_ns = port->deadline_ns < deadline_ns ? port->deadline_ns : deadline_ns;
    }
    bool more = advance(deadline_ns);
    for (struct port *port = ws_world.ports; port != NULL; port = port->next) {
        if (port->deadline_ns <= ws_world.now_ns) {
            port->deadline_ns = UINT64_MAX;
        }
    }
    ws_world_unlock();
    return more;
}

/* ---- the world ------------------------------------------------------------------------------- */

void winsock_begin(const struct winsock_config *config)
{
    ws_world_lock();
    (void)ws_world_require(!ws_world.open, "winsock_begin() while a world exists");
    ws_world = (struct world){.config = *config,
                              .random = config->seed,
                              .now_ns = 1000 * MILLISECOND,
                              .open = true,
                              .last_closed = INVALID_SOCKET,
                              .next_port = 49152};
    struct winsock_config *own = &ws_world.config;
    if (own->latency_max_ns < own->latency_min_ns) {
        own->latency_max_ns = own->latency_min_ns;
    }
    if (own->capacity_min == 0) {
        own->capacity_min = own->capacity_max != 0 ? 1 : 64 * 1024;
    }
    if (own->capacity_max < own->capacity_min) {
        own->capacity_max = own->capacity_min;
    }
    ws_calls_reset();
    ws_world_unlock();
}

static void free_operations(void)
{
    while (ws_world.operations != NULL) {
        struct operation *op = ws_world.operations;
        ws_world.operations = op->all;
        if (op->buffers != &op->one) {
            free(op->buffers);
        }
        free(op->staged);
        free(op);
    }
}

static void free_world(void)
{
    free_operations();
    while (ws_world.ports != NULL) {
        struct port *port = ws_world.ports;
        ws_world.ports = port->next;
        free(port);
    }
    while (ws_world.endpoints != NULL) {
        struct endpoint *endpoint = ws_world.endpoints;
        ws_world.endpoints = endpoint->all;
        free(endpoint);
    }
    while (ws_world.connections != NULL) {
        struct connection *conn = ws_world.connections;
        ws_world.connections = conn->all;
        ws_net_free(conn);
        free(conn);
    }
    free(ws_world.events);
    free(ws_world.handles);
    ws_world = (struct world){.open = false};
}

void winsock_end(void)
{
    ws_world_lock();
    if (!ws_world.violated) {
        (void)ws_world_require(ws_world.open, "winsock_end() without a world");
        (void)ws_world_require(ws_world.handles_open == 0, "a socket is left open");
        (void)ws_world_require(ws_world.operations_open == 0, "the packet of an operation is left");
        (void)ws_world_require(ws_world.port_count == 0, "a completion port is left open");
    }
    free_world();
    ws_world_unlock();
}

size_t winsock_open_sockets(void)
{
    return ws_world.handles_open;
}

size_t winsock_open_ports(void)
{
    return ws_world.port_count;
}

size_t winsock_open_operations(void)
{
    return ws_world.operations_open;
}
