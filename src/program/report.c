#include "report.h"

#include <inttypes.h>
#include <string.h>

#include <uv.h>

#include "sys.h"
#include "units.h"
#include "version.h"

/* With more workers the table shows only their sum. */
#define REPORT_ROWS_MAX 8

#define REPORT_COLUMNS_MIN 80

/* ---- JSON ---------------------------------------------------------------------------------- */

void report_json_errors(struct json *json, const struct stats_errors *errors)
{
    json_array(json, "errors");
    for (size_t i = 0; i < errors->count; i++) {
        const struct stats_error *error = &errors->entries[i];
        json_object(json, NULL);
        json_string(json, "operation",
                    error->code == 0 ? "any" : stats_operation_name(error->operation));
        json_string(json, "code", error->code == 0 ? "other" : uv_err_name(error->code));
        json_uint(json, "count", error->count);
        json_end_object(json);
    }
    json_end_array(json);
}

const char *report_mode(const char *const *modes, unsigned mode)
{
    return modes == NULL ? NULL : modes[mode];
}

struct report_backend report_backend_of(const struct backend *backend, unsigned recv_mode)
{
    return (struct report_backend){.name = backend->name,
                                   .recv = report_mode(backend->recv_modes, recv_mode),
                                   .estimates_calls = backend->estimates_calls != NULL &&
                                                      backend->estimates_calls()};
}

void report_json_backend(struct json *json, const struct report_backend *backend)
{
    json_string(json, "backend", backend->name);
    json_bool(json, "system_calls_estimated", backend->estimates_calls);
    if (backend->recv == NULL) {
        json_null(json, "recv");
    } else {
        json_string(json, "recv", backend->recv);
    }
}

void report_json_members(struct json *json, const struct counter_list *list, const void *counts)
{
    for (size_t i = 0; i < list->count; i++) {
        json_uint(json, list->rows[i].name, counter_value(&list->rows[i], counts));
    }
}

void report_json_counters(struct json *json, const struct counter_list *list, const void *counts)
{
    json_object(json, "counters");
    report_json_members(json, list, counts);
    json_end_object(json);
}

static void report_json_io(struct json *json, const struct io_stats *io)
{
    json_object(json, "io");
    report_json_members(json, &stats_io_list, io);
    json_array(json, "batches");
    for (size_t i = 0; i < IO_BATCHES; i++) {
        json_uint(json, NULL, io->batches[i]);
    }
    json_end_array(json);
    json_end_object(json);
}

void report_json_worker(struct json *json, size_t index, const struct report_worker *worker)
{
    json_uint(json, "index", index);
    if (worker->cpu >= 0) {
        json_int(json, "cpu", worker->cpu);
    }
    json_double(json, "cpu_seconds", (double)worker->work.cpu_ns / 1e9);
    report_json_io(json, &worker->work.io);
}

struct report_process report_process_now(void)
{
    struct report_process process = {.peak_rss_bytes = sys_peak_rss_bytes()};
    sys_process_cpu_ns(&process.user_ns, &process.system_ns);
    return process;
}

void report_json_process(struct json *json, const struct report_process *process)
{
    json_object(json, "process");
    json_double(json, "cpu_user_seconds", (double)process->user_ns / 1e9);
    json_double(json, "cpu_system_seconds", (double)process->system_ns / 1e9);
    json_uint(json, "peak_rss_bytes", process->peak_rss_bytes);
    json_end_object(json);
}

void report_json_environment_of(struct json *json, const struct report_environment *environment)
{
    json_object(json, "environment");
    json_string(json, "system", environment->system);
    json_string(json, "release", environment->release);
    json_string(json, "machine", environment->machine);
    json_string(json, "cpu", environment->cpu);
    json_uint(json, "cpus", environment->cpus);
    json_bool(json, "wine", environment->wine);
    json_string(json, "version", environment->version);
    json_string(json, "commit", environment->commit);
    json_string(json, "compiler", environment->compiler);
    json_string(json, "build", environment->build);
    json_string(json, "libuv", environment->libuv);
    json_end_object(json);
}

void report_json_environment(struct json *json)
{
    struct sys_description machine;
    sys_describe(&machine);
    const struct report_environment here = {.system = machine.system.sysname,
                                            .release = machine.system.release,
                                            .machine = machine.system.machine,
                                            .cpu = machine.cpu,
                                            .cpus = sys_cpu_count(),
                                            .wine = machine.wine,
                                            .version = ECHOPORT_VERSION,
                                            .commit = ECHOPORT_COMMIT,
                                            .compiler = ECHOPORT_COMPILER,
                                            .build = ECHOPORT_BUILD,
                                            .libuv = uv_version_string()};
    report_json_environment_of(json, &here);
}

/* ---- text ---------------------------------------------------------------------------------- */

void report_wrap(struct text *out, size_t begin, size_t columns)
{
    if (columns < SIZE_MAX) {
        text_wrap(out, begin, columns > REPORT_COLUMNS_MIN ? columns : REPORT_COLUMNS_MIN,
                  REPORT_INDENT);
    }
}

const char *report_text_count(struct text *out, const char *separator, uint64_t count,
                              const char *word)
{
    char text[UNITS_TEXT_SIZE];
    if (count == 0) {
        return separator;
    }
    text_printf(out, "%s%s %s", separator, units_format_grouped(text, sizeof(text), count), word);
    return ", ";
}

