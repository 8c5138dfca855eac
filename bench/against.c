#include "against.h"

#include <math.h>
#include <string.h>

#include "compare.h"
#include "estimate.h"
#include "log.h"
#include "result.h"
#include "subject.h"
#include "summary.h"
#include "table.h"

/* One of our backends and the same backend of the older server, in one case and one metric. */
struct change {
    size_t pairs;
    double worse;  /* 0.05: five per cent worse */
    double chance; /* of such a ratio by accident */
};

struct judgement {
    const json_t *again; /* NULL: there was no second run */
    double level;        /* the second run confirms up to this chance */
    struct text *out;
    struct against_outcome outcome;
};

static const char *against_old(const char *subject, char *text, size_t size)
{
    (void)snprintf(text, size, SUBJECT_OLD "%s", subject);
    return text;
}

/* False: there are no pairs. */
static bool against_change(const json_t *test_case, const char *subject,
                           const struct summary_metric *metric, struct change *change)
{
    char old[SUBJECT_PATH_SIZE];
    double logs[ESTIMATE_MAX];
    (void)against_old(subject, old, sizeof(old));
    change->pairs = summary_pairs(test_case, subject, old, metric->name, logs);
    for (size_t i = 0; i < change->pairs && !metric->less_is_better; i++) {
        logs[i] = -logs[i];
    }
    if (change->pairs > 0) {
        change->worse = exp(estimate_paired(logs, change->pairs, SUMMARY_CONFIDENCE).value) - 1;
        change->chance = estimate_paired_above(logs, change->pairs);
    }
    return change->pairs > 0;
}

static bool against_is_worse(const struct change *change, double level)
{
    return change->chance <= level && change->worse > AGAINST_THRESHOLD;
}

static bool against_seems(const json_t *test_case, const char *subject,
                          const struct summary_metric *metric)
{
    struct change change;
    return against_change(test_case, subject, metric, &change) &&
           against_is_worse(&change, AGAINST_ERROR);
}

bool against_seems_slower(const json_t *test_case, const char *subject)
{
    bool is_old = strncmp(subject, SUBJECT_OLD, strlen(SUBJECT_OLD)) == 0;
    const char *name = is_old ? subject + strlen(SUBJECT_OLD) : subject;
    bool seems = false;
    for (const struct summary_metric *metric = compare_metrics; metric->name != NULL; metric++) {
        seems = seems || against_seems(test_case, name, metric);
    }
    return seems;
}

/* ---- all of them --------------------------------------------------------------------------- */

static void against_print_ratio(struct text *out, const json_t *test_case, const char *subject,
                                const struct summary_metric *metric)
{
    char old[SUBJECT_PATH_SIZE];
    json_t *ratio = summary_make_ratio(test_case, subject, against_old(subject, old, sizeof(old)),
                                       metric->name);
    table_one_ratio(out, ratio);
    json_decref(ratio);
}

/* The answer of the second run about a suspect, for people. */
static const char *against_verdict(struct judgement *judgement, const json_t *second,
                                   const char *subject, const struct summary_metric *metric)
{
    struct change change;
    bool has = second != NULL && against_change(second, subject, metric, &change);
    if (has && change.worse <= AGAINST_THRESHOLD) {
        return "not confirmed";
    }
    if (!has || ldexp(1, -(int)change.pairs) > judgement->level) {
        judgement->outcome.unanswered++;
        return "too few rounds to confirm it";
    }
    if (against_is_worse(&change, judgement->level)) {
        judgement->outcome.slower++;
        return "SLOWER";
    }
    return "not confirmed";
}

static void against_confirm(struct judgement *judgement, const json_t *first, const char *subject,
                            const struct summary_metric *metric)
{
    const char *name = result_text(first, "name");
    const json_t *second = result_case_in(judgement->again, name);
    const char *verdict = against_verdict(judgement, second, subject, metric);
    if (judgement->out != NULL) {
        text_printf(judgement->out, "  %.32s, %.32s, %s: %s\n    first run", name, subject,
                    metric->name, verdict);
        against_print_ratio(judgement->out, first, subject, metric);
        if (second != NULL) {
            text_printf(judgement->out, " second run");
            against_print_ratio(judgement->out, second, subject, metric);
        }
        text_printf(judgement->out, "\n");
    }
}

