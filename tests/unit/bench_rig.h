#ifndef ECHOPORT_BENCH_RIG_H
#define ECHOPORT_BENCH_RIG_H

/* Documents with made-up results. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* What the results are to look like. */
struct bench_rig {
    const char *const *subjects; /* ended by NULL; each is a tenth quicker than the one before */
    bool equal;                  /* but none is quicker than another */
    size_t cases;                /* "case0", "case1", ... */
    size_t rounds;
    double noise;        /* of a run, a standard deviation: 0.01 */
    double drift;        /* of a round, the same for all subjects in it */
    double shared_noise; /* of the server's CPU time by the client's; 0: they don't share a CPU */
    const char *changed; /* this subject */
    double cpu;          /* takes this many times the CPU time */
    double speed;        /* and has this many times the messages; 0 is 1 */
};

/* A document with summaries; the caller's. The same seed gives the same. */
json_t *bench_rig_document(const struct bench_rig *rig, uint64_t seed);

/* One run of such a case, to be changed. */
json_t *bench_rig_run(json_t *test_case, const char *subject, size_t round);

#endif
