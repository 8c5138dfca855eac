#include "find_rate.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "condition.h"
#include "log.h"
#include "units.h"

#define FIND_RATE_FIRST 1000.0
#define FIND_RATE_HIGHEST 1e9

/* A step with fewer messages can't show the percentile: already one late message would be too
 * many. */
static double find_rate_lowest(double percentile, uint64_t step_ns)
{
    double messages = fmax(FIND_RATE_MESSAGES, 100 / (100 - percentile));
    return fmin(messages * (double)NS_PER_S / (double)step_ns, FIND_RATE_HIGHEST);
}

void find_rate_init(struct find_rate *find, const char *condition, double first, uint64_t step_ns)
{
    struct condition parsed;
    bool known = condition_parse(condition, &parsed) && condition_is_highest(condition);
    assert(known && step_ns > 0);
    (void)known;
    double lowest = find_rate_lowest(parsed.percentile, step_ns);
    double wanted = first > 0 ? first : FIND_RATE_FIRST;
    const struct search_plan plan = {
        .percentile = parsed.percentile,
        .limit_ns = parsed.limit,
        .first = fmin(fmax(wanted, lowest), FIND_RATE_HIGHEST),
        .lowest = lowest,
        .highest = FIND_RATE_HIGHEST,
    };
    find->condition = condition;
    find->stopped = false;
    find->broken = false;
    search_init(&find->search, &plan);
}

/* ---- steps ---------------------------------------------------------------------------------- */

#define FIND_RATE_LINE 200

/* What disturbed a step. */
static void find_rate_disturbance(const struct search_step *step, char *text, size_t size)
{
    char lateness[UNITS_TEXT_SIZE];
    char waited[64] = "";
    if (!isnan(step->waited)) {
        (void)snprintf(waited, sizeof(waited), ", without a CPU for %.0f %%", step->waited * 100);
    }
    (void)snprintf(text, size, "disturbed: the client was %s late%s%s",
                   units_format_duration(lateness, sizeof(lateness), step->lateness_ns), waited,
                   step->repeated ? "; again" : "");
}

/* That a step held, or why it did not. */
static void find_rate_reason(const struct search_step *step, char *text, size_t size)
{
    switch (step->outcome) {
    case SEARCH_GROWS:
        (void)snprintf(text, size, "failed: the backlog grows by %.1f %% of the messages",
                       step->growth * 100);
        break;
    case SEARCH_FAILED:
        (void)snprintf(text, size, "failed: messages were never sent, or timed out");
        break;
    case SEARCH_DISTURBED:
        find_rate_disturbance(step, text, size);
        break;
    case SEARCH_SLOW:
        (void)snprintf(text, size, "failed%s", step->repeated ? " narrowly; again" : "");
        break;
    case SEARCH_HELD:
    default:
        (void)snprintf(text, size, "held");
        break;
    }
}

static void find_rate_say(const struct find_rate *find, const struct search_step *step)
{
    char rate[UNITS_TEXT_SIZE];
    char reason[FIND_RATE_LINE];
    find_rate_reason(step, reason, sizeof(reason));
    log_message("--find-rate: step %zu, %s: %.2f %% in time, %s", find->search.count,
                units_format_rate(rate, sizeof(rate), step->rate), floor(step->share * 1e4) / 100,
                reason);
}

void find_rate_run(struct find_rate *find, const struct find_rate_runner *runner)
{
    double rate;
    while (!find->stopped && !find->broken && search_next(&find->search, &rate)) {
        struct search_figures figures;
        enum find_rate_end end = runner->run(runner->context, rate, &figures);
        find->stopped = end == FIND_RATE_STOPPED;
        find->broken = end == FIND_RATE_BROKEN;
        if (end == FIND_RATE_MEASURED) {
            const struct search_step *step = search_judge(&find->search, &figures);
            find_rate_say(find, step);
            runner->judged(runner->context, step);
        }
    }
}

int find_rate_code(const struct find_rate *find)
{
    if (find->broken) {
        return 1;
    }
    return search_end(&find->search) == SEARCH_FOUND ? 0 : 3;
}

/* ---- report --------------------------------------------------------------------------------- */

static const char *find_rate_result(const struct find_rate *find)
{
    return find->broken ? "broken" : search_end_name(search_end(&find->search));
}

/* What the result says about the rates, for people. */
static void find_rate_answer(const struct find_rate *find, struct text *out)
{
    const struct search *search = &find->search;
    char held[UNITS_TEXT_SIZE];
    char failed[UNITS_TEXT_SIZE];
    if (search->held > 0) {
        text_printf(out, "%s holds at %s", find->condition,
                    units_format_rate(held, sizeof(held), search->held));
    } else {
        text_printf(out, "%s never held", find->condition);
    }
    if (!isinf(search->failed)) {
        text_printf(out, "%s at %s", search->held > 0 ? " and no longer" : ", not even",
                    units_format_rate(failed, sizeof(failed), search->failed));
    }
}

void find_rate_text(const struct find_rate *find, struct text *out)
{
    static const char *const notes[] = {
        [SEARCH_OPEN] = "; the search ended early",
        [SEARCH_FOUND] = "",
        [SEARCH_NEVER] = ", the lowest rate",
        [SEARCH_ALWAYS] = ", the highest rate",
        [SEARCH_CLIENT] = "; cannot tell for the server: there the client itself was late",
    };
    text_printf(out, "  find-rate    ");
    find_rate_answer(find, out);
    text_printf(out, "%s; %s\n",
                find->broken ? "; the search ended with a failure"
                             : notes[search_end(&find->search)],
                units_counted(find->search.count, "step").text);
}

/* A rate that may be unknown: null. */
static void find_rate_json_rate(struct json *json, const char *key, double rate)
{
    json_double(json, key, rate > 0 ? rate : NAN); /* an infinity becomes null as well */
}

static void find_rate_json_step(const struct search_step *step, struct json *json)
{
    json_object(json, NULL);
    json_double(json, "rate", step->rate);
    json_string(json, "outcome", search_outcome_name(step->outcome));
    json_bool(json, "repeated", step->repeated);
    json_double(json, "in_time", step->share);
    json_double(json, "backlog_growth", step->growth);
    json_uint(json, "lateness_ns", step->lateness_ns);
    json_double(json, "waited", step->waited);
    json_end_object(json);
}

void find_rate_json(const struct find_rate *find, struct json *json)
{
    json_object(json, "find_rate");
    json_string(json, "condition", find->condition);
    json_string(json, "result", find_rate_result(find));
    find_rate_json_rate(json, "held", find->search.held);
    find_rate_json_rate(json, "failed", find->search.failed);
    json_array(json, "steps");
    for (size_t i = 0; i < find->search.count; i++) {
        find_rate_json_step(&find->search.steps[i], json);
    }
    json_end_array(json);
    json_end_object(json);
}
