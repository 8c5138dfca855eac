#ifndef ECHOPORT_UTIL_H
#define ECHOPORT_UTIL_H

/* Macros that every layer uses: units of time, array length, container of a member. */

#include <stddef.h>
#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_DAY (86400 * NS_PER_S)

/* The number of elements of an array, not of a pointer. */
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of `type` that has its `member` at `pointer`. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
