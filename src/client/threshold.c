#include "threshold.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "units.h"

void threshold_judge(const struct option_strings *conditions,
                     const struct condition_figures *figures, struct thresholds *thresholds)
{
    thresholds->count = conditions->count;
    thresholds->ok = true;
    for (size_t i = 0; i < conditions->count; i++) {
        struct threshold *at = &thresholds->items[i];
        at->text = conditions->items[i];
        bool parsed = condition_parse(at->text, &at->condition);
        assert(parsed); /* the option's row has checked it */
        (void)parsed;
        at->measured = condition_measure(&at->condition, figures);
        at->ok = !isnan(at->measured) && !condition_holds(&at->condition, at->measured);
        thresholds->ok = thresholds->ok && at->ok;
    }
}

static const char *threshold_figure(const struct threshold *threshold, char *text, size_t size)
{
    char bytes[UNITS_TEXT_SIZE];
    switch (threshold->condition.figure) {
    case CONDITION_RATE:
        return units_format_rate(text, size, threshold->measured);
    case CONDITION_BYTES:
        (void)snprintf(text, size, "%s/s",
                       units_format_bytes(bytes, sizeof(bytes), threshold->measured));
        return text;
    case CONDITION_FAILURES:
        return units_format_grouped(text, size, (uint64_t)threshold->measured);
    case CONDITION_LATENCY:
    case CONDITION_MAX:
    case CONDITION_MEAN:
    case CONDITION_LATENESS:
    default:
        return units_format_duration(text, size, (uint64_t)threshold->measured);
    }
}

void threshold_text(const struct thresholds *thresholds, struct text *out)
{
    char figure[UNITS_TEXT_SIZE + 8];
    for (size_t i = 0; i < thresholds->count; i++) {
        const struct threshold *at = &thresholds->items[i];
        text_printf(out, "  fail-if      %s: ", at->text);
        if (isnan(at->measured)) {
            text_printf(out, "cannot tell, it was not measured\n");
        } else {
            text_printf(out, "%s, %s\n", at->ok ? "no" : "yes, not good enough",
                        threshold_figure(at, figure, sizeof(figure)));
        }
    }
}

void threshold_json(const struct thresholds *thresholds, struct json *json)
{
    json_array(json, "thresholds");
    for (size_t i = 0; i < thresholds->count; i++) {
        const struct threshold *at = &thresholds->items[i];
        json_object(json, NULL);
        json_string(json, "condition", at->text);
        json_double(json, "measured", at->measured);
        json_bool(json, "ok", at->ok);
        json_end_object(json);
    }
    json_end_array(json);
}
