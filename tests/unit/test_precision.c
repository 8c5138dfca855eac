/* How often the true p99 is inside the interval, over runs with fixed seeds in virtual time. */

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
#include "util.h"

#define RUNS 2000
#define RUNS_INSIDE_MIN 1860
#define SLICES 64

static const double pi = 3.14159265358979323846;

/* ---- delays -------------------------------------------------------------------------------- */

struct source {
    uint64_t random;
    double state;
    double rho;   /* of neighbours */
    double spare; /* the second of a pair of normal numbers */
    bool has_spare;
};

static double random_exponential(struct source *source)
{
    return -log(1 - random_fraction(&source->random));
}

/* Box and Muller's pairs. */
static double random_normal(struct source *source)
{
    if (source->has_spare) {
        source->has_spare = false;
        return source->spare;
    }
    double radius = sqrt(2 * random_exponential(source));
    double angle = 2 * pi * random_fraction(&source->random);
    source->spare = radius * sin(angle);
    source->has_spare = true;
    return radius * cos(angle);
}

static double delay_exponential(struct source *source)
{
    return 1e6 * random_exponential(source);
}

/* The logarithm is a normal AR(1) process with variance 1; independent if rho is 0. */
static double delay_lognormal(struct source *source)
{
    double rho = source->rho;
    source->state = rho * source->state + sqrt(1 - rho * rho) * random_normal(source);
    return 1e6 * exp(source->state);
}

/*
 * The wait in an M/M/1 queue at a load of 0.8, by Lindley's recursion. A service takes 1 ms. From
 * one arrival to the next the wait changes by the difference of two exponential times. It is
 * positive with probability 0.8 / 1.8, and exponential itself on both sides.
 */
static double delay_queue(struct source *source)
{
    double wait = source->state;
    double time = random_exponential(source);
    double next = random_fraction(&source->random) < 0.8 / 1.8 ? wait + time : wait - time / 0.8;
    source->state = next > 0 ? next : 0;
    return 1e6 * wait;
}

/* ---- runs ---------------------------------------------------------------------------------- */

struct process {
    const char *name;
    double (*delay)(struct source *source);
    double rho;
    unsigned slice;   /* messages */
    unsigned warm_up; /* messages that are left out */
    double p99_ns;    /* the true one */
};

static struct batches batches;

static void run(const struct process *process, uint64_t seed)
{
    struct source source = {.random = random_mixed(&seed), .rho = process->rho};
    for (unsigned i = 0; i < process->warm_up; i++) {
        (void)process->delay(&source);
    }
    batches.count = SLICES;
    for (unsigned i = 0; i < SLICES; i++) {
        struct histogram *latency = &batches.list[i].latency;
        histogram_init(latency);
        for (unsigned n = 0; n < process->slice; n++) {
            histogram_record(latency, (uint64_t)process->delay(&source));
        }
    }
}

static unsigned count_inside(const struct process *process)
{
    unsigned inside = 0;
    double width = 0;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct precision precision;
        run(process, seed);
        precision_estimate(&batches, 0, batches.count, 99, &precision);
        inside += precision.known && (double)precision.low_ns <= process->p99_ns &&
                  process->p99_ns < (double)precision.high_ns + 1;
        width += precision.known ? precision_half_width_percent(&precision) : 0;
    }
    print_message("%s: %u of %u intervals contain the true p99; half width %.1f %% on average\n",
                  process->name, inside, (unsigned)RUNS, width / RUNS);
    return inside;
}

/*
 * The true values. Exponential: ln(100). Lognormal: e to the normal p99, 2.3263. The wait in a
 * queue exceeds t with probability 0.8 e^(-0.2 t), so p99 is ln(80) / 0.2.
 */
static const struct process processes[] = {
    {"exponential", delay_exponential, 0, 128, 0, 4.605170186e6},
    {"lognormal", delay_lognormal, 0, 128, 0, 10.240473656e6},
    {"lognormal, correlation 0.9", delay_lognormal, 0.9, 256, 100, 10.240473656e6},
    {"queue at a load of 0.8", delay_queue, 0, 2048, 2000, 21.910133173e6},
};

static void the_true_p99_is_in_most_intervals(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(processes); i++) {
        assert_true(count_inside(&processes[i]) >= RUNS_INSIDE_MIN);
    }
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

static void begin(void)
{
    batches_free(&batches);
    assert_true(batches_init(&batches));
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
    };
    return cmocka_run_group_tests_name("precision", tests, set_up, tear_down);
}
