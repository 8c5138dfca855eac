#include "log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "sys.h"
#include "writer.h"

#define LOG_SECOND_NS UINT64_C(1000000000)
#define LOG_CLEAR_LINE "\r\033[K"
#define LOG_CLEAR_LENGTH (sizeof(LOG_CLEAR_LINE) - 1)

static struct {
    uv_mutex_t lock;
    const char *program;
    FILE *out;             /* stderr, but in tests */
    struct writer *writer; /* to it; NULL: the thread that logs writes */
    bool terminal;         /* stderr takes control sequences */
    bool showing;          /* a line of progress stands on it */
} log_state;

void log_setup(const char *program, bool colour)
{
    assert(log_state.program == NULL);
    int status = uv_mutex_init(&log_state.lock);
    assert(status == 0);
    (void)status;
    log_state.program = program;
    log_state.out = stderr;
    const char *term = getenv("TERM");
    bool dumb = term != NULL && strcmp(term, "dumb") == 0;
    log_state.terminal = colour && !dumb && sys_takes_sequences(2);
}

void log_redirect(FILE *out)
{
    assert(log_state.program != NULL);
    log_state.out = out;
    log_state.terminal = false;
}

void log_set_writer(struct writer *writer)
{
    log_state.writer = writer;
}

/* One write, so that the line of another process can't come into the middle of it. With the lock
 * held. False: the writer has no room. */
static bool log_put(const char *line, size_t length)
{
    if (log_state.writer != NULL) {
        return writer_line(log_state.writer, line, length);
    }
    (void)fwrite(line, 1, length, log_state.out);
    (void)fflush(log_state.out);
    return true;
}

/* `line` is preceded in memory by the sequence that clears the line of progress. */
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
    limit->next_ns = now_ns + LOG_SECOND_NS;
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
    return log_state.terminal;
}

static void log_put_progress(const char *text)
{
    char line[LOG_LINE_MAX];
    (void)snprintf(line, sizeof(line), LOG_CLEAR_LINE "%s", text);
    if (log_state.writer != NULL) {
        (void)writer_hint(log_state.writer, line, strlen(line));
    } else {
        (void)fputs(line, log_state.out);
        (void)fflush(log_state.out);
    }
}

void log_progress(const char *text)
{
    if (!log_state.terminal) {
        return;
    }
    uv_mutex_lock(&log_state.lock);
    if (log_state.showing || text[0] != '\0') {
        log_put_progress(text);
    }
    log_state.showing = text[0] != '\0';
    uv_mutex_unlock(&log_state.lock);
}
