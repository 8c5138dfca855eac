#include "e2e.h"

#include <stdlib.h>
#include <string.h>

#include "sys.h"

#define REPORTS_MAX 1024

static struct {
    json_t *reports[REPORTS_MAX]; /* freed after the test */
    size_t count;
} e2e_reports;

void e2e_tear_down_reports(void)
{
    while (e2e_reports.count > 0) {
        json_decref(e2e_reports.reports[--e2e_reports.count]);
    }
}

static json_t *e2e_keep_json(json_t *json)
{
    assert_true(e2e_reports.count < REPORTS_MAX);
    e2e_reports.reports[e2e_reports.count++] = json;
    return json;
}

/* The JSON value at *text, which then points behind it. NULL at the end of the text. */
static json_t *e2e_next_json(const char **text)
{
    json_error_t error;
    *text += strspn(*text, " \r\n");
    if (**text == '\0') {
        return NULL;
    }
    size_t flags = JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK;
    json_t *json = json_loads(*text, flags, &error);
    if (json == NULL) {
        fail_msg("not JSON: %s at %d: %.200s", error.text, error.position, *text);
    }
    *text += error.position;
    return e2e_keep_json(json);
}

json_t *e2e_parse(const char *text)
{
    json_t *json = e2e_next_json(&text);
    assert_non_null(json);
    assert_null(e2e_next_json(&text));
    return json;
}

/* The reports begin after the lines of the server that say where it listens. */
static const char *e2e_json_begin(const struct process *process)
{
    const char *text = process_text(process, PROCESS_OUT);
    while (strncmp(text, "listening on ", 13) == 0) {
        const char *end = strchr(text, '\n');
        text = end == NULL ? text + strlen(text) : end + 1;
    }
    return text;
}

json_t *e2e_report(struct process *process, size_t n)
{
    const char *text = e2e_json_begin(process);
    json_t *found = NULL;
    json_t *json;
    for (size_t i = 0; (json = e2e_next_json(&text)) != NULL; i++) {
        found = i == n ? json : found;
    }
    if (found == NULL) {
        e2e_show(process);
        fail_msg("there is no report %zu", n);
    }
    return found;
}

size_t e2e_report_count(struct process *process)
{
    const char *text = e2e_json_begin(process);
    size_t count = 0;
    while (e2e_next_json(&text) != NULL) {
        count++;
    }
    return count;
}

json_t *e2e_end_report(struct process *process, int code)
{
    e2e_ends(process, code);
    return e2e_report(process, 0);
}

json_t *e2e_member(const json_t *report, const char *path)
{
    const json_t *at = report;
    const char *name = path;
    while (at != NULL && *name != '\0') {
        char part[64];
        size_t length = strcspn(name, ".");
        assert_true(length < sizeof(part));
        memcpy(part, name, length);
        part[length] = '\0';
        name += length + (name[length] == '.' ? 1 : 0);
        at = json_object_get(at, part);
    }
    if (at == NULL) {
        fail_msg("the report has no '%s'", path);
    }
    return (json_t *)(uintptr_t)at;
}

uint64_t e2e_uint(const json_t *report, const char *path)
{
    const json_t *member = e2e_member(report, path);
    if (!json_is_integer(member) || json_integer_value(member) < 0) {
        fail_msg("'%s' is no whole number", path);
    }
    return (uint64_t)json_integer_value(member);
}

double e2e_real(const json_t *report, const char *path)
{
    const json_t *member = e2e_member(report, path);
    if (!json_is_number(member)) {
        fail_msg("'%s' is no number", path);
    }
    return json_number_value(member);
}

const char *e2e_string(const json_t *report, const char *path)
{
    const json_t *member = e2e_member(report, path);
    if (!json_is_string(member)) {
        fail_msg("'%s' is no string", path);
    }
    return json_string_value(member);
}

uint64_t e2e_server_sum(struct process *server, const char *counter)
{
    const char *text = e2e_json_begin(server);
    uint64_t sum = 0;
    json_t *json;
    while ((json = e2e_next_json(&text)) != NULL) {
        sum += e2e_uint(e2e_member(json, "counters"), counter);
    }
    return sum;
}

uint64_t e2e_errors(const json_t *report, const char *operation, const char *code)
{
    const json_t *errors = e2e_member(report, "errors");
    uint64_t sum = 0;
    for (size_t i = 0; i < json_array_size(errors); i++) {
        const json_t *error = json_array_get(errors, i);
        if (strcmp(e2e_string(error, "operation"), operation) == 0 &&
            (code == NULL || strcmp(e2e_string(error, "code"), code) == 0)) {
            sum += e2e_uint(error, "count");
        }
    }
    return sum;
}

