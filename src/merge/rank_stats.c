#include "rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "units.h"

/* ---- counters ------------------------------------------------------------------------------ */

/* A maximum is not added, so it may be any number. */
static uint64_t rank_most(const struct counter *counter)
{
    return counter->kind == COUNTER_MAX ? INT64_MAX : RANK_COUNT_MAX;
}

static void rank_read_counters(const struct part *of, const struct counter_list *list, void *counts)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct counter *counter = &list->rows[i];
        counter_set(counter, counts, part_member_count(of, counter->name, rank_most(counter)));
    }
}

/* ---- histograms ---------------------------------------------------------------------------- */

void rank_read_buckets(const struct part *of, struct histogram *histogram)
{
    struct part buckets = part_member(of, "buckets");
    size_t count = part_items(&buckets, HISTOGRAM_BUCKETS);
    for (size_t i = 0; i < count; i++) {
        struct part bucket = part_item(&buckets, i);
        if (part_items(&bucket, 2) != 2) {
            part_fail(&bucket, "it is no pair of an upper bound and a count");
            return;
        }
        struct part upper = part_item(&bucket, 0);
        struct part messages = part_item(&bucket, 1);
        if (!histogram_add_bucket(histogram, part_count(&upper, INT64_MAX),
                                  part_count(&messages, RANK_COUNT_MAX)) ||
            histogram->count > RANK_COUNT_MAX) {
            part_fail(&bucket, "no bucket ends there, it is not above the one before, or its count "
                               "is not possible");
            return;
        }
    }
}

/* The members of durations, under the names that they have. */
static void rank_read_histogram(const struct part *of, const char *min_name, const char *max_name,
                                struct histogram *histogram)
{
    rank_read_buckets(of, histogram);
    uint64_t min = part_member_count_if(of, min_name, INT64_MAX);
    uint64_t max = part_member_count_if(of, max_name, INT64_MAX);
    double mean = part_member_number_if(of, "mean", 0, (double)INT64_MAX);
    if (histogram->count > 0 && of->file->error[0] == '\0' &&
        !histogram_set_summary(histogram, min, max, mean)) {
        part_fail(of, "`%s`, `%s` and `mean` are not those of `buckets`", min_name, max_name);
    }
}

static void rank_read_durations(const struct part *of, struct histogram *histogram)
{
    rank_read_histogram(of, "min", "max", histogram);
    if (part_member_count(of, "count", RANK_COUNT_MAX) != histogram->count) {
        part_fail(of, "`count` is not the sum of `buckets`");
    }
}

static void rank_read_durations_if(const struct part *root, const char *name,
                                   struct histogram *histogram)
{
    struct part durations = part_member(root, name);
    if (!part_is_null(&durations)) {
        rank_read_durations(&durations, histogram);
    }
}

static void rank_read_fairness(const struct part *root, struct histogram *fairness)
{
    struct part part = part_member(root, "fairness");
    if (!part_is_null(&part)) {
        rank_read_histogram(&part, "slowest", "fastest", fairness);
    }
}

/* ---- errors -------------------------------------------------------------------------------- */

/* The libuv error of that name; UV_UNKNOWN: this libuv has none. */
static int rank_error_code(const char *name)
{
#define RANK_ERROR(error, text) {UV_##error, #error},
    static const struct {
        int code;
        const char *name;
    } errors[] = {UV_ERRNO_MAP(RANK_ERROR)};
#undef RANK_ERROR
    for (size_t i = 0; i < LENGTH(errors); i++) {
        if (strcmp(errors[i].name, name) == 0) {
            return errors[i].code;
        }
    }
    return UV_UNKNOWN;
}

/* STATS_OPERATIONS: it is none. */
static enum stats_operation rank_operation(const char *name)
{
    int i = 0;
    while (i < STATS_OPERATIONS &&
           strcmp(stats_operation_name((enum stats_operation)i), name) != 0) {
        i++;
    }
    return (enum stats_operation)i;
}

/* The entry for what did not fit the list is {"operation": "any", "code": "other"}. */
static struct stats_error rank_read_error(const struct part *error)
{
    struct part operation = part_member(error, "operation");
    const char *operation_name = part_text(&operation);
    const char *code = part_member_text(error, "code");
    bool other = strcmp(code, "other") == 0;
    struct stats_error read = {
        .operation = other ? STATS_ACCEPT : rank_operation(operation_name),
        .code = other ? 0 : rank_error_code(code),
        .count = part_member_count(error, "count", RANK_COUNT_MAX),
    };
    if (read.operation == STATS_OPERATIONS) {
        part_fail(&operation, "there is no such operation");
        read.operation = STATS_ACCEPT;
    }
    return read;
}

static void rank_read_errors(const struct part *root, struct stats_errors *errors)
{
    struct part list = part_member(root, "errors");
    size_t count = part_items(&list, STATS_ERRORS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct part error = part_item(&list, i);
        errors->entries[errors->count++] = rank_read_error(&error);
    }
}