const char *report_text_counters(struct text *out, const char *separator,
                                 const struct counter_list *list, enum counter_line line,
                                 const void *counts)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct counter *row = &list->rows[i];
        if (row->line == line) {
            separator = report_text_count(out, separator, counter_value(row, counts), row->word);
        }
    }
    return separator;
}

void report_text_errors(struct text *out, const struct stats_errors *errors)
{
    if (errors->count == 0) {
        return;
    }
    text_printf(out, "  errors       ");
    for (size_t i = 0; i < errors->count; i++) {
        const struct stats_error *error = &errors->entries[i];
        text_printf(out, "%s%s %s %" PRIu64, i > 0 ? ", " : "",
                    error->code == 0 ? "any" : stats_operation_name(error->operation),
                    error->code == 0 ? "other" : uv_err_name(error->code), error->count);
    }
    text_printf(out, "\n");
}

static double report_ratio(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static void report_text_worker(struct text *out, const char *name, const struct worker_stats *work)
{
    const struct io_stats *io = &work->io;
    text_printf(out, "  %6s  %8.2f s  %10" PRIu64 "  %11" PRIu64 "  %6.1f %%  %13" PRIu64 "\n",
                name, (double)work->cpu_ns / 1e9, io->wait_calls, io->completions,
                100 * report_ratio(io->inline_outcomes, io->inline_outcomes + io->completions),
                io->batch_max);
}

/* "128 and more": the sizes of the batches that batches[i] counts. */
static void report_batch_size(size_t i, char *text, size_t size)
{
    unsigned least = 1U << i;
    if (i == 0) {
        (void)snprintf(text, size, "1");
    } else if (i == IO_BATCHES - 1) {
        (void)snprintf(text, size, "%u and more", least);
    } else {
        (void)snprintf(text, size, "%u-%u", least, 2 * least - 1);
    }
}

/* "batches      1: 62.0 %, 2-3: 20.1 %, 128 and more: 17.9 %" of the turns that delivered any. */
static void report_text_batches(struct text *out, const struct io_stats *io)
{
    uint64_t total = 0;
    const char *separator = "";
    for (size_t i = 0; i < IO_BATCHES; i++) {
        total += io->batches[i];
    }
    text_printf(out, "  batches      ");
    for (size_t i = 0; i < IO_BATCHES; i++) {
        char size[32];
        if (io->batches[i] > 0) {
            report_batch_size(i, size, sizeof(size));
            text_printf(out, "%s%s: %.1f %%", separator, size,
                        100 * report_ratio(io->batches[i], total));
            separator = ", ";
        }
    }
    text_printf(out, "%s\n", total == 0 ? "none" : "");
}

/* A row for each worker, and one for all. */
static void report_text_workers(struct text *out, const struct report_details *details,
                                const struct worker_stats *sum)
{
    size_t count = details->worker_count;
    char name[32];
    text_printf(out, "  worker         cpu       waits  completions   inline  largest batch\n");
    for (size_t i = 0; i < count && count <= REPORT_ROWS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%zu", i);
        report_text_worker(out, name, &details->workers[i].work);
    }
    if (count > 1) {
        (void)snprintf(name, sizeof(name), "all %zu", count);
        report_text_worker(out, name, sum);
    }
}

static void report_text_calls(struct text *out, const struct report_details *details,
                              const struct io_stats *io)
{
    uint64_t messages = details->messages;
    text_printf(out,
                "  %-12s %.3f recv, %.3f send, %.3f epoll_ctl, %.3f wait, %.3f other; "
                "%.3f system calls%s\n",
                details->label, report_ratio(io->recv_calls, messages),
                report_ratio(io->send_calls, messages), report_ratio(io->control_calls, messages),
                report_ratio(io->wait_calls, messages), report_ratio(io->other_calls, messages),
                report_ratio(io->system_calls, messages),
                details->estimates_calls ? ", estimated" : "");
}

static void report_text_process(struct text *out, const struct report_process *process)
{
    char rss[UNITS_TEXT_SIZE];
    text_printf(out, "  cpu          %.2f s (user %.2f s, system %.2f s), peak memory %s\n",
                (double)(process->user_ns + process->system_ns) / 1e9,
                (double)process->user_ns / 1e9, (double)process->system_ns / 1e9,
                units_format_bytes(rss, sizeof(rss), (double)process->peak_rss_bytes));
}

void report_text_details(struct text *out, const struct report_details *details)
{
    struct worker_stats sum = {0};
    const struct io_stats none = {0};
    for (size_t i = 0; i < details->worker_count; i++) {
        io_stats_add_since(&sum.io, &details->workers[i].work.io, &none);
        sum.cpu_ns += details->workers[i].work.cpu_ns;
    }
    report_text_workers(out, details, &sum);
    report_text_batches(out, &sum.io);
    report_text_calls(out, details, &sum.io);
    report_text_process(out, &details->process);
}

/* ---- the end ------------------------------------------------------------------------------- */

void report_end_text(const struct report_end *end, char *text, size_t size)
{
    char limit[UNITS_TEXT_SIZE + 24] = "";
    char timeout[UNITS_TEXT_SIZE];
    if (!end->at_once) {
        (void)snprintf(limit, sizeof(limit), ", up to --drain-timeout %s",
                       units_exact_duration(timeout, sizeof(timeout), end->timeout_ns));
    }
    (void)snprintf(text, size, "%s %.1f s: %s left%s", end->at_once ? "ending at once" : "draining",
                   (double)end->passed_ns / 1e9, units_counted(end->left, "connection").text,
                   limit);
}
