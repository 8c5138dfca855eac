/*
 *     conformance TABLE [--print | --as=SYSTEM]
 *
 * Runs every experiment and compares its outcome with this system's column of TABLE
 * (conformance.txt). Exits with 1 if one differs, or if experiments and table don't have the same
 * names. On Windows differences are printed and are no failure: that column is what Windows
 * documents. --print only prints the outcomes. --as="Wine 8" lets the simulation behave so.
 */

#include "conformance_bench.h"
#include "util.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 6 /* name, simulation, Wine 8, Wine 10, Windows, page */
#define LINE_SIZE 600
#define ROWS_MAX 64

struct row {
    char text[LINE_SIZE];
    const char *column[COLUMNS];
    bool met;
};

static const struct experiment *const groups[] = {experiments_of_streams, experiments_of_accepts,
                                                  experiments_of_ports, NULL};
static struct row rows[ROWS_MAX];
static size_t row_count;
static char outcome[OUTCOME_SIZE];

void say(const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(outcome);
    if (used > 0 && used + 2 < sizeof(outcome)) {
        outcome[used++] = ',';
        outcome[used++] = ' ';
        outcome[used] = '\0';
    }
    va_start(arguments, format);
    (void)vsnprintf(outcome + used, sizeof(outcome) - used, format, arguments);
    va_end(arguments);
}

static char *trim(char *text)
{
    text += strspn(text, " ");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \r\n", text[length - 1]) != NULL) {
        text[--length] = '\0';
    }
    return text;
}

/* "=" stands for the simulation's column. */
static bool row_parse(struct row *row)
{
    char *at = row->text;
    for (size_t i = 0; i < COLUMNS; i++) {
        char *bar = strchr(at, '|');
        if ((bar == NULL) != (i == COLUMNS - 1)) {
            return false;
        }
        if (bar != NULL) {
            *bar = '\0';
        }
        row->column[i] = trim(at);
        if (strcmp(row->column[i], "=") == 0) {
            row->column[i] = row->column[1];
        }
        at = bar + 1;
    }
    return true;
}

static bool table_read(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    bool good = true;
    while (good && row_count < ROWS_MAX && fgets(rows[row_count].text, LINE_SIZE, file) != NULL) {
        const char first = rows[row_count].text[0];
        if (first != '#' && first != '\n') {
            good = row_parse(&rows[row_count++]);
        }
    }
    (void)fclose(file);
    return good && row_count > 0 && row_count < ROWS_MAX;
}

static size_t column_of(const char *system)
{
    static const char *const names[] = {"simulation", "Wine 8", "Wine 10", "Windows"};
    size_t i = 0;
    while (strcmp(names[i], system) != 0) {
        i++;
        assert(i < LENGTH(names));
    }
    return 1 + i;
}

static struct row *find_row(const char *name)
{
    for (size_t i = 0; i < row_count; i++) {
        if (strcmp(rows[i].column[0], name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static void experiment_run(const struct experiment *experiment)
{
    outcome[0] = '\0';
    conformance_begin();
    experiment->run();
    bench_close();
    conformance_end();
}

/* Where an outcome is a race, the cell has several, with " or " between them. */
static bool cell_has(const char *cell, const char *said)
{
    const char *at = cell;
    for (const char *next; (next = strstr(at, " or ")) != NULL; at = next + 4) {
        if (strlen(said) == (size_t)(next - at) && strncmp(at, said, strlen(said)) == 0) {
            return true;
        }
    }
    return strcmp(at, said) == 0;
}

/* Whether the outcome is the table's. */
static bool compare_one(const struct experiment *experiment, size_t column)
{
    struct row *row = find_row(experiment->name);
    experiment_run(experiment);
    if (row == NULL) {
        (void)printf("%s: not in the table: %s\n", experiment->name, outcome);
        return false;
    }
    row->met = true;
    if (!cell_has(row->column[column], outcome)) {
        (void)printf("%s: %s\n    the table has: %s\n", experiment->name, outcome,
                     row->column[column]);
        return false;
    }
    return true;
}

/* Returns how many differ. */
static int compare(size_t column)
{
    int differ = 0;
    for (size_t i = 0; groups[i] != NULL; i++) {
        for (const struct experiment *e = groups[i]; e->name != NULL; e++) {
            differ += compare_one(e, column) ? 0 : 1;
        }
    }
    for (size_t i = 0; i < row_count; i++) {
        if (!rows[i].met) {
            (void)printf("%s: in the table, but no experiment\n", rows[i].column[0]);
            differ++;
        }
    }
    return differ;
}

static void print_outcomes(void)
{
    for (size_t i = 0; groups[i] != NULL; i++) {
        for (const struct experiment *e = groups[i]; e->name != NULL; e++) {
            experiment_run(e);
            (void)printf("%s | %s\n", e->name, outcome);
            (void)fflush(stdout);
        }
    }
}

int main(int argc, char **argv)
{
    bool print = argc == 3 && strcmp(argv[2], "--print") == 0;
    bool as = argc == 3 && strncmp(argv[2], "--as=", 5) == 0;
    const char *system = conformance_system(as ? argv[2] + 5 : NULL);
    if (system == NULL || (argc != 2 && !print && !as)) {
        (void)fprintf(stderr, "usage: conformance TABLE [--print | --as=SYSTEM]\n");
        return 2;
    }
    if (print) {
        print_outcomes();
        return 0;
    }
    if (!table_read(argv[1])) {
        (void)fprintf(stderr, "%s: can't be read, or a line has not %d columns\n", argv[1],
                      COLUMNS);
        return 2;
    }
    int differ = compare(column_of(system));
    (void)printf("%zu experiments on %s, %d differ from the table\n", row_count, system, differ);
    return differ == 0 || strcmp(system, "Windows") == 0 ? 0 : 1;
}
