/*
 * The client's main thread.
 *
 *     host -> addresses -> workers, each with its share of the connections -> control_run -> report
 *
 * The run may have to wait for something, such as the server with --wait. Then it begins during
 * control_run(), when the gate opens (client_gate.h). With --find-rate there are several runs, each
 * with new workers.
 */

#include "client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client_addresses.h"
#include "client_hostile.h"
#include "client_internal.h"
#include "client_report.h"
#include "log.h"
#include "output.h"
#include "output_file.h"
#include "stream_json.h"
#include "sys.h"
#include "units.h"
#include "utc.h"

/* Memory for the receive buffers of each worker: the client returns each buffer before it goes
 * on. */
#define CLIENT_BUFFER_MEMORY ((size_t)64 << 20)

/* The least number of slices of a step, for the growth of its backlog. */
#define CLIENT_STEP_SLICES 16

/* Exit codes. */
#define CLIENT_FAILED 1
#define CLIENT_NOT_ENOUGH 3

#define CLIENT_DESCRIPTORS 32
#define CLIENT_DESCRIPTORS_PER_WORKER 8

static struct client *client_of(struct control *control)
{
    return (struct client *)(void *)control;
}

/* ---- progress ------------------------------------------------------------------------------ */

static uint64_t client_earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When the run began or will begin to end, by uv_hrtime(); UINT64_MAX: not known yet. */
static uint64_t client_end_ns(const struct client *client)
{
    const struct control *control = &client->control;
    const struct load_plan *plan = &client->plan;
    uint64_t over_ns = plan->duration_ns > 0 ? plan->began_ns + plan->duration_ns : UINT64_MAX;
    uint64_t stopped_ns = control->stops > 0 ? control->stopped_ns : UINT64_MAX;
    uint64_t failed_ns = client->stopped ? client->stopped_ns : UINT64_MAX;
    return client_earlier(over_ns, client_earlier(stopped_ns, failed_ns));
}

/* Sums the last snapshots of the workers. Returns how many connections of running workers are
 * up. */
static uint64_t client_sum_snapshots(const struct client *client, struct client_counters *sum)
{
    uint64_t up = 0;
    for (size_t i = 0; i < client->control.crew.count; i++) {
        struct load *load = client_load(client, i);
        uv_mutex_lock(&load->worker.lock);
        client_counters_add(sum, &load->snapshot.counters);
        up += load->worker.running ? load->snapshot.up : 0;
        uv_mutex_unlock(&load->worker.lock);
    }
    return up;
}

static void client_on_progress(struct control *control)
{
    struct client *client = client_of(control);
    struct client_counters sum = {0};
    char line[CLIENT_PROGRESS_TEXT];
    if (!control->begun) {
        client_gate_progress(&client->gate);
        return;
    }
    uint64_t up = client_sum_snapshots(client, &sum);
    uint64_t now_ns = uv_hrtime();
    if (client_end_ns(client) <= now_ns) {
        control_progress_draining(control, client_end_ns(client), up,
                                  client->options->drain_timeout_ns);
    } else {
        struct client_progress progress = {.run_ns = now_ns - client->plan.began_ns,
                                           .tick_ns = now_ns - client->ticked_ns,
                                           .up = up,
                                           .before = &client->ticked,
                                           .now = &sum};
        client_report_progress(&progress, line);
        log_progress(line);
    }
    client->ticked_ns = now_ns;
    client->ticked = sum;
    crew_post(&control->crew, WORKER_SNAPSHOT);
}

/* ---- time series --------------------------------------------------------------------------- */

/* Of --interval; --json-stream has a line per second without it. 0: none is asked for. */
static uint64_t client_interval_ns(const struct client_options *options)
{
    bool streams = options->json_stream != NULL;
    return options->interval_ns == 0 && streams ? NS_PER_S : options->interval_ns;
}

/* A rest of the run, after its end, has a line only if something failed in it. */
static bool client_shows(const struct client *client, const struct interval *interval)
{
    uint64_t least_ns = client->options->interval_ns / 10;
    bool is_rest = interval->until_ns - interval->from_ns < least_ns && interval->failures == 0;
    return client->options->interval_ns > 0 && !is_rest;
}

static void client_on_interval(void *context, const struct interval *interval)
{
    struct client *client = context;
    struct text line = {0};
    if (client_shows(client, interval)) {
        interval_text(&client->intervals, interval, &line);
        log_trace("%s", line.failed ? "out of memory for a line of --interval" : line.data);
        text_free(&line);
    }
    if (client->options->json_stream != NULL) {
        stream_json_interval(&client->stream, &client->intervals, interval);
    }
}

