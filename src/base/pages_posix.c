#include "pages.h"

#include <assert.h>
#include <sys/mman.h>

void *pages_map(size_t size)
{
    assert(size > 0);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

void pages_unmap(void *memory, size_t size)
{
    /* It fails only if it splits a mapping beyond vm.max_map_count. Then the memory stays
     * mapped. */
    (void)munmap(memory, size);
}
