#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "pool.h"
#include "util.h"

#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define MANY 100

#ifdef POOL_SANITIZED
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static struct pool pool;
static uint8_t *buffers[MANY];

static void take(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffers[i] = pool_take(&pool);
        assert_non_null(buffers[i]);
        memset(buffers[i], (int)i, pool.buffer_size);
    }
}

/* Puts back the first `count` buffers, in order. */
static void put(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pool_put(&pool, buffers[i]);
    }
}

static void limit_is_the_memory_in_whole_buffers(void **state)
{
    (void)state;
    pool_init(&pool, 1000, 3999);
    assert_true(pool_can_give(&pool));
    take(3);
    assert_false(pool_can_give(&pool));
    assert_null(pool_take(&pool));
    assert_int_equal(pool.in_use, 3);
    put(1);
    assert_true(pool_can_give(&pool));
    assert_non_null(pool_take(&pool)); /* buffers[0] again */
    assert_null(pool_take(&pool));
    put(3);
    pool_destroy(&pool);
}

/* After a failed allocation the pool does not try again before a buffer has come back. */
static void no_memory_is_remembered(void **state)
{
    (void)state;
    pool_init(&pool, 1000, 3000);
    take(1);
    pool.buffer_size = SIZE_MAX / 4; /* the sanitizers' malloc would end the program */
    bool asked = !sanitized && pool_take(&pool) == NULL;
    pool.buffer_size = 1000;
    assert_int_equal(pool_can_give(&pool), !asked);
    assert_int_equal(asked, !sanitized);
    put(1);
    assert_true(pool_can_give(&pool));
    pool_destroy(&pool);
}

static void one_buffer_at_least(void **state)
{
    (void)state;
    pool_init(&pool, 1000, 0);
    take(1);
    assert_null(pool_take(&pool));
    put(1);
    pool_destroy(&pool);
}

static void grows_when_asked(void **state)
{
    (void)state;
    pool_init(&pool, 64, 64 * MANY);
    assert_int_equal(pool.idle, 0);
    for (size_t i = 0; i < MANY; i++) {
        buffers[i] = pool_take(&pool);
        assert_non_null(buffers[i]);
        assert_int_equal(pool.in_use, i + 1);
        assert_int_equal(pool.idle, 0);
    }
    put(MANY);
    pool_destroy(&pool);
}

static void buffers_do_not_overlap(void **state)
{
    (void)state;
    pool_init(&pool, 33, 33 * MANY);
    take(MANY); /* and fills each with its number */
    for (size_t i = 0; i < MANY; i++) {
        for (size_t j = 0; j < 33; j++) {
            assert_int_equal(buffers[i][j], i);
        }
    }
    put(MANY);
    pool_destroy(&pool);
}

static void buffers_are_aligned(void **state)
{
    (void)state;
    pool_init(&pool, 13, 13 * MANY);
    take(MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal((uintptr_t)buffers[i] % sizeof(void *), 0);
    }
    put(MANY);
    pool_destroy(&pool);
}

static void last_given_back_is_the_next_taken(void **state)
{
    (void)state;
    pool_init(&pool, 64, 64 * MANY);
    take(4);
    put(4);
    for (size_t i = 4; i > 0; i--) {
        assert_ptr_equal(pool_take(&pool), buffers[i - 1]);
    }
    put(4);
    pool_destroy(&pool);
}

static void a_few_stay_idle(void **state)
{
    (void)state;
    pool_init(&pool, 64, 64 * MANY);
    take(POOL_IDLE);
    put(POOL_IDLE);
    assert_int_equal(pool.idle, POOL_IDLE);
    assert_int_equal(pool.in_use, 0);
    pool_destroy(&pool);
}

static void what_a_burst_needed_stays_for_the_next(void **state)
{
    (void)state;
    pool_init(&pool, 64, 64 * MANY);
    for (int burst = 0; burst < 3; burst++) {
        take(MANY);
        put(MANY);
        pool_trim(&pool);
        assert_int_equal(pool.idle, MANY);
    }
    pool_destroy(&pool);
}

static void what_nobody_needed_goes_back(void **state)
{
    (void)state;
    pool_init(&pool, 64, 64 * MANY);
    take(MANY);
    put(MANY);
    pool_trim(&pool);
    assert_true(pool_has_spare(&pool));
    take(POOL_IDLE + 3);
    put(POOL_IDLE + 3);
    pool_trim(&pool);
    assert_int_equal(pool.idle, POOL_IDLE + 3);
    pool_trim(&pool);
    assert_int_equal(pool.idle, POOL_IDLE);
    assert_false(pool_has_spare(&pool));
    pool_destroy(&pool);
}

static size_t resident(void)
{
    size_t bytes = 0;
    assert_int_equal(uv_resident_set_memory(&bytes), 0);
    return bytes;
}

/* Takes and puts back `count` buffers. Each is between two small blocks of `small`, as between
 * connections. */
static void burst(size_t count, void **small)
{
    for (size_t i = 0; i < count; i++) {
        small[i] = malloc(1000);
        assert_non_null(small[i]);
        buffers[i] = pool_take(&pool);
        assert_non_null(buffers[i]);
        memset(buffers[i], 1, pool.buffer_size);
    }
    put(count);
    pool_trim(&pool);
    pool_trim(&pool);
}

