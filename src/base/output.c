#include "output.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "output_file.h"
#include "sys.h"
#include "writer.h"

#define OUTPUT_STDOUT 1
#define OUTPUT_STDERR 2

/* After how long output_say_waiting() says something. */
#define OUTPUT_PATIENCE_MS 1000

/* How often output_quit() checks whether the readers are done or stuck. */
#define OUTPUT_LOOK_MS 1

/* stdout, stderr or a file. */
struct output_target {
    struct writer writer;
    const char *what; /* begins messages about it: "", or "--json: " */
    const char *name; /* of it, in messages */
    uv_file file;     /* of stdout or stderr */
    bool started;
    bool reported; /* its error has been reported */
};

/* A file that the user has named. */
struct output_named {
    struct output_target target;
    struct output_file destination;
    enum output_mode mode;
    bool open;
    struct text all; /* what has been written; used only by its thread */
};

static struct {
    struct output_target streams[2]; /* stdout, stderr */
    struct output_named files[OUTPUT_FILES];
    struct writer *errors; /* stderr's */
    bool shared;           /* it is stdout's writer, too */
    bool given_up;
    bool said_waiting;
    bool gone; /* a reader of stdout or stderr has gone; output_look() has said so */
} output_state;

/* ---- destinations -------------------------------------------------------------------------- */

static int output_stream_write(void *context, const char *data, size_t length)
{
    const struct output_target *target = context;
    return output_write(target->file, data, length);
}

static bool output_stream_is_stuck(void *context, bool opened, uint64_t for_ms)
{
    const struct output_target *target = context;
    (void)opened;
    return output_is_stuck(target->file, for_ms);
}

static const struct writer_sink output_stream_sink = {.write = output_stream_write,
                                                      .is_stuck = output_stream_is_stuck};

static int output_destination_open(void *context)
{
    struct output_named *file = context;
    return output_file_connect(&file->destination);
}

static int output_destination_write(void *context, const char *data, size_t length)
{
    struct output_named *file = context;
    const struct output_file *destination = &file->destination;
    struct text *all = &file->all;
    if (file->mode == OUTPUT_LATEST || !output_file_is_replaced(destination)) {
        return output_file_write(destination, data, length);
    }
    text_append(all, data, length);
    return all->failed ? UV_ENOMEM : output_file_write(destination, all->data, all->length);
}

static int output_destination_close(void *context)
{
    struct output_named *file = context;
    return output_file_close(&file->destination);
}

/* A file that is replaced has no reader. A FIFO that isn't open yet waits for one. */
static bool output_destination_is_stuck(void *context, bool opened, uint64_t for_ms)
{
    const struct output_named *file = context;
    const struct output_file *destination = &file->destination;
    if (output_file_is_replaced(destination)) {
        return false;
    }
    return !opened || output_is_stuck(destination->stream, for_ms);
}

static const struct writer_sink output_destination_sink = {.open = output_destination_open,
                                                           .write = output_destination_write,
                                                           .close = output_destination_close,
                                                           .is_stuck = output_destination_is_stuck};

/* ---- begin --------------------------------------------------------------------------------- */

bool output_is_open(const char *program)
{
    bool out = sys_has_output(OUTPUT_STDOUT);
    bool err = sys_has_output(OUTPUT_STDERR);
    if (!out) {
        (void)fprintf(stderr, "%s: standard output is closed; redirect it to %s to discard it\n",
                      program, sys_null_device);
    }
    if (!err) {
        (void)printf("%s: standard error is closed; redirect it to %s to discard it\n", program,
                     sys_null_device);
        (void)fflush(stdout);
    }
    return out && err;
}

static int output_start_target(struct output_target *target, const struct writer_sink *sink,
                               void *context, const char *program)
{
    int status = writer_start(&target->writer, sink, context, program);
    target->started = status == 0;
    if (status != 0) {
        log_message("cannot start the thread that writes to %s: %s%s", target->name,
                    uv_strerror(status), sys_shortage(status));
    }
    return status;
}

