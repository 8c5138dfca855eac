#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "document.h"
#include "stats.h"
#include "util.h"

/* ---- sums ----------------------------------------------------------------------------------- */

static struct client_stats client_sum;
static struct client_stats client_part;

static void client_sum_has_all_that_is_measured(void **state)
{
    (void)state;
    memset(&client_sum, 0, sizeof(client_sum));
    memset(&client_part, 0, sizeof(client_part));
    client_stats_init(&client_sum);
    client_stats_init(&client_part);
    histogram_record(&client_part.latency, 100);
    histogram_record(&client_part.latency, 200);
    histogram_record(&client_part.since_sent, 201);
    histogram_record(&client_part.lateness, 202);
    histogram_record(&client_part.fairness, 203);
    histogram_record(&client_part.latency_before, 204);
    histogram_record(&client_part.latency_beside, 205);
    client_part.measured_messages = 2;
    client_part.measured_bytes = 3;
    client_part.unsent = 4;
    client_part.up = 5;
    client_part.up_peak = 6;
    stats_error_count(&client_part.errors, STATS_CONNECT, UV_ECONNREFUSED);
    client_stats_add(&client_sum, &client_part);
    client_stats_add(&client_sum, &client_part);
    assert_int_equal(client_sum.measured_messages, 4);
    assert_int_equal(client_sum.measured_bytes, 6);
    assert_int_equal(client_sum.unsent, 8);
    assert_int_equal(client_sum.up, 10);
    assert_int_equal(client_sum.up_peak, 12);
    assert_int_equal(client_sum.latency.count, 4);
    assert_int_equal(client_sum.latency.min, 100);
    assert_int_equal(client_sum.latency.max, 200);
    assert_int_equal(client_sum.since_sent.min, 201);
    assert_int_equal(client_sum.lateness.min, 202);
    assert_int_equal(client_sum.fairness.min, 203);
    assert_int_equal(client_sum.latency_before.min, 204);
    assert_int_equal(client_sum.latency_beside.min, 205);
    assert_int_equal(stats_errors_total(&client_sum.errors), 2);
}

/* ---- errors --------------------------------------------------------------------------------- */

/* The count of (operation, code), which may have one entry at most. */
static uint64_t errors_of(const struct stats_errors *errors, enum stats_operation operation,
                          int code)
{
    uint64_t count = 0;
    unsigned entries = 0;
    for (size_t i = 0; i < errors->count; i++) {
        if (errors->entries[i].operation == operation && errors->entries[i].code == code) {
            count = errors->entries[i].count;
            entries++;
        }
    }
    assert_true(entries <= 1);
    return count;
}

/* Adds one of each of the codes -1 ... -count. */
static void fill_errors(struct stats_errors *errors, int count)
{
    for (int i = 1; i <= count; i++) {
        stats_error_count(errors, STATS_RECV, -i);
    }
}

static void errors_are_counted_by_operation_and_code(void **state)
{
    struct stats_errors errors = {.count = 0};
    (void)state;
    assert_int_equal(stats_errors_total(&errors), 0);
    stats_error_count(&errors, STATS_RECV, UV_ECONNRESET);
    stats_error_count(&errors, STATS_SEND, UV_ECONNRESET);
    stats_error_count(&errors, STATS_RECV, UV_ETIMEDOUT);
    stats_error_count(&errors, STATS_RECV, UV_ECONNRESET);
    assert_int_equal(errors.count, 3);
    assert_int_equal(errors_of(&errors, STATS_RECV, UV_ECONNRESET), 2);
    assert_int_equal(errors_of(&errors, STATS_SEND, UV_ECONNRESET), 1);
    assert_int_equal(errors_of(&errors, STATS_RECV, UV_ETIMEDOUT), 1);
    assert_int_equal(stats_errors_total(&errors), 4);
}

