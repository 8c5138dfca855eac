#include "compare.h"

#include <math.h>
#include <string.h>

#include "estimate.h"
#include "log.h"
#include "result.h"

#define COMPARE_SUBJECTS_MAX 32

const struct summary_metric compare_metrics[] = {
    {"messages_per_second", false},
    {"server_cpu_per_message", true},
    {"server_cpu_per_client_cpu", true}, /* measured where both are on one CPU */
    {NULL, false},
};

/* The change of a backend to one other, or the least sure of its changes to all others. */
struct change {
    const char *other;
    double before; /* ratios */
    double after;
    double worse;  /* 0.05: five per cent worse */
    double chance; /* of such a change by accident */
    double least;  /* the smallest chance that this number of rounds can show */
};

struct comparison {
    const json_t *old_document;
    const json_t *new_document;
    double threshold;
    double level; /* a change counts up to this chance */
    FILE *out;
    struct compare_outcome outcome;
};

/* Whether both documents have pairs of the two. */
static bool compare_has_pairs(const json_t *old_case, const json_t *new_case, const char *metric,
                              const char *subject, const char *other)
{
    double logs[ESTIMATE_MAX];
    return strcmp(subject, other) != 0 &&
           summary_pairs(old_case, subject, other, metric, logs) > 0 &&
           summary_pairs(new_case, subject, other, metric, logs) > 0;
}

/* Our backends that have pairs with one another in both documents, in the order of the new one. */
static size_t compare_subjects(const json_t *old_case, const json_t *new_case, const char *metric,
                               const char **subjects)
{
    const json_t *list = json_object_get(new_case, "subjects");
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && count < COMPARE_SUBJECTS_MAX; i++) {
        const char *name = result_text(json_array_get(list, i), "subject");
        bool has = false;
        for (size_t k = 0; k < json_array_size(list) && summary_is_ours(name) && !has; k++) {
            const char *other = result_text(json_array_get(list, k), "subject");
            has = summary_is_ours(other) &&
                  compare_has_pairs(old_case, new_case, metric, name, other);
        }
        if (has) {
            subjects[count++] = name;
        }
    }
    return count;
}

/* False: there are no pairs. */
static bool compare_pairs(const json_t *old_case, const json_t *new_case,
                          const struct summary_metric *metric, const char *subject,
                          struct change *change)
{
    double before[ESTIMATE_MAX];
    double after[ESTIMATE_MAX];
    size_t old_count = summary_pairs(old_case, subject, change->other, metric->name, before);
    size_t new_count = summary_pairs(new_case, subject, change->other, metric->name, after);
    if (old_count == 0 || new_count == 0) {
        return false;
    }
    double shift = estimate_shift(before, old_count, after, new_count);
    change->before = exp(estimate_paired(before, old_count, SUMMARY_CONFIDENCE).value);
    change->after = exp(estimate_paired(after, new_count, SUMMARY_CONFIDENCE).value);
    change->worse = exp(metric->less_is_better ? shift : -shift) - 1;
    change->chance = metric->less_is_better ? estimate_above(before, old_count, after, new_count)
                                            : estimate_above(after, new_count, before, old_count);
    change->least = estimate_above_least(old_count, new_count);
    return true;
}

static double greater(double a, double b)
{
    return a > b ? a : b;
}

/* The smallest change of a backend to any other, with the greatest chance of all of them. False:
 * there is none to compare with. */
static bool compare_subject(const json_t *old_case, const json_t *new_case,
                            const struct summary_metric *metric, const char *const *subjects,
                            size_t count, size_t which, struct change *least)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        struct change change = {.other = subjects[i]};
        if (i == which || !compare_pairs(old_case, new_case, metric, subjects[which], &change)) {
            continue;
        }
        double chance = found ? greater(least->chance, change.chance) : change.chance;
        double smallest = found ? greater(least->least, change.least) : change.least;
        if (!found || change.worse < least->worse) {
            *least = change;
        }
        least->chance = chance;
        least->least = smallest;
        found = true;
    }
    return found;
}

