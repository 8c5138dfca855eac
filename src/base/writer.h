#ifndef ECHOPORT_WRITER_H
#define ECHOPORT_WRITER_H

/*
 * A thread that does the blocking writes to one destination, so that no other thread ever waits for
 * a reader. It keeps the order of what it is given:
 *
 *   lines   are copied into memory of a fixed size. When that is full, a line is dropped and
 *           counted. The count is written as a line of its own where the dropped lines would be.
 *   texts   are queued without a limit, and never dropped.
 *
 * O_NONBLOCK is no alternative: the flag belongs to the open file description, which a shell and
 * other programs share.
 *
 * The first error is kept. What has not been written by then is lost, and so is all that follows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "text.h"

/* Memory for lines while the reader takes nothing, bytes. */
#define WRITER_LINES_SIZE (1024 * 1024)

/* The destination. The writer's thread calls open, write and close, one at a time; they may block.
 * Each returns 0 or a UV error. */
struct writer_sink {
    int (*open)(void *context); /* before the first write; NULL: it is open */
    int (*write)(void *context, const char *data, size_t length); /* all of it */
    int (*close)(void *context); /* after the last write, or an error; NULL: it stays open */

    /* Whether one of the above, which has been running for `for_ms`, waits for a reader. `opened`:
     * open has succeeded. Any thread. */
    bool (*is_stuck)(void *context, bool opened, uint64_t for_ms);
};

struct writer_batch {
    char *lines;
    size_t length;
    struct writer_text *texts; /* the first */
    struct writer_text **end;  /* of that list */
};

/* All members are private. */
struct writer {
    const struct writer_sink *sink;
    void *context;
    const char *program;
    uv_thread_t thread;
    uv_mutex_t lock; /* for all below */
    uv_cond_t wake;
    uv_async_t *watcher;
    struct writer_batch next;  /* what has been added since the thread took a batch */
    struct writer_batch batch; /* used only by the thread, without the lock */
    uint64_t dropped;          /* lines, since then */
    uint64_t since_ns;         /* uv_hrtime() when the thread last began to open, write or close */
    int status;
    bool opened;
    bool busy;    /* the thread is in open, write or close */
    bool ending;  /* tell the watcher when nothing is left */
    bool stopped; /* end the thread when nothing is left */
};

/* Starts the thread. `program` begins the line that says how many lines were dropped. The caller
 * owns `sink`, `context` and `program`, which must stay until writer_stop(). 0; or a UV error, and
 * nothing to stop. */
int writer_start(struct writer *writer, const struct writer_sink *sink, void *context,
                 const char *program);

/* Adds a line, with its newline, of at most WRITER_LINES_SIZE / 2 bytes. False: it was dropped and
 * counted, or the destination has failed. Any thread; never blocks. */
bool writer_line(struct writer *writer, const char *line, size_t length);

/* The same for a line that may get lost, such as the line of progress: a drop is not counted. */
bool writer_hint(struct writer *writer, const char *hint, size_t length);

/* Takes the text over: `*text` is empty afterwards. Any thread; never blocks. */
void writer_add_text(struct writer *writer, struct text *text);

/* Sets the handle that gets uv_async_send() when an error occurs. After writer_end() it also gets
 * one when nothing is left to be written. NULL: none. When the call returns, the old handle is not
 * used. */
void writer_watch(struct writer *writer, uv_async_t *watcher);
void writer_end(struct writer *writer);

/* The first error, or 0. */
int writer_status(struct writer *writer);

/* Whether nothing is left to be written: all has been written or is lost. */
bool writer_is_idle(struct writer *writer);

/* Whether it waits for a reader now. */
bool writer_is_stuck(struct writer *writer);

/* Waits until all has been written or is lost, closes, and ends the thread. Returns the first
 * error, that of the close included, or 0. */
int writer_stop(struct writer *writer);

#endif
