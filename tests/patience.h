#ifndef ECHOPORT_PATIENCE_H
#define ECHOPORT_PATIENCE_H

/*
 * How long a test waits for an event that must come, before it fails. This only ends a test that
 * hangs: next to four busy loops on two processors, in Wine and with a sanitizer the event comes
 * far earlier. What a test asserts holds at any speed: order, counts, books, causes. Times are
 * asserted where they are virtual; speed is measured by bench/.
 */
#include <stdint.h>

#define PATIENCE_MS 120000
#define PATIENCE_NS (PATIENCE_MS * UINT64_C(1000000))

#endif
