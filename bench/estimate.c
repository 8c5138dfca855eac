#include "estimate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RANK_SUMS (ESTIMATE_MAX * (ESTIMATE_MAX + 1) / 2 + 1)

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Of sorted values. */
static double middle(const double *values, size_t count)
{
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static double sorted_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return middle(values, count);
}

double estimate_median(double *values, size_t count)
{
    assert(count > 0 && count <= ESTIMATE_MAX);
    return sorted_median(values, count);
}

/* ---- pairs --------------------------------------------------------------------------------- */

/* The chance of each sum of ranks: each of the ranks 1 to `count` is in it or isn't, with equal
 * chances. */
static void rank_sum_chances(size_t count, double chance[RANK_SUMS])
{
    size_t most = 0;
    memset(chance, 0, RANK_SUMS * sizeof(*chance));
    chance[0] = 1;
    for (size_t rank = 1; rank <= count; rank++) {
        most += rank;
        for (size_t sum = most + 1; sum-- > 0;) {
            chance[sum] = (chance[sum] + (sum >= rank ? chance[sum - rank] : 0)) / 2;
        }
    }
}

/* How many Walsh averages may be dropped from either end: the most for which the rest still covers
 * the middle with `confidence`. -1: not even all of them do. */
static int walsh_drop(size_t count, double confidence, double *reached)
{
    double chance[RANK_SUMS];
    rank_sum_chances(count, chance);
    double tail = 0;
    int drop = -1;
    while (1 - 2 * (tail + chance[drop + 1]) >= confidence) {
        tail += chance[++drop];
        *reached = 1 - 2 * tail;
    }
    return drop;
}

struct estimate estimate_paired(const double *differences, size_t count, double confidence)
{
    double walsh[RANK_SUMS];
    size_t averages = 0;
    struct estimate estimate = {0};
    assert(count > 0 && count <= ESTIMATE_MAX && confidence > 0 && confidence < 1);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i; j < count; j++) {
            walsh[averages++] = (differences[i] + differences[j]) / 2;
        }
    }
    estimate.value = sorted_median(walsh, averages);
    int drop = walsh_drop(count, confidence, &estimate.confidence);
    if (drop >= 0) {
        estimate.bounded = true;
        estimate.low = walsh[drop];
        estimate.high = walsh[averages - 1 - (size_t)drop];
    }
    return estimate;
}

/* Sorts by the distance from 0. Of equal distances those above 0 come first, so they get the lower
 * ranks. */
static int compare_magnitudes(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    int order = (fabs(a) > fabs(b)) - (fabs(a) < fabs(b));
    return order != 0 ? order : (a < b) - (a > b);
}

double estimate_paired_above(const double *differences, size_t count)
{
    double sorted[ESTIMATE_MAX];
    double chance[RANK_SUMS];
    double above = 0;
    size_t sum = 0;
    assert(count > 0 && count <= ESTIMATE_MAX);
    memcpy(sorted, differences, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_magnitudes);
    for (size_t i = 0; i < count; i++) {
        sum += sorted[i] > 0 ? i + 1 : 0;
    }
    rank_sum_chances(count, chance);
    for (size_t i = count * (count + 1) / 2 + 1; i-- > sum;) { /* the smallest first */
        above += chance[i];
    }
    return above;
}

/* ---- two samples --------------------------------------------------------------------------- */

double estimate_shift(const double *before, size_t before_count, const double *after,
                      size_t after_count)
{
    double shifts[ESTIMATE_MAX * ESTIMATE_MAX];
    size_t count = 0;
    assert(before_count > 0 && before_count <= ESTIMATE_MAX);
    assert(after_count > 0 && after_count <= ESTIMATE_MAX);
    for (size_t i = 0; i < before_count; i++) {
        for (size_t j = 0; j < after_count; j++) {
            shifts[count++] = after[j] - before[i];
        }
    }
    return sorted_median(shifts, count);
}

/*
 * The share of all orders of `m` and `n` values that have `pairs` pairs or more. A pair is one of
 * the m above one of the n. The k-th of the m, at place r from 1, has r - k of the n below it.
 */
static double share_above(size_t m, size_t n, size_t pairs)
{
    static const size_t columns = ESTIMATE_MAX * ESTIMATE_MAX + 1;
    double *orders = calloc((ESTIMATE_MAX + 1) * columns, sizeof(*orders));
    double above = 0;
    double all = 0;
    if (orders == NULL) {
        abort();
    }
    orders[0] = 1;
    for (size_t r = 1; r <= m + n; r++) {
        for (size_t k = r < m ? r : m; k > 0; k--) {
            for (size_t u = r - k; u <= m * n; u++) {
                orders[k * columns + u] += orders[(k - 1) * columns + u - (r - k)];
            }
        }
    }
    for (size_t u = 0; u <= m * n; u++) {
        all += orders[m * columns + u];
        above += u >= pairs ? orders[m * columns + u] : 0;
    }
    free(orders);
    return above / all;
}

double estimate_above(const double *before, size_t before_count, const double *after,
                      size_t after_count)
{
    size_t pairs = 0;
    assert(before_count > 0 && before_count <= ESTIMATE_MAX);
    assert(after_count > 0 && after_count <= ESTIMATE_MAX);
    for (size_t i = 0; i < before_count; i++) {
        for (size_t j = 0; j < after_count; j++) {
            pairs += after[j] > before[i];
        }
    }
    return share_above(after_count, before_count, pairs);
}

double estimate_above_least(size_t before_count, size_t after_count)
{
    return share_above(after_count, before_count, before_count * after_count);
}