static uint64_t e2e_sum_of(const json_t *counters, const char *const *names)
{
    uint64_t sum = 0;
    while (*names != NULL) {
        sum += e2e_uint(counters, *names++);
    }
    return sum;
}

void e2e_ends_add_up(const json_t *report)
{
    static const char *const client[] = {
        "completed",  "closed_by_server", "drained", "reset_at_end", "reset",
        "cut",        "mismatches",       "lost",    "timeouts",     "end_timeouts",
        "unanswered", "failed",           NULL};
    static const char *const server[] = {"closed_by_client", "drained", "idle", "stalled",
                                         "failed",           "cut",     NULL};
    const json_t *counters = e2e_member(report, "counters");
    if (strcmp(e2e_string(report, "program"), "echo-server") == 0) {
        assert_int_equal(e2e_sum_of(counters, server), e2e_uint(counters, "accepted"));
        return;
    }
    assert_int_equal(e2e_sum_of(counters, client), e2e_uint(counters, "connected"));
}

void e2e_fails_as(const json_t *report, const char *class, uint64_t count)
{
    print_message("FAILED: %s\n", e2e_string(report, "verdict"));
    assert_int_equal(json_array_size(e2e_member(report, "failures")), 1);
    assert_int_equal(e2e_failures(report, class), count);
}

uint64_t e2e_failures(const json_t *report, const char *class)
{
    const json_t *failures = e2e_member(report, "failures");
    uint64_t count = 0;
    for (size_t i = 0; i < json_array_size(failures); i++) {
        const json_t *failure = json_array_get(failures, i);
        if (i == 0) {
            assert_string_equal(e2e_string(report, "verdict"), e2e_string(failure, "text"));
        }
        if (strcmp(e2e_string(failure, "class"), class) == 0) {
            count += e2e_uint(failure, "count");
        }
    }
    assert_int_equal(json_is_true(e2e_member(report, "ok")), json_array_size(failures) == 0);
    return count;
}

void e2e_succeeds(const json_t *report)
{
    assert_true(json_is_true(e2e_member(report, "ok")));
    assert_string_equal(e2e_string(report, "verdict"), "OK");
    assert_int_equal(json_array_size(e2e_member(report, "failures")), 0);
}

uint64_t e2e_ends_drained(const struct e2e_server *server, uint64_t connections)
{
    int code = process_wait(server->process, PATIENCE_MS);
    const json_t *report = e2e_report(server->process, 0);
    uint64_t cut = e2e_uint(report, "counters.cut");
    assert_int_equal(code, cut > 0 ? 1 : 0);
    assert_true(e2e_uint(report, "counters.drained") + cut >= connections);
    e2e_ends_add_up(report);
    return cut;
}

void e2e_server_ends(const struct e2e_server *server)
{
    e2e_signal(server->process, SIGTERM);
    e2e_ends(server->process, 0);
}

void e2e_server_ends_without_resets(const struct e2e_server *server)
{
    bool cuts = sys_is_wine() && !sys_is_wine_before(10);
    e2e_signal(server->process, SIGTERM);
    int code = process_wait(server->process, PATIENCE_MS);
    assert_true(code == 0 || (cuts && code == 1));
}

void e2e_books_agree(const struct e2e_server *server, struct process *client)
{
    const json_t *report = e2e_report(client, 0);
    uint64_t sent = e2e_uint(report, "counters.sent");
    assert_true(sent > 0);
    assert_int_equal(e2e_uint(report, "counters.verified"), sent);
    e2e_server_ends(server);
    assert_int_equal(e2e_server_sum(server->process, "received"), sent);
    assert_int_equal(e2e_server_sum(server->process, "sent"), sent);
    assert_int_equal(e2e_server_sum(server->process, "discarded"), 0);
}

void e2e_echoes_large_messages(const struct e2e_server *server, const char *requests)
{
    struct process *client = e2e_client(server, "-s", "64KiB", "--requests", requests, NULL);
    e2e_ends(client, 0);
    e2e_books_agree(server, client);
    assert_true(json_is_true(e2e_member(e2e_report(client, 0), "nodelay")));
    assert_true(json_is_true(e2e_member(e2e_report(server->process, 0), "options.nodelay")));
}
