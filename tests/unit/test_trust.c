/* Each finding, of a made-up run. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "random.h"
#include "trust.h"
#include "until.h"
#include "util.h"

#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define SLICES 32

static struct batches batches;
static struct strain strains[2];
static struct trust trust;

/* ---- a run --------------------------------------------------------------------------------- */

/* A slice of 100 ms: `messages` take `from_ns` to nearly 2 `from_ns`. */
static void add_slice(uint64_t slice, uint64_t messages, uint64_t from_ns)
{
    static struct histogram latency;
    uint64_t seed = slice + 1;
    uint64_t random = random_mixed(&seed);
    histogram_init(&latency);
    for (uint64_t i = 0; i < messages; i++) {
        histogram_record(&latency, from_ns + random_next(&random) % from_ns);
    }
    batches_add(&batches, slice * 100 * MS, (slice + 1) * 100 * MS, messages, &latency);
}

/* A quiet run of 3.2 s with two threads. */
static struct trust_run quiet_run(void)
{
    batches_free(&batches);
    assert_true(batches_init(&batches));
    for (uint64_t i = 0; i < SLICES; i++) {
        add_slice(i, 1000, MS);
    }
    for (size_t i = 0; i < 2; i++) {
        strains[i] = (struct strain){.run_ns = 3200 * MS, .cpu_ns = 1600 * MS, .wait_ns = 10 * MS};
    }
    return (struct trust_run){.batches = &batches,
                              .strains = strains,
                              .strain_count = 2,
                              .cpus = 4,
                              .begun = SLICES * 1000};
}

static const struct trust_finding *finding(enum trust_class class)
{
    for (size_t i = 0; i < trust.count; i++) {
        if (trust.findings[i].class == class) {
            return &trust.findings[i];
        }
    }
    return NULL;
}

/* The class, and nothing else, was found. Its text contains `words`. */
static void assert_finds_only(const struct trust_run *run, enum trust_class class,
                              const char *words)
{
    trust_judge(run, &trust);
    assert_int_equal(trust.count, 1);
    const struct trust_finding *found = finding(class);
    if (found == NULL || strstr(found->text, words) == NULL) {
        fail_msg("no such finding with '%s'", words);
    }
}

/* ---- findings ------------------------------------------------------------------------------ */

static void a_quiet_run_has_no_finding(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    trust_judge(&run, &trust);
    assert_int_equal(trust.count, 0);
    assert_true(trust.p50.known && trust.p99.known);
    assert_true(trust.p99.low_ns <= 1990 * MS / 1000 && trust.p99.high_ns >= 1990 * MS / 1000);
    assert_true(trust.busy_share_max > 0.49 && trust.busy_share_max < 0.51);
}

static void a_busy_thread_is_client_bound(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    strains[1].cpu_ns = 3150 * MS;
    assert_finds_only(&run, TRUST_CLIENT_BOUND, "thread 1 was busy for 98 % of the time");
}

static void a_short_run_says_nothing_of_its_threads(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        strains[i] = (struct strain){.run_ns = 20 * MS, .cpu_ns = 20 * MS, .wait_ns = 10 * MS};
    }
    run.steal_ns = 10 * MS;
    trust_judge(&run, &trust);
    assert_int_equal(trust.count, 0);
    assert_true(trust.busy_share_max > 0.99);
}

/* With --busy-poll and --rate a thread looks for events all the time. */
static void a_thread_that_only_looks_is_not_busy(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    strains[1].cpu_ns = 3200 * MS;
    strains[1].idle_ns = 1600 * MS;
    trust_judge(&run, &trust);
    assert_int_equal(trust.count, 0);
}

static void a_client_that_gives_out_late_is_named(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    run.late = run.begun / 50;
    trust_judge(&run, &trust);
    assert_int_equal(trust.count, 0); /* without a schedule nothing is late */
    run.scheduled = true;
    assert_finds_only(&run, TRUST_LATE, "2.0 % of the schedule");
}

