#include "matrix.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "backend.h"
#include "estimate.h"
#include "log.h"
#include "units.h"

enum field_type { FIELD_COUNT, FIELD_BYTES, FIELD_TIME, FIELD_FLAG, FIELD_NAME };

/* A member of an object of the file, and where it goes. */
struct field {
    const char *name;
    size_t offset;
    uint64_t min;
    uint64_t max;
    enum field_type type;
    bool required; /* others keep their value if the file lacks them */
};

#define CASE(member) offsetof(struct bench_case, member)
#define TIMES(member) offsetof(struct bench_times, member)
#define DURATION_MAX (3600 * NS_PER_S)

static const struct field case_fields[] = {
    {"name", CASE(name), 0, 0, FIELD_NAME, true},
    {"connections", CASE(connections), 1, 1000000, FIELD_COUNT, true},
    {"size", CASE(size), 1, UNITS_TIB, FIELD_BYTES, true},
    {"depth", CASE(depth), 1, 65536, FIELD_COUNT, false},
    {"workers", CASE(workers), 1, 1024, FIELD_COUNT, false},
    {"lifetime", CASE(lifetime), 0, UINT64_C(1000000000000), FIELD_COUNT, false},
    {"busy_poll", CASE(busy_poll_ns), 0, NS_PER_S, FIELD_TIME, false},
    {"idle", CASE(idle), 0, 0, FIELD_FLAG, false},
    {"quick", CASE(quick), 0, 0, FIELD_FLAG, false},
};

static const struct field times_fields[] = {
    {"rounds", TIMES(rounds), ESTIMATE_PAIRS_MIN, ESTIMATE_MAX, FIELD_COUNT, true},
    {"duration", TIMES(duration_ns), 10 * NS_PER_MS, DURATION_MAX, FIELD_TIME, true},
    {"warmup", TIMES(warmup_ns), NS_PER_MS, DURATION_MAX, FIELD_TIME, true},
};

static int matrix_fail(char *error, const char *format, ...) TEXT_FORMAT(2, 3);
static int matrix_fail(char *error, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(error, MATRIX_ERROR_SIZE, format, list);
    va_end(list);
    return UV_EINVAL;
}

/* ---- members ------------------------------------------------------------------------------- */

/* A number, or a text with a unit. */
static int matrix_number(const struct field *field, const json_t *value, uint64_t *number)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0 && field->type != FIELD_TIME) {
        *number = (uint64_t)json_integer_value(value);
    } else if (!json_is_string(value) || field->type == FIELD_COUNT) {
        return UV_EINVAL;
    } else {
        const char *text = json_string_value(value);
        int status = field->type == FIELD_BYTES ? units_parse_bytes(text, number)
                                                : units_parse_duration(text, number);
        if (status != 0) {
            return status;
        }
    }
    return *number >= field->min && *number <= field->max ? 0 : UV_ERANGE;
}

/* Names become words of the command line and keys of results. */
static bool matrix_is_name(const json_t *value)
{
    const char *text = json_string_value(value);
    return text != NULL && text[0] != '\0' && strlen(text) < 48 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-") ==
               strlen(text);
}

static int matrix_store(const struct field *field, const json_t *value, void *into, char *error)
{
    static const char *const wanted[] = {"a whole number", "a size, as 64 or \"64KiB\"",
                                         "a time, as \"2s\"", "true or false",
                                         "a text of letters, digits, '+', '-', '_' and '.'"};
    unsigned char *at = (unsigned char *)into + field->offset;
    int status = 0;
    if (field->type == FIELD_FLAG) {
        bool flag = json_is_true(value);
        memcpy(at, &flag, sizeof(flag));
        status = json_is_boolean(value) ? 0 : UV_EINVAL;
    } else if (field->type == FIELD_NAME) {
        const char *text = json_string_value(value);
        memcpy(at, &text, sizeof(text));
        status = matrix_is_name(value) ? 0 : UV_EINVAL;
    } else {
        uint64_t number = 0;
        status = matrix_number(field, value, &number);
        memcpy(at, &number, sizeof(number));
    }
    if (status == UV_ERANGE) {
        return matrix_fail(error, "\"%s\" is out of range", field->name);
    }
    return status == 0 ? 0
                       : matrix_fail(error, "\"%s\" must be %s", field->name, wanted[field->type]);
}

