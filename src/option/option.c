#include "option_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define SHOWN_MAX 60 /* bytes of argv that a message shows, as they are after escaping */

struct parser {
    const struct option_program *program;
    void *options;
    int argc;
    char **argv;
    int index; /* of the word at hand */
    bool allow_slash;
    bool words_only;           /* after "--" */
    const char *output;        /* the option before this word, if it takes a value by '=' alone */
    char typed[SHOWN_MAX + 8]; /* the option as it was typed, fit to be printed */
    struct option_error *error;
};

/* ---- texts ---- */

struct option_line option_line(char *text, size_t size)
{
    assert(text != NULL && size > 0);
    text[0] = '\0';
    return (struct option_line){.text = text, .size = size};
}

void option_put(struct option_line *line, const char *text)
{
    size_t length = strlen(text);
    size_t room = line->size - 1 - line->used;

    length = length < room ? length : room;
    memcpy(line->text + line->used, text, length);
    line->used += length;
    line->text[line->used] = '\0';
}

#define SHOWN_BYTE 8

/*
 * All but printable ASCII is written as \x1b, and so is the backslash: control characters exist in
 * the upper half as well, and which bytes they are depends on the terminal.
 */
static void escape_byte(char shown[SHOWN_BYTE], char character)
{
    unsigned char byte = (unsigned char)character;

    if (byte < 0x20 || byte > 0x7e || byte == '\\') {
        snprintf(shown, SHOWN_BYTE, "\\x%02x", (unsigned)byte);
    } else {
        snprintf(shown, SHOWN_BYTE, "%c", byte);
    }
}

static void put_escaped(struct option_line *line, const char *text, size_t length)
{
    size_t end = line->used + SHOWN_MAX;

    for (size_t i = 0; i < length; i++) {
        char shown[SHOWN_BYTE];

        escape_byte(shown, text[i]);
        if (line->used + strlen(shown) > end - 3 && i + 1 < length) {
            option_put(line, "...");
            return;
        }
        option_put(line, shown);
    }
}

static void set_typed(struct parser *parser, const char *word, size_t length)
{
    struct option_line line = option_line(parser->typed, sizeof parser->typed);

    put_escaped(&line, word, length);
}

/* The beginning of a message, after which its text is put. */
static struct option_line begin_message(const struct option_program *program,
                                        struct option_error *error, const char *typed)
{
    struct option_line line = option_line(error->text, sizeof error->text);

    option_put(&line, program->name);
    option_put(&line, ": ");
    option_put(&line, typed);
    option_put(&line, ": ");
    return line;
}

int option_fail(const struct option_program *program, struct option_error *error, const char *typed,
                const char *format, ...)
{
    struct option_line line = begin_message(program, error, typed);
    char text[sizeof error->text];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (const char *at = text; *at != '\0'; at++) {
        char shown[SHOWN_BYTE];

        escape_byte(shown, *at);
        option_put(&line, shown);
    }
    return UV_EINVAL;
}

/* Parts of `text` that come from argv are escaped already. */
static int fail(struct parser *parser, const char *format, ...)
{
    struct option_line line = begin_message(parser->program, parser->error, parser->typed);
    char text[sizeof parser->error->text];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    option_put(&line, text);
    return UV_EINVAL;
}

/* ---- suggestions ---- */

/*
 * How many characters have to be inserted, left out, replaced or swapped with their neighbour to
 * make `word` the row's name (optimal string alignment). Neither is longer than OPTION_NAME_MAX.
 */
static size_t distance(const char *word, size_t length, const char *name)
{
    size_t rows[3][OPTION_NAME_MAX + 1];
    size_t width = strlen(name);

    assert(length <= OPTION_NAME_MAX && width <= OPTION_NAME_MAX);
    for (size_t i = 0; i <= length; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3];

        now[0] = i;
        for (size_t j = 1; j <= width; j++) {
            if (i == 0) {
                now[j] = j;
                continue;
            }
            now[j] = before[j - 1] + (word[i - 1] != name[j - 1]);
            now[j] = before[j] + 1 < now[j] ? before[j] + 1 : now[j];
            now[j] = now[j - 1] + 1 < now[j] ? now[j - 1] + 1 : now[j];
            if (i > 1 && j > 1 && word[i - 1] == name[j - 2] && word[i - 2] == name[j - 1]) {
                size_t swapped = rows[(i + 1) % 3][j - 2] + 1;

                now[j] = swapped < now[j] ? swapped : now[j];
            }
        }
    }
    return rows[length % 3][width];
}

/* The first row whose name begins with `word`, or is it when `whole`; NULL when there is none. */
static const struct option_row *find_name(const struct option_program *program, const char *word,
                                          size_t length, bool whole)
{
    for (size_t i = 0; i < program->row_count; i++) {
        const char *name = program->rows[i].name;

        if (name != NULL && strncmp(name, word, length) == 0 && (!whole || name[length] == '\0')) {
            return &program->rows[i];
        }
    }
    return NULL;
}

