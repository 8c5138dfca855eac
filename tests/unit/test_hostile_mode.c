/* The texts of --hostile. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <uv.h>

#include "hostile_mode.h"

static void reads(const char *text, enum hostile_kind kind, uint64_t rate, uint64_t count)
{
    struct hostile_group group;
    char why[HOSTILE_WHY];
    char name[HOSTILE_NAME];
    assert_int_equal(hostile_parse(text, &group, why), 0);
    assert_int_equal(group.kind, kind);
    assert_int_equal(group.rate, rate);
    assert_int_equal(group.count, count);
    assert_string_equal(hostile_name(&group, name), text);
}

/* The message names the value and contains `part`. */
static void refuses(const char *text, const char *part)
{
    struct hostile_group group;
    char why[HOSTILE_WHY] = "";
    assert_int_equal(hostile_parse(text, &group, why), UV_EINVAL);
    if (strstr(why, text) == NULL || strstr(why, part) == NULL) {
        fail_msg("'%s': %s", text, why);
    }
}

static void reads_each_mode(void **state)
{
    (void)state;
    reads("silent:1", HOSTILE_SILENT, 0, 1);
    reads("reset:2", HOSTILE_RESET, 0, 2);
    reads("half-close:3", HOSTILE_HALF_CLOSE, 0, 3);
    reads("slow-read:1KiB:5", HOSTILE_SLOW_READ, 1024, 5);
    reads("byte-by-byte:4", HOSTILE_BYTE_BY_BYTE, 0, 4);
    reads("stop-midway:5", HOSTILE_STOP_MIDWAY, 0, 5);
    reads("never-read:6", HOSTILE_NEVER_READ, 0, 6);
    reads("storm:100:5", HOSTILE_STORM, 100, 5);
    reads("urgent:100000", HOSTILE_URGENT, 0, 100000);
}

static void refuses_unknown_modes_with_the_list(void **state)
{
    (void)state;
    static const char *const bad[] = {"rude:3",
                                      "",
                                      ":3",
                                      "Silent:3",
                                      "silen:3",
                                      "silent ",
                                      "a-mode-with-a-name-that-is-far-too-long-for-any-mode:1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t mode = 0; mode < HOSTILE_KINDS; mode++) {
            refuses(bad[i], hostile_modes[mode].name);
        }
    }
}

static void refuses_bad_numbers(void **state)
{
    (void)state;
    refuses("silent:0", "1 to 100000");
    refuses("silent:100001", "1 to 100000");
    refuses("silent:many", "1 to 100000");
    refuses("silent:-1", "1 to 100000");
    refuses("storm:0:5", "1 to 100000");
    refuses("storm:100001:5", "1 to 100000");
    refuses("storm:fast:5", "1 to 100000");
    refuses("slow-read:0:5", "1 to 1GiB");
    refuses("slow-read:2GiB:5", "1 to 1GiB");
    refuses("slow-read:1KiB:0", "1 to 100000");
}

static void refuses_missing_and_extra_parts(void **state)
{
    (void)state;
    refuses("silent", "silent:N");
    refuses("silent:", "silent:N");
    refuses("silent:1:2", "silent:N");
    refuses("slow-read:5", "slow-read:RATE:N");
    refuses("slow-read::5", "slow-read:RATE:N");
    refuses("storm:100", "storm:RATE:N");
    refuses("storm:100:5:1", "storm:RATE:N");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_mode),
        cmocka_unit_test(refuses_unknown_modes_with_the_list),
        cmocka_unit_test(refuses_bad_numbers),
        cmocka_unit_test(refuses_missing_and_extra_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
