#include "guard.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "win.h"

#define PAGE ((size_t)4096)
#define ALIGNMENT ((size_t)16) /* alignment of malloc() on 64-bit Windows */
#define RUBBISH 0xA5           /* in a new block, and behind its end */

/* How many freed blocks keep their addresses. */
#define QUARANTINE 8192

/* Reservations begin at multiples of this. A block's data begins in the first two pages of its
 * own. */
#define GRANULARITY ((uintptr_t)65536)

struct header {
    uintptr_t magic; /* derived from its own address, so that a copy is not valid */
    size_t size;
    size_t pages; /* of the data */
};

static struct {
    SRWLOCK lock;
    size_t blocks;
    size_t bytes;
    void *quarantine[QUARANTINE]; /* in a ring */
    size_t next;
} guard = {.lock = SRWLOCK_INIT};

bool (*guard_refuses)(void);

void *__real_malloc(size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static uintptr_t magic_of(const struct header *header)
{
    return (uintptr_t)header ^ (uintptr_t)0x6775617264212121;
}

static size_t rounded(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static uint8_t *data_of(struct header *header)
{
    return (uint8_t *)header + PAGE + header->pages * PAGE - rounded(header->size, ALIGNMENT);
}

static void die(const char *what)
{
    (void)fprintf(stderr, "guard: %s\n", what);
    abort();
}

/* The block's header; NULL if it is not our block. Faults if it has been freed. */
static struct header *header_of(void *memory)
{
    uintptr_t offset = (uintptr_t)memory & (GRANULARITY - 1);
    if (offset < PAGE || offset > 2 * PAGE) {
        return NULL;
    }
    struct header *header = (struct header *)((uintptr_t)memory - offset);
    return header->magic == magic_of(header) ? header : NULL;
}

/* ---- pages --------------------------------------------------------------------------------- */

static struct header *take_pages(size_t size)
{
    size_t pages = rounded(size, PAGE) / PAGE;
    pages += pages == 0;
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    void *reserved = VirtualAlloc(NULL, (pages + 2) * PAGE, MEM_RESERVE, PAGE_NOACCESS);
    if (reserved == NULL) {
        return NULL;
    }
    struct header *header = VirtualAlloc(reserved, (pages + 1) * PAGE, MEM_COMMIT, PAGE_READWRITE);
    if (header == NULL) {
        (void)VirtualFree(reserved, 0, MEM_RELEASE);
        return NULL;
    }
    *header = (struct header){.magic = magic_of(header), .size = size, .pages = pages};
    return header;
}

/* Its pages are released at once. Its addresses are released after that many more frees. */
static void leave_pages(struct header *header)
{
    (void)VirtualFree(header, (header->pages + 1) * PAGE, MEM_DECOMMIT);
    AcquireSRWLockExclusive(&guard.lock);
    void *oldest = guard.quarantine[guard.next];
    guard.quarantine[guard.next] = header;
    guard.next = (guard.next + 1) % QUARANTINE;
    ReleaseSRWLockExclusive(&guard.lock);
    if (oldest != NULL) {
        (void)VirtualFree(oldest, 0, MEM_RELEASE);
    }
}

static void count_in(size_t blocks, size_t bytes)
{
    AcquireSRWLockExclusive(&guard.lock);
    guard.blocks += blocks;
    guard.bytes += bytes;
    ReleaseSRWLockExclusive(&guard.lock);
}

size_t guard_live_blocks(void)
{
    AcquireSRWLockShared(&guard.lock);
    size_t blocks = guard.blocks;
    ReleaseSRWLockShared(&guard.lock);
    return blocks;
}

size_t guard_live_bytes(void)
{
    AcquireSRWLockShared(&guard.lock);
    size_t bytes = guard.bytes;
    ReleaseSRWLockShared(&guard.lock);
    return bytes;
}

/* ---- the four functions -------------------------------------------------------------------- */

static size_t slack_of(const struct header *header)
{
    return rounded(header->size, ALIGNMENT) - header->size;
}

void *__wrap_malloc(size_t size)
{
    if (guard_refuses != NULL && guard_refuses()) {
        return NULL;
    }
    struct header *header = take_pages(size);
    if (header == NULL) {
        return NULL;
    }
    uint8_t *data = data_of(header);
    memset(data, RUBBISH, rounded(size, ALIGNMENT));
    count_in(1, size);
    return data;
}

void *__wrap_calloc(size_t number, size_t size)
{
    void *memory = size == 0 || number <= SIZE_MAX / size ? __wrap_malloc(number * size) : NULL;
    return memory != NULL ? memset(memory, 0, number * size) : NULL;
}

void __wrap_free(void *memory)
{
    if (memory == NULL) {
        return;
    }
    struct header *header = header_of(memory);
    if (header == NULL) {
        __real_free(memory);
        return;
    }
    if (memory != data_of(header)) {
        die("free of what no allocation returned");
    }
    for (size_t i = 0; i < slack_of(header); i++) {
        if (((uint8_t *)memory)[header->size + i] != RUBBISH) {
            die("written beyond the end of a block");
        }
    }
    count_in((size_t)-1, (size_t)0 - header->size);
    leave_pages(header);
}

void *__wrap_realloc(void *memory, size_t size)
{
    struct header *header = memory != NULL ? header_of(memory) : NULL;
    if (memory != NULL && header == NULL) {
        return __real_realloc(memory, size);
    }
    void *moved = __wrap_malloc(size);
    if (moved != NULL && memory != NULL) {
        memcpy(moved, memory, header->size < size ? header->size : size);
        __wrap_free(memory);
    }
    return moved;
}

/* ---- faults -------------------------------------------------------------------------------- */

static LONG WINAPI end_at_once(EXCEPTION_POINTERS *exception)
{
    const EXCEPTION_RECORD *record = exception->ExceptionRecord;
    (void)fprintf(stderr, "guard: exception %lx at %p, address %p\n",
                  (unsigned long)record->ExceptionCode, record->ExceptionAddress,
                  (void *)record->ExceptionInformation[1]);
    (void)TerminateProcess(GetCurrentProcess(), record->ExceptionCode);
    return EXCEPTION_EXECUTE_HANDLER;
}

void guard_crash_quickly(void)
{
    (void)SetUnhandledExceptionFilter(end_at_once);
}