/* The row whose name is most like `word`, or NULL when none is. */
static const struct option_row *find_nearest(const struct option_program *program, const char *word,
                                             size_t length)
{
    const struct option_row *nearest;
    size_t least = length / 3 + 1; /* so far, that isn't alike any more */

    if (length == 0 || length > OPTION_NAME_MAX) {
        return NULL;
    }
    nearest = find_name(program, word, length, false);
    if (nearest != NULL) {
        return nearest;
    }
    for (size_t i = 0; i < program->row_count; i++) {
        const struct option_row *row = &program->rows[i];

        if (row->name != NULL && distance(word, length, row->name) < least) {
            least = distance(word, length, row->name);
            nearest = row;
        }
    }
    return nearest;
}

static char other_case(char letter)
{
    const char *found = letter != '\0' ? strchr(OPTION_LETTERS, letter) : NULL;

    return found != NULL ? OPTION_LETTERS[(size_t)(found - OPTION_LETTERS + 26) % 52] : '\0';
}

/* The row with `letter`; when `any_case`, only if it takes the letter in either case. */
static const struct option_row *find_letter(const struct option_program *program, char letter,
                                            bool any_case)
{
    for (size_t i = 0; i < program->row_count; i++) {
        const struct option_row *row = &program->rows[i];

        bool is = row->letter == letter || (!any_case && row->other_letter == letter);

        if (letter != '\0' && is && (!any_case || row->any_case)) {
            return row;
        }
    }
    return NULL;
}

/* The row that was called `word` in earlier versions, or NULL. */
static const struct option_row *find_old_name(const struct option_program *program,
                                              const char *word, size_t length)
{
    for (size_t i = 0; i < program->row_count; i++) {
        const char *name = program->rows[i].old_name;

        if (name != NULL && strlen(name) == length && strncmp(name, word, length) == 0) {
            return &program->rows[i];
        }
    }
    return NULL;
}

/* The row that takes the word, or NULL. */
static const struct option_row *find_word(const struct option_program *program)
{
    for (size_t i = 0; i < program->row_count; i++) {
        if (program->rows[i].word) {
            return &program->rows[i];
        }
    }
    return NULL;
}

/* ---- words ---- */

static int fail_unknown(struct parser *parser, const struct option_row *suggestion)
{
    if (suggestion == NULL) {
        return fail(parser, "unknown option; --help lists them all");
    }
    return fail(parser, "unknown option; did you mean --%s?", suggestion->name);
}

static int fail_missing(struct parser *parser, const struct option_row *row)
{
    char range[OPTION_RANGE_SIZE];

    option_range(row, range, sizeof range);
    return fail(parser, "needs a value; it takes %s", range);
}

static int fail_value(struct parser *parser, const struct option_row *row, const char *value,
                      int result)
{
    char shown[SHOWN_MAX + 8];
    char range[OPTION_RANGE_SIZE];
    struct option_line line = option_line(shown, sizeof shown);
    const char *noun = option_kind(row)->noun;

    put_escaped(&line, value, strlen(value));
    option_range(row, range, sizeof range);
    if (result == UV_ENOMEM) {
        fail(parser, "out of memory");
        return UV_ENOMEM;
    }
    if (result == UV_ERANGE) {
        return fail(parser, "'%s' is out of range; it takes %s", shown, range);
    }
    if (result == UV_EEXIST) {
        return fail(parser, "'%s' names a CPU twice; it takes %s", shown, range);
    }
    if (noun == NULL) {
        return fail(parser, "'%s' is not accepted; it takes %s", shown, range);
    }
    return fail(parser, "'%s' is not %s; it takes %s", shown, noun, range);
}

/* "-t8", "-e=6001", "-vv". `rest` is what follows the letter. */
static int fail_attached(struct parser *parser, const struct option_row *row, char letter,
                         const char *rest)
{
    char shown[SHOWN_MAX + 8];
    struct option_line line = option_line(shown, sizeof shown);

    if (row->type == OPTION_FLAG) {
        return fail(parser, "unknown option; a letter stands alone: write -%c", letter);
    }
    rest += *rest == '=';
    put_escaped(&line, rest, strlen(rest));
    return fail(parser, "unknown option; write -%c %s or -%c:%s", letter, shown, letter, shown);
}

/* Whether `word` can be the value of the option before it: "-1" can, to be refused as a number. */
static bool is_value(const char *word)
{
    return word[0] != '-' || word[1] == '\0' || strchr(OPTION_DIGITS ".", word[1]) != NULL;
}

static int accept_option(struct parser *parser, const struct option_row *row, const char *value)
{
    void *field = option_field(row, parser->options);
    int result;

    if (row->type == OPTION_FLAG) {
        if (value != NULL) {
            return fail(parser, "takes no value");
        }
        *(bool *)field = true;
        return row->stops ? 1 : 0;
    }
    if (value == NULL && row->type == OPTION_OUTPUT) {
        value = "-";
        parser->output = row->name;
    }
    if (value == NULL && parser->index + 1 < parser->argc &&
        is_value(parser->argv[parser->index + 1])) {
        value = parser->argv[++parser->index];
    }
    if (value == NULL || value[0] == '\0') {
        return fail_missing(parser, row);
    }
    result = option_kind(row)->store(row, field, value);
    return result != 0 ? fail_value(parser, row, value, result) : 0;
}

