#include "total.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output_file.h"
#include "units.h"

/* ---- sums ---------------------------------------------------------------------------------- */

/* Whether sums of two values fit. */
static bool can_add(const struct counter_list *list, const void *one, const void *other)
{
    bool fits = true;
    for (size_t i = 0; i < list->count && fits; i++) {
        const struct counter *counter = &list->rows[i];
        fits = counter->kind == COUNTER_MAX ||
               counter_value(counter, one) + counter_value(counter, other) <= RANK_COUNT_MAX;
    }
    return fits;
}

static bool can_add_stats(const struct client_stats *one, const struct client_stats *other)
{
    return can_add(&stats_client_list, &one->counters, &other->counters) &&
           can_add(&stats_figure_list, one, other) &&
           one->latency.count + other->latency.count <= RANK_COUNT_MAX &&
           one->since_sent.count + other->since_sent.count <= RANK_COUNT_MAX &&
           one->lateness.count + other->lateness.count <= RANK_COUNT_MAX &&
           one->fairness.count + other->fairness.count <= RANK_COUNT_MAX &&
           stats_errors_total(&one->errors) + stats_errors_total(&other->errors) <= RANK_COUNT_MAX;
}

static bool total_add_stats(struct total *total, struct refusals *refusals)
{
    for (size_t i = 0; i < total->fleet->count; i++) {
        const struct rank *rank = &total->fleet->ranks[i];
        if (!can_add_stats(total->stats, rank->stats)) {
            refuse(refusals, "%s: its counts are too large to be added to those of the others",
                   rank_name(rank).text);
            return false;
        }
        client_stats_add(total->stats, rank->stats);
    }
    return true;
}

static void total_add_workers(struct total *total)
{
    for (size_t i = 0; i < total->fleet->count; i++) {
        const struct rank *rank = &total->fleet->ranks[i];
        for (size_t j = 0; j < rank->worker_count; j++) {
            total->workers[total->worker_count++] = rank->workers[j];
        }
    }
}

static struct report_process total_process(const struct fleet *fleet)
{
    struct report_process sum = {0};
    for (size_t i = 0; i < fleet->count; i++) {
        sum.user_ns += fleet->ranks[i].process.user_ns;
        sum.system_ns += fleet->ranks[i].process.system_ns;
        sum.peak_rss_bytes += fleet->ranks[i].process.peak_rss_bytes;
    }
    return sum;
}

/* ---- names --------------------------------------------------------------------------------- */

/* Adds a name, unless it is there already. If there is no room, "..." stands for the rest. */
static void names_add(struct total_names *names, const char *name)
{
    size_t used = strlen(names->text);
    size_t length = strlen(name);
    for (const char *at = names->text; *at != '\0'; at += strspn(at, ", ")) {
        size_t width = strcspn(at, ",");
        if (width == length && strncmp(at, name, length) == 0) {
            return;
        }
        at += width;
    }
    if (used + length + sizeof(", , ...") <= sizeof(names->text)) {
        (void)snprintf(names->text + used, sizeof(names->text) - used, "%s%s", used > 0 ? ", " : "",
                       name);
    } else if (used + sizeof(", ...") <= sizeof(names->text) &&
               strstr(names->text, "...") == NULL) {
        (void)snprintf(names->text + used, sizeof(names->text) - used, ", ...");
    }
}

static void total_name(struct total *total)
{
    for (size_t i = 0; i < total->fleet->count; i++) {
        const struct rank *rank = &total->fleet->ranks[i];
        names_add(&total->backends, rank->backend.name);
        names_add(&total->addresses, rank->address);
        names_add(&total->servers, rank->options.host);
        if (rank->backend.recv != NULL) {
            names_add(&total->modes, rank->backend.recv);
        }
    }
}

void total_name_rank(const struct rank *rank, size_t others, const char *text, char *named,
                     size_t size)
{
    char more[48] = "";
    if (others > 0) {
        (void)snprintf(more, sizeof(more), " and %zu other%s", others, others > 1 ? "s" : "");
    }
    (void)snprintf(named, size, "rank %" PRIu64 " (%.60s)%s: %s", rank->share.rank, rank->host,
                   more, text);
}

/* ---- the options of the run ---------------------------------------------------------------- */

