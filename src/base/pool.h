#ifndef ECHOPORT_POOL_H
#define ECHOPORT_POOL_H

/*
 * Equal buffers under a limit in bytes: for the receive buffers of a loop, and for the chunks that
 * the client sends. Grows when a buffer is asked for and none is free. What one burst needed stays
 * for the next, so that a busy program does not allocate; pool_trim(), called from time to time,
 * gives back what lay idle since it was last called (POOL_IDLE apart), so that an idle one holds
 * next to nothing. Belongs to one thread. Under AddressSanitizer a buffer in the pool is poisoned.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many buffers may lie idle for ever. */
#define POOL_IDLE 8

struct pool {
    struct pool_node *free;
    size_t buffer_size;
    size_t limit; /* buffers */
    size_t idle;
    size_t in_use;
    size_t in_use_peak;
    size_t offered; /* with the system, which may put something into them */
    size_t needed;  /* the most in use and offered at once since the last trim */
    bool failed;    /* there was no memory for one more, and none has come back since */
};

/* A pool of buffers of `buffer_size` bytes, `memory` bytes of them at the most; at least one. */
void pool_init(struct pool *pool, size_t buffer_size, size_t memory);

/* Frees the pool's memory. Every buffer has been put back: asserted. */
void pool_destroy(struct pool *pool);

/* A buffer of buffer_size bytes, aligned as malloc aligns; NULL at the limit or without memory. */
uint8_t *pool_take(struct pool *pool);

/* Whether it is worth trying: none is at the limit, or was refused for want of memory since the
 * last one came back. */
bool pool_can_give(const struct pool *pool);

/* Gives back a buffer that this pool gave. */
void pool_put(struct pool *pool, uint8_t *buffer);

/* Whether there is memory that a trim may give back, now or at a later call. */
bool pool_has_spare(const struct pool *pool);

/* Gives back to the system what nobody needed since the last call. */
void pool_trim(struct pool *pool);

/* A buffer that the system may fill when it has something, which counts towards the limit; and then
 * one of those comes into use, or goes back unused. */
uint8_t *pool_offer(struct pool *pool);
void pool_claim(struct pool *pool);
void pool_withdraw(struct pool *pool, uint8_t *buffer);

#endif
