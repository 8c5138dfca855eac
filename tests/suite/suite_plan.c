#include "suite_plan.h"

#include <stdio.h>
#include <string.h>

#include "util.h"

static const struct {
    const char *name;
    const char *sysname; /* how uname's begins; NULL: never */
} systems[] = {
    {"linux", "Linux"},     {"macos", "Darwin"},  {"freebsd", "FreeBSD"},
    {"windows", "Windows"}, {"windows", "MINGW"}, {"fake", NULL},
};

const char *plan_os(void)
{
    uv_utsname_t name;
    if (uv_os_uname(&name) != 0) {
        return "unknown";
    }
    for (size_t i = 0; i < LENGTH(systems); i++) {
        const char *sysname = systems[i].sysname;
        if (sysname != NULL && strncmp(name.sysname, sysname, strlen(sysname)) == 0) {
            return systems[i].name;
        }
    }
    return "unknown";
}

static void plan_complain(struct plan *plan, const char *where, const char *scenario,
                          const char *what)
{
    (void)snprintf(plan->complaint, sizeof(plan->complaint), "%s/%s: %s", where, scenario, what);
    (void)fprintf(stderr, "backend_suite: %s\n", plan->complaint);
    plan->complaints++;
}

/* ---- cells ---------------------------------------------------------------------------------- */

static bool plan_selects(const struct plan *plan, const struct variant *variant,
                         const char *scenario)
{
    char name[128];
    (void)snprintf(name, sizeof(name), "%s/%s", variant->name, scenario);
    return variant->here &&
           (plan->backend == NULL || exceptions_is_of(variant->name, plan->backend)) &&
           (plan->pattern == NULL || strstr(name, plan->pattern) != NULL);
}

static void plan_add_cell(struct plan *plan, const struct variant *variant,
                          const struct scenario *scenario)
{
    if (plan->cell_count == LENGTH(plan->cells)) {
        plan_complain(plan, variant->name, scenario->name, "too many cells");
        return;
    }
    plan->cells[plan->cell_count++] = (struct cell){
        .variant = variant,
        .scenario = scenario,
        .exception = exceptions_find(plan->exceptions, plan->os, variant->name, scenario->name),
        .selected = plan_selects(plan, variant, scenario->name),
    };
}

static void plan_add_cells(struct plan *plan, const struct variant *variant)
{
    for (const struct suite *suite = plan->suites; suite->scenarios != NULL; suite++) {
        const struct scenario *at = suite->scenarios;
        for (; at->name != NULL && (suite->both_ends || !suite_simulated(variant->backend)); at++) {
            plan_add_cell(plan, variant, at);
        }
    }
}

/* Of the backend called `name`, in this mode; NULL: its default. */
static void plan_add_variant(struct plan *plan, const char *name, const char *mode,
                             struct variant added)
{
    if (plan->variant_count == LENGTH(plan->variants)) {
        plan_complain(plan, name, "*", "too many variants");
        return;
    }
    struct variant *variant = &plan->variants[plan->variant_count++];
    *variant = added;
    (void)snprintf(variant->name, sizeof(variant->name), "%s%s%s", name, mode != NULL ? ":" : "",
                   mode != NULL ? mode : "");
    variant->mode.knocks = exceptions_want_knock(plan->exceptions, plan->os, variant->name);
    if (variant->backend != NULL) {
        plan_add_cells(plan, variant);
    }
}

static void plan_add_modes(struct plan *plan, const struct backend *backend, bool here)
{
    static const char *const none[] = {NULL};
    const char *const *accept = backend->accept_modes != NULL ? backend->accept_modes : none;
    const char *const *recv = backend->recv_modes != NULL ? backend->recv_modes : none;
    struct variant variant = {.backend = backend, .here = here};
    for (unsigned i = 1; accept[0] != NULL && accept[i] != NULL; i++) {
        variant.mode = (struct suite_mode){.accept_mode = i};
        plan_add_variant(plan, backend->name, accept[i], variant);
    }
    for (unsigned i = 1; recv[0] != NULL && recv[i] != NULL; i++) {
        variant.mode = (struct suite_mode){.recv_mode = i};
        plan_add_variant(plan, backend->name, recv[i], variant);
    }
}

/* Whether to run the backend after this answer of its probe. */
static bool plan_wants(struct plan *plan, const char *name, int status, const char *why)
{
    bool named = plan->backend != NULL && exceptions_is_of(plan->backend, name);
    if (plan->without != NULL && exceptions_is_of(name, plan->without)) {
        (void)printf("%s: left out: ECHOPORT_WITHOUT\n", name);
        return false;
    }
    if (status != 0) {
        (void)printf("%s: does not probe: %s: %s\n", name, uv_strerror(status), why);
        if (named || (plan->backend == NULL && status != UV_ENOTSUP)) {
            plan_complain(plan, name, "*", "a backend of this system does not work");
        }
    }
    return status == 0;
}

