#include "crew.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

/* ---- backend and modes --------------------------------------------------------------------- */

static int crew_find_mode(const struct crew *crew, const char *option, const char *name,
                          const char *const *modes, unsigned *mode)
{
    char why[256];
    int status = backend_find_mode(modes, name, mode, why, sizeof(why));
    if (status != 0) {
        log_message("%s: '%s' is not a mode of backend %s; %s", option, name, crew->backend->name,
                    why);
    }
    return status;
}

static int crew_find_modes(struct crew *crew)
{
    const struct backend *backend = crew->backend;
    int status =
        crew_find_mode(crew, "--accept", crew->accept, backend->accept_modes, &crew->accept_mode);
    return status != 0 ? status
                       : crew_find_mode(crew, "--recv", crew->options->recv, backend->recv_modes,
                                        &crew->recv_mode);
}

int crew_init(struct crew *crew, const struct program_options *options, const char *accept,
              const struct backend *backend, const char *note)
{
    *crew = (struct crew){.options = options, .accept = accept, .backend = backend};
    (void)snprintf(crew->note, sizeof(crew->note), "%s", note);
    return crew_find_modes(crew);
}

/* ---- making -------------------------------------------------------------------------------- */

struct worker *crew_worker(const struct crew *crew, size_t index)
{
    assert(index < crew->count);
    return (struct worker *)(void *)((char *)crew->workers + index * crew->size);
}

/* How many workers there are with the companion, and each of them: the companion is the last. */
static size_t crew_total(const struct crew *crew)
{
    return crew->count + (crew->companion != NULL ? 1 : 0);
}

static struct worker *crew_any(const struct crew *crew, size_t index)
{
    return index < crew->count ? crew_worker(crew, index) : crew->companion;
}

static void crew_set_backend(const struct crew *crew, struct worker *worker)
{
    worker->backend = crew->backend;
    worker->io_config.accept_mode = crew->accept_mode;
    worker->io_config.recv_mode = crew->recv_mode;
}

static void crew_init_worker(const struct crew *crew, const struct crew_plan *plan, size_t index,
                             struct worker *worker)
{
    worker->role = plan->role;
    worker->io_config = plan->io_config;
    worker->index = (unsigned)index;
    worker->cpu = -1;
    worker->control = plan->control;
    crew_set_backend(crew, worker);
    worker_init(worker);
}

static void crew_make_worker(const struct crew *crew, const struct crew_plan *plan, size_t index)
{
    struct worker *worker = crew_worker(crew, index);
    const struct option_cpus *cpus = plan->cpus;
    crew_init_worker(crew, plan, index, worker);
    worker->busy_poll_ns = crew->options->busy_poll_ns;
    worker->cpu = cpus->count > 0 ? cpus->ids[index % cpus->count] : -1;
}

int crew_make(struct crew *crew, const struct crew_plan *plan)
{
    crew->workers = calloc(plan->count, plan->size);
    if (crew->workers == NULL) {
        log_message("out of memory");
        return UV_ENOMEM;
    }
    crew->size = plan->size;
    crew->count = plan->count;
    for (size_t i = 0; i < crew->count; i++) {
        crew_make_worker(crew, plan, i);
    }
    return 0;
}

void crew_add(struct crew *crew, const struct crew_plan *plan, struct worker *companion)
{
    assert(crew->companion == NULL && crew->running == 0);
    crew_init_worker(crew, plan, crew->count, companion);
    crew->companion = companion;
}

void crew_free(struct crew *crew)
{
    assert(crew->running == 0);
    for (size_t i = 0; i < crew_total(crew); i++) {
        worker_destroy(crew_any(crew, i));
    }
    free(crew->workers);
    crew->workers = NULL;
    crew->companion = NULL;
    crew->count = 0;
}

/* ---- start --------------------------------------------------------------------------------- */

/* Ends workers that have been launched and have not begun. */
static void crew_dismiss(struct crew *crew, size_t from, size_t until)
{
    for (size_t i = from; i < until; i++) {
        worker_dismiss(crew_any(crew, i));
    }
}

/* Opens all loops. 0; or a UV error, no loop is open, and *error says what failed. */
static int crew_launch(struct crew *crew, const char **error)
{
    for (size_t i = 0; i < crew_total(crew); i++) {
        struct worker *worker = crew_any(crew, i);
        int status = worker_launch(worker);
        if (status != 0) {
            crew_dismiss(crew, 0, i);
            *error = worker->error;
            return status;
        }
    }
    return 0;
}

/* Replaces the backend, since its loop did not open. 0; or a UV error, which has been reported. */
static int crew_fall_back(struct crew *crew, const char *error)
{
    int status = backend_fall_back(crew->options->backend, &crew->backend, error, crew->note,
                                   sizeof(crew->note));
    if (status != 0) {
        log_message("%s", error);
        return status;
    }
    status = crew_find_modes(crew);
    for (size_t i = 0; i < crew_total(crew); i++) {
        crew_set_backend(crew, crew_any(crew, i));
    }
    return status;
}

static int crew_begin(struct crew *crew)
{
    for (size_t i = 0; i < crew_total(crew); i++) {
        struct worker *worker = crew_any(crew, i);
        int status = worker_begin(worker);
        if (status != 0) {
            log_message("%s", worker->error);
            crew_dismiss(crew, i + 1, crew_total(crew));
            return status;
        }
        crew->running++;
    }
    return 0;
}

int crew_start(struct crew *crew)
{
    const char *error = NULL;
    while (crew_launch(crew, &error) != 0) {
        int status = crew_fall_back(crew, error);
        if (status != 0) {
            return status;
        }
    }
    return crew_begin(crew);
}

/* ---- running ------------------------------------------------------------------------------- */

void crew_post(struct crew *crew, enum worker_command command)
{
    for (size_t i = 0; i < crew_total(crew); i++) {
        struct worker *worker = crew_any(crew, i);
        if (worker->running) {
            worker_post(worker, command);
        }
    }
}

/* The companion ends with the others. */
static void crew_end_companion(struct crew *crew)
{
    struct worker *companion = crew->companion;
    if (companion != NULL && companion->running && crew->running == 1) {
        worker_post(companion, WORKER_ABORT);
    }
}

void crew_reap(struct crew *crew)
{
    for (size_t i = 0; i < crew_total(crew); i++) {
        struct worker *worker = crew_any(crew, i);
        if (!worker->running || !worker_has_ended(worker)) {
            continue;
        }
        worker_join(worker);
        crew->running--;
        if (worker->status != 0) {
            log_message("%s", worker->error);
            crew->failed = true;
            crew_post(crew, WORKER_ABORT);
        }
    }
    crew_end_companion(crew);
}

bool crew_has_reports(const struct crew *crew)
{
    for (size_t i = 0; i < crew_total(crew); i++) {
        struct worker *worker = crew_any(crew, i);
        if (worker->running && !worker_has_report(worker)) {
            return false;
        }
    }
    return true;
}
