#ifndef ECHOPORT_NULL_H
#define ECHOPORT_NULL_H

/* The null case: what a message costs the client without a server, a network or a system call. What
 * remains is making and checking its bytes and recording its latency. */

#include <stdint.h>

/* CPU time in seconds for a message of `size` bytes, 1 or more, in pieces of at most 64 KiB. For
 * more than 1 MiB it is extrapolated from the cost of 1 MiB. Takes some 50 ms. */
double null_cpu_per_message(uint64_t size);

#endif
