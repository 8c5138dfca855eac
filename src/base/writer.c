#include "writer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys.h"
#include "units.h"
#include "util.h"

/* Reserved for the line that says how many were dropped. */
#define WRITER_NOTICE_SIZE 128

struct writer_text {
    struct writer_text *next;
    struct text text;
    size_t at; /* the text follows this many bytes of the batch's lines */
};

/* ---- batches ------------------------------------------------------------------------------- */

static bool writer_batch_is_empty(const struct writer_batch *batch)
{
    return batch->length == 0 && batch->texts == NULL;
}

static void writer_batch_clear(struct writer_batch *batch)
{
    while (batch->texts != NULL) {
        struct writer_text *text = batch->texts;
        batch->texts = text->next;
        text_free(&text->text);
        free(text);
    }
    batch->end = &batch->texts;
    batch->length = 0;
}

static int writer_batch_init(struct writer_batch *batch)
{
    batch->lines = malloc(WRITER_LINES_SIZE);
    batch->length = 0;
    batch->texts = NULL;
    batch->end = &batch->texts;
    return batch->lines == NULL ? UV_ENOMEM : 0;
}

/* Takes the place of the dropped lines. No line follows it, since none is taken after a drop. */
static void writer_add_notice(struct writer *writer)
{
    struct writer_batch *batch = &writer->next;
    size_t room = WRITER_LINES_SIZE - batch->length;
    int length =
        snprintf(batch->lines + batch->length, room, "%.60s: %s dropped: the reader is too slow\n",
                 writer->program, units_counted(writer->dropped, "line").text);
    assert(length > 0 && (size_t)length < room);
    batch->length += (size_t)length;
    writer->dropped = 0;
}

/* The thread takes all that has been added. The lock is held. */
static void writer_take(struct writer *writer)
{
    struct writer_batch taken;
    if (writer->dropped > 0) {
        writer_add_notice(writer);
    }
    taken = writer->next;
    writer->next = writer->batch;
    writer->next.end = &writer->next.texts;
    writer->batch = taken;
    assert(writer_batch_is_empty(&writer->next));
}

static int writer_write_batch(struct writer *writer)
{
    const struct writer_batch *batch = &writer->batch;
    size_t written = 0;
    int status = 0;
    for (struct writer_text *text = batch->texts; text != NULL && status == 0; text = text->next) {
        if (text->at > written) {
            status =
                writer->sink->write(writer->context, batch->lines + written, text->at - written);
            written = text->at;
        }
        if (status == 0 && text->text.length > 0) {
            status = writer->sink->write(writer->context, text->text.data, text->text.length);
        }
    }
    if (status == 0 && batch->length > written) {
        status =
            writer->sink->write(writer->context, batch->lines + written, batch->length - written);
    }
    return status;
}

/* ---- the thread, which holds the lock except while it blocks -------------------------------- */

static void writer_begin_call(struct writer *writer)
{
    writer->busy = true;
    writer->since_ns = uv_hrtime();
    uv_mutex_unlock(&writer->lock);
}

static void writer_end_call(struct writer *writer, int status)
{
    uv_mutex_lock(&writer->lock);
    bool failed = status != 0 && writer->status == 0;
    writer->busy = false;
    if (failed) {
        writer->status = status;
    }
    if (writer->status != 0) {
        writer_batch_clear(&writer->next);
        writer->dropped = 0;
    }
    bool idle = writer->ending && writer_batch_is_empty(&writer->next);
    if (writer->watcher != NULL && (failed || idle)) {
        (void)uv_async_send(writer->watcher);
    }
}

static void writer_open(struct writer *writer)
{
    if (writer->sink->open != NULL) {
        writer_begin_call(writer);
        writer_end_call(writer, writer->sink->open(writer->context));
    }
    writer->opened = writer->status == 0;
}

static void writer_close(struct writer *writer)
{
    if (writer->sink->close != NULL && writer->opened) {
        writer_begin_call(writer);
        writer_end_call(writer, writer->sink->close(writer->context));
    }
}

static void writer_run(void *argument)
{
    struct writer *writer = argument;
    sys_signals_block(); /* it outlives the main loop */
    uv_mutex_lock(&writer->lock);
    writer_open(writer);
    while (!writer->stopped || !writer_batch_is_empty(&writer->next)) {
        if (writer_batch_is_empty(&writer->next)) {
            uv_cond_wait(&writer->wake, &writer->lock);
            continue;
        }
        writer_take(writer);
        writer_begin_call(writer);
        int status = writer_write_batch(writer);
        writer_batch_clear(&writer->batch);
        writer_end_call(writer, status);
    }
    writer_close(writer);
    uv_mutex_unlock(&writer->lock);
}

