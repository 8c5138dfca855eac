#ifndef ECHOPORT_SHARE_H
#define ECHOPORT_SHARE_H

/*
 * Which part of a load this client has (--share): of `ranks` clients, started by one command, it is
 * number `rank`. A launcher tells a client both numbers in its environment.
 *
 * Together the clients are one client that has the workers of all. Those workers are numbered in
 * turn: worker 0 of each client, then worker 1 of each. So the part that a client has of a schedule
 * is as even as the whole, and the parts of any two clients differ by at most one.
 *
 * Pure functions, except share_parse(): main thread.
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

/* How many clients there are. */
static inline uint64_t share_ranks(const struct share *share)
{
    return share->ranks > 0 ? share->ranks : 1;
}

/* The number of this client's worker `index` among those of all clients. */
static inline uint64_t share_worker(const struct share *share, uint64_t index)
{
    return index * share_ranks(share) + share->rank;
}

/* Part `i` of `whole`, divided into `parts`. They differ by at most one, the first are the larger,
 * and together they are `whole`. A part may be divided again in the same way: if each client
 * divides its part among its workers, all workers have the parts that their numbers say. */
static inline uint64_t share_part(uint64_t whole, uint64_t parts, uint64_t i)
{
    return whole / parts + (i < whole % parts ? 1 : 0);
}

#endif
