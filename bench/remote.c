#include "remote.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "report_format.h"
#include "result.h"
#include "version.h"

#define REMOTE_COLUMNS 80

/* A member's value for people. */
static void remote_show(const json_t *value, char *text, size_t size)
{
    if (json_is_string(value)) {
        (void)snprintf(text, size, "'%.60s'", json_string_value(value));
    } else if (json_is_number(value)) {
        (void)snprintf(text, size, "%g", json_number_value(value));
    } else {
        (void)snprintf(text, size, "%s", json_is_true(value) ? "true" : "nothing");
    }
}

bool remote_learn(struct remote *remote, const json_t *report, char why[REMOTE_ERROR_SIZE])
{
    const json_t *environment = json_object_get(report, "environment");
    const json_t *format = json_object_get(report, "format");
    char shown[REMOTE_ERROR_SIZE];
    if (strcmp(result_text(report, "program"), "echo-client") != 0) {
        (void)snprintf(why, REMOTE_ERROR_SIZE, "it is not echo-client");
        return false;
    }
    if (json_integer_value(format) != CLIENT_REPORT_FORMAT || !json_is_object(environment)) {
        remote_show(format, shown, sizeof(shown));
        (void)snprintf(why, REMOTE_ERROR_SIZE,
                       "the format of its report is %.64s, and here it is %d: both machines need "
                       "the same version of echoport",
                       shown, CLIENT_REPORT_FORMAT);
        return false;
    }
    remote->client = json_object();
    result_set_text(remote->client, "backend", result_text(report, "backend"));
    result_put(remote->client, "environment", json_deep_copy(environment));
    return true;
}

bool remote_is_same(const struct remote *remote, const json_t *report, char why[REMOTE_ERROR_SIZE])
{
    const char *name;
    json_t *before;
    const json_t *now = json_object_get(report, "environment");
    json_object_foreach(json_object_get(remote->client, "environment"), name, before)
    {
        const json_t *after = json_object_get(now, name);
        char old[80];
        char new[80];
        if (!json_equal(before, after)) {
            remote_show(before, old, sizeof(old));
            remote_show(after, new, sizeof(new));
            (void)snprintf(why, REMOTE_ERROR_SIZE, "%.32s is %s, and in the first run it was %s",
                           name, new, old);
            return false;
        }
    }
    return true;
}

uint64_t remote_cpus(const struct remote *remote)
{
    const json_t *environment = json_object_get(remote->client, "environment");
    json_int_t cpus = json_integer_value(json_object_get(environment, "cpus"));
    if (remote->command == NULL) {
        return 0;
    }
    return cpus > 1 ? (uint64_t)cpus : 1;
}

const char *remote_backend(const struct remote *remote)
{
    return result_text(remote->client, "backend");
}

void remote_warn(const struct remote *remote)
{
    const char *version = result_text(remote->client, "environment.version");
    const char *commit = result_text(remote->client, "environment.commit");
    if (strcmp(version, ECHOPORT_VERSION) != 0 || strcmp(commit, ECHOPORT_COMMIT) != 0) {
        log_message("the client is version %s (%s), and this is %s (%s)", version, commit,
                    ECHOPORT_VERSION, ECHOPORT_COMMIT);
    }
}

void remote_free(struct remote *remote)
{
    json_decref(remote->client);
    remote->client = NULL;
}

/* Whether the client reaches that address without a network. */
static bool remote_is_loopback(const char *address)
{
    return address[0] == '\0' || strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

void remote_say(struct text *out, const json_t *document)
{
    const json_t *client = json_object_get(document, "client");
    const char *address = result_text(document, "options.server_address");
    size_t begin = out->length;
    if (client == NULL) {
        return;
    }
    text_printf(out, "The client was '%s' (%s, %.0f CPUs, backend %s)",
                result_text(document, "options.client_command"),
                result_text(client, "environment.cpu"), result_number(client, "environment.cpus"),
                result_text(client, "backend"));
    if (!remote_is_loopback(address)) {
        text_printf(out,
                    ", over the network to %s. Where neither side is busy, the network sets msg/s "
                    "and p99, and only cpu/msg tells servers apart",
                    address);
    }
    text_string(out, ".\n");
    text_wrap(out, begin, REMOTE_COLUMNS, 2);
}
