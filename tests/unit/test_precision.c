/* How often the true p99 is inside the interval, over runs with fixed seeds in virtual time. What
 * counts of the delays is their order: so other distributions than the exponential add nothing. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "chance.h"
#include "precision.h"
#include "random.h"
#include "until.h"
#include "util.h"

#define SLICES 32

static const unsigned runs = 2000 * TEST_EFFORT / 100;
static const unsigned runs_inside_min = 1860 * TEST_EFFORT / 100;
static const unsigned until_runs = 200 * TEST_EFFORT / 100;
static const unsigned until_runs_inside_min = 176 * TEST_EFFORT / 100;

/* ---- delays -------------------------------------------------------------------------------- */

/* Each delay is this and a random time. So they are close together, and histograms are fast. */
#define LEAST_NS 1000.0

struct source {
    uint64_t random;
    double state;
    double rho; /* the correlation of neighbours */
};

static double random_exponential(struct source *source)
{
    return -log(1 - random_fraction(&source->random));
}

/* The exponential autoregressive process of Gaver and Lewis. Each delay is exponential, and the
 * correlation of two that are n apart is rho to the n. */
static double delay_exponential(struct source *source)
{
    bool fresh = random_fraction(&source->random) >= source->rho;
    source->state = source->rho * source->state + (fresh ? random_exponential(source) : 0);
    return source->state;
}

/*
 * The wait in an M/M/1 queue at a load of 0.5, in services, by Lindley's recursion. From one
 * arrival to the next the wait changes by the difference of two exponential times. It is positive
 * with probability 0.5 / 1.5, and exponential itself on both sides.
 */
static double delay_queue(struct source *source)
{
    double wait = source->state;
    double time = random_exponential(source);
    double next = random_fraction(&source->random) < 0.5 / 1.5 ? wait + time : wait - time / 0.5;
    source->state = next > 0 ? next : 0;
    return wait;
}

/* ---- runs ---------------------------------------------------------------------------------- */

struct process {
    const char *name;
    double (*delay)(struct source *source);
    double rho;
    unsigned slice;   /* messages */
    unsigned warm_up; /* messages that are left out */
    double p99;       /* the true one, of the random time */
};

static struct batches batches;

static double delay_ns(double time)
{
    return LEAST_NS * (1 + time);
}

static void begin(void)
{
    batches_free(&batches);
    assert_true(batches_init(&batches));
}

/* A slice's delays. */
static void record(const struct process *process, struct source *source, struct histogram *latency)
{
    histogram_clear(latency);
    for (unsigned n = 0; n < process->slice; n++) {
        histogram_record(latency, (uint64_t)delay_ns(process->delay(source)));
    }
}

static void run(const struct process *process, uint64_t seed)
{
    struct source source = {.random = random_mixed(&seed), .rho = process->rho};
    for (unsigned i = 0; i < process->warm_up; i++) {
        (void)process->delay(&source);
    }
    for (unsigned i = 0; i < SLICES; i++) {
        record(process, &source, &batches.list[i].latency);
    }
}

static bool is_inside(const struct precision *precision, double value_ns)
{
    return precision->known && (double)precision->low_ns <= value_ns &&
           value_ns < (double)precision->high_ns + 1;
}

static unsigned count_inside(const struct process *process)
{
    unsigned inside = 0;
    double width = 0;
    double p99_ns = delay_ns(process->p99);
    for (uint64_t seed = 1; seed <= runs; seed++) {
        struct precision precision;
        run(process, seed);
        precision_estimate(&batches, 0, batches.count, 99, &precision);
        inside += is_inside(&precision, p99_ns);
        width += precision.known ? precision_half_width_percent(&precision) : 0;
    }
    print_message("%s: %u of %u intervals contain the true p99; half width %.1f %% on average\n",
                  process->name, inside, runs, width / runs);
    return inside;
}

/* The true values. An exponential time: ln(100). The wait in a queue exceeds t with probability
 * 0.5 e^(-0.5 t), so p99 is ln(50) / 0.5. */
static const struct process processes[] = {
    {"independent", delay_exponential, 0, 256, 0, 4.605170186},
    {"correlation 0.9", delay_exponential, 0.9, 512, 100, 4.605170186},
    {"queue at a load of 0.5", delay_queue, 0, 512, 200, 7.824046011},
};

static void the_true_p99_is_in_most_intervals(void **state)
{
    (void)state;
    batches.count = SLICES;
    for (size_t i = 0; i < SLICES; i++) {
        histogram_init(&batches.list[i].latency);
    }
    for (size_t i = 0; i < LENGTH(processes); i++) {
        assert_true(count_inside(&processes[i]) >= runs_inside_min);
    }
}

/* ---- --until ------------------------------------------------------------------------------- */

/* Runs until the interval is narrow enough. */
static void run_until(const struct process *process, struct until *until, uint64_t seed)
{
    static struct histogram latency;
    struct source source = {.random = random_mixed(&seed), .rho = process->rho};
    begin();
    histogram_init(&latency);
    for (uint64_t i = 0; !until->reached; i++) {
        record(process, &source, &latency);
        batches_add(&batches, i * 100, i * 100 + 100, process->slice, &latency);
        if (batches.filled == batches.slices) {
            until_look(until, &batches);
        }
    }
}

