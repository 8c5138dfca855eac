#include "option_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "units.h"

typedef char *exact_function(char *buffer, size_t size, uint64_t value);
typedef int parse_function(const char *text, uint64_t *value);

static void range_between(const struct option_row *row, char *buffer, size_t size,
                          exact_function *exact)
{
    char min[UNITS_TEXT_SIZE];
    char max[UNITS_TEXT_SIZE];

    exact(min, sizeof min, row->min);
    exact(max, sizeof max, row->max);
    if (row->none != NULL) {
        assert(row->zero != NULL);
        snprintf(buffer, size, "0 (%s), none (%s) or %s to %s", row->zero, row->none, min, max);
    } else if (row->zero != NULL) {
        snprintf(buffer, size, "0 (%s) or %s to %s", row->zero, min, max);
    } else {
        snprintf(buffer, size, "%s to %s", min, max);
    }
}

static char *exact_integer(char *buffer, size_t size, uint64_t value)
{
    snprintf(buffer, size, "%" PRIu64, value);
    return buffer;
}

static char *exact_kib(char *buffer, size_t size, uint64_t value)
{
    snprintf(buffer, size, "%" PRIu64 " KiB", value);
    return buffer;
}

static void range_count(const struct option_row *row, char *buffer, size_t size)
{
    range_between(row, buffer, size, units_exact_count);
}

static void range_kib(const struct option_row *row, char *buffer, size_t size)
{
    range_between(row, buffer, size, exact_kib);
}

static void range_bytes(const struct option_row *row, char *buffer, size_t size)
{
    range_between(row, buffer, size, units_exact_bytes);
}

static void range_duration(const struct option_row *row, char *buffer, size_t size)
{
    range_between(row, buffer, size, units_exact_duration);
}

static void range_integer(const struct option_row *row, char *buffer, size_t size)
{
    range_between(row, buffer, size, exact_integer);
}

static void range_port(const struct option_row *row, char *buffer, size_t size)
{
    struct option_line line = option_line(buffer, size);
    char numbers[OPTION_RANGE_SIZE];

    range_between(row, numbers, sizeof numbers, exact_integer);
    option_put(&line, numbers);
    option_put(&line, " or a service name");
}

static void range_none(const struct option_row *row, char *buffer, size_t size)
{
    (void)row;
    option_line(buffer, size);
}

static void range_switch(const struct option_row *row, char *buffer, size_t size)
{
    (void)row;
    snprintf(buffer, size, "on or off");
}

static void range_choice(const struct option_row *row, char *buffer, size_t size)
{
    struct option_line line = option_line(buffer, size);

    for (size_t i = 0; row->choices[i] != NULL; i++) {
        if (i > 0) {
            option_put(&line, row->choices[i + 1] == NULL ? " or " : ", ");
        }
        option_put(&line, row->choices[i]);
    }
}

static void range_text(const struct option_row *row, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s", row->takes != NULL ? row->takes : "any text");
}

static void range_output(const struct option_row *row, char *buffer, size_t size)
{
    (void)row;
    snprintf(buffer, size, "the name of a file, or - for stdout");
}

static void range_cpus(const struct option_row *row, char *buffer, size_t size)
{
    (void)row;
    snprintf(buffer, size, "CPUs of 0 to %d", OPTION_CPU_LIMIT - 1);
}

static int store_number(const struct option_row *row, void *field, const char *text,
                        parse_function *parse)
{
    uint64_t value;
    int result = parse(text, &value);

    if (result != 0) {
        return result;
    }
    if ((value < row->min || value > row->max) && (value != 0 || row->zero == NULL)) {
        return UV_ERANGE;
    }
    *(uint64_t *)field = value;
    return 0;
}

static int store_count(const struct option_row *row, void *field, const char *text)
{
    return store_number(row, field, text, units_parse_count);
}

static int store_kib(const struct option_row *row, void *field, const char *text)
{
    uint64_t value;
    int result = store_number(row, &value, text, units_parse_count);

    if (result == 0) {
        assert(value <= UINT64_MAX / UNITS_KIB);
        *(uint64_t *)field = value * UNITS_KIB;
    }
    return result;
}

static int store_bytes(const struct option_row *row, void *field, const char *text)
{
    if (row->none != NULL && strcmp(text, "none") == 0) {
        *(uint64_t *)field = OPTION_NONE;
        return 0;
    }
    return store_number(row, field, text, units_parse_bytes);
}

static int store_duration(const struct option_row *row, void *field, const char *text)
{
    return store_number(row, field, text, units_parse_duration);
}

static int store_integer(const struct option_row *row, void *field, const char *text)
{
    return store_number(row, field, text, units_parse_integer);
}

static int store_text(const struct option_row *row, void *field, const char *text)
{
    if (row->check != NULL && !row->check(text)) {
        return UV_EINVAL;
    }
    *(const char **)field = text;
    return 0;
}

