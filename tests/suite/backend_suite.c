/*
 * backend_suite [--backend=NAME] [--os=NAME] [--list] [--exceptions=FILE] [pattern]
 *
 * Runs each scenario directly on the seam, as a cmocka test named backend/scenario, over every
 * backend of this system. Scenarios that need no network of the system also run over `sim`.
 * exceptions.txt lists what is not run. A backend of this system that does not probe, a scenario
 * that did not run and an exception without use fail the run. `pattern` is a part of
 * backend/scenario.
 *
 * A backend that has modes of accepting or receiving runs in each: "iocp:posted" beside "iocp". For
 * --backend the name "iocp" means all of them.
 *
 *   ECHOPORT_WITHOUT  in the environment: a backend that can't be had where the test runs, and is
 *                     left out: many containers forbid io_uring
 */

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "suite_plan.h"
#include "util.h"

#define WATCHDOG_S (2 * PATIENCE_MS / 1000)

static const struct suite suites[] = {
    {suite_stream, false},  {suite_end, false},  {suite_close, false}, {suite_connect, false},
    {suite_accept, false},  {suite_loop, false}, {suite_pool, false},  {suite_both, true},
    {suite_progress, true}, {NULL, false},
};

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

/* A cell as a test of cmocka. */
struct cell_test {
    char name[128];
    struct cell *cell;
};

static const struct cell_test *current;

void suite_skip(const char *reason)
{
    const struct exception *exception = current->cell->exception;
    print_message("%s: skipped: %s\n", current->name, reason);
    current->cell->skipped = true;
    current->cell->ended = true;
    watchdog_set(NULL);
    if (exception == NULL || exception->kind != EXCEPTION_MAY) {
        fail_msg("no exception lets this scenario skip here");
    }
    skip();
}

static void cell_run_in_worlds(const struct cell_test *test)
{
    static char name[160];
    for (uint64_t seed = 0; seed < SUITE_SEEDS; seed++) {
        (void)snprintf(name, sizeof(name), "%s, seed %u", test->name, (unsigned)seed);
        watchdog_set(name);
        suite_world_begin(seed);
        test->cell->scenario->run(test->cell->variant->backend);
        suite_world_end();
    }
}

static void cell_run(void **state)
{
    current = *state;
    struct cell *cell = current->cell;
    cell->began = true;
    watchdog_set(current->name);
    suite_mode = cell->variant->mode;
    if (suite_simulated(cell->variant->backend)) {
        cell_run_in_worlds(current);
    } else {
        cell->scenario->run(cell->variant->backend);
    }
    cell->ended = true;
    watchdog_set(NULL);
}

/* Whether to run it; says why not. */
static bool cell_is_test(const struct cell *cell, const struct variant *variant)
{
    if (!cell->selected || cell->variant != variant) {
        return false;
    }
    bool skip = cell->exception != NULL && cell->exception->kind == EXCEPTION_SKIP;
    if (skip) {
        (void)printf("%s/%s: skip: %s\n", variant->name, cell->scenario->name,
                     cell->exception->reason);
    }
    return !skip;
}

/* The number of tests that failed. */
static int run_variant(struct plan *plan, const struct variant *variant)
{
    static struct CMUnitTest tests[LENGTH(((struct plan *)0)->cells)];
    static struct cell_test cells[LENGTH(tests)];
    size_t count = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        struct cell *cell = &plan->cells[i];
        if (cell_is_test(cell, variant)) {
            struct cell_test *test = &cells[count];
            test->cell = cell;
            (void)snprintf(test->name, sizeof(test->name), "%s/%s", variant->name,
                           cell->scenario->name);
            tests[count++] = (struct CMUnitTest){
                .name = test->name, .test_func = cell_run, .initial_state = test};
        }
    }
    return count == 0 ? 0 : _cmocka_run_group_tests(variant->name, tests, count, NULL, NULL);
}

static int run_all(struct plan *plan)
{
    int failed = 0;
    for (size_t i = 0; i < plan->variant_count; i++) {
        failed += run_variant(plan, &plan->variants[i]);
    }
    plan_check_ran(plan);
    return failed;
}

static void list_all(const struct plan *plan)
{
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (cell->selected) {
            (void)printf("%s/%s\n", cell->variant->name, cell->scenario->name);
        }
    }
}

static void plan_all(struct plan *plan)
{
    const struct backend_entry sim = {.name = "sim", .backend = &backend_sim};
    char why[256] = "";
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        int status = backend_probe(at, why, sizeof(why));
        plan_add(plan, at->name, at->backend, status, why);
    }
    suite_world_begin(0);
    int status = backend_probe(&sim, why, sizeof(why));
    suite_world_end();
    plan_add(plan, backend_sim.name, &backend_sim, status, why);
    plan_check(plan);
}

/* ---- command line --------------------------------------------------------------------------- */

static const char *option_value(const char *argument, const char *name)
{
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 ? argument + length : NULL;
}

/* The file lies beside this one. */
static void default_exceptions(char *path, size_t size)
{
    const char *file = __FILE__;
    size_t folder = strlen(file);
    while (folder > 0 && file[folder - 1] != '/' && file[folder - 1] != '\\') {
        folder--;
    }
    (void)snprintf(path, size, "%.*sexceptions.txt", (int)folder, file);
}

struct arguments {
    bool list;
    char exceptions[1024];
};

static bool parse_arguments(struct plan *plan, struct arguments *arguments, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (strcmp(argv[i], "--list") == 0) {
            arguments->list = true;
        } else if ((value = option_value(argv[i], "--backend=")) != NULL) {
            plan->backend = value;
        } else if ((value = option_value(argv[i], "--os=")) != NULL) {
            plan->os = value;
        } else if ((value = option_value(argv[i], "--exceptions=")) != NULL) {
            (void)snprintf(arguments->exceptions, sizeof(arguments->exceptions), "%s", value);
        } else if (argv[i][0] != '-' && plan->pattern == NULL) {
            plan->pattern = argv[i];
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct plan plan;
    static struct exceptions exceptions;
    struct arguments arguments = {.list = false};
    plan.suites = suites;
    plan.exceptions = &exceptions;
    plan.os = plan_os();
    plan.without = getenv("ECHOPORT_WITHOUT");
    default_exceptions(arguments.exceptions, sizeof(arguments.exceptions));
    if (!parse_arguments(&plan, &arguments, argc, argv)) {
        (void)fprintf(stderr, "usage: backend_suite [--backend=NAME] [--os=NAME] [--list] "
                              "[--exceptions=FILE] [pattern]\n");
        return 2;
    }
    if (!exceptions_read(&exceptions, arguments.exceptions)) {
        (void)fprintf(stderr, "backend_suite: %s\n", exceptions.error);
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
    plan_all(&plan);
    int failed = 0;
    if (arguments.list) {
        list_all(&plan);
    } else {
        failed = run_all(&plan);
    }
    watchdog_stop();
    return failed != 0 || plan.complaints != 0 ? 1 : 0;
}
