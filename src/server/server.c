/*
 * The server's main thread.
 *
 *     addresses -> sockets, one per address and worker -> workers -> "listening on" -> control_run
 *
 * When every worker has handed in its part of a generation, the report of the generation is
 * printed.
 */

#include "server.h"

#include <inttypes.h>

#include "admission.h"
#include "control.h"
#include "echo.h"
#include "handover.h"
#include "log.h"
#include "output.h"
#include "output_file.h"
#include "server_parts.h"
#include "server_report.h"
#include "server_sockets.h"
#include "sys.h"
#include "units.h"
#include "util.h"

/* Descriptors that the process needs besides connections: for the main thread, for each worker's
 * loop, and for each listener, which a backend may open twice. */
#define SERVER_DESCRIPTORS 24
#define SERVER_DESCRIPTORS_PER_WORKER 8
#define SERVER_DESCRIPTORS_PER_LISTENER 2

struct server {
    struct control control; /* first */
    const struct server_options *options;
    struct echo_config config;
    struct admission admission;
    struct handover handover;
    struct server_sockets sockets;
    size_t worker_count;       /* wanted; control.crew has them once they are made */
    struct server_parts parts; /* of reports, as handed in by the workers */
    unsigned restarts;
    unsigned asked_restarts; /* `restarts` when the workers were last asked again for a report */
    bool cut;                /* a connection was reset before it was over */
    bool ending;             /* the counts for the line of progress have been requested */
    uint64_t began_ns;
    uint64_t ticked_ns;
    struct server_counters ticked; /* at the last tick */
};

static struct server *server_of(struct control *control)
{
    return (struct server *)(void *)control;
}

static struct echo *server_echo(const struct server *server, size_t worker)
{
    return (struct echo *)(void *)crew_worker(&server->control.crew, worker);
}

/* ---- reports ------------------------------------------------------------------------------- */

/* Sets everything in a report except the counts. */
static void server_complete_report(const struct server *server, struct server_part *part)
{
    struct server_report *report = &part->report;
    report->options = server->options;
    report->backend = server->control.crew.backend;
    report->accept_mode = server->control.crew.accept_mode;
    report->recv_mode = server->control.crew.recv_mode;
    report->last = server->control.crew.running == 0 && report->generation == server->restarts + 1;
    report->seconds = (double)(part->ended_ns - part->began_ns) / 1e9;
    report->worker_count = server->worker_count;
    report->addresses = (const char *const *)server->sockets.addresses;
    report->address_count = server->sockets.address_count;
}

static void server_print_report(struct server *server, struct server_part *part)
{
    struct server_report *report = &part->report;
    server->cut = server->cut || report->stats.counters.cut > 0;
    server_complete_report(server, part);
    log_progress("");
    struct text text = {0};
    if (!output_file_has_stdout()) {
        report->columns = output_columns(1);
        server_report_text(report, &text);
        output_print(&text);
    }
    if (server->options->common.json != NULL) {
        server_report_json(report, &text);
        output_print_file(OUTPUT_RESULT, &text);
    }
}

/* Prints the generations that are complete. */
static void server_print_complete(struct server *server)
{
    struct server_parts *parts = &server->parts;
    while (server->control.begun && parts->first != NULL &&
           parts->first->handed_in == server->worker_count) {
        bool youngest = parts->first->report.generation == server->restarts + 1;
        if (youngest && server->control.crew.running > 0) {
            return; /* printed when every worker has been joined */
        }
        server_print_report(server, parts->first);
        server_parts_free_first(parts);
    }
}

/* ---- the report so far --------------------------------------------------------------------- */

/* Adds the published reports so far of the workers. */
static void server_take_so_far(const struct server *server, struct server_parts *parts)
{
    for (size_t i = 0; i < server->control.crew.count; i++) {
        struct echo *echo = server_echo(server, i);
        server_parts_add(parts, echo, echo_take_so_far(echo));
    }
}

/* Prints to stderr a report of each generation that has none yet: those that drain, and the one
 * that serves. False: all generations that the workers had published have ended. */
static bool server_print_so_far(struct server *server)
{
    struct server_parts parts;
    struct text text = {0};
    server_parts_copy(&parts, &server->parts);
    server_take_so_far(server, &parts);
    while (parts.first != NULL) {
        server_complete_report(server, parts.first);
        parts.first->report.so_far = true;
        parts.first->report.columns = output_columns(2);
        server_report_text(&parts.first->report, &text);
        server_parts_free_first(&parts);
    }
    bool some = text.length > 0 || text.failed;
    log_progress("");
    output_print_error(&text);
    return some;
}

