#include "run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "log.h"
#include "subprocess.h"
#include "result.h"
#include "units.h"
#include "usage.h"

#define RUN_WORDS 40
#define RUN_LIST (RUN_WORDS + COMMAND_WORDS_MAX)

/* A thread that is busy for this share of the time counts as having no time left. */
#define RUN_BUSY 0.95

/* The arguments of a program. Those that are made here are in `text`. */
struct words {
    char text[RUN_WORDS][OPTION_HOST_SIZE];
    size_t made;
    const char *list[RUN_LIST + 1]; /* ended by NULL */
    size_t count;
};

struct run {
    const struct run_setup *setup;
    const struct bench_case *load;
    const struct subject *subject;
    struct pin_placement placement;
    struct process *server; /* NULL: none, or it could not be started */
    const char *host;
    char port[OPTION_PORT_SIZE];
    json_t *server_report; /* NULL: a peer or target, or there was none */
    json_t *client_report;
    struct usage before; /* all 0 where the system doesn't tell */
    struct usage after;
    json_t *result;
};

/* The processes that run, for run_cancel(). */
static struct process *run_processes[2];

/* `text` stays the caller's. */
static void words_add_text(struct words *words, const char *text)
{
    assert(words->count < RUN_LIST);
    words->list[words->count++] = text;
    words->list[words->count] = NULL;
}

static void words_add(struct words *words, const char *format, ...) TEXT_FORMAT(2, 3);
static void words_add(struct words *words, const char *format, ...)
{
    va_list list;
    assert(words->made < RUN_WORDS);
    char *text = words->text[words->made++];
    va_start(list, format);
    (void)vsnprintf(text, sizeof(words->text[0]), format, list);
    va_end(list);
    words_add_text(words, text);
}

static void run_fail(struct run *run, const char *format, ...) TEXT_FORMAT(2, 3);
static void run_fail(struct run *run, const char *format, ...)
{
    char text[RUN_ERROR_SIZE];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    for (size_t end = strlen(text); end > 0 && strchr(" :\r\n", text[end - 1]) != NULL; end--) {
        text[end - 1] = '\0'; /* the end of the line, if the program has written any */
    }
    if (!result_has_mark(run->result, "failed")) {
        result_add_mark(run->result, "failed");
        result_set_text(run->result, "error", text);
    }
}

static bool run_failed(const struct run *run)
{
    return result_has_mark(run->result, "failed");
}

/* `code`, from process_wait(), is not the expected one. `said` is the program's reason. */
static void run_fail_ended(struct run *run, const char *what, int code, const char *said)
{
    if (code == PROCESS_LATE) {
        run_fail(run, "%s hung: %.180s", what, said);
    } else {
        run_fail(run, "%s's exit code is %d: %.180s", what, code, said);
    }
}

/* The last report that it printed, or NULL. On a terminal, as ssh -tt makes one, the line may begin
 * with one of progress. */
static json_t *run_report(struct process *process)
{
    static const char begin[] = "{\"program\"";
    size_t count = process_count_lines(process, PROCESS_OUT, begin);
    char *line = count == 0 ? NULL : process_line(process, PROCESS_OUT, begin, count - 1, 0);
    json_t *report = line == NULL ? NULL : json_loads(strstr(line, begin), 0, NULL);
    free(line);
    return report;
}

/* ---- the server ---------------------------------------------------------------------------- */

/* A port of 127.0.0.1 that is free at the moment. */
static int run_free_port(char *port, size_t size)
{
    uv_tcp_t tcp;
    struct sockaddr_in address;
    int length = sizeof(address);
    uv_loop_t *loop = process_loop();
    (void)uv_ip4_addr("127.0.0.1", 0, &address);
    int status = uv_tcp_init(loop, &tcp);
    if (status != 0) {
        return status;
    }
    status = uv_tcp_bind(&tcp, (const struct sockaddr *)&address, 0);
    if (status == 0) {
        status = uv_tcp_getsockname(&tcp, (struct sockaddr *)&address, &length);
    }
    const unsigned char *bytes = (const unsigned char *)&address.sin_port;
    (void)snprintf(port, size, "%d", bytes[0] << 8 | bytes[1]);
    uv_close((uv_handle_t *)&tcp, NULL);
    (void)process_pump(0, NULL, NULL); /* `tcp` is closed then */
    return status;
}

