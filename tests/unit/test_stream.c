#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "range.h"
#include "stream.h"

#define MUTATIONS 1000000
#define WINDOW 1024
#define CUT_MAX 64 /* the most bytes that a mutation drops, repeats, inserts, swaps or splices */

static uint64_t random_state = 88172645463325252;

static size_t random_below(size_t limit)
{
    return (size_t)(random_next(&random_state) % limit);
}

/* A random offset of any magnitude, with room for a window. */
static uint64_t random_offset(void)
{
    return random_next(&random_state) >> (1 + random_below(63));
}

static size_t first_difference(const unsigned char *left, const unsigned char *right, size_t length)
{
    size_t index = 0;

    while (index < length && left[index] == right[index]) {
        index++;
    }
    return index;
}

static void assert_equals_bytewise(const struct stream *stream, uint64_t offset, size_t alignment,
                                   size_t length)
{
    unsigned char memory[16 + 300 + 1];
    unsigned char *bytes = memory + alignment;

    memset(memory, 0xa5, sizeof memory);
    stream_fill(stream, offset, bytes, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte;

        stream_fill(stream, offset + i, &byte, 1);
        assert_int_equal(bytes[i], byte);
    }
    assert_int_equal(stream_check(stream, offset, bytes, length), length);
    assert_int_equal(bytes[length], 0xa5);
    assert_true(alignment == 0 || bytes[-1] == 0xa5);
    if (length > 0) {
        size_t flipped = random_below(length);

        bytes[flipped] ^= (unsigned char)(1U << random_below(8));
        assert_int_equal(stream_check(stream, offset, bytes, length), flipped);
    }
}

static void every_alignment_and_length_equals_bytewise(void **state)
{
    struct stream stream = stream_of(1, 2);

    (void)state;
    for (size_t alignment = 0; alignment < 16; alignment++) {
        for (size_t length = 0; length <= 300; length++) {
            assert_equals_bytewise(&stream, alignment * 5, alignment, length);
            assert_equals_bytewise(&stream, random_below(10000), alignment, length);
            assert_equals_bytewise(&stream, 4096 - random_below(300), alignment, length);
            assert_equals_bytewise(&stream, random_offset(), alignment, length);
        }
    }
}

static void chunks_equal_the_whole(void **state)
{
    static unsigned char whole[300000];
    static unsigned char chunks[sizeof whole];
    static const uint64_t offsets[] = {0,
                                       4095,
                                       (UINT64_C(1) << 32) - 1000,
                                       (UINT64_C(1) << 32) + 3,
                                       (UINT64_C(1) << 63) - 5,
                                       UINT64_MAX - sizeof whole};

    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct stream stream = stream_of(7, i);
        size_t length;

        stream_fill(&stream, offsets[i], whole, sizeof whole);
        for (size_t done = 0; done < sizeof whole; done += length) {
            length = 1 + random_below(random_below(2) == 0 ? 40 : 9000);
            length = length < sizeof whole - done ? length : sizeof whole - done;
            stream_fill(&stream, offsets[i] + done, chunks + done, length);
            assert_int_equal(stream_check(&stream, offsets[i] + done, whole + done, length),
                             length);
        }
        assert_memory_equal(chunks, whole, sizeof whole);
        assert_int_equal(stream_check(&stream, offsets[i], whole, sizeof whole), sizeof whole);
    }
}

static void seed_and_connection_select_the_stream(void **state)
{
    struct stream stream = stream_of(1, 2);

    (void)state;
    assert_int_equal(stream.seed, stream_of(1, 2).seed);
    assert_int_not_equal(stream.seed, stream_of(2, 1).seed);
    assert_int_not_equal(stream.seed, stream_of(1, 3).seed);
    assert_int_not_equal(stream.seed, stream_of(3, 2).seed);
}