static const struct field *matrix_field(const struct field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

/* Takes all members of an object. An unknown one is an error. */
static int matrix_object(const struct field *fields, size_t count, const json_t *object, void *into,
                         char *error)
{
    const char *key;
    json_t *value;
    int status = json_is_object(object) ? 0 : matrix_fail(error, "an object is missing");
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        const struct field *field = matrix_field(fields, count, key);
        if (status == 0) {
            status = field == NULL ? matrix_fail(error, "unknown member \"%s\"", key)
                                   : matrix_store(field, value, into, error);
        }
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        if (fields[i].required && json_object_get(object, fields[i].name) == NULL) {
            status = matrix_fail(error, "\"%s\" is missing", fields[i].name);
        }
    }
    return status;
}

/* ---- parts --------------------------------------------------------------------------------- */

static int matrix_add_case(struct matrix *matrix, const json_t *object, char *error)
{
    struct bench_case added = {.depth = 1, .workers = 1};
    char why[MATRIX_ERROR_SIZE];
    const char *name = json_string_value(json_object_get(object, "name"));
    if (matrix->case_count == MATRIX_CASES_MAX) {
        return matrix_fail(error, "more than %d cases", MATRIX_CASES_MAX);
    }
    if (matrix_object(case_fields, LENGTH(case_fields), object, &added, why) != 0) {
        return matrix_fail(error, "case %zu (%.40s): %.160s", matrix->case_count + 1,
                           name == NULL ? "no name" : name, why);
    }
    if (matrix_case(matrix, added.name) != NULL) {
        return matrix_fail(error, "two cases are called \"%s\"", added.name);
    }
    matrix->cases[matrix->case_count++] = added;
    return 0;
}

