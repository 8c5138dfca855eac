#include "option.h"

#include <assert.h>
#include <string.h>

#include "json.h"
#include "units.h"

/* "--idle-timeout" is "idle_timeout_seconds". */
bool option_member(const struct option_row *row, char member[OPTION_MEMBER_SIZE])
{
    const char *unit = row->type == OPTION_DURATION ? "_seconds" : "";

    if (row->name == NULL || row->stops || row->unreported) {
        return false;
    }
    (void)snprintf(member, OPTION_MEMBER_SIZE, "%s%s", row->name, unit);
    for (char *at = strchr(member, '-'); at != NULL; at = strchr(at, '-')) {
        *at = '_';
    }
    return true;
}

static void put_number(struct json *json, const char *member, const struct option_row *row,
                       uint64_t value)
{
    if (row->none != NULL && value == OPTION_NONE) {
        json_string(json, member, "none");
    } else {
        json_uint(json, member, value);
    }
}

static void put_text(struct json *json, const char *member, const char *value)
{
    if (value != NULL) {
        json_string(json, member, value);
    } else {
        json_null(json, member);
    }
}

static void put_strings(struct json *json, const char *member, const struct option_strings *strings)
{
    json_array(json, member);
    for (size_t i = 0; i < strings->count; i++) {
        json_string(json, NULL, strings->items[i]);
    }
    json_end_array(json);
}

static void put_cpus(struct json *json, const char *member, const struct option_cpus *cpus)
{
    json_array(json, member);
    for (size_t i = 0; i < cpus->count; i++) {
        json_int(json, NULL, cpus->ids[i]);
    }
    json_end_array(json);
}

/* A number; or the text if there is none; or null. */
static void put_size(struct json *json, const char *member, uint64_t bytes, const char *several)
{
    if (bytes > 0) {
        json_uint(json, member, bytes);
    } else {
        put_text(json, member, several);
    }
}

static void put_row(struct json *json, const char *member, const struct option_row *row,
                    const void *options)
{
    const void *field = (const char *)options + row->offset;
    const void *text = (const char *)options + row->text_offset;

    switch (row->type) {
    case OPTION_FLAG:
    case OPTION_SWITCH:
        json_bool(json, member, *(const bool *)field);
        break;
    case OPTION_DURATION:
        json_double(json, member, (double)*(const uint64_t *)field / NS_PER_S);
        break;
    case OPTION_DECIMAL:
        json_double(json, member, *(const double *)field);
        break;
    case OPTION_STRING:
        put_text(json, member, *(const char *const *)field);
        break;
    case OPTION_STRINGS:
        put_strings(json, member, field);
        break;
    case OPTION_SIZE:
        put_size(json, member, *(const uint64_t *)field, *(const char *const *)text);
        break;
    case OPTION_CPUS:
        put_cpus(json, member, field);
        break;
    default:
        put_number(json, member, row, *(const uint64_t *)field);
    }
}

void option_json(const struct option_program *program, const void *options, struct json *json)
{
    assert(program != NULL && options != NULL && json != NULL);
    for (size_t i = 0; i < program->row_count; i++) {
        char member[OPTION_MEMBER_SIZE];

        if (option_member(&program->rows[i], member)) {
            put_row(json, member, &program->rows[i], options);
        }
    }
}