static void lateness_that_shows_in_the_latency_is_named(void **state)
{
    static struct histogram lateness;
    struct trust_run run = quiet_run();
    (void)state;
    histogram_init(&lateness);
    for (uint64_t i = 0; i < 1000; i++) {
        histogram_record(&lateness, i < 900 ? 1000 : MS);
    }
    run.lateness = &lateness;
    run.scheduled = true;
    assert_finds_only(&run, TRUST_LATE, "1 % of the messages 1.00 ms or more");
}

static void a_server_that_falls_behind_is_named(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    run.scheduled = true;
    run.unsent = run.begun / 9;
    run.blocked = run.unsent;
    assert_finds_only(&run, TRUST_SATURATED, "10.0 % of the schedule never began");
}

static void latency_that_drifts_is_named(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    batches.count = SLICES / 2;
    batches.filled = batches.slices;
    for (uint64_t i = SLICES / 2; i < SLICES; i++) {
        add_slice(i, 1000, MS * 5 / 4);
    }
    trust_judge(&run, &trust);
    assert_non_null(finding(TRUST_DRIFT));
    assert_non_null(strstr(finding(TRUST_DRIFT)->text, "p50 was 1.51 ms in the first half"));
}

static void a_rate_that_drifts_is_named(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    batches.count = SLICES / 2;
    batches.filled = batches.slices;
    for (uint64_t i = SLICES / 2; i < SLICES; i++) {
        add_slice(i, 800, MS);
    }
    assert_finds_only(&run, TRUST_DRIFT, "10.00 k/s in the first half of the run and 8.000 k/s");
}

/* A slow time that lasts for half of the run. */
static void a_long_slow_time_is_dependence(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    batches.count = 0;
    batches.filled = 0;
    for (uint64_t i = 0; i < SLICES; i++) {
        add_slice(i, 1000, i < 8 || i >= 24 ? MS : 2 * MS);
    }
    trust_judge(&run, &trust);
    assert_non_null(finding(TRUST_DEPENDENT));
    assert_true(trust.p50.effective < 500);
}

static void a_wait_for_a_cpu_is_a_busy_machine(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    strains[0].wait_ns = 640 * MS;
    assert_finds_only(&run, TRUST_BUSY_MACHINE, "for 20 % of the time; stop other programs");
    assert_int_equal(trust.wait_ns, 640 * MS);
    strains[1].wait_ns = STRAIN_UNKNOWN;
    assert_finds_only(&run, TRUST_BUSY_MACHINE, "for 20 % of the time");
}

/* The client sleeps most of the time, but has no CPU when a message comes. */
static void a_thread_that_waits_longer_than_it_runs_is_a_busy_machine(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    strains[0].wait_ns = 64 * MS;
    trust_judge(&run, &trust);
    assert_int_equal(trust.count, 0);
    strains[0].cpu_ns = 63 * MS;
    assert_finds_only(&run, TRUST_BUSY_MACHINE, "for 2 % of the time; stop other programs");
    strains[0].wait_ns = 30 * MS;
    strains[0].cpu_ns = 10 * MS;
    trust_judge(&run, &trust);
    assert_int_equal(trust.count, 0);
}

/* Then fewer threads help, and no other program has to be there. */
static void threads_that_share_cpus_wait_for_each_other(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    strains[0].wait_ns = 640 * MS;
    run.cpus = 1;
    assert_finds_only(&run, TRUST_BUSY_MACHINE,
                      "for 20 % of the time; its 2 threads share 1 CPU, so use fewer (-t)");
}

static void stolen_time_is_a_busy_machine(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    run.steal_ns = 160 * MS;
    assert_finds_only(&run, TRUST_BUSY_MACHINE, "took away 5.0 %");
}

static void a_clock_step_is_named(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    run.clock_step_ns = -2 * (int64_t)SECOND;
    assert_finds_only(&run, TRUST_CLOCK_STEP, "set back by 2.00 s");
    assert_true(trust.step_seconds < -1.99);
    run.clock_step_ns = 3 * (int64_t)MS; /* a clock that is disciplined */
    trust_judge(&run, &trust);
    assert_int_equal(trust.count, 0);
}

