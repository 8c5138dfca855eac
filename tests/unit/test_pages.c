#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pages.h"
#include "util.h"

#define PAGE 4096u /* the smallest page size */

static void they_are_zeroed_and_whole(void **state)
{
    static const size_t sizes[] = {1, PAGE - 1, PAGE, PAGE + 1, 256u << 10, 1000003};
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        uint8_t *memory = pages_map(sizes[i]);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % PAGE, 0);
        for (size_t j = 0; j < sizes[i]; j++) {
            assert_int_equal(memory[j], 0);
        }
        memset(memory, 0xff, sizes[i]);
        pages_unmap(memory, sizes[i]);
    }
}

/* The memory is zeroed again, even if it has the same address. */
static void they_are_zeroed_again(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        uint8_t *memory = pages_map(2 * PAGE);
        assert_non_null(memory);
        assert_int_equal(memory[0], 0);
        assert_int_equal(memory[2 * PAGE - 1], 0);
        memset(memory, 0xff, 2 * PAGE);
        pages_unmap(memory, 2 * PAGE);
    }
}

static void more_than_there_is_is_refused(void **state)
{
    (void)state;
    assert_null(pages_map(SIZE_MAX / 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_zeroed_and_whole),
        cmocka_unit_test(they_are_zeroed_again),
        cmocka_unit_test(more_than_there_is_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
