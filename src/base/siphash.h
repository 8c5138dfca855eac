#ifndef ECHOPORT_SIPHASH_H
#define ECHOPORT_SIPHASH_H

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of 64 bits. Without the key nobody can
 * tell the hash of another text. So it proves that its sender has the key. Any thread.
 */

#include <stddef.h>
#include <stdint.h>

/* 128 bits: bytes 0 to 7 and 8 to 15 of the key, each with its lowest byte first. */
struct siphash_key {
    uint64_t low;
    uint64_t high;
};

/* These are the same on every system. */
uint64_t siphash(const struct siphash_key *key, const void *data, size_t length);

/* The hash of numbers, each of 8 bytes with its lowest byte first. */
uint64_t siphash_numbers(const struct siphash_key *key, const uint64_t *numbers, size_t count);

#endif
