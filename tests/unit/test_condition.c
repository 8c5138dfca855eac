#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "condition.h"
#include "units.h"

static void reads(const char *text, struct condition expected)
{
    struct condition got;
    if (!condition_parse(text, &got) || got.figure != expected.figure ||
        got.above != expected.above || got.limit != expected.limit ||
        fabs(got.percentile - expected.percentile) > 1e-9) {
        fail_msg("'%s' is read wrongly", text);
    }
}

static void reads_conditions(void **state)
{
    (void)state;
    reads("p99>5ms", (struct condition){CONDITION_LATENCY, true, 99, 5 * NS_PER_MS});
    reads("p99.9<1ms", (struct condition){CONDITION_LATENCY, false, 99.9, NS_PER_MS});
    reads("p0<1us", (struct condition){CONDITION_LATENCY, false, 0, NS_PER_US});
    reads("p99.999<1.5", (struct condition){CONDITION_LATENCY, false, 99.999, 1500 * NS_PER_MS});
    reads("max>1s", (struct condition){CONDITION_MAX, true, 99, NS_PER_S});
    reads("mean<250us", (struct condition){CONDITION_MEAN, false, 99, 250 * NS_PER_US});
    reads("rate<10k", (struct condition){CONDITION_RATE, false, 99, 10000});
    reads("rate<1.5M/s", (struct condition){CONDITION_RATE, false, 99, 1500000});
    reads("bytes<10MiB", (struct condition){CONDITION_BYTES, false, 99, 10 * UNITS_MIB});
    reads("bytes>1k/s", (struct condition){CONDITION_BYTES, true, 99, 1000});
    reads("failures>0", (struct condition){CONDITION_FAILURES, true, 99, 0});
    reads("lateness>1ms", (struct condition){CONDITION_LATENESS, true, 99, NS_PER_MS});
    reads("lateness-p99.9>1ms", (struct condition){CONDITION_LATENESS, true, 99.9, NS_PER_MS});
}

static void reads_the_spellings_of_cmd(void **state)
{
    (void)state;
    reads("p99-above=5ms", (struct condition){CONDITION_LATENCY, true, 99, 5 * NS_PER_MS});
    reads("p99.9-below=1ms", (struct condition){CONDITION_LATENCY, false, 99.9, NS_PER_MS});
    reads("rate-below=10k", (struct condition){CONDITION_RATE, false, 99, 10000});
    reads("lateness-above=1ms", (struct condition){CONDITION_LATENESS, true, 99, NS_PER_MS});
    reads("lateness-p50-above=1ms", (struct condition){CONDITION_LATENESS, true, 50, NS_PER_MS});
}

static void refuses_what_is_malformed(void **state)
{
    static const char *const texts[] = {
        "",
        "p",
        "p99",
        "p99<",
        "p99=5ms",
        "p99<=5ms",
        "p99<5",
        "p101<5ms",
        "p999<5ms",
        "p-1<5ms",
        "p99.<5ms",
        "p.9<5ms",
        "p9e1<5ms",
        "p99 <5ms",
        "p99< 5ms",
        " p99<5ms",
        "p99<5ms ",
        "P99<5ms",
        "p99<5k",
        "rate<5ms",
        "rate<1k/m",
        "rate</s",
        "bytes<1ms",
        "failures>0.5",
        "max<",
        "maximum<1",
        "rates<1",
        "p99>5ms/s",
        "p99-5ms",
        "p99-below5ms",
        "p99above=5ms",
        "lateness-<1ms",
        "lateness-p<1ms",
        "p0000000099<1ms",
        "rate<99999999999999999999999999999999999999999999999999999999999999999999999999999999"};
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        bool is_seconds = strcmp(texts[i], "p99<5") == 0; /* durations without a unit */
        if (condition_is(texts[i]) != is_seconds) {
            fail_msg("'%s'", texts[i]);
        }
    }
}

