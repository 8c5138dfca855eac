#include "pool.h"

#include <assert.h>
#include <stdlib.h>

#include "pages.h"

#if defined(__SANITIZE_ADDRESS__)
#define POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN 1
#endif
#endif

/* Buffers of this size or larger get their own pages. Smaller ones come from malloc: it reuses
 * freed memory of their size, and the system limits the number of mappings. With AddressSanitizer
 * all buffers come from malloc, since it detects an overrun only there. */
#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#define POOL_PAGES SIZE_MAX
#else
#define POOL_PAGES ((size_t)64 * 1024)
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

/* At the start of a free buffer. */
struct pool_node {
    struct pool_node *next;
};

void pool_init(struct pool *pool, size_t buffer_size, size_t memory)
{
    assert(buffer_size > 0);
    *pool = (struct pool){.buffer_size = buffer_size, .limit = memory / buffer_size};
    if (pool->limit == 0) {
        pool->limit = 1;
    }
}

static size_t pool_bytes(const struct pool *pool)
{
    return pool->buffer_size < sizeof(struct pool_node) ? sizeof(struct pool_node)
                                                        : pool->buffer_size;
}

static void *pool_new(const struct pool *pool)
{
    size_t bytes = pool_bytes(pool);
    return bytes < POOL_PAGES ? malloc(bytes) : pages_map(bytes);
}

static void pool_delete(const struct pool *pool, void *buffer)
{
    size_t bytes = pool_bytes(pool);
    if (bytes < POOL_PAGES) {
        free(buffer);
    } else {
        pages_unmap(buffer, bytes);
    }
}

static void *pool_pop(struct pool *pool)
{
    struct pool_node *node = pool->free;
    assert(node != NULL && pool->idle > 0);
    ASAN_UNPOISON_MEMORY_REGION(node, pool_bytes(pool));
    pool->free = node->next;
    pool->idle--;
    return node;
}

void pool_destroy(struct pool *pool)
{
    assert(pool->in_use == 0 && pool->offered == 0);
    while (pool->free != NULL) {
        pool_delete(pool, pool_pop(pool));
    }
    assert(pool->idle == 0);
}

/* A buffer within the limit, which the caller must count; NULL if there is none. */
static void *pool_get(struct pool *pool)
{
    size_t held = pool->in_use + pool->offered;
    assert(held <= pool->limit);
    if (held == pool->limit) {
        return NULL;
    }
    void *buffer = pool->free != NULL ? pool_pop(pool) : pool_new(pool);
    pool->failed = buffer == NULL;
    if (buffer != NULL && held + 1 > pool->needed) {
        pool->needed = held + 1;
    }
    return buffer;
}

static void pool_count(struct pool *pool)
{
    pool->in_use++;
    if (pool->in_use > pool->in_use_peak) {
        pool->in_use_peak = pool->in_use;
    }
}

uint8_t *pool_take(struct pool *pool)
{
    void *buffer = pool_get(pool);
    if (buffer != NULL) {
        pool_count(pool);
    }
    return buffer;
}

bool pool_can_give(const struct pool *pool)
{
    return !pool->failed && pool->in_use + pool->offered < pool->limit;
}

uint8_t *pool_offer(struct pool *pool)
{
    void *buffer = pool_get(pool);
    pool->offered += buffer != NULL;
    return buffer;
}

void pool_claim(struct pool *pool)
{
    assert(pool->offered > 0);
    pool->offered--;
    pool_count(pool);
}

void pool_withdraw(struct pool *pool, uint8_t *buffer)
{
    pool_claim(pool);
    pool_put(pool, buffer);
}

void pool_put(struct pool *pool, uint8_t *buffer)
{
    assert(buffer != NULL);
    assert(pool->in_use > 0);
    pool->in_use--;
    struct pool_node *node = (struct pool_node *)(void *)buffer;
    node->next = pool->free;
    pool->free = node;
    pool->idle++;
    pool->failed = false;
    ASAN_POISON_MEMORY_REGION(node, pool_bytes(pool));
}

bool pool_has_spare(const struct pool *pool)
{
    return pool->idle > POOL_IDLE;
}

void pool_trim(struct pool *pool)
{
    size_t held = pool->in_use + pool->offered;
    while (pool->idle > POOL_IDLE && pool->idle + held > pool->needed) {
        pool_delete(pool, pool_pop(pool));
    }
    pool->needed = held;
}
