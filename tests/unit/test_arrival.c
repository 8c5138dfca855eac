/* Schedules with random gaps. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "arrival.h"
#include "dice.h"
#include "util.h"

#define GAPS 100000
#define MEAN_NS 1e6
#define SEED UINT64_C(0x5eed)

static double gaps[GAPS];

static int by_size(const void *one, const void *other)
{
    double a = *(const double *)one;
    double b = *(const double *)other;
    return (a > b) - (a < b);
}

/* How probable it is that the largest distance is larger: the series of Kolmogorov. */
static double kolmogorov_p(double distance)
{
    double root = sqrt(GAPS);
    double x = distance * (root + 0.12 + 0.11 / root);
    double p = 0;
    for (int k = 1; k <= 100; k++) {
        p += (k % 2 == 1 ? 2 : -2) * exp(-2.0 * k * k * x * x);
    }
    return x < 0.2 ? 1 : p;
}

/* The Kolmogorov-Smirnov test of the gaps against the exponential distribution. */
static double p_of_gaps(double mean_ns)
{
    double distance = 0;
    qsort(gaps, GAPS, sizeof(gaps[0]), by_size);
    for (size_t i = 0; i < GAPS; i++) {
        double share = 1 - exp(-gaps[i] / mean_ns);
        distance = fmax(distance, share - (double)i / GAPS);
        distance = fmax(distance, (double)(i + 1) / GAPS - share);
    }
    print_message("distance %.5f, p %.4f\n", distance, kolmogorov_p(distance));
    return kolmogorov_p(distance);
}

static void gaps_are_exponential(void **state)
{
    struct arrival arrival;
    uint64_t last_ns = 0;
    (void)state;
    arrival_begin(&arrival, dice_key(SEED, 1), MEAN_NS);
    for (size_t i = 0; i < GAPS; i++) {
        uint64_t due_ns = arrival_take(&arrival);
        gaps[i] = (double)(due_ns - last_ns);
        last_ns = due_ns;
    }
    assert_true(p_of_gaps(MEAN_NS) > 1e-4);
}

/* Processes together have the gaps of one with the sum of their rates. */
static void gaps_of_several_are_exponential(void **state)
{
    struct arrivals arrivals;
    uint64_t last_ns = 0;
    (void)state;
    assert_true(arrivals_begin(&arrivals, 50, SEED, 1, 2, 50 * MEAN_NS));
    for (size_t i = 0; i < GAPS; i++) {
        uint64_t due_ns = arrivals_next_ns(&arrivals);
        (void)arrivals_take(&arrivals);
        assert_true(due_ns >= last_ns);
        gaps[i] = (double)(due_ns - last_ns);
        last_ns = due_ns;
    }
    arrivals_free(&arrivals);
    assert_true(p_of_gaps(MEAN_NS) > 1e-4);
    assert_true(p_of_gaps(MEAN_NS * 1.02) < 1e-4); /* the test can fail */
}

/* The heap gives each user the times that its own process has. */
static void each_user_has_its_own_times(void **state)
{
    enum { USERS = 7 };
    struct arrivals arrivals;
    struct arrival own[USERS];
    unsigned taken[USERS] = {0};
    (void)state;
    assert_true(arrivals_begin(&arrivals, USERS, SEED, 3, 4, MEAN_NS));
    for (size_t i = 0; i < USERS; i++) {
        arrival_begin(&own[i], dice_key(SEED, 3 + 4 * i), MEAN_NS);
    }
    for (unsigned n = 0; n < 7000; n++) {
        uint64_t due_ns = arrivals_next_ns(&arrivals);
        size_t user = arrivals_take(&arrivals);
        assert_true(user < USERS);
        assert_true(arrival_take(&own[user]) == due_ns);
        taken[user]++;
    }
    for (size_t i = 0; i < USERS; i++) {
        assert_true(taken[i] > 800 && taken[i] < 1200);
    }
    arrivals_free(&arrivals);
}

static void a_time_too_far_is_never(void **state)
{
    struct arrival arrival;
    (void)state;
    arrival_begin(&arrival, 1, 1e30);
    assert_true(arrival_take(&arrival) == UINT64_C(9000000000000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_are_exponential),
        cmocka_unit_test(gaps_of_several_are_exponential),
        cmocka_unit_test(each_user_has_its_own_times),
        cmocka_unit_test(a_time_too_far_is_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
