/* What both programs' reports have in common. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "report.h"

#define SECOND_NS UINT64_C(1000000000)

static const char *text_of(struct report_end end)
{
    static char text[200];
    report_end_text(&end, text, sizeof(text));
    return text;
}

static void what_is_awaited_at_the_end_is_said(void **state)
{
    (void)state;
    assert_string_equal(text_of((struct report_end){.passed_ns = 32 * SECOND_NS / 10,
                                                    .left = 17,
                                                    .timeout_ns = 10 * SECOND_NS}),
                        "draining 3.2 s: 17 connections left, up to --drain-timeout 10s");
    assert_string_equal(text_of((struct report_end){.left = 1, .timeout_ns = SECOND_NS / 2}),
                        "draining 0.0 s: 1 connection left, up to --drain-timeout 500ms");
    assert_string_equal(text_of((struct report_end){.passed_ns = 100 * SECOND_NS,
                                                    .left = 16384,
                                                    .timeout_ns = 90 * SECOND_NS}),
                        "draining 100.0 s: 16,384 connections left, up to --drain-timeout 90s");
}

static void an_end_at_once_has_no_limit(void **state)
{
    (void)state;
    assert_string_equal(
        text_of((struct report_end){
            .passed_ns = SECOND_NS, .left = 2, .timeout_ns = SECOND_NS, .at_once = true}),
        "ending at once 1.0 s: 2 connections left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_awaited_at_the_end_is_said),
        cmocka_unit_test(an_end_at_once_has_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
