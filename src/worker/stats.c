#include "stats.h"

#include <assert.h>

#define STATS_ADD(name, meaning) into->name += from->name;

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

static void server_counters_add(struct server_counters *into, const struct server_counters *from)
{
    SERVER_COUNTERS(STATS_ADD)
}

void client_counters_add(struct client_counters *into, const struct client_counters *from)
{
    CLIENT_COUNTERS(STATS_ADD)
}

void server_stats_add(struct server_stats *into, const struct server_stats *from)
{
    server_counters_add(&into->counters, &from->counters);
    stats_errors_add(&into->errors, &from->errors);
}

/* Of two reasons one is told. */
static int stats_reason(int one, int other)
{
    return one != 0 ? one : other;
}

void client_stats_add(struct client_stats *into, const struct client_stats *from)
{
    client_counters_add(&into->counters, &from->counters);
    stats_errors_add(&into->errors, &from->errors);
    into->measured_messages += from->measured_messages;
    into->measured_bytes += from->measured_bytes;
    into->up += from->up;
    into->up_peak += from->up_peak;
    if (from->unanswered_oldest_ns > into->unanswered_oldest_ns) {
        into->unanswered_oldest_ns = from->unanswered_oldest_ns;
    }
    into->begun += from->begun;
    into->unsent += from->unsent;
    into->blocked += from->blocked;
    into->late += from->late;
    into->not_up += from->not_up;
    into->not_up_reason = stats_reason(into->not_up_reason, from->not_up_reason);
    into->connect_error = stats_reason(into->connect_error, from->connect_error);
    into->down_ns += from->down_ns;
    into->failed_error = stats_reason(into->failed_error, from->failed_error);
    into->gave_up = into->gave_up || from->gave_up;
    histogram_merge(&into->latency, &from->latency);
}

static uint64_t stats_greater(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

#define STATS_SINCE_SUM(into, now, before) ((into) + ((now) - (before)))
#define STATS_SINCE_MAX(into, now, before) stats_greater(into, now)

#define STATS_MAXIMUM_SUM(into, now) (into)
#define STATS_MAXIMUM_MAX(into, now) stats_greater(into, now)

void io_stats_keep_maxima(struct io_stats *into, const struct io_stats *now)
{
#define STATS_KEEP(name, kind, meaning) into->name = STATS_MAXIMUM_##kind(into->name, now->name);
    IO_COUNTERS(STATS_KEEP)
#undef STATS_KEEP
}

void io_stats_add_since(struct io_stats *into, const struct io_stats *now,
                        const struct io_stats *before)
{
#define STATS_ADD_SINCE(name, kind, meaning)                                                       \
    into->name = STATS_SINCE_##kind(into->name, now->name, before->name);
    IO_COUNTERS(STATS_ADD_SINCE)
#undef STATS_ADD_SINCE
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