/* The name of an error, or null: 0. */
static int rank_read_reason(const struct part *reasons, const char *name)
{
    const char *code = part_member_text_if(reasons, name);
    return code != NULL ? rank_error_code(code) : 0;
}

static void rank_read_reasons(const struct part *root, struct client_stats *stats)
{
    struct part reasons = part_member(root, "reasons");
    stats->not_up_reason = rank_read_reason(&reasons, "not_up");
    stats->connect_error = rank_read_reason(&reasons, "connect");
    stats->failed_error = rank_read_reason(&reasons, "failed");
}

/* ---- the wrong answer ---------------------------------------------------------------------- */

static int rank_digit(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* Reads "48 54 54 50". Returns false if it is no such text. */
static bool rank_read_hex(const char *hex, struct stats_answer *answer)
{
    bool more = true;
    for (answer->length = 0; more && answer->length < STATS_ANSWER_MAX; answer->length++) {
        int high = rank_digit(hex[0]);
        int low = high >= 0 ? rank_digit(hex[1]) : -1;
        if (low < 0) {
            return false;
        }
        answer->bytes[answer->length] = (uint8_t)(high * 16 + low);
        more = hex[2] == ' ';
        hex += more ? 3 : 2;
    }
    return *hex == '\0' && !more;
}

static void rank_read_answer(const struct part *root, struct stats_answer *answer)
{
    struct part part = part_member(root, "wrong_answer");
    if (part_is_null(&part)) {
        return;
    }
    answer->connection = part_member_count(&part, "connection", INT64_MAX);
    answer->offset = part_member_count(&part, "offset", INT64_MAX);
    answer->begin = part_member_count(&part, "begin", INT64_MAX);
    struct part hex = part_member(&part, "hex");
    if (!rank_read_hex(part_text(&hex), answer)) {
        part_fail(&hex, "it is no list of up to %d bytes in hexadecimal", STATS_ANSWER_MAX);
        answer->length = 0;
    }
}

/* ---- workers ------------------------------------------------------------------------------- */

static void rank_read_batches(const struct part *io, struct io_stats *stats)
{
    struct part batches = part_member(io, "batches");
    if (part_items(&batches, IO_BATCHES) != IO_BATCHES) {
        part_fail(&batches, "it has not %d items", IO_BATCHES);
        return;
    }
    for (size_t i = 0; i < IO_BATCHES; i++) {
        struct part turns = part_item(&batches, i);
        stats->batches[i] = part_count(&turns, RANK_COUNT_MAX);
    }
}

static void rank_read_worker(const struct part *part, struct report_worker *worker)
{
    struct part io = part_member(part, "io");
    worker->cpu = -1; /* the CPUs of several machines would be mixed */
    worker->work.cpu_ns = rank_read_ns(part, "cpu_seconds");
    rank_read_counters(&io, &stats_io_list, &worker->work.io);
    rank_read_batches(&io, &worker->work.io);
}

static void rank_read_workers(struct rank *rank, const struct part *root)
{
    struct part workers = part_member(root, "workers");
    size_t count = part_items(&workers, (size_t)rank->options.threads);
    if (count != rank->options.threads) {
        part_fail(&workers, "it has not one item for each of `threads`");
        return;
    }
    rank->workers = calloc(count > 0 ? count : 1, sizeof(*rank->workers));
    if (rank->workers == NULL) {
        part_fail(root, "out of memory");
        return;
    }
    rank->worker_count = count;
    for (size_t i = 0; i < count; i++) {
        struct part worker = part_item(&workers, i);
        rank_read_worker(&worker, &rank->workers[i]);
    }
}

/* ---- all ----------------------------------------------------------------------------------- */

uint64_t rank_read_ns(const struct part *of, const char *name)
{
    return (uint64_t)llround(part_member_number(of, name, 0, 3650.0 * 86400) * 1e9);
}

void rank_read_stats(struct rank *rank, const struct part *root)
{
    struct client_stats *stats = calloc(1, sizeof(*stats));
    struct part counters = part_member(root, "counters");
    struct part figures = part_member(root, "figures");
    struct part latency = part_member(root, "latency_ns");
    rank->stats = stats;
    if (stats == NULL) {
        part_fail(root, "out of memory");
        return;
    }
    client_stats_init(stats);
    rank_read_counters(&counters, &stats_client_list, &stats->counters);
    rank_read_counters(&figures, &stats_figure_list, stats);
    rank_read_durations(&latency, &stats->latency);
    rank_read_durations_if(root, "latency_since_sent_ns", &stats->since_sent);
    rank_read_durations_if(root, "lateness_ns", &stats->lateness);
    rank_read_fairness(root, &stats->fairness);
    rank_read_errors(root, &stats->errors);
    rank_read_reasons(root, stats);
    rank_read_answer(root, &stats->answer);
    rank_read_workers(rank, root);
    if (stats->not_up > rank->options.connections) {
        part_fail(&figures, "`not_up` is more than `connections`");
    }
}