static void a_clock_that_is_set_and_set_back_has_a_step(void **state)
{
    static const int64_t ahead_ms[] = {5000, 5001, 7001, 7000, 5000};
    struct trust_clock clock = {.known = false};
    (void)state;
    for (size_t i = 0; i < LENGTH(ahead_ms); i++) {
        trust_look_at_clock(&clock, ahead_ms[i] * (int64_t)MS);
    }
    assert_int_equal(clock.step_ns, 2000 * (int64_t)MS);
}

/* A clock that runs a little too fast moves far in a long run, but not from look to look. */
static void a_clock_that_is_too_fast_has_no_step(void **state)
{
    struct trust_clock clock = {.known = false};
    (void)state;
    for (int64_t i = 0; i < 1000; i++) {
        trust_look_at_clock(&clock, i * (int64_t)MS);
    }
    assert_int_equal(clock.step_ns, MS);
}

static void too_few_messages_are_named(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    batches.count = 0;
    batches.filled = 0;
    for (uint64_t i = 0; i < SLICES; i++) {
        add_slice(i, 10, MS);
    }
    assert_finds_only(&run, TRUST_TOO_FEW, "at least 368 independent messages, and there were 320");
    assert_true(trust.p50.known);
}

/* ---- the report ---------------------------------------------------------------------------- */

static void assert_report(const char *words, const char *json_words)
{
    struct text text = {0};
    struct json json;
    trust_text(&trust, &text);
    assert_non_null(strstr(text.data, words));
    text_free(&text);
    json_begin(&json, &text);
    json_object(&json, NULL);
    trust_json(&trust, &json);
    json_end_object(&json);
    assert_non_null(strstr(text.data, json_words));
    text_free(&text);
}

static void the_report_says_that_all_is_well(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    trust_judge(&run, &trust);
    assert_report("  trust        p99 within ", "\"trust\":{\"ok\":true,\"findings\":[],\"p50\":{");
    assert_report(" (95 %); nothing disturbed the run\n", "\"steal_seconds\":0");
}

/* What a system does not provide is null. */
static void the_report_names_each_finding(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    strains[0].cpu_ns = 3200 * MS;
    strains[0].wait_ns = strains[1].wait_ns = STRAIN_UNKNOWN;
    run.steal_ns = TRUST_UNKNOWN;
    run.clock_step_ns = (int64_t)SECOND;
    trust_judge(&run, &trust);
    assert_report("  doubt        client-bound: ", "[{\"class\":\"client_bound\",\"text\":\"");
    assert_report("  doubt        clock step: ", "\"class\":\"clock_step\"");
    assert_report("(95 %)\n", "\"run_queue_wait_seconds\":null,\"steal_seconds\":null,"
                              "\"clock_step_seconds\":1}");
}

static void a_run_without_a_message_is_reported(void **state)
{
    struct trust_run run = quiet_run();
    (void)state;
    batches.count = 0;
    run.strain_count = 0;
    trust_judge(&run, &trust);
    assert_report("no interval of p50 or p99\n  doubt        cannot tell: p99 needs",
                  "\"p50\":null,\"p99\":null,\"samples\":0,\"samples_effective\":0,"
                  "\"correlation\":null,\"busy_share_max\":null,\"run_queue_wait_seconds\":null");
}

/* ---- --until ------------------------------------------------------------------------------- */

static void assert_until(struct until *until, const char *words, const char *json_words)
{
    struct text text = {0};
    struct json json;
    until_text(until, &text);
    assert_non_null(strstr(text.data, words));
    text_free(&text);
    json_begin(&json, &text);
    json_object(&json, NULL);
    until_json(until, &json);
    json_end_object(&json);
    assert_non_null(strstr(text.data, json_words));
    text_free(&text);
}

