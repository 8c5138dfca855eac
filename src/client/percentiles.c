#include "percentiles.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "units.h"

#define PERCENTILES_DECIMALS 6
#define PERCENTILES_UNIT UINT64_C(1000000) /* a per cent, in the last decimal */

/* Reads digits. Returns how many they are. */
static size_t percentiles_digits(const char *text, size_t most, uint64_t *value)
{
    size_t count = 0;
    *value = 0;
    while (count < most && text[count] >= '0' && text[count] <= '9') {
        *value = *value * 10 + (uint64_t)(text[count] - '0');
        count++;
    }
    return count;
}

/* Reads a number into millionths. Returns where it ends; NULL: it is none from 0 to 100. */
static const char *percentiles_number(const char *text, uint64_t *millionths)
{
    uint64_t whole;
    uint64_t part = 0;
    size_t digits = percentiles_digits(text, 3, &whole);
    const char *end = text + digits;
    if (digits == 0) {
        return NULL;
    }
    if (*end == '.') {
        digits = percentiles_digits(end + 1, PERCENTILES_DECIMALS, &part);
        if (digits == 0) {
            return NULL;
        }
        end += 1 + digits;
        for (size_t i = digits; i < PERCENTILES_DECIMALS; i++) {
            part *= 10;
        }
    }
    *millionths = whole * PERCENTILES_UNIT + part;
    return *millionths <= 100 * PERCENTILES_UNIT ? end : NULL;
}

static void percentiles_name(uint64_t millionths, char *name)
{
    int length =
        snprintf(name, PERCENTILES_NAME, "%u.%06u", (unsigned)(millionths / PERCENTILES_UNIT),
                 (unsigned)(millionths % PERCENTILES_UNIT));
    while (length > 0 && name[length - 1] == '0') {
        length--;
    }
    length -= name[length - 1] == '.';
    name[length] = '\0';
}

/* Adds one. False: there are too many, or it is there already. */
static bool percentiles_add(struct percentiles *percentiles, uint64_t millionths)
{
    size_t count = percentiles->count;
    if (count == PERCENTILES_MAX) {
        return false;
    }
    percentiles_name(millionths, percentiles->names[count]);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(percentiles->names[i], percentiles->names[count]) == 0) {
            return false;
        }
    }
    percentiles->values[count] = (double)millionths / (double)PERCENTILES_UNIT;
    percentiles->count++;
    return true;
}

bool percentiles_parse(const char *text, struct percentiles *percentiles)
{
    uint64_t millionths;
    *percentiles = (struct percentiles){0};
    for (;;) {
        text = percentiles_number(text, &millionths);
        if (text == NULL || !percentiles_add(percentiles, millionths)) {
            return false;
        }
        if (*text != ',') {
            return *text == '\0';
        }
        text++;
    }
}

bool percentiles_is(const char *text)
{
    struct percentiles percentiles;
    return percentiles_parse(text, &percentiles);
}

void percentiles_text(const struct percentiles *percentiles, const struct histogram *histogram,
                      struct text *out)
{
    char value[UNITS_TEXT_SIZE];
    for (size_t i = 0; i < percentiles->count; i++) {
        text_printf(out, "p%s %s, ", percentiles->names[i],
                    units_format_duration(value, sizeof(value),
                                          histogram_percentile(histogram, percentiles->values[i])));
    }
}

void percentiles_json(const struct percentiles *percentiles, const struct histogram *histogram,
                      struct json *json)
{
    for (size_t i = 0; i < percentiles->count; i++) {
        json_uint_if(json, percentiles->names[i], histogram->count > 0,
                     histogram_percentile(histogram, percentiles->values[i]));
    }
}