static void words_add_busy_poll(struct words *words, const struct bench_case *load)
{
    if (load->busy_poll_ns > 0) {
        words_add(words, "--busy-poll=%" PRIu64 "ns", load->busy_poll_ns);
    }
}

static void run_start_backend(struct run *run)
{
    struct words words = {.count = 0};
    const struct bench_backend *backend = &run->subject->backend;
    bool ipv6 = strchr(run->host, ':') != NULL;
    words_add(&words, "--backend=%s", backend->backend);
    words_add(&words, ipv6 ? "--listen=[%s]:%s" : "--listen=%s:%s", run->host,
              run->setup->server_port);
    words_add(&words, "--backlog=4096");
    words_add(&words, "--idle-timeout=0");
    words_add(&words, "--threads=%" PRIu64, run->load->workers);
    words_add(&words, "--buffer-size=%" PRIu64, run->setup->buffer_size);
    words_add(&words, "--json");
    if (run->placement.server[0] != '\0') {
        words_add(&words, "--cpus=%s", run->placement.server);
    }
    words_add_busy_poll(&words, run->load);
    for (size_t i = 0; i < backend->argument_count; i++) {
        words_add(&words, "%s", backend->arguments[i]);
    }
    const char *old = run->subject->path;
    run->server = process_start(old[0] != '\0' ? old : run->setup->server, words.list, NULL);
}

static void run_start_peer(struct run *run)
{
    int status = run_free_port(run->port, sizeof(run->port));
    if (status != 0) {
        run_fail(run, "no free port: %s", uv_strerror(status));
        return;
    }
    char cpus[24];
    (void)snprintf(cpus, sizeof(cpus), "%" PRIu64, run->load->workers);
    const char *arguments[] = {run->port, run->subject->threaded ? cpus : NULL, NULL};
    (void)pin_children(run->placement.server_cpu);
    run->server = process_start(run->subject->path, arguments, NULL);
    (void)pin_children(-1);
}

/* The port in "listening on 127.0.0.1:PORT ..." or "listening on [::1]:PORT ...". */
static void run_find_port(struct run *run, char *line)
{
    static const char before[] = "listening on ";
    char *address = strstr(line, before);
    if (address != NULL) {
        address += sizeof(before) - 1;
        address[strcspn(address, " ")] = '\0';
        const char *colon = strrchr(address, ':');
        (void)snprintf(run->port, sizeof(run->port), "%s", colon == NULL ? "" : colon + 1);
    }
}

/* Waits for the line above, or a peer's "listening". */
static void run_await_server(struct run *run)
{
    char *line = NULL;
    if (run->server != NULL) {
        line = process_line(run->server, PROCESS_OUT, "listening", 0, run->setup->late_ms);
    }
    if (line == NULL) {
        run_fail(run, "the server is not ready: %.180s",
                 run->server == NULL ? "it can't be started"
                                     : process_text(run->server, PROCESS_ERR));
    } else if (run->subject->kind == SUBJECT_BACKEND) {
        run_find_port(run, line);
    }
    free(line);
}

static void run_start_server(struct run *run)
{
    run->host = run->setup->server_host;
    switch (run->subject->kind) {
    case SUBJECT_BACKEND:
        run_start_backend(run);
        break;
    case SUBJECT_PEER:
        run_start_peer(run);
        break;
    case SUBJECT_TARGET:
        run->host = run->subject->host;
        (void)snprintf(run->port, sizeof(run->port), "%s", run->subject->port);
        return;
    }
    run_processes[0] = run->server;
    run_await_server(run);
}

/* A peer may be ended by the signal, or handle it and exit. On Windows only our own programs can be
 * told to stop; peers are killed there. */