typedef void compare_visit(struct comparison *comparison, const char *test_case,
                           const char *subject, const struct summary_metric *metric,
                           const struct change *change);

static void compare_case(struct comparison *comparison, const json_t *old_case,
                         const json_t *new_case, compare_visit *visit)
{
    const char *subjects[COMPARE_SUBJECTS_MAX];
    for (const struct summary_metric *metric = compare_metrics; metric->name != NULL; metric++) {
        size_t count = compare_subjects(old_case, new_case, metric->name, subjects);
        for (size_t i = count == 2 ? 1 : 0; i < count; i++) { /* the first of two is the base */
            struct change change;
            if (compare_subject(old_case, new_case, metric, subjects, count, i, &change)) {
                visit(comparison, result_text(new_case, "name"), subjects[i], metric, &change);
            }
        }
    }
}

/* The first of these members, numbers or texts, that differs, or NULL. */
static const char *compare_difference(const json_t *before, const json_t *after,
                                      const char *const *members)
{
    while (*members != NULL && result_number(before, *members) == result_number(after, *members) &&
           strcmp(result_text(before, *members), result_text(after, *members)) == 0) {
        members++;
    }
    return *members;
}

static bool compare_is_same_load(const json_t *old_case, const json_t *new_case)
{
    static const char *const members[] = {"connections", "size",      "depth", "workers",
                                          "lifetime",    "busy_poll", NULL};
    return compare_difference(old_case, new_case, members) == NULL;
}

static void compare_all(struct comparison *comparison, compare_visit *visit)
{
    const json_t *cases = json_object_get(comparison->new_document, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *new_case = json_array_get(cases, i);
        const json_t *old_case =
            result_case(comparison->old_document, result_text(new_case, "name"));
        if (old_case != NULL && compare_is_same_load(old_case, new_case)) {
            compare_case(comparison, old_case, new_case, visit);
        }
    }
}

static void compare_count(struct comparison *comparison, const char *test_case, const char *subject,
                          const struct summary_metric *metric, const struct change *change)
{
    (void)test_case;
    (void)subject;
    (void)metric;
    (void)change;
    comparison->outcome.questions++;
}

static void compare_judge(struct comparison *comparison, const char *test_case, const char *subject,
                          const struct summary_metric *metric, const struct change *change)
{
    const char *verdict = "";
    if (change->least > comparison->level) {
        verdict = "too few rounds";
        comparison->outcome.unanswered++;
    } else if (change->chance <= comparison->level && change->worse > comparison->threshold) {
        verdict = "WORSE";
        comparison->outcome.regressions++;
    }
    if (comparison->out != NULL) {
        (void)fprintf(comparison->out, "%-16.32s %-10.32s %-25s : %-10.32s %6.3f -> %6.3f %s%s\n",
                      test_case, subject, metric->name, change->other, change->before,
                      change->after, verdict[0] == '\0' ? "" : " ", verdict);
    }
}

/* Names the cases that only `document` has. */
static void compare_alone(const json_t *document, const json_t *other, const char *which, FILE *out)
{
    const json_t *cases = json_object_get(document, "cases");
    for (size_t i = 0; i < json_array_size(cases) && out != NULL; i++) {
        const char *name = result_text(json_array_get(cases, i), "name");
        if (result_case(other, name) == NULL) {
            (void)fprintf(out, "%-16.32s only in the %s results\n", name, which);
        }
    }
}

static void compare_gone(struct comparison *comparison, const json_t *old_case,
                         const json_t *new_case)
{
    const json_t *list = json_object_get(old_case, "subjects");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = result_text(json_array_get(list, i), "subject");
        if (!summary_is_ours(name) || !summary_has_good_run(old_case, name) ||
            summary_has_good_run(new_case, name)) {
            continue;
        }
        comparison->outcome.gone++;
        if (comparison->out != NULL) {
            (void)fprintf(comparison->out, "%.32s %.32s: no good run in the new results  GONE\n",
                          result_text(new_case, "name"), name);
        }
    }
}

