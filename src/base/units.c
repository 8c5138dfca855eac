#include "units.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

/* 10^18 fits 64 bits. */
#define FRACTION_DIGITS_MAX 18

struct unit {
    const char *text;
    uint64_t factor;
};

/* From the smallest to the largest. The exact texts never use the first. */
static const struct unit count_units[] = {
    {"", 1},
    {"K", UINT64_C(1000)},
    {"k", UINT64_C(1000)},
    {"Ki", UNITS_KIB},
    {"M", UINT64_C(1000000)},
    {"Mi", UNITS_MIB},
    {"G", UINT64_C(1000000000)},
    {"Gi", UNITS_GIB},
    {"T", UINT64_C(1000000000000)},
    {"Ti", UNITS_TIB},
};

static const struct unit bytes_units[] = {
    {"", 1}, {"KiB", UNITS_KIB}, {"MiB", UNITS_MIB}, {"GiB", UNITS_GIB}, {"TiB", UNITS_TIB},
};

static const struct unit duration_units[] = {
    {"", NS_PER_S},         {"ns", 1},         {"us", NS_PER_US},
    {"ms", NS_PER_MS},      {"s", NS_PER_S},   {"m", 60 * NS_PER_S},
    {"h", 3600 * NS_PER_S}, {"d", NS_PER_DAY},
};

/* whole + numerator / denominator. */
struct decimal {
    uint64_t whole;
    uint64_t numerator;
    uint64_t denominator; /* a power of ten */
    bool overflow;        /* the whole part doesn't fit 64 bits */
};

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Reads digits of `base` (10 or 16); returns where they end. */
static const char *scan_digits(const char *text, unsigned base, uint64_t *value, bool *overflow)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";

    *value = 0;
    *overflow = false;
    for (; *text != '\0'; text++) {
        const char *found = strchr(digits, *text);
        uint64_t digit = found != NULL ? (uint64_t)(found - digits) % 16 : 16;

        if (digit >= base) {
            break;
        }
        if (*value > (UINT64_MAX - digit) / base) {
            *overflow = true;
        } else {
            *value = *value * base + digit;
        }
    }
    return text;
}

/* Returns where the number ends, or NULL when there is none or its fraction is too long. */
static const char *scan_decimal(const char *text, struct decimal *decimal)
{
    const char *end = scan_digits(text, 10, &decimal->whole, &decimal->overflow);
    const char *fraction = end + 1;
    bool overflow;

    decimal->numerator = 0;
    decimal->denominator = 1;
    if (end == text || *end != '.') {
        return end == text ? NULL : end;
    }
    end = scan_digits(fraction, 10, &decimal->numerator, &overflow);
    if (end == fraction || end - fraction > FRACTION_DIGITS_MAX) {
        return NULL;
    }
    for (ptrdiff_t i = end - fraction; i > 0; i--) {
        decimal->denominator *= 10;
    }
    return end;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static int decimal_times(const struct decimal *decimal, uint64_t factor, uint64_t *value)
{
    assert(factor > 0 && decimal->denominator > 0);
    uint64_t divisor = common_divisor(decimal->numerator, decimal->denominator);
    assert(divisor > 0);
    uint64_t denominator = decimal->denominator / divisor;
    uint64_t fraction = factor / denominator * (decimal->numerator / divisor);

    if (factor % denominator != 0) {
        return UV_EINVAL;
    }
    if (decimal->overflow || decimal->whole > (UINT64_MAX - fraction) / factor) {
        return UV_ERANGE;
    }
    *value = decimal->whole * factor + fraction;
    return 0;
}

/* The factor of the unit that the `length` bytes at `text` name; 0 if they name none. */
static uint64_t unit_factor(const struct unit *units, size_t count, const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].text) == length && memcmp(units[i].text, text, length) == 0) {
            return units[i].factor;
        }
    }
    return 0;
}

/* `ending` is a character that may follow any unit, or '\0'. */
static int parse(const char *text, const struct unit *units, size_t count, char ending,
                 uint64_t *value)
{
    struct decimal decimal;
    const char *unit;
    size_t length;
    uint64_t factor;

    assert(text != NULL && value != NULL);
    unit = scan_decimal(text, &decimal);
    if (unit == NULL) {
        return UV_EINVAL;
    }
    length = strlen(unit);
    if (length > 0 && unit[length - 1] == ending) {
        length--;
    }
    factor = unit_factor(units, count, unit, length);
    return factor == 0 ? UV_EINVAL : decimal_times(&decimal, factor, value);
}

int units_parse_count(const char *text, uint64_t *value)
{
    return parse(text, count_units, LENGTH(count_units), '\0', value);
}

int units_parse_decimal(const char *text, double *value)
{
    struct decimal decimal;
    const char *unit = scan_decimal(text, &decimal);
    uint64_t factor = 0;

    if (unit != NULL) {
        factor = unit_factor(count_units, LENGTH(count_units), unit, strlen(unit));
    }
    if (factor == 0) {
        return UV_EINVAL;
    }
    if (decimal.overflow) {
        return UV_ERANGE;
    }
    *value = ((double)decimal.whole + (double)decimal.numerator / (double)decimal.denominator) *
             (double)factor;
    return 0;
}

int units_parse_bytes(const char *text, uint64_t *value)
{
    return parse(text, count_units, LENGTH(count_units), 'B', value);
}

int units_parse_duration(const char *text, uint64_t *value_ns)
{
    return parse(text, duration_units, LENGTH(duration_units), '\0', value_ns);
}

