#include "document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_SIZE ((size_t)1 << 18)

static char *document_read(void)
{
    FILE *file = fopen(REPORT_DOCUMENT, "rb");
    char *text = malloc(DOCUMENT_SIZE);
    assert_true(file != NULL && text != NULL);
    size_t length = fread(text, 1, DOCUMENT_SIZE - 1, file);
    assert_true(length < DOCUMENT_SIZE - 1);
    text[length] = '\0';
    (void)fclose(file);
    return text;
}

void document_has_table(const void *table, size_t count, document_row_t *row)
{
    char *document = document_read();
    const char *at = document;
    char line[512];
    for (size_t i = 0; i < count; i++) {
        row(table, i, line, sizeof(line));
        const char *found = strstr(at, line);
        if (found == NULL || (i > 0 && found != at)) {
            fail_msg("docs/report.md: this row is missing, or not in its place: %s", line);
            break;
        }
        at = found + strlen(line);
    }
    assert_true(*at == '\n' || *at == '\0');
    free(document);
}
