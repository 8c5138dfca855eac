#include "document.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <uv.h>

#include "floor.h"
#include "null.h"
#include "result.h"
#include "sys.h"
#include "version.h"

static json_t *document_date(void)
{
    char text[32] = "";
    time_t now = time(NULL);
    const struct tm *utc = gmtime(&now);
    if (utc != NULL) {
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", utc);
    }
    return json_string(text);
}

static json_t *document_environment(const struct pin_placement *placement)
{
    struct sys_description machine;
    json_t *environment = json_object();
    sys_describe(&machine);
    result_set_text(environment, "os", machine.system.sysname);
    result_set_text(environment, "kernel", machine.system.release);
    result_set_text(environment, "machine", machine.system.machine);
    result_set_text(environment, "cpu", machine.cpu);
    result_put(environment, "cpus", json_integer((json_int_t)sys_cpu_count()));
    result_put(environment, "wine", json_boolean(machine.wine));
    result_set_known(environment, "congestion_control", machine.congestion_control);
    result_set_text(environment, "compiler", ECHOPORT_COMPILER);
    result_set_text(environment, "build", ECHOPORT_BUILD);
    result_set_text(environment, "libuv", uv_version_string());
    result_set_known(environment, "liburing", BENCH_LIBURING);
    result_set_text(environment, "echoport", ECHOPORT_VERSION " (" ECHOPORT_COMMIT ")");
    if (placement->server_cpu >= 0) {
        result_put(environment, "server_cpu", json_integer(placement->server_cpu));
    }
    if (placement->client_cpu >= 0) {
        result_put(environment, "client_cpu", json_integer(placement->client_cpu));
    }
    return environment;
}

static json_t *document_options(const struct run_setup *setup, bool quick, const char *command)
{
    json_t *options = json_object();
    result_put(options, "rounds", json_integer((json_int_t)setup->times.rounds));
    result_set(options, "duration", (double)setup->times.duration_ns / 1e9);
    result_set(options, "warmup", (double)setup->times.warmup_ns / 1e9);
    result_put(options, "quick", json_boolean(quick));
    result_put(options, "buffer_size", json_integer((json_int_t)setup->buffer_size));
    result_set_text(options, "client_backend", setup->client_backend);
    result_set_text(options, "pin", pin_mode_names[setup->pin]);
    if (setup->remote.command != NULL) {
        result_set_text(options, "client_command", setup->remote.command);
    }
    if (strcmp(setup->server_host, RUN_LOOPBACK) != 0) {
        result_set_text(options, "server_address", setup->server_host);
    }
    result_set_text(options, "command", command);
    return options;
}

json_t *document_new(const struct run_setup *setup, const struct pin_placement *placement,
                     bool quick, const char *command)
{
    json_t *document = json_object();
    result_put(document, "format", json_integer(RESULT_FORMAT));
    result_put(document, "date", document_date());
    result_put(document, "environment", document_environment(placement));
    result_put(document, "options", document_options(setup, quick, command));
    if (setup->remote.client != NULL) {
        result_put(document, "client", json_incref(setup->remote.client));
    }
    result_put(document, "harness", json_object());
    result_put(document, "cases", json_array());
    return document;
}

json_t *document_add_case(json_t *cases, const struct bench_case *load)
{
    json_t *test_case = json_object();
    result_set_text(test_case, "name", load->name);
    result_put(test_case, "connections", json_integer((json_int_t)load->connections));
    result_put(test_case, "size", json_integer((json_int_t)load->size));
    result_put(test_case, "depth", json_integer((json_int_t)load->depth));
    result_put(test_case, "workers", json_integer((json_int_t)load->workers));
    result_put(test_case, "lifetime", json_integer((json_int_t)load->lifetime));
    result_set(test_case, "busy_poll", (double)load->busy_poll_ns / 1e9);
    result_put(test_case, "idle", json_boolean(load->idle));
    result_put(test_case, "runs", json_array());
    result_append(cases, test_case);
    return test_case;
}

/* The first subject of the first case that has measured what a message costs the client. */
static const json_t *document_reference(const json_t *document, const json_t **test_case)
{
    const json_t *cases = json_object_get(document, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        *test_case = json_array_get(cases, i);
        const json_t *subject = json_array_get(json_object_get(*test_case, "subjects"), 0);
        if (result_has(subject, "client_cpu_per_message.median")) {
            return subject;
        }
    }
    return NULL;
}

/* What the system alone takes for a message, which is part of any server's cost. */
static void document_set_floor(json_t *harness, size_t size)
{
    struct floor_costs costs;
    if (size <= FLOOR_SIZE_MAX && floor_measure(size, &costs)) {
        result_set(harness, "floor_per_message", costs.message);
        result_set(harness, "empty_call", costs.empty_call);
    }
}

void document_set_harness(json_t *document, double bench_load)
{
    json_t *harness = json_object_get(document, "harness");
    const json_t *test_case = NULL;
    const json_t *subject = document_reference(document, &test_case);
    result_set(harness, "bench_load", bench_load);
    if (subject == NULL || result_has(harness, "client_cpu_per_message")) {
        return;
    }
    result_set_text(harness, "case", result_text(test_case, "name"));
    result_set_text(harness, "subject", result_text(subject, "subject"));
    result_set(harness, "client_cpu_per_message",
               result_number(subject, "client_cpu_per_message.median"));
    result_set(harness, "server_cpu_per_message",
               result_number(subject, "server_cpu_per_message.median"));
    if (json_object_get(document, "client") == NULL) {
        uint64_t size = (uint64_t)result_number(test_case, "size");
        result_set(harness, "null_cpu_per_message", null_cpu_per_message(size));
        document_set_floor(harness, (size_t)size);
    }
}
