#include "option.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include <uv.h>

#include "option_value.h"

/* Messages show up to 40 bytes of a word of argv; "..." stands for the others. */
#define SHOWN_MAX 40
#define SHOWN_SIZE (SHOWN_MAX + 6)

struct parser {
    const struct option_program *program;
    void *options;
    int argc;
    char **argv;
    int index; /* of the current word */
    bool allow_slash;
    bool words_only;                 /* after "--" */
    const struct option_row *output; /* the option before this word, if it got its implied value */
    char typed[SHOWN_SIZE + 2];      /* the current option or word, for messages */
    struct option_error *error;
};

/* ---- messages ---- */

static void shorten(char shown[SHOWN_SIZE], const char *word, size_t length)
{
    bool fits = length <= SHOWN_MAX;

    (void)snprintf(shown, SHOWN_SIZE, "%.*s%s", fits ? (int)length : SHOWN_MAX - 3, word,
                   fits ? "" : "...");
}

/*
 * Writes all but printable ASCII as \x1b, and the backslash as well. The upper half has control
 * characters, too, and the terminal decides which bytes they are.
 */
static void escape(struct option_error *error, const char *text)
{
    size_t used = 0;

    for (; *text != '\0' && used + sizeof "\\x00" <= sizeof error->text; text++) {
        unsigned char byte = (unsigned char)*text;
        bool printable = byte >= 0x20 && byte <= 0x7e && byte != '\\';

        used += (size_t)snprintf(error->text + used, sizeof error->text - used,
                                 printable ? "%c" : "\\x%02x", byte);
    }
}

int option_fail(const struct option_program *program, struct option_error *error, const char *typed,
                const char *format, ...)
{
    char text[sizeof error->text];
    int used = snprintf(text, sizeof text, "%s: %s: ", program->name, typed);
    va_list arguments;

    assert(used > 0 && (size_t)used < sizeof text);
    va_start(arguments, format);
    (void)vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    va_end(arguments);
    escape(error, text);
    return UV_EINVAL;
}

#define FAIL(parser, ...)                                                                          \
    option_fail((parser)->program, (parser)->error, (parser)->typed, __VA_ARGS__)

static int fail_unknown(const struct parser *parser, const struct option_row *like)
{
    if (like == NULL) {
        return FAIL(parser, "unknown option; --help lists them all");
    }
    return FAIL(parser, "unknown option; did you mean --%s?", like->name);
}

static int fail_missing(const struct parser *parser, const struct option_row *row)
{
    char range[OPTION_RANGE_SIZE];

    option_range(row, range, sizeof range);
    return FAIL(parser, "needs a value; it takes %s", range);
}

/* `result` is option_store()'s. */
static int fail_value(const struct parser *parser, const struct option_row *row, const char *value,
                      int result)
{
    const char *noun = option_noun(row);
    char range[OPTION_RANGE_SIZE];
    char shown[SHOWN_SIZE];

    shorten(shown, value, strlen(value));
    option_range(row, range, sizeof range);
    if (result == UV_E2BIG) {
        return FAIL(parser, "given more than %d times", OPTION_STRINGS_MAX);
    }
    if (result == UV_ERANGE) {
        return FAIL(parser, "'%s' is out of range; it takes %s", shown, range);
    }
    if (noun == NULL) {
        return FAIL(parser, "'%s' is not accepted; it takes %s", shown, range);
    }
    return FAIL(parser, "'%s' is not %s; it takes %s", shown, noun, range);
}

/* "-t8", "-e=6001", "-vv". `rest` is what follows the letter. */
static int fail_attached(const struct parser *parser, const struct option_row *row, char letter,
                         const char *rest)
{
    char shown[SHOWN_SIZE];

    if (row->type == OPTION_FLAG) {
        return FAIL(parser, "unknown option; a letter stands alone: write -%c", letter);
    }
    rest += *rest == '=';
    shorten(shown, rest, strlen(rest));
    return FAIL(parser, "unknown option; write -%c %s or -%c:%s", letter, shown, letter, shown);
}

/* ---- rows ---- */

static bool is_text(const char *text, const char *word, size_t length)
{
    return text != NULL && strncmp(text, word, length) == 0 && text[length] == '\0';
}

/* The row of that name, which may be an old one; or NULL. */
static const struct option_row *find_name(const struct option_program *program, const char *word,
                                          size_t length)
{
    for (size_t i = 0; i < program->row_count; i++) {
        const struct option_row *row = &program->rows[i];

        if (is_text(row->name, word, length) || is_text(row->old_name, word, length)) {
            return row;
        }
    }
    return NULL;
}

/*
 * How many characters are left between the common beginning and the common end: 1 where a character
 * is missing, wrong or too many, 2 where two are swapped.
 */
static size_t difference(const char *word, size_t length, const char *name)
{
    size_t width = strlen(name);
    size_t shorter = length < width ? length : width;
    size_t same = 0;

    while (same < shorter && word[same] == name[same]) {
        same++;
    }
    for (size_t end = 1; same < shorter && word[length - end] == name[width - end]; end++) {
        same++;
    }
    return length + width - shorter - same;
}

/* The row with a name that begins with the word or differs from it by a typing error; or NULL. */
static const struct option_row *find_like(const struct option_program *program, const char *word,
                                          size_t length)
{
    const struct option_row *like = NULL;
    size_t least = 3; /* differences: too many */

    for (size_t i = 0; i < program->row_count && length > 0; i++) {
        const struct option_row *row = &program->rows[i];

        if (row->name == NULL) {
            continue;
        }
        if (strncmp(row->name, word, length) == 0) {
            return row;
        }
        if (difference(word, length, row->name) < least) {
            least = difference(word, length, row->name);
            like = row;
        }
    }
    return like;
}

