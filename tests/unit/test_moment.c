#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "moment.h"
#include "util.h"

struct rig {
    uv_loop_t loop;
    struct moment moment;
    uint64_t came_ns; /* 0: it has not come */
};

static void on_come(void *context)
{
    struct rig *rig = context;
    assert_int_equal(rig->came_ns, 0);
    rig->came_ns = uv_hrtime();
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    uv_close(handle, NULL);
}

static int set_up(void **state)
{
    static struct rig rig;
    rig = (struct rig){.came_ns = 0};
    *state = &rig;
    return uv_loop_init(&rig.loop);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    uv_walk(&rig->loop, close_handle, NULL);
    (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
    return uv_loop_close(&rig->loop);
}

/* At once, within the time in which it spins, and by the timer first. */
static void it_comes_once_and_never_early(void **state)
{
    static const uint64_t waits_ns[] = {0, 1, NS_PER_MS, 20 * NS_PER_MS};
    struct rig *rig = *state;
    for (size_t i = 0; i < LENGTH(waits_ns); i++) {
        uint64_t at_ns = uv_hrtime() + waits_ns[i];
        rig->came_ns = 0;
        moment_await(&rig->moment, &rig->loop, at_ns, on_come, rig);
        assert_int_equal(rig->came_ns, 0); /* it comes from the loop */
        (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
        assert_true(rig->came_ns >= at_ns);
    }
}

static void a_canceled_one_does_not_come(void **state)
{
    struct rig *rig = *state;
    moment_cancel(&rig->moment);
    moment_await(&rig->moment, &rig->loop, 0, on_come, rig);
    moment_cancel(&rig->moment);
    (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(rig->came_ns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_comes_once_and_never_early, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_canceled_one_does_not_come, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
