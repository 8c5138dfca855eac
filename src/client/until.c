#include "until.h"

#include <assert.h>
#include <math.h>

#include "units.h"

void until_init(struct until *until, const char *text)
{
    *until = (struct until){.text = text, .half_width_percent = NAN};
    if (text != NULL) {
        bool parsed = condition_parse_precision(text, &until->condition);
        assert(parsed); /* the option's row has checked it */
        (void)parsed;
    }
}

void until_look(struct until *until, const struct batches *batches)
{
    if (until->text == NULL || until->reached) {
        return;
    }
    precision_estimate(batches, 0, batches->count, until->condition.percentile, &until->precision);
    until->half_width_percent = precision_half_width_percent(&until->precision);
    until->reached = batches->count >= UNTIL_BATCHES_MIN &&
                     until->half_width_percent <= until->condition.percent; /* false for NAN */
}

bool until_has_failed(const struct until *until)
{
    return until->text != NULL && !until->reached;
}

void until_text(const struct until *until, struct text *out)
{
    const struct precision *precision = &until->precision;
    char value[UNITS_TEXT_SIZE];
    if (until->text == NULL) {
        return;
    }
    text_printf(out, "  until        %s: %s", until->text,
                until->reached ? "reached" : "cannot tell");
    if (precision->known) {
        text_printf(out, ", p%g is %s +-%.1f %%", precision->percentile,
                    units_format_duration(value, sizeof(value), precision->value_ns),
                    until->half_width_percent);
    } else {
        text_printf(out, ", %s",
                    precision->why[0] != '\0' ? precision->why : "nothing was measured");
    }
    text_printf(out, "%s\n", until->reached ? "" : "; measure longer");
}

void until_json(const struct until *until, struct json *json)
{
    if (until->text == NULL) {
        json_null(json, "until");
        return;
    }
    json_object(json, "until");
    json_string(json, "condition", until->text);
    json_bool(json, "reached", until->reached);
    json_double(json, "half_width_percent", until->half_width_percent);
    json_end_object(json);
}
