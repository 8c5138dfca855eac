#ifndef ECHOPORT_GUARD_H
#define ECHOPORT_GUARD_H

/*
 * A heap for the tests on Windows, which has no sanitizer here. (Wine's own heap hides such
 * errors.) Every block has its own pages and ends where they end, so a byte beyond it faults. The
 * pages of a freed block are unmapped and stay unused for a while. So a late write there faults
 * too, such as the system's to an OVERLAPPED.
 *
 * | header | ... data, to the end of the page | nothing |
 *
 * The linker replaces malloc(), calloc(), realloc() and free() in everything that is linked in:
 * `-Wl,--wrap=malloc` and so on. A block that a DLL allocated is freed by that DLL. Freeing a block
 * twice ends the process by abort(). So does a change of the bytes between its end and the end of
 * the page. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>

/* Blocks that are allocated and not freed. */
size_t guard_live_blocks(void);
size_t guard_live_bytes(void);

/* Called before each allocation, if set. True: the allocation fails for lack of memory. */
extern bool (*guard_refuses)(void);

/* From now on a fault ends the process at once with the exception's code, without a debugger. */
void guard_crash_quickly(void);

#endif
