#ifndef ECHOPORT_RANGE_H
#define ECHOPORT_RANGE_H

/* For every cmocka from 1.1.5 on. cmocka 2.0 deprecates assert_in_range. Its replacement
 * converts to a signed type and back, which -Wsign-conversion reports. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>

/* Ends the test as failed unless least <= value <= most. Each is an integer of any type and is
 * evaluated once. No bound is negative; a negative value is above every range. */
#define assert_between(value, least, most)                                                         \
    do {                                                                                           \
        const uint64_t between_value = (uint64_t)(value);                                          \
        const uint64_t between_least = (uint64_t)(least);                                          \
        const uint64_t between_most = (uint64_t)(most);                                            \
        if (between_value < between_least || between_value > between_most) {                       \
            fail_msg("%s is %" PRIu64 ", which is not from %" PRIu64 " to %" PRIu64, #value,       \
                     between_value, between_least, between_most);                                  \
        }                                                                                          \
    } while (0)

#endif
