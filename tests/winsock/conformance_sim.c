#include "conformance.h"

#include <string.h>

#include "winsock_sim.h"

static bool as_wine;

const char *conformance_system(const char *as)
{
    as_wine = as != NULL && strcmp(as, "Wine 8") == 0;
    return as == NULL || strcmp(as, "simulation") == 0 ? "simulation" : as_wine ? as : NULL;
}

/* Nothing is random: operations end at once if they can, the others when the clock moves. */
void conformance_begin(void)
{
    const struct winsock_config config = {.waits = WINSOCK_ADVANCING,
                                          .inline_ppm = 1000000,
                                          .call_ns = 1000,
                                          .latency_max_ns = 1000,
                                          .wine = as_wine,
                                          .forgiving = true};
    winsock_begin(&config);
}

void conformance_end(void)
{
    winsock_end();
}
