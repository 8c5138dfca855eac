#ifndef ECHOPORT_WORKER_RIG_H
#define ECHOPORT_WORKER_RIG_H

/* A worker over the fake backend, with a role that the test controls. */

#include <stdbool.h>
#include <stdint.h>

#include "fake_backend.h"
#include "worker.h"

#define MS UINT64_C(1000000)
#define WORKER_RIG_START_NS (UINT64_C(1000000) * MS) /* of the clock */
#define WORKER_RIG_JOURNAL_SIZE 64

struct worker_rig {
    struct worker worker; /* first */
    struct fake fake;
    char journal[WORKER_RIG_JOURNAL_SIZE]; /* a letter for each task and command that ran */
    uint64_t due_ns;                       /* what the role's turn answers */
    int start_status;                      /* what its start answers */
    bool finished;                         /* set by a drain, or by the test */
    unsigned starts;
    unsigned stops;
    bool had_ended; /* worker_has_ended() when the role was stopped */
};

extern struct worker_rig rig;

/* Adds a letter to the journal. The commands have S, R, D, A and T. */
void worker_rig_note(char letter);

/* Runs a turn that is not the last. */
void worker_rig_turn(void);

/* Set-up and tear-down of cmocka: of a worker that is not open, and of one that is. The tear-down
 * fails if the worker did what a backend forbids. */
int worker_rig_prepare(void **state);
int worker_rig_dispose(void **state);
int worker_rig_open(void **state);
int worker_rig_close(void **state);

#endif