/* If a restart came in between, the workers may have published only the old generation, which may
 * have ended. Then they are asked again, for the new one. */
static void server_on_so_far(struct control *control)
{
    struct server *server = server_of(control);
    if (!server_print_so_far(server) && server->restarts != server->asked_restarts) {
        server->asked_restarts = server->restarts;
        control_ask_report(control);
    }
}

/* ---- events -------------------------------------------------------------------------------- */

/* Takes the ended generations, before control.c looks for reports so far: see echo.h. */
static void server_on_news(struct control *control)
{
    struct server *server = server_of(control);
    for (size_t i = 0; i < control->crew.count; i++) {
        struct echo *echo = server_echo(server, i);
        server_parts_add(&server->parts, echo, echo_take_ended(echo));
    }
    server_print_complete(server);
}

static void server_on_restart(struct control *control)
{
    struct server *server = server_of(control);
    if (control->stops > 0 || control->finishing || !control->begun) {
        return;
    }
    server->restarts++;
    log_message("restarting: generation %u serves, generation %u drains", server->restarts + 1,
                server->restarts);
    crew_post(&control->crew, WORKER_RESTART);
}

/* Sums the last snapshots of the workers. Returns how many connections of running workers are
 * open. */
static uint64_t server_sum_snapshots(const struct server *server, struct server_stats *sum)
{
    uint64_t open = 0;
    for (size_t i = 0; i < server->control.crew.count; i++) {
        struct echo *echo = server_echo(server, i);
        uv_mutex_lock(&echo->worker.lock);
        server_stats_add(sum, &echo->snapshot);
        open += echo->worker.running ? echo->snapshot_open : 0;
        uv_mutex_unlock(&echo->worker.lock);
    }
    return open;
}

/* --stats-interval: prints what the last snapshots say, and asks for the next. */
static void server_on_tick(struct control *control)
{
    struct server *server = server_of(control);
    struct server_stats sum = {0};
    uint64_t open = server_sum_snapshots(server, &sum);
    uint64_t now_ns = uv_hrtime();
    double seconds = (double)(now_ns - server->ticked_ns) / 1e9;
    uint64_t echoes = sum.counters.echoes - server->ticked.echoes;
    uint64_t sent = sum.counters.sent - server->ticked.sent;
    char rate[UNITS_TEXT_SIZE];
    char bytes[UNITS_TEXT_SIZE];
    log_message("%.1f s: %" PRIu64 " open, %" PRIu64 " accepted, %s echoes/s, %s/s",
                (double)(now_ns - server->began_ns) / 1e9, open, sum.counters.accepted,
                units_format_count(rate, sizeof(rate), (double)echoes / seconds),
                units_format_bytes(bytes, sizeof(bytes), (double)sent / seconds));
    server->ticked_ns = now_ns;
    server->ticked = sum.counters;
    crew_post(&control->crew, WORKER_SNAPSHOT);
}

/* The server shows a line of progress only while it ends. The first call has no counts yet. */
static void server_on_progress(struct control *control)
{
    struct server *server = server_of(control);
    struct server_stats sum = {0};
    if (server->ending) {
        control_progress_draining(control, control->stopped_ns, server_sum_snapshots(server, &sum),
                                  server->options->drain_timeout_ns);
    }
    server->ending = true;
    crew_post(&control->crew, WORKER_SNAPSHOT);
}

/* ---- begin --------------------------------------------------------------------------------- */

/* --max-connections, reduced to what the limit of descriptors allows. */
static uint64_t server_limit(const struct server *server, uint64_t descriptors)
{
    uint64_t wanted = server->options->max_connections;
    uint64_t per_worker = SERVER_DESCRIPTORS_PER_WORKER +
                          server->sockets.address_count * SERVER_DESCRIPTORS_PER_LISTENER;
    uint64_t own = SERVER_DESCRIPTORS + server->worker_count * per_worker;
    uint64_t most = descriptors > own ? descriptors - own : 1;
    if (wanted <= most) {
        return wanted;
    }
    log_message("--max-connections: reduced to %" PRIu64 ": the descriptor limit is %" PRIu64, most,
                descriptors);
    return most;
}

static int server_make_workers(struct server *server)
{
    const struct server_options *options = server->options;
    struct crew_plan plan = {
        .role = &echo_role,
        .count = server->worker_count,
        .size = sizeof(struct echo),
        .cpus = &options->cpus,
        .io_config = {.buffer_size = (size_t)options->buffer_size,
                      .buffer_memory = (size_t)(options->buffer_memory / server->worker_count),
                      .accept_timeout_ns = options->accept_timeout_ns,
                      .accept_silent_max = (size_t)server->admission.limit},
        .control = &server->control.async,
    };
    int status = crew_make(&server->control.crew, &plan);
    for (size_t i = 0; i < server->control.crew.count; i++) {
        echo_init(server_echo(server, i), &server->config, server_sockets_of(&server->sockets, i),
                  server->sockets.address_count);
    }
    return status;
}