static void run_stop_server(struct run *run)
{
    int number = SIGTERM;
    if (run->server == NULL) {
        return;
    }
    bool ours = run->subject->kind == SUBJECT_BACKEND;
    if (process_signal(run->server, number) == UV_ENOENT && !ours) {
        number = SIGKILL;
        (void)process_signal(run->server, number);
    }
    int code = process_wait(run->server, run->setup->late_ms);
    if (code != 0 && (ours || code != -number)) {
        run_fail_ended(run, "the server", code, process_text(run->server, PROCESS_ERR));
    }
    run->server_report = ours ? run_report(run->server) : NULL;
    if (ours && run->server_report == NULL) {
        run_fail(run, "the server printed no report");
    }
}

static void run_read_usage(const struct run *run, struct usage *usage)
{
    memset(usage, 0, sizeof(*usage));
    if (run->server != NULL) {
        (void)usage_read(process_id(run->server), usage);
    }
}

/* ---- the client ---------------------------------------------------------------------------- */

/* A command such as ssh gives these to a shell, so all of them are plain (command_is_plain). */
static void run_client_words(const struct run *run, struct words *words, uint64_t connections)
{
    for (size_t i = 1; i < run->setup->client.count; i++) {
        words_add_text(words, command_word(&run->setup->client, i));
    }
    words_add(words, "--backend=%s", run->setup->client_backend);
    words_add(words, "--host=%s", run->host);
    words_add(words, "--port=%s", run->port);
    words_add(words, "--connections=%" PRIu64, connections);
    words_add(words, "--size=%" PRIu64, run->load->size);
    words_add_busy_poll(words, run->load);
    words_add(words, "--json");
    if (run->placement.client[0] != '\0') {
        words_add(words, "--cpus=%s", run->placement.client);
    }
}

/* Exit codes of a client that has measured well, whether or not that is good enough (--fail-if). */
static bool run_client_measured(int code)
{
    return code == 0 || code == 3;
}

/* The last line of a text that isn't blank. Programs such as ssh print notices before an error. */
static const char *run_last_line(const char *text, char *line, size_t size)
{
    size_t end = strlen(text);
    while (end > 0 && strchr(" \r\n", text[end - 1]) != NULL) {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != '\n') {
        begin--;
    }
    (void)snprintf(line, size, "%.*s", (int)(end - begin), text + begin);
    return line;
}

/* The client, or the command that was to start it, has ended with this exit code. */
static void run_fail_client(struct run *run, struct process *client, int code, const json_t *report)
{
    char line[RUN_ERROR_SIZE];
    const char *verdict = result_text(report, "verdict");
    const char *said = process_text(client, PROCESS_ERR);
    bool command = run->setup->remote.command != NULL;
    if (verdict[0] != '\0') {
        run_fail_ended(run, "the client", code, verdict);
    } else if (command) {
        run_fail_ended(run, "--client-command", code, run_last_line(said, line, sizeof(line)));
    } else {
        run_fail_ended(run, "the client", code, said);
    }
}

/* Runs the client to its end. Returns its report, or NULL if it failed. */
static json_t *run_client(struct run *run, const struct words *words)
{
    const struct run_setup *setup = run->setup;
    uint64_t time_ms = (setup->times.warmup_ns + setup->times.duration_ns) / 1000000;
    const char *program = command_word(&setup->client, 0);
    struct process *client = process_start(program, words->list, NULL);
    char why[REMOTE_ERROR_SIZE];
    if (client == NULL) {
        run_fail(run, "the client can't be started: '%s'", program);
        return NULL;
    }
    run_processes[1] = client;
    int code = process_wait(client, time_ms + setup->late_ms);
    run_processes[1] = NULL;
    json_t *report = run_report(client);
    if (!run_client_measured(code)) {
        run_fail_client(run, client, code, report);
    } else if (report == NULL) {
        run_fail(run, "the client printed no report");
    } else if (!remote_is_same(&setup->remote, report, why)) {
        run_fail(run, "the client ran on another machine or is another build: %s", why);
    }
    return report;
}

/* Sends one message on one connection, so that the server has allocated what any connection needs.
 * Returns the report, or NULL. */
