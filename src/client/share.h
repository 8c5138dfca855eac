#ifndef ECHOPORT_SHARE_H
#define ECHOPORT_SHARE_H

/*
 * Which part of a load this client has (--share): of `ranks` clients, started by one command, it is
 * number `rank`. A launcher tells a client both numbers in its environment. Main thread.
 */

#include <stdint.h>

#define SHARE_RANKS_MAX 65536

#define SHARE_TAKES "R/N, the rank 0 to N-1 and the number of clients, or auto"

struct share {
    uint64_t rank;      /* 0 to ranks - 1 */
    uint64_t ranks;     /* 1 to SHARE_RANKS_MAX; 0: there is no --share */
    const char *engine; /* the launcher that said so, such as "Slurm"; NULL: it was given */
};

#define SHARE_REASON 320

/*
 * Reads "R/N"; or, for "auto", the environment. There the innermost launcher counts: Open MPI, PMI,
 * Slurm, then Kubernetes. Returns 0; or UV_EINVAL, with `reason` saying what is wrong.
 */
int share_parse(const char *text, struct share *share, char reason[SHARE_REASON]);

/* The part of `whole` that share `rank` of `ranks` has. Parts differ by at most one, the first are
 * the larger, and together they are `whole`. */
static inline uint64_t share_part(uint64_t whole, uint64_t ranks, uint64_t rank)
{
    return whole / ranks + (rank < whole % ranks ? 1 : 0);
}

#endif