static int server_start_workers(struct server *server)
{
    if (handover_init(&server->handover, server->worker_count, server->sockets.address_count) !=
        0) {
        log_message("out of memory");
        return UV_ENOMEM;
    }
    int status = server_make_workers(server);
    return status == 0 ? crew_start(&server->control.crew) : status;
}

static void server_print_ready(const struct server *server)
{
    const struct crew *crew = &server->control.crew;
    struct text text = {0};
    bool noted = crew->note[0] != '\0';
    for (size_t i = 0; i < server->sockets.address_count; i++) {
        text_printf(&text, "listening on %s backend=%s threads=%zu%s%s%s pid=%d\n",
                    server->sockets.addresses[i], crew->backend->name, crew->count,
                    noted ? " (" : "", crew->note, noted ? ")" : "", (int)uv_os_getpid());
    }
    output_print(&text);
}

/* Closes the sockets that no worker has taken over. */
static void server_close_sockets(struct server *server)
{
    const struct crew *crew = &server->control.crew;
    for (size_t i = 0; i < server->worker_count && server->sockets.os_sockets != NULL; i++) {
        bool taken = i < crew->count && server_echo(server, i)->os_sockets == NULL;
        if (!taken) {
            server_sockets_close(&server->sockets, i);
        }
    }
}

/* Everything up to the moment when connections are served. */
static int server_begin(struct server *server)
{
    uint64_t descriptors = sys_raise_descriptor_limit();
    int status = server_sockets_bind(&server->sockets, &server->control, server->options,
                                     &server->config.net, server->worker_count);
    if (status == 0) {
        server->admission.limit = server_limit(server, descriptors);
        status = server_start_workers(server);
    }
    if (status != 0) {
        server_close_sockets(server);
        crew_post(&server->control.crew, WORKER_ABORT);
    }
    return status;
}

/* ---- life ---------------------------------------------------------------------------------- */

static int server_on_run(struct control *control)
{
    struct server *server = server_of(control);
    int status = server_begin(server);
    if (status == 0) {
        control->begun = true;
        server_print_ready(server);
    }
    server->began_ns = server->ticked_ns = uv_hrtime();
    control_run(control, server->options->stats_interval_ns / NS_PER_MS);
    if (status == UV_ECANCELED) {
        return 0; /* told to stop before it had begun */
    }
    return status != 0 || control->crew.failed || server->cut ? 1 : 0;
}

static const struct control_events server_events = {
    .run = server_on_run,
    .restart = server_on_restart,
    .so_far = server_on_so_far,
    .tick = server_on_tick,
    .progress = server_on_progress,
    .news = server_on_news,
    .not_begun = "the server does not listen yet",
};

static void server_configure(struct server *server)
{
    const struct server_options *options = server->options;
    server->worker_count = options->threads > 0 ? (size_t)options->threads : sys_cpu_count();
    server_parts_init(&server->parts, server->worker_count);
    admission_init(&server->admission, options->max_connections);
    server->config = (struct echo_config){
        .admission = &server->admission,
        .handover = &server->handover,
        .net = program_options_net(&options->common),
        .idle_timeout_ns = options->idle_timeout_ns,
        .drain_timeout_ns = options->drain_timeout_ns,
        .stall_timeout_ns = options->stall_timeout_ns,
        .backlog = (int)options->backlog,
        .accept_depth = (unsigned)options->accept_depth,
        .trace = options->common.verbose,
    };
}

static void server_free(struct server *server)
{
    server_on_news(&server->control); /* what a failed start left */
    server_take_so_far(server, &server->parts);
    server_parts_free(&server->parts);
    crew_free(&server->control.crew);
    handover_destroy(&server->handover);
    server_sockets_free(&server->sockets);
    admission_destroy(&server->admission);
}

int server_run(const struct program_options *common, const struct backend *backend,
               const char *note)
{
    const struct server_options *options = (const struct server_options *)(const void *)common;
    struct server server = {.options = options};
    if (crew_init(&server.control.crew, common, options->accept, backend, note) != 0) {
        return 2;
    }
    server_configure(&server);
    int code = control_main(&server.control, &server_events, common->json);
    server_free(&server);
    return code;
}
