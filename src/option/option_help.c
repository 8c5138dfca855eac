#include "option.h"

#include <assert.h>
#include <string.h>

#include "option_value.h"

#define HELP_COLUMN 30
#define HELP_WIDTH 80

static const char values[] =
    "\n"
    "Values:\n"
    "  numbers     k, M, G, T are powers of 1000, Ki, Mi, Gi, Ti of 1024:\n"
    "              10k is 10000, 1.5Ki is 1536\n"
    "  sizes       in bytes, with the same units, and an optional B:\n"
    "              64k is 64000, 64KiB is 65536\n"
    "  durations   ns, us, ms, s, m, h, d; without a unit, seconds:\n"
    "              500ms, 1.5s, 2m, 10\n"
    "  Write -t 8 or -t:8, --threads 8 or --threads=8.\n"
    "  If an option is given twice, the last value counts.\n";

/* A paragraph: lines from `column` on, which break at spaces. */
struct paragraph {
    FILE *out;
    size_t column;
    size_t used; /* of the current line */
};

/* Adds words to a paragraph, which may have some already. */
static void put_words(struct paragraph *paragraph, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, " ");

        if (paragraph->used == paragraph->column) {
            paragraph->used += length;
        } else if (paragraph->used + 1 + length > HELP_WIDTH) {
            fprintf(paragraph->out, "\n%*s", (int)paragraph->column, "");
            paragraph->used = paragraph->column + length;
        } else {
            putc(' ', paragraph->out);
            paragraph->used += 1 + length;
        }
        fprintf(paragraph->out, "%.*s", (int)length, text);
        text += length + (text[length] == ' ');
    }
}

/* The same, on a new line unless the current one has room for all of them. */
static void put_together(struct paragraph *paragraph, const char *text)
{
    if (paragraph->used + 1 + strlen(text) > HELP_WIDTH) {
        fprintf(paragraph->out, "\n%*s", (int)paragraph->column, "");
        paragraph->used = paragraph->column;
    }
    put_words(paragraph, text);
}

/* Writes `text` from `column` on, where the line stands, and ends the line. */
static void put_paragraph(FILE *out, const char *text, size_t column)
{
    struct paragraph paragraph = {out, column, column};

    put_words(&paragraph, text);
    putc('\n', out);
}

/* "  -t, --threads N". Returns its width. */
static int put_usage(FILE *out, const struct option_row *row)
{
    const char *before_name = row->letter != '\0' ? ", " : "      ";
    int used = 0;

    if (row->word) {
        return fprintf(out, "  %s", row->argument);
    }
    used += row->letter != '\0' ? fprintf(out, "  -%c", row->letter) : 0;
    used += row->other_letter != '\0' ? fprintf(out, ", -%c", row->other_letter) : 0;
    used += row->name != NULL ? fprintf(out, "%s--%s", before_name, row->name) : 0;
    if (row->argument != NULL) {
        used += fprintf(out, row->implied != NULL ? "[=%s]" : " %s", row->argument);
    }
    return used;
}

/* The row's help, and in brackets the range of a number and the default. */
static void put_meaning(FILE *out, const struct option_row *row)
{
    struct paragraph paragraph = {out, HELP_COLUMN, HELP_COLUMN};
    const char *initial = row->default_note != NULL ? row->default_note : row->default_text;
    bool ranged = option_is_number(row) || row->type == OPTION_SWITCH;
    char range[OPTION_RANGE_SIZE] = "";
    char bracket[OPTION_RANGE_SIZE + 80];

    put_words(&paragraph, row->help);
    if (ranged) {
        option_range(row, range, sizeof range);
    }
    if (ranged || initial != NULL) {
        (void)snprintf(bracket, sizeof bracket, "[%s%s%s%s]", range,
                       ranged && initial != NULL ? "; " : "", initial != NULL ? "default " : "",
                       initial != NULL ? initial : "");
        put_together(&paragraph, bracket);
    }
    putc('\n', out);
}

static void put_rows(FILE *out, const struct option_program *program)
{
    const char *group = "";

    for (size_t i = 0; i < program->row_count; i++) {
        const struct option_row *row = &program->rows[i];
        int used;

        if (strcmp(row->group, group) != 0) {
            group = row->group;
            fprintf(out, "\n%s:\n", group);
        }
        used = put_usage(out, row);
        if (used > HELP_COLUMN - 2) {
            putc('\n', out);
            used = 0;
        }
        fprintf(out, "%*s", HELP_COLUMN - used, "");
        put_meaning(out, row);
    }
}

void option_help(const struct option_program *program, FILE *out)
{
    assert(program != NULL && out != NULL);
    fprintf(out, "Usage: %s [OPTION]...", program->name);
    for (size_t i = 0; i < program->row_count; i++) {
        if (program->rows[i].word) {
            bool several = program->rows[i].type == OPTION_WORDS;

            fprintf(out, several ? " %s..." : " [%s]", program->rows[i].argument);
        }
    }
    putc('\n', out);
    put_paragraph(out, program->summary, 0);
    put_rows(out, program);
    fputs(values, out);
    fprintf(out, "\nExamples:\n");
    for (size_t i = 0; i < program->example_count; i++) {
        fprintf(out, "  %s\n      ", program->examples[i].command);
        put_paragraph(out, program->examples[i].meaning, 6);
    }
    fprintf(out, "\nExit codes:\n  0  success\n  1  failure: ");
    put_paragraph(out, program->failure, 14);
    fprintf(out, "  2  wrong usage\n");
    if (program->not_enough != NULL) {
        fprintf(out, "  3  ");
        put_paragraph(out, program->not_enough, 5);
    }
}
