/*
 * The client's main thread.
 *
 *     host -> addresses -> workers, each with its share of the connections -> control_run -> report
 *
 * With --wait the run begins in control_run(), when the server is up.
 */

#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_report.h"
#include "client_wait.h"
#include "control.h"
#include "load.h"
#include "log.h"
#include "net.h"
#include "output.h"
#include "output_file.h"
#include "sys.h"
#include "units.h"

/* What receive buffers may hold for each worker: the client gives each back before it goes on. */
#define CLIENT_BUFFER_MEMORY ((size_t)64 << 20)

#define CLIENT_DESCRIPTORS 24
#define CLIENT_DESCRIPTORS_PER_WORKER 8

struct client {
    struct control control; /* first */
    const struct client_options *options;
    const struct backend *backend;
    struct net_options net;
    unsigned recv_mode;
    struct client_wait wait;
    struct net_resolution resolution;
    struct load_plan plan;
    struct load *workers;
    size_t worker_count;
    size_t workers_ready; /* that have been initialised */
    bool begun;           /* the run */
    bool reporting;       /* the workers have been asked for the report so far */
    uint64_t ticked_ns;
    struct client_counters ticked; /* at the last tick */
    bool stopped;                  /* by --stop-on-error */
    uint64_t stopped_ns;           /* when, by uv_hrtime() */
    bool gave_up;                  /* --give-up is over */
};

static struct client *client_of(struct control *control)
{
    return (struct client *)(void *)control;
}

/* For connect: a socket with the options of the command line. */
static int client_open_socket(void *context, int family, uv_os_sock_t *os_socket)
{
    const struct net_options *options = context;
    return net_open(options, family, os_socket);
}

/* ---- progress ------------------------------------------------------------------------------ */

static uint64_t client_earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When the run began to end, by uv_hrtime(). In the future while the run goes on. */
static uint64_t client_end_ns(const struct client *client)
{
    const struct control *control = &client->control;
    const struct load_plan *plan = &client->plan;
    uint64_t over_ns = plan->duration_ns > 0 ? plan->began_ns + plan->duration_ns : UINT64_MAX;
    uint64_t stopped_ns = control->stops > 0 ? control->stopped_ns : UINT64_MAX;
    uint64_t failed_ns = client->stopped ? client->stopped_ns : UINT64_MAX;
    return client_earlier(over_ns, client_earlier(stopped_ns, failed_ns));
}

static void client_on_progress(struct control *control)
{
    struct client *client = client_of(control);
    struct client_counters sum = {0};
    uint64_t now_ns = uv_hrtime();
    struct client_progress progress = {.run_ns = now_ns - client->plan.began_ns,
                                       .tick_ns = now_ns - client->ticked_ns,
                                       .before = &client->ticked,
                                       .now = &sum};
    char line[CLIENT_PROGRESS_TEXT];
    if (!client->begun) {
        return;
    }
    for (size_t i = 0; i < client->worker_count; i++) {
        struct load *load = &client->workers[i];
        uv_mutex_lock(&load->worker.lock);
        client_counters_add(&sum, &load->snapshot.counters);
        progress.up += control->workers[i] != NULL ? load->snapshot.up : 0; /* NULL: it has ended */
        uv_mutex_unlock(&load->worker.lock);
    }
    if (client_end_ns(client) <= now_ns) {
        control_progress_draining(control, client_end_ns(client), progress.up,
                                  client->options->drain_timeout_ns);
    } else {
        client_report_progress(&progress, line);
        log_progress(line);
    }
    client->ticked_ns = now_ns;
    client->ticked = sum;
    control_post(control, WORKER_SNAPSHOT);
}

/* Whether every worker that still runs waits in vain; there is one. */
static bool client_is_hopeless(struct client *client)
{
    bool waits = false;
    for (size_t i = 0; i < client->workers_ready; i++) {
        if (client->control.workers[i] == NULL) {
            continue; /* it has ended */
        }
        if (!load_is_hopeless(&client->workers[i])) {
            return false;
        }
        waits = true;
    }
    return waits;
}

/* ---- begin --------------------------------------------------------------------------------- */

static void client_begin(struct client *client)
{
    client->begun = true;
    client->plan.began_ns = client->ticked_ns = uv_hrtime();
    control_post(&client->control, WORKER_BEGIN);
    control_show_progress(&client->control);
}

