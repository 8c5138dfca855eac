#ifndef ECHOPORT_PAGES_H
#define ECHOPORT_PAGES_H

/*
 * Memory straight from the system, in whole pages: what is unmapped is the system's again at once.
 * An allocator's heap gives back its end alone. So buffers that come and go there move to ever new
 * addresses, and the pages that they have touched stay resident. Any thread.
 */

#include <stddef.h>

/* `size` bytes, at least 1, zeroed, which take no memory before they are touched, and begin where a
 * page does; NULL: there is no memory. The caller owns them, pages_unmap() ends that. */
void *pages_map(size_t size);

/* Gives back all of what pages_map(size) returned. */
void pages_unmap(void *memory, size_t size);

#endif
