/*
 * The server's main thread.
 *
 *     addresses -> sockets, one per address and worker -> workers -> "listening on" -> control_run
 *
 * A generation has ended when every worker has handed in its part; then its report is printed.
 */

#include "server.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "control.h"
#include "echo.h"
#include "handover.h"
#include "hint.h"
#include "log.h"
#include "net.h"
#include "output.h"
#include "output_file.h"
#include "server_parts.h"
#include "server_report.h"
#include "sys.h"
#include "units.h"

/* Descriptors that a process needs besides connections: for the main thread, for each worker's
 * loop, and for each listener, which a backend may hold twice. */
#define SERVER_DESCRIPTORS 24
#define SERVER_DESCRIPTORS_PER_WORKER 8
#define SERVER_DESCRIPTORS_PER_LISTENER 2

#define SERVER_ADDRESSES_MAX 64

struct server {
    struct control control; /* first */
    const struct server_options *options;
    const struct backend *backend;
    char note[512];       /* on its choice */
    uint64_t descriptors; /* that this process may have */
    struct echo_config config;
    struct admission admission;
    struct handover handover;
    unsigned accept_mode;
    unsigned recv_mode;
    struct echo *workers;
    size_t worker_count;
    size_t workers_ready;     /* that have been initialised */
    uv_os_sock_t *os_sockets; /* [worker][address]; each is a worker's once started */
    size_t workers_started;
    char *addresses[SERVER_ADDRESSES_MAX];
    size_t address_count;
    struct server_parts parts; /* of reports, as handed in by the workers */
    unsigned restarts;
    bool served;             /* the ready line has been printed: without it there is no report */
    bool cut;                /* a connection has been reset before it was over */
    bool reporting;          /* the workers have been asked for the report so far */
    unsigned asked_restarts; /* the value of `restarts` at that time */
    bool ending;             /* the counts for the line of progress have been requested */
    uint64_t began_ns;
    uint64_t ticked_ns;
    struct server_counters ticked; /* at the last tick */
};

static struct server *server_of(struct control *control)
{
    return (struct server *)(void *)control;
}

/* ---- reports ------------------------------------------------------------------------------- */

/* Fills in what a report has besides the counts. */
static void server_complete_report(const struct server *server, struct server_part *part)
{
    struct server_report *report = &part->report;
    report->options = server->options;
    report->backend = server->backend;
    report->accept_mode = server->accept_mode;
    report->recv_mode = server->recv_mode;
    report->last = server->control.running == 0 && report->generation == server->restarts + 1;
    report->seconds = (double)(part->ended_ns - part->began_ns) / 1e9;
    report->worker_count = server->worker_count;
    report->addresses = (const char *const *)server->addresses;
    report->address_count = server->address_count;
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
        output_print_file(&text);
    }
}

/* Prints the generations that are complete. */
static void server_print_complete(struct server *server)
{
    struct server_parts *parts = &server->parts;
    while (server->served && parts->first != NULL &&
           parts->first->handed_in == server->worker_count) {
        bool youngest = parts->first->report.generation == server->restarts + 1;
        if (youngest && server->control.running > 0) {
            return; /* the last one is printed when every worker has been joined */
        }
        server_print_report(server, parts->first);
        server_parts_free_first(parts);
    }
}

/* ---- the report so far --------------------------------------------------------------------- */

/* Whether every running worker has published its part. */
static bool server_has_so_far(struct server *server)
{
    for (size_t i = 0; i < server->workers_started; i++) {
        if (server->control.workers[i] != NULL && !echo_has_so_far(&server->workers[i])) {
            return false;
        }
    }
    return true;
}

/* Prints to stderr a report of each generation that has none yet: those that drain, and the one
 * that serves. False: there was none, since all that the workers had published has ended. */