static json_t *run_first_message(struct run *run)
{
    struct words words = {.count = 0};
    run_client_words(run, &words, 1);
    words_add(&words, "--requests=1");
    return run_client(run, &words);
}

/* An idle load sends one message per second, on one connection after the other. */
static void run_load(struct run *run)
{
    const struct bench_times *times = &run->setup->times;
    struct words words = {.count = 0};
    run_client_words(run, &words, run->load->connections);
    words_add(&words, "--threads=%" PRIu64, run->placement.client_threads);
    words_add(&words, "--pipeline=%" PRIu64, run->load->depth);
    words_add(&words, "--lifetime=%" PRIu64, run->load->lifetime);
    words_add(&words, "--warmup=%" PRIu64 "ns", times->warmup_ns);
    words_add(&words, "--duration=%" PRIu64 "ns", times->warmup_ns + times->duration_ns);
    if (run->load->idle) {
        words_add(&words, "--rate=1");
    }
    run->client_report = run_client(run, &words);
}

/* ---- what came of it ----------------------------------------------------------------------- */

/* CPU time of all workers of one of our programs. */
static double run_workers_cpu(const json_t *report)
{
    const json_t *workers = json_object_get(report, "workers");
    double sum = 0;
    for (size_t i = 0; i < json_array_size(workers); i++) {
        sum += result_number(json_array_get(workers, i), "cpu_seconds");
    }
    return sum;
}

/* Whether all bytes that the client sent came back, and our server counted the same. */
static bool run_books_agree(const struct run *run)
{
    double sent = result_number(run->client_report, "counters.sent");
    bool agree = result_number(run->client_report, "counters.verified") == sent;
    if (run->server_report == NULL) {
        return agree;
    }
    /* The first message of an idle load is in the server's books, too. */
    double first = run->load->idle ? (double)run->load->size : 0;
    return agree && result_number(run->server_report, "counters.sent") == sent + first &&
           result_number(run->server_report, "counters.received") == sent + first;
}

/* Whether server and client share a CPU, where neither waits for another CPU. */
static bool run_shared(const struct run *run)
{
    return run->placement.client_cpu >= 0 && run->placement.client_cpu == run->placement.server_cpu;
}

/* Whether the client was the bottleneck: busy all the time, while the server was not. A client that
 * polls is always busy, so it never counts. */
static bool run_client_bound(const struct run *run, double client_load, double server_load)
{
    return !run_shared(run) && run->load->busy_poll_ns == 0 &&
           client_load >= RUN_BUSY * (double)run->placement.client_threads &&
           server_load < RUN_BUSY * (double)run->load->workers;
}

/* A time of 0 was too short for the clock of the system: it was not measured. */
static void run_cpu(struct run *run, double messages)
{
    double client = run_workers_cpu(run->client_report);
    double server = run->after.cpu_seconds - run->before.cpu_seconds;
    double seconds =
        result_number(run->client_report, "seconds") + (double)run->setup->times.warmup_ns / 1e9;
    if (run->after.cpu_seconds <= 0) { /* the system doesn't tell, so take it from the report */
        server = run_workers_cpu(run->server_report);
    }
    if (client > 0) {
        result_set(run->result, "client_cpu_per_message", client / messages);
        result_set(run->result, "client_load", client / seconds);
    }
    if (server > 0) {
        result_set(run->result, "server_cpu_per_message", server / messages);
        result_set(run->result, "server_load", server / seconds);
    }
    if (server > 0 && client > 0 && run_shared(run)) {
        result_set(run->result, "server_cpu_per_client_cpu", server / client);
    }
    if (run_client_bound(run, client / seconds, server / seconds)) {
        result_add_mark(run->result, "client-bound");
    }
}

static void run_memory(struct run *run)
{
    double server = (double)run->after.peak_rss_bytes;
    if (server <= 0) {
        server = result_number(run->server_report, "process.peak_rss_bytes");
    }
    if (server > 0) {
        result_set(run->result, "server_peak_rss", server);
    }
    result_set(run->result, "client_peak_rss",
               result_number(run->client_report, "process.peak_rss_bytes"));
}