/* With other blocks beside it in the allocator's heap. */
static void what_goes_back_is_no_longer_resident(void **state)
{
    enum { SIZE = 256 << 10, BURST = 32, ROUNDS = 3 };
    void *small[ROUNDS][BURST];
    (void)state;
    if (sanitized) {
        skip();
    }
    pool_init(&pool, SIZE, (size_t)SIZE * BURST);
    size_t before = resident();
    for (size_t round = 0; round < ROUNDS; round++) {
        burst(BURST, small[round]);
        assert_int_equal(pool.idle, POOL_IDLE);
        assert_true(resident() < before + (POOL_IDLE + BURST / 4) * (size_t)SIZE);
    }
    for (size_t i = 0; i < (size_t)ROUNDS * BURST; i++) {
        free(small[i / BURST][i % BURST]);
    }
    pool_destroy(&pool);
}

/* The smallest size with pages of its own, and the size just below it. */
static void every_byte_of_a_large_buffer_is_its_own(void **state)
{
    static const size_t sizes[] = {65535, 65536, 65537, 300001};
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        pool_init(&pool, sizes[i], 3 * sizes[i]);
        take(3);
        for (size_t j = 0; j < 3; j++) {
            assert_int_equal(buffers[j][0], j);
            assert_int_equal(buffers[j][sizes[i] - 1], j);
        }
        put(3);
        pool_destroy(&pool);
    }
}

static void what_is_offered_counts_as_needed(void **state)
{
    uint8_t *offered[MANY];
    (void)state;
    pool_init(&pool, 64, 64 * MANY);
    for (size_t i = 0; i < MANY; i++) {
        offered[i] = pool_offer(&pool);
    }
    pool_trim(&pool);
    for (size_t i = 0; i < MANY; i++) {
        pool_withdraw(&pool, offered[i]);
    }
    pool_trim(&pool);
    assert_int_equal(pool.idle, MANY);
    pool_trim(&pool);
    assert_int_equal(pool.idle, POOL_IDLE);
    pool_destroy(&pool);
}

static void peak_is_the_most_in_use_at_once(void **state)
{
    (void)state;
    pool_init(&pool, 64, 64 * MANY);
    assert_int_equal(pool.in_use_peak, 0);
    take(7);
    put(7);
    assert_int_equal(pool.in_use_peak, 7);
    take(3);
    assert_int_equal(pool.in_use_peak, 7);
    put(3);
    take(9);
    assert_int_equal(pool.in_use_peak, 9);
    put(9);
    pool_destroy(&pool);
}

static void tiny_buffers(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 2 * sizeof(void *); size++) {
        pool_init(&pool, size, MANY * size);
        take(MANY);
        assert_null(pool_take(&pool));
        put(MANY / 2);
        for (size_t i = MANY / 2; i < MANY; i++) {
            for (size_t j = 0; j < size; j++) {
                assert_int_equal(buffers[i][j], i);
            }
        }
        for (size_t i = MANY / 2; i < MANY; i++) {
            pool_put(&pool, buffers[i]);
        }
        pool_destroy(&pool);
    }
}

#ifdef POOL_ASAN

static void idle_buffer_is_poisoned(void **state)
{
    (void)state;
    pool_init(&pool, 4096, 4096 * MANY);
    take(1);
    assert_null(__asan_region_is_poisoned(buffers[0], 4096));
    put(1);
    for (size_t i = 0; i < 4096; i++) {
        assert_true(__asan_address_is_poisoned(buffers[0] + i));
    }
    pool_destroy(&pool);
}

static void taken_again_it_is_whole_and_no_more(void **state)
{
    static const size_t sizes[] = {8, 13, 16, 1000, 4096};
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        pool_init(&pool, sizes[i], sizes[i]);
        take(1);
        put(1);
        take(1);
        assert_null(__asan_region_is_poisoned(buffers[0], sizes[i]));
        assert_true(__asan_address_is_poisoned(buffers[0] + sizes[i]));
        put(1);
        pool_destroy(&pool);
    }
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_is_the_memory_in_whole_buffers),
        cmocka_unit_test(no_memory_is_remembered),
        cmocka_unit_test(one_buffer_at_least),
        cmocka_unit_test(grows_when_asked),
        cmocka_unit_test(buffers_do_not_overlap),
        cmocka_unit_test(buffers_are_aligned),
        cmocka_unit_test(last_given_back_is_the_next_taken),
        cmocka_unit_test(a_few_stay_idle),
        cmocka_unit_test(what_a_burst_needed_stays_for_the_next),
        cmocka_unit_test(what_nobody_needed_goes_back),
        cmocka_unit_test(what_goes_back_is_no_longer_resident),
        cmocka_unit_test(every_byte_of_a_large_buffer_is_its_own),
        cmocka_unit_test(what_is_offered_counts_as_needed),
        cmocka_unit_test(peak_is_the_most_in_use_at_once),
        cmocka_unit_test(tiny_buffers),
#ifdef POOL_ASAN
        cmocka_unit_test(idle_buffer_is_poisoned),
        cmocka_unit_test(taken_again_it_is_whole_and_no_more),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