/* Ends the run if a worker asks for that, or if all of them wait in vain. */
static void client_end_early(struct client *client)
{
    struct control *control = &client->control;
    bool stopping = false;
    for (size_t i = 0; i < client->workers_ready; i++) {
        stopping = stopping || load_is_stopping(&client->workers[i]);
    }
    if (stopping && !client->stopped) {
        client->stopped = true;
        client->stopped_ns = uv_hrtime();
        control_post(control, WORKER_DRAIN);
    }
    if (!client->gave_up && client_is_hopeless(client)) {
        client->gave_up = true;
        control_post(control, WORKER_ABORT);
    }
}

/* ---- report -------------------------------------------------------------------------------- */

/* The sums over all workers, for a report. */
struct client_sum {
    struct client_stats *stats;
    struct report_worker *workers;
    struct load_report *part; /* room for one */
    uint64_t from_ns;
    uint64_t until_ns;
    bool connected;
    size_t address; /* the first at which a connection came up; 0 if none did */
};

static void client_sum_free(struct client_sum *sum)
{
    free(sum->stats);
    free(sum->workers);
    free(sum->part);
}

/* False: out of memory, which has been reported. */
static bool client_sum_init(struct client_sum *sum, size_t workers)
{
    *sum = (struct client_sum){.stats = calloc(1, sizeof(*sum->stats)),
                               .workers = calloc(workers, sizeof(*sum->workers)),
                               .part = malloc(sizeof(*sum->part)),
                               .from_ns = UINT64_MAX};
    if (sum->stats == NULL || sum->workers == NULL || sum->part == NULL) {
        log_message("out of memory: no report");
        client_sum_free(sum);
        return false;
    }
    histogram_init(&sum->stats->latency);
    return true;
}

static void client_sum_add(struct client_sum *sum, const struct load *load,
                           const struct load_report *part)
{
    client_stats_add(sum->stats, &part->stats);
    sum->workers[load->worker.index] =
        (struct report_worker){.work = part->work, .cpu = load->worker.cpu};
    sum->from_ns = client_earlier(sum->from_ns, part->measured_from_ns);
    sum->until_ns =
        part->measured_until_ns > sum->until_ns ? part->measured_until_ns : sum->until_ns;
    if (part->connected && !sum->connected) {
        sum->connected = true;
        sum->address = part->address;
    }
}

/* Makes a report of the sums. `address` has NET_ADDRESS_TEXT bytes; the report points to it. */
static struct client_report client_make_report(const struct client *client,
                                               const struct client_sum *sum, char *address)
{
    const struct sockaddr_storage *at = &client->resolution.addresses[sum->address];
    net_format_address((const struct sockaddr *)(const void *)at, address, NET_ADDRESS_TEXT);
    return (struct client_report){
        .options = client->options,
        .backend = client->backend,
        .recv_mode = client->recv_mode,
        .address = address,
        .seed = client->plan.seed,
        .seconds = sum->until_ns > sum->from_ns ? (double)(sum->until_ns - sum->from_ns) / 1e9 : 0,
        .stats = sum->stats,
        .workers = sum->workers,
        .worker_count = client->worker_count,
    };
}

static bool client_print_report(struct client *client)
{
    struct client_sum sum;
    char address[NET_ADDRESS_TEXT];
    struct verdict verdict;
    if (!client_sum_init(&sum, client->worker_count)) {
        return false;
    }
    for (size_t i = 0; i < client->worker_count; i++) {
        load_report(&client->workers[i], sum.part);
        client_sum_add(&sum, &client->workers[i], sum.part);
    }
    sum.stats->gave_up = client->gave_up;
    struct client_report report = client_make_report(client, &sum, address);
    log_progress("");
    struct text text = {0};
    if (!output_file_has_stdout()) {
        report.columns = output_columns(1);
        client_report_text(&report, &text);
        output_print(&text);
    }
    if (client->options->common.json != NULL) {
        client_report_json(&report, &text);
        output_print_file(&text);
    }
    client_report_judge(&report, &verdict);
    client_sum_free(&sum);
    return verdict.ok;
}

/* ---- the report so far --------------------------------------------------------------------- */

/* Whether every running worker has published its part. */
static bool client_has_so_far(struct client *client)
{
    for (size_t i = 0; i < client->workers_ready; i++) {
        if (client->control.workers[i] != NULL && !load_has_so_far(&client->workers[i])) {
            return false;
        }
    }
    return true;
}

