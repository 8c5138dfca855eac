/* Scenarios on `sim`: each runs in several worlds that differ by their seed. */

#include "sim.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t world_seed;
static uint16_t last_port;
static bool world_stands; /* an assertion that fails leaves it behind, with what is open in it */

bool suite_simulated(const struct backend *backend)
{
    return backend == &backend_sim;
}

static void world_violated(const char *sentence)
{
    (void)fprintf(stderr, "backend_suite: sim, seed %u: %s\n", (unsigned)world_seed, sentence);
    abort();
}

/* No world has faults, because the scenarios decide what ends and how. Even seeds complete
 * everything later, odd ones half of it in the submit. Higher seeds cut more operations short. */
void suite_world_begin(uint64_t seed)
{
    const uint32_t often = 500000;
    const struct sim_config config = {
        .seed = seed,
        .inline_ppm = seed % 2 == 0 ? 0 : often,
        .latency_min_ns = 1000,
        .latency_max_ns = seed % 3 == 0 ? 1000 : 3000000,
        .turn_ns = 1000,
        .short_ppm = seed < 5 ? 0 : often / 2,
        .first_bytes_ppm = seed < 5 ? 0 : often,
        .early_ppm = seed < 10 ? 0 : often / 4,
        .batches_ppm = seed % 4 < 2 ? 0 : often,
        .full_ppm = seed < 15 ? 0 : often,
        .no_detach = seed % 5 == 4,
        .violated = world_violated,
    };
    if (world_stands) {
        fail_msg("an earlier scenario has failed and left its world behind");
    }
    world_stands = true;
    world_seed = seed;
    last_port = 1000;
    sim_begin(&config);
}

void suite_world_end(void)
{
    sim_end();
    world_stands = false;
}

void suite_world_step(void)
{
    (void)sim_step(); /* it can't be false: the last turn had a deadline */
}

uint16_t suite_world_port(void)
{
    return ++last_port;
}