int output_start(const char *program)
{
    static const char *const names[] = {"standard output", "standard error"};
    (void)fflush(stdout);
    output_state.shared = output_is_one(OUTPUT_STDOUT, OUTPUT_STDERR);
    for (size_t i = 0; i < (output_state.shared ? 1 : 2); i++) {
        struct output_target *target = &output_state.streams[i];
        *target = (struct output_target){
            .what = "", .name = names[i], .file = i == 0 ? OUTPUT_STDOUT : OUTPUT_STDERR};
        int status = output_start_target(target, &output_stream_sink, target, program);
        if (status != 0) {
            return status;
        }
        output_state.errors = &target->writer;
    }
    log_set_writer(output_state.errors);
    return 0;
}

/* Finds out what the path refers to. Two texts in one stdout would be of no use. */
static int output_prepare_named(struct output_named *file, const char *path)
{
    const char *what = file->target.what;
    bool taken = output_file_has_stdout();
    int status = output_file_prepare(&file->destination, path);
    if (status == 0 && file->mode == OUTPUT_APPEND) {
        output_file_append(&file->destination);
    }
    if (status != 0) {
        log_message("%scannot write '%s': %s", what, path, uv_strerror(status));
    } else if (taken && output_file_is_stdout(&file->destination)) {
        log_message("%s'%s' is standard output, to which another option writes; give it a file",
                    what, path);
        status = UV_EBUSY;
    }
    return status;
}

int output_open_file(enum output_id id, const char *what, const char *path, enum output_mode mode)
{
    struct output_named *file = &output_state.files[id];
    *file = (struct output_named){.target = {.what = what, .name = path}, .mode = mode};
    int status = output_prepare_named(file, path);
    if (status == 0 && !file->destination.standard) {
        status = output_start_target(&file->target, &output_destination_sink, file,
                                     output_state.streams[0].writer.program);
    }
    file->open = status == 0;
    return status;
}

bool output_file_has_stdout(void)
{
    bool has = false;
    for (size_t i = 0; i < OUTPUT_FILES; i++) {
        const struct output_named *file = &output_state.files[i];
        has = has || (file->open && output_file_is_stdout(&file->destination));
    }
    return has;
}

bool output_file_has_failed(enum output_id id)
{
    struct output_target *target = &output_state.files[id].target;
    return target->started && writer_status(&target->writer) != 0;
}

bool output_file_is_kept(enum output_id id)
{
    return output_file_is_replaced(&output_state.files[id].destination);
}

/* ---- what is put out ----------------------------------------------------------------------- */

void output_print(struct text *text)
{
    writer_add_text(&output_state.streams[0].writer, text);
}

void output_print_error(struct text *text)
{
    writer_add_text(output_state.errors, text);
}

void output_print_file(enum output_id id, struct text *text)
{
    struct output_named *file = &output_state.files[id];
    if (output_file_is_stdout(&file->destination)) {
        output_print(text);
    } else if (output_file_is_stderr(&file->destination)) {
        output_print_error(text);
    } else {
        writer_add_text(&file->target.writer, text);
    }
}

bool output_hint_file(enum output_id id, struct text *line)
{
    struct output_named *file = &output_state.files[id];
    struct writer *writer = &file->target.writer;
    if (output_file_is_stdout(&file->destination)) {
        writer = &output_state.streams[0].writer;
    } else if (output_file_is_stderr(&file->destination)) {
        writer = output_state.errors;
    }
    bool written = !line->failed && writer_hint(writer, line->data, line->length);
    text_free(line);
    return written;
}

/* ---- all targets --------------------------------------------------------------------------- */

#define OUTPUT_TARGETS (OUTPUT_FILES + 2)

/* stderr is last: errors of the others are reported there. NULL: it has not been started. */
static struct output_target *output_target(size_t i)
{
    struct output_target *target =
        i < OUTPUT_FILES ? &output_state.files[i].target : &output_state.streams[i - OUTPUT_FILES];
    return target->started ? target : NULL;
}

