#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "siphash.h"
#include "util.h"

static const struct siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

/* Of the bytes 0, 1, 2 ... length - 1 with the key 0, 1, 2 ... 15: vectors.h of the authors. */
static const struct {
    size_t length;
    uint64_t hash;
} vectors[] = {
    {0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
    {2, UINT64_C(0x0d6c8009d9a94f5a)},  {3, UINT64_C(0x85676696d7fb7e2d)},
    {4, UINT64_C(0xcf2794e0277187b7)},  {5, UINT64_C(0x18765564cd99a68d)},
    {6, UINT64_C(0xcbc9466e58fee3ce)},  {7, UINT64_C(0xab0200f58b01d137)},
    {8, UINT64_C(0x93f5f5799a932462)},  {9, UINT64_C(0x9e0082df0ba9e4b0)},
    {10, UINT64_C(0x7a5dbbc594ddb9f3)}, {11, UINT64_C(0xf4b32f46226bada7)},
    {12, UINT64_C(0x751e8fbc860ee5fb)}, {13, UINT64_C(0x14ea5627c0843d90)},
    {14, UINT64_C(0xf723ca908e7af2ee)}, {15, UINT64_C(0xa129ca6149be45e5)},
    {16, UINT64_C(0x3f2acc7f57c29bdb)}, {17, UINT64_C(0x699ae9f52cbe4794)},
    {63, UINT64_C(0x958a324ceb064572)},
};

static void hashes_the_vectors_of_its_authors(void **state)
{
    uint8_t bytes[64];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < LENGTH(vectors); i++) {
        assert_true(siphash(&key, bytes, vectors[i].length) == vectors[i].hash);
    }
}

/* On any system: the vectors of 0, 8 and 16 bytes. */
static void numbers_are_hashed_from_their_lowest_byte_on(void **state)
{
    static const uint64_t numbers[] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    (void)state;
    assert_true(siphash_numbers(&key, numbers, 0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(siphash_numbers(&key, numbers, 1) == UINT64_C(0x93f5f5799a932462));
    assert_true(siphash_numbers(&key, numbers, 2) == UINT64_C(0x3f2acc7f57c29bdb));
}

static void every_bit_of_key_and_data_counts(void **state)
{
    static const char text[] = "0123456789";
    const uint64_t hash = siphash(&key, text, sizeof(text));
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        struct siphash_key low = {key.low ^ UINT64_C(1) << bit, key.high};
        struct siphash_key high = {key.low, key.high ^ UINT64_C(1) << bit};
        assert_true(siphash(&low, text, sizeof(text)) != hash);
        assert_true(siphash(&high, text, sizeof(text)) != hash);
    }
    for (unsigned bit = 0; bit < 8 * sizeof(text); bit++) {
        char other[sizeof(text)];
        memcpy(other, text, sizeof(text));
        other[bit / 8] = (char)(other[bit / 8] ^ (1 << bit % 8));
        assert_true(siphash(&key, other, sizeof(other)) != hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_the_vectors_of_its_authors),
        cmocka_unit_test(numbers_are_hashed_from_their_lowest_byte_on),
        cmocka_unit_test(every_bit_of_key_and_data_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
