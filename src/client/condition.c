#include "condition.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "units.h"

#define CONDITION_TEXT_MAX 64
#define CONDITION_DIGITS_MAX 9

typedef int condition_parse_limit(const char *text, uint64_t *limit);

struct condition_name {
    const char *text;
    enum condition_figure figure;
    bool has_percentile; /* "p99" may follow, or is all of it */
    bool per_second;     /* the limit may end in "/s" */
    condition_parse_limit *parse_limit;
};

/* A name that begins with another one stands first. */
static const struct condition_name condition_names[] = {
    {"lateness-p", CONDITION_LATENESS, true, false, units_parse_duration},
    {"lateness", CONDITION_LATENESS, false, false, units_parse_duration},
    {"max", CONDITION_MAX, false, false, units_parse_duration},
    {"mean", CONDITION_MEAN, false, false, units_parse_duration},
    {"rate", CONDITION_RATE, false, true, units_parse_count},
    {"bytes", CONDITION_BYTES, false, true, units_parse_bytes},
    {"failures", CONDITION_FAILURES, false, false, units_parse_count},
    {"p", CONDITION_LATENCY, true, false, units_parse_duration},
};

struct condition_operator {
    const char *text;
    bool above;
};

static const struct condition_operator condition_operators[] = {
    {"<", false}, {">", true}, {"-below=", false}, {"-above=", true}};

/* Where `text` goes on after `start`; NULL: it doesn't begin with it. */
static const char *condition_after(const char *text, const char *start)
{
    size_t length = strlen(start);
    return strncmp(text, start, length) == 0 ? text + length : NULL;
}

/* Reads digits and adds each to `value`. `count`: how many there were. Returns where they end. */
static const char *condition_digits(const char *text, double *value, size_t *count)
{
    for (*count = 0; *text >= '0' && *text <= '9' && *count <= CONDITION_DIGITS_MAX; ++*count) {
        *value = *value * 10 + (*text++ - '0');
    }
    return text;
}

/* Reads a decimal number, which may have a fraction. Does not depend on the locale. Returns where
 * it ends; NULL: there is none, or it is too long. */
static const char *condition_number(const char *text, double *number)
{
    double value = 0;
    double scale = 1;
    size_t whole = 0;
    size_t fraction = 0;
    const char *end = condition_digits(text, &value, &whole);
    if (whole > 0 && *end == '.') {
        end = condition_digits(end + 1, &value, &fraction);
        whole = fraction > 0 ? whole : 0;
    }
    if (whole == 0 || whole + fraction > CONDITION_DIGITS_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < fraction; i++) {
        scale *= 10;
    }
    *number = value / scale;
    return end;
}

/* Reads a percentile's number. Returns where it ends; NULL: there is none from 0 to 100. */
static const char *condition_percentile(const char *text, double *percentile)
{
    const char *end = condition_number(text, percentile);
    return end != NULL && *percentile <= 100 ? end : NULL;
}

static const char *condition_parse_figure(const char *text, const struct condition_name **name,
                                          struct condition *condition)
{
    const char *end = NULL;
    condition->percentile = 99;
    for (size_t i = 0; i < LENGTH(condition_names) && end == NULL; i++) {
        *name = &condition_names[i];
        condition->figure = (*name)->figure;
        end = condition_after(text, (*name)->text);
        if (end != NULL && (*name)->has_percentile) {
            end = condition_percentile(end, &condition->percentile);
        }
    }
    return end;
}

static const char *condition_parse_operator(const char *text, struct condition *condition)
{
    const char *end = NULL;
    for (size_t i = 0; i < LENGTH(condition_operators) && end == NULL; i++) {
        end = condition_after(text, condition_operators[i].text);
        condition->above = condition_operators[i].above;
    }
    return end;
}

static bool condition_limit(const struct condition_name *name, const char *text, uint64_t *limit)
{
    char buffer[CONDITION_TEXT_MAX];
    size_t length = strlen(text);
    if (length >= sizeof(buffer)) {
        return false;
    }
    memcpy(buffer, text, length + 1);
    if (name->per_second && length > 2 && strcmp(buffer + length - 2, "/s") == 0) {
        buffer[length - 2] = '\0';
    }
    return name->parse_limit(buffer, limit) == 0;
}

bool condition_parse(const char *text, struct condition *condition)
{
    const struct condition_name *name = NULL;
    assert(text != NULL && condition != NULL);
    const char *end = condition_parse_figure(text, &name, condition);
    if (end != NULL) {
        end = condition_parse_operator(end, condition);
    }
    return end != NULL && condition_limit(name, end, &condition->limit);
}

bool condition_is(const char *text)
{
    struct condition condition;
    return condition_parse(text, &condition);
}

bool condition_is_highest(const char *text)
{
    struct condition condition;
    return condition_parse(text, &condition) && condition.figure == CONDITION_LATENCY &&
           !condition.above && condition.limit > 0 && condition.percentile > 0 &&
           condition.percentile < 100;
}

/* ---- evaluation ---------------------------------------------------------------------------- */

static double condition_percentile_of(const struct histogram *histogram, double percentile)
{
    return histogram != NULL && histogram->count > 0
               ? (double)histogram_percentile(histogram, percentile)
               : NAN;
}

double condition_measure(const struct condition *condition, const struct condition_figures *figures)
{
    double seconds = figures->seconds > 0 ? figures->seconds : NAN;
    switch (condition->figure) {
    case CONDITION_MAX:
        return condition_percentile_of(figures->latency, 100);
    case CONDITION_MEAN:
        return figures->latency->count > 0 ? histogram_mean(figures->latency) : NAN;
    case CONDITION_LATENESS:
        return condition_percentile_of(figures->lateness, condition->percentile);
    case CONDITION_RATE:
        return (double)figures->messages / seconds;
    case CONDITION_BYTES:
        return (double)figures->bytes / seconds;
    case CONDITION_FAILURES:
        return (double)figures->failures;
    case CONDITION_LATENCY:
    default:
        return condition_percentile_of(figures->latency, condition->percentile);
    }
}

bool condition_holds(const struct condition *condition, double measured)
{
    double limit = (double)condition->limit;
    return condition->above ? measured > limit : measured < limit;
}

/* ---- precision ----------------------------------------------------------------------------- */

#define CONDITION_PERCENT_MIN 0.1
#define CONDITION_PERCENT_MAX 100

bool condition_parse_precision(const char *text, struct condition_precision *precision)
{
    assert(text != NULL && precision != NULL);
    const char *end = condition_after(text, "p");
    if (end != NULL) {
        end = condition_percentile(end, &precision->percentile);
    }
    if (end == NULL || precision->percentile <= 0 || precision->percentile >= 100) {
        return false;
    }
    const char *ascii = condition_after(end, "+-");
    end = ascii != NULL ? ascii : condition_after(end, "\xc2\xb1");
    if (end != NULL) {
        end = condition_number(end, &precision->percent);
    }
    return end != NULL && strcmp(end, "%") == 0 && precision->percent >= CONDITION_PERCENT_MIN &&
           precision->percent <= CONDITION_PERCENT_MAX;
}

bool condition_is_precision(const char *text)
{
    struct condition_precision precision;
    return condition_parse_precision(text, &precision);
}
