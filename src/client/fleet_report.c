#include "fleet_report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "units.h"

/* Puts it behind those that are as serious. */
static void fleet_add_failure(struct verdict *verdict, const struct verdict_failure *failure)
{
    size_t at = verdict->count++;
    assert(at < VERDICT_FAILURES_MAX);
    for (; at > 0 && verdict->failures[at - 1].class > failure->class; at--) {
        verdict->failures[at] = verdict->failures[at - 1];
    }
    verdict->failures[at] = *failure;
    verdict->ok = false;
}

void fleet_judge(const struct fleet_report *fleet, struct verdict *verdict)
{
    const struct fleet_server *server = fleet->server;
    if (server != NULL && server->balance == FLEET_UNBALANCED) {
        struct verdict_failure failure = {.class = VERDICT_BOOKS, .count = 1};
        (void)snprintf(failure.text, sizeof(failure.text), "%s", server->reason);
        fleet_add_failure(verdict, &failure);
    }
    for (size_t i = 0; i < fleet->failures.count; i++) {
        fleet_add_failure(verdict, &fleet->failures.failures[i]);
    }
}

/* ---- text ---------------------------------------------------------------------------------- */

static char *fleet_seconds(char *text, size_t size, double seconds)
{
    return units_format_duration(text, size, (uint64_t)llround(seconds * 1e9));
}

static void fleet_server_text(const struct fleet_server *server, struct text *out)
{
    static const char *const balances[] = {
        [FLEET_BALANCED] = "the books balance",
        [FLEET_BOUNDED] = "the books agree as far as connections that were reset allow",
        [FLEET_UNBALANCED] = "the books do NOT balance"};
    char received[UNITS_TEXT_SIZE];
    char sent[UNITS_TEXT_SIZE];
    text_printf(out, "  server       received %s, sent back %s; %s\n",
                units_format_bytes(received, sizeof(received), (double)server->received),
                units_format_bytes(sent, sizeof(sent), (double)server->sent),
                balances[server->balance]);
}

void fleet_text(const struct fleet_report *fleet, struct text *out)
{
    char spread[UNITS_TEXT_SIZE];
    if (fleet == NULL) {
        return;
    }
    text_printf(out, "  fleet        %s on %s", units_counted(fleet->count, "client").text,
                units_counted(fleet->hosts, "host").text);
    (void)fleet_seconds(spread, sizeof(spread), fleet->spread);
    if (fleet->count > 1) {
        text_printf(out, ", started %s%s apart by their clocks%s, ",
                    fleet->barrier ? "by the barrier (" : "", spread, fleet->barrier ? ")" : "");
        text_printf(out, "measured together for %.2f of %.2f s", fleet->together, fleet->seconds);
    }
    text_printf(out, "\n");
    if (fleet->server != NULL) {
        fleet_server_text(fleet->server, out);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void fleet_client_json(const struct fleet_client *client, struct json *json)
{
    bool answered = client->answers > 0;
    json_object(json, NULL);
    json_uint(json, "rank", client->rank);
    json_string(json, "host", client->host);
    json_string(json, "file", client->file);
    json_bool(json, "ok", client->ok);
    json_string(json, "verdict", client->verdict);
    json_double(json, "started_unix", client->started_unix);
    json_double(json, "ended_unix", client->ended_unix);
    json_double(json, "first_message_unix", client->first_message_unix);
    json_uint(json, "messages", client->messages);
    json_double(json, "messages_per_second", client->messages_per_second);
    json_uint_if(json, "p50", answered, client->p50_ns);
    json_uint_if(json, "p99", answered, client->p99_ns);
    json_uint_if(json, "max", answered, client->max_ns);
    report_json_environment_of(json, &client->environment);
    json_end_object(json);
}

static void fleet_server_json(const struct fleet_server *server, struct json *json)
{
    static const char *const balances[] = {
        [FLEET_BALANCED] = "exact", [FLEET_BOUNDED] = "bounds", [FLEET_UNBALANCED] = "failed"};
    json_object(json, "server");
    json_uint(json, "generations", server->generations);
    json_uint(json, "accepted", server->accepted);
    json_uint(json, "received", server->received);
    json_uint(json, "sent", server->sent);
    json_uint(json, "discarded", server->discarded);
    json_string(json, "books", balances[server->balance]);
    json_end_object(json);
}

void fleet_json(const struct fleet_report *fleet, struct json *json)
{
    if (fleet == NULL) {
        json_null(json, "clients");
        json_null(json, "fleet");
        json_null(json, "server");
        return;
    }
    json_array(json, "clients");
    for (size_t i = 0; i < fleet->count; i++) {
        fleet_client_json(&fleet->clients[i], json);
    }
    json_end_array(json);
    json_object(json, "fleet");
    json_uint(json, "hosts", fleet->hosts);
    json_string(json, "start", fleet->barrier ? "barrier" : "clocks");
    json_double(json, "spread_seconds", fleet->spread);
    json_double(json, "together_seconds", fleet->together);
    json_end_object(json);
    if (fleet->server != NULL) {
        fleet_server_json(fleet->server, json);
    } else {
        json_null(json, "server");
    }
}
