/*
 * backend_suite [--backend=NAME] [--os=NAME] [--list] [--matrix=FILE] [pattern]
 *
 * Runs the scenarios straight on the seam, over every backend that is compiled in, and those that
 * need no network of the system over the simulated one, as cmocka tests named backend/scenario.
 * What ran is compared with matrix.txt: a cell that is lost and one that is new turn the run
 * red, and so does a backend that the matrix expects and that does not probe. `pattern` is a part
 * of backend/scenario; the system is that which it runs on, if none is named.
 *
 * A backend that has modes of accepting or receiving runs in each: "iocp:posted" beside "iocp". For
 * --backend the name "iocp" means all of them.
 *
 *   ECHOPORT_WITHOUT  in the environment: a backend that is left out, since it can't be had where
 *                     the test runs: many containers forbid io_uring
 */

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "suite_matrix.h"
#include "util.h"

#define WATCHDOG_S (2 * PATIENCE_MS / 1000)
#define MAX_CELLS 1024
#define MAX_VARIANTS 32

static const struct {
    const struct scenario *scenarios;
    bool simulated; /* `sim` has these cells as well */
} suites[] = {
    {suite_stream, false},  {suite_end, false},    {suite_close, false},
    {suite_connect, false}, {suite_accept, false}, {suite_loop, false},
    {suite_pool, false},    {suite_both, true},    {suite_progress, true},
};

/* A backend in one of its ways to work. */
struct variant {
    char name[32]; /* of the backend, and ":mode" if that is not its default */
    const struct backend *backend;
    struct suite_mode mode;
};

/* One scenario on one of them. */
struct cell {
    char name[96];
    const struct variant *variant;
    const struct scenario *scenario;
    const struct matrix_cell *expected;
    bool ended;   /* it came to its end, or skipped itself */
    bool skipped; /* it skipped itself */
};

struct run {
    struct matrix matrix;
    const char *os;
    const char *backend; /* NULL: all */
    const char *pattern; /* NULL: all */
    const char *without; /* NULL: none */
    bool list;
    size_t variant_count;
    struct cell cells[MAX_CELLS];
    size_t cell_count;
    unsigned red; /* what is wrong beside the tests */
};

/* Apart from the cells, whose names are made of theirs: GCC 12 fears an overlap in one object. */
static struct variant variants[MAX_VARIANTS];

/* ---- watchdog ------------------------------------------------------------------------------- */

static struct watchdog {
    uv_mutex_t mutex;
    uv_cond_t changed;
    uv_thread_t thread;
    const char *running; /* NULL: nothing */
    uint64_t until_ns;
    bool stop;
} watchdog;

static void watchdog_main(void *argument)
{
    (void)argument;
    uv_mutex_lock(&watchdog.mutex);
    while (!watchdog.stop) {
        if (watchdog.running == NULL) {
            uv_cond_wait(&watchdog.changed, &watchdog.mutex);
            continue;
        }
        uint64_t now_ns = uv_hrtime();
        if (now_ns >= watchdog.until_ns) {
            (void)fprintf(stderr, "backend_suite: %s: not done after %d s\n", watchdog.running,
                          WATCHDOG_S);
            abort();
        }
        (void)uv_cond_timedwait(&watchdog.changed, &watchdog.mutex, watchdog.until_ns - now_ns);
    }
    uv_mutex_unlock(&watchdog.mutex);
}

static void watchdog_set(const char *running)
{
    uv_mutex_lock(&watchdog.mutex);
    watchdog.running = running;
    watchdog.until_ns = uv_hrtime() + WATCHDOG_S * UINT64_C(1000000000);
    uv_cond_signal(&watchdog.changed);
    uv_mutex_unlock(&watchdog.mutex);
}

static bool watchdog_start(void)
{
    return uv_mutex_init(&watchdog.mutex) == 0 && uv_cond_init(&watchdog.changed) == 0 &&
           uv_thread_create(&watchdog.thread, watchdog_main, NULL) == 0;
}

static void watchdog_stop(void)
{
    uv_mutex_lock(&watchdog.mutex);
    watchdog.stop = true;
    uv_cond_signal(&watchdog.changed);
    uv_mutex_unlock(&watchdog.mutex);
    (void)uv_thread_join(&watchdog.thread);
}

/* ---- cells ---------------------------------------------------------------------------------- */

static struct cell *current;

void suite_skip(const char *reason)
{
    print_message("%s: skipped: %s\n", current->name, reason);
    current->skipped = true;
    current->ended = true;
    watchdog_set(NULL);
    if (current->expected->kind != MATRIX_MAY) {
        fail_msg("the matrix does not let this cell skip");
    }
    skip();
}

static void cell_run_in_worlds(const struct cell *cell)
{
    static char name[128];
    for (uint64_t seed = 0; seed < SUITE_SEEDS; seed++) {
        (void)snprintf(name, sizeof(name), "%s, seed %u", cell->name, (unsigned)seed);
        watchdog_set(name);
        suite_world_begin(seed);
        cell->scenario->run(cell->variant->backend);
        suite_world_end();
    }
}

