#ifndef ECHOPORT_STREAM_H
#define ECHOPORT_STREAM_H

/*
 * The bytes that a connection sends and expects back: an endless random sequence of its own, which
 * can be entered at any offset. A byte that is flipped, lost, repeated, moved or another
 * connection's shows as a difference at its offset.
 *
 * The sequence is a fixed random table of 4 KiB, repeated and XORed with a random word of 64 bits
 * that is another one for each 4 KiB block of each connection. It is meant to be compared with
 * itself within a process: the order of bytes in a word is that of the machine. It is not a cipher.
 *
 * Everything here is a pure function, usable by any thread.
 */

#include <stddef.h>
#include <stdint.h>

struct stream {
    uint64_t seed; /* private */
};

/* The sequence of the connection with the number `connection` in the run with the seed `run_seed`.
   Two * connections of a run never have the same one. */
struct stream stream_of(uint64_t run_seed, uint64_t connection);

/* Writes to `out` the `length` bytes from `offset` on. `out` needn't be aligned; offset + length
   must * not exceed UINT64_MAX. */
void stream_fill(const struct stream *stream, uint64_t offset, void *out, size_t length);

/* Compares the `length` bytes at `in`, which needn't be aligned, with those from `offset` on.
   Returns * the index of the first that differs, or `length` when none does. */
size_t stream_check(const struct stream *stream, uint64_t offset, const void *in, size_t length);

#endif