static int compare_words(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* This includes bytes read across the borders of words and blocks, at adjacent and at distant
 * offsets. */
static void no_eight_bytes_are_the_same(void **state)
{
    static uint64_t words[8 * 65536];
    size_t count = 0;

    (void)state;
    for (uint64_t connection = 0; connection < 8; connection++) {
        struct stream stream = stream_of(0, connection);

        for (uint64_t i = 0; i < 65536; i++) {
            uint64_t base = i < 32768 ? 0 : UINT64_C(65536) << (i % 40);

            stream_fill(&stream, base + i, &words[count++], sizeof words[0]);
        }
    }
    qsort(words, count, sizeof words[0], compare_words);
    for (size_t i = 1; i < count; i++) {
        assert_true(words[i - 1] != words[i]);
    }
}

static void every_byte_value_is_as_frequent(void **state)
{
    static unsigned char bytes[256 * 4096];
    static size_t counts[8][256];

    (void)state;
    for (size_t i = 0; i < 256; i++) {
        struct stream stream = stream_of(9, i);

        stream_fill(&stream, i * 4096, bytes + i * 4096, 4096);
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        counts[i % 8][bytes[i]]++;
    }
    for (size_t lane = 0; lane < 8; lane++) {
        for (size_t value = 0; value < 256; value++) {
            assert_between(counts[lane][value], 350, 680); /* 512 +- 7 standard deviations */
        }
    }
}

/* What a connection receives instead of `original`: the stream, with bytes after the window too. */
struct damage {
    struct stream stream;
    uint64_t offset;
    unsigned char original[WINDOW + CUT_MAX];
    unsigned char received[WINDOW + CUT_MAX];
    size_t at;
    size_t cut;
};

static void flip(struct damage *damage)
{
    damage->received[damage->at] ^= (unsigned char)(1 + random_below(255));
}

static void drop(struct damage *damage)
{
    memcpy(damage->received + damage->at, damage->original + damage->at + damage->cut,
           WINDOW - damage->at);
}

static void duplicate(struct damage *damage)
{
    size_t end = damage->at + damage->cut;

    memcpy(damage->received + end, damage->original + damage->at, WINDOW - end);
}

static void insert(struct damage *damage)
{
    duplicate(damage);
    for (size_t i = 0; i < damage->cut; i++) {
        damage->received[damage->at + i] = (unsigned char)random_next(&random_state);
    }
}

static void swap(struct damage *damage)
{
    size_t other = random_below(WINDOW);

    memcpy(damage->received + damage->at, damage->original + other, damage->cut);
    memcpy(damage->received + other, damage->original + damage->at, damage->cut);
}

static void splice(struct damage *damage)
{
    struct stream foreign = stream_of(1, 1000000 + random_below(1000));

    stream_fill(&foreign, damage->offset + damage->at, damage->received + damage->at, damage->cut);
}

static void shift(struct damage *damage)
{
    static const uint64_t units[] = {1, 8, 64, 4096, 65536, UINT64_C(1) << 32};
    uint64_t distance = units[random_below(6)] * (1 + random_below(1000));
    uint64_t from = damage->offset + damage->at;

    from = random_below(2) == 0 && from >= distance ? from - distance : from + distance;
    stream_fill(&damage->stream, from, damage->received + damage->at, WINDOW - damage->at);
}

static void every_mutation_is_found(void **state)
{
    static void (*const mutations[])(struct damage * damage) = {flip, drop,   duplicate, insert,
                                                                swap, splice, shift};
    static struct damage damage;
    size_t same = 0;

    (void)state;
    for (size_t i = 0; i < MUTATIONS; i++) {
        size_t first;

        damage.stream = stream_of(1, random_below(100000));
        damage.offset = random_offset();
        damage.at = random_below(WINDOW - 2 * CUT_MAX);
        damage.cut = 1 + random_below(CUT_MAX);
        stream_fill(&damage.stream, damage.offset, damage.original, sizeof damage.original);
        memcpy(damage.received, damage.original, sizeof damage.received);
        mutations[i % 7](&damage);
        first = first_difference(damage.received, damage.original, WINDOW);
        same += first == WINDOW;
        assert_int_equal(stream_check(&damage.stream, damage.offset, damage.received, WINDOW),
                         first);
    }
    /* A mutation changes nothing if it swaps a block with itself (1/7000), or replaces one or two
     * bytes by the same ones. */
    assert_between(same, 1, MUTATIONS / 4000);
}

static void replaced_words_always_differ(void **state)
{
    unsigned char bytes[64];

    (void)state;
    for (size_t i = 0; i < 100000; i++) {
        uint64_t offset = random_offset();
        uint64_t distance = (uint64_t)1 << random_below(40);
        struct stream own = stream_of(3, i);
        struct stream foreign = stream_of(3, i + 1);

        stream_fill(&own, offset + distance, bytes, sizeof bytes);
        assert_between(stream_check(&own, offset, bytes, sizeof bytes), 0, 7);
        stream_fill(&foreign, offset, bytes, sizeof bytes);
        assert_between(stream_check(&own, offset, bytes, sizeof bytes), 0, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_alignment_and_length_equals_bytewise),
        cmocka_unit_test(chunks_equal_the_whole),
        cmocka_unit_test(seed_and_connection_select_the_stream),
        cmocka_unit_test(no_eight_bytes_are_the_same),
        cmocka_unit_test(every_byte_value_is_as_frequent),
        cmocka_unit_test(every_mutation_is_found),
        cmocka_unit_test(replaced_words_always_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