void plan_add(struct plan *plan, const char *name, const struct backend *backend, int status,
              const char *why)
{
    bool here = plan_wants(plan, name, status, why);
    plan_add_variant(plan, name, NULL, (struct variant){.backend = backend, .here = here});
    if (backend != NULL) {
        plan_add_modes(plan, backend, here);
    }
}

/* ---- exceptions ----------------------------------------------------------------------------- */

static bool is_system(const char *name)
{
    bool found = strcmp(name, "*") == 0;
    for (size_t i = 0; i < LENGTH(systems); i++) {
        found = found || strcmp(name, systems[i].name) == 0;
    }
    return found;
}

static bool plan_has_scenario(const struct plan *plan, const char *name)
{
    bool found = name[0] == '\0'; /* an exception of no scenario */
    for (const struct suite *suite = plan->suites; suite->scenarios != NULL; suite++) {
        for (const struct scenario *at = suite->scenarios; at->name != NULL; at++) {
            found = found || strcmp(at->name, name) == 0;
        }
    }
    return found;
}

/* Whether a backend of the list, of whatever system, is meant. Modes are known only where the
 * backend works. */
static bool plan_has_backend(const struct plan *plan, const struct exception *exception)
{
    bool found = strcmp(exception->backend, "*") == 0;
    for (size_t i = 0; i < plan->variant_count; i++) {
        const struct variant *variant = &plan->variants[i];
        found = found || exception_is_for_backend(exception, variant->name) ||
                (!(variant->here && exception_is_for_os(exception, plan->os)) &&
                 exceptions_is_of(exception->backend, variant->name));
    }
    return found;
}

/* Whether a backend that works here could make use of the exception. */
static bool plan_concerns(const struct plan *plan, const struct exception *exception)
{
    bool found = false;
    for (size_t i = 0; i < plan->variant_count; i++) {
        const struct variant *variant = &plan->variants[i];
        found = found || (variant->here && exception_is_for_backend(exception, variant->name));
    }
    return found && exception_is_for_os(exception, plan->os);
}

static bool plan_uses(const struct plan *plan, const struct exception *exception)
{
    bool used = exception->scenario[0] == '\0';
    for (size_t i = 0; i < plan->cell_count; i++) {
        used = used || plan->cells[i].exception == exception;
    }
    return used;
}

static void plan_check_exception(struct plan *plan, const struct exception *exception)
{
    const char *wrong = NULL;
    if (!is_system(exception->os)) {
        wrong = "the exception names no system";
    } else if (!plan_has_backend(plan, exception)) {
        wrong = "the exception names no backend or no mode";
    } else if (!plan_has_scenario(plan, exception->scenario)) {
        wrong = "the exception names no scenario";
    } else if (plan_concerns(plan, exception) && !plan_uses(plan, exception)) {
        wrong = "nothing needs the exception";
    }
    if (wrong != NULL) {
        char where[64];
        (void)snprintf(where, sizeof(where), "line %u: %s/%s", exception->line, exception->os,
                       exception->backend);
        plan_complain(plan, where, exception->scenario, wrong);
    }
}

void plan_check(struct plan *plan)
{
    size_t selected = 0;
    size_t natives = 0;
    for (size_t i = 0; i < plan->exceptions->count; i++) {
        plan_check_exception(plan, &plan->exceptions->list[i]);
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        selected += plan->cells[i].selected;
    }
    for (size_t i = 0; i < plan->variant_count; i++) {
        natives += plan->variants[i].here && plan->variants[i].backend->native;
    }
    if (natives == 0 && plan->without == NULL && is_system(plan->os)) {
        plan_complain(plan, "*", "*", "no native backend works here");
    }
    if (selected == 0) {
        plan_complain(plan, "*", "*", "no scenario is selected");
    }
}

void plan_check_ran(struct plan *plan)
{
    size_t ran = 0;
    size_t skipped = 0;
    size_t unfinished = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        bool skip = cell->exception != NULL && cell->exception->kind == EXCEPTION_SKIP;
        ran += cell->ended && !cell->skipped;
        skipped += cell->selected && (skip || cell->skipped);
        unfinished += cell->began && !cell->ended;
        if (cell->selected && !skip && !cell->began) {
            plan_complain(plan, cell->variant->name, cell->scenario->name, "did not run");
        }
    }
    (void)printf("backend_suite, %s: %zu ran, %zu skipped, %zu not to the end, %u complaints\n",
                 plan->os, ran, skipped, unfinished, plan->complaints);
}