/* Whether there is such a backend on any system. */
static bool matrix_is_backend(const char *name)
{
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        if (strcmp(at->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int matrix_add_arguments(struct bench_backend *backend, const json_t *arguments, char *error)
{
    size_t count = json_array_size(arguments);
    if ((arguments != NULL && !json_is_array(arguments)) || count > MATRIX_ARGUMENTS_MAX) {
        return matrix_fail(error, "backend \"%s\": \"arguments\" must be a list of at most %d",
                           backend->name, MATRIX_ARGUMENTS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        backend->arguments[i] = json_string_value(json_array_get(arguments, i));
        if (backend->arguments[i] == NULL) {
            return matrix_fail(error, "backend \"%s\": an argument is not a text", backend->name);
        }
    }
    backend->argument_count = count;
    return 0;
}

/* The member of an object that a backend doesn't have, or NULL. */
static const char *matrix_stranger(const json_t *object)
{
    static const char *const known[] = {"name", "backend", "arguments"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < LENGTH(known); i++) {
            found = found || strcmp(key, known[i]) == 0;
        }
        if (!found) {
            return key;
        }
    }
    return NULL;
}

/* "uv", or {"name": "uv-poll", "backend": "uv", "arguments": ["--busy-poll=20us"]}. */
static int matrix_add_backend(struct matrix *matrix, const json_t *value, char *error)
{
    struct bench_backend added = {0};
    bool plain = json_is_string(value);
    const json_t *name = plain ? value : json_object_get(value, "name");
    const json_t *backend = plain ? value : json_object_get(value, "backend");
    if (matrix->backend_count == MATRIX_BACKENDS_MAX) {
        return matrix_fail(error, "more than %d backends", MATRIX_BACKENDS_MAX);
    }
    if (!matrix_is_name(name) || !json_is_string(backend)) {
        return matrix_fail(error,
                           "backend %zu: it is a name, or an object with \"name\", "
                           "\"backend\" and perhaps \"arguments\"",
                           matrix->backend_count + 1);
    }
    added.name = json_string_value(name);
    added.backend = json_string_value(backend);
    if (!plain && matrix_stranger(value) != NULL) {
        return matrix_fail(error, "backend \"%.40s\": unknown member \"%.40s\"", added.name,
                           matrix_stranger(value));
    }
    if (!matrix_is_backend(added.backend)) {
        return matrix_fail(error, "there is no backend \"%.40s\" on any system", added.backend);
    }
    for (size_t i = 0; i < matrix->backend_count; i++) {
        if (strcmp(matrix->backends[i].name, added.name) == 0) {
            return matrix_fail(error, "two backends are called \"%s\"", added.name);
        }
    }
    if (!plain && matrix_add_arguments(&added, json_object_get(value, "arguments"), error) != 0) {
        return UV_EINVAL;
    }
    matrix->backends[matrix->backend_count++] = added;
    return 0;
}

typedef int add_function(struct matrix *matrix, const json_t *value, char *error);

static int matrix_list(struct matrix *matrix, const char *name, add_function *add, char *error)
{
    const json_t *list = json_object_get(matrix->root, name);
    int status = json_array_size(list) > 0 ? 0 : matrix_fail(error, "\"%s\" is missing", name);
    for (size_t i = 0; i < json_array_size(list) && status == 0; i++) {
        status = add(matrix, json_array_get(list, i), error);
    }
    return status;
}

static int matrix_times(const json_t *object, struct bench_times *times, char *error)
{
    return matrix_object(times_fields, LENGTH(times_fields), object, times, error);
}

/* The members of the file itself: the times of `full`, beside lists and objects. */
static int matrix_head(struct matrix *matrix, char *error)
{
    static const struct field buffer = {"buffer_size", offsetof(struct matrix, buffer_size),
                                        UNITS_KIB,     64 * UNITS_MIB,
                                        FIELD_BYTES,   true};
    json_t *full = json_object();
    const char *key;
    json_t *value;
    int status = json_object_get(matrix->root, buffer.name) != NULL
                     ? 0
                     : matrix_fail(error, "\"%s\" is missing", buffer.name);
    json_object_foreach(matrix->root, key, value)
    {
        if (strcmp(key, buffer.name) == 0 && status == 0) {
            status = matrix_store(&buffer, value, matrix, error);
        } else if (strcmp(key, "cases") != 0 && strcmp(key, "backends") != 0 &&
                   strcmp(key, "quick") != 0 && strcmp(key, buffer.name) != 0) {
            (void)json_object_set(full, key, value);
        }
    }
    if (status == 0) {
        status = matrix_times(full, &matrix->full, error);
    }
    json_decref(full);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int matrix_fill(struct matrix *matrix, char *error)
{
    if (!json_is_object(matrix->root)) {
        return matrix_fail(error, "it is not an object");
    }
    int status = matrix_head(matrix, error);
    if (status == 0) {
        char why[MATRIX_ERROR_SIZE];
        status = matrix_times(json_object_get(matrix->root, "quick"), &matrix->quick, why);
        if (status != 0) {
            (void)matrix_fail(error, "\"quick\": %.200s", why);
        }
    }
    if (status == 0) {
        status = matrix_list(matrix, "backends", matrix_add_backend, error);
    }
    return status == 0 ? matrix_list(matrix, "cases", matrix_add_case, error) : status;
}

static int matrix_take(struct matrix *matrix, json_t *root, const json_error_t *problem,
                       char *error)
{
    memset(matrix, 0, sizeof(*matrix));
    matrix->root = root;
    if (root == NULL) {
        return problem->line < 0 ? matrix_fail(error, "%s", problem->text)
                                 : matrix_fail(error, "line %d: %s", problem->line, problem->text);
    }
    return matrix_fill(matrix, error);
}

int matrix_read(struct matrix *matrix, const char *path, char *error)
{
    json_error_t problem;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
    return matrix_take(matrix, root, &problem, error);
}

int matrix_parse(struct matrix *matrix, const char *text, char *error)
{
    json_error_t problem;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    return matrix_take(matrix, root, &problem, error);
}

void matrix_free(struct matrix *matrix)
{
    json_decref(matrix->root);
    matrix->root = NULL;
}

const struct bench_case *matrix_case(const struct matrix *matrix, const char *name)
{
    for (size_t i = 0; i < matrix->case_count; i++) {
        if (strcmp(matrix->cases[i].name, name) == 0) {
            return &matrix->cases[i];
        }
    }
    return NULL;
}
