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

/* stdout, stderr or the file. */
struct output_target {
    struct writer writer;
    const char *what; /* begins messages about it: "", or "--json: " */
    const char *name; /* of it, in messages */
    uv_file file;     /* of stdout or stderr */
    bool started;
    bool reported; /* its error has been reported */
};

static struct {
    struct output_target streams[2]; /* stdout, stderr */
    struct output_target file;
    struct output_file destination; /* of the file */
    enum output_mode mode;
    struct text all;       /* what has been written to the file; used only by its thread */
    struct writer *errors; /* stderr's */
    bool shared;           /* it is stdout's writer, too */
    bool given_up;
    bool said_waiting;
    bool gone; /* a reader of stdout or stderr has gone; output_look() has said so */
} output_state = {.destination = {.stream = -1}};

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
    return output_file_connect(context);
}

static int output_destination_write(void *context, const char *data, size_t length)
{
    const struct output_file *destination = context;
    struct text *all = &output_state.all;
    if (output_state.mode == OUTPUT_LATEST || !output_file_is_replaced(destination)) {
        return output_file_write(destination, data, length);
    }
    text_append(all, data, length);
    return all->failed ? UV_ENOMEM : output_file_write(destination, all->data, all->length);
}

static int output_destination_close(void *context)
{
    return output_file_close(context);
}

/* A file that is replaced has no reader. A FIFO that isn't open yet waits for one. */
static bool output_destination_is_stuck(void *context, bool opened, uint64_t for_ms)
{
    const struct output_file *destination = context;
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

int output_open_file(const char *what, const char *path, enum output_mode mode)
{
    struct output_target *target = &output_state.file;
    *target = (struct output_target){.what = what, .name = path};
    output_state.mode = mode;
    int status = output_file_prepare(&output_state.destination, path);
    if (status != 0) {
        log_message("%scannot write '%s': %s", what, path, uv_strerror(status));
    } else if (!output_state.destination.standard) {
        status = output_start_target(target, &output_destination_sink, &output_state.destination,
                                     output_state.streams[0].writer.program);
    }
    return status;
}

bool output_file_has_stdout(void)
{
    return output_file_is_stdout(&output_state.destination);
}

bool output_file_has_failed(void)
{
    struct output_target *target = &output_state.file;
    return target->started && writer_status(&target->writer) != 0;
}

bool output_file_is_kept(void)
{
    return output_file_is_replaced(&output_state.destination);
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

void output_print_file(struct text *text)
{
    if (output_file_is_stdout(&output_state.destination)) {
        output_print(text);
    } else if (output_file_is_stderr(&output_state.destination)) {
        output_print_error(text);
    } else {
        writer_add_text(&output_state.file.writer, text);
    }
}

/* ---- all targets --------------------------------------------------------------------------- */

#define OUTPUT_TARGETS 3

/* stderr is last: errors of the others are reported there. NULL: it has not been started. */
static struct output_target *output_target(size_t i)
{
    struct output_target *const targets[OUTPUT_TARGETS] = {
        &output_state.file, &output_state.streams[0], &output_state.streams[1]};
    return targets[i]->started ? targets[i] : NULL;
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
    bool is_file = target == &output_state.file;
    target->reported = true;
    log_message(is_file ? "%scannot write '%s': %s" : "%scannot write to %s: %s", target->what,
                target->name, uv_strerror(status));
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
        gone = gone || (target != &output_state.file && (status == UV_EPIPE || status == UV_EOF));
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
    text_free(&output_state.all);
    return complete ? code : code == 0 ? 1 : code;
}
