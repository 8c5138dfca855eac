/*
 * Hostile connections beside an ordinary load: each mode does to our server what it says, the
 * ordinary connections are not harmed, and the run and the server end well.
 */

#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the client says ------------------------------------------------------------------ */

/* The end of a line of a report that may be continued, with an indent. */
static const char *end_of(const char *line)
{
    do {
        line += strcspn(line, "\n");
        line += *line == '\n';
    } while (strncmp(line, "    ", 4) == 0);
    return line;
}

/* Whether the last line that begins so, in a report so far, has the word after that. */
static bool last_line_has(struct process *client, const char *begin, const char *word)
{
    const char *line = NULL;
    const char *at = process_text(client, PROCESS_ERR);
    while ((at = strstr(at, begin)) != NULL) {
        at += strlen(begin);
        line = at;
    }
    const char *found = line != NULL ? strstr(line, word) : NULL;
    return found != NULL && found < end_of(line);
}

/* Asks for the n-th report so far. --details adds its last line. */
static void ask(struct process *client, size_t n)
{
    e2e_ask_report(e2e_client_path, client);
    char *line = process_line(client, PROCESS_ERR, "  cpu          ", n, PATIENCE_MS);
    assert_non_null(line);
    free(line);
}

/* Connections, and what a report says when they have done it. */
struct expected {
    const char *hostile;
    const char *event; /* a word, since lines are broken between words */
    bool closed;       /* the server ends them */
    bool silent;       /* they send nothing */
    bool deaf;         /* they read nothing */
};

static bool has_happened(struct process *client, const struct expected *expected)
{
    char begin[64];
    (void)snprintf(begin, sizeof(begin), "  hostile      %s: ", expected->hostile);
    return last_line_has(client, begin, expected->event);
}

/* Waits for the events of all. */
static void await_events(struct process *client, const struct expected *expected, size_t count)
{
    uint64_t begin_ms = e2e_now_ms();
    size_t happened = 0;
    for (size_t n = 0; happened < count; n++) {
        ask(client, n);
        while (happened < count && has_happened(client, &expected[happened])) {
            happened++;
        }
        if (e2e_now_ms() - begin_ms >= PATIENCE_MS) {
            e2e_show(client);
            fail_msg("%s: it never said '%s'", expected[happened].hostile,
                     expected[happened].event);
        }
    }
}

/* ---- what the report says ------------------------------------------------------------------ */

/* The n-th group of a client's report. */
static const json_t *group_of(const json_t *report, size_t n)
{
    return json_array_get(e2e_member(report, "hostile"), n);
}

/* Every connection has one end, and the server held it for a time or the client left it. */
static void group_adds_up(const json_t *group)
{
    uint64_t held = e2e_uint(group, "closed_by_server") + e2e_uint(group, "reset_by_server") +
                    e2e_uint(group, "failed") + e2e_uint(group, "held");
    assert_int_equal(held + e2e_uint(group, "reset_by_client"), e2e_uint(group, "opened"));
    assert_true(json_is_null(e2e_member(group, "held_ns.max")) == (held == 0));
    assert_true(e2e_uint(group, "bytes_received") <= e2e_uint(group, "bytes_sent"));
    assert_int_equal(e2e_uint(group, "connect_failures"), 0);
    assert_int_equal(e2e_uint(group, "unsupported"), 0);
}

/* The messages of both parts are those of the whole. */
static void effect_adds_up(const json_t *report)
{
    assert_int_equal(e2e_uint(report, "hostile_effect.before.messages") +
                         e2e_uint(report, "hostile_effect.beside.messages"),
                     e2e_uint(report, "latency_ns.count"));
}

static void group_is(const json_t *group, const struct expected *expected)
{
    group_adds_up(group);
    assert_true(e2e_uint(group, "opened") > 0);
    assert_int_equal(e2e_uint(group, "reset_by_server") + e2e_uint(group, "failed"), 0);
    assert_true((e2e_uint(group, "closed_by_server") > 0) == expected->closed);
    assert_true(!expected->silent || e2e_uint(group, "bytes_sent") == 0);
    assert_true(!expected->deaf || e2e_uint(group, "bytes_received") == 0);
}

/* ---- tests --------------------------------------------------------------------------------- */

enum { SILENT, RESET, HALF_CLOSE, SLOW_READ, BYTES, MIDWAY, NEVER_READ, STORM, URGENT, MODES };

