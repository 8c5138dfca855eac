#include "option_internal.h"

#include <assert.h>
#include <string.h>

#define HELP_COLUMN 30
#define HELP_WIDTH 100

static const char notes[] =
    "\n"
    "Values:\n"
    "  numbers    k, M, G, T are powers of 1000, Ki, Mi, Gi, Ti of 1024: 10k is 10000, 1.5Ki is "
    "1536\n"
    "  sizes      in bytes; the same units, with or without a B: 64k is 64000, 64KiB is 65536\n"
    "  durations  ns, us, ms, s, m, h, d; seconds when there is no unit: 500ms, 1.5s, 2m, 10\n"
    "  Write -t 8 or -t:8, --threads 8 or --threads=8. Of an option given twice the last one "
    "counts.\n"
    "\n"
    "Exit codes:\n"
    "  0  all well\n";

/* Writes `text` from `column` on, where the line stands, and ends the line; breaks at spaces. */
static void put_wrapped(FILE *out, const char *text, size_t column)
{
    size_t used = column;

    while (*text != '\0') {
        size_t length = strcspn(text, " ");

        if (used > column && used + 1 + length > HELP_WIDTH) {
            fprintf(out, "\n%*s", (int)column, "");
            used = column;
        } else if (used > column) {
            putc(' ', out);
            used++;
        }
        fprintf(out, "%.*s", (int)length, text);
        used += length;
        text += length + (text[length] == ' ');
    }
    putc('\n', out);
}

/* "  -t, --threads N" */
static void usage_of(const struct option_row *row, char *buffer, size_t size)
{
    struct option_line line = option_line(buffer, size);
    const char letter[] = {'-', row->letter, '\0'};
    const char other[] = {',', ' ', '-', row->other_letter, '\0'};

    option_put(&line, "  ");
    if (row->word) {
        option_put(&line, row->argument);
        return;
    }
    option_put(&line, row->letter != '\0' ? letter : "  ");
    option_put(&line, row->other_letter != '\0' ? other : "");
    if (row->name != NULL) {
        option_put(&line, row->letter != '\0' ? ", --" : "  --");
        option_put(&line, row->name);
    }
    if (row->argument != NULL) {
        option_put(&line, row->type == OPTION_OUTPUT ? "[=" : " ");
        option_put(&line, row->argument);
        option_put(&line, row->type == OPTION_OUTPUT ? "]" : "");
    }
}

/* The row's help, and in brackets what it takes and the default. */
static void meaning_of(const struct option_row *row, char *buffer, size_t size)
{
    struct option_line line = option_line(buffer, size);
    const char *initial = row->default_note != NULL ? row->default_note : row->default_text;
    char range[OPTION_RANGE_SIZE] = "";

    if (option_kind(row)->range_in_help) {
        option_range(row, range, sizeof range);
    }
    option_put(&line, row->help);
    if (range[0] != '\0' || initial != NULL) {
        option_put(&line, " [");
        option_put(&line, range);
        option_put(&line, range[0] != '\0' && initial != NULL ? "; " : "");
        option_put(&line, initial != NULL ? "default " : "");
        option_put(&line, initial != NULL ? initial : "");
        option_put(&line, "]");
    }
}

static void put_row(FILE *out, const struct option_row *row)
{
    char text[512];

    usage_of(row, text, sizeof text);
    if (strlen(text) > HELP_COLUMN - 2) {
        fprintf(out, "%s\n%*s", text, HELP_COLUMN, "");
    } else {
        fprintf(out, "%-*s", HELP_COLUMN, text);
    }
    meaning_of(row, text, sizeof text);
    put_wrapped(out, text, HELP_COLUMN);
}

static void put_examples(FILE *out, const struct option_program *program)
{
    size_t width = 0;

    for (size_t i = 0; i < program->example_count; i++) {
        size_t length = strlen(program->examples[i].command);

        width = length > width ? length : width;
    }
    fprintf(out, "Examples:\n");
    for (size_t i = 0; i < program->example_count; i++) {
        const struct option_example *example = &program->examples[i];

        fprintf(out, "  %-*s  ", (int)width, example->command);
        put_wrapped(out, example->meaning, width + 4);
    }
}

void option_help(const struct option_program *program, FILE *out)
{
    const char *group = "";
    const char *word = NULL;

    assert(program != NULL && out != NULL);
    put_examples(out, program);
    for (size_t i = 0; i < program->row_count; i++) {
        word = program->rows[i].word ? program->rows[i].argument : word;
    }
    fprintf(out, "\nUsage: %s [OPTION]...", program->name);
    fprintf(out, word != NULL ? " [%s]\n" : "\n", word);
    put_wrapped(out, program->summary, 0);
    for (size_t i = 0; i < program->row_count; i++) {
        if (strcmp(program->rows[i].group, group) != 0) {
            group = program->rows[i].group;
            fprintf(out, "\n%s:\n", group);
        }
        put_row(out, &program->rows[i]);
    }
    fputs(notes, out);
    fprintf(out, "  1  %s\n  2  usage\n", program->failure);
}
