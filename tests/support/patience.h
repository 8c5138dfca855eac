#ifndef ECHOPORT_PATIENCE_H
#define ECHOPORT_PATIENCE_H

/*
 * How long a test waits for an event that must come. This only ends a test that hangs. The event
 * comes far earlier, even in Wine, or with a sanitizer beside four busy loops on two processors.
 * What a test asserts holds at any speed: order, counts, books, causes. Times are asserted only
 * where they are virtual; bench/ measures speed.
 */
#include <stdint.h>

#define PATIENCE_MS 120000
#define PATIENCE_NS (PATIENCE_MS * UINT64_C(1000000))

#endif
