#include "report.h"

#include <inttypes.h>
#include <string.h>

#include <uv.h>

#include "sys.h"
#include "units.h"
#include "version.h"

/* Of more workers than that the text shows the sum alone. */
#define REPORT_ROWS_MAX 8

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

void report_json_mode(struct json *json, const char *key, const char *const *modes, unsigned mode)
{
    if (modes == NULL) {
        json_null(json, key);
    } else {
        json_string(json, key, modes[mode]);
    }
}

void report_json_io(struct json *json, const struct io_stats *io)
{
#define REPORT_IO_MEMBER(name, kind, meaning) json_uint(json, #name, io->name);
    IO_COUNTERS(REPORT_IO_MEMBER)
#undef REPORT_IO_MEMBER
    json_array(json, "batches");
    for (size_t i = 0; i < IO_BATCHES; i++) {
        json_uint(json, NULL, io->batches[i]);
    }
    json_end_array(json);
}

void report_json_process(struct json *json)
{
    uint64_t user_ns;
    uint64_t system_ns;
    sys_process_cpu_ns(&user_ns, &system_ns);
    json_object(json, "process");
    json_double(json, "cpu_user_seconds", (double)user_ns / 1e9);
    json_double(json, "cpu_system_seconds", (double)system_ns / 1e9);
    json_uint(json, "peak_rss_bytes", sys_peak_rss_bytes());
    json_end_object(json);
}

void report_json_environment(struct json *json)
{
    struct sys_description machine;
    sys_describe(&machine);
    json_object(json, "environment");
    json_string(json, "system", machine.system.sysname);
    json_string(json, "release", machine.system.release);
    json_string(json, "machine", machine.system.machine);
    json_string(json, "cpu", machine.cpu);
    json_uint(json, "cpus", sys_cpu_count());
    json_bool(json, "wine", machine.wine);
    json_string(json, "version", ECHOPORT_VERSION);
    json_string(json, "commit", ECHOPORT_COMMIT);
    json_string(json, "compiler", ECHOPORT_COMPILER);
    json_string(json, "build", ECHOPORT_BUILD);
    json_string(json, "libuv", uv_version_string());
    json_end_object(json);
}

/* ---- text ---------------------------------------------------------------------------------- */

void report_text_counts(struct text *out, const char *before, const struct report_count *counts,
                        size_t length)
{
    char text[UNITS_TEXT_SIZE];
    for (size_t i = 0; i < length; i++) {
        if (counts[i].count > 0) {
            text_printf(out, "%s%s %s", before,
                        units_format_grouped(text, sizeof(text), counts[i].count), counts[i].name);
            before = ", ";
        }
    }
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

static void report_text_io_row(struct text *out, const char *name, const struct worker_stats *work)
{
    const struct io_stats *io = &work->io;
    text_printf(out, "  %6s  %8.2f s  %10" PRIu64 "  %11" PRIu64 "  %6.1f %%  %13" PRIu64 "\n",
                name, (double)work->cpu_ns / 1e9, io->wait_calls, io->completions,
                100 * report_ratio(io->inline_outcomes, io->inline_outcomes + io->completions),
                io->batch_max);
}

/* "batches      1: 62.0 %, 2-3: 20.1 %, 128 and more: 17.9 %" of the waits that brought any. */
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
        unsigned least = 1U << i;
        if (io->batches[i] == 0) {
            continue;
        }
        if (i == 0) {
            (void)snprintf(size, sizeof(size), "1");
        } else if (i == IO_BATCHES - 1) {
            (void)snprintf(size, sizeof(size), "%u and more", least);
        } else {
            (void)snprintf(size, sizeof(size), "%u-%u", least, 2 * least - 1);
        }
        text_printf(out, "%s%s: %.1f %%", separator, size,
                    100 * report_ratio(io->batches[i], total));
        separator = ", ";
    }
    text_printf(out, "%s\n", total == 0 ? "none" : "");
}

bool report_estimates_calls(const struct backend *backend)
{
    return backend->estimates_calls != NULL && backend->estimates_calls();
}

void report_text_io(struct text *out, const struct backend *backend,
                    const struct report_worker *workers, size_t count, uint64_t echoes)
{
    struct worker_stats sum = {0};
    const struct io_stats none = {0};
    char name[32];
    text_printf(out, "  worker         cpu       waits  completions   inline  largest batch\n");
    for (size_t i = 0; i < count; i++) {
        io_stats_add_since(&sum.io, &workers[i].work.io, &none);
        sum.cpu_ns += workers[i].work.cpu_ns;
        (void)snprintf(name, sizeof(name), "%zu", i);
        if (count <= REPORT_ROWS_MAX) {
            report_text_io_row(out, name, &workers[i].work);
        }
    }
    if (count > 1) {
        (void)snprintf(name, sizeof(name), "all %zu", count);
        report_text_io_row(out, name, &sum);
    }
    report_text_batches(out, &sum.io);
    text_printf(
        out,
        "  calls a message  %.3f receive, %.3f send, %.3f change of interest, %.3f wait, %.3f "
        "other; %.3f of the system%s\n",
        report_ratio(sum.io.recv_calls, echoes), report_ratio(sum.io.send_calls, echoes),
        report_ratio(sum.io.control_calls, echoes), report_ratio(sum.io.wait_calls, echoes),
        report_ratio(sum.io.other_calls, echoes), report_ratio(sum.io.system_calls, echoes),
        report_estimates_calls(backend) ? ", estimated" : "");
}

void report_text_process(struct text *out)
{
    uint64_t user_ns;
    uint64_t system_ns;
    char rss[UNITS_TEXT_SIZE];
    sys_process_cpu_ns(&user_ns, &system_ns);
    text_printf(out, "  cpu          %.2f s (user %.2f s, system %.2f s), peak memory %s\n",
                (double)(user_ns + system_ns) / 1e9, (double)user_ns / 1e9, (double)system_ns / 1e9,
                units_format_bytes(rss, sizeof(rss), (double)sys_peak_rss_bytes()));
}

/* ---- the end ------------------------------------------------------------------------------- */

void report_end_text(const struct report_end *end, char *text, size_t size)
{
    char left[UNITS_TEXT_SIZE];
    char limit[UNITS_TEXT_SIZE + 24] = "";
    char timeout[UNITS_TEXT_SIZE];
    if (!end->at_once) {
        (void)snprintf(limit, sizeof(limit), ", up to --drain-timeout %s",
                       units_exact_duration(timeout, sizeof(timeout), end->timeout_ns));
    }
    (void)snprintf(text, size, "%s %.1f s: %s connection%s left%s",
                   end->at_once ? "ending at once" : "draining", (double)end->passed_ns / 1e9,
                   units_format_grouped(left, sizeof(left), end->left), end->left == 1 ? "" : "s",
                   limit);
}
