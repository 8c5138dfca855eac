#include "tidy.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTION_LINES_MAX 70
#define FILE_LINES_MAX 700
#define COLUMNS_MAX 100

/* Headers of an operating system, or of one family of them; those that end in '/' are folders. */
static const char *const os_headers[] = {
    "arpa/",    "direct.h",  "dlfcn.h",    "fcntl.h",    "ifaddrs.h",  "io.h",     "liburing.h",
    "linux/",   "mach/",     "mswsock.h",  "net/",       "netdb.h",    "netinet/", "ntstatus.h",
    "poll.h",   "process.h", "pthread.h",  "sched.h",    "spawn.h",    "sys/",     "termios.h",
    "unistd.h", "windows.h", "winsock2.h", "winternl.h", "ws2tcpip.h", NULL,
};

static const char *const os_macros[] = {
    "_WIN32",      "_WIN64",     "WIN32",       "__linux__",   "__APPLE__",   "__unix__",
    "__FreeBSD__", "__NetBSD__", "__OpenBSD__", "__MINGW32__", "__MINGW64__", NULL,
};

static const char *const banned_calls[] = {
    "alloca", "assert_in_range", "atof",   "atoi",   "atol",   "atoll",  "gets",     "sprintf",
    "strcat", "strcpy",          "strtok", "system", "tmpnam", "usleep", "vsprintf", NULL,
};

/* Escaped, or this file would break the rule that it keeps. */
static const char *const markers[] = {"TOD\117", "FIXM\105", "XX\130", "HAC\113", NULL};

struct source {
    const char *path; /* from the project's root, with '/' */
    char *text;
    char *code; /* of the same length: comments and literals are blank, directives are not */
    char *flow; /* as `code`, without directives */
};

/* ---- text ------------------------------------------------------------------------------------ */

static void *allocate(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL) {
        (void)fprintf(stderr, "tidy: out of memory\n");
        exit(2);
    }
    return memory;
}

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(allocate(size), text, size);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool tidy_ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t suffix_length = strlen(suffix);
    return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

/* The next `word` at or after `at` that isn't a part of a longer word; NULL: none before `end`. */
static const char *find_word(const char *at, const char *end, const char *word)
{
    size_t length = strlen(word);
    for (const char *from = at; (at = strstr(at, word)) != NULL && at < end; at++) {
        if ((at == from || !is_word(at[-1])) && !is_word(at[length])) {
            return at;
        }
    }
    return NULL;
}

static size_t line_of(const char *text, const char *at)
{
    size_t line = 1;
    for (; text < at; text++) {
        line += *text == '\n';
    }
    return line;
}

static const char *line_end(const char *at)
{
    const char *end = strchr(at, '\n');
    return end != NULL ? end : at + strlen(at);
}

/* Where the comment or the literal that begins at `at` ends; `at` if none begins there. */
static char *skip_blank(char *at)
{
    if (starts_with(at, "/*")) {
        char *end = strstr(at + 2, "*/");
        return end != NULL ? end + 2 : at + strlen(at);
    }
    if (starts_with(at, "//")) {
        return at + (line_end(at) - at);
    }
    if (*at == '"' || *at == '\'') {
        char quote = *at++;
        while (*at != quote && *at != '\n' && *at != '\0') {
            at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
        }
        return *at == quote ? at + 1 : at;
    }
    return at;
}

static void blank(char *from, const char *to)
{
    for (; from < to; from++) {
        *from = *from == '\n' ? '\n' : ' ';
    }
}

static void blank_comments_and_literals(char *code)
{
    while (*code != '\0') {
        char *end = skip_blank(code);
        blank(code, end);
        code = end > code ? end : code + 1;
    }
}

static void blank_directives(char *code)
{
    while (*code != '\0') {
        char *end = code + (line_end(code) - code);
        if (code[strspn(code, " ")] == '#') {
            while (end > code && end[-1] == '\\' && *end != '\0') {
                end = end + 1 + (line_end(end + 1) - (end + 1));
            }
            blank(code, end);
        }
        code = *end == '\n' ? end + 1 : end;
    }
}

/* ---- rules ----------------------------------------------------------------------------------- */

void tidy_broken(struct tidy *tidy, const char *rule, const char *path, size_t line,
                 const char *format, ...)
{
    tidy->broken++;
    tidy->last_rule = rule;
    if (tidy->out == NULL) {
        return;
    }
    va_list arguments;
    (void)fprintf(tidy->out, "%s:%zu: %s: ", path, line, rule);
    va_start(arguments, format);
    (void)vfprintf(tidy->out, format, arguments);
    va_end(arguments);
    (void)fprintf(tidy->out, "\n");
}

/* The places where the operating system may show: what is chosen by platform, the backends, and
 * tests that look at a program from outside. */
