#include "suite_matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "util.h"

#define MAX_COLUMNS 16
#define MAX_NOTES 16
#define MAX_EXCEPTIONS 32
#define BLANKS " \t\r\n"

/* The file while it is read. */
struct reader {
    struct matrix *matrix;
    const char *path;
    unsigned line;
    struct matrix_cell columns[MAX_COLUMNS]; /* os and backend of each */
    size_t column_count;
    char notes[MAX_NOTES][sizeof(((struct matrix_cell *)0)->note)];
    unsigned note_of[sizeof(((struct matrix *)0)->cells) / sizeof(struct matrix_cell)];
    struct exception {
        struct matrix_cell cell;
        unsigned note;
        bool used;
    } exceptions[MAX_EXCEPTIONS]; /* of modes */
    size_t exception_count;
};

static bool reader_fail(const struct reader *reader, const char *what)
{
    (void)fprintf(stderr, "%s:%u: %s\n", reader->path, reader->line, what);
    return false;
}

/* The next word of *rest, cut out of the line; NULL at its end. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, BLANKS);
    size_t length = strcspn(word, BLANKS);
    if (length == 0) {
        return NULL;
    }
    *rest = word + length + (word[length] != '\0');
    word[length] = '\0';
    return word;
}

/* os/backend */
static bool read_column(char *word, struct matrix_cell *column)
{
    char *slash = word != NULL ? strchr(word, '/') : NULL;
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    *column = (struct matrix_cell){.kind = MATRIX_NONE};
    (void)snprintf(column->os, sizeof(column->os), "%s", word);
    (void)snprintf(column->backend, sizeof(column->backend), "%s", slash + 1);
    return true;
}

/* scenario os/backend os/backend ... */
static bool read_columns(struct reader *reader, char *rest)
{
    char *word;
    while ((word = next_word(&rest)) != NULL) {
        if (reader->column_count == MAX_COLUMNS ||
            !read_column(word, &reader->columns[reader->column_count++])) {
            return reader_fail(reader, "a column is os/backend, and there are 16 at the most");
        }
    }
    return true;
}

/* mode os/backend:mode like os/backend [knock] */
static bool read_mode(struct reader *reader, char *rest)
{
    struct matrix *matrix = reader->matrix;
    if (matrix->mode_count == sizeof(matrix->modes) / sizeof(matrix->modes[0])) {
        return reader_fail(reader, "too many modes");
    }
    struct matrix_mode *mode = &matrix->modes[matrix->mode_count++];
    bool good = read_column(next_word(&rest), &mode->column);
    const char *like = next_word(&rest);
    good = good && like != NULL && strcmp(like, "like") == 0;
    good = good && read_column(next_word(&rest), &mode->base);
    const char *knock = next_word(&rest);
    mode->knocks = knock != NULL && strcmp(knock, "knock") == 0;
    good = good && (knock == NULL || mode->knocks);
    return good || reader_fail(reader, "mode os/backend:mode like os/backend [knock]");
}

/* N: text to the end of the line */
static bool read_note(struct reader *reader, unsigned long number, char *rest)
{
    if (number == 0 || number >= MAX_NOTES) {
        return reader_fail(reader, "notes have numbers from 1 to 15");
    }
    rest += strspn(rest, BLANKS);
    rest[strcspn(rest, "\r\n")] = '\0';
    (void)snprintf(reader->notes[number], sizeof(reader->notes[number]), "%s", rest);
    return true;
}

static bool read_kind(const char *word, enum matrix_kind *kind, unsigned *note)
{
    static const struct {
        const char *prefix;
        enum matrix_kind kind;
    } kinds[] = {{"may:", MATRIX_MAY}, {"skip:", MATRIX_SKIP}};
    *note = 0;
    *kind = strcmp(word, "run") == 0 ? MATRIX_RUN : MATRIX_NONE;
    if (*kind == MATRIX_RUN || strcmp(word, "-") == 0) {
        return true;
    }
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        size_t length = strlen(kinds[i].prefix);
        if (strncmp(word, kinds[i].prefix, length) == 0) {
            unsigned long number = strtoul(word + length, NULL, 10);
            *kind = kinds[i].kind;
            *note = number < MAX_NOTES ? (unsigned)number : 0;
            return *note > 0;
        }
    }
    return false;
}

