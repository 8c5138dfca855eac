#ifndef ECHOPORT_POOL_H
#define ECHOPORT_POOL_H

/*
 * Buffers of one size under a limit in bytes: the receive buffers of a loop, and the chunks that
 * the client sends. The pool grows when a buffer is wanted and none is free. It keeps what one
 * burst needed for the next, so that a busy program does not allocate. pool_trim() frees what was
 * idle since its last call, except POOL_IDLE buffers. Called from time to time, it leaves an idle
 * program almost no memory. Belongs to one thread. Under AddressSanitizer a buffer in the pool is
 * poisoned.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* This many buffers may stay idle for ever. */
#define POOL_IDLE 8

struct pool {
    struct pool_node *free;
    size_t buffer_size;
    size_t limit; /* buffers */
    size_t idle;
    size_t in_use;
    size_t in_use_peak;
    size_t offered; /* held by the system, which may fill them */
    size_t needed;  /* peak of in_use + offered since the last trim */
    bool failed;    /* an allocation failed, and no buffer has come back since */
};

/* A pool of buffers of `buffer_size` bytes (at least 1), at most `memory` bytes in all, but at
 * least one buffer. Allocates nothing yet. */
void pool_init(struct pool *pool, size_t buffer_size, size_t memory);

/* Frees the pool's memory. Every buffer must have been put back. */
void pool_destroy(struct pool *pool);

/* Takes a buffer of buffer_size bytes, aligned as by malloc, which is the caller's until
 * pool_put(). NULL: at the limit, or out of memory. */
uint8_t *pool_take(struct pool *pool);

/* Whether pool_take() may succeed: the pool is below its limit, and no allocation has failed since
 * a buffer last came back. */
bool pool_can_give(const struct pool *pool);

/* Returns a buffer to the pool that it came from. */
void pool_put(struct pool *pool, uint8_t *buffer);

/* Whether a trim may free memory, now or at a later call. */
bool pool_has_spare(const struct pool *pool);

/* Frees what was not needed since the last call. */
void pool_trim(struct pool *pool);

/* Buffers that the system may fill when data comes. They count towards the limit.
 *
 * pool_offer() takes one for the system; NULL as pool_take(). pool_claim(): the system has filled
 * an offered buffer, which is now in use. pool_withdraw() returns an offered buffer to the pool. */
uint8_t *pool_offer(struct pool *pool);
void pool_claim(struct pool *pool);
void pool_withdraw(struct pool *pool, uint8_t *buffer);

#endif
