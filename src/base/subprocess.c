/*
 *     process_start -> { output | exit, in any order } -> process_wait -> process_end_all
 */

#include "subprocess.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subprocess_system.h"

/* How long a killed process may take to end. */
#define END_MS 120000

#define PROCESS_ARGUMENTS_MAX 64

/* A program that prints more is broken. */
#define PROCESS_OUTPUT_MAX ((size_t)256 << 20)

struct process_output {
    uv_pipe_t pipe;
    char *text; /* ended by a NUL */
    size_t length;
    size_t capacity;
    bool open;
};

struct process {
    struct process *next;
    uv_process_t handle;
    struct process_output outputs[PROCESS_STREAMS];
    uv_pipe_t lifeline; /* to the launcher, if there is one */
    int64_t exit_code;
    int term_signal;
    bool spawned;
    bool exited;
    size_t handles; /* that are not closed yet */
};

static struct {
    uv_loop_t loop;
    uv_timer_t timer;
    bool ready;
    struct process *processes;
    const char *launcher; /* NULL: none */
    const char *word;
} process_state;

void process_launch_by(const char *launcher, const char *word)
{
    process_state.launcher = launcher;
    process_state.word = word;
}

int process_prepare(void)
{
    if (process_state.ready) {
        return 0;
    }
    int status = uv_loop_init(&process_state.loop);
    if (status == 0) {
        status = uv_timer_init(&process_state.loop, &process_state.timer);
        assert(status == 0);
        process_state.ready = true;
    }
    return status;
}

uv_loop_t *process_loop(void)
{
    int status = process_prepare();
    assert(status == 0);
    (void)status;
    return &process_state.loop;
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void process_on_timer(uv_timer_t *timer)
{
    bool *over = timer->data;
    *over = true;
    uv_stop(timer->loop); /* it runs before the poll, which would otherwise wait */
}

bool process_pump(uint64_t timeout_ms, bool (*done)(void *context), void *context)
{
    uv_loop_t *loop = process_loop();
    bool over = false;
    if (done != NULL && done(context)) {
        return true;
    }
    uv_update_time(loop);
    process_state.timer.data = &over;
    (void)uv_timer_start(&process_state.timer, process_on_timer, timeout_ms, 0);
    bool is_done = false;
    while (!over && !is_done) {
        (void)uv_run(loop, UV_RUN_ONCE);
        is_done = done != NULL && done(context);
    }
    (void)uv_timer_stop(&process_state.timer);
    return is_done;
}

/* ---- output -------------------------------------------------------------------------------- */

static void process_on_closed(uv_handle_t *handle)
{
    struct process *process = handle->data;
    assert(process->handles > 0);
    process->handles--;
}

static void process_close_output(struct process_output *output)
{
    if (output->open) {
        output->open = false;
        uv_close((uv_handle_t *)(void *)&output->pipe, process_on_closed);
    }
}

static struct process_output *process_output_of(uv_handle_t *handle)
{
    struct process *process = handle->data;
    size_t stream = handle == (uv_handle_t *)(void *)&process->outputs[PROCESS_OUT].pipe
                        ? PROCESS_OUT
                        : PROCESS_ERR;
    return &process->outputs[stream];
}

static void process_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct process_output *output = process_output_of(handle);
    (void)suggested;
    if (output->capacity - output->length < 4096) {
        size_t capacity = 2 * output->capacity + 16384;
        char *text = capacity < PROCESS_OUTPUT_MAX ? realloc(output->text, capacity) : NULL;
        if (text == NULL) {
            *buffer = uv_buf_init(NULL, 0);
            return;
        }
        output->text = text;
        output->capacity = capacity;
        output->text[output->length] = '\0';
    }
    *buffer = uv_buf_init(output->text + output->length,
                          (unsigned)(output->capacity - output->length - 1));
}

static void process_on_read(uv_stream_t *pipe, ssize_t count, const uv_buf_t *buffer)
{
    struct process_output *output = process_output_of((uv_handle_t *)pipe);
    (void)buffer;
    if (count < 0) { /* the end, or an error, UV_ENOBUFS too */
        process_close_output(output);
        return;
    }
    output->length += (size_t)count;
    output->text[output->length] = '\0';
}

const char *process_text(const struct process *process, enum process_stream stream)
{
    const char *text = process->outputs[stream].text;
    return text != NULL ? text : "";
}

static const char *process_find_line(const char *text, const char *part, size_t n, size_t *length)
{
    for (const char *line = text; *line != '\0';) {
        const char *end = strchr(line, '\n');
        if (end == NULL) {
            return NULL;
        }
        const char *found = strstr(line, part);
        if (found == NULL) {
            return NULL;
        }
        if (found < end && n-- == 0) {
            *length = (size_t)(end - line);
            return line;
        }
        line = end + 1;
    }
    return NULL;
}

struct process_awaited_line {
    const struct process *process;
    enum process_stream stream;
    const char *part;
    size_t n;
    const char *line;
    size_t length;
};

