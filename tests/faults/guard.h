#ifndef ECHOPORT_GUARD_H
#define ECHOPORT_GUARD_H

/*
 * A heap for the tests on Windows, where no sanitizer is to be had (and Wine's own heap hides what
 * it could see): every block has pages of its own and ends where they end, so that a byte beyond it
 * faults. The pages of a freed block are unmapped, and for a while not used again, so that a late
 * write there faults as well, such as that of the system to an OVERLAPPED.
 *
 *     | header | ... data, to the end of the page | nothing |
 *
 * The linker puts it in the place of malloc(), calloc(), realloc() and free() of everything that is
 * linked in: `-Wl,--wrap=malloc` and so on. What a DLL has allocated is freed where it comes from.
 * A block that is freed twice, or whose bytes between its end and the end of the page have changed,
 * ends the process by abort(). Any thread.
 */

#include <stdbool.h>
#include <stddef.h>

/* Blocks that are allocated and not freed. */
size_t guard_live_blocks(void);
size_t guard_live_bytes(void);

/* Asked before each allocation, if it is set: true, there is no memory. */
extern bool (*guard_refuses)(void);

/* From now on a fault ends the process at once, with the exception's code, and no debugger is
 * asked. */
void guard_crash_quickly(void);

#endif