/* Adds what the i-th worker has published; if it has ended, all that it counted. */
static void client_add_so_far(struct client *client, struct client_sum *sum, size_t i)
{
    struct load *load = &client->workers[i];
    struct load_report *published = load_take_so_far(load);
    if (client->control.workers[i] == NULL) {
        load_report(load, sum->part);
        client_sum_add(sum, load, sum->part);
    } else if (published != NULL) {
        client_sum_add(sum, load, published);
    } else {
        log_message("out of memory: the report so far lacks the counts of worker %zu", i);
    }
    free(published);
}

static void client_print_so_far(struct client *client)
{
    struct client_sum sum;
    char address[NET_ADDRESS_TEXT];
    struct text text = {0};
    if (!client_sum_init(&sum, client->worker_count)) {
        return;
    }
    for (size_t i = 0; i < client->worker_count; i++) {
        client_add_so_far(client, &sum, i);
    }
    struct client_report report = client_make_report(client, &sum, address);
    report.so_far = true;
    report.columns = output_columns(2);
    client_report_text(&report, &text);
    log_progress("");
    output_print_error(&text);
    client_sum_free(&sum);
}

/* A request that comes while a report is being made gets the same one. */
static void client_on_report(struct control *control)
{
    struct client *client = client_of(control);
    if (!client->begun) {
        log_message("no report so far: the run has not begun");
    } else if (!client->reporting) {
        client->reporting = true;
        control_post(control, WORKER_REPORT);
    }
}

/* Prints it if it was requested and is complete. Not after the last worker has ended: then the
 * report at the end is next. */
static void client_report_so_far(struct client *client)
{
    if (client->reporting && client->control.running > 0 && client_has_so_far(client)) {
        client->reporting = false;
        client_print_so_far(client);
    }
}

/* ---- events -------------------------------------------------------------------------------- */

static void client_on_news(struct control *control)
{
    struct client *client = client_of(control);
    if (client->begun) {
        client_end_early(client);
        client_report_so_far(client);
    } else if (client_wait_is_over(&client->wait)) {
        client_begin(client);
    }
}

static const struct control_events client_events = {
    .restart = NULL,
    .report = client_on_report,
    .progress = client_on_progress,
    .news = client_on_news,
    .needs_reader = true,
};

/* ---- workers ------------------------------------------------------------------------------- */

/* The i-th of `parts` shares of a whole, which differ by one at the most. */
static uint64_t client_share(uint64_t whole, size_t parts, size_t i)
{
    return whole / parts + (i < whole % parts ? 1 : 0);
}

/* The one that was asked for, or a random one: of 53 bits, since readers may hold numbers
 * as doubles. */
static uint64_t client_seed(uint64_t wanted)
{
    uint64_t seed = wanted;
    while (seed == 0) {
        if (uv_random(NULL, NULL, &seed, sizeof(seed), 0, NULL) != 0) {
            seed = uv_hrtime();
        }
        seed &= (UINT64_C(1) << 53) - 1;
    }
    return seed;
}

static void client_make_plan(struct client *client)
{
    const struct client_options *options = client->options;
    client->net = program_options_net(&options->common);
    client->plan = (struct load_plan){
        .addresses = client->resolution.addresses,
        .address_count = client->resolution.count,
        .workers = client->worker_count,
        .seed = client_seed(options->seed),
        .size = options->message_size,
        .depth = options->pipeline,
        .lifetime = options->lifetime,
        .rate = (double)options->rate,
        .warmup_ns = options->warmup_ns,
        .duration_ns = options->duration_ns,
        .connect_timeout_ns = options->connect_timeout_ns,
        .timeout_ns = options->timeout_ns,
        .drain_timeout_ns = options->drain_timeout_ns,
        .give_up_ns = options->give_up_ns,
        .allow_drain = options->allow_drain,
        .stop_on_error = options->stop_on_error,
        .trace = options->common.verbose,
    };
}

static void client_make_worker(struct client *client, size_t i)
{
    const struct client_options *options = client->options;
    struct load *load = &client->workers[i];
    struct worker *worker = &load->worker;
    size_t memory = CLIENT_BUFFER_MEMORY;
    worker->role = &load_role;
    worker->backend = client->backend;
    worker->io_config = (struct io_config){
        .buffer_size = (size_t)options->buffer_size,
        .buffer_memory = options->buffer_size > memory ? (size_t)options->buffer_size : memory,
        .open_socket = client_open_socket,
        .open_context = &client->net,
        .open_calls = net_open_calls(&client->net),
        .recv_mode = client->recv_mode,
    };
    worker->index = (unsigned)i;
    worker->busy_poll_ns = options->common.busy_poll_ns;
    worker->cpu = options->cpus.count > 0 ? options->cpus.ids[i % options->cpus.count] : -1;
    worker_init(worker);
    client->workers_ready++;
    load_init(load, &client->plan,
              (size_t)client_share(options->connections, client->worker_count, i),
              options->requests == 0 ? UINT64_MAX
                                     : client_share(options->requests, client->worker_count, i));
}

