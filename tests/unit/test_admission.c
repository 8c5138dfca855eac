#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "admission.h"
#include "range.h"

#define THREADS 8
#define ROUNDS 100000
#define PLACES 4
#define PLACES_WANTED 3 /* of each thread, so two running threads can't both have theirs */

static struct admission admission;

static void places_up_to_the_limit(void **state)
{
    (void)state;
    admission_init(&admission, PLACES);
    for (int i = 0; i < PLACES; i++) {
        assert_true(admission_enter(&admission));
    }
    assert_false(admission_enter(&admission));
    assert_false(admission_enter(&admission));
    for (int i = 0; i < PLACES; i++) {
        admission_leave(&admission);
    }
    admission_destroy(&admission);
}

static void place_given_back_can_be_taken(void **state)
{
    (void)state;
    admission_init(&admission, 1);
    for (int i = 0; i < 10; i++) {
        assert_true(admission_enter(&admission));
        assert_false(admission_enter(&admission));
        admission_leave(&admission);
    }
    admission_destroy(&admission);
}

/* ---- threads -------------------------------------------------------------------------------- */

/* Threads between enter and leave, under a lock of the test's own. */
static struct {
    uv_mutex_t lock;
    unsigned now;
    unsigned peak;
} inside;

static uv_barrier_t start;

static void step_inside(void)
{
    uv_mutex_lock(&inside.lock);
    inside.now++;
    inside.peak = inside.now > inside.peak ? inside.now : inside.peak;
    uv_mutex_unlock(&inside.lock);
}

static void step_outside(void)
{
    uv_mutex_lock(&inside.lock);
    inside.now--;
    uv_mutex_unlock(&inside.lock);
}

/* Takes as much as it can and gives it back. */
static void visit_once(void)
{
    unsigned places = 0;
    while (places < PLACES_WANTED && admission_enter(&admission)) {
        places++;
        step_inside();
    }
    for (; places > 0; places--) {
        step_outside();
        admission_leave(&admission);
    }
}

static void visit(void *argument)
{
    (void)argument;
    (void)uv_barrier_wait(&start);
    for (unsigned i = 0; i < ROUNDS; i++) {
        visit_once();
    }
}

static void threads_never_exceed_the_limit(void **state)
{
    uv_thread_t threads[THREADS];
    (void)state;
    admission_init(&admission, PLACES);
    assert_int_equal(uv_mutex_init(&inside.lock), 0);
    assert_int_equal(uv_barrier_init(&start, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(uv_thread_create(&threads[i], visit, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(uv_thread_join(&threads[i]), 0);
    }
    assert_between(inside.peak, 1, PLACES);
    assert_int_equal(admission.open, 0);
    uv_barrier_destroy(&start);
    uv_mutex_destroy(&inside.lock);
    admission_destroy(&admission);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_up_to_the_limit),
        cmocka_unit_test(place_given_back_can_be_taken),
        cmocka_unit_test(threads_never_exceed_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