/* False: out of memory, which has been reported. */
static bool client_make_intervals(struct client *client)
{
    const struct client_options *options = client->options;
    uint64_t length_ns = client_interval_ns(options);
    if (length_ns == 0) {
        return true;
    }
    if (!intervals_init(&client->intervals, length_ns, &options->percentile, client_on_interval,
                        client)) {
        log_message("out of memory for the intervals of the run");
        return false;
    }
    if (options->share.ranks > 0) {
        intervals_keep_buckets(&client->intervals);
    }
    series_subscribe(&client->slices.series, intervals_on_slice, &client->intervals);
    return true;
}

static void client_end_intervals(struct client *client)
{
    if (client_interval_ns(client->options) > 0) {
        intervals_end(&client->intervals);
    }
}

/* Without results. */
static struct client_report client_start_report(const struct client *client)
{
    return (struct client_report){
        .options = client->options,
        .backend = report_backend_of(client->control.crew.backend, client->control.crew.recv_mode),
        .seed = client->plan.seed,
        .run_id = client->run_id,
        .worker_count = client->control.crew.count,
        .began_unix_ns = client->began_unix_ns,
        .ended_unix_ns = client->ended_unix_ns,
        .intervals = client_interval_ns(client->options) > 0 ? &client->intervals : NULL,
    };
}

static void client_begin_intervals(struct client *client)
{
    intervals_begin(&client->intervals, client->began_unix_ns);
    if (client->options->json_stream != NULL) {
        const struct client_report report = client_start_report(client);
        stream_json_start(&report);
    }
}

/* ---- begin and early end ------------------------------------------------------------------- */

static void client_begin(void *context)
{
    struct client *client = context;
    struct control *control = &client->control;
    control->begun = true;
    if (client->options->barrier != NULL && client->options->seed == 0) {
        client->plan.seed = client->run_id; /* the other clients have that, too */
    }
    client->plan.began_ns = client->ticked_ns = uv_hrtime();
    client->began_unix_ns = utc_now_ns();
    crew_post(&control->crew, WORKER_BEGIN);
    client_trust_begin(&client->trust);
    client_slices_begin(&client->slices, client->plan.slice_ns);
    client_begin_intervals(client);
    control_show_progress(control);
}

/* Whether every running worker has waited in vain for --give-up. False if none is running. */
static bool client_is_hopeless(const struct client *client)
{
    const struct crew *crew = &client->control.crew;
    bool running = false;
    for (size_t i = 0; i < crew->count; i++) {
        struct load *load = client_load(client, i);
        if (load->worker.running && !load_is_hopeless(load)) {
            return false;
        }
        running = running || load->worker.running;
    }
    return running;
}

/* Whether the run is to end: --until, or a worker wants it to (--stop-on-error). */
static bool client_is_stopping(const struct client *client)
{
    bool stopping = client->trust.until.reached;
    for (size_t i = 0; i < client->control.crew.count && !stopping; i++) {
        stopping = load_is_stopping(client_load(client, i));
    }
    return stopping;
}

static void client_end_early(struct client *client)
{
    struct crew *crew = &client->control.crew;
    if (!client->stopped && client_is_stopping(client)) {
        client->stopped = true;
        client->stopped_ns = uv_hrtime();
        crew_post(crew, WORKER_DRAIN);
    }
    if (!client->gave_up && client_is_hopeless(client)) {
        client->gave_up = true;
        crew_post(crew, WORKER_ABORT);
    }
}

static void client_on_slice(void *context, const struct slice *slice)
{
    struct client *client = context;
    client_trust_on_slice(&client->trust, slice);
    client_end_early(client);
}

/* ---- report -------------------------------------------------------------------------------- */

/* The time by uv_hrtime(), since the run began. */
static uint64_t client_since_begin(const struct client *client, uint64_t at_ns)
{
    return at_ns > client->plan.began_ns ? at_ns - client->plan.began_ns : 0;
}

/* Makes a report of the sums. `address` is a buffer of NET_ADDRESS_TEXT bytes. The report points to
 * it and to `sum`. */
static struct client_report client_make_report(const struct client *client,
                                               const struct client_sum *sum, char *address)
{
    const struct sockaddr_storage *at = &client->resolution.addresses[sum->address];
    net_format_address((const struct sockaddr *)(const void *)at, address, NET_ADDRESS_TEXT);
    struct client_report report = client_start_report(client);
    report.process = report_process_now();
    report.address = address;
    report.seconds = client_sum_seconds(sum);
    report.measured_from_ns = client_since_begin(client, sum->from_ns);
    report.measured_until_ns = client_since_begin(client, sum->until_ns);
    if (sum->first_message_ns != UINT64_MAX) {
        report.first_message_unix_ns =
            client->began_unix_ns + client_since_begin(client, sum->first_message_ns);
    }
    report.stats = sum->stats;
    report.workers = sum->workers;
    return report;
}