/* except os/backend:mode scenario cell */
static bool read_exception(struct reader *reader, char *rest)
{
    if (reader->exception_count == MAX_EXCEPTIONS) {
        return reader_fail(reader, "too many exceptions");
    }
    struct exception *exception = &reader->exceptions[reader->exception_count++];
    bool good = read_column(next_word(&rest), &exception->cell);
    const char *scenario = next_word(&rest);
    const char *kind = next_word(&rest);
    good = good && kind != NULL && read_kind(kind, &exception->cell.kind, &exception->note);
    if (!good) {
        return reader_fail(reader, "except os/backend:mode scenario cell");
    }
    (void)snprintf(exception->cell.scenario, sizeof(exception->cell.scenario), "%s", scenario);
    return true;
}

static bool is_in(const struct matrix_cell *cell, const struct matrix_cell *column)
{
    return strcmp(cell->os, column->os) == 0 && strcmp(cell->backend, column->backend) == 0;
}

static struct exception *find_exception(struct reader *reader, const struct matrix_cell *cell)
{
    for (size_t i = 0; i < reader->exception_count; i++) {
        struct exception *exception = &reader->exceptions[i];
        if (is_in(&exception->cell, cell) &&
            strcmp(exception->cell.scenario, cell->scenario) == 0) {
            return exception;
        }
    }
    return NULL;
}

/* Adds the mode's own of the cell with this index. */
static bool add_mode_cell(struct reader *reader, const struct matrix_mode *mode, size_t index)
{
    struct matrix *matrix = reader->matrix;
    if (matrix->cell_count == sizeof(matrix->cells) / sizeof(matrix->cells[0])) {
        return reader_fail(reader, "too many cells");
    }
    size_t added = matrix->cell_count++;
    struct matrix_cell *cell = &matrix->cells[added];
    *cell = matrix->cells[index];
    (void)snprintf(cell->backend, sizeof(cell->backend), "%s", mode->column.backend);
    reader->note_of[added] = reader->note_of[index];
    struct exception *exception = find_exception(reader, cell);
    if (exception != NULL) {
        exception->used = true;
        cell->kind = exception->cell.kind;
        reader->note_of[added] = exception->note;
    }
    return true;
}

/* Modes may stand anywhere, so they get their columns at the end. */
static bool add_modes(struct reader *reader)
{
    struct matrix *matrix = reader->matrix;
    size_t count = matrix->cell_count;
    bool good = true;
    for (size_t i = 0; i < matrix->mode_count; i++) {
        for (size_t at = 0; at < count && good; at++) {
            if (is_in(&matrix->cells[at], &matrix->modes[i].base)) {
                good = add_mode_cell(reader, &matrix->modes[i], at);
            }
        }
    }
    for (size_t i = 0; i < reader->exception_count && good; i++) {
        good = reader->exceptions[i].used ||
               reader_fail(reader, "an exception names no cell of a mode");
    }
    return good;
}

static bool read_row(struct reader *reader, const char *scenario, char *rest)
{
    for (size_t i = 0; i < reader->column_count; i++) {
        char *word = next_word(&rest);
        struct matrix *matrix = reader->matrix;
        if (matrix->cell_count == sizeof(matrix->cells) / sizeof(matrix->cells[0])) {
            return reader_fail(reader, "too many cells");
        }
        struct matrix_cell *cell = &matrix->cells[matrix->cell_count];
        *cell = reader->columns[i];
        (void)snprintf(cell->scenario, sizeof(cell->scenario), "%s", scenario);
        if (word == NULL || !read_kind(word, &cell->kind, &reader->note_of[matrix->cell_count])) {
            return reader_fail(reader, "a cell is run, -, may:N or skip:N, one for each column");
        }
        matrix->cell_count++;
    }
    return next_word(&rest) == NULL || reader_fail(reader, "there are more cells than columns");
}

