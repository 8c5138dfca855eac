#include "json.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static_assert(JSON_DEPTH_MAX <= 32, "a bit of json.objects for each depth");

/* Whether `count` continuation bytes stand at `text`. The first is within low and high. */
static bool continues(const unsigned char *text, unsigned low, unsigned high, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text[i] < low || text[i] > high) {
            return false;
        }
        low = 0x80;
        high = 0xbf;
    }
    return true;
}

/*
 * The length of the UTF-8 sequence at `text`, or 0 if it is not valid (RFC 3629, section 4). The
 * narrower ranges of second bytes exclude overlong forms, surrogates, and all beyond U+10FFFF.
 */
static size_t sequence_length(const unsigned char *text)
{
    static const struct {
        unsigned char first, last; /* of the leading byte */
        unsigned char low, high;   /* of the byte after it */
        unsigned char length;
    } forms[] = {
        {0x01, 0x7f, 0x80, 0xbf, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (*text >= forms[i].first && *text <= forms[i].last) {
            size_t length = forms[i].length;

            return continues(text + 1, forms[i].low, forms[i].high, length - 1) ? length : 0;
        }
    }
    return 0;
}

/* Writes a character that needs an escape in a string. */
static void put_escape(struct text *out, unsigned char character)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    static const char hex[] = "0123456789abcdef";
    const char *found = strchr(plain, character);

    assert(character != '\0' && character <= '\\');
    text_character(out, '\\');
    if (found != NULL) {
        text_character(out, letters[found - plain]);
        return;
    }
    text_string(out, "u00");
    text_character(out, hex[character >> 4]);
    text_character(out, hex[character & 15]);
}

static void put_string(struct text *out, const char *value)
{
    const unsigned char *text = (const unsigned char *)value;

    assert(value != NULL);
    text_character(out, '"');
    while (*text != '\0') {
        size_t length = sequence_length(text);

        if (length == 0) {
            text_string(out, REPLACEMENT);
            length = 1;
        } else if (*text < ' ' || *text == '"' || *text == '\\') {
            put_escape(out, *text);
        } else {
            text_append(out, text, length);
        }
        text += length;
    }
    text_character(out, '"');
}

/* Digit by digit: the printf conversion for 64 bits isn't the same everywhere. */
static void put_uint(struct text *out, uint64_t value)
{
    char digits[20];
    size_t start = sizeof digits;

    do {
        start--;
        digits[start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    text_append(out, digits + start, sizeof digits - start);
}

/* The locale's decimal point has one byte or more. All else in a formatted number are digits, signs
 * and an e. */
static void put_number(struct text *out, const char *text)
{
    static const char numeric[] = "0123456789+-e";

    assert(*text != '\0');
    while (*text != '\0') {
        size_t length = strspn(text, numeric);

        text_append(out, text, length);
        text += length;
        if (*text != '\0') {
            text_character(out, '.');
            text += strcspn(text, numeric);
        }
    }
}

/* Writes what comes before a value. */
static void json_lead(struct json *json, const char *key)
{
    assert(json->out != NULL);
    assert(((json->objects & 1) != 0) == (key != NULL));
    if (json->comma) {
        text_character(json->out, ',');
    }
    json->comma = true;
    if (key != NULL) {
        put_string(json->out, key);
        text_character(json->out, ':');
    }
}

/* Writes what comes before a value that is neither an object nor an array. */
static void json_lead_scalar(struct json *json, const char *key)
{
    assert(json->depth > 0);
    json_lead(json, key);
}

static void json_open(struct json *json, const char *key, bool object)
{
    assert(json->depth < JSON_DEPTH_MAX);
    json_lead(json, key);
    text_character(json->out, object ? '{' : '[');
    json->objects = json->objects << 1 | object;
    json->depth++;
    json->comma = false;
}

static void json_close(struct json *json, bool object)
{
    assert(json->depth > 0);
    assert(((json->objects & 1) != 0) == object);
    text_character(json->out, object ? '}' : ']');
    json->objects >>= 1;
    json->depth--;
    json->comma = json->depth > 0;
    if (json->depth == 0) {
        text_character(json->out, '\n');
    }
}

void json_begin(struct json *json, struct text *out)
{
    assert(out != NULL);
    *json = (struct json){.out = out};
}

void json_object(struct json *json, const char *key)
{
    json_open(json, key, true);
}

void json_array(struct json *json, const char *key)
{
    json_open(json, key, false);
}

void json_end_object(struct json *json)
{
    json_close(json, true);
}

void json_end_array(struct json *json)
{
    json_close(json, false);
}

void json_uint(struct json *json, const char *key, uint64_t value)
{
    json_lead_scalar(json, key);
    put_uint(json->out, value);
}

void json_uint_if(struct json *json, const char *key, bool known, uint64_t value)
{
    if (known) {
        json_uint(json, key, value);
    } else {
        json_null(json, key);
    }
}

void json_int(struct json *json, const char *key, int64_t value)
{
    json_lead_scalar(json, key);
    if (value < 0) {
        text_character(json->out, '-');
    }
    put_uint(json->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_double(struct json *json, const char *key, double value)
{
    char text[64];
    int digits = 15;

    if (!(fabs(value) <= DBL_MAX)) { /* infinite, or not a number */
        json_null(json, key);
        return;
    }
    do {
        int length = snprintf(text, sizeof text, "%.*g", digits, value);

        assert(length > 0 && (size_t)length < sizeof text);
        (void)length;
        digits++;
    } while (digits <= 17 && strtod(text, NULL) != value);
    json_lead_scalar(json, key);
    put_number(json->out, text);
}

void json_string(struct json *json, const char *key, const char *value)
{
    assert(value != NULL);
    json_lead_scalar(json, key);
    put_string(json->out, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
    json_lead_scalar(json, key);
    text_string(json->out, value ? "true" : "false");
}

void json_null(struct json *json, const char *key)
{
    json_lead_scalar(json, key);
    text_string(json->out, "null");
}