static bool output_is_stream(const struct output_target *target)
{
    return target == &output_state.streams[0] || target == &output_state.streams[1];
}

void output_watch(uv_async_t *watcher)
{
    for (size_t i = 0; i < OUTPUT_TARGETS; i++) {
        if (output_target(i) != NULL) {
            writer_watch(&output_target(i)->writer, watcher);
        }
    }
}

static void output_report(struct output_target *target, int status)
{
    target->reported = true;
    log_message(!output_is_stream(target) ? "%scannot write '%s': %s" : "%scannot write to %s: %s",
                target->what, target->name, uv_strerror(status));
}

bool output_look(void)
{
    bool gone = false;
    for (size_t i = 0; i < OUTPUT_TARGETS; i++) {
        struct output_target *target = output_target(i);
        int status = target == NULL ? 0 : writer_status(&target->writer);
        if (status == 0 || target->reported) {
            continue;
        }
        output_report(target, status);
        gone = gone || (output_is_stream(target) && (status == UV_EPIPE || status == UV_EOF));
    }
    bool first = gone && !output_state.gone;
    output_state.gone = output_state.gone || gone;
    return first;
}

/* Repeats errors that were reported long ago, to explain the exit code. */
void output_end(void)
{
    for (size_t i = 0; i < OUTPUT_TARGETS; i++) {
        struct output_target *target = output_target(i);
        if (target != NULL && target->reported) {
            log_message("%s%s is incomplete", target->what, target->name);
        }
        if (target != NULL) {
            writer_end(&target->writer);
        }
    }
}

bool output_is_over(bool impatient)
{
    for (size_t i = 0; i < OUTPUT_TARGETS; i++) {
        struct output_target *target = output_target(i);
        if (target != NULL && !writer_is_idle(&target->writer) &&
            !(impatient && writer_is_stuck(&target->writer))) {
            return false;
        }
    }
    return true;
}

static const char *output_stuck(void)
{
    for (size_t i = 0; i < OUTPUT_TARGETS; i++) {
        struct output_target *target = output_target(i);
        if (target != NULL && writer_is_stuck(&target->writer)) {
            return target->name;
        }
    }
    return NULL;
}

void output_say_waiting(uint64_t waited_ms)
{
    const char *stuck = NULL;
    if (waited_ms >= OUTPUT_PATIENCE_MS && !output_state.said_waiting) {
        stuck = output_stuck();
    }
    if (stuck != NULL) {
        output_state.said_waiting = true;
        log_message(
            "done, but the reader of %s has not read everything; a second Ctrl-C ends the wait",
            stuck);
    }
}

/* ---- end ----------------------------------------------------------------------------------- */

void output_quit(int code)
{
    while (!output_is_over(true)) {
        uv_sleep(OUTPUT_LOOK_MS);
    }
    _Exit(code);
}

void output_give_up(void)
{
    output_state.given_up = true;
}

static void output_report_lost(void)
{
    const char *stuck = output_stuck();
    if (stuck != NULL) {
        log_message("%s is not read: the rest of the output is lost", stuck);
    }
}

static bool output_stop_target(struct output_target *target)
{
    int status = writer_stop(&target->writer);
    target->started = false;
    if (status != 0 && !target->reported) {
        output_report(target, status);
    }
    return status == 0;
}

int output_exit(int code)
{
    bool complete = true;
    if (output_state.errors == NULL) {
        return code; /* nothing has been started */
    }
    (void)output_look();
    if (output_state.given_up) {
        output_report_lost();
        output_quit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < OUTPUT_TARGETS; i++) {
        struct output_target *target = output_target(i);
        if (target != NULL && &target->writer == output_state.errors) {
            log_set_writer(NULL);
        }
        complete = (target == NULL || output_stop_target(target)) && complete;
    }
    for (size_t i = 0; i < OUTPUT_FILES; i++) {
        text_free(&output_state.files[i].all);
    }
    return complete ? code : code == 0 ? 1 : code;
}
