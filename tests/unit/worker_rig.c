#include "worker_rig.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

struct worker_rig rig;

static struct worker_rig *worker_rig_of(struct worker *worker)
{
    return (struct worker_rig *)(void *)worker;
}

void worker_rig_note(char letter)
{
    size_t length = strlen(rig.journal);
    if (length < WORKER_RIG_JOURNAL_SIZE - 1) {
        rig.journal[length] = letter;
    }
}

/* ---- the role ------------------------------------------------------------------------------- */

static int role_start(struct worker *worker)
{
    struct worker_rig *r = worker_rig_of(worker);
    r->starts++;
    if (r->start_status != 0) {
        (void)snprintf(worker->error, sizeof(worker->error), "the role does not start");
    }
    return r->start_status;
}

static uint64_t role_turn(struct worker *worker)
{
    return worker_rig_of(worker)->due_ns;
}

/* Each has its letter; a drain ends the worker. */
static void role_command(struct worker *worker, enum worker_command command)
{
    static const char letters[WORKER_COMMANDS] = {
        [WORKER_BEGIN] = 'B', [WORKER_SNAPSHOT] = 'S', [WORKER_RESTART] = 'R', [WORKER_DRAIN] = 'D',
        [WORKER_ABORT] = 'A', [WORKER_TAKE] = 'T',     [WORKER_REACH] = 'C',
    };
    worker_rig_note(letters[command]);
    worker_rig_of(worker)->finished = worker_rig_of(worker)->finished || command == WORKER_DRAIN;
}

static bool role_finished(const struct worker *worker)
{
    return ((const struct worker_rig *)(const void *)worker)->finished;
}

static void role_stop(struct worker *worker)
{
    struct worker_rig *r = worker_rig_of(worker);
    r->stops++;
    r->had_ended = worker_has_ended(worker);
    r->fake.wrong += worker->io == NULL || r->fake.closes > 0; /* the loop is open still */
}

static const struct worker_role role = {.start = role_start,
                                        .turn = role_turn,
                                        .command = role_command,
                                        .finished = role_finished,
                                        .stop = role_stop};

/* ---- the rig -------------------------------------------------------------------------------- */

int worker_rig_prepare(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof(rig));
    fake_init(&rig.fake);
    rig.fake.now_ns = WORKER_RIG_START_NS;
    rig.due_ns = UINT64_MAX;
    rig.worker.role = &role;
    rig.worker.backend = &fake_backend;
    rig.worker.io_config = fake_config(&rig.fake);
    rig.worker.index = 7;
    rig.worker.cpu = -1;
    worker_init(&rig.worker);
    return 0;
}

int worker_rig_dispose(void **state)
{
    (void)state;
    worker_destroy(&rig.worker);
    bool well = rig.fake.wrong == 0;
    fake_destroy(&rig.fake);
    return well ? 0 : -1;
}

int worker_rig_open(void **state)
{
    (void)worker_rig_prepare(state);
    return worker_open(&rig.worker);
}

int worker_rig_close(void **state)
{
    worker_close(&rig.worker);
    return worker_rig_dispose(state);
}

void worker_rig_turn(void)
{
    assert_true(worker_turn(&rig.worker));
}
