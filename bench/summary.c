#include "summary.h"

#include <math.h>
#include <string.h>

#include "estimate.h"
#include "result.h"
#include "subject.h"
#include "util.h"

const struct summary_metric summary_metrics[] = {
    {"messages_per_second", false},
    {"server_cpu_per_message", true},
    {NULL, false},
};

/* A quantity of a run, by member or path, and its name in the summary. */
static const struct {
    const char *path;
    const char *name;
    bool of_a_message; /* a cost per message, which counts in client-bound runs, too */
} quantities[] = {
    {"messages_per_second", "messages_per_second", false},
    {"bytes_per_second", "bytes_per_second", false},
    {"accepts_per_second", "accepts_per_second", false},
    {"latency.p50", "p50", false},
    {"latency.p90", "p90", false},
    {"latency.p99", "p99", false},
    {"latency.p999", "p999", false},
    {"latency.max", "max", false},
    {"server_cpu_per_message", "server_cpu_per_message", true},
    {"client_cpu_per_message", "client_cpu_per_message", true},
    {"server_cpu_per_client_cpu", "server_cpu_per_client_cpu", true},
    {"system_calls_per_message", "system_calls_per_message", true},
    {"server_load", "server_load", true},
    {"client_load", "client_load", true},
    {"server_peak_rss", "server_peak_rss", true},
    {"client_peak_rss", "client_peak_rss", true},
    {"idle_bytes_per_connection", "idle_bytes_per_connection", true},
};

#define QUANTITIES LENGTH(quantities)

static bool summary_is_old(const char *subject)
{
    return strncmp(subject, SUBJECT_OLD, strlen(SUBJECT_OLD)) == 0;
}

bool summary_is_ours(const char *subject)
{
    return strncmp(subject, "peer:", 5) != 0 && strncmp(subject, "target:", 7) != 0 &&
           !summary_is_old(subject);
}

/* Whether the subject has ratios to a base that isn't the first subject. */
static bool summary_is_base(const char *base, const char *subject)
{
    if (summary_is_old(base)) {
        return strcmp(base + strlen(SUBJECT_OLD), subject) == 0;
    }
    return summary_is_ours(subject) && !summary_is_ours(base);
}

bool summary_is_good(const json_t *run)
{
    return run != NULL && !result_has_mark(run, "failed") && !result_has_mark(run, "books");
}

bool summary_has_good_run(const json_t *test_case, const char *subject)
{
    size_t rounds = result_rounds(test_case);
    bool has = false;
    for (size_t round = 0; round < rounds && !has; round++) {
        has = summary_is_good(result_find_run(test_case, subject, round));
    }
    return has;
}

static bool summary_is_of_a_message(const char *metric)
{
    bool is = false;
    for (size_t i = 0; i < QUANTITIES; i++) {
        is = is || (quantities[i].of_a_message && strcmp(quantities[i].path, metric) == 0);
    }
    return is;
}

bool summary_counts(const json_t *run, const char *metric)
{
    return result_has(run, metric) && summary_is_good(run) &&
           (summary_is_of_a_message(metric) || !result_has_mark(run, "client-bound"));
}

/* How many runs of the subject have this mark; all runs if it is NULL. */
static json_int_t summary_count(const json_t *test_case, const char *subject, const char *mark)
{
    const json_t *runs = json_object_get(test_case, "runs");
    json_int_t count = 0;
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *run = json_array_get(runs, i);
        count += strcmp(result_text(run, "subject"), subject) == 0 &&
                 (mark == NULL || result_has_mark(run, mark));
    }
    return count;
}

bool summary_is_client_bound(const json_t *test_case, const char *subject)
{
    return summary_count(test_case, subject, "client-bound") > 1;
}

/* Whether the remaining runs of the subject are a fair sample, and not chosen by their outcome. */
static bool summary_is_fair(const json_t *test_case, const char *subject, const char *metric)
{
    return summary_is_of_a_message(metric) || !summary_is_client_bound(test_case, subject);
}

size_t summary_pairs(const json_t *test_case, const char *subject, const char *base,
                     const char *metric, double *logs)
{
    bool fair =
        summary_is_fair(test_case, subject, metric) && summary_is_fair(test_case, base, metric);
    size_t rounds = fair ? result_rounds(test_case) : 0;
    size_t count = 0;
    for (size_t round = 0; round < rounds && count < ESTIMATE_MAX; round++) {
        const json_t *one = result_find_run(test_case, subject, round);
        const json_t *other = result_find_run(test_case, base, round);
        if (summary_counts(one, metric) && summary_counts(other, metric)) {
            double above = result_number(one, metric);
            double below = result_number(other, metric);
            if (above > 0 && below > 0) {
                logs[count++] = log(above / below);
            }
        }
    }
    return count;
}

/* ---- subjects ------------------------------------------------------------------------------ */

/* The names of all subjects, in the order of their first runs. */
static json_t *summary_names(const json_t *test_case)
{
    const json_t *runs = json_object_get(test_case, "runs");
    json_t *names = json_object(); /* keeps the order */
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const char *name = result_text(json_array_get(runs, i), "subject");
        if (json_object_get(names, name) == NULL) {
            result_put(names, name, json_true());
        }
    }
    return names;
}