/* All at once. The run lasts until each has done what it is there for. */
static void each_mode_does_what_it_says(void **state)
{
    static const struct expected expected[MODES] = {
        [SILENT] = {"silent:2", "2 opened", .silent = true},
        [RESET] = {"reset:2", "client", .closed = false},
        [HALF_CLOSE] = {"half-close:2", "closed", .closed = true},
        [SLOW_READ] = {"slow-read:1KiB:2", "answered", .closed = false},
        [BYTES] = {"byte-by-byte:2", "answered", .closed = false},
        [MIDWAY] = {"stop-midway:2", "answered", .closed = false},
        [NEVER_READ] = {"never-read:2", "2 opened", .deaf = true},
        [STORM] = {"storm:50:2", "client", .silent = true},
        [URGENT] = {"urgent:2", "urgent", .closed = false},
    };
    const char *options[MODES];
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--idle-timeout", E2E_NEVER, "--stats-interval", "20ms", NULL);
    for (size_t i = 0; i < MODES; i++) {
        options[i] = e2e_text("--hostile=%s", expected[i].hostile);
    }
    struct process *client = e2e_client(
        &server, "-c", "4", "-s", "64", "--details", "--hostile-from", "20ms", options[SILENT],
        options[RESET], options[HALF_CLOSE], options[SLOW_READ], options[BYTES], options[MIDWAY],
        options[NEVER_READ], options[STORM], options[URGENT], NULL);
    e2e_sees_open(&server, 4);
    await_events(client, expected, MODES);
    e2e_signal(client, SIGINT);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    effect_adds_up(report);
    for (size_t i = 0; i < MODES; i++) {
        group_is(group_of(report, i), &expected[i]);
    }
    assert_true(e2e_uint(group_of(report, HALF_CLOSE), "bytes_received") >=
                e2e_uint(group_of(report, HALF_CLOSE), "closed_by_server") * 4096);
    assert_true(e2e_uint(group_of(report, SLOW_READ), "bytes_received") <
                e2e_uint(group_of(report, SLOW_READ), "bytes_sent"));
    assert_true(e2e_uint(group_of(report, MIDWAY), "bytes_sent") <= (uint64_t)2 * 2048);
    e2e_server_ends_without_resets(&server);
}

/* The server closes what is silent. The client connects again. On a busy machine the server may
 * find the ordinary connection idle as well, so the verdict is not judged. */
static void the_server_s_end_is_seen(void **state)
{
    static const struct expected expected = {.hostile = "silent:2", .event = "server"};
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--idle-timeout", "50ms", "--stats-interval", "20ms", NULL);
    struct process *client = e2e_client(&server, "-s", "64", "--details", "--hostile-from=0",
                                        "--hostile=silent:2", NULL);
    e2e_sees_open(&server, 1);
    await_events(client, &expected, 1);
    e2e_signal(client, SIGINT);
    assert_int_not_equal(process_wait(client, PATIENCE_MS), PROCESS_LATE);
    const json_t *report = e2e_report(client, 0);
    group_adds_up(group_of(report, 0));
    assert_int_equal(e2e_uint(report, "hostile_effect.before.messages"), 0);
    e2e_server_ends(&server);
}

/* They end with the last ordinary message, although the run has no other end. */
static void the_run_ends_without_them(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-s", "64", "--requests=100", "--hostile=silent:2",
                                        "--hostile=never-read:2", "--hostile-from=0", NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_int_equal(json_array_size(e2e_member(report, "hostile")), 2);
    effect_adds_up(report);
    e2e_server_ends_without_resets(&server);
}

/* The run may end before they begin. */
static void the_run_ends_before_them(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--stats-interval", "20ms", NULL);
    struct process *client = e2e_client(&server, "-s", "64", "--details", "--hostile=silent:2",
                                        "--hostile-from=1h", NULL);
    e2e_sees_open(&server, 1);
    ask(client, 0);
    e2e_says(client, PROCESS_ERR, "hostile      none: the run has not reached --hostile-from");
    e2e_signal(client, SIGINT);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_int_equal(e2e_uint(group_of(report, 0), "opened"), 0);
    e2e_server_ends(&server);
}

/* With no server at all the ordinary failure is reported, and nothing hangs. */
static void without_a_server_the_run_fails(void **state)
{
    (void)state;
    struct process *client =
        e2e_client_at(e2e_free_port(), "-d", "1h", "--hostile=silent:2", "--hostile-from=0", NULL);
    const json_t *report = e2e_end_report(client, 1);
    assert_int_equal(e2e_uint(group_of(report, 0), "opened"), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(each_mode_does_what_it_says),    E2E(the_server_s_end_is_seen),
        E2E(the_run_ends_without_them),      E2E(the_run_ends_before_them),
        E2E(without_a_server_the_run_fails),
    };
    return e2e_run(argc, argv, tests);
}
