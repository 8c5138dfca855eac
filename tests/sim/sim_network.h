#ifndef ECHOPORT_SIM_NETWORK_H
#define ECHOPORT_SIM_NETWORK_H

/* The network in memory as that of a world. */

#include "world.h"

extern const struct world_network sim_network;

#endif
