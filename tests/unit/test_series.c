/* Slices of several workers, and their sum. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "random.h"
#include "series.h"

#define LENGTH_NS UINT64_C(100000000)
#define BEGAN_NS UINT64_C(7000000123)
#define WORKERS 3

static struct slicer slicers[WORKERS];
static struct client_stats totals[WORKERS];
static struct slice_counts counts[WORKERS];
static uv_mutex_t lock;
static struct series series;

/* What the consumer has got. */
static struct {
    uint64_t slices;
    uint64_t next; /* number */
    uint64_t from_ns;
    uint64_t messages;
    uint64_t bytes;
    uint64_t failures;
    uint64_t up;
    uint64_t backlog;
    uint64_t longest; /* in numbers */
    struct histogram latency;
} got;

static uint64_t measured; /* messages that began in the measured time */

static void take_slice(void *context, const struct slice *slice)
{
    assert_ptr_equal(context, &got);
    assert_int_equal(slice->first, got.next);
    assert_int_equal(slice->from_ns, got.from_ns);
    assert_true(slice->index >= slice->first && slice->until_ns > slice->from_ns);
    got.slices++;
    got.next = slice->index + 1;
    got.from_ns = slice->until_ns;
    got.messages += slice->messages;
    got.bytes += slice->bytes;
    got.failures += slice->failures;
    got.up = slice->up;
    got.backlog = slice->backlog;
    uint64_t numbers = slice->index - slice->first + 1;
    got.longest = numbers > got.longest ? numbers : got.longest;
    histogram_merge(&got.latency, &slice->latency);
}

static void begin(size_t workers, uint64_t warmup_ns)
{
    memset(&got, 0, sizeof(got));
    memset(counts, 0, sizeof(counts));
    memset(totals, 0, sizeof(totals));
    histogram_init(&got.latency);
    measured = 0;
    assert_true(series_init(&series, workers));
    series_subscribe(&series, take_slice, &got);
    for (size_t i = 0; i < workers; i++) {
        client_stats_init(&totals[i]);
        assert_true(slicer_init(&slicers[i], LENGTH_NS, &totals[i], &lock));
        slicer_begin(&slicers[i], BEGAN_NS, warmup_ns);
    }
}

static void end(size_t workers)
{
    for (size_t i = 0; i < workers; i++) {
        slicer_free(&slicers[i]);
    }
    series_free(&series);
}

/* A message of 10 bytes is answered after `latency_ns`, `at_ns` after the begin. */
static void answer(size_t worker, uint64_t at_ns, uint64_t latency_ns)
{
    struct slicer *slicer = &slicers[worker];
    if (BEGAN_NS + at_ns >= slicer->until_ns) {
        slicer_cut(slicer, BEGAN_NS + at_ns, UINT64_MAX, &counts[worker]);
    }
    counts[worker].messages++;
    counts[worker].bytes += 10;
    bool counts_in_report = at_ns >= slicer->measured_ns + latency_ns;
    measured += counts_in_report;
    if (counts_in_report || !slicer_counts(slicer)) {
        histogram_record(&slicer->now->latency, latency_ns);
    }
}

/* The main thread takes what is there. */
static void collect(size_t worker)
{
    struct slice *slice = slicer_take(&slicers[worker]);
    while (slice != NULL) {
        struct slice *next = slice->next;
        series_add(&series, worker, slice);
        slicer_give_back(&slicers[worker], slice);
        slice = next;
    }
}

static void finish(size_t worker, uint64_t at_ns)
{
    slicer_close(&slicers[worker], BEGAN_NS + at_ns, UINT64_MAX, &counts[worker]);
    collect(worker);
    series_end(&series, worker);
}

static void lengths_divide_the_interval(void **state)
{
    (void)state;
    assert_int_equal(slice_length_ns(0), SLICE_NS);
    assert_int_equal(slice_length_ns(1000000000), 100000000);
    assert_int_equal(slice_length_ns(250000000), 83333333);
    assert_int_equal(slice_length_ns(10000000), 10000000);
    assert_int_equal(slice_length_ns(100000001), 50000000);
}

static void slices_of_two_workers_are_added_up(void **state)
{
    (void)state;
    begin(2, 0);
    answer(0, 10, 5);
    answer(0, LENGTH_NS - 1, 7);
    counts[0].up = 4;
    answer(0, LENGTH_NS, 9); /* in the next slice */
    collect(0);
    assert_int_equal(got.slices, 0); /* the other worker's slice is missing */
    counts[1].up = 3;
    counts[1].backlog = 2;
    counts[1].failures = 1;
    answer(1, 2 * LENGTH_NS + 5, 8); /* it had nothing before, and was late to say so */
    collect(1);
    assert_int_equal(got.slices, 1);
    assert_int_equal(got.messages, 2);
    assert_int_equal(got.up, 7);
    assert_int_equal(got.backlog, 2);
    assert_int_equal(got.failures, 1);
    counts[1].up = 0;
    finish(0, 2 * LENGTH_NS + 7);
    finish(1, 2 * LENGTH_NS + 9);
    assert_int_equal(got.messages, 4);
    assert_int_equal(got.bytes, 40);
    assert_int_equal(got.up, 4);
    assert_int_equal(got.from_ns, 2 * LENGTH_NS + 9);
    assert_int_equal(got.latency.count, 4);
    end(2);
}