static void cell_run(void **state)
{
    current = *state;
    const struct backend *backend = current->variant->backend;
    watchdog_set(current->name);
    suite_mode = current->variant->mode;
    if (suite_simulated(backend)) {
        cell_run_in_worlds(current);
    } else {
        current->scenario->run(backend);
    }
    current->ended = true;
    watchdog_set(NULL);
}

/* Whether `name`, "iocp" or "iocp:posted", is `wanted`, or a mode of that backend. */
static bool is_of(const char *name, const char *wanted)
{
    size_t length = strlen(wanted);
    return strncmp(name, wanted, length) == 0 && (name[length] == '\0' || name[length] == ':');
}

static bool run_selects(const struct run *run, const char *backend, const char *scenario)
{
    char name[96];
    (void)snprintf(name, sizeof(name), "%s/%s", backend, scenario);
    return (run->backend == NULL || is_of(backend, run->backend)) &&
           (run->pattern == NULL || strstr(name, run->pattern) != NULL);
}

static bool run_leaves_out(const struct run *run, const char *backend)
{
    return run->without != NULL && is_of(backend, run->without);
}

static void run_complain(struct run *run, const char *what, const char *backend,
                         const char *scenario)
{
    (void)fprintf(stderr, "backend_suite: %s/%s: %s\n", backend, scenario, what);
    run->red++;
}

static void run_add_cell(struct run *run, const struct variant *variant,
                         const struct scenario *scenario)
{
    const char *name = variant->name;
    const struct matrix_cell *expected = matrix_find(&run->matrix, run->os, name, scenario->name);
    if (expected == NULL || expected->kind == MATRIX_NONE) {
        run_complain(run, "runs here and is not in the matrix", name, scenario->name);
        return;
    }
    if (expected->kind == MATRIX_SKIP) {
        (void)printf("%s/%s: skip: %s\n", name, scenario->name, expected->note);
        return;
    }
    if (run->cell_count == MAX_CELLS) {
        run_complain(run, "too many cells: raise MAX_CELLS", name, scenario->name);
        return;
    }
    struct cell *cell = &run->cells[run->cell_count++];
    *cell = (struct cell){.variant = variant, .scenario = scenario, .expected = expected};
    (void)snprintf(cell->name, sizeof(cell->name), "%s/%s", name, scenario->name);
}

/* Makes the cells of a variant; with --list prints them instead. */
static void run_collect(struct run *run, const struct variant *variant)
{
    for (size_t i = 0; i < LENGTH(suites); i++) {
        if (suite_simulated(variant->backend) && !suites[i].simulated) {
            continue;
        }
        for (const struct scenario *at = suites[i].scenarios; at->name != NULL; at++) {
            if (!run_selects(run, variant->name, at->name)) {
                continue;
            }
            if (run->list) {
                (void)printf("%s/%s\n", variant->name, at->name);
            } else {
                run_add_cell(run, variant, at);
            }
        }
    }
}

