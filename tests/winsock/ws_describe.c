#include "ws_world.h"

#include <inttypes.h>
#include <stdio.h>

/* The draw has a state of its own: the kind of a world must not depend on what happens in it. */
static uint64_t draw(uint64_t *state, uint64_t below)
{
    return ws_world_random(state) % below;
}

/* Half of the worlds don't have a given fault at all: faults hide each other. */
static uint32_t draw_ppm(uint64_t *state, uint32_t most)
{
    return draw(state, 2) == 0 ? 0 : (uint32_t)draw(state, most) + 1;
}

void winsock_config_random(struct winsock_config *config, uint64_t seed)
{
    static const uint32_t inline_ppm[] = {0, 100000, 500000, 900000, 1000000};
    static const uint64_t time_ns[] = {0, 1000, 100 * 1000, 20 * MILLISECOND};
    static const size_t capacity[] = {1, 7, 1000, 65536};
    uint64_t state = seed ^ UINT64_C(0x77696e);
    *config = (struct winsock_config){.seed = seed};
    config->call_ns = 1 + draw(&state, 2000);
    config->wait_ns = 10000;
    config->latency_max_ns = time_ns[draw(&state, 4)];
    config->latency_min_ns = config->latency_max_ns / (1 + draw(&state, 10));
    config->delay_ns = time_ns[draw(&state, 4)];
    config->capacity_max = capacity[draw(&state, 4)];
    config->capacity_min = config->capacity_max / (1 + draw(&state, 10));
    config->inline_ppm = inline_ppm[draw(&state, 5)];
    config->short_recv_ppm = draw_ppm(&state, 900000);
    config->short_send_ppm = draw_ppm(&state, 900000);
    config->spurious_ppm = draw_ppm(&state, 300000);
    config->small_ppm = draw_ppm(&state, 1000000);
    config->early_ppm = draw_ppm(&state, 300000);
    config->call_fails_ppm = draw_ppm(&state, 10000);
    config->operation_fails_ppm = draw_ppm(&state, 20000);
    config->reset_ppm = draw_ppm(&state, 20000);
    config->hang_ppm = draw_ppm(&state, 100000);
    config->cancel_late_ppm = draw_ppm(&state, 1000000);
    config->cancel_moved_ppm = draw_ppm(&state, 1000000);
    config->no_ifs = draw(&state, 4) == 0;
    config->wine = draw(&state, 2) == 0;
    config->unbuffered = draw(&state, 4) == 0;
    config->old = draw(&state, 4) == 0;
}

const struct winsock_counts *winsock_counts(void)
{
    return &ws_world.counts;
}

void winsock_counts_add(struct winsock_counts *sum, const struct winsock_counts *counts)
{
    for (size_t i = 0; i < WINSOCK_KINDS; i++) {
        sum->of[i] += counts->of[i];
    }
}

void winsock_describe(const struct winsock_counts *counts, char *text, size_t size)
{
    static const char *const names[WINSOCK_KINDS] = {
        [WINSOCK_CONNECTIONS] = "connections",
        [WINSOCK_BYTES] = "bytes",
        [WINSOCK_INLINE] = "inline",
        [WINSOCK_PACKETS] = "packets",
        [WINSOCK_WAITS] = "waits",
        [WINSOCK_SHORT_RECV] = "short_recv",
        [WINSOCK_SHORT_SEND] = "short_send",
        [WINSOCK_SPURIOUS] = "spurious",
        [WINSOCK_SMALL] = "small",
        [WINSOCK_EARLY] = "early",
        [WINSOCK_CALL_FAILED] = "call_failed",
        [WINSOCK_OPERATION_FAILED] = "operation_failed",
        [WINSOCK_RESETS] = "resets",
        [WINSOCK_HANGS] = "hangs",
        [WINSOCK_CANCELED] = "canceled",
        [WINSOCK_CANCEL_LATE] = "cancel_late",
        [WINSOCK_CANCEL_MOVED] = "cancel_moved",
        [WINSOCK_ACCEPT_RESET] = "accept_reset",
        [WINSOCK_REUSED] = "reused",
        [WINSOCK_CONTEXT_MISSING] = "context_missing",
        [WINSOCK_CLOSED_UNDER_WAY] = "closed_under_way",
    };
    size_t used = 0;
    if (size > 0) {
        text[0] = '\0';
    }
    for (size_t i = 0; i < WINSOCK_KINDS && used + 1 < size; i++) {
        if (counts->of[i] != 0) {
            int more = snprintf(text + used, size - used, "%s%s=%" PRIu64, used == 0 ? "" : " ",
                                names[i], counts->of[i]);
            used += more > 0 ? (size_t)more : 0;
        }
    }
}
