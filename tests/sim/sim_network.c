#include "sim_network.h"

#include "sim.h"

static uv_os_sock_t listening(size_t server)
{
    (void)server;
    return (uv_os_sock_t)WORLD_PORT;
}

const struct world_network sim_network = {
    .backend = &backend_sim,
    .now = sim_now,
    .step = sim_step,
    .advance = sim_advance,
    .listening = listening,
};
