#ifndef ECHOPORT_RANDOM_H
#define ECHOPORT_RANDOM_H

/* Numbers that only a seed decides, so that they are the same on every system. */

#include <stdint.h>

/* xorshift64. The state is the seed first, which is not 0. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* splitmix64, https://prng.di.unimi.it/splitmix64.c: for seeds that are close to each other. */
static inline uint64_t random_mixed(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From 0 to 1. */
static inline double random_fraction(uint64_t *state)
{
    return (double)(random_next(state) >> 11) / 9007199254740992.0;
}

#endif
