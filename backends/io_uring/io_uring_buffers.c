/*
 * Where received bytes go: the kernel chooses a buffer when there is something to put into it, so
 * an idle connection holds none. The ring begins small, since every buffer in it gets its turn and
 * so its place in the caches. It grows by one for each receive that found it empty in a turn that
 * moved little; it shrinks by one after a turn that moved much, and by a half of what was never
 * needed for some time.
 */

#include "io_uring.h"

#include <stdlib.h>
#include <sys/mman.h>

#define URING_ENTRIES_MAX 32768u
#define URING_TARGET_MIN 1u

/* So many turns are looked back on before the ring shrinks. */
#define URING_TURNS 1024u

/* A turn that has filled this many bytes, the size of a core's nearest cache, is long enough. A
 * receive that finds no buffer gets one in the next turn: this turn's bytes have been sent then. */
#define URING_TURN_BYTES 32768u

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

static int uring_buffers_register(struct uring_loop *loop)
{
    struct uring_buffers *buffers = &loop->buffers;
    void *memory = mmap(NULL, uring_ring_size(buffers), PROT_READ | PROT_WRITE,
                        MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory == MAP_FAILED) {
        return UV_ENOMEM;
    }
    buffers->ring = memory;
    io_uring_buf_ring_init(buffers->ring);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)memory,
        .ring_entries = buffers->entries,
        .bgid = 0,
    };
    return io_uring_register_buf_ring(&loop->ring, &registration, 0);
}

int uring_buffers_open(struct uring_loop *loop)
{
    struct uring_buffers *buffers = &loop->buffers;
    *buffers = (struct uring_buffers){.entries = uring_entries(loop->base.pool.limit)};
    buffers->target = URING_TARGET_MIN;
    buffers->data = calloc(buffers->entries, sizeof(*buffers->data));
    buffers->free_ids = calloc(buffers->entries, sizeof(*buffers->free_ids));
    int status = UV_ENOMEM;
    if (buffers->data != NULL && buffers->free_ids != NULL) {
        status = uring_buffers_register(loop);
    }
    if (status != 0) {
        uring_buffers_close(loop);
        return status;
    }
    for (unsigned id = 0; id < buffers->entries; id++) {
        buffers->free_ids[buffers->free_count++] = (uint16_t)id;
    }
    return 0;
}

void uring_buffers_close(struct uring_loop *loop)
{
    struct uring_buffers *buffers = &loop->buffers;
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
    *buffers = (struct uring_buffers){.ring = NULL};
}

void uring_buffers_offer(struct uring_loop *loop)
{
    struct uring_buffers *buffers = &loop->buffers;
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

void uring_buffers_grow(struct uring_loop *loop)
{
    struct uring_buffers *buffers = &loop->buffers;
    if (buffers->target < buffers->entries && buffers->filled < URING_TURN_BYTES) {
        buffers->target++;
    }
    buffers->turns = 0;
    buffers->least = buffers->entries;
}

void uring_buffers_look(struct uring_loop *loop)
{
    struct uring_buffers *buffers = &loop->buffers;
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
    buffers->turns = 0;
    buffers->least = buffers->entries;
}

uint8_t *uring_buffers_take(struct uring_loop *loop, unsigned flags, int result)
{
    struct uring_buffers *buffers = &loop->buffers;
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
