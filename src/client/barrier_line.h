#ifndef ECHOPORT_BARRIER_LINE_H
#define ECHOPORT_BARRIER_LINE_H

/*
 * What two clients say to each other at a barrier: lines of ASCII over TCP. One is rank 0, the host
 * of the barrier; the other is a guest. No I/O here.
 *
 *     host     echoport-barrier 1 0x1f3a...        hello, with a random number (nonce)
 *     guest    echoport-barrier 1 0x90c4...
 *     guest    join 2 4 5f00c2a1... PROOF          rank 2 of 4, and the digests of its options
 *     host     welcome PROOF                       or: refuse WHY PROOF
 *     host     wait PROOF                          now and then, until all are there
 *     host     ping PROOF                          then, several times
 *     guest    pong PROOF
 *     host     begin 1203000 4711 PROOF            in how many nanoseconds, and the run_id
 *     host     end WHY PROOF                       there will be no run
 *
 * A proof is a hash with the key of the run's token over both nonces, the side, the number of the
 * line and its text. So a line can't be made without the token, nor be sent again, to the other
 * side or in another order. The token itself is never sent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "siphash.h"

/* Bytes of the longest line, with its newline or a NUL instead of it. */
#define BARRIER_LINE_SIZE 512

/* Bytes of the longest text of a line without its proof, with a NUL. */
#define BARRIER_TEXT_SIZE 480

/* The longest time until the begin, nanoseconds. */
#define BARRIER_DELAY_MAX_NS UINT64_C(1000000000)

enum barrier_side { BARRIER_HOST, BARRIER_GUEST, BARRIER_SIDES };

/* What the proofs of a connection depend on. */
struct barrier_seal {
    struct siphash_key key;
    uint64_t nonces[BARRIER_SIDES];
    uint64_t proven[BARRIER_SIDES]; /* lines with a proof so far, of each side */
};

/* A guest's "join". */
struct barrier_join {
    uint64_t rank;
    uint64_t ranks;
    const char *digests;
};

/* Writes the hello of a side, and its newline. */
void barrier_write_hello(char line[BARRIER_LINE_SIZE], uint64_t nonce);

/* Reads the hello of a side. False: that is no client at a barrier, or one of another version. */
bool barrier_read_hello(const char *line, uint64_t *nonce);

/* Writes the next line of `side`: `text` with its proof and a newline. */
void barrier_write_line(struct barrier_seal *seal, enum barrier_side side,
                        char line[BARRIER_LINE_SIZE], const char *text);

/* Cuts the proof from the next line of `side`. False: it does not have the token. */
bool barrier_prove_line(struct barrier_seal *seal, enum barrier_side side, char *line);

/* Reads the texts of proven lines; they may be changed. False: it is another line, or malformed. */
bool barrier_read_join(char *text, struct barrier_join *join);
bool barrier_read_begin(char *text, uint64_t *delay_ns, uint64_t *run_id);

/* What follows `verb` and a blank, as in "end WHY"; NULL: it is another line. */
const char *barrier_read_why(const char *text, const char *verb);

#endif