static bool server_print_so_far(struct server *server)
{
    struct server_parts parts;
    struct text text = {0};
    server_parts_copy(&parts, &server->parts);
    for (size_t i = 0; i < server->workers_started; i++) {
        struct echo *echo = &server->workers[i];
        server_parts_add(&parts, echo, echo_take_so_far(echo));
    }
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

static void server_ask_report(struct server *server)
{
    server->reporting = true;
    server->asked_restarts = server->restarts;
    control_post(&server->control, WORKER_REPORT);
}

/* A request that comes while a report is being made gets the same one. */
static void server_on_report(struct control *control)
{
    struct server *server = server_of(control);
    if (!server->served) {
        log_message("no report so far: the server does not listen yet");
    } else if (!server->reporting) {
        server_ask_report(server);
    }
}

/* After a restart meanwhile the workers may have published only the old generation, and that one
 * may have ended. Then the workers are asked again, for the new one. */
static void server_report_so_far(struct server *server)
{
    if (!server->reporting || server->control.running == 0 || !server_has_so_far(server)) {
        return;
    }
    server->reporting = false;
    if (!server_print_so_far(server) && server->restarts != server->asked_restarts) {
        server_ask_report(server);
    }
}

/* Takes the ended generations first, and then what was published for the report: see echo.h. */
static void server_on_news(struct control *control)
{
    struct server *server = server_of(control);
    for (size_t i = 0; i < server->workers_started; i++) {
        struct echo *echo = &server->workers[i];
        server_parts_add(&server->parts, echo, echo_take_ended(echo));
    }
    server_print_complete(server);
    server_report_so_far(server);
}

static void server_on_restart(struct control *control)
{
    struct server *server = server_of(control);
    if (control->stops > 0 || control->finishing || !server->served) {
        /* there is nothing to begin anew */
        return;
    }
    server->restarts++;
    log_message("restarting: generation %u serves, generation %u drains", server->restarts + 1,
                server->restarts);
    control_post(control, WORKER_RESTART);
}

/* --stats-interval: what the last snapshots say, and asks for the next. */
static void server_on_tick(struct control *control)
{
    struct server *server = server_of(control);
    struct server_stats sum = {0};
    uint64_t open = 0;
    for (size_t i = 0; i < server->worker_count; i++) {
        struct echo *echo = &server->workers[i];
        uv_mutex_lock(&echo->worker.lock);
        server_stats_add(&sum, &echo->snapshot);
        open += echo->snapshot_open;
        uv_mutex_unlock(&echo->worker.lock);
    }
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
    control_post(control, WORKER_SNAPSHOT);
}

/* The server has a line of progress only while it ends, and requests the counts only then. */
static void server_on_progress(struct control *control)
{
    struct server *server = server_of(control);
    uint64_t open = 0;
    for (size_t i = 0; i < server->worker_count; i++) {
        struct echo *echo = &server->workers[i];
        if (control->workers[i] != NULL) { /* NULL: it has ended, with all its connections */
            uv_mutex_lock(&echo->worker.lock);
            open += echo->snapshot_open;
            uv_mutex_unlock(&echo->worker.lock);
        }
    }
    if (server->ending) { /* the counts are those requested after the stop */
        control_progress_draining(control, control->stopped_ns, open,
                                  server->options->drain_timeout_ns);
    }
    server->ending = true;
    control_post(control, WORKER_SNAPSHOT);
}

static const struct control_events server_events = {
    .restart = server_on_restart,
    .report = server_on_report,
    .tick = server_on_tick,
    .progress = server_on_progress,
    .news = server_on_news,
};

/* ---- addresses ----------------------------------------------------------------------------- */

static int server_make_sockets(struct server *server)
{
    server->os_sockets =
        calloc(server->worker_count * SERVER_ADDRESSES_MAX, sizeof(*server->os_sockets));
    if (server->os_sockets == NULL) {
        log_message("out of memory");
        return UV_ENOMEM;
    }
    return 0;
}

static uv_os_sock_t *server_sockets_of(struct server *server, size_t worker)
{
    return &server->os_sockets[worker * SERVER_ADDRESSES_MAX];
}

/* Whether an address that is bound already has the port of `address`. */
static bool server_has_port(struct server *server, const struct sockaddr *address)
{
    bool has = false;
    for (size_t i = 0; i < server->address_count && !has; i++) {
        struct sockaddr_storage name;
        has = net_local_name(server_sockets_of(server, 0)[i], &name) == 0 &&
              net_address_port((const struct sockaddr *)&name) == net_address_port(address);
    }
    return has;
}

static void server_bind_hint(struct server *server, const struct sockaddr *address, int status,
                             char hint[HINT_TEXT])
{
    if (status != UV_EADDRINUSE) {
        hint_bind(address, status, hint);
        return;
    }
    (void)snprintf(hint, HINT_TEXT, "%s",
                   server_has_port(server, address) ? "; an address given before it has that port"
                                                    : net_in_use_hint);
}

/* Binds one socket for each worker, and remembers the address as people know it. */
static int server_bind(struct server *server, const struct sockaddr *address)
{
    struct sockaddr_storage name;
    char text[NET_ADDRESS_TEXT];
    size_t slot = server->address_count;
    net_format_address(address, text, sizeof(text));
    if (slot == SERVER_ADDRESSES_MAX) {
        log_message("--listen: at most %d addresses", SERVER_ADDRESSES_MAX);
        return UV_E2BIG;
    }
    uv_os_sock_t *group = calloc(server->worker_count, sizeof(*group));
    int status = group == NULL ? UV_ENOMEM : 0;
    if (status == 0) {
        status = net_bind(address, &server->config.net, (int)server->options->backlog,
                          server->worker_count, group);
    }
    if (status == 0) {
        for (size_t i = 0; i < server->worker_count; i++) {
            server_sockets_of(server, i)[slot] = group[i];
        }
        server->address_count++;
        status = net_local_name(group[0], &name);
    }
    free(group);
    if (status != 0) {
        char hint[HINT_TEXT];
        server_bind_hint(server, address, status, hint);
        log_message("cannot listen on %s: %s%s", text, uv_strerror(status), hint);
        return status;
    }
    net_format_address((const struct sockaddr *)&name, text, sizeof(text));
    server->addresses[slot] = malloc(strlen(text) + 1);
    if (server->addresses[slot] == NULL) {
        log_message("out of memory");
        return UV_ENOMEM;
    }
    memcpy(server->addresses[slot], text, strlen(text) + 1);
    return 0;
}

static int server_bind_name(struct server *server, const char *option, const char *host,
                            const char *port)
{
    struct net_resolution resolution;
    const char *name = host[0] == '\0' ? NULL : host;
    int status = control_resolve(&server->control, &resolution, name, port, true);
    if (status != 0) {
        if (status != UV_ECANCELED) {
            control_resolve_failed(option, name, port, status);
        }
        return status;
    }
    for (size_t i = 0; i < resolution.count && status == 0; i++) {
        status = server_bind(server, (const struct sockaddr *)&resolution.addresses[i]);
    }
    net_resolution_free(&resolution);
    return status;
}

static int server_bind_all(struct server *server)
{
    const struct server_options *options = server->options;
    if (options->port != NULL) {
        int status = server_bind_name(server, "--port", "127.0.0.1", options->port);
        if (status != 0) {
            return status;
        }
    }
    for (size_t i = 0; i < options->listen.count; i++) {
        char host[OPTION_HOST_SIZE];
        char port[OPTION_PORT_SIZE];
        int status =
            option_split_address(options->listen.items[i], host, sizeof(host), port, sizeof(port));
        assert(status == 0); /* the parser has checked it */
        status = server_bind_name(server, "--listen", host, port);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

/* ---- workers ------------------------------------------------------------------------------- */

/* As many connections as were asked for, if the system allows so many descriptors. */
static uint64_t server_limit(const struct server *server)
{
    uint64_t wanted = server->options->max_connections;
    uint64_t of_a_worker =
        SERVER_DESCRIPTORS_PER_WORKER + server->address_count * SERVER_DESCRIPTORS_PER_LISTENER;
    uint64_t own = SERVER_DESCRIPTORS + server->worker_count * of_a_worker;
    uint64_t most = server->descriptors > own ? server->descriptors - own : 1;
    if (wanted <= most) {
        return wanted;
    }
    log_message("--max-connections: %" PRIu64 " it is, since this process may have %" PRIu64
                " descriptors; raise that limit for more",
                most, server->descriptors);
    return most;
}

static int server_make_workers(struct server *server)
{
    const struct server_options *options = server->options;
    server->workers = calloc(server->worker_count, sizeof(*server->workers));
    if (server->workers == NULL) {
        log_message("out of memory");
        return UV_ENOMEM;
    }
    for (size_t i = 0; i < server->worker_count; i++) {
        struct worker *worker = &server->workers[i].worker;
        worker->role = &echo_role;
        worker->backend = server->backend;
        worker->io_config = (struct io_config){
            .buffer_size = (size_t)options->buffer_size,
            .buffer_memory = (size_t)(options->buffer_memory / server->worker_count),
            .accept_mode = server->accept_mode,
            .recv_mode = server->recv_mode,
            .accept_timeout_ns = options->accept_timeout_ns,
            .accept_silent_max = (size_t)server->admission.limit,
        };
        worker->index = (unsigned)i;
        worker->busy_poll_ns = options->common.busy_poll_ns;
        worker->cpu = options->cpus.count > 0 ? options->cpus.ids[i % options->cpus.count] : -1;
        worker_init(worker);
        server->workers_ready++;
    }
    return 0;
}

static int server_find_modes(struct server *server)
{
    const struct server_options *options = server->options;
    const struct backend *backend = server->backend;
    int status = control_find_mode("--accept", backend, backend->accept_modes, options->accept,
                                   &server->accept_mode);
    return status != 0 ? status
                       : control_find_mode("--recv", backend, backend->recv_modes,
                                           options->common.recv, &server->recv_mode);
}

/* Opens the workers' loops. If that fails and --backend is `raw`, tries the next backend. */
static int server_launch(struct server *server)
{
    const char *error = NULL;
    int status = control_launch(&server->control, &error);
    while (status != 0) {
        status = control_fall_back(server->options->common.backend, &server->backend, error,
                                   server->note, sizeof(server->note));
        if (status == 0) {
            status = server_find_modes(server);
        }
        if (status != 0) {
            return status;
        }
        for (size_t i = 0; i < server->worker_count; i++) {
            struct worker *worker = &server->workers[i].worker;
            worker->backend = server->backend;
            worker->io_config.accept_mode = server->accept_mode;
            worker->io_config.recv_mode = server->recv_mode;
        }
        status = control_launch(&server->control, &error);
    }
    return 0;
}

static int server_start_workers(struct server *server)
{
    if (handover_init(&server->handover, server->worker_count, server->address_count) != 0) {
        log_message("out of memory");
        return UV_ENOMEM;
    }
    int status = 0;
    for (size_t i = 0; i < server->worker_count && status == 0; i++) {
        echo_init(&server->workers[i], &server->config, server_sockets_of(server, i),
                  server->address_count);
        server->workers_started++;
        status = control_enlist(&server->control, &server->workers[i].worker, server->worker_count);
    }
    if (status == 0) {
        status = server_launch(server);
    }
    return status == 0 ? control_begin(&server->control) : status;
}

static void server_print_ready(const struct server *server)
{
    struct text text = {0};
    bool noted = server->note[0] != '\0';
    for (size_t i = 0; i < server->address_count; i++) {
        text_printf(&text, "listening on %s backend=%s threads=%zu%s%s%s pid=%d\n",
                    server->addresses[i], server->backend->name, server->worker_count,
                    noted ? " (" : "", server->note, noted ? ")" : "", (int)uv_os_getpid());
    }
    output_print(&text);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void server_configure(struct server *server)
{
    const struct server_options *options = server->options;
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

/* Closes what no worker has taken over, be it that it was never told to or that it had no loop. */
static void server_close_sockets(struct server *server)
{
    for (size_t i = 0; i < server->worker_count && server->os_sockets != NULL; i++) {
        bool taken = i < server->workers_started && server->workers[i].os_sockets == NULL;
        for (size_t j = 0; j < server->address_count && !taken; j++) {
            net_close(server_sockets_of(server, i)[j]);
        }
    }
}

static void server_free(struct server *server)
{
    server_on_news(&server->control); /* what a failed start left */
    for (size_t i = 0; i < server->workers_started; i++) {
        struct echo *echo = &server->workers[i];
        server_parts_add(&server->parts, echo, echo_take_so_far(echo));
    }
    server_parts_free(&server->parts);
    for (size_t i = 0; i < server->workers_ready; i++) {
        worker_destroy(&server->workers[i].worker);
    }
    handover_destroy(&server->handover);
    for (size_t i = 0; i < server->address_count; i++) {
        free(server->addresses[i]);
    }
    free(server->os_sockets);
    free(server->workers);
}

/* Everything up to the moment when connections are served. */
static int server_begin(struct server *server)
{
    int status = server_make_sockets(server);
    if (status == 0) {
        status = server_bind_all(server);
    }
    if (status == 0) {
        server->admission.limit = server_limit(server);
        status = server_make_workers(server);
    }
    if (status == 0) {
        status = server_start_workers(server);
    }
    if (status != 0) {
        server_close_sockets(server);
        control_post(&server->control, WORKER_ABORT);
    }
    return status;
}

static int server_run_controlled(struct server *server)
{
    const struct server_options *options = server->options;
    int status = server_begin(server);
    if (status == 0) {
        server->served = true;
        server_print_ready(server);
    }
    server->began_ns = server->ticked_ns = uv_hrtime();
    control_run(&server->control, options->stats_interval_ns / NS_PER_MS);
    if (status == UV_ECANCELED) {
        return 0; /* told to stop before it had begun */
    }
    return status != 0 || server->control.failed || server->cut ? 1 : 0;
}

int server_run(const struct server_options *options, const struct backend *backend,
               const char *note)
{
    struct server server = {.options = options, .backend = backend};
    server.worker_count = options->threads > 0 ? (size_t)options->threads : sys_cpu_count();
    server_parts_init(&server.parts, server.worker_count);
    (void)snprintf(server.note, sizeof(server.note), "%s", note);
    if (server_find_modes(&server) != 0) {
        return 2;
    }
    if (options->common.json != NULL &&
        output_open_file("--json: ", options->common.json, OUTPUT_ALL) != 0) {
        return 1;
    }
    int status = control_open(&server.control, &server_events);
    if (status != 0) {
        log_message("cannot open the main loop: %s%s", uv_strerror(status), sys_shortage(status));
        return 1;
    }
    server.descriptors = sys_raise_descriptor_limit();
    admission_init(&server.admission, options->max_connections);
    server_configure(&server);
    int code = server_run_controlled(&server);
    control_finish(&server.control);
    control_close(&server.control);
    server_free(&server);
    admission_destroy(&server.admission);
    return code;
}
