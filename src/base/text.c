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

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}
