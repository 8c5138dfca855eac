#ifndef ECHOPORT_PAGES_H
#define ECHOPORT_PAGES_H

/*
 * Memory directly from the system, in whole pages, which unmapping returns at once. An allocator
 * returns only the end of its heap. Buffers that come and go there get new addresses, and the pages
 * at the old addresses stay resident. Any thread.
 */

#include <stddef.h>

/* Returns `size` bytes (at least 1), zeroed and page-aligned. They take no memory until they are
 * touched. NULL: out of memory. The caller owns them until pages_unmap(). */
void *pages_map(size_t size);

/* Unmaps all of what pages_map(size) returned. */
void pages_unmap(void *memory, size_t size);

#endif