/* {"median", "low", "high"} of the runs that count, the latter the extremes; NULL: there is none.
 */
static json_t *summary_quantity(const json_t *test_case, const char *subject, const char *path)
{
    double values[ESTIMATE_MAX];
    size_t rounds = summary_is_fair(test_case, subject, path) ? result_rounds(test_case) : 0;
    size_t count = 0;
    for (size_t round = 0; round < rounds && count < ESTIMATE_MAX; round++) {
        const json_t *run = result_find_run(test_case, subject, round);
        if (summary_counts(run, path)) {
            values[count++] = result_number(run, path);
        }
    }
    if (count == 0) {
        return NULL;
    }
    double median = estimate_median(values, count); /* sorts them */
    return json_pack("{s:f,s:f,s:f}", "median", median, "low", values[0], "high",
                     values[count - 1]);
}

static json_t *summary_subject(const json_t *test_case, const char *subject)
{
    static const char *const marks[] = {"failed", "books", "client-bound", NULL};
    json_t *summary = json_object();
    json_t *marked = json_object();
    result_set_text(summary, "subject", subject);
    result_put(summary, "runs", json_integer(summary_count(test_case, subject, NULL)));
    for (const char *const *mark = marks; *mark != NULL; mark++) {
        json_int_t count = summary_count(test_case, subject, *mark);
        if (count > 0) {
            result_put(marked, *mark, json_integer(count));
        }
    }
    result_put(summary, "marks", marked);
    for (size_t i = 0; i < QUANTITIES; i++) {
        json_t *quantity = summary_quantity(test_case, subject, quantities[i].path);
        if (quantity != NULL) {
            result_put(summary, quantities[i].name, quantity);
        }
    }
    return summary;
}

/* ---- ratios -------------------------------------------------------------------------------- */

static const char *summary_verdict(const struct estimate *estimate)
{
    if (!estimate->bounded) {
        return "too few pairs";
    }
    if (estimate->low <= 0 && estimate->high >= 0) {
        return "no difference";
    }
    return estimate->value > 0 ? "more" : "less";
}

json_t *summary_make_ratio(const json_t *test_case, const char *subject, const char *base,
                           const char *metric)
{
    double logs[ESTIMATE_MAX];
    size_t pairs = summary_pairs(test_case, subject, base, metric, logs);
    if (pairs == 0) {
        return NULL;
    }
    struct estimate estimate = estimate_paired(logs, pairs, SUMMARY_CONFIDENCE);
    json_t *ratio = json_object();
    result_set_text(ratio, "subject", subject);
    result_set_text(ratio, "base", base);
    result_set_text(ratio, "metric", metric);
    result_put(ratio, "pairs", json_integer((json_int_t)pairs));
    result_set(ratio, "ratio", exp(estimate.value));
    if (estimate.bounded) {
        result_set(ratio, "low", exp(estimate.low));
        result_set(ratio, "high", exp(estimate.high));
        result_set(ratio, "confidence", estimate.confidence);
    }
    result_set_text(ratio, "verdict", summary_verdict(&estimate));
    return ratio;
}

static void summary_add_ratios(json_t *test_case, json_t *ratios, const char *subject,
                               const char *base)
{
    for (const struct summary_metric *metric = summary_metrics; metric->name != NULL; metric++) {
        json_t *ratio = summary_make_ratio(test_case, subject, base, metric->name);
        if (ratio != NULL) {
            result_append(ratios, ratio);
        }
    }
}

void summary_make(json_t *test_case)
{
    json_t *names = summary_names(test_case);
    json_t *subjects = json_array();
    json_t *ratios = json_array();
    const char *first = NULL;
    const char *subject;
    const char *base;
    json_t *unused;
    json_object_foreach(names, subject, unused)
    {
        first = first == NULL ? subject : first;
        result_append(subjects, summary_subject(test_case, subject));
        json_object_foreach(names, base, unused)
        {
            bool to_first = strcmp(base, first) == 0 && !summary_is_old(subject);
            if (strcmp(subject, base) != 0 && (to_first || summary_is_base(base, subject))) {
                summary_add_ratios(test_case, ratios, subject, base);
            }
        }
    }
    json_decref(names);
    result_put(test_case, "subjects", subjects);
    result_put(test_case, "ratios", ratios);
}

const json_t *summary_ratio(const json_t *test_case, const char *subject, const char *base,
                            const char *metric)
{
    const json_t *ratios = json_object_get(test_case, "ratios");
    for (size_t i = 0; i < json_array_size(ratios); i++) {
        const json_t *ratio = json_array_get(ratios, i);
        if (strcmp(result_text(ratio, "subject"), subject) == 0 &&
            strcmp(result_text(ratio, "base"), base) == 0 &&
            strcmp(result_text(ratio, "metric"), metric) == 0) {
            return ratio;
        }
    }
    return NULL;
}
