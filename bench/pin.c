#include "pin.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "option.h"
#include "sys.h"

const char *const pin_mode_names[] = {"apart", "together", "off", NULL};

bool pin_find_mode(const char *name, enum pin_mode *mode)
{
    for (int i = 0; pin_mode_names[i] != NULL; i++) {
        if (strcmp(pin_mode_names[i], name) == 0) {
            *mode = (enum pin_mode)i;
            return true;
        }
    }
    return false;
}

#define PIN_CPUS_MAX 12 /* as many as PIN_LIST_SIZE has room for */

/* The CPUs that a process may use: not always those from 0 on. */
struct pin_cpus {
    int ids[PIN_CPUS_MAX];
    size_t count;
};

/* On a thread of its own, which is pinned to one after the other. */
static void pin_try_all(void *argument)
{
    struct pin_cpus *cpus = argument;
    for (int id = 0; id < OPTION_CPU_LIMIT && cpus->count < PIN_CPUS_MAX; id++) {
        if (sys_pin_thread(id) == 0) {
            cpus->ids[cpus->count++] = id;
        }
    }
}

static void pin_find_cpus(struct pin_cpus *cpus)
{
    uv_thread_t thread;
    cpus->count = 0;
    if (uv_thread_create(&thread, pin_try_all, cpus) == 0) {
        (void)uv_thread_join(&thread);
    }
}

static void pin_list(const int *ids, uint64_t count, char *list)
{
    size_t used = 0;
    for (uint64_t i = 0; i < count && used < PIN_LIST_SIZE; i++) {
        used +=
            (size_t)snprintf(list + used, PIN_LIST_SIZE - used, "%s%d", i > 0 ? "," : "", ids[i]);
    }
}

static uint64_t least_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t pin_client_threads(enum pin_mode mode, const struct pin_sides *sides)
{
    uint64_t cpus = sys_cpu_count();
    uint64_t left = cpus > sides->workers ? cpus - sides->workers : 1;
    if (sides->client_cpus > 0) {
        left = sides->client_cpus;
    } else if (mode == PIN_TOGETHER) {
        left = 1;
    }
    return least_of(least_of(left, PIN_CLIENT_THREADS_MAX), sides->connections);
}

void pin_place(enum pin_mode mode, const struct pin_sides *sides, struct pin_placement *placement)
{
    struct pin_cpus cpus;
    uint64_t workers = sides->workers;
    *placement = (struct pin_placement){.server_cpu = -1, .client_cpu = -1};
    placement->client_threads = pin_client_threads(mode, sides);
    pin_find_cpus(&cpus);
    uint64_t pinned = sides->client_cpus > 0 ? 0 : placement->client_threads;
    size_t skipped = mode == PIN_TOGETHER ? 0 : (size_t)workers;
    bool fits =
        mode == PIN_TOGETHER ? workers == 1 && cpus.count > 0 : cpus.count >= workers + pinned;
    if (mode == PIN_OFF || !fits) {
        return;
    }
    pin_list(cpus.ids, workers, placement->server);
    placement->server_cpu = cpus.ids[0];
    if (pinned > 0) {
        pin_list(cpus.ids + skipped, pinned, placement->client);
        placement->client_cpu = cpus.ids[skipped];
    }
}