static bool process_has_line(void *context)
{
    struct process_awaited_line *wanted = context;
    const char *text = process_text(wanted->process, wanted->stream);
    wanted->line = process_find_line(text, wanted->part, wanted->n, &wanted->length);
    return wanted->line != NULL || !wanted->process->outputs[wanted->stream].open;
}

char *process_line(struct process *process, enum process_stream stream, const char *part, size_t n,
                   uint64_t timeout_ms)
{
    struct process_awaited_line wanted = {
        .process = process, .stream = stream, .part = part, .n = n};
    (void)process_pump(timeout_ms, process_has_line, &wanted);
    char *copy = wanted.line != NULL ? malloc(wanted.length + 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, wanted.line, wanted.length);
        copy[wanted.length] = '\0';
        if (wanted.length > 0 && copy[wanted.length - 1] == '\r') {
            copy[wanted.length - 1] = '\0';
        }
    }
    return copy;
}

size_t process_count_lines(const struct process *process, enum process_stream stream,
                           const char *part)
{
    size_t count = 0;
    size_t length;
    const char *at = process_text(process, stream);
    while ((at = process_find_line(at, part, 0, &length)) != NULL) {
        at += length;
        count++;
    }
    return count;
}

void process_close_out(struct process *process)
{
    process_close_output(&process->outputs[PROCESS_OUT]);
    (void)process_pump(0, NULL, NULL);
}

void process_close_err(struct process *process)
{
    process_close_output(&process->outputs[PROCESS_ERR]);
    (void)process_pump(0, NULL, NULL);
}

void process_stop_reading(struct process *process, enum process_stream stream)
{
    assert(process->outputs[stream].open);
    (void)uv_read_stop((uv_stream_t *)(void *)&process->outputs[stream].pipe);
}

void process_read_on(struct process *process, enum process_stream stream)
{
    int status = uv_read_start((uv_stream_t *)(void *)&process->outputs[stream].pipe,
                               process_on_alloc, process_on_read);
    assert(status == 0);
    (void)status;
}

/* ---- start --------------------------------------------------------------------------------- */

#define PROCESS_LIFELINE 3 /* its number in the process */

static void process_close_lifeline(struct process *process)
{
    if (process_state.launcher != NULL) {
        uv_close((uv_handle_t *)(void *)&process->lifeline, process_on_closed);
    }
}

static void process_on_exit(uv_process_t *handle, int64_t code, int term_signal)
{
    struct process *process = handle->data;
    process->exited = true;
    process->exit_code = code;
    process->term_signal = term_signal;
    uv_close((uv_handle_t *)(void *)handle, process_on_closed);
    process_close_lifeline(process);
}

static void process_open_lifeline(struct process *process, uv_process_options_t *options)
{
    uv_stdio_container_t *stdio = &options->stdio[PROCESS_LIFELINE];
    if (process_state.launcher != NULL) {
        int status = uv_pipe_init(process_loop(), &process->lifeline, 0);
        assert(status == 0);
        (void)status;
        process->lifeline.data = process;
        process->handles++;
        stdio->flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
        stdio->data.stream = (uv_stream_t *)(void *)&process->lifeline;
        options->file = process_state.launcher;
        options->stdio_count = PROCESS_LIFELINE + 1;
    }
}

static void process_open_output(struct process *process, enum process_stream stream,
                                uv_stdio_container_t *stdio)
{
    struct process_output *output = &process->outputs[stream];
    int status = uv_pipe_init(process_loop(), &output->pipe, 0);
    assert(status == 0);
    (void)status;
    output->pipe.data = process;
    output->open = true;
    process->handles++;
    stdio->flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
    stdio->data.stream = (uv_stream_t *)(void *)&output->pipe;
}

/* A file for the standard output: its descriptor, or a UV error. */
static int process_open_file(const char *path)
{
    uv_fs_t request;
    int flags = UV_FS_O_WRONLY | UV_FS_O_CREAT | UV_FS_O_TRUNC;
    int fd = (int)uv_fs_open(NULL, &request, path, flags, 0600, NULL);
    uv_fs_req_cleanup(&request);
    return fd;
}

static int process_spawn(struct process *process, const char *path, char **words,
                         const int descriptors[PROCESS_STREAMS])
{
    uv_stdio_container_t stdio[PROCESS_LIFELINE + 1] = {{.flags = UV_IGNORE}};
    uv_process_options_t options = {.file = path,
                                    .args = words,
                                    .exit_cb = process_on_exit,
                                    .flags = UV_PROCESS_WINDOWS_HIDE,
                                    .stdio = stdio,
                                    .stdio_count = 3};
    for (int i = 0; i < PROCESS_STREAMS; i++) {
        if (descriptors[i] >= 0) {
            stdio[1 + i].flags = UV_INHERIT_FD;
            stdio[1 + i].data.fd = descriptors[i];
        } else {
            process_open_output(process, (enum process_stream)i, &stdio[1 + i]);
        }
    }
    process_open_lifeline(process, &options);
    process->handle.data = process;
    process->handles++;
    int status = uv_spawn(process_loop(), &process->handle, &options);
    if (status != 0) {
        uv_close((uv_handle_t *)(void *)&process->handle, process_on_closed);
        process_close_lifeline(process);
        process->exited = true;
        process->exit_code = status;
    }
    for (size_t i = 0; i < PROCESS_STREAMS; i++) {
        struct process_output *output = &process->outputs[i];
        uv_stream_t *stream = (uv_stream_t *)(void *)&output->pipe;
        if (output->open &&
            (status != 0 || uv_read_start(stream, process_on_alloc, process_on_read) != 0)) {
            process_close_output(output);
        }
    }
    return status;
}

