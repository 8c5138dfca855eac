/* The workers of a program and their companion: they start together, and end together. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crew.h"
#include "fake_backend.h"
#include "log.h"

/* A worker that runs until it is told to end. */
struct member {
    struct worker worker; /* first */
    bool told;
};

static struct program_options options;
static struct option_cpus cpus;
static struct crew crew;
static struct fake fake_of_worker, fake_of_companion;
static struct fake *const fakes[] = {&fake_of_worker, &fake_of_companion};
static struct member companion;

static struct member *member_of(struct worker *worker)
{
    return (struct member *)(void *)worker;
}

static int member_start(struct worker *worker)
{
    (void)worker;
    return 0;
}

static void member_command(struct worker *worker, enum worker_command command)
{
    member_of(worker)->told = command == WORKER_DRAIN || command == WORKER_ABORT;
}

static bool member_finished(const struct worker *worker)
{
    return ((const struct member *)(const void *)worker)->told;
}

static void member_stop(struct worker *worker)
{
    (void)worker;
}

static const struct worker_role member_role = {.start = member_start,
                                               .command = member_command,
                                               .finished = member_finished,
                                               .stop = member_stop};

static int set_up(void **state)
{
    (void)state;
    memset(&options, 0, sizeof(options));
    memset(&companion, 0, sizeof(companion));
    options.backend = "fake";
    struct crew_plan plan = {
        .role = &member_role, .count = 1, .size = sizeof(struct member), .cpus = &cpus};
    assert_int_equal(crew_init(&crew, &options, NULL, &fake_backend, ""), 0);
    for (size_t i = 0; i < 2; i++) {
        fake_init(fakes[i]);
        fakes[i]->blocks = true;
    }
    plan.io_config = fake_config(&fake_of_worker);
    assert_int_equal(crew_make(&crew, &plan), 0);
    plan.io_config = fake_config(&fake_of_companion);
    crew_add(&crew, &plan, &companion.worker);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    crew_free(&crew);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fakes[i]->wrong, 0);
        fake_destroy(fakes[i]);
    }
    return 0;
}

static void reap_all(void)
{
    while (crew.running > 0) {
        crew_reap(&crew);
        uv_sleep(1);
    }
}

static void all_loops_were_closed(void)
{
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fakes[i]->opens, 1);
        assert_int_equal(fakes[i]->closes, 1);
    }
}

static void the_companion_ends_with_the_others(void **state)
{
    (void)state;
    assert_int_equal(crew_start(&crew), 0);
    assert_int_equal(crew.running, 2);
    worker_post(crew_worker(&crew, 0), WORKER_DRAIN);
    reap_all();
    assert_false(crew.failed);
    assert_true(companion.told);
    all_loops_were_closed();
}

static void a_command_reaches_the_companion(void **state)
{
    (void)state;
    assert_int_equal(crew_start(&crew), 0);
    crew_post(&crew, WORKER_DRAIN);
    reap_all();
    assert_false(crew.failed);
    all_loops_were_closed();
}

static void a_companion_with_a_failing_loop_ends_all(void **state)
{
    (void)state;
    fake_of_companion.blocks = false;
    fake_of_companion.poll_status = UV_EIO;
    assert_int_equal(crew_start(&crew), 0);
    reap_all();
    assert_true(crew.failed);
    assert_non_null(strstr(companion.worker.error, "worker 1: the loop of backend fake failed"));
    assert_int_equal(fake_of_worker.closes, 1);
    assert_int_equal(fake_of_companion.closes, 0); /* it still owns what is outstanding */
}

static void no_worker_starts_if_the_companion_gets_no_loop(void **state)
{
    (void)state;
    fake_of_companion.open_status = UV_ENOMEM;
    assert_true(crew_start(&crew) < 0);
    assert_int_equal(crew.running, 0);
    assert_int_equal(fake_of_worker.closes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_companion_ends_with_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_command_reaches_the_companion, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_companion_with_a_failing_loop_ends_all, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_worker_starts_if_the_companion_gets_no_loop, set_up,
                                        tear_down),
    };
    log_setup("test_crew", false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
