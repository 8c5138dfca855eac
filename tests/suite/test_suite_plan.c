/* What turns a run of backend_suite red, apart from a scenario that fails. */

#include "suite_plan.h"

#include <string.h>

#include "sim.h"
#include "util.h"

static int probe(char *why, size_t why_size)
{
    (void)why;
    (void)why_size;
    return 0;
}

static void run(const struct backend *backend)
{
    (void)backend;
}

static const char *const modes[] = {"plain", "eager", NULL};
static const struct backend uv = {.name = "uv", .probe = probe};
static const struct backend ring = {
    .name = "ring", .native = true, .accept_modes = modes, .probe = probe};

static const struct scenario peers[] = {{"echo", run}, {"close", run}, {NULL, NULL}};
static const struct scenario both[] = {{"both_echo", run}, {NULL, NULL}};
static const struct suite suites[] = {{peers, false}, {both, true}, {NULL, false}};

static struct plan plan;
static struct exceptions exceptions;

/* A plan on Linux with these exceptions. */
static void begin(const char *text)
{
    assert_true(exceptions_parse(&exceptions, "file", text));
    plan = (struct plan){.suites = suites, .exceptions = &exceptions, .os = "linux"};
}

static void add_all(void)
{
    plan_add(&plan, "uv", &uv, 0, "");
    plan_add(&plan, "ring", &ring, 0, "");
    plan_add(&plan, "foreign", NULL, UV_ENOTSUP, "it is for another system");
    plan_add(&plan, "sim", &backend_sim, 0, "");
    plan_check(&plan);
}

/* Runs everything that should run. */
static void run_all(void)
{
    for (size_t i = 0; i < plan.cell_count; i++) {
        struct cell *cell = &plan.cells[i];
        bool skip = cell->exception != NULL && cell->exception->kind == EXCEPTION_SKIP;
        cell->began = cell->ended = cell->selected && !skip;
    }
}

static struct cell *find_cell(const char *variant, const char *scenario)
{
    for (size_t i = 0; i < plan.cell_count; i++) {
        if (strcmp(plan.cells[i].variant->name, variant) == 0 &&
            strcmp(plan.cells[i].scenario->name, scenario) == 0) {
            return &plan.cells[i];
        }
    }
    return NULL;
}

