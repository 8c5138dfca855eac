/* What is a failure of a run, in which order, and in which words. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "document.h"
#include "verdict.h"

static struct client_stats stats;
static struct verdict_run run;
static struct verdict verdict;

static int begin(void **state)
{
    (void)state;
    memset(&stats, 0, sizeof(stats));
    run = (struct verdict_run){
        .stats = &stats, .connections = 8, .timeout_ns = 10000000000, .give_up_ns = 30000000000};
    return 0;
}

static void judged_as(enum verdict_class class, uint64_t count, const char *text)
{
    verdict_judge(&run, &verdict);
    assert_false(verdict.ok);
    assert_int_equal(verdict.count, 1);
    assert_string_equal(verdict.failures[0].text, text);
    assert_int_equal(verdict.failures[0].class, class);
    assert_int_equal(verdict.failures[0].count, count);
    assert_string_equal(verdict_text(&verdict), text);
}

static void judged_ok(void)
{
    verdict_judge(&run, &verdict);
    assert_true(verdict.ok);
    assert_int_equal(verdict.count, 0);
    assert_string_equal(verdict_text(&verdict), "OK");
}

/* ---- each row by itself --------------------------------------------------------------------- */

static void nothing_is_ok(void **state)
{
    (void)state;
    judged_ok();
}

static void ends_that_are_no_failures(void **state)
{
    struct client_counters *n = &stats.counters;
    (void)state;
    stats.counters.messages = 1;
    n->completed = n->closed_by_server = n->drained = n->reset_at_end = n->cut = n->abandoned = 3;
    n->reset = 3;
    n->drained_messages = 4;
    n->drained_bytes = 5;
    stats_error_count(&stats.errors, STATS_CONNECT, UV_ECONNREFUSED); /* another address worked */
    judged_ok();
}

static void wrong_data(void **state)
{
    (void)state;
    stats.counters.mismatches = 1;
    judged_as(VERDICT_WRONG_DATA, 1, "1 connection brought wrong data");
}

static void lost(void **state)
{
    (void)state;
    stats.counters.lost = 3;
    stats.counters.lost_messages = 12;
    stats.counters.lost_bytes = 49152;
    judged_as(
        VERDICT_LOST, 3,
        "3 connections lost: closed or reset by the server with 12 messages unanswered, 49,152 "
        "bytes");
}

static void timeout(void **state)
{
    (void)state;
    stats.counters.timeouts = 2;
    judged_as(VERDICT_TIMEOUT, 2, "no answer for 10s on 2 connections");
}

static void timeout_at_the_end(void **state)
{
    (void)state;
    stats.counters.end_timeouts = 1;
    judged_as(VERDICT_TIMEOUT, 1,
              "1 connection not ended by the server for 10s after the client's end");
}

static void unanswered(void **state)
{
    (void)state;
    stats.counters.unanswered = 2;
    judged_as(VERDICT_UNANSWERED, 2,
              "2 connections cut by the end of the run with messages unanswered");
}

static void failed(void **state)
{
    (void)state;
    stats.counters.failed = 1;
    stats.failed_error = UV_ECONNRESET;
    judged_as(VERDICT_FAILED, 1, "1 connection broke: connection reset by peer");
}

static void nothing_but_drains_is_a_failure(void **state)
{
    (void)state;
    stats.counters.drained = 4;
    stats.counters.messages = 0;
    judged_as(VERDICT_SILENT, 4, "no message was answered; 4 connections drained");
    stats.counters.messages = 1;
    judged_ok();
}

static void gave_up(void **state)
{
    (void)state;
    stats.gave_up = true;
    judged_as(VERDICT_GAVE_UP, 1, "gave up: not a byte was verified for 30s");
}

static void not_up(void **state)
{
    (void)state;
    stats.not_up = 2;
    judged_as(VERDICT_NOT_UP, 2, "6 of 8 connections up");
    stats.not_up_reason = UV_EMFILE;
    judged_as(VERDICT_NOT_UP, 2, "6 of 8 connections up: too many open files");
}

static void connects(void **state)
{
    (void)state;
    stats.counters.connect_failures = 12;
    judged_as(VERDICT_CONNECT, 12, "12 connects failed");
    stats.connect_error = UV_ECONNREFUSED;
    stats.down_ns = 1200000000;
    judged_as(VERDICT_CONNECT, 12,
              "12 connects failed: connection refused; 1.20 s without a connection");
}

static void rate(void **state)
{
    (void)state;
    run.rate = 200000;
    stats.begun = 2300;
    stats.unsent = 197700;
    stats.blocked = 190000;
    stats.late = 10;
    judged_as(VERDICT_RATE, 197700,
              "rate not reached: 2.300 k/s of 200.0 k/s; the server was late");
    assert_string_equal(verdict_late_side(&run), "server");
    stats.late = 190001;
    judged_as(VERDICT_RATE, 197700,
              "rate not reached: 2.300 k/s of 200.0 k/s; the client was late");
    assert_string_equal(verdict_late_side(&run), "client");
}

/* Neither 1 % nor one message for each connection is a failure. */
/* While the run goes on, messages may still be answered and connections come up. Failures of
 * connections are final. */