/* For the cases in both documents: prints which have another load. In the rest, finds the backends
 * that are gone. */
static void compare_presence(struct comparison *comparison)
{
    const json_t *cases = json_object_get(comparison->new_document, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *new_case = json_array_get(cases, i);
        const char *name = result_text(new_case, "name");
        const json_t *old_case = result_case(comparison->old_document, name);
        if (old_case == NULL) {
            continue;
        }
        if (compare_is_same_load(old_case, new_case)) {
            compare_gone(comparison, old_case, new_case);
        } else if (comparison->out != NULL) {
            (void)fprintf(comparison->out, "%-16.32s another load in the new results\n", name);
        }
    }
}

struct compare_outcome compare_documents(const json_t *old_document, const json_t *new_document,
                                         double threshold, FILE *out)
{
    struct comparison comparison = {.old_document = old_document,
                                    .new_document = new_document,
                                    .threshold = threshold,
                                    .out = out};
    compare_alone(old_document, new_document, "old", out);
    compare_alone(new_document, old_document, "new", out);
    compare_presence(&comparison);
    compare_all(&comparison, compare_count);
    if (comparison.outcome.questions > 0) {
        comparison.level = COMPARE_ERROR / (double)comparison.outcome.questions;
        compare_all(&comparison, compare_judge);
    }
    return comparison.outcome;
}

/* ---- the command --------------------------------------------------------------------------- */

static void compare_machines(const json_t *old_document, const json_t *new_document)
{
    static const char *const members[] = {"environment.cpu",
                                          "environment.os",
                                          "environment.kernel",
                                          "options.server_address",
                                          "client.environment.cpu",
                                          "client.environment.system",
                                          "client.environment.release",
                                          "client.environment.version",
                                          NULL};
    for (const char *const *member = members; *member != NULL; member++) {
        const char *before = result_text(old_document, *member);
        const char *after = result_text(new_document, *member);
        if (strcmp(before, after) != 0) {
            log_message("%s differs, which alone may change ratios: '%s', now '%s'", *member,
                        before, after);
        }
    }
}

/* Whether both were measured in the same way. If not, a message says what differs. */
static bool compare_is_same_way(const json_t *old_document, const json_t *new_document)
{
    static const char *const members[] = {"options.pin", "options.client_backend",
                                          "options.client_command", "options.buffer_size", NULL};
    const char *member = compare_difference(old_document, new_document, members);
    if (member != NULL) {
        log_message("%s differs: results that were measured differently can't be compared", member);
    }
    return member == NULL;
}

/* Prints a summary. Returns the exit code. */
static int compare_conclude(const struct compare_outcome *outcome, double threshold)
{
    bool nothing = outcome->questions == outcome->unanswered;
    (void)printf("%zu ratios compared: %zu worse by more than %.0f %%", outcome->questions,
                 outcome->regressions, 100 * threshold);
    if (outcome->unanswered > 0) {
        (void)printf(", %zu with too few rounds to be sure of anything", outcome->unanswered);
    }
    if (outcome->gone > 0) {
        (void)printf("; without a good run: %zu", outcome->gone);
    }
    (void)printf("\n");
    if (nothing) {
        log_message("nothing could be compared: %s",
                    outcome->questions == 0 ? "no case has two backends in both results"
                                            : "more rounds are needed (--rounds), or fewer cases");
    }
    return nothing || outcome->regressions > 0 || outcome->gone > 0 ? 1 : 0;
}

int compare_run(const char *old_path, const char *new_path, double threshold)
{
    int code = 2;
    json_t *old_document = result_load(old_path);
    json_t *new_document = result_load(new_path);
    if (old_document != NULL && new_document != NULL &&
        compare_is_same_way(old_document, new_document)) {
        compare_machines(old_document, new_document);
        struct compare_outcome outcome =
            compare_documents(old_document, new_document, threshold, stdout);
        code = compare_conclude(&outcome, threshold);
    }
    json_decref(old_document);
    json_decref(new_document);
    return code;
}
