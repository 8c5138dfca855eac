/*
 * The search for the highest rate, against a server in virtual time. The server has a token bucket:
 * its capacity is known. So the answer is known, too.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "search.h"
#include "units.h"

#define SECONDS 2.0 /* of a step */
#define SEEDS 20

/* ---- a server in virtual time -------------------------------------------------------------- */

struct model {
    uint64_t random;     /* the state of the generator */
    double capacity;     /* messages per second */
    double burst;        /* seconds of its capacity that it can save up */
    double base;         /* seconds of each answer, on average; the rest is exponential */
    double disturbances; /* the share of steps in which the client stands still for a while */
    struct histogram latency;
    struct histogram lateness;
};

/* From 0 to 1, without 0 (xorshift64*). */
static double draw(struct model *model)
{
    model->random ^= model->random >> 12;
    model->random ^= model->random << 25;
    model->random ^= model->random >> 27;
    return (double)((model->random * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0 +
           1e-17;
}

/* Adds the time of a message to the backlog of each quarter of the step. */
static void add_backlog(struct search_figures *figures, double from, double until)
{
    double quarter = SECONDS / SEARCH_QUARTERS;
    for (size_t i = 0; i < SEARCH_QUARTERS; i++) {
        double begin = fmax(from, (double)i * quarter);
        double end = fmin(until, (double)(i + 1) * quarter);
        figures->backlog[i] += end > begin ? (end - begin) / quarter : 0;
    }
}

/* A step at this rate: each message is due by a schedule, is sent, waits for a token, and takes a
 * random time. */
static struct search_figures measure(struct model *model, double rate, uint64_t limit_ns,
                                     double percentile)
{
    struct search_figures figures = {0};
    double ready = 0; /* when the bucket is full again, less its burst */
    bool disturbed = draw(model) < model->disturbances;
    double pause_from = draw(model) * SECONDS * 0.9;
    double pause_until = disturbed ? pause_from + SECONDS * 0.05 : pause_from;
    histogram_init(&model->latency);
    histogram_init(&model->lateness);
    for (uint64_t i = 0; (double)i / rate < SECONDS; i++) {
        double due = (double)i / rate;
        double sent = due > pause_from && due < pause_until ? pause_until : due;
        double served = fmax(sent, ready - model->burst);
        ready = fmax(ready, served) + 1 / model->capacity;
        double done = served - model->base * log(draw(model));
        histogram_record(&model->latency, (uint64_t)((done - due) * 1e9));
        histogram_record(&model->lateness, (uint64_t)((sent - due) * 1e9));
        add_backlog(&figures, due, done);
    }
    figures.due = model->latency.count;
    figures.in_time = search_in_time(&model->latency, limit_ns);
    figures.lateness_ns = histogram_percentile(&model->lateness, percentile);
    return figures;
}

static struct search search;

static void run(struct model *model, double percentile, uint64_t limit_ns, double first)
{
    const struct search_plan plan = {.percentile = percentile,
                                     .limit_ns = limit_ns,
                                     .first = first,
                                     .lowest = 5,
                                     .highest = 1e9};
    double rate;
    search_init(&search, &plan);
    while (search_next(&search, &rate)) {
        struct search_figures figures = measure(model, rate, limit_ns, percentile);
        (void)search_judge(&search, &figures);
    }
}

/* Steps that did not count because the client was late. */
static size_t count_disturbed(void)
{
    size_t count = 0;
    for (size_t i = 0; i < search.count; i++) {
        count += search.steps[i].outcome == SEARCH_DISTURBED && search.steps[i].repeated ? 1 : 0;
    }
    return count;
}

/* ---- known capacities ---------------------------------------------------------------------- */

static void finds_the_capacity_for_each_seed(void **state)
{
    static const uint64_t limits_ns[] = {NS_PER_MS, 5 * NS_PER_MS, 20 * NS_PER_MS, 200 * NS_PER_MS};
    static struct model model;
    size_t disturbed = 0;
    size_t good = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        model = (struct model){
            .random = seed * UINT64_C(0x9e3779b97f4a7c15), .base = 20e-6, .disturbances = 0.2};
        model.capacity = 500 * pow(200, draw(&model));
        model.burst = draw(&model) * 0.005;
        run(&model, 99, limits_ns[seed % LENGTH(limits_ns)], 1000);
        double error = search.held / model.capacity - 1;
        bool fits = search_end(&search) == SEARCH_FOUND && fabs(error) <= 0.02;
        print_message("seed %2u: capacity %8.1f/s, found %8.1f to %8.1f/s in %u steps, %+.2f %%\n",
                      (unsigned)seed, model.capacity, search.held, search.failed,
                      (unsigned)search.count, error * 100);
        good += fits ? 1 : 0;
        disturbed += count_disturbed();
    }
    assert_true(disturbed > 0);
    assert_int_equal(good, SEEDS);
}

/* ---- the ends ------------------------------------------------------------------------------ */

static void it_may_never_hold(void **state)
{
    static struct model model;
    double rate;
    (void)state;
    model = (struct model){.random = 1, .capacity = 1e6, .base = 1};
    run(&model, 99, NS_PER_MS, 1000);
    assert_int_equal(search_end(&search), SEARCH_NEVER);
    assert_true(search.held == 0 && search.failed == 5);
    assert_false(search_next(&search, &rate));
}

static void it_may_begin_too_high(void **state)
{
    static struct model model;
    (void)state;
    model = (struct model){.random = 1, .capacity = 100, .base = 1e-4};
    run(&model, 99, 5 * NS_PER_MS, 1000);
    assert_int_equal(search_end(&search), SEARCH_FOUND);
    assert_true(fabs(search.held - 100) <= 2);
}

/* A step in which all is well. */
static const struct search_figures well = {.due = 1000, .in_time = 1000};
static const struct search_figures bad = {.due = 1000, .in_time = 100};
static const struct search_plan plan = {
    .percentile = 99, .limit_ns = NS_PER_MS, .first = 1000, .lowest = 1, .highest = 3000};

static const struct search_step *judge(struct search_figures figures)
{
    return search_judge(&search, &figures);
}

static void it_may_always_hold(void **state)
{
    (void)state;
    search_init(&search, &plan);
    assert_int_equal(judge(well)->outcome, SEARCH_HELD);
    assert_float_equal(judge(well)->rate, 2000, 1e-9);
    assert_int_equal(search_end(&search), SEARCH_OPEN);
    assert_float_equal(judge(well)->rate, 3000, 1e-9);
    assert_int_equal(search_end(&search), SEARCH_ALWAYS);
}

static void it_halves_the_interval(void **state)
{
    (void)state;
    search_init(&search, &plan);
    assert_float_equal(judge(well)->rate, 1000, 1e-9);
    assert_float_equal(judge(bad)->rate, 2000, 1e-9);
    assert_float_equal(judge(bad)->rate, 1500, 1e-9);
    assert_float_equal(judge(well)->rate, 1250, 1e-9);
    assert_float_equal(judge(well)->rate, 1375, 1e-9);
    assert_float_equal(search.held, 1375, 1e-9);
    assert_float_equal(search.failed, 1500, 1e-9);
}

/* ---- how a step is judged ------------------------------------------------------------------ */

static void the_share_decides(void **state)
{
    struct search_figures figures = well;
    (void)state;
    search_init(&search, &plan);
    figures.in_time = 990;
    assert_int_equal(judge(figures)->outcome, SEARCH_HELD);
    figures.in_time = 989;
    assert_int_equal(judge(figures)->outcome, SEARCH_SLOW);
    figures = (struct search_figures){0};
    assert_int_equal(judge(figures)->outcome, SEARCH_SLOW);
    figures = well;
    figures.failed = true;
    assert_int_equal(judge(figures)->outcome, SEARCH_FAILED);
}

static void a_backlog_must_not_grow(void **state)
{
    static const struct {
        double backlog[SEARCH_QUARTERS];
        enum search_outcome outcome;
    } cases[] = {
        {{0, 10, 20, 30}, SEARCH_GROWS},
        {{0, 10, 12, 14}, SEARCH_HELD},    /* less than 1 % of the messages due */
        {{0, 400, 400, 400}, SEARCH_HELD}, /* high, but steady */
        {{0, 10, 50, 30}, SEARCH_HELD},    /* up and down */
        {{50, 30, 20, 10}, SEARCH_HELD},
        {{NAN, NAN, NAN, NAN}, SEARCH_HELD},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct search_figures figures = well;
        for (size_t quarter = 0; quarter < SEARCH_QUARTERS; quarter++) {
            figures.backlog[quarter] = cases[i].backlog[quarter];
        }
        search_init(&search, &plan);
        assert_int_equal(judge(figures)->outcome, cases[i].outcome);
    }
}

static void a_disturbed_step_is_repeated_twice(void **state)
{
    struct search_figures figures = bad;
    (void)state;
    figures.lateness_ns = NS_PER_MS / 2;
    search_init(&search, &plan);
    assert_int_equal(judge(figures)->outcome, SEARCH_DISTURBED);
    assert_float_equal(judge(figures)->rate, 1000, 1e-9);
    assert_true(search.steps[0].repeated && search.steps[1].repeated && !search.client_late);
    assert_float_equal(judge(figures)->rate, 1000, 1e-9);
    assert_true(!search.steps[2].repeated && search.client_late);
    assert_float_equal(judge(well)->rate, 500, 1e-9);
}

static void a_wait_for_a_cpu_disturbs_a_step_that_fails_narrowly(void **state)
{
    struct search_figures figures = bad;
    (void)state;
    figures.waited = 0.2;
    search_init(&search, &plan);
    assert_int_equal(judge(figures)->outcome, SEARCH_SLOW);
    figures.in_time = 980;
    assert_int_equal(judge(figures)->outcome, SEARCH_DISTURBED);
    figures.waited = NAN;
    assert_int_equal(judge(figures)->outcome, SEARCH_SLOW);
}

static void a_late_client_that_keeps_up_disturbs_nothing(void **state)
{
    struct search_figures figures = well;
    (void)state;
    figures.lateness_ns = NS_PER_S;
    search_init(&search, &plan);
    assert_int_equal(judge(figures)->outcome, SEARCH_HELD);
}

static void a_client_that_is_late_above_the_answer_leaves_it_open(void **state)
{
    struct search_figures late = bad;
    double rate;
    (void)state;
    late.lateness_ns = NS_PER_S;
    search_init(&search, &plan);
    while (search_next(&search, &rate)) {
        (void)judge(rate < 1200 ? well : late);
    }
    assert_int_equal(search_end(&search), SEARCH_CLIENT);
    assert_true(search.held < 1200 && search.failed >= 1200);
}

static void a_narrow_failure_is_repeated_once(void **state)
{
    struct search_figures figures = bad;
    (void)state;
    figures.in_time = 500;
    search_init(&search, &plan);
    assert_true(judge(figures)->repeated);
    assert_float_equal(judge(well)->rate, 1000, 1e-9);
    assert_float_equal(search.held, 1000, 1e-9);
    assert_true(judge(figures)->repeated);
    assert_false(judge(figures)->repeated);
    assert_float_equal(search.failed, 2000, 1e-9);
}

static void counts_what_is_in_time(void **state)
{
    static struct histogram latency;
    (void)state;
    histogram_init(&latency);
    assert_int_equal(search_in_time(&latency, 100), 0);
    for (uint64_t i = 1; i <= 200; i++) {
        histogram_record(&latency, i);
    }
    assert_int_equal(search_in_time(&latency, 100), 99);
    assert_int_equal(search_in_time(&latency, 201), 200);
    histogram_record(&latency, NS_PER_MS);
    assert_int_equal(search_in_time(&latency, NS_PER_MS), 200);
    assert_int_equal(search_in_time(&latency, NS_PER_MS + 1), 201);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_capacity_for_each_seed),
        cmocka_unit_test(it_may_never_hold),
        cmocka_unit_test(it_may_begin_too_high),
        cmocka_unit_test(it_may_always_hold),
        cmocka_unit_test(it_halves_the_interval),
        cmocka_unit_test(the_share_decides),
        cmocka_unit_test(a_backlog_must_not_grow),
        cmocka_unit_test(a_disturbed_step_is_repeated_twice),
        cmocka_unit_test(a_wait_for_a_cpu_disturbs_a_step_that_fails_narrowly),
        cmocka_unit_test(a_late_client_that_keeps_up_disturbs_nothing),
        cmocka_unit_test(a_client_that_is_late_above_the_answer_leaves_it_open),
        cmocka_unit_test(a_narrow_failure_is_repeated_once),
        cmocka_unit_test(counts_what_is_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