/* A run ends when its interval is narrow, which it may be by chance. */
static void a_run_that_stops_when_it_is_precise_is_right_nearly_as_often(void **state)
{
    const struct process process = {"until", delay_exponential, 0.9, 64, 0, 4.605170186};
    unsigned inside = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= until_runs; seed++) {
        struct until until;
        until_init(&until, "p99+-20%");
        run_until(&process, &until, seed);
        inside += is_inside(&until.precision, delay_ns(process.p99));
    }
    print_message("--until: %u of %u intervals contain the true p99\n", inside, until_runs);
    assert_true(inside >= until_runs_inside_min);
}

/* ---- small cases --------------------------------------------------------------------------- */

static void add(uint64_t slice, uint64_t messages, uint64_t value_ns)
{
    static struct histogram latency;
    histogram_init(&latency);
    for (uint64_t i = 0; i < messages; i++) {
        histogram_record(&latency, value_ns + i);
    }
    batches_add(&batches, slice * 100, slice * 100 + 100, messages, &latency);
}

static void assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-4 * expected);
}

/* Of published tables. */
static void distributions_have_known_values(void **state)
{
    (void)state;
    assert_near(chance_student(7, 0.025), 2.364624);
    assert_near(chance_student(63, 0.025), 1.998341);
    assert_near(chance_normal(0.025), 1.959964);
    assert_near(chance_at_least(1, 10, 0.5), 1 - 1 / 1024.0);
    assert_near(chance_at_least(8, 10, 0.5), 56 / 1024.0);
    assert_near(chance_at_least(990000, 1e6, 0.99), 0.502674);
}

static void a_run_of_any_length_has_few_batches(void **state)
{
    (void)state;
    begin();
    for (uint64_t i = 0; i < 1000; i++) {
        add(i, 3, 1000);
        assert_true(batches.count <= BATCHES_MAX);
    }
    assert_int_equal(batches.slices, 16);
    assert_int_equal(batches.count, 63);
    uint64_t messages = 0;
    for (size_t i = 0; i < batches.count; i++) {
        messages += batches.list[i].messages;
        assert_int_equal(batches.list[i].from_ns, i * 1600);
        assert_int_equal(batches.list[i].latency.count, batches.list[i].messages);
    }
    assert_int_equal(messages, 3000);
    assert_int_equal(batches.list[62].until_ns, 100000);
}

static void too_few_messages_give_a_reason(void **state)
{
    struct precision precision;
    (void)state;
    begin();
    precision_estimate(&batches, 0, 0, 99, &precision);
    assert_false(precision.known);
    for (uint64_t i = 0; i < 10; i++) {
        add(i, 36, 1000);
    }
    precision_estimate(&batches, 0, batches.count, 99, &precision);
    assert_false(precision.known);
    assert_string_equal(precision.why,
                        "p99 needs at least 368 independent messages, and there were 360");
    precision_estimate(&batches, 0, batches.count, 50, &precision);
    assert_true(precision.known);
}

static void a_short_time_gives_a_reason(void **state)
{
    struct precision precision;
    (void)state;
    begin();
    for (uint64_t i = 0; i < PRECISION_BATCHES_MIN - 1; i++) {
        add(i, 1000, 1000);
    }
    precision_estimate(&batches, 0, batches.count, 50, &precision);
    assert_false(precision.known);
    assert_non_null(strstr(precision.why, "too short"));
}

/* Batches that are alike say no more than independent messages would. */
static void it_is_never_narrower_than_for_independent_messages(void **state)
{
    struct precision precision;
    (void)state;
    begin();
    for (uint64_t i = 0; i < 10; i++) {
        add(i, 100, 100); /* exact below 256 ns: 100 to 199 */
    }
    precision_estimate(&batches, 0, batches.count, 50, &precision);
    assert_true(precision.known);
    assert_true(precision.effective >= 1000 && precision.effective <= 1000);
    /* The order statistics of ranks 469 and 532 of 1,000, each value ten times. */
    assert_int_equal(precision.low_ns, 146);
    assert_int_equal(precision.high_ns, 153);
}

/* Latency that climbs all the time: neighbours are alike. */
static void wandering_latency_is_dependent(void **state)
{
    struct precision precision;
    (void)state;
    begin();
    for (uint64_t i = 0; i < 64; i++) {
        add(i, 1000, 10000 + 500 * i);
    }
    precision_estimate(&batches, 0, batches.count, 50, &precision);
    assert_true(precision.dependent);
    assert_true(precision.effective < 100);
}

static void rates_have_an_interval(void **state)
{
    double low;
    double high;
    (void)state;
    begin();
    for (uint64_t i = 0; i < 16; i++) {
        add(i, i % 2 == 0 ? 90 : 110, 1000); /* per 100 ns */
    }
    precision_rate(&batches, 0, batches.count, &low, &high);
    assert_true(low > 0.9e9 && low < 1e9 && high > 1e9 && high < 1.1e9);
    precision_rate(&batches, 0, PRECISION_BATCHES_MIN - 1, &low, &high);
    assert_true(isnan(low) && isnan(high));
}

static int set_up(void **state)
{
    (void)state;
    return batches_init(&batches) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    batches_free(&batches);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_have_known_values),
        cmocka_unit_test(a_run_of_any_length_has_few_batches),
        cmocka_unit_test(too_few_messages_give_a_reason),
        cmocka_unit_test(a_short_time_gives_a_reason),
        cmocka_unit_test(it_is_never_narrower_than_for_independent_messages),
        cmocka_unit_test(wandering_latency_is_dependent),
        cmocka_unit_test(rates_have_an_interval),
        cmocka_unit_test(the_true_p99_is_in_most_intervals),
        cmocka_unit_test(a_run_that_stops_when_it_is_precise_is_right_nearly_as_often),
    };
    return cmocka_run_group_tests_name("precision", tests, set_up, tear_down);
}