/* Runs the cells from `first` on, which are those of one backend: the number that failed. */
static int run_group(struct run *run, const char *name, size_t first)
{
    static struct CMUnitTest tests[MAX_CELLS];
    size_t count = run->cell_count - first;
    for (size_t i = 0; i < count; i++) {
        struct cell *cell = &run->cells[first + i];
        tests[i] = (struct CMUnitTest){
            .name = cell->name,
            .test_func = cell_run,
            .initial_state = cell,
        };
    }
    return count == 0 ? 0 : _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

static int probe(const struct backend *backend, char *why, size_t why_size)
{
    if (!suite_simulated(backend)) {
        return backend->probe(why, why_size);
    }
    suite_world_begin(0);
    int status = backend->probe(why, why_size);
    suite_world_end();
    return status;
}

/* One more way of the backend to work, "name:mode" or with no mode "name". */
static int run_variant(struct run *run, const struct backend *backend, const char *mode,
                       struct suite_mode how)
{
    if (run->variant_count == MAX_VARIANTS) {
        run_complain(run, "too many variants: raise MAX_VARIANTS", backend->name, "*");
        return 0;
    }
    struct variant *variant = &variants[run->variant_count++];
    size_t first = run->cell_count;
    *variant = (struct variant){.backend = backend, .mode = how};
    (void)snprintf(variant->name, sizeof(variant->name), "%s%s%s", backend->name,
                   mode != NULL ? ":" : "", mode != NULL ? mode : "");
    variant->mode.knocks = matrix_wants_knock(&run->matrix, run->os, variant->name);
    run_collect(run, variant);
    return run_group(run, variant->name, first);
}

/* Its defaults, and each other mode of accepting and of receiving. */
static int run_variants(struct run *run, const struct backend *backend)
{
    static const char *const none[] = {NULL};
    const char *const *accept = backend->accept_modes != NULL ? backend->accept_modes : none;
    const char *const *recv = backend->recv_modes != NULL ? backend->recv_modes : none;
    int failed = run_variant(run, backend, NULL, (struct suite_mode){.knocks = false});
    for (unsigned i = 1; accept[0] != NULL && accept[i] != NULL; i++) {
        failed += run_variant(run, backend, accept[i], (struct suite_mode){.accept_mode = i});
    }
    for (unsigned i = 1; recv[0] != NULL && recv[i] != NULL; i++) {
        failed += run_variant(run, backend, recv[i], (struct suite_mode){.recv_mode = i});
    }
    return failed;
}

static int run_backend(struct run *run, const struct backend *backend)
{
    char why[256] = "";
    bool expected = matrix_has_backend(&run->matrix, run->os, backend->name);
    if (run->backend != NULL && !is_of(run->backend, backend->name)) {
        return 0;
    }
    if (run_leaves_out(run, backend->name)) {
        (void)printf("%s: left out: ECHOPORT_WITHOUT\n", backend->name);
        return 0;
    }
    int status = probe(backend, why, sizeof(why));
    if (status != 0) {
        (void)printf("%s: does not probe: %s: %s\n", backend->name, uv_strerror(status), why);
        if (expected) {
            run_complain(run, "the matrix expects this backend here", backend->name, "*");
        }
        return 0;
    }
    return run_variants(run, backend);
}

/* ---- the matrix ----------------------------------------------------------------------------- */

static const struct cell *run_find(const struct run *run, const char *backend, const char *scenario)
{
    for (size_t i = 0; i < run->cell_count; i++) {
        if (strcmp(run->cells[i].variant->name, backend) == 0 &&
            strcmp(run->cells[i].scenario->name, scenario) == 0) {
            return &run->cells[i];
        }
    }
    return NULL;
}

/* Every cell of the matrix that is to run on this system did. */
static void run_check_matrix(struct run *run)
{
    size_t ran = 0;
    size_t skipped = 0;
    size_t unfinished = 0;
    for (size_t i = 0; i < run->matrix.cell_count; i++) {
        const struct matrix_cell *expected = &run->matrix.cells[i];
        if (strcmp(expected->os, run->os) != 0 ||
            !run_selects(run, expected->backend, expected->scenario) ||
            expected->kind == MATRIX_NONE) {
            continue;
        }
        if (expected->kind == MATRIX_SKIP || run_leaves_out(run, expected->backend)) {
            skipped++;
            continue;
        }
        const struct cell *cell = run_find(run, expected->backend, expected->scenario);
        if (cell == NULL) {
            run_complain(run, "is in the matrix and did not run", expected->backend,
                         expected->scenario);
        } else {
            ran += cell->ended && !cell->skipped;
            skipped += cell->skipped;
            unfinished += !cell->ended;
        }
    }
    (void)printf("matrix, %s: %zu ran, %zu skipped, %zu not to the end, %u differences\n", run->os,
                 ran, skipped, unfinished, run->red);
}

/* ---- command line --------------------------------------------------------------------------- */

static const char *option_value(const char *argument, const char *name)
{
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 ? argument + length : NULL;
}

/* The matrix lies beside this file. */
static void default_matrix(char *path, size_t size)
{
    const char *file = __FILE__;
    size_t folder = strlen(file);
    while (folder > 0 && file[folder - 1] != '/' && file[folder - 1] != '\\') {
        folder--;
    }
    (void)snprintf(path, size, "%.*smatrix.txt", (int)folder, file);
}

static bool parse_arguments(struct run *run, int argc, char **argv, char *matrix, size_t size)
{
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (strcmp(argv[i], "--list") == 0) {
            run->list = true;
        } else if ((value = option_value(argv[i], "--backend=")) != NULL) {
            run->backend = value;
        } else if ((value = option_value(argv[i], "--os=")) != NULL) {
            run->os = value;
        } else if ((value = option_value(argv[i], "--matrix=")) != NULL) {
            (void)snprintf(matrix, size, "%s", value);
        } else if (argv[i][0] != '-' && run->pattern == NULL) {
            run->pattern = argv[i];
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct run run;
    char matrix[1024];
    int failed = 0;
    run.os = matrix_os();
    default_matrix(matrix, sizeof(matrix));
    if (!parse_arguments(&run, argc, argv, matrix, sizeof(matrix))) {
        (void)fprintf(stderr, "usage: backend_suite [--backend=NAME] [--os=NAME] [--list] "
                              "[--matrix=FILE] [pattern]\n");
        return 2;
    }
    run.without = getenv("ECHOPORT_WITHOUT");
    if (!run.list && !matrix_read(&run.matrix, matrix)) {
        return 2;
    }
    if (peer_setup() < 2100) {
        (void)fprintf(stderr, "backend_suite: 2100 open files are needed: raise ulimit -n\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 4096);
    if (!watchdog_start()) {
        return 2;
    }
    for (const struct backend *const *at = backend_list; *at != NULL; at++) {
        failed += run_backend(&run, *at);
    }
    failed += run_backend(&run, &backend_sim);
    watchdog_stop();
    if (!run.list) {
        run_check_matrix(&run);
    }
    return failed != 0 || run.red != 0 ? 1 : 0;
}
