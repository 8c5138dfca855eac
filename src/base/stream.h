#ifndef ECHOPORT_STREAM_H
#define ECHOPORT_STREAM_H

/*
 * The bytes that a connection sends and expects back: its own endless random sequence, readable
 * from any offset. A byte that is flipped, lost, repeated, moved or from another connection differs
 * from the expected byte at its offset.
 *
 * The sequence is a fixed random table of 4 KiB, repeated. Each 4 KiB block of each connection is
 * XORed with its own random 64-bit word. Compare a sequence only within one process: the byte order
 * is the machine's. This is not a cipher.
 *
 * All functions are pure. Any thread.
 */

#include <stddef.h>
#include <stdint.h>

struct stream {
    uint64_t seed; /* private */
};

/* The sequence of the connection with the number `connection` in the run with the seed `run_seed`.
 * Two connections of a run never have the same one. */
struct stream stream_of(uint64_t run_seed, uint64_t connection);

/* Writes the `length` bytes from `offset` on to `out`, which need not be aligned. offset + length
 * must not exceed UINT64_MAX. */
void stream_fill(const struct stream *stream, uint64_t offset, void *out, size_t length);

/* Compares the `length` bytes at `in`, which need not be aligned, with those from `offset` on.
 * Returns the index of the first byte that differs, or `length` if none does. */
size_t stream_check(const struct stream *stream, uint64_t offset, const void *in, size_t length);

#endif
