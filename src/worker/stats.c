#include "stats.h"

#include <assert.h>

#include "util.h"

#define STATS_SERVER(name, line, word, meaning)                                                    \
    {#name, COUNTER_SUM, COUNTER_##line, word, meaning, offsetof(struct server_counters, name)},
#define STATS_CLIENT(name, line, word, meaning)                                                    \
    {#name, COUNTER_SUM, COUNTER_##line, word, meaning, offsetof(struct client_counters, name)},
#define STATS_FIGURE_ROW(name, kind, meaning)                                                      \
    {#name, COUNTER_##kind, COUNTER_NOWHERE, NULL, meaning, offsetof(struct client_stats, name)},
#define STATS_IO(name, kind, meaning)                                                              \
    {#name, COUNTER_##kind, COUNTER_NOWHERE, NULL, meaning, offsetof(struct io_stats, name)},

static const struct counter stats_server_rows[] = {SERVER_COUNTERS(STATS_SERVER)};
static const struct counter stats_client_rows[] = {CLIENT_COUNTERS(STATS_CLIENT)};
static const struct counter stats_figure_rows[] = {CLIENT_FIGURES(STATS_FIGURE_ROW)};
static const struct counter stats_io_rows[] = {IO_COUNTERS(STATS_IO)};

const struct counter_list stats_server_list = {stats_server_rows, LENGTH(stats_server_rows)};
const struct counter_list stats_client_list = {stats_client_rows, LENGTH(stats_client_rows)};
const struct counter_list stats_figure_list = {stats_figure_rows, LENGTH(stats_figure_rows)};
const struct counter_list stats_io_list = {stats_io_rows, LENGTH(stats_io_rows)};

static void stats_error_add(struct stats_errors *errors, enum stats_operation operation, int code,
                            uint64_t count)
{
    for (size_t i = 0; i < errors->count; i++) {
        struct stats_error *entry = &errors->entries[i];
        if (entry->operation == operation && entry->code == code) {
            entry->count += count;
            return;
        }
    }
    if (errors->count == STATS_ERRORS_MAX) {
        errors->entries[STATS_ERRORS_MAX - 1].code = 0;
        errors->entries[STATS_ERRORS_MAX - 1].count += count;
        return;
    }
    errors->entries[errors->count++] = (struct stats_error){operation, code, count};
}

static void stats_errors_add(struct stats_errors *into, const struct stats_errors *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct stats_error *entry = &from->entries[i];
        stats_error_add(into, entry->operation, entry->code, entry->count);
    }
}

void client_stats_init(struct client_stats *stats)
{
    histogram_init_zeroed(&stats->latency);
    histogram_init_zeroed(&stats->latency_before);
    histogram_init_zeroed(&stats->latency_beside);
    histogram_init_zeroed(&stats->since_sent);
    histogram_init_zeroed(&stats->lateness);
    histogram_init_zeroed(&stats->fairness);
}

void client_counters_add(struct client_counters *into, const struct client_counters *from)
{
    counters_add(&stats_client_list, into, from);
}

void server_stats_add(struct server_stats *into, const struct server_stats *from)
{
    counters_add(&stats_server_list, &into->counters, &from->counters);
    stats_errors_add(&into->errors, &from->errors);
}

/* Keeps one of two reasons. */
static int stats_reason(int one, int other)
{
    return one != 0 ? one : other;
}

void client_stats_add(struct client_stats *into, const struct client_stats *from)
{
    client_counters_add(&into->counters, &from->counters);
    counters_add(&stats_figure_list, into, from);
    stats_errors_add(&into->errors, &from->errors);
    into->not_up_reason = stats_reason(into->not_up_reason, from->not_up_reason);
    into->connect_error = stats_reason(into->connect_error, from->connect_error);
    into->failed_error = stats_reason(into->failed_error, from->failed_error);
    if (into->answer.length == 0) {
        into->answer = from->answer;
    }
    into->gave_up = into->gave_up || from->gave_up;
    histogram_merge(&into->latency, &from->latency);
    histogram_merge(&into->since_sent, &from->since_sent);
    histogram_merge(&into->lateness, &from->lateness);
    histogram_merge(&into->fairness, &from->fairness);
    histogram_merge(&into->latency_before, &from->latency_before);
    histogram_merge(&into->latency_beside, &from->latency_beside);
}

void io_stats_keep_maxima(struct io_stats *into, const struct io_stats *now)
{
    counters_keep_maxima(&stats_io_list, into, now);
}

void io_stats_add_since(struct io_stats *into, const struct io_stats *now,
                        const struct io_stats *before)
{
    counters_add_since(&stats_io_list, into, now, before);
    for (size_t i = 0; i < IO_BATCHES; i++) {
        into->batches[i] += now->batches[i] - before->batches[i];
    }
}

void stats_error_count(struct stats_errors *errors, enum stats_operation operation, int code)
{
    assert(operation < STATS_OPERATIONS);
    assert(code < 0);
    stats_error_add(errors, operation, code, 1);
}

uint64_t stats_errors_total(const struct stats_errors *errors)
{
    uint64_t total = 0;
    for (size_t i = 0; i < errors->count; i++) {
        total += errors->entries[i].count;
    }
    return total;
}

const char *stats_operation_name(enum stats_operation operation)
{
    static const char *const names[STATS_OPERATIONS] = {"accept", "connect", "recv", "send",
                                                        "shutdown"};
    assert(operation < STATS_OPERATIONS);
    return names[operation];
}