static void run_idle(struct run *run)
{
    double more = (double)run->load->connections - 1;
    if (result_number(run->client_report, "up_peak") < (double)run->load->connections) {
        run_fail(run, "not all connections came up");
    } else if (run->before.rss_bytes > 0 && more > 0 &&
               run->after.peak_rss_bytes >= run->before.rss_bytes) {
        result_set(run->result, "idle_bytes_per_connection",
                   (double)(run->after.peak_rss_bytes - run->before.rss_bytes) / more);
    }
}

static void run_system_calls(struct run *run, double messages)
{
    const json_t *workers = json_object_get(run->server_report, "workers");
    double sum = 0;
    for (size_t i = 0; i < json_array_size(workers); i++) {
        sum += result_number(json_array_get(workers, i), "io.system_calls");
    }
    if (sum > 0) {
        result_set(run->result, "system_calls_per_message", sum / messages);
    }
}

static void run_speed(struct run *run, double messages)
{
    double rate = result_number(run->client_report, "messages_per_second");
    result_set(run->result, "messages_per_second", rate);
    result_set(run->result, "bytes_per_second",
               result_number(run->client_report, "bytes_per_second"));
    if (run->load->lifetime > 0) {
        result_set(run->result, "accepts_per_second", rate / (double)run->load->lifetime);
    }
    result_set_latency(run->result, json_object_get(run->client_report, "latency_ns"));
    run_cpu(run, messages);
    run_system_calls(run, messages);
}

static void run_evaluate(struct run *run)
{
    double messages = result_number(run->client_report, "counters.messages");
    if (run_failed(run)) {
        return;
    }
    if (messages <= 0) {
        run_fail(run, "not a message came back");
        return;
    }
    if (!run_books_agree(run)) {
        result_add_mark(run->result, "books");
    }
    if (run->load->idle) {
        run_idle(run);
    } else {
        run_speed(run, messages);
    }
    run_memory(run);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static struct run run_begin(const struct run_setup *setup, const struct bench_case *load,
                            const struct subject *subject)
{
    struct run run = {.setup = setup, .load = load, .subject = subject, .result = result_run()};
    const struct pin_sides sides = {.workers = load->workers,
                                    .connections = load->connections,
                                    .client_cpus = remote_cpus(&setup->remote)};
    result_set_text(run.result, "subject", subject->name);
    pin_place(setup->pin, &sides, &run.placement);
    run_start_server(&run);
    return run;
}

/* Leaves the result. */
static void run_end(struct run *run)
{
    run_processes[0] = NULL;
    process_end_all();
    json_decref(run->server_report);
    json_decref(run->client_report);
}

json_t *run_measure(const struct run_setup *setup, const struct bench_case *load,
                    const struct subject *subject)
{
    struct run run = run_begin(setup, load, subject);
    if (load->idle && !run_failed(&run)) {
        json_decref(run_first_message(&run));
    }
    run_read_usage(&run, &run.before);
    if (!run_failed(&run)) {
        run_load(&run);
    }
    run_read_usage(&run, &run.after);
    run_stop_server(&run);
    run_evaluate(&run);
    run_end(&run);
    return run.result;
}

json_t *run_first_client(const struct run_setup *setup, const struct subject *subject,
                         char why[RUN_ERROR_SIZE])
{
    static const struct bench_case one = {
        .name = "first", .connections = 1, .size = 64, .depth = 1, .workers = 1};
    struct run run = run_begin(setup, &one, subject);
    if (!run_failed(&run)) {
        run.client_report = run_first_message(&run);
    }
    run_stop_server(&run);
    json_t *report = run_failed(&run) ? NULL : json_incref(run.client_report);
    (void)snprintf(why, RUN_ERROR_SIZE, "%s", result_text(run.result, "error"));
    run_end(&run);
    json_decref(run.result);
    return report;
}

void run_cancel(void)
{
    for (size_t i = 0; i < LENGTH(run_processes); i++) {
        if (run_processes[i] != NULL) {
            (void)process_signal(run_processes[i], SIGKILL);
        }
    }
}