static bool fleet_has_one_value(const struct fleet *fleet, const char *name)
{
    bool same = true;
    for (size_t i = 0; i < client_program.row_count; i++) {
        const char *row = client_program.rows[i].name;
        for (size_t j = 1; row != NULL && strcmp(row, name) == 0 && j < fleet->count; j++) {
            same =
                same && strcmp(fleet->ranks[0].shown[i].data, fleet->ranks[j].shown[i].data) == 0;
        }
    }
    return same;
}

/* Conditions are those of the clients, and those of the merge. */
static void total_add_conditions(struct client_options *options,
                                 const struct option_strings *conditions, struct refusals *refusals)
{
    for (size_t i = 0; i < conditions->count; i++) {
        if (options->fail_if.count == OPTION_STRINGS_MAX) {
            refuse(refusals, "--fail-if: the clients and the merge have more than %d together",
                   OPTION_STRINGS_MAX);
            return;
        }
        options->fail_if.items[options->fail_if.count++] = conditions->items[i];
    }
}

/* Those of rank 0, with the numbers of the whole. */
static void total_make_options(struct total *total, const struct merge_options *merge,
                               struct refusals *refusals)
{
    const struct rank *first = &total->fleet->ranks[0];
    struct client_options *options = &total->options;
    *options = first->options;
    options->whole = first->whole;
    options->connections = first->whole.connections;
    options->rate = first->whole.rate;
    options->connect_rate = first->whole.connect_rate;
    options->bandwidth = first->whole.bandwidth;
    options->requests = first->whole.requests;
    options->share = (struct share){.ranks = 0};
    options->host = total->servers.text;
    if (!fleet_has_one_value(total->fleet, "source")) {
        options->source = NULL;
    }
    if (!fleet_has_one_value(total->fleet, "start-at")) {
        options->start_at = NULL;
    }
    if (!fleet_has_one_value(total->fleet, "cpus")) {
        options->cpus.count = 0;
    }
    options->common.json = merge->json;
    options->common.details = merge->details;
    options->hgrm = merge->hgrm;
    total_add_conditions(options, &merge->fail_if, refusals);
}

/* ---- the clients --------------------------------------------------------------------------- */

static struct fleet_client total_client(const struct rank *rank)
{
    const struct histogram *latency = &rank->stats->latency;
    return (struct fleet_client){.rank = rank->share.rank,
                                 .host = rank->host,
                                 .file = rank->file.name,
                                 .ok = rank->verdict.ok,
                                 .verdict = verdict_text(&rank->verdict),
                                 .started_unix = rank->started_unix,
                                 .ended_unix = rank->ended_unix,
                                 .first_message_unix = rank->first_message_unix,
                                 .messages = rank->stats->measured_messages,
                                 .messages_per_second = rank_rate(rank),
                                 .answers = latency->count,
                                 .p50_ns = histogram_percentile(latency, 50),
                                 .p99_ns = histogram_percentile(latency, 99),
                                 .max_ns = latency->max,
                                 .environment = rank->environment};
}

/* Whether no rank before it was on the same host. */
static bool is_new_host(const struct fleet *fleet, size_t index)
{
    bool is_new = true;
    for (size_t i = 0; i < index && is_new; i++) {
        is_new = strcmp(fleet->ranks[i].host, fleet->ranks[index].host) != 0;
    }
    return is_new;
}

static void total_make_parts(struct total *total)
{
    const struct fleet *fleet = total->fleet;
    const struct timeline *timeline = &fleet->timeline;
    total->parts = (struct fleet_report){.clients = total->clients,
                                         .count = fleet->count,
                                         .barrier = fleet->ranks[0].start == RANK_BARRIER,
                                         .spread = timeline->spread,
                                         .seconds = timeline->until - timeline->from};
    if (timeline->measured == fleet->count) {
        total->parts.together = timeline->together_until - timeline->together_from;
    }
    for (size_t i = 0; i < fleet->count; i++) {
        total->clients[i] = total_client(&fleet->ranks[i]);
        total->parts.hosts += is_new_host(fleet, i);
    }
}

/* ---- failures ------------------------------------------------------------------------------ */

/* The first failure of that class; NULL: there is none. */
static const struct verdict_failure *find_failure(const struct verdict *verdict,
                                                  enum verdict_class class)
{
    for (size_t i = 0; i < verdict->count; i++) {
        if (verdict->failures[i].class == class) {
            return &verdict->failures[i];
        }
    }
    return NULL;
}

