#ifndef ECHOPORT_DICE_H
#define ECHOPORT_DICE_H

/* Random numbers that only a key and an index decide. So they need no state, and are the same on
 * every system. They are SplitMix64's (stream.c has the reference). Any thread. */

#include <stdint.h>

static inline uint64_t dice_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Number `index` of the sequence with this key: 64 random bits. */
static inline uint64_t dice_at(uint64_t key, uint64_t index)
{
    return dice_mix(key + (index + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

/* The key of the sequence number `number` that belongs to `seed`. */
static inline uint64_t dice_key(uint64_t seed, uint64_t number)
{
    return dice_at(dice_at(seed, 0), number);
}

/* The same bits as a number above 0, up to 1. */
static inline double dice_fraction(uint64_t bits)
{
    return (double)((bits >> 11) + 1) / 9007199254740992.0;
}

#endif
