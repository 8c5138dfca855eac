#include "stream.h"

#include <assert.h>
#include <string.h>

#define BLOCK_SIZE 4096
#define WORD_SIZE sizeof(uint64_t)

/* Bytes per step of the loops. Compilers turn this many words into vector instructions. */
#define STEP_SIZE (8 * WORD_SIZE)

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)
#define MIX_1(z) (((z) ^ (z) >> 30) * UINT64_C(0xbf58476d1ce4e5b9))
#define MIX_2(z) (((z) ^ (z) >> 27) * UINT64_C(0x94d049bb133111eb))
#define MIX_3(z) ((z) ^ (z) >> 31)
#define WORD(i) MIX_3(MIX_2(MIX_1(((i) + 1) * GOLDEN)))

#define WORDS_4(i) WORD(i), WORD((i) + 1), WORD((i) + 2), WORD((i) + 3)
#define WORDS_16(i) WORDS_4(i), WORDS_4((i) + 4), WORDS_4((i) + 8), WORDS_4((i) + 12)
#define WORDS_64(i) WORDS_16(i), WORDS_16((i) + 16), WORDS_16((i) + 32), WORDS_16((i) + 48)

/* One word longer than a block: a load of the block's last bytes may read past its end. */
static const uint64_t table[BLOCK_SIZE / WORD_SIZE + 1] = {
    WORDS_64(0),   WORDS_64(64),  WORDS_64(128), WORDS_64(192),
    WORDS_64(256), WORDS_64(320), WORDS_64(384), WORDS_64(448),
};

/* A part of the sequence that lies within one block. */
struct piece {
    const unsigned char *table; /* its bytes before the key is applied */
    uint64_t key;               /* rotated to fit the first byte of the piece */
    size_t length;
};

static uint64_t mix(uint64_t z)
{
    z += GOLDEN;
    z = MIX_1(z);
    z = MIX_2(z);
    return MIX_3(z);
}

/* The piece that begins at `offset` and ends with the block, or before it after `length` bytes. */
static struct piece piece_at(const struct stream *stream, uint64_t offset, size_t length)
{
    size_t start = (size_t)(offset % BLOCK_SIZE);
    uint64_t key = mix(stream->seed ^ mix(offset / BLOCK_SIZE));
    uint64_t keys[2] = {key, key};
    struct piece piece;

    assert(length > 0);
    piece.table = (const unsigned char *)table + start;
    piece.length = length < BLOCK_SIZE - start ? length : BLOCK_SIZE - start;
    memcpy(&piece.key, (const unsigned char *)keys + start % WORD_SIZE, WORD_SIZE);
    return piece;
}

static uint64_t load(const unsigned char *from)
{
    uint64_t word;

    memcpy(&word, from, WORD_SIZE);
    return word;
}

static void store(unsigned char *out, uint64_t word)
{
    memcpy(out, &word, WORD_SIZE);
}

static void fill_step(const unsigned char *restrict from, uint64_t key, unsigned char *restrict out)
{
    for (size_t i = 0; i < STEP_SIZE; i += WORD_SIZE) {
        store(out + i, load(from + i) ^ key);
    }
}

/* Writes `length` bytes, at most a word. */
static void fill_word(const unsigned char *from, uint64_t key, unsigned char *out, size_t length)
{
    uint64_t word = load(from) ^ key;

    assert(length <= WORD_SIZE);
    memcpy(out, &word, length);
}

static void fill_piece(const struct piece *piece, unsigned char *out)
{
    size_t done = 0;

    assert(piece->length <= BLOCK_SIZE);
    for (; piece->length - done >= STEP_SIZE; done += STEP_SIZE) {
        fill_step(piece->table + done, piece->key, out + done);
    }
    for (; piece->length - done >= WORD_SIZE; done += WORD_SIZE) {
        store(out + done, load(piece->table + done) ^ piece->key);
    }
    fill_word(piece->table + done, piece->key, out + done, piece->length - done);
}

/* Not zero when a byte differs. */
static uint64_t check_step(const unsigned char *from, uint64_t key, const unsigned char *in)
{
    uint64_t difference = 0;

    for (size_t i = 0; i < STEP_SIZE; i += WORD_SIZE) {
        difference |= load(in + i) ^ load(from + i) ^ key;
    }
    return difference;
}

/* The index of the first byte that differs, in `length` bytes, at most a word; or `length`. */
static size_t check_word(const unsigned char *from, uint64_t key, const unsigned char *in,
                         size_t length)
{
    unsigned char expected[WORD_SIZE];
    size_t same = 0;

    assert(length <= WORD_SIZE);
    fill_word(from, key, expected, length);
    while (same < length && in[same] == expected[same]) {
        same++;
    }
    return same;
}

/* The index of the first byte that differs, or the length of the piece. */
static size_t check_piece(const struct piece *piece, const unsigned char *in)
{
    size_t done = 0;

    assert(piece->length <= BLOCK_SIZE);
    while (piece->length - done >= STEP_SIZE &&
           check_step(piece->table + done, piece->key, in + done) == 0) {
        done += STEP_SIZE;
    }
    while (piece->length - done >= WORD_SIZE) {
        size_t same = check_word(piece->table + done, piece->key, in + done, WORD_SIZE);

        done += same;
        if (same < WORD_SIZE) {
            return done;
        }
    }
    return done + check_word(piece->table + done, piece->key, in + done, piece->length - done);
}

struct stream stream_of(uint64_t run_seed, uint64_t connection)
{
    /* mix() is a bijection: within a run, each connection gets another seed. */
    return (struct stream){.seed = mix(mix(run_seed) ^ connection)};
}

void stream_fill(const struct stream *stream, uint64_t offset, void *out, size_t length)
{
    unsigned char *bytes = out;

    assert(out != NULL || length == 0);
    assert(length <= UINT64_MAX - offset);
    while (length > 0) {
        struct piece piece = piece_at(stream, offset, length);

        fill_piece(&piece, bytes);
        bytes += piece.length;
        offset += piece.length;
        length -= piece.length;
    }
}

size_t stream_check(const struct stream *stream, uint64_t offset, const void *in, size_t length)
{
    const unsigned char *bytes = in;
    size_t done = 0;

    assert(in != NULL || length == 0);
    assert(length <= UINT64_MAX - offset);
    while (done < length) {
        struct piece piece = piece_at(stream, offset + done, length - done);
        size_t same = check_piece(&piece, bytes + done);

        done += same;
        if (same < piece.length) {
            break;
        }
    }
    return done;
}
