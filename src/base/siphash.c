#include "siphash.h"

#include <stdint.h>

static uint64_t siphash_rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void siphash_rounds(uint64_t v[4], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = siphash_rotate(v[1], 13) ^ v[0];
        v[3] = siphash_rotate(v[3], 16) ^ v[2];
        v[0] = siphash_rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = siphash_rotate(v[1], 17) ^ v[2];
        v[3] = siphash_rotate(v[3], 21) ^ v[0];
        v[2] = siphash_rotate(v[2], 32);
    }
}

static void siphash_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    siphash_rounds(v, 2);
    v[0] ^= word;
}

/* Up to 8 bytes, the lowest first. */
static uint64_t siphash_load(const uint8_t *bytes, size_t count)
{
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

static void siphash_begin(const struct siphash_key *key, uint64_t v[4])
{
    v[0] = key->low ^ UINT64_C(0x736f6d6570736575);
    v[1] = key->high ^ UINT64_C(0x646f72616e646f6d);
    v[2] = key->low ^ UINT64_C(0x6c7967656e657261);
    v[3] = key->high ^ UINT64_C(0x7465646279746573);
}

/* `rest` is what no whole word has taken of `length` bytes. */
static uint64_t siphash_end(uint64_t v[4], uint64_t rest, uint64_t length)
{
    siphash_word(v, rest | length << 56);
    v[2] ^= 0xff;
    siphash_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    size_t rest = length % 8;
    uint64_t v[4];
    siphash_begin(key, v);
    for (size_t i = 0; i < length - rest; i += 8) {
        siphash_word(v, siphash_load(bytes + i, 8));
    }
    return siphash_end(v, siphash_load(bytes + length - rest, rest), length);
}

uint64_t siphash_numbers(const struct siphash_key *key, const uint64_t *numbers, size_t count)
{
    uint64_t v[4];
    siphash_begin(key, v);
    for (size_t i = 0; i < count; i++) {
        siphash_word(v, numbers[i]);
    }
    return siphash_end(v, 0, 8 * (uint64_t)count);
}