static void errors_are_added_by_operation_and_code(void **state)
{
    struct server_stats a = {.errors.count = 0};
    struct server_stats b = {.errors.count = 0};
    (void)state;
    stats_error_count(&a.errors, STATS_RECV, UV_ECONNRESET);
    stats_error_count(&b.errors, STATS_ACCEPT, UV_EMFILE);
    stats_error_count(&b.errors, STATS_RECV, UV_ECONNRESET);
    stats_error_count(&b.errors, STATS_RECV, UV_ECONNRESET);
    server_stats_add(&a, &b);
    assert_int_equal(a.errors.count, 2);
    assert_int_equal(errors_of(&a.errors, STATS_RECV, UV_ECONNRESET), 3);
    assert_int_equal(errors_of(&a.errors, STATS_ACCEPT, UV_EMFILE), 1);
}

static void full_table_is_exact(void **state)
{
    struct stats_errors errors = {.count = 0};
    (void)state;
    fill_errors(&errors, STATS_ERRORS_MAX);
    assert_int_equal(errors.count, STATS_ERRORS_MAX);
    for (int i = 1; i <= STATS_ERRORS_MAX; i++) {
        assert_int_equal(errors_of(&errors, STATS_RECV, -i), 1);
    }
}

static void what_has_no_room_is_counted_as_other(void **state)
{
    struct stats_errors errors = {.count = 0};
    (void)state;
    fill_errors(&errors, STATS_ERRORS_MAX + 10);
    assert_int_equal(errors.count, STATS_ERRORS_MAX);
    assert_int_equal(errors.entries[STATS_ERRORS_MAX - 1].code, 0);
    assert_int_equal(errors.entries[STATS_ERRORS_MAX - 1].count,
                     11); /* it made room for the others */
    assert_int_equal(stats_errors_total(&errors), STATS_ERRORS_MAX + 10);
    for (int i = 1; i < STATS_ERRORS_MAX; i++) {
        assert_int_equal(errors_of(&errors, STATS_RECV, -i), 1);
    }
}

static void those_that_have_room_stay_exact(void **state)
{
    struct stats_errors errors = {.count = 0};
    (void)state;
    fill_errors(&errors, STATS_ERRORS_MAX + 10);
    stats_error_count(&errors, STATS_RECV, -1);
    stats_error_count(&errors, STATS_RECV, -STATS_ERRORS_MAX); /* its entry now counts the others */
    assert_int_equal(errors_of(&errors, STATS_RECV, -1), 2);
    assert_int_equal(errors.entries[STATS_ERRORS_MAX - 1].code, 0);
    assert_int_equal(errors.entries[STATS_ERRORS_MAX - 1].count, 12);
}

static void sum_of_full_tables_loses_nothing(void **state)
{
    struct server_stats sum = {.errors.count = 0};
    struct server_stats part = {.errors.count = 0};
    (void)state;
    fill_errors(&part.errors, STATS_ERRORS_MAX + 10);
    for (int code = -1000; code < -990; code++) {
        stats_error_count(&sum.errors, STATS_SEND, code);
    }
    server_stats_add(&sum, &part);
    server_stats_add(&sum, &part);
    assert_int_equal(sum.errors.count, STATS_ERRORS_MAX);
    assert_int_equal(sum.errors.entries[STATS_ERRORS_MAX - 1].code, 0);
    assert_int_equal(stats_errors_total(&sum.errors), 10 + 2 * (STATS_ERRORS_MAX + 10));
    assert_int_equal(errors_of(&sum.errors, STATS_SEND, -1000), 1);
    assert_int_equal(errors_of(&sum.errors, STATS_RECV, -1), 2);
}

static void operations_have_names(void **state)
{
    (void)state;
    assert_string_equal(stats_operation_name(STATS_ACCEPT), "accept");
    assert_string_equal(stats_operation_name(STATS_CONNECT), "connect");
    assert_string_equal(stats_operation_name(STATS_RECV), "recv");
    assert_string_equal(stats_operation_name(STATS_SEND), "send");
    assert_string_equal(stats_operation_name(STATS_SHUTDOWN), "shutdown");
}

/* ---- the lists ------------------------------------------------------------------------------ */

/* "| `idle` | closed after ... |" */
static void row_as_written(const void *table, size_t i, char *line, size_t size)
{
    const struct counter *row = &((const struct counter_list *)table)->rows[i];
    (void)snprintf(line, size, "| `%s` | %s |\n", row->name, row->meaning);
}