static void a_slow_reader_makes_slices_longer(void **state)
{
    (void)state;
    begin(1, 0);
    for (uint64_t n = 0; n < 100; n++) {
        answer(0, n * LENGTH_NS, n);
    }
    collect(0);
    assert_int_equal(got.slices, SLICE_MAX - 1);
    assert_int_equal(got.longest, 1);
    finish(0, 100 * LENGTH_NS);
    assert_int_equal(got.slices, SLICE_MAX);
    assert_int_equal(got.longest, 100 - (SLICE_MAX - 1) + 1);
    assert_int_equal(got.messages, 100);
    assert_int_equal(totals[0].latency.count, 100);
    assert_int_equal(got.latency.count, 100);
    end(1);
}

static void a_worker_that_lags_far_behind_loses_nothing(void **state)
{
    (void)state;
    begin(2, 0);
    for (uint64_t n = 0; n < 50; n++) {
        answer(0, n * LENGTH_NS + 10, 1);
        collect(0);
    }
    answer(1, 10, 2);
    answer(1, LENGTH_NS, 2);
    collect(1);
    assert_int_equal(got.slices, 1);
    for (uint64_t n = 2; n < 50; n++) {
        answer(1, n * LENGTH_NS, 2);
        collect(1);
    }
    assert_int_equal(got.slices, SERIES_OPEN); /* the last of them is long */
    finish(1, 50 * LENGTH_NS);
    finish(0, 50 * LENGTH_NS);
    assert_int_equal(got.slices, SERIES_OPEN + 1);
    assert_int_equal(got.messages, 100);
    assert_int_equal(got.latency.count, 100);
    end(2);
}

static void a_run_may_end_before_its_first_slice(void **state)
{
    (void)state;
    begin(2, 0);
    answer(0, 3, 1);
    finish(0, 4);
    finish(1, 4);
    assert_int_equal(got.slices, 1);
    assert_int_equal(got.messages, 1);
    assert_int_equal(got.from_ns, 4);
    end(2);
}

static void warm_up_is_in_slices_and_not_in_totals(void **state)
{
    (void)state;
    begin(1, 2 * LENGTH_NS);
    answer(0, LENGTH_NS / 2, 5);
    answer(0, LENGTH_NS + 5, 5);
    answer(0, 2 * LENGTH_NS + 5, 9); /* began in the warm-up */
    answer(0, 2 * LENGTH_NS + 50, 9);
    finish(0, 3 * LENGTH_NS);
    assert_int_equal(got.messages, 4);
    assert_int_equal(got.latency.count, 3);
    assert_int_equal(measured, 1);
    assert_int_equal(totals[0].latency.count, 1);
    end(1);
}

/* Any order of any delays: the totals, the sum of the slices and what was recorded agree. */
static void nothing_gets_lost(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t chance = seed;
        uint64_t at_ns[WORKERS] = {0};
        uint64_t sum = 0;
        begin(WORKERS, random_mixed(&chance) % 3 * (LENGTH_NS + 77));
        for (unsigned n = 0; n < 200; n++) {
            size_t worker = random_mixed(&chance) % WORKERS;
            at_ns[worker] += random_mixed(&chance) % 8 == 0
                                 ? random_mixed(&chance) % (9 * LENGTH_NS)
                                 : random_mixed(&chance) % LENGTH_NS;
            counts[worker].up = random_mixed(&chance) % 5;
            answer(worker, at_ns[worker], random_mixed(&chance) % 1000000);
            if (random_mixed(&chance) % 4 == 0) {
                collect(random_mixed(&chance) % WORKERS);
            }
        }
        for (size_t i = 0; i < WORKERS; i++) {
            finish(i, at_ns[i] + 1);
            sum += totals[i].latency.count;
        }
        assert_int_equal(got.messages, 200);
        assert_int_equal(got.bytes, 2000);
        assert_int_equal(sum, measured);
        assert_true(got.latency.count >= sum);
        assert_int_equal(got.up, counts[0].up + counts[1].up + counts[2].up);
        end(WORKERS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_divide_the_interval),
        cmocka_unit_test(slices_of_two_workers_are_added_up),
        cmocka_unit_test(a_slow_reader_makes_slices_longer),
        cmocka_unit_test(a_worker_that_lags_far_behind_loses_nothing),
        cmocka_unit_test(a_run_may_end_before_its_first_slice),
        cmocka_unit_test(warm_up_is_in_slices_and_not_in_totals),
        cmocka_unit_test(nothing_gets_lost),
    };
    if (uv_mutex_init(&lock) != 0) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    uv_mutex_destroy(&lock);
    return failed;
}
