#include "chance.h"

#include <assert.h>
#include <math.h>

/* Of the continued fraction and of bisections. */
#define CHANCE_PRECISION 1e-12
#define CHANCE_STEPS 200

/* A factor of the continued fraction must not be 0. */
static double away_from_zero(double value)
{
    const double least = 1e-300;
    return fabs(value) < least ? least : value;
}

/*
 * The continued fraction of the incomplete beta function, from its front (Lentz's method). It
 * converges for x below the mean, in some sqrt(a + b) steps.
 */
static double beta_fraction(double a, double b, double x)
{
    double c = 1;
    double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
    double product = d;
    double factor = 0;
    for (unsigned step = 1; fabs(factor - 1) > CHANCE_PRECISION && step < 1000000; step++) {
        double m = step;
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        product *= d * c;
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        factor = d * c;
        product *= factor;
    }
    return product;
}

/* The regularized incomplete beta function: I_x(a, b). */
static double beta_share(double a, double b, double x)
{
    if (x > (a + 1) / (a + b + 2)) {
        return 1 - beta_share(b, a, 1 - x);
    }
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return front * beta_fraction(a, b, x) / a;
}

double chance_at_least(double rank, double trials, double share)
{
    assert(rank > 0 && rank <= trials && share > 0 && share < 1);
    return beta_share(rank, trials - rank + 1, share);
}

double chance_student(double freedom, double tail)
{
    double low = 0;
    double high = 1e6;
    assert(freedom >= 1 && tail > 0 && tail < 0.5);
    for (int i = 0; i < CHANCE_STEPS && high - low > CHANCE_PRECISION * high; i++) {
        double middle = (low + high) / 2;
        double x = freedom / (freedom + middle * middle);
        if (beta_share(freedom / 2, 0.5, x) / 2 > tail) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

double chance_normal(double tail)
{
    double low = 0;
    double high = 40;
    assert(tail > 0 && tail < 0.5);
    for (int i = 0; i < CHANCE_STEPS && high - low > CHANCE_PRECISION; i++) {
        double middle = (low + high) / 2;
        if (erfc(middle / sqrt(2)) / 2 > tail) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}
