#ifndef ECHOPORT_PAGES_H
#define ECHOPORT_PAGES_H

/*
 * Memory directly from the system, in whole pages: what is unmapped goes back at once. An
 * allocator's heap gives back only its end. Buffers that come and go there get new addresses, and
 * the pages at the old addresses stay resident. Any thread.
 */

#include <stddef.h>

/* Returns `size` bytes, 1 or more, zeroed and page-aligned, which take no memory before they are
 * touched. NULL: out of memory. The caller owns them until pages_unmap(). */
void *pages_map(size_t size);

/* Gives back all of what pages_map(size) returned. */
void pages_unmap(void *memory, size_t size);

#endif
