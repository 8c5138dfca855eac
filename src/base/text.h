#ifndef ECHOPORT_TEXT_H
#define ECHOPORT_TEXT_H

/*
 * A text that grows in memory, for output that is composed first and written as a whole:
 *
 *     struct text text = {0};
 *     text_printf(&text, "%zu workers\n", count);
 *     if (text.failed) { ... }
 *     text_free(&text);
 *
 * When memory runs out, the text keeps what it has, takes no more, and sets `failed`. So the caller
 * checks once, when the text is complete. A text belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h> /* defines __MINGW_PRINTF_FORMAT */

#if defined(__MINGW_PRINTF_FORMAT) /* not Microsoft's */
#define TEXT_FORMAT(format_at, first)                                                              \
    __attribute__((format(__MINGW_PRINTF_FORMAT, format_at, first)))
#elif defined(__GNUC__)
#define TEXT_FORMAT(format_at, first) __attribute__((format(printf, format_at, first)))
#else
#define TEXT_FORMAT(format_at, first)
#endif

/* All zero: an empty text. Only the functions below change it; read `data`, `length`, `failed`. */
struct text {
    char *data; /* ends with a NUL; NULL until something is added */
    size_t length;
    size_t size; /* of the memory */
    bool failed; /* something could not be added */
};

/* Adds `length` bytes. */
void text_append(struct text *text, const void *data, size_t length);

/* Adds a string, or one character. */
void text_string(struct text *text, const char *string);
void text_character(struct text *text, char character);

/* Adds what printf() would print. */
void text_printf(struct text *text, const char *format, ...) TEXT_FORMAT(2, 3);

/* From the offset `begin` on, breaks lines that are longer than `columns`. A break is at a blank:
 * after a comma, semicolon or colon if one is in the second half. The parts after the first are
 * indented by `indent` blanks, less than half of `columns`. A longer word stays whole. */
void text_wrap(struct text *text, size_t begin, size_t columns, size_t indent);

/* Frees the memory; the text is empty again. */
void text_free(struct text *text);

#endif
