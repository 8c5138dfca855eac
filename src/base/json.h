#ifndef ECHOPORT_JSON_H
#define ECHOPORT_JSON_H

/*
 * Adds JSON (RFC 8259) to a text, part by part. Each value of the top level, an object or an array,
 * is one line of JSON Lines. It is compact, and a newline follows when it is closed.
 *
 *     json_begin(&json, out);
 *     json_object(&json, NULL);
 *     json_string(&json, "name", "echo");
 *     json_array(&json, "sizes_bytes");
 *     json_uint(&json, NULL, 64);
 *     json_end_array(&json);
 *     json_end_object(&json);         {"name":"echo","sizes_bytes":[64]}
 *
 * `key` is the member's name inside an object, and NULL inside an array and at the top level.
 * Whether a key repeats isn't checked. Strings belong to the caller and are read only during the
 * call.
 *
 * When memory runs out, `out->failed` is set. The caller checks it at the end.
 */

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

#define JSON_DEPTH_MAX 32

/* The linker sees other names: jansson, with which tests and echo-bench read JSON, has functions of
 * the same names. No file includes both headers. */
#define json_object json_write_object
#define json_array json_write_array
#define json_string json_write_string
#define json_null json_write_null

/* All members are private. */
struct json {
    struct text *out;
    unsigned depth;   /* of open objects and arrays */
    uint32_t objects; /* bit 0 = the innermost one is an object, bit 1 = the one around it, ... */
    bool comma;       /* the next value of the innermost one isn't its first */
};

/* Starts at the top level. `out` belongs to the caller and must stay while `json` is used. */
void json_begin(struct json *json, struct text *out);

/* Opens an object or an array. At most JSON_DEPTH_MAX may be open. */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);

/* Closes the innermost one, which must be of that kind. */
void json_end_object(struct json *json);
void json_end_array(struct json *json);

/* Writes all 64 bits. Readers that hold numbers as doubles round them from 2^53 on. */
void json_uint(struct json *json, const char *key, uint64_t value);
void json_int(struct json *json, const char *key, int64_t value);

/* The value, or null if it is not known. */
void json_uint_if(struct json *json, const char *key, bool known, uint64_t value);

/* Writes 15 to 17 digits: the fewest that read back as the same value. The decimal point does not
 * depend on the locale. A NaN or an infinity is written as null. */
void json_double(struct json *json, const char *key, double value);

/* `value` is UTF-8 and ends with a NUL. A byte that isn't part of a valid sequence is written as
 * U+FFFD, the replacement character. The same holds for keys. */
void json_string(struct json *json, const char *key, const char *value);

void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

#endif