struct process *process_start_on(const char *path, const char *const *arguments,
                                 const int descriptors[PROCESS_STREAMS])
{
    char *words[PROCESS_ARGUMENTS_MAX + 4];
    size_t count = 0;
    if (process_state.launcher != NULL) {
        words[count++] = (char *)(uintptr_t)process_state.launcher;
        words[count++] = (char *)(uintptr_t)process_state.word;
    }
    words[count++] = (char *)(uintptr_t)path;
    while (*arguments != NULL && count <= PROCESS_ARGUMENTS_MAX) {
        words[count++] = (char *)(uintptr_t)*arguments++;
    }
    words[count] = NULL;
    assert(*arguments == NULL);
    struct process *process = calloc(1, sizeof(*process));
    assert(process != NULL);
    process->next = process_state.processes;
    process_state.processes = process;
    int status = process_spawn(process, path, words, descriptors);
    if (status != 0) {
        (void)fprintf(stderr, "%s: %s\n", path, uv_strerror(status));
        return NULL; /* process_end_all() frees it */
    }
    process->spawned = true;
    return process;
}

struct process *process_start(const char *path, const char *const *arguments, const char *out_path)
{
    int descriptors[PROCESS_STREAMS] = {-1, -1};
    if (out_path != NULL && (descriptors[PROCESS_OUT] = process_open_file(out_path)) < 0) {
        (void)fprintf(stderr, "%s: %s\n", out_path, uv_strerror(descriptors[PROCESS_OUT]));
        return NULL;
    }
    struct process *process = process_start_on(path, arguments, descriptors);
    if (out_path != NULL) {
        uv_fs_t request;
        (void)uv_fs_close(NULL, &request, descriptors[PROCESS_OUT], NULL);
        uv_fs_req_cleanup(&request);
    }
    return process;
}

int process_id(const struct process *process)
{
    return process->handle.pid;
}

/* ---- end ----------------------------------------------------------------------------------- */

static bool process_is_over(void *context)
{
    const struct process *process = context;
    return process->exited && !process->outputs[PROCESS_OUT].open &&
           !process->outputs[PROCESS_ERR].open;
}

int process_wait(struct process *process, uint64_t timeout_ms)
{
    if (!process_pump(timeout_ms, process_is_over, process)) {
        return PROCESS_LATE;
    }
    return process->term_signal != 0 ? -process->term_signal : (int)process->exit_code;
}

bool process_has_ended(const struct process *process)
{
    return process->exited;
}

bool process_can_signal(int number)
{
    const char *why = process_system_cannot(number);
    if (why != NULL) {
        (void)fprintf(stderr, "signal %d can't be sent here: %s\n", number, why);
    }
    return why == NULL;
}

int process_signal(struct process *process, int number)
{
    return process->exited ? UV_ESRCH : process_system_signal(&process->handle, number);
}

static bool process_is_closed(void *context)
{
    const struct process *process = context;
    return process->handles == 0;
}

void process_end_all(void)
{
    struct process *process;
    for (process = process_state.processes; process != NULL; process = process->next) {
        (void)process_signal(process, SIGKILL);
    }
    while ((process = process_state.processes) != NULL) {
        process_close_output(&process->outputs[PROCESS_OUT]);
        process_close_output(&process->outputs[PROCESS_ERR]);
        (void)process_pump(END_MS, process_is_closed, process);
        assert(process->handles == 0); /* a killed process ends */
        process_state.processes = process->next;
        free(process->outputs[PROCESS_OUT].text);
        free(process->outputs[PROCESS_ERR].text);
        free(process);
    }
}

/* ---- use ----------------------------------------------------------------------------------- */

bool process_cpu_ms(const struct process *process, uint64_t *cpu_ms)
{
    return process_system_cpu_ms(&process->handle, cpu_ms);
}

bool process_rss_bytes(const struct process *process, uint64_t *rss_bytes)
{
    return process_system_rss_bytes(&process->handle, rss_bytes);
}

bool process_handles(const struct process *process, size_t *count)
{
    return process_system_handles(process_id(process), count);
}

bool process_pinned_threads(const struct process *process, int cpu, size_t *count)
{
    return process_system_pinned_threads(&process->handle, cpu, count);
}
