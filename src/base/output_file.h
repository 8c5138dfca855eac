#ifndef ECHOPORT_OUTPUT_FILE_H
#define ECHOPORT_OUTPUT_FILE_H

/*
 * A file for output that a user has named. Each text is written as a whole. What the path refers to
 * stays what it is:
 *
 *   regular file      A draft beside it replaces it, once that is complete. It keeps its mode and
 *   or new name       its owner. Where the folder or the system refuses that, the file is written
 *                     in place. What is read-only is not replaced.
 *   symbolic link     It stays, even if it names nothing yet: its target is what is replaced.
 *   device, FIFO,     It is opened once, and written in place. The same holds for the end of a pipe
 *   named pipe        that has a path, such as /dev/fd/63.
 *   "-"               This is stdout. So is a path of the very file or pipe that is stdout; the
 *                     same holds for stderr.
 *
 * No draft stays behind after an error, nor after a signal that ends the program by default. The
 * exception is a signal that can't be blocked, such as SIGKILL.
 *
 * Errors are UV codes. A structure belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

struct output_file {
    const char *path; /* the caller's, for as long as this is open */
    bool in_place;    /* it is a stream; otherwise the file is replaced */
    uv_file stream;   /* -1: it is not open */
    bool fresh;       /* the stream is a file that is written from its beginning */
    bool standard;    /* the stream is stdout or stderr, and is not closed */
};

/*
 * Finds out what the path refers to. If the file is to be replaced, this only checks that a draft
 * can be made. output_file_connect() opens what is to be written in place.
 *
 * 0 or an error. UV_EISDIR: it is a directory. UV_ENOENT: its directory is missing, or the path is
 * empty.
 */
int output_file_prepare(struct output_file *output, const char *path);

/* After output_file_prepare(): a regular file, or a new name, is written in place from its
 * beginning too, so that texts follow each other there without a draft of all of them. */
void output_file_append(struct output_file *output);

/* Opens what is to be written in place, if it isn't open yet. On a FIFO the call blocks until there
 * is a reader. 0 or an error. */
int output_file_connect(struct output_file *output);

/* output_file_prepare() and output_file_connect(). */
int output_file_open(struct output_file *output, const char *path);

/* Whether each text replaces the one before. If not, the texts follow each other in a stream. */
bool output_file_is_replaced(const struct output_file *output);

/* Whether the text goes to stdout, or to stderr. If to stdout, print nothing else there. */
bool output_file_is_stdout(const struct output_file *output);
bool output_file_is_stderr(const struct output_file *output);

/*
 * Writes the text, of `length` bytes. 0 or an error. After an error a file that is replaced is
 * still the old one. A file that is written in place may have got a part of the text.
 */
int output_file_write(const struct output_file *output, const char *text, size_t length);

/* 0, or the error with which a device or a pipe says that it has lost what was written. */
int output_file_close(struct output_file *output);

/* Writes all of it to a descriptor, also to one with O_NONBLOCK. 0 or an error. */
int output_write(uv_file file, const char *data, size_t length);

/* Whether a write to the descriptor that has been running for `for_ms` waits for a reader. Where
 * the system can't tell, the answer is true after a second. */
bool output_is_stuck(uv_file file, uint64_t for_ms);

/* Whether both are the same file, pipe or terminal. */
bool output_is_one(uv_file file, uv_file other);

/* The width of the terminal that the descriptor is; 0 if it is none, or the width is not known. */
size_t output_columns(uv_file file);

#endif