int units_parse_integer(const char *text, uint64_t *value)
{
    bool hexadecimal;
    bool overflow;
    uint64_t integer;
    const char *end;

    assert(text != NULL && value != NULL);
    hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    text += hexadecimal ? 2 : 0;
    end = scan_digits(text, hexadecimal ? 16 : 10, &integer, &overflow);
    if (end == text || *end != '\0') {
        return UV_EINVAL;
    }
    if (overflow) {
        return UV_ERANGE;
    }
    *value = integer;
    return 0;
}

/* How many decimals show `value` with `digits` digits in all, after rounding. */
static int decimals_of(double value, int digits)
{
    int decimals = digits - 1;
    double half = 0.5;
    double bound = 10;

    for (int i = 0; i < decimals; i++) {
        half /= 10;
    }
    while (decimals > 0 && value >= bound - half) {
        decimals--;
        half *= 10;
        bound *= 10;
    }
    return decimals;
}

/* Writes `value`, in the unit names[0], in the first unit in which it is below `step`. Each unit is
 * `step` times the one before. */
static char *format_scaled(char *buffer, size_t size, double value, int digits, double step,
                           const char *const *names, size_t count)
{
    size_t i = 0;
    double half = digits == 3 ? 0.5 : 0.05; /* from `step` - `half` on it rounds up to `step` */
    int decimals;

    assert(buffer != NULL && size >= UNITS_TEXT_SIZE);
    assert(value >= 0 && (digits == 3 || digits == 4));
    while (i + 1 < count && value >= step - half) {
        value /= step;
        i++;
    }
    decimals = decimals_of(value, digits);
    if (i == 0 && value < step && value - (double)(uint64_t)value == 0) {
        decimals = 0;
    }
    snprintf(buffer, size, "%.*f%s", decimals, value, names[i]);
    return buffer;
}

char *units_format_bytes(char *buffer, size_t size, double value)
{
    static const char *const names[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};

    return format_scaled(buffer, size, value, 3, 1024, names, LENGTH(names));
}

char *units_format_count(char *buffer, size_t size, double value)
{
    static const char *const names[] = {"", " k", " M", " G", " T", " P", " E"};

    return format_scaled(buffer, size, value, 4, 1000, names, LENGTH(names));
}

char *units_format_rate(char *buffer, size_t size, double value)
{
    static const char *const names[] = {"/s", " k/s", " M/s", " G/s", " T/s", " P/s", " E/s"};

    return format_scaled(buffer, size, value, 4, 1000, names, LENGTH(names));
}

char *units_format_duration(char *buffer, size_t size, uint64_t value_ns)
{
    static const char *const names[] = {" ns", " us", " ms", " s"};
    uint64_t seconds = value_ns / NS_PER_S;

    assert(buffer != NULL && size >= UNITS_TEXT_SIZE);
    if (value_ns < 60 * NS_PER_S - 50 * NS_PER_MS) {
        return format_scaled(buffer, size, (double)value_ns, 3, 1000, names, LENGTH(names));
    }
    seconds += value_ns % NS_PER_S >= NS_PER_S / 2;
    if (seconds < 3600) {
        snprintf(buffer, size, "%" PRIu64 " min %02" PRIu64 " s", seconds / 60, seconds % 60);
    } else {
        uint64_t minutes = seconds / 60 + (seconds % 60 >= 30);

        snprintf(buffer, size, "%" PRIu64 " h %02" PRIu64 " min", minutes / 60, minutes % 60);
    }
    return buffer;
}

char *units_format_grouped(char *buffer, size_t size, uint64_t value)
{
    char digits[UNITS_TEXT_SIZE];
    size_t length;
    size_t used = 0;

    assert(buffer != NULL && size >= UNITS_TEXT_SIZE);
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            buffer[used++] = ',';
        }
        assert(is_digit(digits[i]));
        buffer[used++] = digits[i];
    }
    buffer[used] = '\0';
    return buffer;
}

/* Writes `value` in the largest unit, except the first, that divides it; without a unit if none
 * does. */
static char *format_exact(char *buffer, size_t size, uint64_t value, const struct unit *units,
                          size_t count)
{
    struct unit unit = {"", 1};

    assert(buffer != NULL && size >= UNITS_TEXT_SIZE);
    for (size_t i = 1; i < count; i++) {
        if (value != 0 && value % units[i].factor == 0) {
            unit = units[i];
        }
    }
    snprintf(buffer, size, "%" PRIu64 "%s", value / unit.factor, unit.text);
    return buffer;
}

char *units_exact_count(char *buffer, size_t size, uint64_t value)
{
    size_t count = value < 1000000 ? 0 : LENGTH(count_units);

    return format_exact(buffer, size, value, count_units, count);
}

char *units_exact_bytes(char *buffer, size_t size, uint64_t value)
{
    return format_exact(buffer, size, value, bytes_units, LENGTH(bytes_units));
}

char *units_exact_duration(char *buffer, size_t size, uint64_t value_ns)
{
    return format_exact(buffer, size, value_ns, duration_units, LENGTH(duration_units));
}

char *units_exact_decimal(char *buffer, size_t size, double value)
{
    if (value >= 1 && value < 1e18 && value == floor(value)) {
        return units_exact_count(buffer, size, (uint64_t)value);
    }
    (void)snprintf(buffer, size, "%.6g", value);
    return buffer;
}

struct units_counted units_counted(uint64_t count, const char *noun)
{
    struct units_counted result;
    char number[UNITS_TEXT_SIZE];
    (void)snprintf(result.text, sizeof(result.text), "%s %s%s",
                   units_format_grouped(number, sizeof(number), count), noun,
                   count == 1 ? "" : "s");
    return result;
}