void client_judge_sum(const struct client *client, const struct client_sum *sum,
                      struct verdict *verdict)
{
    char address[NET_ADDRESS_TEXT];
    const struct client_report report = client_make_report(client, sum, address);
    client_report_judge(&report, verdict);
}

/* The exit code of a run that has been measured. */
static int client_exit_code(const struct client *client, const struct client_report *report)
{
    struct verdict verdict;
    struct thresholds thresholds;
    client_report_judge(report, &verdict);
    client_report_thresholds(report, &thresholds);
    if (!verdict.ok || client->control.crew.failed) {
        return CLIENT_FAILED;
    }
    bool enough = thresholds.ok && !until_has_failed(&client->trust.until);
    return enough ? 0 : CLIENT_NOT_ENOUGH;
}

bool client_sum_ended(const struct client *client, struct client_sum *sum)
{
    size_t count = client->control.crew.count;
    if (!client_sum_init(sum, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        client_sum_add_ended(sum, client_load(client, i));
    }
    sum->stats->gave_up = client->gave_up;
    return true;
}

void client_make_outputs(struct client *client, const struct client_sum *sum,
                         struct client_outputs *outputs)
{
    struct trust trust;
    struct hostile_report hostile;
    char address[NET_ADDRESS_TEXT];
    struct client_report report = client_make_report(client, sum, address);
    client_trust_judge(&client->trust, &client->control.crew, sum->stats, client->plan.rate,
                       &trust);
    report.trust = &trust;
    report.until = &client->trust.until;
    report.hostile = client_hostile_report(&client->hostile, &client->control.crew, sum, &hostile);
    report.columns = output_columns(1);
    client_outputs_make(outputs, &report, client_exit_code(client, &report));
    if (client->options->json_stream != NULL) {
        stream_json_report(&client->stream, &report);
    }
    free(hostile.result);
}

/* Returns the exit code. */
static int client_print_report(struct client *client)
{
    struct client_sum sum;
    if (!client_sum_ended(client, &sum)) {
        return CLIENT_FAILED;
    }
    client_make_outputs(client, &sum, &client->outputs);
    client_sum_free(&sum);
    log_progress("");
    int code = client->outputs.code;
    client_outputs_print(&client->outputs, client->options, NULL);
    return code;
}

/* ---- the report so far --------------------------------------------------------------------- */

/* Adds what a worker has published; if it has ended, all that it counted. */
static void client_add_so_far(struct client_sum *sum, struct load *load)
{
    struct load_report *published = worker_take_report(&load->worker);
    if (!load->worker.running) {
        client_sum_add_ended(sum, load);
    } else if (published != NULL) {
        client_sum_add(sum, load, published);
    } else {
        log_message("out of memory: the report so far lacks the counts of worker %u",
                    load->worker.index);
    }
    free(published);
}

static void client_on_so_far(struct control *control)
{
    struct client *client = client_of(control);
    struct client_sum sum;
    char address[NET_ADDRESS_TEXT];
    struct text text = {0};
    if (!client_sum_init(&sum, control->crew.count)) {
        return;
    }
    for (size_t i = 0; i < control->crew.count; i++) {
        client_add_so_far(&sum, client_load(client, i));
    }
    struct client_report report = client_make_report(client, &sum, address);
    struct hostile_report hostile;
    report.hostile = client_hostile_report(&client->hostile, &client->control.crew, &sum, &hostile);
    report.so_far = true;
    report.columns = output_columns(2);
    client_report_text(&report, &text);
    log_progress("");
    output_print_error(&text);
    free(hostile.result);
    client_sum_free(&sum);
}

/* ---- events -------------------------------------------------------------------------------- */

static void client_on_news(struct control *control)
{
    struct client *client = client_of(control);
    if (control->begun) {
        client_end_early(client);
    } else {
        client_gate_on_news(&client->gate);
    }
}

/* ---- workers ------------------------------------------------------------------------------- */

/* `wanted`; or a random seed if it is 0. That has 53 bits: readers of JSON may store numbers as
 * doubles. */
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

/* The length of slices. A step of a search needs several in each quarter. */
static uint64_t client_slice_ns(const struct client_options *options)
{
    uint64_t interval_ns = client_interval_ns(options);
    bool searches = options->find_rate != NULL && interval_ns == 0;
    uint64_t part_ns = (options->duration_ns - options->warmup_ns) / CLIENT_STEP_SLICES;
    return slice_length_ns(searches && part_ns > 0 && part_ns < SLICE_NS ? part_ns : interval_ns);
}

static void client_make_plan(struct client *client)
{
    const struct client_options *options = client->options;
    size_t cpus = options->cpus.count > 0 ? options->cpus.count : sys_cpu_count();
    client->plan = (struct load_plan){
        .addresses = client->resolution.addresses,
        .address_count = client->resolution.count,
        .share = options->share,
        .workers = (size_t)(share_ranks(&options->share) * options->threads),
        .seed = client_seed(options->seed),
        .size = options->message_size,
        .sizes = options->sizes,
        .depth = options->pipeline,
        .lifetime = options->lifetime,
        .think_ns = options->think_ns,
        .close_reset = strcmp(options->close, "rst") == 0,
        .connections = options->whole.connections,
        .connect_rate = options->whole.connect_rate,
        .ramp_ns = options->ramp_ns,
        .rate = options->whole.rate,
        .crowded = load_is_crowded((size_t)options->threads, options->rate, cpus),
        .arrival = arrival_kind(options->arrival),
        .warmup_ns = options->warmup_ns,
        .slice_ns = client_slice_ns(options),
        .duration_ns = options->duration_ns,
        .connect_timeout_ns = options->connect_timeout_ns,
        .timeout_ns = options->timeout_ns,
        .drain_timeout_ns = options->drain_timeout_ns,
        .hostile = options->hostile.count > 0,
        .hostile_from_ns = options->hostile_from_ns,
        .give_up_ns = options->give_up_ns,
        .allow_drain = options->allow_drain,
        .stop_on_error = options->stop_on_error,
        .trace = options->common.verbose,
    };
}

static struct io_config client_io_config(struct client *client)
{
    size_t buffer_size = (size_t)client->options->buffer_size;
    return (struct io_config){
        .buffer_size = buffer_size,
        .buffer_memory = buffer_size > CLIENT_BUFFER_MEMORY ? buffer_size : CLIENT_BUFFER_MEMORY,
        .open_socket = source_open,
        .open_context = &client->source,
        .open_calls = source_open_calls(&client->source),
    };
}

static int client_make_workers(struct client *client)
{
    const struct client_options *options = client->options;
    size_t count = (size_t)options->threads;
    struct crew_plan plan = {
        .role = &load_role,
        .count = count,
        .size = sizeof(struct load),
        .cpus = &options->cpus,
        .io_config = client_io_config(client),
        .control = &client->control.async,
    };
    int status = crew_make(&client->control.crew, &plan);
    for (size_t i = 0; i < client->control.crew.count; i++) {
        load_init(client_load(client, i), &client->plan,
                  (size_t)share_part(options->connections, count, i),
                  options->requests == 0 ? UINT64_MAX : share_part(options->requests, count, i));
    }
    return status != 0 ? status
                       : client_hostile_add(&client->hostile, &client->control.crew, options,
                                            &client->plan, &plan);
}

static void client_say_backend(const struct crew *crew)
{
    if (crew->note[0] != '\0') {
        log_message("--backend: using %s (%s)", crew->backend->name, crew->note);
    }
}

static int client_start_workers(struct client *client)
{
    struct crew *crew = &client->control.crew;
    const struct backend *chosen = crew->backend;
    int status = client_make_workers(client);
    if (status == 0) {
        status = crew_start(crew);
    }
    if (crew->backend != chosen) {
        client_say_backend(crew);
    }
    if (status != 0) {
        crew_post(crew, WORKER_ABORT);
    }
    return status;
}

/* ---- life ---------------------------------------------------------------------------------- */

static void client_check_descriptors(const struct client *client)
{
    uint64_t descriptors = sys_raise_descriptor_limit();
    uint64_t own = CLIENT_DESCRIPTORS + client->options->threads * CLIENT_DESCRIPTORS_PER_WORKER;
    uint64_t hostile = client_hostile_count(client->options);
    uint64_t connections = client->options->connections + hostile;
    if (connections + own > descriptors) {
        log_message("%s: some of %" PRIu64 " will fail: the descriptor limit is %" PRIu64,
                    hostile > 0 ? "--connections and --hostile" : "--connections", connections,
                    descriptors);
    }
}

static int client_resolve(struct client *client)
{
    client_gate_init(&client->gate, &client->control, client->options, client_begin, client);
    int status = client_gate_resolve(&client->gate, &client->resolution);
    if (status == 0) {
        status = client_addresses_choose(client->options, &client->resolution);
    }
    return status == 0 ? client_addresses_try(&client->source) : status;
}

/* Starts the workers. They begin at once, or when the gate opens. */
static int client_start(struct client *client, bool first)
{
    client_make_plan(client);
    client->run_id = client_seed(0);
    if (!client_trust_init(&client->trust, client->options) ||
        !client_slices_init(&client->slices, &client->control, (size_t)client->options->threads) ||
        !client_make_intervals(client)) {
        return UV_ENOMEM;
    }
    series_subscribe(&client->slices.series, client_on_slice, client);
    if (client->searches) {
        series_subscribe(&client->slices.series, backlog_on_slice, &client->backlog);
    }
    int status = client_start_workers(client);
    if (status == 0 && first) {
        client_gate_enter(&client->gate, client_load(client, 0), &client->run_id);
    } else if (status == 0) {
        client_begin(client);
    }
    return status;
}

void client_once(struct client *client, bool first)
{
    struct control *control = &client->control;
    int status = client_start(client, first);
    control_run(control, 0);
    if (status == 0 && !control->begun) {
        client_gate_end(&client->gate);
    }
    if (control->begun) {
        client->ended_unix_ns = utc_now_ns();
        client_slices_end(&client->slices);
        client_end_intervals(client);
    }
}

void client_free_run(struct client *client)
{
    struct crew *crew = &client->control.crew;
    for (size_t i = 0; i < crew->count; i++) {
        free(worker_take_report(crew_worker(crew, i)));
        load_free(client_load(client, i));
    }
    if (crew->companion != NULL) {
        free(worker_take_report(crew->companion));
    }
    crew_free(crew);
    client_slices_free(&client->slices);
    client_trust_free(&client->trust);
    intervals_free(&client->intervals);
    hostile_free(&client->hostile);
    client->control.begun = client->control.reporting = false;
    client->stopped = client->gave_up = false;
    client->ticked = (struct client_counters){0};
}

static void client_free(struct client *client)
{
    client_free_run(client);
    client_outputs_free(&client->outputs);
    client_outputs_free(&client->step);
    net_resolution_free(&client->resolution);
    client_gate_free(&client->gate);
    source_free(&client->source);
}

/* ---- events -------------------------------------------------------------------------------- */

static bool client_on_open(struct control *control)
{
    const struct client_options *options = client_of(control)->options;
    const char *hgrm = options->hgrm;
    const char *stream = options->json_stream;
    if (stream != NULL &&
        output_open_file(OUTPUT_STREAM, "--json-stream: ", stream, OUTPUT_APPEND) != 0) {
        return false;
    }
    return hgrm == NULL || output_open_file(OUTPUT_TABLE, "--hgrm: ", hgrm, OUTPUT_ALL) == 0;
}

static int client_on_run(struct control *control)
{
    struct client *client = client_of(control);
    const struct client_options *options = client->options;
    int code = CLIENT_FAILED;
    if (options->rate > 0 || options->find_rate != NULL || options->start_at != NULL ||
        options->barrier != NULL) {
        sys_timer_refine(); /* so that messages are sent when they are due, and the run begins */
    }
    if (client_resolve(client) == 0) {
        client_check_descriptors(client);
        if (options->find_rate != NULL) {
            code = client_find_rate(client);
        } else {
            client_once(client, true);
            code = control->begun ? client_print_report(client) : CLIENT_FAILED;
        }
    }
    sys_timer_restore();
    return code;
}

static const struct control_events client_events = {
    .open = client_on_open,
    .run = client_on_run,
    .so_far = client_on_so_far,
    .progress = client_on_progress,
    .news = client_on_news,
    .not_begun = "the run has not begun",
    .needs_reader = true,
};

int client_run(const struct program_options *common, const struct backend *backend,
               const char *note)
{
    const struct client_options *options = (const struct client_options *)(const void *)common;
    struct client client = {.options = options};
    struct crew *crew = &client.control.crew;
    int status = crew_init(crew, common, NULL, backend, note);
    client_say_backend(crew);
    if (status != 0) {
        return 2;
    }
    struct net_options net = program_options_net(common);
    status = source_init(&client.source, &options->sources, &net);
    if (status != 0) {
        log_message("cannot start: %s", uv_strerror(status));
        crew_free(crew);
        return 1;
    }
    int code = control_main(&client.control, &client_events, common->json);
    client_free(&client);
    return code;
}
