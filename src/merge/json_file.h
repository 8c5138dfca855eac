#ifndef ECHOPORT_JSON_FILE_H
#define ECHOPORT_JSON_FILE_H

/*
 * Files with JSON (RFC 8259) that may be broken or hostile, read with every check.
 *
 * The first thing that is wrong is kept in `error`, as in "member `latency_ns.buckets[3][1]`: ...".
 * What can't be read is 0, false, "" or empty. So a reader takes all members in a row, and looks at
 * the error once.
 *
 *     struct json_file file;
 *     if (json_file_open(&file, "a.json") && json_file_next(&file)) {
 *         struct part port = part_member(&file.root, "port");
 *         options.port = part_count(&port, 65535);
 *     }
 *     if (file.error[0] != '\0') { ... }
 *     json_file_close(&file);
 *
 * One thread. Only json_file.c includes jansson's header, which has names of src/base/json.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* A longer file is refused. The report of a run of an hour with --interval 1s has a tenth. */
#define JSON_FILE_BYTES_MAX ((size_t)64 << 20)

#define JSON_FILE_ERROR 512

struct json_t;
struct json_file;

/* A value, and where it is. It points to those that it is in, which must stay. */
struct part {
    struct json_file *file;
    const struct part *in; /* NULL: it is the root */
    const char *name;      /* of the member; NULL: it is an item of an array */
    size_t index;          /* of the item */
    struct json_t *value;  /* NULL: it could not be read */
};

struct json_file {
    const char *name;            /* of the file */
    char error[JSON_FILE_ERROR]; /* what is wrong, without the file's name; "": nothing so far */
    struct part root;            /* the current value of the file */
    char *bytes;                 /* private, as the next two */
    size_t length;
    size_t at;
};

/* Reads the file. Its name must stay. False: it can't be read, and `error` says why. Call
 * json_file_close() in any case. */
bool json_file_open(struct json_file *file, const char *name);

/* Takes the next value of the file, and frees the one before. False: there is none, or it is
 * malformed; then `error` is not empty. */
bool json_file_next(struct json_file *file);

/* Whether nothing but white space follows the current value. */
bool json_file_is_over(const struct json_file *file);

/* Frees the value, and all texts in it. */
void json_file_close(struct json_file *file);

/* ---- parts --------------------------------------------------------------------------------- */

/* A member of an object. It must be there. */
struct part part_member(const struct part *of, const char *name);

/* Whether the object has the member. */
bool part_has(const struct part *of, const char *name);

/* How many items an array has, at most `most`; and one of them. */
size_t part_items(const struct part *array, size_t most);
struct part part_item(const struct part *array, size_t index);

bool part_is_null(const struct part *part);

/* An integer of 0 to `most`, which is at most INT64_MAX. */
uint64_t part_count(const struct part *part, uint64_t most);

/* A number of `least` to `most`. */
double part_number(const struct part *part, double least, double most);

bool part_bool(const struct part *part);

/* A text without control characters. It belongs to the file. */
const char *part_text(const struct part *part);

/* The same three of a member. */
uint64_t part_member_count(const struct part *of, const char *name, uint64_t most);
double part_member_number(const struct part *of, const char *name, double least, double most);
const char *part_member_text(const struct part *of, const char *name);

/* Likewise, if it is null: 0, NAN or NULL. */
uint64_t part_member_count_if(const struct part *of, const char *name, uint64_t most);
double part_member_number_if(const struct part *of, const char *name, double least, double most);
const char *part_member_text_if(const struct part *of, const char *name);

/* Frees a member of an object, and all texts in it. */
void part_forget(const struct part *of, const char *name);

/* What kind of value it is. PART_NONE: it could not be read. */
enum part_kind {
    PART_NONE,
    PART_NULL,
    PART_BOOL,
    PART_INTEGER,
    PART_REAL,
    PART_TEXT,
    PART_ARRAY,
    PART_OBJECT
};

enum part_kind part_kind(const struct part *part);

/* Adds the value as compact JSON in printable ASCII, in a fixed form: the same values make the same
 * texts. */
void part_show(const struct part *part, struct text *out);

/* Something is wrong with the part. Only the first call for a file has an effect. */
void part_fail(const struct part *part, const char *format, ...) TEXT_FORMAT(2, 3);

#endif