static bool may_use_os(const char *path)
{
    if (starts_with(path, "backends/")) {
        return !starts_with(path, "backends/backend.");
    }
    return starts_with(path, "tests/") || starts_with(path, "bench/") ||
           tidy_ends_with(path, "_posix.c") || tidy_ends_with(path, "_windows.c") ||
           tidy_ends_with(path, "/win.h") || starts_with(path, "src/base/subprocess");
}

static bool is_os_header(const char *name, size_t length)
{
    for (const char *const *header = os_headers; *header != NULL; header++) {
        size_t known = strlen(*header);
        bool folder = (*header)[known - 1] == '/';
        if ((folder ? length > known : length == known) && strncmp(name, *header, known) == 0) {
            return true;
        }
    }
    return false;
}

static void check_directive(struct tidy *tidy, const struct source *source, const char *at)
{
    size_t line = line_of(source->code, at);
    const char *end = line_end(at);
    const char *name = at + 1 + strspn(at + 1, " ");

    if (starts_with(name, "include")) {
        const char *open = memchr(name, '<', (size_t)(end - name));
        const char *close = memchr(name, '>', (size_t)(end - name));
        if (open != NULL && close > open && is_os_header(open + 1, (size_t)(close - open - 1))) {
            tidy_broken(tidy, "os-header", source->path, line,
                        "%.*s belongs into a platform's file", (int)(close - open + 1), open);
        }
    } else if (starts_with(name, "if") || starts_with(name, "elif")) {
        for (const char *const *macro = os_macros; *macro != NULL; macro++) {
            if (find_word(name, end, *macro) != NULL) {
                tidy_broken(tidy, "os-macro", source->path, line,
                            "%s: choose the platform by the list of files", *macro);
            }
        }
    }
}

static void check_directives(struct tidy *tidy, const struct source *source)
{
    if (may_use_os(source->path)) {
        return;
    }
    for (const char *at = source->code; *at != '\0';) {
        const char *end = line_end(at);
        at += strspn(at, " ");
        if (*at == '#') {
            check_directive(tidy, source, at);
        }
        at = *end == '\n' ? end + 1 : end;
    }
}

static void check_lines(struct tidy *tidy, const struct source *source)
{
    size_t line = 1;
    for (const char *at = source->text; *at != '\0'; line++) {
        const char *end = line_end(at);
        size_t columns = 0;
        for (const char *c = at; c < end; c++) {
            columns += ((unsigned char)*c & 0xc0) != 0x80; /* the first byte of a character */
        }
        if (columns > COLUMNS_MAX) {
            tidy_broken(tidy, "columns", source->path, line, "%zu columns", columns);
        }
        if (memchr(at, '\t', (size_t)(end - at)) != NULL) {
            tidy_broken(tidy, "tab", source->path, line, "a tab");
        }
        if (end > at && (end[-1] == ' ' || end[-1] == '\r')) {
            tidy_broken(tidy, "line-end", source->path, line,
                        "white space before the end of the line");
        }
        if (*end == '\0') {
            tidy_broken(tidy, "line-end", source->path, line, "the last line doesn't end");
        }
        at = *end == '\n' ? end + 1 : end;
    }
}

static void check_markers(struct tidy *tidy, const struct source *source)
{
    const char *end = source->text + strlen(source->text);
    for (const char *const *marker = markers; *marker != NULL; marker++) {
        for (const char *at = source->text; (at = find_word(at, end, *marker)) != NULL; at++) {
            tidy_broken(tidy, "marker", source->path, line_of(source->text, at),
                        "%s: do it, or open an issue", *marker);
        }
    }
}

static void check_calls(struct tidy *tidy, const struct source *source)
{
    const char *end = source->code + strlen(source->code);
    for (const char *const *call = banned_calls; *call != NULL; call++) {
        for (const char *at = source->code; (at = find_word(at, end, *call)) != NULL; at++) {
            const char *after = at + strlen(*call);
            bool member = at > source->code && (at[-1] == '.' || at[-1] == '>');
            if (!member && after[strspn(after, " \n")] == '(') {
                tidy_broken(tidy, "call", source->path, line_of(source->code, at), "%s() is banned",
                            *call);
            }
        }
    }
}

static void check_guard(struct tidy *tidy, const struct source *source)
{
    char guard[128];
    char expected[320];
    const char *name = strrchr(source->path, '/');
    size_t length = 0;

    if (!tidy_ends_with(source->path, ".h")) {
        return;
    }
    for (name = name != NULL ? name + 1 : source->path; *name != '\0'; name++) {
        bool word = isalnum((unsigned char)*name);
        assert(length < sizeof(guard) - 1);
        guard[length++] = (char)(word ? toupper((unsigned char)*name) : '_');
    }
    guard[length] = '\0';
    (void)snprintf(expected, sizeof(expected), "#ifndef ECHOPORT_%s\n#define ECHOPORT_%s\n", guard,
                   guard);
    const char *at = source->code + strspn(source->code, " \n");
    if (!starts_with(at, expected)) {
        tidy_broken(tidy, "guard", source->path, line_of(source->code, at),
                    "the header doesn't begin with the guard ECHOPORT_%s", guard);
    }
}

