#ifndef ECHOPORT_DOCUMENT_H
#define ECHOPORT_DOCUMENT_H

/* Compares tables of the programs with those of docs/report.md. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

/* Writes the `i`th row as the document has it, with its newline. */
typedef void document_row_t(const void *table, size_t i, char *line, size_t size);

/* Fails unless the document has these rows in this order, one after another, and no further row
 * after them. */
void document_has_table(const void *table, size_t count, document_row_t *row);

#endif