static int parse_long(struct parser *parser, const char *word)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    const struct option_row *row = find_name(parser->program, name, length, true);

    row = row != NULL ? row : find_old_name(parser->program, name, length);
    set_typed(parser, word, length + 2);
    if (row == NULL) {
        return fail_unknown(parser, find_nearest(parser->program, name, strcspn(name, "=:")));
    }
    return accept_option(parser, row, name[length] == '=' ? name + length + 1 : NULL);
}

static int parse_letter(struct parser *parser, const char *word)
{
    const struct option_program *program = parser->program;
    const char *rest = word + 2;
    size_t length = strcspn(word + 1, "=:");
    const struct option_row *row = find_letter(program, word[1], false);

    if (row == NULL) {
        row = find_letter(program, other_case(word[1]), true);
    }
    if (row != NULL && (*rest == '\0' || *rest == ':')) {
        set_typed(parser, word, 2);
        return accept_option(parser, row, *rest == ':' ? rest + 1 : NULL);
    }
    set_typed(parser, word, strlen(word));
    if (length > 2 && find_name(program, word + 1, length, false) != NULL) {
        return fail_unknown(parser, find_name(program, word + 1, length, false));
    }
    if (row != NULL) {
        return fail_attached(parser, row, word[1], rest);
    }
    if (find_letter(program, other_case(word[1]), false) != NULL) {
        return fail(parser, "unknown option; did you mean -%c?", other_case(word[1]));
    }
    return fail_unknown(parser, length > 2 ? find_nearest(program, word + 1, length) : NULL);
}

/* A word that is no option, after whatever option. "--json report.json" is more likely a mistake
 * than a server of that name. */
static int accept_word(struct parser *parser, const char *word, const char *output)
{
    const struct option_row *row = find_word(parser->program);
    struct option_line line = option_line(parser->typed, sizeof parser->typed);
    const char **field;

    option_put(&line, "'");
    put_escaped(&line, word, strlen(word));
    option_put(&line, "'");
    if (row == NULL || word[0] == '\0') {
        return fail(parser, "unexpected word: it is neither an option nor the value of one");
    }
    if (output != NULL) {
        return fail(parser, "unexpected word: for a file write --%s=FILE; %s goes before --%s",
                    output, row->argument, output);
    }
    field = option_field(row, parser->options);
    if (*field != NULL) {
        return fail(parser, "unexpected word: %s has been given already", row->argument);
    }
    if (option_kind(row)->store(row, field, word) != 0) {
        return fail(parser, "unexpected word: it is no option, and not %s", row->takes);
    }
    return 0;
}

static int parse_word(struct parser *parser)
{
    const char *word = parser->argv[parser->index];
    const char *output = parser->output;

    parser->output = NULL;
    if (strcmp(word, "--") == 0 && !parser->words_only) {
        parser->words_only = true;
        return 0;
    }
    if (parser->words_only) {
        return accept_word(parser, word, NULL);
    }
    if (strncmp(word, "--", 2) == 0) {
        return parse_long(parser, word);
    }
    if ((word[0] == '-' || (word[0] == '/' && parser->allow_slash)) && word[1] != '\0') {
        return parse_letter(parser, word);
    }
    return accept_word(parser, word, output);
}

static void set_defaults(const struct option_program *program, void *options)
{
    memset(options, 0, program->options_size);
    for (size_t i = 0; i < program->row_count; i++) {
        const struct option_row *row = &program->rows[i];
        int result = 0;

        if (row->default_text != NULL) {
            result = option_kind(row)->store(row, option_field(row, options), row->default_text);
        } else if (row->unset != 0) {
            memcpy(option_field(row, options), &row->unset, sizeof row->unset);
        }
        assert(result == 0);
        (void)result;
    }
}

int option_parse(const struct option_program *program, void *options, int argc, char **argv,
                 bool allow_slash, struct option_error *error)
{
    struct parser parser = {.program = program,
                            .options = options,
                            .argc = argc,
                            .argv = argv,
                            .index = 1,
                            .allow_slash = allow_slash,
                            .error = error};
    int result = 0;

    assert(program != NULL && options != NULL && error != NULL);
    error->text[0] = '\0';
    set_defaults(program, options);
    for (; result == 0 && parser.index < argc; parser.index++) {
        result = parse_word(&parser);
    }
    return result;
}

void option_free(const struct option_program *program, void *options)
{
    assert(program != NULL && options != NULL);
    for (size_t i = 0; i < program->row_count; i++) {
        void *field = option_field(&program->rows[i], options);

        if (program->rows[i].type == OPTION_STRINGS) {
            struct option_strings *strings = field;

            free((void *)strings->items); /* a cast for older MSVC, see store_strings() */
            *strings = (struct option_strings){0};
        } else if (program->rows[i].type == OPTION_CPUS) {
            struct option_cpus *cpus = field;

            free(cpus->ids);
            *cpus = (struct option_cpus){0};
        }
    }
}
