#include "pages.h"

#include <assert.h>

#include <windows.h>

void *pages_map(size_t size)
{
    assert(size > 0);
    return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void pages_unmap(void *memory, size_t size)
{
    (void)size;
    BOOL released = VirtualFree(memory, 0, MEM_RELEASE);
    assert(released);
    (void)released;
}
