#ifndef ECHOPORT_IO_URING_BUFFERS_H
#define ECHOPORT_IO_URING_BUFFERS_H

/*
 * Where received bytes go: the kernel chooses a buffer from a ring of them when there is data, so
 * an idle connection holds none. All functions belong to the loop's thread.
 */

#include "io_uring_ring.h"

/* The group that a receive with IOSQE_BUFFER_SELECT names. */
#define URING_BUFFER_GROUP 0

/* Registers the ring of buffers for all the loop's receives. 0; or a UV error, and nothing to
 * undo. */
int uring_buffers_open(struct uring_loop *loop);

/* Takes back what is offered. The kernel's rings are closed. */
void uring_buffers_close(struct uring_loop *loop);

/* Offers as many buffers as are wanted and as the pool gives. Once in a turn. */
void uring_buffers_offer(struct uring_loop *loop);

/* Whether the kernel has a buffer to choose from. Offers some first if it has none. */
bool uring_buffers_have_one(struct uring_loop *loop);

/* A receive found none: one more is wanted. */
void uring_buffers_grow(struct uring_loop *loop);

/* At the end of a turn: looks whether fewer would have been enough. */
void uring_buffers_look(struct uring_loop *loop);

/* The buffer that a completion with these flags and this result names; in use from now on. */
uint8_t *uring_buffers_take(struct uring_loop *loop, unsigned flags, int result);

#endif
