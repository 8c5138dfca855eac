#include "fairness.h"

#include <inttypes.h>

#include "buckets.h"
#include "units.h"

/* How many connections had no message. The first bucket that is not empty has them. */
static uint64_t fairness_none(const struct histogram *messages)
{
    struct histogram_bucket bucket;
    size_t position = 0;
    bool none = histogram_next(messages, &position, &bucket) && bucket.upper == 0;
    return none ? bucket.count : 0;
}

void fairness_text(const struct histogram *messages, struct text *out)
{
    uint64_t none = fairness_none(messages);
    char median[UNITS_TEXT_SIZE];
    if (messages->count < 2) {
        return;
    }
    text_printf(out, "  fairness     %s on the slowest connection, %s on the median one",
                units_counted(messages->min, "message").text,
                units_format_grouped(median, sizeof(median), histogram_percentile(messages, 50)));
    if (none > 0) {
        text_printf(out, "; %s had none", units_counted(none, "connection").text);
    }
    text_printf(out, "\n");
}

void fairness_json(const struct histogram *messages, struct json *json)
{
    if (messages->count == 0) {
        json_null(json, "fairness");
        return;
    }
    json_object(json, "fairness");
    json_uint(json, "slowest", messages->min);
    json_uint(json, "median", histogram_percentile(messages, 50));
    json_uint(json, "fastest", messages->max);
    json_double(json, "mean", histogram_mean(messages));
    json_uint(json, "none", fairness_none(messages));
    buckets_json(messages, json);
    json_end_object(json);
}
