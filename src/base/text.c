#include "text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE_MIN 1024

/* Makes room for `more` bytes and a NUL. */
static bool text_reserve(struct text *text, size_t more)
{
    if (text->failed || more < text->size - text->length) {
        return !text->failed;
    }
    size_t size = text->size < TEXT_SIZE_MIN ? TEXT_SIZE_MIN : text->size;
    while (size <= SIZE_MAX / 4 && size - text->length <= more) {
        size *= 2;
    }
    char *data = size - text->length > more ? realloc(text->data, size) : NULL;
    text->failed = data == NULL;
    if (data != NULL) {
        text->data = data;
        text->size = size;
    }
    return data != NULL;
}

void text_append(struct text *text, const void *data, size_t length)
{
    if (text_reserve(text, length)) {
        memcpy(text->data + text->length, data, length);
        text->length += length;
        text->data[text->length] = '\0';
    }
}

void text_string(struct text *text, const char *string)
{
    text_append(text, string, strlen(string));
}

void text_character(struct text *text, char character)
{
    text_append(text, &character, 1);
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list list;
    va_list again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    assert(length >= 0);
    if (text_reserve(text, (size_t)length)) {
        (void)vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(list);
}

/* The length of the first part of a line that must be broken; it ends before a blank. */
static size_t text_break(const char *line, size_t length, size_t columns, size_t indent)
{
    size_t at = columns;
    while (at > indent && line[at] != ' ') {
        at--;
    }
    for (size_t mark = at; mark > columns / 2; mark--) {
        if (line[mark] == ' ' && strchr(",;:", line[mark - 1]) != NULL) {
            return mark;
        }
    }
    while (at < length && (at <= indent || line[at] != ' ')) {
        at++;
    }
    return at;
}

/* Adds a line, without its end, in as many parts as it takes. */
static void text_add_wrapped(struct text *text, const char *line, size_t length, size_t columns,
                             size_t indent)
{
    size_t lead = 0; /* columns that the blanks before the part take */
    while (lead + length > columns) {
        size_t part = text_break(line, length, columns - lead, indent - lead);
        text_append(text, line, part);
        while (part < length && line[part] == ' ') {
            part++;
        }
        line += part;
        length -= part;
        if (length == 0) {
            return;
        }
        lead = indent;
        text_printf(text, "\n%*s", (int)indent, "");
    }
    text_append(text, line, length);
}

void text_wrap(struct text *text, size_t begin, size_t columns, size_t indent)
{
    assert(begin <= text->length && indent < columns / 2);
    struct text wrapped = {0};
    const char *line = text->data == NULL ? "" : text->data + begin;
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        text_add_wrapped(&wrapped, line, length, columns, indent);
        line += length;
        if (*line == '\n') {
            text_character(&wrapped, *line++);
        }
    }
    if (wrapped.failed) {
        text->failed = true;
    } else if (wrapped.length > 0) {
        text->length = begin;
        text_append(text, wrapped.data, wrapped.length);
    }
    text_free(&wrapped);
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}
