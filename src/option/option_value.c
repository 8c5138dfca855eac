#include "option_value.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "option_cpus.h"
#include "units.h"

static const struct {
    const char *noun;
    int (*parse)(const char *text, uint64_t *value); /* of numbers */
    char *(*exact)(char *buffer, size_t size, uint64_t value);
} types[OPTION_TYPES] = {
    [OPTION_COUNT] = {"a number", units_parse_count, units_exact_count},
    [OPTION_BYTES] = {"a size such as 64KiB", units_parse_bytes, units_exact_bytes},
    [OPTION_SIZE] = {"a size such as 64KiB", units_parse_bytes, units_exact_bytes},
    [OPTION_DECIMAL] = {"a number", NULL, NULL},
    [OPTION_DURATION] = {"a duration such as 500ms", units_parse_duration, units_exact_duration},
    [OPTION_INTEGER] = {"a number", units_parse_integer, units_exact_count},
    [OPTION_CPUS] = {"a list of different CPUs such as 0,2-3", NULL, NULL},
};

const char *option_noun(const struct option_row *row)
{
    return types[row->type].noun;
}

bool option_is_number(const struct option_row *row)
{
    return types[row->type].parse != NULL || row->type == OPTION_DECIMAL;
}

/* One end of the range of numbers. */
static void exact(const struct option_row *row, char *buffer, size_t size, uint64_t value)
{
    if (row->type == OPTION_DECIMAL) {
        units_exact_decimal(buffer, size, (double)value / 1000);
    } else {
        types[row->type].exact(buffer, size, value);
    }
}

static void range_of_numbers(const struct option_row *row, char *buffer, size_t size)
{
    char min[UNITS_TEXT_SIZE];
    char max[UNITS_TEXT_SIZE];

    exact(row, min, sizeof min, row->min);
    exact(row, max, sizeof max, row->max);
    if (row->none != NULL) {
        assert(row->zero != NULL);
        snprintf(buffer, size, "0 (%s), none (%s) or %s to %s", row->zero, row->none, min, max);
    } else if (row->zero != NULL) {
        snprintf(buffer, size, "0 (%s) or %s to %s", row->zero, min, max);
    } else if (row->type == OPTION_SIZE) {
        snprintf(buffer, size, "%s to %s, %s", min, max, row->takes);
    } else {
        snprintf(buffer, size, "%s to %s", min, max);
    }
}

void option_range(const struct option_row *row, char *buffer, size_t size)
{
    assert(size > 0);
    switch (row->type) {
    case OPTION_FLAG:
        buffer[0] = '\0';
        break;
    case OPTION_SWITCH:
        snprintf(buffer, size, "on or off");
        break;
    case OPTION_STRING:
    case OPTION_STRINGS:
    case OPTION_WORDS:
        snprintf(buffer, size, "%s", row->takes != NULL ? row->takes : "any text");
        break;
    case OPTION_CPUS:
        snprintf(buffer, size, "CPUs of 0 to %d", OPTION_CPU_LIMIT - 1);
        break;
    default:
        range_of_numbers(row, buffer, size);
    }
}

static int store_number(const struct option_row *row, uint64_t *field, const char *text)
{
    uint64_t value;
    int result;

    if (row->none != NULL && strcmp(text, "none") == 0) {
        *field = OPTION_NONE;
        return 0;
    }
    result = types[row->type].parse(text, &value);
    if (result != 0) {
        return result;
    }
    if ((value < row->min || value > row->max) && (value != 0 || row->zero == NULL)) {
        return UV_ERANGE;
    }
    *field = value * (row->scale != 0 ? row->scale : 1);
    return 0;
}

static int store_decimal(const struct option_row *row, double *field, const char *text)
{
    double value;
    int result = units_parse_decimal(text, &value);

    if (result != 0) {
        return result;
    }
    if ((value * 1000 < (double)row->min || value * 1000 > (double)row->max) &&
        (value > 0 || row->zero == NULL)) {
        return UV_ERANGE;
    }
    *field = value;
    return 0;
}

/* A size in bytes, or a text about several sizes. */
static int store_size(const struct option_row *row, void *options, const char *text)
{
    uint64_t *bytes = (uint64_t *)(void *)((char *)options + row->offset);
    const char **several = (const char **)(void *)((char *)options + row->text_offset);
    int result = store_number(row, bytes, text);

    if (result == UV_EINVAL && row->check(text)) {
        *bytes = 0;
        *several = text;
        return 0;
    }
    return result;
}

static int store_switch(bool *field, const char *text)
{
    bool on = strcmp(text, "on") == 0;

    if (!on && strcmp(text, "off") != 0) {
        return UV_EINVAL;
    }
    *field = on;
    return 0;
}

static int store_text(const struct option_row *row, const char **field, const char *text)
{
    if (row->check != NULL && !row->check(text)) {
        return UV_EINVAL;
    }
    *field = text;
    return 0;
}

static int store_strings(const struct option_row *row, struct option_strings *field,
                         const char *text)
{
    int result;

    if (field->count == OPTION_STRINGS_MAX) {
        return UV_E2BIG;
    }
    result = store_text(row, &field->items[field->count], text);
    field->count += result == 0;
    return result;
}

int option_store(const struct option_row *row, void *options, const char *text)
{
    void *field = (char *)options + row->offset;

    assert(row->type != OPTION_FLAG && text[0] != '\0');
    switch (row->type) {
    case OPTION_SWITCH:
        return store_switch(field, text);
    case OPTION_STRING:
        return store_text(row, field, text);
    case OPTION_STRINGS:
        return store_strings(row, field, text);
    case OPTION_DECIMAL:
        return store_decimal(row, field, text);
    case OPTION_SIZE:
        return store_size(row, options, text);
    case OPTION_CPUS:
        return option_parse_cpus(text, field);
    default:
        return store_number(row, field, text);
    }
}