/* ---- lengths --------------------------------------------------------------------------------- */

static const struct tidy_exception *find_exception(const struct tidy *tidy, const char *path,
                                                   const char *function)
{
    for (const struct tidy_exception *at = tidy->ratchet; at->path != NULL; at++) {
        bool same_function = (at->function == NULL) == (function == NULL) &&
                             (function == NULL || strcmp(at->function, function) == 0);
        if (same_function && strcmp(at->path, path) == 0) {
            return at;
        }
    }
    return NULL;
}

static void check_length(struct tidy *tidy, const char *path, const char *function, size_t line,
                         size_t lines)
{
    const struct tidy_exception *exception = find_exception(tidy, path, function);
    const char *what = function != NULL ? function : "the file";
    size_t max = function != NULL ? FUNCTION_LINES_MAX : FILE_LINES_MAX;

    if (exception != NULL && tidy->met != NULL) {
        tidy->met[exception - tidy->ratchet] = true;
    }
    if (exception == NULL) {
        if (lines > max) {
            tidy_broken(tidy, "length", path, line, "%s has %zu lines, more than %zu", what, lines,
                        max);
        }
    } else if (lines > exception->lines) {
        tidy_broken(tidy, "length", path, line, "%s has %zu lines, more than the ratchet's %zu",
                    what, lines, exception->lines);
    } else if (lines < exception->lines) {
        tidy_broken(tidy, "ratchet", path, line,
                    "%s has %zu lines: turn the ratchet, which has %zu", what, lines,
                    exception->lines);
    }
}

/* If the brace at `brace` opens the body of a function, where its name begins; else NULL. */
static const char *function_name(const char *flow, const char *brace)
{
    const char *at = brace;
    int depth = 0;

    while (at > flow && isspace((unsigned char)at[-1])) {
        at--;
    }
    if (at == flow || at[-1] != ')') {
        return NULL;
    }
    do {
        at--;
        depth += *at == ')';
        depth -= *at == '(';
    } while (at > flow && depth > 0);
    while (at > flow && is_word(at[-1])) {
        at--;
    }
    return is_word(*at) ? at : NULL;
}

static void check_function(struct tidy *tidy, const struct source *source, const char *name,
                           const char *end)
{
    char function[128];
    size_t length = 0;
    while (is_word(name[length]) && length < sizeof(function) - 1) {
        function[length] = name[length];
        length++;
    }
    function[length] = '\0';
    size_t first = line_of(source->flow, name);
    check_length(tidy, source->path, function, first, line_of(source->flow, end) - first + 1);
}

static void check_functions(struct tidy *tidy, const struct source *source)
{
    const char *name = NULL;
    int depth = 0;
    for (const char *at = source->flow; *at != '\0'; at++) {
        if (*at == '{') {
            if (depth == 0) {
                name = function_name(source->flow, at);
            }
            depth++;
        } else if (*at == '}') {
            depth--;
            if (depth == 0 && name != NULL) {
                check_function(tidy, source, name, at);
            }
        }
    }
    if (depth != 0) {
        tidy_broken(tidy, "braces", source->path,
                    line_of(source->flow, source->flow + strlen(source->flow)),
                    "braces don't match: each branch of an #if must open and close the same");
    }
}

/* ---- files ----------------------------------------------------------------------------------- */

void tidy_source(struct tidy *tidy, const char *path, const char *text)
{
    struct source source = {.path = path, .text = copy(text), .code = copy(text)};
    blank_comments_and_literals(source.code);
    source.flow = copy(source.code);
    blank_directives(source.flow);

    check_lines(tidy, &source);
    check_markers(tidy, &source);
    check_directives(tidy, &source);
    check_calls(tidy, &source);
    check_guard(tidy, &source);
    check_functions(tidy, &source);
    check_length(tidy, path, NULL, 1, line_of(text, text + strlen(text)) - 1);

    free(source.flow);
    free(source.code);
    free(source.text);
}

void tidy_listed(struct tidy *tidy, const char *path, const char *lists)
{
    char test[160];
    const char *end = lists + strlen(lists);
    const char *name = strrchr(path, '/');
    name = name != NULL ? name + 1 : path;

    if (!tidy_ends_with(path, ".c") || find_word(lists, end, name) != NULL) {
        return;
    }
    if (starts_with(name, "test_")) {
        (void)snprintf(test, sizeof(test), "echoport_test(%.*s", (int)(strlen(name) - 7), name + 5);
        if (find_word(lists, end, test) != NULL) {
            return;
        }
    }
    tidy_broken(tidy, "dead-file", path, 1, "no CMakeLists.txt names it");
}
