#include "suite_exceptions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define BLANKS " \t\r"

/* The text while it is read. */
struct reader {
    struct exceptions *exceptions;
    const char *name;
    unsigned line;
    struct exception heading; /* of the scenarios that follow */
    bool has_heading;
};

static bool reader_fail(const struct reader *reader, const char *what)
{
    struct exceptions *exceptions = reader->exceptions;
    (void)snprintf(exceptions->error, sizeof(exceptions->error), "%s:%u: %s", reader->name,
                   reader->line, what);
    return false;
}

static bool reader_add(struct reader *reader, const char *scenario)
{
    struct exceptions *exceptions = reader->exceptions;
    if (exceptions->count == LENGTH(exceptions->list)) {
        return reader_fail(reader, "too many exceptions");
    }
    struct exception *exception = &exceptions->list[exceptions->count++];
    *exception = reader->heading;
    exception->line = reader->line;
    (void)snprintf(exception->scenario, sizeof(exception->scenario), "%s", scenario);
    return true;
}

static bool read_kind(const char *word, enum exception_kind *kind)
{
    static const char *const names[] = {"may", "skip", "knock"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        if (strcmp(word, names[i]) == 0) {
            *kind = (enum exception_kind)i;
            return true;
        }
    }
    return false;
}

/* SYSTEM/BACKEND[:MODE] KIND: REASON */
static bool read_heading(struct reader *reader, const char *text)
{
    struct exception *heading = &reader->heading;
    char kind[8];
    *heading = (struct exception){.kind = EXCEPTION_MAY};
    reader->has_heading = sscanf(text, "%15[^/ ]/%31[^ ] %7[^: ]: %127[^\r]", heading->os,
                                 heading->backend, kind, heading->reason) == 4 &&
                          read_kind(kind, &heading->kind);
    if (!reader->has_heading) {
        return reader_fail(reader, "not SYSTEM/BACKEND[:MODE] may|skip|knock: REASON");
    }
    return heading->kind != EXCEPTION_KNOCK || reader_add(reader, "");
}

static bool read_scenario(struct reader *reader, const char *name)
{
    if (!reader->has_heading || reader->heading.kind == EXCEPTION_KNOCK) {
        return reader_fail(reader, "a scenario follows a line with may or skip");
    }
    if (strpbrk(name, BLANKS) != NULL || strlen(name) >= sizeof(reader->heading.scenario)) {
        return reader_fail(reader, "one scenario in a line");
    }
    return reader_add(reader, name);
}

static bool read_line(struct reader *reader, char *line)
{
    size_t length = strlen(line);
    while (length > 0 && strchr(BLANKS, line[length - 1]) != NULL) {
        line[--length] = '\0';
    }
    size_t indent = strspn(line, BLANKS);
    if (line[indent] == '\0' || line[indent] == '#') {
        return true;
    }
    return indent > 0 ? read_scenario(reader, line + indent) : read_heading(reader, line);
}

bool exceptions_parse(struct exceptions *exceptions, const char *name, const char *text)
{
    struct reader reader = {.exceptions = exceptions, .name = name};
    bool good = true;
    exceptions->count = 0;
    exceptions->error[0] = '\0';
    while (good && *text != '\0') {
        char line[256];
        size_t length = strcspn(text, "\n");
        reader.line++;
        (void)snprintf(line, sizeof(line), "%.*s", (int)length, text);
        good = length < sizeof(line) ? read_line(&reader, line)
                                     : reader_fail(&reader, "too long a line");
        text += length + (text[length] == '\n');
    }
    return good;
}

bool exceptions_read(struct exceptions *exceptions, const char *path)
{
    const size_t size = 1 << 16;
    char *text = calloc(1, size);
    FILE *file = fopen(path, "r");
    bool good = text != NULL && file != NULL && fread(text, 1, size - 1, file) > 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (good) {
        good = exceptions_parse(exceptions, path, text);
    } else {
        (void)snprintf(exceptions->error, sizeof(exceptions->error), "%s: can't be read", path);
    }
    free(text);
    return good;
}

bool exceptions_is_of(const char *name, const char *backend)
{
    size_t length = strlen(backend);
    return strncmp(name, backend, length) == 0 && (name[length] == '\0' || name[length] == ':');
}

bool exception_is_for_os(const struct exception *exception, const char *os)
{
    return strcmp(exception->os, "*") == 0 || strcmp(exception->os, os) == 0;
}

bool exception_is_for_backend(const struct exception *exception, const char *backend)
{
    bool any = strcmp(exception->backend, "*") == 0 && strcmp(backend, "sim") != 0;
    return any || exceptions_is_of(backend, exception->backend);
}

const struct exception *exceptions_find(const struct exceptions *exceptions, const char *os,
                                        const char *backend, const char *scenario)
{
    for (size_t i = 0; i < exceptions->count; i++) {
        const struct exception *exception = &exceptions->list[i];
        if (exception_is_for_os(exception, os) && exception_is_for_backend(exception, backend) &&
            strcmp(exception->scenario, scenario) == 0) {
            return exception;
        }
    }
    return NULL;
}

bool exceptions_want_knock(const struct exceptions *exceptions, const char *os, const char *backend)
{
    return exceptions_find(exceptions, os, backend, "") != NULL;
}