static void against_judge_gone(struct judgement *judgement, const json_t *test_case,
                               const char *subject)
{
    char old[SUBJECT_PATH_SIZE];
    bool old_is_good = summary_has_good_run(test_case, against_old(subject, old, sizeof(old)));
    bool new_is_good = summary_has_good_run(test_case, subject);
    const char *what = new_is_good ? "no good run of the older server: not compared"
                                   : "no good run, and the older server has one  GONE";
    if (new_is_good == old_is_good) {
        return;
    }
    judgement->outcome.gone += old_is_good;
    if (judgement->out != NULL) {
        text_printf(judgement->out, "  %-16.32s %-10.32s %s\n", result_text(test_case, "name"),
                    subject, what);
    }
}

typedef void against_visit(struct judgement *judgement, const json_t *test_case,
                           const char *subject, const struct summary_metric *metric);

static void against_count(struct judgement *judgement, const json_t *test_case, const char *subject,
                          const struct summary_metric *metric)
{
    struct change change;
    judgement->outcome.questions += against_change(test_case, subject, metric, &change);
    judgement->outcome.suspects += against_seems(test_case, subject, metric);
}

static void against_confirm_suspect(struct judgement *judgement, const json_t *test_case,
                                    const char *subject, const struct summary_metric *metric)
{
    if (against_seems(test_case, subject, metric)) {
        against_confirm(judgement, test_case, subject, metric);
    }
}

static void against_all(struct judgement *judgement, const json_t *cases, against_visit *visit)
{
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *test_case = json_array_get(cases, i);
        const json_t *list = json_object_get(test_case, "subjects");
        for (size_t k = 0; k < json_array_size(list); k++) {
            const char *name = result_text(json_array_get(list, k), "subject");
            const struct summary_metric *metric = compare_metrics;
            for (; summary_is_ours(name) && metric->name != NULL; metric++) {
                visit(judgement, test_case, name, metric);
            }
        }
    }
}

static void against_all_gone(struct judgement *judgement, const json_t *cases)
{
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *test_case = json_array_get(cases, i);
        const json_t *list = json_object_get(test_case, "subjects");
        for (size_t k = 0; k < json_array_size(list); k++) {
            const char *name = result_text(json_array_get(list, k), "subject");
            if (summary_is_ours(name)) {
                against_judge_gone(judgement, test_case, name);
            }
        }
    }
}

struct against_outcome against_judge(const json_t *cases, const json_t *again, struct text *out)
{
    struct judgement judgement = {.again = again, .out = out};
    against_all(&judgement, cases, against_count);
    if (judgement.outcome.suspects > 0) {
        judgement.level = AGAINST_ERROR / (double)judgement.outcome.suspects;
        if (out != NULL) {
            text_printf(out, "Seemed slower, new : old:\n");
        }
        against_all(&judgement, cases, against_confirm_suspect);
    }
    against_all_gone(&judgement, cases);
    return judgement.outcome;
}

int against_conclude(const struct against_outcome *outcome, struct text *out)
{
    size_t seemed = outcome->suspects - outcome->slower - outcome->unanswered;
    text_printf(out, "%zu ratios of new to old: %zu slower by more than %.0f %%",
                outcome->questions, outcome->slower, 100 * AGAINST_THRESHOLD);
    if (seemed > 0) {
        text_printf(out, ", %zu seemed so and a second run did not confirm it", seemed);
    }
    if (outcome->unanswered > 0) {
        text_printf(out, ", %zu with too few rounds to confirm it", outcome->unanswered);
    }
    if (outcome->gone > 0) {
        text_printf(out, "; without a good run: %zu", outcome->gone);
    }
    text_printf(out, "\n");
    if (outcome->questions == 0) {
        log_message("--against: nothing could be compared: no backend has a good run of both");
    }
    return outcome->questions == 0 || outcome->slower + outcome->unanswered + outcome->gone > 0;
}
