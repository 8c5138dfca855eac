#include "report_rig.h"

#include "threshold.h"

static struct histogram latency;
static struct thresholds thresholds;

static void judge(const struct option_strings *conditions, double seconds)
{
    const struct condition_figures figures = {
        .latency = &latency, .seconds = seconds, .messages = 1000, .bytes = 64000, .failures = 2};
    threshold_judge(conditions, &figures, &thresholds);
}

static int set_up(void **state)
{
    (void)state;
    histogram_init(&latency);
    return 0;
}

static void without_conditions_all_is_good(void **state)
{
    const struct option_strings none = {.count = 0};
    (void)state;
    judge(&none, 2);
    assert_true(thresholds.ok);
    threshold_text(&thresholds, &rig_text);
    assert_int_equal(rig_text.length, 0);
}

static void each_is_judged_and_printed(void **state)
{
    const struct option_strings given = {
        .items = {"p99>5ms", "rate<10k", "bytes-above=1k", "failures>2", "max>1s"}, .count = 5};
    (void)state;
    histogram_record(&latency, 7000000);
    judge(&given, 2);
    assert_false(thresholds.ok);
    threshold_text(&thresholds, &rig_text);
    (void)rig_read();
    rig_has("  fail-if      p99>5ms: yes, not good enough, 7.00 ms\n");
    rig_has("  fail-if      rate<10k: yes, not good enough, 500/s\n");
    rig_has("  fail-if      bytes-above=1k: yes, not good enough, 31.2 KiB/s\n");
    rig_has("  fail-if      failures>2: no, 2\n");
    rig_has("  fail-if      max>1s: no, 7.00 ms\n");
}

static void one_that_holds_is_enough(void **state)
{
    const struct option_strings given = {.items = {"failures>2", "failures>1"}, .count = 2};
    (void)state;
    judge(&given, 2);
    assert_true(thresholds.items[0].ok);
    assert_false(thresholds.items[1].ok);
    assert_false(thresholds.ok);
}

static void what_was_not_measured_cannot_tell(void **state)
{
    const struct option_strings given = {.items = {"p99>5ms", "rate<10k", "lateness>1s"},
                                         .count = 3};
    (void)state;
    judge(&given, 0);
    assert_false(thresholds.ok);
    threshold_text(&thresholds, &rig_text);
    (void)rig_read();
    rig_has("  fail-if      p99>5ms: cannot tell, it was not measured\n");
    rig_has("  fail-if      rate<10k: cannot tell, it was not measured\n");
    rig_has("  fail-if      lateness>1s: cannot tell, it was not measured\n");
}

static void the_json_has_them_all(void **state)
{
    const struct option_strings given = {.items = {"p99>5ms", "rate<10", "lateness>1s"},
                                         .count = 3};
    struct json json;
    (void)state;
    histogram_record(&latency, 7000000);
    judge(&given, 2);
    json_begin(&json, &rig_text);
    json_object(&json, NULL);
    threshold_json(&thresholds, &json);
    json_end_object(&json);
    (void)rig_read();
    rig_has("{\"thresholds\":[{\"condition\":\"p99>5ms\",\"measured\":7000000,\"ok\":false},"
            "{\"condition\":\"rate<10\",\"measured\":500,\"ok\":true},"
            "{\"condition\":\"lateness>1s\",\"measured\":null,\"ok\":false}]}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_conditions_all_is_good), TEST(each_is_judged_and_printed),
        TEST(one_that_holds_is_enough),       TEST(what_was_not_measured_cannot_tell),
        TEST(the_json_has_them_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