static char other_case(char letter)
{
    char lower = (char)(letter | 0x20);

    return lower >= 'a' && lower <= 'z' ? (char)(letter ^ 0x20) : '\0';
}

static const struct option_row *find_letter(const struct option_program *program, char letter)
{
    for (size_t i = 0; i < program->row_count && letter != '\0'; i++) {
        const struct option_row *row = &program->rows[i];

        if (row->letter == letter || row->other_letter == letter) {
            return row;
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

/* Whether `word` can be the value of the option before it. "-1" can: it is refused as a number.
 * "-4" can't where it is an option. */
static bool is_value(const struct option_program *program, const char *word)
{
    if (word[0] != '-' || word[1] == '\0') {
        return true;
    }
    return strchr("0123456789.", word[1]) != NULL &&
           (word[2] != '\0' || find_letter(program, word[1]) == NULL);
}

static int accept_flag(const struct parser *parser, const struct option_row *row, const char *value)
{
    if (value != NULL) {
        return FAIL(parser, "takes no value");
    }
    *(bool *)(void *)((char *)parser->options + row->offset) = true;
    return row->stops ? 1 : 0;
}

/* `value` is what was attached; NULL: nothing. */
static int accept_option(struct parser *parser, const struct option_row *row, const char *value)
{
    int result;

    if (row->type == OPTION_FLAG) {
        return accept_flag(parser, row, value);
    }
    if (value == NULL && row->implied != NULL) {
        value = row->implied;
        parser->output = row;
    }
    if (value == NULL && parser->index + 1 < parser->argc &&
        is_value(parser->program, parser->argv[parser->index + 1])) {
        value = parser->argv[++parser->index];
    }
    if (value == NULL || value[0] == '\0') {
        return fail_missing(parser, row);
    }
    result = option_store(row, parser->options, value);
    return result != 0 ? fail_value(parser, row, value, result) : 0;
}

static int parse_name(struct parser *parser, const char *word)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    const struct option_row *row = find_name(parser->program, name, length);

    shorten(parser->typed, word, length + 2);
    if (row == NULL) {
        return fail_unknown(parser, find_like(parser->program, name, strcspn(name, "=:")));
    }
    return accept_option(parser, row, name[length] == '=' ? name + length + 1 : NULL);
}

static int parse_letter(struct parser *parser, const char *word)
{
    const struct option_program *program = parser->program;
    const char *rest = word + 2;
    size_t length = strcspn(word + 1, "=:");
    const struct option_row *row = find_letter(program, word[1]);
    const struct option_row *other = find_letter(program, other_case(word[1]));
    const struct option_row *like = length > 2 ? find_like(program, word + 1, length) : NULL;

    if (row == NULL && other != NULL && other->any_case && other->letter == other_case(word[1])) {
        row = other;
    }
    if (row != NULL && (*rest == '\0' || *rest == ':')) {
        shorten(parser->typed, word, 2);
        return accept_option(parser, row, *rest == ':' ? rest + 1 : NULL);
    }
    shorten(parser->typed, word, strlen(word));
    if (like == NULL && row != NULL) {
        return fail_attached(parser, row, word[1], rest);
    }
    if (like == NULL && other != NULL) {
        return FAIL(parser, "unknown option; did you mean -%c?", other_case(word[1]));
    }
    return fail_unknown(parser, like);
}

/* Moves the current word of argv to the others that were accepted, behind the program's name. */
static int accept_one_of_words(struct parser *parser, const struct option_row *row)
{
    struct option_words *words = (void *)((char *)parser->options + row->offset);

    words->items = parser->argv + 1;
    words->items[words->count++] = parser->argv[parser->index];
    return 0;
}

/* A word that is no option. After "--json" it is more likely meant as a file than as a server. */
static int accept_word(struct parser *parser, const char *word, const struct option_row *output)
{
    const struct option_row *row = find_word(parser->program);
    char shown[SHOWN_SIZE];

    shorten(shown, word, strlen(word));
    (void)snprintf(parser->typed, sizeof parser->typed, "'%s'", shown);
    if (row == NULL || word[0] == '\0') {
        return FAIL(parser, "unexpected word: it is neither an option nor the value of one");
    }
    if (output != NULL) {
        return FAIL(parser, "unexpected word: for a file write --%s=FILE; %s goes before --%s",
                    output->name, row->argument, output->name);
    }
    if (row->type == OPTION_WORDS) {
        return accept_one_of_words(parser, row);
    }
    if (*(const char **)(void *)((char *)parser->options + row->offset) != NULL) {
        return FAIL(parser, "unexpected word: %s has been given already", row->argument);
    }
    if (option_store(row, parser->options, word) != 0) {
        return FAIL(parser, "unexpected word: it is neither an option nor %s", row->takes);
    }
    return 0;
}

static int parse_word(struct parser *parser)
{
    const char *word = parser->argv[parser->index];
    const struct option_row *output = parser->output;

    parser->output = NULL;
    if (parser->words_only) {
        return accept_word(parser, word, NULL);
    }
    if (strcmp(word, "--") == 0) {
        parser->words_only = true;
        return 0;
    }
    if (strncmp(word, "--", 2) == 0) {
        return parse_name(parser, word);
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
            result = option_store(row, options, row->default_text);
        } else if (row->unset != 0) {
            memcpy((char *)options + row->offset, &row->unset, sizeof row->unset);
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
