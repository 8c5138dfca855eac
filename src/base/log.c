#include "log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "output_file.h"
#include "sys.h"
#include "util.h"
#include "writer.h"

#define LOG_STDERR 2
#define LOG_CLEAR_LINE "\r\033[K"
#define LOG_CLEAR_LENGTH (sizeof(LOG_CLEAR_LINE) - 1)

static struct {
    uv_mutex_t lock;
    const char *program;
    FILE *out;             /* stderr, except in tests */
    struct writer *writer; /* to stderr; NULL: the thread that logs writes */
    bool progress;         /* stderr is a terminal that shows a line of progress */
    bool showing;          /* it shows one now */
} log_state;

void log_setup(const char *program, bool progress)
{
    assert(log_state.program == NULL);
    int status = uv_mutex_init(&log_state.lock);
    assert(status == 0);
    (void)status;
    log_state.program = program;
    log_state.out = stderr;
    const char *term = getenv("TERM");
    bool dumb = term != NULL && strcmp(term, "dumb") == 0;
    log_state.progress = progress && !dumb && sys_takes_sequences(LOG_STDERR);
}

void log_redirect(FILE *out)
{
    assert(log_state.program != NULL);
    log_state.out = out;
    log_state.progress = false;
}

void log_set_writer(struct writer *writer)
{
    log_state.writer = writer;
}

/* Writes with one call, so that another process can't write into the middle of the line. The lock
 * is held. False: the writer has no room. */
static bool log_put(const char *line, size_t length)
{
    if (log_state.writer != NULL) {
        return writer_line(log_state.writer, line, length);
    }
    (void)fwrite(line, 1, length, log_state.out);
    (void)fflush(log_state.out);
    return true;
}

/* `line` begins with the sequence that clears the line of progress. */
static void log_put_line(const char *line, size_t length)
{
    uv_mutex_lock(&log_state.lock);
    size_t from = log_state.showing ? 0 : LOG_CLEAR_LENGTH;
    if (log_put(line + from, length - from)) {
        log_state.showing = false;
    }
    uv_mutex_unlock(&log_state.lock);
}

static void log_write(const char *prefix, const char *separator, const char *format, va_list list)
{
    char line[LOG_CLEAR_LENGTH + LOG_LINE_MAX] = LOG_CLEAR_LINE;
    char *text = line + LOG_CLEAR_LENGTH;
    if (log_state.out == NULL) {
        return;
    }
    int used = snprintf(text, LOG_LINE_MAX, "%s%s", prefix, separator);
    assert(used >= 0 && used < LOG_LINE_MAX / 2);
    int more = vsnprintf(text + used, LOG_LINE_MAX - (size_t)used - 1, format, list);
    size_t length = strlen(line);
    assert(more >= 0 && length < sizeof(line) - 1);
    (void)more;
    line[length++] = '\n';
    log_put_line(line, length);
}

void log_message(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    log_write(log_state.program, ": ", format, list);
    va_end(list);
}

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *format, ...)
{
    if (now_ns < limit->next_ns) {
        limit->suppressed++;
        return;
    }
    char text[LOG_LINE_MAX / 2];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    limit->next_ns = now_ns + NS_PER_S;
    if (limit->suppressed > 0) {
        log_message("%s (and %llu more of these)", text, (unsigned long long)limit->suppressed);
        limit->suppressed = 0;
    } else {
        log_message("%s", text);
    }
}

void log_trace(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    log_write("", "", format, list);
    va_end(list);
}

bool log_has_progress(void)
{
    return log_state.progress;
}

/* A terminal moves on to the next line when its last column is filled. */
static void log_put_progress(const char *text)
{
    char line[LOG_LINE_MAX];
    size_t columns = output_columns(LOG_STDERR);
    int shown = columns > 0 && columns < LOG_LINE_MAX ? (int)columns - 1 : LOG_LINE_MAX;
    (void)snprintf(line, sizeof(line), LOG_CLEAR_LINE "%.*s", shown, text);
    if (log_state.writer != NULL) {
        (void)writer_hint(log_state.writer, line, strlen(line));
    } else {
        (void)fputs(line, log_state.out);
        (void)fflush(log_state.out);
    }
}

void log_progress(const char *text)
{
    if (!log_state.progress) {
        return;
    }
    uv_mutex_lock(&log_state.lock);
    if (log_state.showing || text[0] != '\0') {
        log_put_progress(text);
    }
    log_state.showing = text[0] != '\0';
    uv_mutex_unlock(&log_state.lock);
}