static int client_find_modes(struct client *client)
{
    return control_find_mode("--recv", client->backend, client->backend->recv_modes,
                             client->options->common.recv, &client->recv_mode);
}

/* Opens the workers' loops. If that fails and --backend is `raw`, tries the next backend. */
static int client_launch(struct client *client)
{
    const char *error = NULL;
    char note[512] = "";
    int status = control_launch(&client->control, &error);
    while (status != 0) {
        status = control_fall_back(client->options->common.backend, &client->backend, error, note,
                                   sizeof(note));
        if (status == 0) {
            log_message("--backend: using %s (%s)", client->backend->name, note);
            status = client_find_modes(client);
        }
        if (status != 0) {
            return status;
        }
        for (size_t i = 0; i < client->worker_count; i++) {
            struct worker *worker = &client->workers[i].worker;
            worker->backend = client->backend;
            worker->io_config.recv_mode = client->recv_mode;
        }
        status = control_launch(&client->control, &error);
    }
    return 0;
}

static int client_start_workers(struct client *client)
{
    client->workers = calloc(client->worker_count, sizeof(*client->workers));
    if (client->workers == NULL) {
        log_message("out of memory");
        return UV_ENOMEM;
    }
    for (size_t i = 0; i < client->worker_count; i++) {
        client_make_worker(client, i);
    }
    int status = 0;
    for (size_t i = 0; i < client->worker_count && status == 0; i++) {
        status = control_enlist(&client->control, &client->workers[i].worker, client->worker_count);
    }
    if (status == 0) {
        status = client_launch(client);
    }
    if (status == 0) {
        status = control_begin(&client->control);
    }
    if (status != 0) {
        control_post(&client->control, WORKER_ABORT);
    }
    return status;
}

/* ---- life ---------------------------------------------------------------------------------- */

static void client_check_descriptors(const struct client *client)
{
    uint64_t descriptors = sys_raise_descriptor_limit();
    uint64_t own = CLIENT_DESCRIPTORS + client->worker_count * CLIENT_DESCRIPTORS_PER_WORKER;
    if (client->options->connections + own > descriptors) {
        log_message("--connections: %" PRIu64 " are more than the %" PRIu64 " descriptors allow "
                    "that this process may have; some will fail",
                    client->options->connections, descriptors);
    }
}

static int client_run_controlled(struct client *client)
{
    client_wait_init(&client->wait, &client->control, client->options);
    int status = client_wait_resolve(&client->wait, &client->resolution);
    if (status != 0) {
        return 1;
    }
    for (size_t i = 0; i < client->resolution.count; i++) {
        net_any_to_loopback(&client->resolution.addresses[i]);
    }
    client_check_descriptors(client);
    client_make_plan(client);
    status = client_start_workers(client);
    if (status == 0 && client->options->wait_ns > 0) {
        client_wait_reach(&client->wait, &client->workers[0]);
    } else if (status == 0) {
        client_begin(client);
    }
    control_run(&client->control, 0);
    if (status == 0 && !client->begun) {
        client_wait_report(&client->wait);
    }
    bool ok = client->begun && client_print_report(client) && !client->control.failed;
    for (size_t i = 0; i < client->workers_ready; i++) {
        free(load_take_so_far(&client->workers[i])); /* published, but not printed any more */
        worker_destroy(&client->workers[i].worker);
    }
    free(client->workers);
    net_resolution_free(&client->resolution);
    return ok ? 0 : 1;
}

int client_run(const struct client_options *options, const struct backend *backend)
{
    struct client client = {.options = options, .backend = backend};
    client.worker_count = (size_t)options->threads;
    if (client_find_modes(&client) != 0) {
        return 2;
    }
    if (options->common.json != NULL &&
        output_open_file("--json: ", options->common.json, OUTPUT_ALL) != 0) {
        return 1;
    }
    int status = control_open(&client.control, &client_events);
    if (status != 0) {
        log_message("cannot open the main loop: %s%s", uv_strerror(status), sys_shortage(status));
        return 1;
    }
    if (options->rate > 0) {
        sys_timer_refine(); /* so that messages are sent when they are due */
    }
    int code = client_run_controlled(&client);
    sys_timer_restore();
    control_finish(&client.control);
    control_close(&client.control);
    return code;
}
