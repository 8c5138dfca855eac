#ifndef ECHOPORT_FLOOR_H
#define ECHOPORT_FLOOR_H

/*
 * The floor: what the system itself takes for a message that is received and sent back by one call
 * each, with no server around these calls: nobody waits, nobody is woken, nothing is asked for in
 * vain. Measured on connections of the loopback interface, both ends of which are this thread's.
 */

#include <stdbool.h>
#include <stddef.h>

/* So many bytes certainly fit between two sockets. */
#define FLOOR_SIZE_MAX 4096

/* In seconds. */
struct floor_costs {
    double message;    /* a recv() of what is there and a send(), on one of 50 connections */
    double empty_call; /* a recv() that has nothing to bring: how dear calls are on this machine */
};

/* For messages of 1 to FLOOR_SIZE_MAX bytes. Takes some 200 ms. False: the system refused, and
 * nothing was measured. */
bool floor_measure(size_t size, struct floor_costs *costs);

#endif