/* There is one complaint, and it says this. */
static void complained(const char *part)
{
    assert_int_equal(plan.complaints, 1);
    if (strstr(plan.complaint, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", plan.complaint, part);
    }
}

static void every_scenario_runs_on_every_backend(void **state)
{
    (void)state;
    begin("");
    add_all();
    run_all();
    plan_check_ran(&plan);
    assert_int_equal(plan.complaints, 0);
    assert_int_equal(plan.variant_count, 5); /* ring has a second mode */
    assert_true(find_cell("uv", "echo")->selected);
    assert_true(find_cell("ring:eager", "close")->selected);
    assert_null(find_cell("foreign", "echo"));
}

static void sim_runs_what_needs_no_network_of_the_system(void **state)
{
    (void)state;
    begin("");
    add_all();
    assert_true(find_cell("sim", "both_echo")->selected);
    assert_null(find_cell("sim", "echo"));
}

static void a_scenario_that_does_not_run_is_red(void **state)
{
    (void)state;
    begin("");
    add_all();
    run_all();
    find_cell("ring:eager", "close")->began = false;
    plan_check_ran(&plan);
    complained("ring:eager/close: did not run");
}

static void a_selection_of_nothing_is_red(void **state)
{
    (void)state;
    begin("");
    plan.pattern = "no such scenario";
    add_all();
    complained("no scenario is selected");
}

static void a_part_of_a_name_selects(void **state)
{
    (void)state;
    begin("");
    plan.pattern = "eager/e";
    add_all();
    assert_int_equal(plan.complaints, 0);
    assert_true(find_cell("ring:eager", "echo")->selected);
    assert_false(find_cell("ring", "echo")->selected);
    assert_false(find_cell("ring:eager", "close")->selected);
}

static void a_backend_of_this_system_that_does_not_probe_is_red(void **state)
{
    (void)state;
    begin("");
    plan_add(&plan, "ring", NULL, UV_ENOSYS, "built without it");
    complained("ring/*: a backend of this system does not work");
}

static void a_backend_that_is_left_out_is_not_missed(void **state)
{
    (void)state;
    begin("linux/ring may: reason\n echo\n");
    plan.without = "ring";
    plan_add(&plan, "ring", NULL, UV_ENOSYS, "built without it");
    plan_add(&plan, "uv", &uv, 0, "");
    plan_check(&plan);
    run_all();
    plan_check_ran(&plan);
    assert_int_equal(plan.complaints, 0);
    assert_null(find_cell("ring", "echo"));
}

static void a_system_without_its_native_backends_is_red(void **state)
{
    (void)state;
    begin("");
    plan_add(&plan, "uv", &uv, 0, "");
    plan_add(&plan, "foreign", NULL, UV_ENOTSUP, "it is for another system");
    plan_check(&plan);
    complained("no native backend works here");
}

static void a_backend_that_is_named_must_work(void **state)
{
    (void)state;
    begin("");
    plan.backend = "foreign";
    plan_add(&plan, "foreign", NULL, UV_ENOTSUP, "it is for another system");
    complained("foreign/*: a backend of this system does not work");
}

static void an_exception_is_for_its_system_backend_and_mode(void **state)
{
    (void)state;
    begin("# a comment\n"
          "linux/ring:eager skip: some reason\n"
          "    echo\n"
          "\n"
          "*/* may: another reason\r\n"
          "    close\r\n"
          "    both_echo\n"
          "windows/ring skip: not here\n"
          "    both_echo\n");
    add_all();
    assert_int_equal(plan.complaints, 0);
    assert_int_equal(find_cell("ring:eager", "echo")->exception->kind, EXCEPTION_SKIP);
    assert_string_equal(find_cell("ring:eager", "echo")->exception->reason, "some reason");
    assert_null(find_cell("ring", "echo")->exception);
    assert_int_equal(find_cell("ring:eager", "close")->exception->kind, EXCEPTION_MAY);
    assert_string_equal(find_cell("ring", "close")->exception->reason, "another reason");
    assert_int_equal(find_cell("ring", "both_echo")->exception->kind, EXCEPTION_MAY);
    assert_null(find_cell("sim", "both_echo")->exception);
}

static void a_mode_that_waits_for_bytes_has_clients_that_knock(void **state)
{
    (void)state;
    begin("linux/ring:eager knock: it waits for bytes\n");
    add_all();
    assert_int_equal(plan.complaints, 0);
    assert_true(find_cell("ring:eager", "echo")->variant->mode.knocks);
    assert_false(find_cell("ring", "echo")->variant->mode.knocks);
}

static void an_exception_without_use_is_red(void **state)
{
    static const struct {
        const char *text;
        const char *complaint;
    } table[] = {
        {"linux/ring skip: a\n gone\n", "the exception names no scenario"},
        {"windows/foreign skip: a\n gone\n", "the exception names no scenario"},
        {"linux/rang skip: a\n echo\n", "the exception names no backend or no mode"},
        {"linux/ring:lazy skip: a\n echo\n", "the exception names no backend or no mode"},
        {"linus/ring skip: a\n echo\n", "the exception names no system"},
        {"linux/sim skip: a\n echo\n", "nothing needs the exception"},
        {"linux/ring skip: a\n echo\nlinux/ring:eager may: b\n echo\n",
         "nothing needs the exception"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        begin(table[i].text);
        add_all();
        complained(table[i].complaint);
    }
}

static void what_is_no_exception_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } table[] = {
        {"\n echo\n", "file:2: a scenario follows a line with may or skip"},
        {"linux/ring knock: a\n echo\n", "file:2: a scenario follows a line with may or skip"},
        {"linux/ring skip: a\n echo close\n", "file:2: one scenario in a line"},
        {"linux/ring skip:\n", "file:1: not SYSTEM/BACKEND[:MODE] may|skip|knock: REASON"},
        {"linux/ring run: a\n", "file:1: not SYSTEM/BACKEND[:MODE] may|skip|knock: REASON"},
        {"ring skip: a\n", "file:1: not SYSTEM/BACKEND[:MODE] may|skip|knock: REASON"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        assert_false(exceptions_parse(&exceptions, "file", table[i].text));
        assert_string_equal(exceptions.error, table[i].error);
    }
    assert_false(exceptions_read(&exceptions, "no/such/file"));
    assert_string_equal(exceptions.error, "no/such/file: can't be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario_runs_on_every_backend),
        cmocka_unit_test(sim_runs_what_needs_no_network_of_the_system),
        cmocka_unit_test(a_scenario_that_does_not_run_is_red),
        cmocka_unit_test(a_selection_of_nothing_is_red),
        cmocka_unit_test(a_part_of_a_name_selects),
        cmocka_unit_test(a_backend_of_this_system_that_does_not_probe_is_red),
        cmocka_unit_test(a_backend_that_is_left_out_is_not_missed),
        cmocka_unit_test(a_system_without_its_native_backends_is_red),
        cmocka_unit_test(a_backend_that_is_named_must_work),
        cmocka_unit_test(an_exception_is_for_its_system_backend_and_mode),
        cmocka_unit_test(a_mode_that_waits_for_bytes_has_clients_that_knock),
        cmocka_unit_test(an_exception_without_use_is_red),
        cmocka_unit_test(what_is_no_exception_is_refused),
    };
    return cmocka_run_group_tests_name("suite_plan", tests, NULL, NULL);
}
