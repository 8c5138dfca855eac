#ifndef ECHOPORT_UNITS_H
#define ECHOPORT_UNITS_H

/*
 * Quantities as people write and read them: counts, bytes, durations.
 *
 * The parsers read a decimal number, which may have a fraction, and directly after it the unit: no
 * sign, no space, no exponent. The value must be whole: 1.5k is 1,500 and 1.5KiB is 1,536 bytes,
 * but half a byte is refused.
 *
 * These are pure functions, which any thread may call.
 */

#include <stddef.h>
#include <stdint.h>

#include "util.h"

#define UNITS_KIB (UINT64_C(1) << 10)
#define UNITS_MIB (UINT64_C(1) << 20)
#define UNITS_GIB (UINT64_C(1) << 30)
#define UNITS_TIB (UINT64_C(1) << 40)

/* The longest text that is formatted here, with its NUL. */
#define UNITS_TEXT_SIZE 32

/*
 * Each of these reads all of `text` into `value`. Returns 0; UV_EINVAL when it isn't such a
 * quantity; or UV_ERANGE when it is 2^64 or more. An error leaves `value` as it was.
 */

/* Units: k (or K), M, G, T are powers of 1,000; Ki, Mi, Gi, Ti of 1,024. */
int units_parse_count(const char *text, uint64_t *value);

/* A number that may have a fraction: 0.5, 1.5k. Units as those of a count. UV_ERANGE when it is
 * 2^64 or more without its unit. */
int units_parse_decimal(const char *text, double *value);

/* In bytes. Units: those of a count, with or without a B after them, and B. */
int units_parse_bytes(const char *text, uint64_t *value);

/* In nanoseconds. Units: ns, us, ms, s, m (minutes), h, d; none is seconds. */
int units_parse_duration(const char *text, uint64_t *value_ns);

/* A plain integer: decimal, or hexadecimal after 0x. */
int units_parse_integer(const char *text, uint64_t *value);

/*
 * The others write text for people into `buffer` of `size` bytes, at least UNITS_TEXT_SIZE, and
 * return `buffer`. Numbers are rounded to the nearest. Values must not be negative.
 */

/* To 3 digits: "512 B", "1.21 GiB", "1023 KiB". */
char *units_format_bytes(char *buffer, size_t size, double value);

/* To 4 digits: "512", "112.4 k", "1.124 M". */
char *units_format_count(char *buffer, size_t size, double value);

/* The same per second: "512/s", "112.4 k/s". */
char *units_format_rate(char *buffer, size_t size, double value);

/* To 3 digits: "850 ns", "23.1 us", "1.20 ms"; from a minute on: "2 min 05 s", "1 h 02 min". */
char *units_format_duration(char *buffer, size_t size, uint64_t value_ns);

/* All digits, in groups of three: "1,234,567". */
char *units_format_grouped(char *buffer, size_t size, uint64_t value);

/* Texts that the parsers read back as the same value, in the largest unit that divides it: "10M",
 * "64KiB", "30d". A count below a million has no unit. */
char *units_exact_count(char *buffer, size_t size, uint64_t value);
char *units_exact_bytes(char *buffer, size_t size, uint64_t value);
char *units_exact_duration(char *buffer, size_t size, uint64_t value_ns);

/* A text that units_parse_decimal() reads back as nearly the same value: "0.5", "10k". */
char *units_exact_decimal(char *buffer, size_t size, double value);

/* A count and its noun, of which the plural takes an s: "1 connection", "1,234 connections". It is
 * cut to the size of the text. */
struct units_counted {
    char text[64];
};

struct units_counted units_counted(uint64_t count, const char *noun);

#endif
