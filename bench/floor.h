#ifndef ECHOPORT_FLOOR_H
#define ECHOPORT_FLOOR_H

/*
 * The floor: what the system itself takes for a message that one call receives and one call sends
 * back. There is no server around these calls: they never wait, wake no thread and always bring
 * data. Measured over the loopback interface; this thread has both ends of each connection.
 */

#include <stdbool.h>
#include <stddef.h>

/* This many bytes fit into the buffers between two sockets on any system. */
#define FLOOR_SIZE_MAX 4096

/* In seconds. */
struct floor_costs {
    double message;    /* a recv() of data that waits and a send(), on one of 50 connections */
    double empty_call; /* a recv() that brings nothing: what a system call costs here */
};

/* For messages of 1 to FLOOR_SIZE_MAX bytes. Takes some 200 ms. False: the system refused, and
 * nothing was measured. */
bool floor_measure(size_t size, struct floor_costs *costs);

#endif