/* Adds the failure of the first client that has one of this class. */
static void total_add_failure(struct total *total, enum verdict_class class)
{
    struct verdict *failures = &total->parts.failures;
    const struct rank *first = NULL;
    size_t count = 0;
    for (size_t i = total->fleet->count; i > 0; i--) {
        const struct rank *rank = &total->fleet->ranks[i - 1];
        bool has = find_failure(&rank->verdict, class) != NULL;
        first = has ? rank : first;
        count += has;
    }
    if (first != NULL) {
        struct verdict_failure *named = &failures->failures[failures->count++];
        *named = *find_failure(&first->verdict, class);
        total_name_rank(first, count - 1, find_failure(&first->verdict, class)->text, named->text,
                        sizeof(named->text));
    }
}

/* Those that the sums of all clients do not show. */
static void total_make_failures(struct total *total)
{
    struct verdict whole;
    client_report_judge(&total->report, &whole);
    for (int class = 0; class < VERDICT_NONE; class ++) {
        if (find_failure(&whole, (enum verdict_class) class) == NULL) {
            total_add_failure(total, (enum verdict_class) class);
        }
    }
}

/* ---- all ----------------------------------------------------------------------------------- */

static bool total_allocate(struct total *total)
{
    size_t workers = 0;
    for (size_t i = 0; i < total->fleet->count; i++) {
        workers += total->fleet->ranks[i].worker_count;
    }
    total->stats = calloc(1, sizeof(*total->stats));
    total->workers = calloc(workers + 1, sizeof(*total->workers));
    total->clients = calloc(total->fleet->count + 1, sizeof(*total->clients));
    if (total->stats == NULL || total->workers == NULL || total->clients == NULL) {
        return false;
    }
    client_stats_init(total->stats);
    return true;
}

static uint64_t total_ns(double seconds)
{
    return (uint64_t)llround(seconds * 1e9);
}

static void total_make_report(struct total *total)
{
    const struct fleet *fleet = total->fleet;
    bool estimates = false;
    for (size_t i = 0; i < fleet->count; i++) {
        estimates = estimates || fleet->ranks[i].backend.estimates_calls;
    }
    total->report = (struct client_report){
        .options = &total->options,
        .backend = {.name = total->backends.text,
                    .recv = total->modes.text[0] != '\0' ? total->modes.text : NULL,
                    .estimates_calls = estimates},
        .process = total_process(fleet),
        .address = total->addresses.text,
        .seed = fleet->ranks[0].options.seed,
        .seconds = total->parts.seconds,
        .began_unix_ns = total_ns(fleet->timeline.began_unix),
        .ended_unix_ns = total_ns(fleet->timeline.ended_unix),
        .first_message_unix_ns = total_ns(fleet->timeline.first_message_unix),
        .measured_from_ns = total_ns(fleet->timeline.from),
        .measured_until_ns = total_ns(fleet->timeline.until),
        .intervals = total->has_intervals ? &total->intervals : NULL,
        .columns = output_columns(1),
        .stats = total->stats,
        .workers = total->workers,
        .worker_count = total->worker_count,
        .until = &total->until,
    };
}

void total_make(struct total *total, const struct fleet *fleet, const struct merge_options *options,
                const struct books *books, struct refusals *refusals)
{
    *total = (struct total){.fleet = fleet};
    until_init(&total->until, NULL);
    if (!total_allocate(total)) {
        refuse(refusals, "out of memory");
        return;
    }
    if (!total_add_stats(total, refusals)) {
        return;
    }
    total_add_workers(total);
    total_name(total);
    total_make_options(total, options, refusals);
    total_make_parts(total);
    if (!total_add_intervals(total)) {
        refuse(refusals, "out of memory");
        return;
    }
    total_make_report(total);
    total_make_failures(total);
    total_judge(total);
    if (books != NULL) {
        books_judge(books, &total->stats->counters, &total->server);
        total->parts.server = &total->server;
    }
    total->report.trust = &total->trust;
    total->report.fleet = &total->parts;
}

void total_free(struct total *total)
{
    free(total->stats);
    free(total->workers);
    free(total->clients);
    batches_free(&total->batches);
    intervals_free(&total->intervals);
}