static void so_far_only_what_is_over_is_judged(void **state)
{
    (void)state;
    run.so_far = true;
    run.rate = 1000;
    stats.not_up = 8;
    stats.unsent = 100000;
    stats.gave_up = true;
    stats.counters.drained = 3;
    judged_ok();
    stats.counters.failed = 2;
    judged_as(VERDICT_FAILED, 2, "2 connections broke");
    run.so_far = false;
    verdict_judge(&run, &verdict);
    assert_int_equal(verdict.count, 5);
}

static void rate_within_bounds(void **state)
{
    (void)state;
    run.rate = 1000;
    stats.begun = 99000;
    stats.unsent = 1000;
    judged_ok();
    assert_null(verdict_late_side(&run));
    stats.unsent = 1011;
    verdict_judge(&run, &verdict);
    assert_false(verdict.ok);
    stats.begun = 10;
    stats.unsent = 8;
    judged_ok();
    stats.unsent = 9;
    verdict_judge(&run, &verdict);
    assert_false(verdict.ok);
    run.rate = 0;
    judged_ok();
}

/* ---- together ------------------------------------------------------------------------------- */

static void fail_in_every_way(void)
{
    struct client_counters *n = &stats.counters;
    n->mismatches = n->lost = n->timeouts = n->end_timeouts = n->unanswered = n->failed = 1;
    n->connect_failures = 1;
    n->drained = 1;
    n->messages = 0;
    stats.gave_up = true;
    stats.not_up = 1;
    run.rate = 1;
    stats.unsent = 100;
}

static void the_most_serious_comes_first(void **state)
{
    static const enum verdict_class order[] = {
        VERDICT_WRONG_DATA, VERDICT_LOST,    VERDICT_TIMEOUT, VERDICT_TIMEOUT,
        VERDICT_UNANSWERED, VERDICT_FAILED,  VERDICT_SILENT,  VERDICT_GAVE_UP,
        VERDICT_NOT_UP,     VERDICT_CONNECT, VERDICT_RATE};
    (void)state;
    fail_in_every_way();
    verdict_judge(&run, &verdict);
    assert_int_equal(verdict.count, LENGTH(order));
    assert_int_equal(verdict.count, VERDICT_ROWS_MAX);
    for (size_t i = 0; i < verdict.count; i++) {
        assert_int_equal(verdict.failures[i].class, order[i]);
        assert_true(strlen(verdict.failures[i].text) < VERDICT_TEXT - 1);
    }
    assert_string_equal(verdict_text(&verdict), "1 connection brought wrong data");
}

static void failures_so_far_are_those_of_counters(void **state)
{
    (void)state;
    assert_int_equal(verdict_failures_so_far(&stats.counters), 0);
    fail_in_every_way();
    stats.counters.completed = stats.counters.drained = stats.counters.abandoned = 100;
    assert_int_equal(verdict_failures_so_far(&stats.counters), 7);
}

/* Each way in which a connection that came up can end has a row of its own. */
static void each_end_has_one_row(void **state)
{
    static const char *const ends[] = {"completed",  "closed_by_server",
                                       "drained",    "reset_at_end",
                                       "reset",      "cut",
                                       "mismatches", "lost",
                                       "timeouts",   "end_timeouts",
                                       "unanswered", "failed"};
    (void)state;
    for (size_t end = 0; end < LENGTH(ends); end++) {
        size_t rows = 0;
        for (size_t i = 0; i < verdict_row_count(); i++) {
            const char *counter = verdict_row(i).counter;
            rows += counter != NULL && strcmp(counter, ends[end]) == 0 ? 1 : 0;
        }
        assert_int_equal(rows, 1);
    }
}

/* ---- the document ---------------------------------------------------------------------------- */

/* "| `lost` | `lost` | the server closed ... | no |" */
static void row_as_written(const void *table, size_t i, char *line, size_t size)
{
    struct verdict_row row = verdict_row(i);
    bool fails = row.class != VERDICT_NONE;
    char class[64] = "";
    char counter[64] = "";
    (void)table;
    if (fails) {
        (void)snprintf(class, sizeof(class), "`%s`", verdict_class_name(row.class));
    }
    if (row.counter != NULL) {
        (void)snprintf(counter, sizeof(counter), "`%s`", row.counter);
    }
    (void)snprintf(line, size, "| %s | %s | %s | %s |\n", row.what, fails ? "no" : "yes", class,
                   counter);
}

static void the_document_has_the_same_table(void **state)
{
    (void)state;
    document_has_table(NULL, verdict_row_count(), row_as_written);
}

#define VERDICT_TEST(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VERDICT_TEST(nothing_is_ok),
        VERDICT_TEST(ends_that_are_no_failures),
        VERDICT_TEST(wrong_data),
        VERDICT_TEST(lost),
        VERDICT_TEST(timeout),
        VERDICT_TEST(timeout_at_the_end),
        VERDICT_TEST(unanswered),
        VERDICT_TEST(failed),
        VERDICT_TEST(nothing_but_drains_is_a_failure),
        VERDICT_TEST(gave_up),
        VERDICT_TEST(not_up),
        VERDICT_TEST(connects),
        VERDICT_TEST(rate),
        VERDICT_TEST(rate_within_bounds),
        VERDICT_TEST(so_far_only_what_is_over_is_judged),
        VERDICT_TEST(the_most_serious_comes_first),
        VERDICT_TEST(failures_so_far_are_those_of_counters),
        VERDICT_TEST(each_end_has_one_row),
        VERDICT_TEST(the_document_has_the_same_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
