#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "null.h"
#include "range.h"
#include "sys.h"
#include "units.h"

/* CPU time, which another process's work doesn't lengthen. */
static uint64_t cpu_ns_of(uint64_t size)
{
    uint64_t begin_ns = sys_thread_cpu_ns();
    (void)null_cpu_per_message(size);
    return sys_thread_cpu_ns() - begin_ns;
}

static void no_message_takes_long_to_measure(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= UNITS_TIB; size *= 32) {
        assert_between(cpu_ns_of(size), 0, NS_PER_S);
    }
}

/* Each byte must be made and checked, so the cost grows with the size. */
static void a_large_message_costs_what_its_bytes_do(void **state)
{
    double small = null_cpu_per_message(UNITS_MIB);
    double large = null_cpu_per_message(1024 * UNITS_MIB);
    (void)state;
    if (small <= 0 || large <= 0) { /* the clock of the system is too coarse */
        skip();
    }
    assert_true(large > 100 * small && large < 10000 * small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_message_takes_long_to_measure),
        cmocka_unit_test(a_large_message_costs_what_its_bytes_do),
    };
    return cmocka_run_group_tests_name("bench_null", tests, NULL, NULL);
}