static void a_precise_run_is_over(void **state)
{
    struct until until;
    (void)state;
    (void)quiet_run();
    until_init(&until, "p50+-5%");
    assert_true(until_has_failed(&until));
    until_look(&until, &batches);
    assert_true(until.reached && !until_has_failed(&until));
    assert_until(&until, "  until        p50+-5%: reached, p50 is 1.5",
                 "{\"until\":{\"condition\":\"p50+-5%\",\"reached\":true,\"half_width_percent\":");
}

/* A few batches say too little about how much they vary. */
static void a_young_run_is_not_over(void **state)
{
    struct until until;
    (void)state;
    (void)quiet_run();
    batches.count = UNTIL_BATCHES_MIN - 1;
    until_init(&until, "p50+-5%");
    until_look(&until, &batches);
    assert_false(until.reached);
    batches.count = UNTIL_BATCHES_MIN;
    until_look(&until, &batches);
    assert_true(until.reached);
    batches.count = 1; /* once reached, it stays so */
    until_look(&until, &batches);
    assert_true(until.reached);
}

static void a_run_that_is_not_precise_cannot_tell(void **state)
{
    struct until until;
    (void)state;
    (void)quiet_run();
    until_init(&until, "p50+-0.1%");
    until_look(&until, &batches);
    assert_true(until_has_failed(&until));
    assert_until(&until, "  until        p50+-0.1%: cannot tell, p50 is 1.5", "\"reached\":false");
    batches.count = 1;
    until_init(&until, "p99.9+-10%");
    until_look(&until, &batches);
    assert_until(&until,
                 "p99.9+-10%: cannot tell, p99.9 needs at least 3688 independent messages, and "
                 "there were 1,000; measure longer\n",
                 "\"reached\":false,\"half_width_percent\":null}");
}

static void without_a_condition_it_says_nothing(void **state)
{
    struct until until;
    struct text text = {0};
    (void)state;
    (void)quiet_run();
    until_init(&until, NULL);
    until_look(&until, &batches);
    until_text(&until, &text);
    assert_int_equal(text.length, 0);
    assert_false(until_has_failed(&until));
    assert_false(until.reached);
}

static int tear_down(void **state)
{
    (void)state;
    batches_free(&batches);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_run_has_no_finding),
        cmocka_unit_test(a_busy_thread_is_client_bound),
        cmocka_unit_test(a_short_run_says_nothing_of_its_threads),
        cmocka_unit_test(a_thread_that_only_looks_is_not_busy),
        cmocka_unit_test(a_client_that_gives_out_late_is_named),
        cmocka_unit_test(lateness_that_shows_in_the_latency_is_named),
        cmocka_unit_test(a_server_that_falls_behind_is_named),
        cmocka_unit_test(latency_that_drifts_is_named),
        cmocka_unit_test(a_rate_that_drifts_is_named),
        cmocka_unit_test(a_long_slow_time_is_dependence),
        cmocka_unit_test(a_wait_for_a_cpu_is_a_busy_machine),
        cmocka_unit_test(a_thread_that_waits_longer_than_it_runs_is_a_busy_machine),
        cmocka_unit_test(threads_that_share_cpus_wait_for_each_other),
        cmocka_unit_test(stolen_time_is_a_busy_machine),
        cmocka_unit_test(a_clock_step_is_named),
        cmocka_unit_test(a_clock_that_is_set_and_set_back_has_a_step),
        cmocka_unit_test(a_clock_that_is_too_fast_has_no_step),
        cmocka_unit_test(too_few_messages_are_named),
        cmocka_unit_test(the_report_says_that_all_is_well),
        cmocka_unit_test(the_report_names_each_finding),
        cmocka_unit_test(a_run_without_a_message_is_reported),
        cmocka_unit_test(a_precise_run_is_over),
        cmocka_unit_test(a_young_run_is_not_over),
        cmocka_unit_test(a_run_that_is_not_precise_cannot_tell),
        cmocka_unit_test(without_a_condition_it_says_nothing),
    };
    return cmocka_run_group_tests_name("trust", tests, NULL, tear_down);
}
