#ifndef ECHOPORT_FAKE_XNU_H
#define ECHOPORT_FAKE_XNU_H

/*
 * Sockets of Linux that behave as XNU's do, for the tests of the kqueue backend. The linker
 * replaces recv, send, setsockopt and close (--wrap). Differences from Linux:
 *
 *   unread      the bytes that can be received include those after urgent data
 *   reset       loopback is asynchronous: the first send after the peer's reset still succeeds,
 *               and the reset is reported afterwards
 *   buffers     SO_SNDBUF and SO_RCVBUF are rounded up to a multiple of the MSS
 *
 * Descriptors that no queue watches are plain sockets of Linux. Any thread.
 */

#include <stdbool.h>
#include <stdint.h>

/* All descriptors are smaller. */
#define FAKE_XNU_DESCRIPTORS 65536

/* From now on the queue watches the descriptor, until it is closed. */
void fake_xnu_watch(int fd, int queue);

/* Urgent data has arrived: one byte that recv does not return. */
void fake_xnu_urgent(int fd);

/* kevent() has reported that the connection is over. From now on sends fail at once. */
void fake_xnu_ended(int fd);

/* The number of bytes that recv can return. A FIN is none, so `ended` makes no difference. */
int64_t fake_xnu_unread(int fd, bool ended);

/* A descriptor of the queue with a reset that a send has hidden and that must be reported; -1 if
 * there is none. Each is returned once. */
int fake_xnu_take_reset(int queue);

/* Whether the peer has acknowledged bytes since the last call. */
bool fake_xnu_acknowledged(int fd);

#endif