static void the_document_has_the_same_lists(void **state)
{
    static const struct counter_list *const lists[] = {&stats_client_list, &stats_figure_list,
                                                       &stats_server_list, &stats_io_list};
    (void)state;
    for (size_t i = 0; i < LENGTH(lists); i++) {
        document_has_table(lists[i], lists[i]->count, row_as_written);
    }
}

/* Without a word it would be missing in a report, which then would not add up. */
static void each_end_of_a_connection_has_a_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < stats_client_list.count; i++) {
        const struct counter *row = &stats_client_list.rows[i];
        assert_int_equal(row->line == COUNTER_NOWHERE, row->word == NULL);
    }
    for (size_t i = 0; i < stats_server_list.count; i++) {
        const struct counter *row = &stats_server_list.rows[i];
        assert_int_equal(row->line == COUNTER_NOWHERE, row->word == NULL);
    }
}

/* ---- I/O ------------------------------------------------------------------------------------ */

static void of_maxima_the_greater_is_taken(void **state)
{
    struct io_stats none = {0};
    struct io_stats now = {.batch_max = 5, .buffers_peak = 50};
    struct io_stats sum = {.batch_max = 7, .buffers_peak = 20};
    (void)state;
    io_stats_add_since(&sum, &now, &none);
    assert_int_equal(sum.batch_max, 7);
    assert_int_equal(sum.buffers_peak, 50);
}

static void turn(struct io_loop *loop, uint64_t completions)
{
    uint64_t before = loop->stats.completions;
    loop->stats.completions += completions;
    io_loop_end_turn(loop, before, false);
}

static void the_end_of_a_turn_derives_counters(void **state)
{
    struct io_loop loop = {.stats = {.recv_calls = 1,
                                     .send_calls = 20,
                                     .accept_calls = 300,
                                     .connect_calls = 4000,
                                     .control_calls = 50000,
                                     .wait_calls = 600000,
                                     .other_calls = 7000000},
                           .pool = {.in_use_peak = 5}};
    (void)state;
    io_loop_end_turn(&loop, 0, true);
    assert_int_equal(loop.stats.system_calls, 7654321);
    assert_int_equal(loop.stats.buffers_peak, 5);
    assert_int_equal(loop.stats.wakes, 1);

    loop.enters = 3;
    io_loop_end_turn(&loop, 0, false);
    assert_int_equal(loop.stats.system_calls, 7000003);
    assert_int_equal(loop.stats.wakes, 1);
}

static void batches_are_added_since(void **state)
{
    struct io_loop loop = {.full = false};
    struct io_stats sum = {.batches = {[IO_BATCHES - 1] = 100}};
    (void)state;
    turn(&loop, 1);
    struct io_stats before = loop.stats;
    turn(&loop, 0);
    turn(&loop, 2);
    turn(&loop, 3);
    turn(&loop, 127);
    turn(&loop, 1000000);
    io_stats_add_since(&sum, &loop.stats, &before);
    const uint64_t expected[IO_BATCHES] = {0, 2, 0, 0, 0, 0, 1, 101};
    assert_memory_equal(sum.batches, expected, sizeof(expected));
    assert_int_equal(loop.stats.batch_max, 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_sum_has_all_that_is_measured),
        cmocka_unit_test(errors_are_counted_by_operation_and_code),
        cmocka_unit_test(errors_are_added_by_operation_and_code),
        cmocka_unit_test(full_table_is_exact),
        cmocka_unit_test(what_has_no_room_is_counted_as_other),
        cmocka_unit_test(those_that_have_room_stay_exact),
        cmocka_unit_test(sum_of_full_tables_loses_nothing),
        cmocka_unit_test(operations_have_names),
        cmocka_unit_test(the_document_has_the_same_lists),
        cmocka_unit_test(each_end_of_a_connection_has_a_word),
        cmocka_unit_test(the_end_of_a_turn_derives_counters),
        cmocka_unit_test(batches_are_added_since),
        cmocka_unit_test(of_maxima_the_greater_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
