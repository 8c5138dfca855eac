#include "json_file.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define JSON_FILE_CHUNK ((size_t)1 << 16)

/* The depth of parts in a path; no report has as many. */
#define PART_DEPTH_MAX 16

/* ---- errors -------------------------------------------------------------------------------- */

static void json_file_fail(struct json_file *file, const char *format, ...) TEXT_FORMAT(2, 3);

static void json_file_fail(struct json_file *file, const char *format, ...)
{
    va_list arguments;
    if (file->error[0] == '\0') {
        va_start(arguments, format);
        (void)vsnprintf(file->error, sizeof(file->error), format, arguments);
        va_end(arguments);
    }
}

/* Writes "latency_ns.buckets[3]" and returns its length; 0 for the root. */
static size_t part_path(const struct part *part, char *path, size_t size)
{
    const struct part *way[PART_DEPTH_MAX];
    size_t depth = 0;
    size_t used = 0;
    for (; part->in != NULL; part = part->in) {
        assert(depth < PART_DEPTH_MAX);
        way[depth++] = part;
    }
    path[0] = '\0';
    while (depth > 0 && used < size) {
        const struct part *at = way[--depth];
        int length = at->name != NULL
                         ? snprintf(path + used, size - used, "%s%s", used > 0 ? "." : "", at->name)
                         : snprintf(path + used, size - used, "[%zu]", at->index);
        used += (size_t)length;
    }
    return used;
}

void part_fail(const struct part *part, const char *format, ...)
{
    char path[128];
    char reason[JSON_FILE_ERROR - sizeof(path) - 16];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    if (part_path(part, path, sizeof(path)) == 0) {
        json_file_fail(part->file, "%s", reason);
    } else {
        json_file_fail(part->file, "member `%s`: %s", path, reason);
    }
}

/* ---- files --------------------------------------------------------------------------------- */

/* Makes room for more. */
static bool json_file_grow(struct json_file *file, size_t *size)
{
    *size = *size == 0 ? JSON_FILE_CHUNK : 2 * *size;
    char *bytes = realloc(file->bytes, *size);
    if (bytes == NULL) {
        json_file_fail(file, "out of memory");
        return false;
    }
    file->bytes = bytes;
    return true;
}

/* Reads all of it, or somewhat more than is allowed. False: out of memory. */
static bool json_file_load(struct json_file *file, FILE *stream)
{
    size_t size = 0;
    do {
        if (file->length == size && !json_file_grow(file, &size)) {
            return false;
        }
        file->length += fread(file->bytes + file->length, 1, size - file->length, stream);
    } while (!feof(stream) && !ferror(stream) && file->length <= JSON_FILE_BYTES_MAX);
    return true;
}

