#ifndef ECHOPORT_OUTPUT_FILE_H
#define ECHOPORT_OUTPUT_FILE_H

/*
 * A file for output that a user has named, and that gets a text as a whole. Whatever the name
 * stands for stays what it is:
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
 * No draft stays behind after an error, nor after a signal that ends the program. The exception is
 * a signal that can't be held back, as SIGKILL.
 *
 * Errors are UV codes. A structure belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

struct output_file {
    const char *path; /* the caller's, for as long as this is open */
    uv_file stream;   /* it is written in place; -1: the file is replaced */
    bool standard;    /* the stream is stdout or stderr, which are not closed */
};

/*
 * Opens what is to be written in place. For what is to be replaced it tries whether a draft can be
 * made, and changes nothing. On a FIFO the call blocks until there is a reader: call it before
 * signals are watched for, so that they can end the program meanwhile.
 *
 * 0 or an error, after which nothing is open. UV_EISDIR: it is a directory. UV_ENOENT: its
 * directory is missing, or the path is empty.
 */
int output_file_open(struct output_file *output, const char *path);

/* Whether each text replaces the one before. Otherwise it follows it, in one stream. */
bool output_file_is_replaced(const struct output_file *output);

/* Whether the text goes to stdout, which then is for nothing else. */
bool output_file_is_stdout(const struct output_file *output);

/*
 * Writes the text, of `length` bytes. 0 or an error: a file that is replaced is the old one then.
 * What is written in place may have got a part of the text.
 */
int output_file_write(const struct output_file *output, const char *text, size_t length);

/* 0, or the error with which a device or a pipe says that it has lost what was written. */
int output_file_close(struct output_file *output);

#endif