static bool read_line(struct reader *reader, char *line)
{
    char *rest = line;
    char *word = next_word(&rest);
    char *end;
    if (word == NULL || word[0] == '#') {
        return true;
    }
    if (strcmp(word, "scenario") == 0) {
        return read_columns(reader, rest);
    }
    if (strcmp(word, "mode") == 0) {
        return read_mode(reader, rest);
    }
    if (strcmp(word, "except") == 0) {
        return read_exception(reader, rest);
    }
    unsigned long number = strtoul(word, &end, 10);
    if (end != word && strcmp(end, ":") == 0) {
        return read_note(reader, number, rest);
    }
    return read_row(reader, word, rest);
}

/* Notes may stand anywhere, so they are resolved at the end. */
static bool resolve_notes(struct reader *reader)
{
    for (size_t i = 0; i < reader->matrix->cell_count; i++) {
        struct matrix_cell *cell = &reader->matrix->cells[i];
        const char *note = reader->notes[reader->note_of[i]];
        if (reader->note_of[i] != 0 && note[0] == '\0') {
            return reader_fail(reader, "a cell names a note that isn't there");
        }
        (void)snprintf(cell->note, sizeof(cell->note), "%s", note);
    }
    return true;
}

bool matrix_read(struct matrix *matrix, const char *path)
{
    static struct reader reader;
    char line[512];
    FILE *file = fopen(path, "r");
    bool good = true;
    reader = (struct reader){.matrix = matrix, .path = path};
    matrix->cell_count = matrix->mode_count = 0;
    if (file == NULL) {
        return reader_fail(&reader, "can't be read");
    }
    while (good && fgets(line, sizeof(line), file) != NULL) {
        reader.line++;
        good = read_line(&reader, line);
    }
    (void)fclose(file);
    return good && add_modes(&reader) && resolve_notes(&reader);
}

const struct matrix_cell *matrix_find(const struct matrix *matrix, const char *os,
                                      const char *backend, const char *scenario)
{
    for (size_t i = 0; i < matrix->cell_count; i++) {
        const struct matrix_cell *cell = &matrix->cells[i];
        if (strcmp(cell->os, os) == 0 && strcmp(cell->backend, backend) == 0 &&
            strcmp(cell->scenario, scenario) == 0) {
            return cell;
        }
    }
    return NULL;
}

bool matrix_has_backend(const struct matrix *matrix, const char *os, const char *backend)
{
    for (size_t i = 0; i < matrix->cell_count; i++) {
        const struct matrix_cell *cell = &matrix->cells[i];
        if (strcmp(cell->os, os) == 0 && strcmp(cell->backend, backend) == 0 &&
            (cell->kind == MATRIX_RUN || cell->kind == MATRIX_MAY)) {
            return true;
        }
    }
    return false;
}

bool matrix_wants_knock(const struct matrix *matrix, const char *os, const char *backend)
{
    for (size_t i = 0; i < matrix->mode_count; i++) {
        const struct matrix_mode *mode = &matrix->modes[i];
        if (strcmp(mode->column.os, os) == 0 && strcmp(mode->column.backend, backend) == 0) {
            return mode->knocks;
        }
    }
    return false;
}

const char *matrix_os(void)
{
    static const struct {
        const char *prefix;
        const char *os;
    } systems[] = {
        {"Linux", "linux"},     {"Darwin", "macos"},  {"FreeBSD", "freebsd"},
        {"Windows", "windows"}, {"MINGW", "windows"},
    };
    uv_utsname_t name;
    if (uv_os_uname(&name) == 0) {
        for (size_t i = 0; i < LENGTH(systems); i++) {
            if (strncmp(name.sysname, systems[i].prefix, strlen(systems[i].prefix)) == 0) {
                return systems[i].os;
            }
        }
    }
    return "unknown";
}