static void a_search_needs_a_latency_below_a_limit(void **state)
{
    static const char *const others[] = {"p99>1ms", "p100<1ms",     "p0<1ms",   "max<1ms", "p99<0",
                                         "rate<1k", "lateness<1ms", "mean<1ms", "p99"};
    (void)state;
    assert_true(condition_is_highest("p99<1ms"));
    assert_true(condition_is_highest("p99.9-below=500us"));
    for (size_t i = 0; i < LENGTH(others); i++) {
        if (condition_is_highest(others[i])) {
            fail_msg("'%s'", others[i]);
        }
    }
}

/* The figure of a condition, in a run of two seconds. */
static double measure(const char *text, const struct histogram *latency, double seconds)
{
    struct condition condition;
    struct condition_figures figures = {
        .latency = latency, .seconds = seconds, .messages = 200, .bytes = 4000, .failures = 3};
    assert_true(condition_parse(text, &condition));
    return condition_measure(&condition, &figures);
}

static void measures_figures(void **state)
{
    struct histogram *latency = malloc(sizeof(*latency));
    (void)state;
    assert_non_null(latency);
    histogram_init(latency);
    assert_true(isnan(measure("p99<1ms", latency, 0)));
    assert_true(isnan(measure("max<1ms", latency, 0)));
    assert_true(isnan(measure("mean<1ms", latency, 0)));
    assert_true(isnan(measure("rate<1", latency, 0)));
    assert_true(isnan(measure("lateness<1", latency, 2)));
    for (uint64_t i = 1; i <= 100; i++) {
        histogram_record(latency, i);
    }
    assert_float_equal(measure("p50<1ms", latency, 2), 50, 1e-9);
    assert_float_equal(measure("p99<1ms", latency, 2), 99, 1e-9);
    assert_float_equal(measure("max<1ms", latency, 2), 100, 1e-9);
    assert_float_equal(measure("mean<1ms", latency, 2), 50.5, 1e-9);
    assert_float_equal(measure("rate<1", latency, 2), 100, 1e-9);
    assert_float_equal(measure("bytes<1", latency, 2), 2000, 1e-9);
    assert_float_equal(measure("failures>0", latency, 2), 3, 1e-9);
    free(latency);
}

static void holds_beyond_its_limit_only(void **state)
{
    struct condition above = {CONDITION_RATE, true, 99, 100};
    struct condition below = {CONDITION_RATE, false, 99, 100};
    (void)state;
    assert_true(condition_holds(&above, 100.5) && !condition_holds(&above, 100));
    assert_true(condition_holds(&below, 99.5) && !condition_holds(&below, 100));
    assert_false(condition_holds(&above, NAN) || condition_holds(&below, NAN));
}

static void reads_precisions(void **state)
{
    static const char *const wrong[] = {"p99+-5",  "p99+5%",    "p99-5%",   "p0+-5%", "p100+-5%",
                                        "p99+-0%", "p99+-101%", "max+-5%",  "p99+-%", "p99",
                                        "",        "p99+-5%%",  "p99\2615%" /* no UTF-8 */};
    struct condition_precision precision;
    (void)state;
    assert_true(condition_parse_precision("p99+-5%", &precision));
    assert_float_equal(precision.percentile, 99, 1e-9);
    assert_float_equal(precision.percent, 5, 1e-9);
    assert_true(condition_parse_precision("p99.9\xc2\xb1"
                                          "0.5%",
                                          &precision));
    assert_float_equal(precision.percentile, 99.9, 1e-9);
    assert_float_equal(precision.percent, 0.5, 1e-9);
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        if (condition_is_precision(wrong[i])) {
            fail_msg("'%s'", wrong[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_conditions),
        cmocka_unit_test(reads_the_spellings_of_cmd),
        cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(a_search_needs_a_latency_below_a_limit),
        cmocka_unit_test(measures_figures),
        cmocka_unit_test(holds_beyond_its_limit_only),
        cmocka_unit_test(reads_precisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
