#ifndef ECHOPORT_WRITER_H
#define ECHOPORT_WRITER_H

/*
 * A thread that does the blocking writes to one destination, so that no other thread ever waits for
 * a reader. What it is given comes out in that order:
 *
 *   lines   are copied into memory of a fixed size. When that is full, a line is dropped and
 *           counted. The count is written as a line of its own where the dropped lines would be.
 *   texts   are queued without a limit, and never dropped.
 *
 * O_NONBLOCK is of no use for this: the flag belongs to the open file, which a shell and other
 * programs share.
 *
 * The first error sticks. What has not been written by then is lost, and so is all that follows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "text.h"

/* What lines may fill while the reader takes nothing. */
#define WRITER_LINES_SIZE 65536

/* Where the bytes go. open, write and close are called from the writer's thread, one at a time, and
 * may block. Each returns 0 or a UV error. */
struct writer_sink {
    int (*open)(void *context); /* before the first write; NULL: it is open */
    int (*write)(void *context, const char *data, size_t length); /* all of it */
    int (*close)(void *context); /* after the last write, or an error; NULL: it stays open */

    /* From any thread, while one of the above has been running for `for_ms`: whether it waits for a
     * reader. `opened`: open has returned, with success. */
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
    uv_mutex_t lock; /* of all below */
    uv_cond_t wake;
    uv_async_t *watcher;
    struct writer_batch next;  /* what has come since the thread took a batch */
    struct writer_batch batch; /* the thread's, without the lock */
    uint64_t dropped;          /* lines, since then */
    uint64_t since_ns;         /* of uv_hrtime(), when the thread last began to open or write */
    int status;
    bool opened;
    bool busy;    /* the thread opens or writes */
    bool ending;  /* the watcher is told when nothing is left */
    bool stopped; /* the thread is to end when nothing is left */
};

/* Starts the thread. `program` begins the line that says how many lines were dropped. Both pointers
 * and `context` stay the caller's, until writer_stop(). 0 or a UV error, and nothing to stop. */
int writer_start(struct writer *writer, const struct writer_sink *sink, void *context,
                 const char *program);

/* From any thread; never blocks. Adds a line, with its newline, of at most WRITER_LINES_SIZE / 2
 * bytes. False: it was dropped and counted, or the destination has failed. */
bool writer_line(struct writer *writer, const char *line, size_t length);

/* The same for what nobody misses, such as a line of progress: it isn't counted. */
bool writer_hint(struct writer *writer, const char *hint, size_t length);

/* From any thread; never blocks. Takes the text over: `*text` is empty afterwards. */
void writer_add_text(struct writer *writer, struct text *text);

/* Whom to tell, by uv_async_send(), when an error occurs; after writer_end() also when nothing is
 * left to be written. NULL: nobody; the handle is not used any more when the call returns. */
void writer_watch(struct writer *writer, uv_async_t *watcher);
void writer_end(struct writer *writer);

/* The error that sticks, or 0. */
int writer_status(struct writer *writer);

/* Whether nothing is left to be written, be it that it was written or that it was lost. */
bool writer_is_idle(struct writer *writer);

/* Whether it waits for a reader now. */
bool writer_is_stuck(struct writer *writer);

/* Waits until all has been written or is lost, closes, and ends the thread. Returns the error that
 * stuck, that of the close included, or 0. */
int writer_stop(struct writer *writer);

#endif