bool json_file_open(struct json_file *file, const char *name)
{
    *file = (struct json_file){.name = name};
    file->root.file = file;
    FILE *stream = fopen(name, "rb");
    if (stream == NULL) {
        json_file_fail(file, "cannot open it: %s%s", strerror(errno),
                       strpbrk(name, "*?") != NULL
                           ? "; no file fits, or this shell does not expand * and ?: name each file"
                           : "");
        return false;
    }
    errno = 0;
    if (json_file_load(file, stream) && ferror(stream)) {
        json_file_fail(file, "cannot read it: %s", strerror(errno));
    } else if (file->length > JSON_FILE_BYTES_MAX) {
        json_file_fail(file, "it is longer than %zu MiB, so it is no report",
                       JSON_FILE_BYTES_MAX >> 20);
    }
    (void)fclose(stream);
    return file->error[0] == '\0';
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

bool json_file_is_over(const struct json_file *file)
{
    size_t at = file->at;
    while (at < file->length && is_blank(file->bytes[at])) {
        at++;
    }
    return at == file->length;
}

static void json_file_drop(struct json_file *file)
{
    json_decref(file->root.value);
    file->root.value = NULL;
}

/* The error of jansson: at which line of the file, and what. */
static void json_file_fail_syntax(struct json_file *file, const json_error_t *error)
{
    int line = error->line;
    for (size_t i = 0; i < file->at; i++) {
        line += file->bytes[i] == '\n';
    }
    json_file_fail(file, "line %d, column %d is no valid JSON: %s", line, error->column,
                   error->text);
}

static void json_file_free_bytes(struct json_file *file)
{
    free(file->bytes);
    file->bytes = NULL;
    file->length = file->at = 0;
}

bool json_file_next(struct json_file *file)
{
    json_error_t error;
    json_file_drop(file);
    if (file->error[0] != '\0' || json_file_is_over(file)) {
        return false;
    }
    file->root.value = json_loadb(file->bytes + file->at, file->length - file->at,
                                  JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
    if (file->root.value == NULL) {
        json_file_fail_syntax(file, &error);
        return false;
    }
    file->at += (size_t)error.position;
    if (json_file_is_over(file)) {
        json_file_free_bytes(file); /* the texts of values are copies */
    }
    return true;
}

void json_file_close(struct json_file *file)
{
    json_file_drop(file);
    json_file_free_bytes(file);
}

/* ---- values -------------------------------------------------------------------------------- */

enum part_kind part_kind(const struct part *part)
{
    if (part->value == NULL) {
        return PART_NONE;
    }
    switch (json_typeof(part->value)) {
    case JSON_NULL:
        return PART_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return PART_BOOL;
    case JSON_INTEGER:
        return PART_INTEGER;
    case JSON_REAL:
        return PART_REAL;
    case JSON_STRING:
        return PART_TEXT;
    case JSON_ARRAY:
        return PART_ARRAY;
    case JSON_OBJECT:
    default:
        return PART_OBJECT;
    }
}

/* Whether it is of that kind; otherwise says so. */
static bool part_must_be(const struct part *part, enum part_kind kind, const char *noun)
{
    if (part->value != NULL && part_kind(part) != kind) {
        part_fail(part, "it is not %s", noun);
    }
    return part_kind(part) == kind;
}

bool part_has(const struct part *of, const char *name)
{
    return json_object_get(of->value, name) != NULL;
}

struct part part_member(const struct part *of, const char *name)
{
    struct part part = {.file = of->file, .in = of, .name = name};
    if (part_must_be(of, PART_OBJECT, "an object")) {
        part.value = json_object_get(of->value, name);
        if (part.value == NULL) {
            part_fail(&part, "it is missing");
        }
    }
    return part;
}

size_t part_items(const struct part *array, size_t most)
{
    if (!part_must_be(array, PART_ARRAY, "an array")) {
        return 0;
    }
    size_t count = json_array_size(array->value);
    if (count > most) {
        part_fail(array, "it has %zu items, more than the %zu that are possible", count, most);
        return 0;
    }
    return count;
}

struct part part_item(const struct part *array, size_t index)
{
    return (struct part){.file = array->file,
                         .in = array,
                         .index = index,
                         .value = json_array_get(array->value, index)};
}

bool part_is_null(const struct part *part)
{
    return part->value == NULL || json_is_null(part->value);
}

uint64_t part_count(const struct part *part, uint64_t most)
{
    assert(most <= INT64_MAX);
    if (!part_must_be(part, PART_INTEGER, "an integer")) {
        return 0;
    }
    json_int_t value = json_integer_value(part->value);
    if (value < 0 || (uint64_t)value > most) {
        part_fail(part, "%" PRId64 " is out of range; it takes 0 to %" PRIu64, (int64_t)value,
                  most);
        return 0;
    }
    return (uint64_t)value;
}

double part_number(const struct part *part, double least, double most)
{
    if (part_kind(part) != PART_INTEGER && !part_must_be(part, PART_REAL, "a number")) {
        return 0;
    }
    double value = json_number_value(part->value);
    if (!(value >= least && value <= most)) {
        part_fail(part, "%.17g is out of range; it takes %.17g to %.17g", value, least, most);
        return 0;
    }
    return value;
}

bool part_bool(const struct part *part)
{
    return part_must_be(part, PART_BOOL, "true or false") && json_is_true(part->value);
}

/* A character that a terminal may act on: ASCII, or U+0080 to U+009F. */
static bool has_control(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at < ' ' || *at == 0x7f || (at[0] == 0xc2 && at[1] <= 0x9f)) {
            return true;
        }
    }
    return false;
}

const char *part_text(const struct part *part)
{
    if (!part_must_be(part, PART_TEXT, "a text")) {
        return "";
    }
    const char *text = json_string_value(part->value);
    if (has_control(text)) {
        part_fail(part, "it has a control character");
        return "";
    }
    return text;
}

uint64_t part_member_count(const struct part *of, const char *name, uint64_t most)
{
    struct part part = part_member(of, name);
    return part_count(&part, most);
}

double part_member_number(const struct part *of, const char *name, double least, double most)
{
    struct part part = part_member(of, name);
    return part_number(&part, least, most);
}

const char *part_member_text(const struct part *of, const char *name)
{
    struct part part = part_member(of, name);
    return part_text(&part);
}

uint64_t part_member_count_if(const struct part *of, const char *name, uint64_t most)
{
    struct part part = part_member(of, name);
    return part_is_null(&part) ? 0 : part_count(&part, most);
}

double part_member_number_if(const struct part *of, const char *name, double least, double most)
{
    struct part part = part_member(of, name);
    return part_is_null(&part) ? (double)NAN : part_number(&part, least, most);
}

const char *part_member_text_if(const struct part *of, const char *name)
{
    struct part part = part_member(of, name);
    return part_is_null(&part) ? NULL : part_text(&part);
}

void part_forget(const struct part *of, const char *name)
{
    (void)json_object_del(of->value, name);
}

void part_show(const struct part *part, struct text *out)
{
    char *text = json_dumps(part->value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY |
                                             JSON_ENSURE_ASCII | JSON_REAL_PRECISION(17));
    if (text != NULL) {
        text_string(out, text);
        free(text);
    } else {
        out->failed = out->failed || part->value != NULL;
    }
}
