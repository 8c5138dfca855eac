/*
 * The kernel takes the buffers in turn, so it touches each that is offered. Few buffers stay in the
 * caches: so no more are offered than needed.
 *
 * The number begins small. It grows by one for each receive that found no buffer in a turn that
 * moved little. It shrinks by one after a turn that moved much. After some time it shrinks by half
 * of what was never needed.
 */

#include "io_uring_buffers.h"

#include <stdlib.h>
#include <sys/mman.h>

#define URING_ENTRIES_MAX 32768u
#define URING_TARGET_MIN 1u

/* The number shrinks after this many turns. */
#define URING_TURNS 1024u

/* A turn that has filled this many bytes, the size of a core's nearest cache, is long enough. A
 * receive that finds no buffer gets one in the next turn, when this turn's bytes have been sent. */
#define URING_TURN_BYTES 32768u

struct uring_buffers {
    struct io_uring_buf_ring *ring; /* `entries` of them, mapped */
    uint8_t **data;                 /* by buffer ID; NULL: not offered */
    uint16_t *free_ids;
    unsigned free_count;
    unsigned entries; /* a power of two */
    unsigned offered; /* the kernel may choose from this many */
    unsigned target;  /* how many are to be offered */
    unsigned least;   /* the fewest that were offered after a turn, of the last `turns` */
    unsigned turns;
    size_t filled; /* bytes, in this turn */
};

static size_t uring_ring_size(const struct uring_buffers *buffers)
{
    return buffers->entries * sizeof(struct io_uring_buf);
}

/* Room for as many as the pool may ever give. */
static unsigned uring_entries(size_t limit)
{
    unsigned entries = 1;
    while (entries < limit && entries < URING_ENTRIES_MAX) {
        entries *= 2;
    }
    return entries;
}

/* ---- loop ---------------------------------------------------------------------------------- */

static int uring_buffers_allocate(struct uring_buffers *buffers, size_t limit)
{
    buffers->entries = uring_entries(limit);
    buffers->target = URING_TARGET_MIN;
    buffers->data = calloc(buffers->entries, sizeof(*buffers->data));
    buffers->free_ids = calloc(buffers->entries, sizeof(*buffers->free_ids));
    void *memory = mmap(NULL, uring_ring_size(buffers), PROT_READ | PROT_WRITE,
                        MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory != MAP_FAILED) {
        buffers->ring = memory;
    }
    if (buffers->data == NULL || buffers->free_ids == NULL || buffers->ring == NULL) {
        return UV_ENOMEM;
    }
    for (unsigned id = 0; id < buffers->entries; id++) {
        buffers->free_ids[buffers->free_count++] = (uint16_t)id;
    }
    return 0;
}

static int uring_buffers_register(struct uring_loop *loop)
{
    struct uring_buffers *buffers = loop->buffers;
    io_uring_buf_ring_init(buffers->ring);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)buffers->ring,
        .ring_entries = buffers->entries,
        .bgid = URING_BUFFER_GROUP,
    };
    return uv_translate_sys_error(-io_uring_register_buf_ring(&loop->ring, &registration, 0));
}

int uring_buffers_open(struct uring_loop *loop)
{
    loop->buffers = calloc(1, sizeof(*loop->buffers));
    if (loop->buffers == NULL) {
        return UV_ENOMEM;
    }
    int status = uring_buffers_allocate(loop->buffers, loop->base.pool.limit);
    if (status == 0) {
        status = uring_buffers_register(loop);
    }
    if (status != 0) {
        uring_buffers_close(loop);
    }
    return status;
}

void uring_buffers_close(struct uring_loop *loop)
{
    struct uring_buffers *buffers = loop->buffers;
    for (unsigned id = 0; buffers->data != NULL && id < buffers->entries; id++) {
        if (buffers->data[id] != NULL) {
            pool_withdraw(&loop->base.pool, buffers->data[id]);
        }
    }
    if (buffers->ring != NULL) {
        (void)munmap(buffers->ring, uring_ring_size(buffers));
    }
    free(buffers->data);
    free(buffers->free_ids);
    free(buffers);
    loop->buffers = NULL;
}

/* ---- receive ------------------------------------------------------------------------------- */

void uring_buffers_offer(struct uring_loop *loop)
{
    struct uring_buffers *buffers = loop->buffers;
    struct pool *pool = &loop->base.pool;
    int mask = io_uring_buf_ring_mask(buffers->entries);
    int added = 0;
    while (buffers->offered < buffers->target && buffers->free_count > 0) {
        uint8_t *data = pool_offer(pool);
        if (data == NULL) {
            break;
        }
        uint16_t id = buffers->free_ids[--buffers->free_count];
        buffers->data[id] = data;
        io_uring_buf_ring_add(buffers->ring, data, (unsigned)pool->buffer_size, id, mask, added++);
        buffers->offered++;
    }
    if (added > 0) {
        io_uring_buf_ring_advance(buffers->ring, added);
    }
}

bool uring_buffers_have_one(struct uring_loop *loop)
{
    if (loop->buffers->offered == 0) {
        uring_buffers_offer(loop);
    }
    return loop->buffers->offered > 0;
}

static void uring_buffers_look_afresh(struct uring_buffers *buffers)
{
    buffers->turns = 0;
    buffers->least = buffers->entries;
}

void uring_buffers_grow(struct uring_loop *loop)
{
    struct uring_buffers *buffers = loop->buffers;
    if (buffers->target < buffers->entries && buffers->filled < URING_TURN_BYTES) {
        buffers->target++;
    }
    uring_buffers_look_afresh(buffers);
}

void uring_buffers_look(struct uring_loop *loop)
{
    struct uring_buffers *buffers = loop->buffers;
    if (buffers->offered < buffers->least) {
        buffers->least = buffers->offered;
    }
    if (buffers->filled > 2 * URING_TURN_BYTES && buffers->target > URING_TARGET_MIN) {
        buffers->target--;
    }
    buffers->filled = 0;
    if (++buffers->turns < URING_TURNS) {
        return;
    }
    /* what is offered above the target isn't replaced */
    unsigned spare = buffers->least / 2;
    buffers->target = buffers->target > spare ? buffers->target - spare : URING_TARGET_MIN;
    uring_buffers_look_afresh(buffers);
}

uint8_t *uring_buffers_take(struct uring_loop *loop, unsigned flags, int result)
{
    struct uring_buffers *buffers = loop->buffers;
    unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
    assert((flags & IORING_CQE_F_BUFFER) != 0 && id < buffers->entries);
    uint8_t *data = buffers->data[id];
    assert(data != NULL && buffers->offered > 0);
    buffers->data[id] = NULL;
    buffers->free_ids[buffers->free_count++] = (uint16_t)id;
    buffers->offered--;
    pool_claim(&loop->base.pool);
    buffers->filled += result > 0 ? (size_t)result : 0;
    return data;
}
