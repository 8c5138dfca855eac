#ifndef ECHOPORT_UNITS_H
#define ECHOPORT_UNITS_H

/*
 * Quantities as people write and read them: counts, bytes, durations.
 *
 * What is read is a decimal number, perhaps with a fraction, and at once the unit: no sign, no
 * space, no exponent. A fraction is taken when the value comes out whole: 1.5k is 1,500 and 1.5KiB
 * is 1,536 bytes, but half a byte is refused.
 *
 * Everything here is a pure function, usable by any thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "util.h"

#define UNITS_KIB (UINT64_C(1) << 10)
#define UNITS_MIB (UINT64_C(1) << 20)
#define UNITS_GIB (UINT64_C(1) << 30)
#define UNITS_TIB (UINT64_C(1) << 40)

/* No text that is formatted here is longer, its NUL included. */
#define UNITS_TEXT_SIZE 32

/*
 * Each of these reads all of `text` into `value` and returns 0; or returns UV_EINVAL when it isn't
 * such a quantity, UV_ERANGE when it is one of 2^64 or more. `value` is then left as it was.
 */

/* Units: k (or K), M, G, T are powers of 1,000; Ki, Mi, Gi, Ti of 1,024. */
int units_parse_count(const char *text, uint64_t *value);

/* Units: those of a count, each with or without a B after it; none or B alone is bytes. */
int units_parse_bytes(const char *text, uint64_t *value);

/* In nanoseconds. Units: ns, us, ms, s, m (minutes), h, d; none is seconds. */
int units_parse_duration(const char *text, uint64_t *value_ns);

/* A plain integer: decimal, or hexadecimal after 0x. */
int units_parse_integer(const char *text, uint64_t *value);

/*
 * The others write text for people into `buffer`, of `size` >= UNITS_TEXT_SIZE bytes, and return
 * `buffer`. A number that is scaled is rounded, to the nearest. Values must not be negative.
 */

/* To 3 digits: "512 B", "1.21 GiB", "1023 KiB". */
char *units_format_bytes(char *buffer, size_t size, double value);

/* To 4 digits: "512", "112.4 k", "1.124 M". */
char *units_format_count(char *buffer, size_t size, double value);

/* The same, a second: "512/s", "112.4 k/s". */
char *units_format_rate(char *buffer, size_t size, double value);

/* To 3 digits: "850 ns", "23.1 us", "1.20 ms"; from a minute on: "2 min 05 s", "1 h 02 min". */
char *units_format_duration(char *buffer, size_t size, uint64_t value_ns);

/* All digits, the thousands separated: "1,234,567". */
char *units_format_grouped(char *buffer, size_t size, uint64_t value);

/* Texts that the parsers read back as the same value, in the largest unit that allows it: "10M"
 * (but "1024" and all that is below a million as it is), "64KiB", "30d". */
char *units_exact_count(char *buffer, size_t size, uint64_t value);
char *units_exact_bytes(char *buffer, size_t size, uint64_t value);
char *units_exact_duration(char *buffer, size_t size, uint64_t value_ns);

#endif
