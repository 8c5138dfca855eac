#ifndef ECHOPORT_NULL_H
#define ECHOPORT_NULL_H

/* The null case: what a message costs the client where there is no server, no network and no system
 * call; what is left is the making and checking of its bytes and the recording of its latency. */

#include <stdint.h>

/* In seconds of CPU time, for a message of `size` bytes, 1 or more, at most 64 KiB of which are
 * worked on at once; of more than 1 MiB it is so many times the cost of that. Takes some 50 ms. */
double null_cpu_per_message(uint64_t size);

#endif