static int store_port(const struct option_row *row, void *field, const char *text)
{
    int result = option_check_port(text, row->min, row->max);

    if (result == 0) {
        *(const char **)field = text;
    }
    return result;
}

static int store_switch(const struct option_row *row, void *field, const char *text)
{
    bool on = strcmp(text, "on") == 0;

    (void)row;
    if (!on && strcmp(text, "off") != 0) {
        return UV_EINVAL;
    }
    *(bool *)field = on;
    return 0;
}

static int store_choice(const struct option_row *row, void *field, const char *text)
{
    for (int i = 0; row->choices[i] != NULL; i++) {
        if (strcmp(row->choices[i], text) == 0) {
            *(int *)field = i;
            return 0;
        }
    }
    return UV_EINVAL;
}

static int store_strings(const struct option_row *row, void *field, const char *text)
{
    struct option_strings *strings = field;
    const char **items;

    if (row->check != NULL && !row->check(text)) {
        return UV_EINVAL;
    }
    /* MSVC before 19.33 (Visual Studio 2022 17.3) warns of the strings' const without the cast. */
    items = realloc((void *)strings->items, (strings->count + 1) * sizeof *items);
    if (items == NULL) {
        return UV_ENOMEM;
    }
    items[strings->count++] = text;
    strings->items = items;
    return 0;
}

/* Returns where the number of a CPU ends, or NULL when there is none; one that is too large is
 * OPTION_CPU_LIMIT. */
static const char *scan_cpu(const char *text, int *cpu)
{
    const char *end = text;

    for (*cpu = 0; *end >= '0' && *end <= '9'; end++) {
        *cpu = *cpu * 10 + (*end - '0');
        *cpu = *cpu < OPTION_CPU_LIMIT ? *cpu : OPTION_CPU_LIMIT;
    }
    return end != text ? end : NULL;
}

/* Reads "2" or "2-3" and adds them to the `*count` ids; moves `*text` behind it. */
static int scan_cpus(const char **text, int *ids, size_t *count)
{
    int first;
    int last;
    const char *end = scan_cpu(*text, &first);

    last = first;
    if (end != NULL && *end == '-') {
        end = scan_cpu(end + 1, &last);
    }
    if (end == NULL || first > last) {
        return UV_EINVAL;
    }
    *text = end;
    if (last >= OPTION_CPU_LIMIT) {
        return UV_ERANGE;
    }
    for (; first <= last; first++) {
        for (size_t i = 0; i < *count; i++) {
            if (ids[i] == first) {
                return UV_EEXIST;
            }
        }
        ids[(*count)++] = first;
    }
    return 0;
}

static int store_cpus(const struct option_row *row, void *field, const char *text)
{
    struct option_cpus *cpus = field;
    int ids[OPTION_CPU_LIMIT];
    size_t count = 0;

    (void)row;
    for (;; text++) {
        int result = scan_cpus(&text, ids, &count);

        if (result != 0) {
            return result;
        }
        if (*text != ',') {
            break;
        }
    }
    if (*text != '\0') {
        return UV_EINVAL;
    }
    free(cpus->ids);
    *cpus = (struct option_cpus){.ids = malloc(count * sizeof *ids)};
    if (cpus->ids == NULL) {
        return UV_ENOMEM;
    }
    cpus->count = count;
    memcpy(cpus->ids, ids, count * sizeof *ids);
    return 0;
}

static const struct option_kind kinds[OPTION_TYPES] = {
    [OPTION_FLAG] = {NULL, false, range_none, NULL},
    [OPTION_SWITCH] = {NULL, true, range_switch, store_switch},
    [OPTION_COUNT] = {"a number", true, range_count, store_count},
    [OPTION_KIB] = {"a number", true, range_kib, store_kib},
    [OPTION_BYTES] = {"a size such as 64KiB", true, range_bytes, store_bytes},
    [OPTION_DURATION] = {"a duration such as 500ms", true, range_duration, store_duration},
    [OPTION_INTEGER] = {"a number", true, range_integer, store_integer},
    [OPTION_PORT] = {"a port", true, range_port, store_port},
    [OPTION_CHOICE] = {NULL, true, range_choice, store_choice},
    [OPTION_STRING] = {NULL, false, range_text, store_text},
    [OPTION_OUTPUT] = {NULL, false, range_output, store_text},
    [OPTION_STRINGS] = {NULL, false, range_text, store_strings},
    [OPTION_CPUS] = {"a list of CPUs such as 0,2-3", false, range_cpus, store_cpus},
};

const struct option_kind *option_kind(const struct option_row *row)
{
    assert(row->type < OPTION_TYPES);
    return &kinds[row->type];
}

void *option_field(const struct option_row *row, void *options)
{
    return (char *)options + row->offset;
}

void option_range(const struct option_row *row, char *buffer, size_t size)
{
    assert(row != NULL && buffer != NULL && size > 0);
    option_kind(row)->range(row, buffer, size);
}