/* ---- other threads ------------------------------------------------------------------------- */

/* Whether there is room for the line, and the destination has not failed. */
static bool writer_takes(const struct writer *writer, size_t length)
{
    assert(length <= WRITER_LINES_SIZE / 2);
    return writer->status == 0 && writer->dropped == 0 &&
           writer->next.length + length <= WRITER_LINES_SIZE - WRITER_NOTICE_SIZE;
}

static bool writer_add(struct writer *writer, const char *line, size_t length, bool counted)
{
    uv_mutex_lock(&writer->lock);
    bool taken = writer_takes(writer, length);
    if (taken) {
        memcpy(writer->next.lines + writer->next.length, line, length);
        writer->next.length += length;
        uv_cond_signal(&writer->wake);
    } else if (counted && writer->status == 0) {
        writer->dropped++;
    }
    uv_mutex_unlock(&writer->lock);
    return taken;
}

bool writer_line(struct writer *writer, const char *line, size_t length)
{
    return writer_add(writer, line, length, true);
}

bool writer_hint(struct writer *writer, const char *hint, size_t length)
{
    return writer_add(writer, hint, length, false);
}

void writer_add_text(struct writer *writer, struct text *text)
{
    struct writer_text *added = calloc(1, sizeof(*added));
    uv_mutex_lock(&writer->lock);
    if (added == NULL || text->failed || writer->status != 0) {
        bool lost = writer->status == 0;
        writer->status = lost ? UV_ENOMEM : writer->status;
        if (lost && writer->watcher != NULL) {
            (void)uv_async_send(writer->watcher);
        }
        text_free(text);
        free(added);
    } else {
        *added = (struct writer_text){.text = *text, .at = writer->next.length};
        *writer->next.end = added;
        writer->next.end = &added->next;
        *text = (struct text){0};
        uv_cond_signal(&writer->wake);
    }
    uv_mutex_unlock(&writer->lock);
}

void writer_watch(struct writer *writer, uv_async_t *watcher)
{
    uv_mutex_lock(&writer->lock);
    writer->watcher = watcher;
    uv_mutex_unlock(&writer->lock);
}

void writer_end(struct writer *writer)
{
    uv_mutex_lock(&writer->lock);
    writer->ending = true;
    uv_mutex_unlock(&writer->lock);
}

int writer_status(struct writer *writer)
{
    uv_mutex_lock(&writer->lock);
    int status = writer->status;
    uv_mutex_unlock(&writer->lock);
    return status;
}

bool writer_is_idle(struct writer *writer)
{
    uv_mutex_lock(&writer->lock);
    bool idle = !writer->busy && writer_batch_is_empty(&writer->next);
    uv_mutex_unlock(&writer->lock);
    return idle;
}

bool writer_is_stuck(struct writer *writer)
{
    uv_mutex_lock(&writer->lock);
    uint64_t for_ms = (uv_hrtime() - writer->since_ns) / NS_PER_MS;
    bool stuck = writer->busy && writer->sink->is_stuck(writer->context, writer->opened, for_ms);
    uv_mutex_unlock(&writer->lock);
    return stuck;
}

/* ---- life ---------------------------------------------------------------------------------- */

static void writer_free(struct writer *writer)
{
    writer_batch_clear(&writer->next);
    free(writer->next.lines);
    free(writer->batch.lines);
    uv_cond_destroy(&writer->wake);
    uv_mutex_destroy(&writer->lock);
}

int writer_start(struct writer *writer, const struct writer_sink *sink, void *context,
                 const char *program)
{
    memset(writer, 0, sizeof(*writer));
    writer->sink = sink;
    writer->context = context;
    writer->program = program;
    int status = uv_mutex_init(&writer->lock);
    if (status != 0) {
        return status;
    }
    status = uv_cond_init(&writer->wake);
    if (status != 0) {
        uv_mutex_destroy(&writer->lock);
        return status;
    }
    status = writer_batch_init(&writer->next);
    int other = writer_batch_init(&writer->batch);
    status = status == 0 ? other : status;
    writer->busy = sink->open != NULL; /* from now on, not from the start of the thread */
    writer->since_ns = uv_hrtime();
    if (status == 0) {
        status = uv_thread_create(&writer->thread, writer_run, writer);
    }
    if (status != 0) {
        writer_free(writer);
    }
    return status;
}

int writer_stop(struct writer *writer)
{
    uv_mutex_lock(&writer->lock);
    writer->stopped = true;
    uv_cond_signal(&writer->wake);
    uv_mutex_unlock(&writer->lock);
    (void)uv_thread_join(&writer->thread);
    writer_free(writer);
    return writer->status;
}
