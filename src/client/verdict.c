#include "verdict.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "units.h"

/* ---- texts --------------------------------------------------------------------------------- */

/* ": connection refused", or nothing. */
static const char *verdict_reason(char *text, size_t size, int code)
{
    (void)snprintf(text, size, "%s%s", code == 0 ? "" : ": ", code == 0 ? "" : uv_strerror(code));
    return text;
}

#define VERDICT_REASON 80

static void say_wrong_data(const struct verdict_run *run, uint64_t count, char *text)
{
    (void)run;
    (void)snprintf(text, VERDICT_TEXT, "%s brought wrong data",
                   units_counted(count, "connection").text);
}

static void say_lost(const struct verdict_run *run, uint64_t count, char *text)
{
    const struct client_counters *n = &run->stats->counters;
    (void)snprintf(
        text, VERDICT_TEXT, "%s lost: closed or reset by the server with %s unanswered, %s",
        units_counted(count, "connection").text, units_counted(n->lost_messages, "message").text,
        units_counted(n->lost_bytes, "byte").text);
}

static void say_timeout(const struct verdict_run *run, uint64_t count, char *text)
{
    char timeout[UNITS_TEXT_SIZE];
    (void)snprintf(text, VERDICT_TEXT, "no answer for %s on %s",
                   units_exact_duration(timeout, sizeof(timeout), run->timeout_ns),
                   units_counted(count, "connection").text);
}

static void say_end_timeout(const struct verdict_run *run, uint64_t count, char *text)
{
    char timeout[UNITS_TEXT_SIZE];
    (void)snprintf(text, VERDICT_TEXT, "%s not ended by the server for %s after the client's end",
                   units_counted(count, "connection").text,
                   units_exact_duration(timeout, sizeof(timeout), run->timeout_ns));
}

static void say_unanswered(const struct verdict_run *run, uint64_t count, char *text)
{
    (void)run;
    (void)snprintf(text, VERDICT_TEXT, "%s cut by the end of the run with messages unanswered",
                   units_counted(count, "connection").text);
}

static void say_failed(const struct verdict_run *run, uint64_t count, char *text)
{
    char reason[VERDICT_REASON];
    (void)snprintf(text, VERDICT_TEXT, "%s broke%s", units_counted(count, "connection").text,
                   verdict_reason(reason, sizeof(reason), run->stats->failed_error));
}

static void say_silent(const struct verdict_run *run, uint64_t count, char *text)
{
    (void)run;
    (void)snprintf(text, VERDICT_TEXT, "no message was answered; %s drained",
                   units_counted(count, "connection").text);
}

static void say_gave_up(const struct verdict_run *run, uint64_t count, char *text)
{
    char time[UNITS_TEXT_SIZE];
    (void)count;
    (void)snprintf(text, VERDICT_TEXT, "gave up: not a byte was verified for %s",
                   units_exact_duration(time, sizeof(time), run->give_up_ns));
}

static void say_not_up(const struct verdict_run *run, uint64_t count, char *text)
{
    char up[UNITS_TEXT_SIZE];
    char reason[VERDICT_REASON];
    (void)snprintf(text, VERDICT_TEXT, "%s of %s up%s",
                   units_format_grouped(up, sizeof(up), run->connections - count),
                   units_counted(run->connections, "connection").text,
                   verdict_reason(reason, sizeof(reason), run->stats->not_up_reason));
}

static void say_connect(const struct verdict_run *run, uint64_t count, char *text)
{
    char time[UNITS_TEXT_SIZE];
    char reason[VERDICT_REASON];
    int used = snprintf(text, VERDICT_TEXT, "%s failed%s", units_counted(count, "connect").text,
                        verdict_reason(reason, sizeof(reason), run->stats->connect_error));
    if (run->stats->down_ns > 0 && used > 0 && used < VERDICT_TEXT) {
        (void)snprintf(text + used, VERDICT_TEXT - (size_t)used, "; %s without a connection",
                       units_format_duration(time, sizeof(time), run->stats->down_ns));
    }
}

/* The rate at which messages of the schedule really began. */
static double verdict_real_rate(const struct verdict_run *run)
{
    double begun = (double)run->stats->begun;
    double due = begun + (double)run->stats->unsent;
    return due > 0 ? run->rate * begun / due : 0;
}

static void say_rate(const struct verdict_run *run, uint64_t count, char *text)
{
    char real[UNITS_TEXT_SIZE];
    char wanted[UNITS_TEXT_SIZE];
    (void)count;
    (void)snprintf(text, VERDICT_TEXT, "rate not reached: %s of %s; the %s was late",
                   units_format_rate(real, sizeof(real), verdict_real_rate(run)),
                   units_format_rate(wanted, sizeof(wanted), run->rate), verdict_late_side(run));
}

/* ---- counts -------------------------------------------------------------------------------- */

/* --allow-drain excuses drained messages, but not a run without a single answer. */
static uint64_t count_silent(const struct verdict_run *run)
{
    const struct client_counters *n = &run->stats->counters;
    return n->messages == 0 ? n->drained : 0;
}

static uint64_t count_gave_up(const struct verdict_run *run)
{
    return run->stats->gave_up ? 1 : 0;
}

static uint64_t count_not_up(const struct verdict_run *run)
{
    return run->stats->not_up;
}

/* Unsent messages are a failure if they are more than 1 % of the schedule and more than one for
 * each connection. The end of the run may leave one waiting on each. */
static uint64_t count_rate(const struct verdict_run *run)
{
    uint64_t unsent = run->stats->unsent;
    uint64_t due = run->stats->begun + unsent;
    return run->rate > 0 && unsent > due / 100 && unsent > run->connections ? unsent : 0;
}

const char *verdict_late_side(const struct verdict_run *run)
{
    if (count_rate(run) == 0) {
        return NULL;
    }
    return run->stats->blocked >= run->stats->late ? "server" : "client";
}

/* ---- the table ----------------------------------------------------------------------------- */

/* A row has a counter, or a function that counts. */
struct verdict_case {
    struct verdict_row row;
    size_t offset; /* of the counter */
    uint64_t (*count)(const struct verdict_run *run);
    void (*say)(const struct verdict_run *run, uint64_t count, char *text);
};

#define COUNTED(name) .row.counter = #name, .offset = offsetof(struct client_counters, name)
#define FAILS(kind, words, maker) .row.class = VERDICT_##kind, .row.what = (words), .say = (maker)
#define FINE(words) .row.class = VERDICT_NONE, .row.what = (words)

/* The most serious first, as in the enum. */
static const struct verdict_case verdict_table[] = {
    {COUNTED(mismatches),
     FAILS(WRONG_DATA, "a wrong byte came back, or one that was not sent", say_wrong_data)},
    {COUNTED(lost),
     FAILS(LOST,
           "the server closed or reset the connection with messages outstanding, before the client "
           "had shut down its side",
           say_lost)},
    {COUNTED(timeouts),
     FAILS(TIMEOUT, "an answer was awaited, and no byte moved in either direction for `--timeout`",
           say_timeout)},
    {COUNTED(end_timeouts),
     FAILS(TIMEOUT, "the server did not end its side for `--timeout` after the client had",
           say_end_timeout)},
    {COUNTED(unanswered),
     FAILS(UNANSWERED,
           "the connection was cut at the end of the run (`--drain-timeout`, a second Ctrl-C, "
           "`--give-up`) with messages outstanding",
           say_unanswered)},
    {COUNTED(failed),
     FAILS(FAILED,
           "the connection broke with nothing outstanding, before the client had shut down its "
           "side; or the client's machine ran out of a resource",
           say_failed)},
    {.count = count_silent,
     FAILS(SILENT, "with `--allow-drain`, connections were drained and no message was answered",
           say_silent)},
    {.count = count_gave_up,
     FAILS(GAVE_UP, "answers or connections were awaited for `--give-up` and no byte was verified",
           say_gave_up)},
    {.count = count_not_up,
     FAILS(NOT_UP, "one of the `--connections` never came up in the whole run", say_not_up)},
    {COUNTED(connect_failures),
     FAILS(CONNECT, "a connect failed at every address, though a later one may have succeeded",
           say_connect)},
    {.count = count_rate,
     FAILS(RATE,
           "more than 1 % of the schedule (`--rate`), and more than one message for each "
           "connection, was never sent",
           say_rate)},
    {COUNTED(completed), FINE("every message was answered, and both sides ended the connection")},
    {COUNTED(closed_by_server), FINE("the server ended the connection with nothing outstanding")},
    {COUNTED(drained),
     FINE("with `--allow-drain`, the server ended the connection with messages outstanding")},
    {COUNTED(reset_at_end),
     FINE("the connection broke after everything was answered and the client had shut down its "
          "side")},
    {COUNTED(reset),
     FINE("with `--close=rst`, the client reset the connection after every message of "
          "`--lifetime` was answered")},
    {COUNTED(cut), FINE("the connection was cut at the end of the run with nothing outstanding")},
    {COUNTED(abandoned), FINE("a connect was under way at the end of the run")},
};

#define VERDICT_ROWS LENGTH(verdict_table)

static uint64_t verdict_counter(const struct verdict_case *row,
                                const struct client_counters *counters)
{
    uint64_t count;
    memcpy(&count, (const char *)counters + row->offset, sizeof(count));
    return count;
}

static uint64_t verdict_count(const struct verdict_case *row, const struct verdict_run *run)
{
    return row->count != NULL ? row->count(run) : verdict_counter(row, &run->stats->counters);
}

void verdict_judge(const struct verdict_run *run, struct verdict *verdict)
{
    *verdict = (struct verdict){.ok = true};
    for (size_t i = 0; i < VERDICT_ROWS; i++) {
        const struct verdict_case *row = &verdict_table[i];
        bool open = run->so_far && row->row.counter == NULL; /* judged only at the end */
        uint64_t count = open ? 0 : verdict_count(row, run);
        if (row->row.class == VERDICT_NONE || count == 0) {
            continue;
        }
        assert(verdict->count < VERDICT_ROWS_MAX);
        struct verdict_failure *failure = &verdict->failures[verdict->count++];
        failure->class = row->row.class;
        failure->count = count;
        row->say(run, count, failure->text);
        verdict->ok = false;
    }
}

const char *verdict_text(const struct verdict *verdict)
{
    return verdict->ok ? "OK" : verdict->failures[0].text;
}

const char *verdict_class_name(enum verdict_class class)
{
    static const char *const names[VERDICT_CLASSES] = {
        "wrong_data", "lost",   "timeout", "unanswered", "failed", "silent",
        "gave_up",    "not_up", "connect", "rate",       "books",  "none"};
    assert(class < VERDICT_CLASSES);
    return names[class];
}

uint64_t verdict_failures_so_far(const struct client_counters *counters)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < VERDICT_ROWS; i++) {
        const struct verdict_case *row = &verdict_table[i];
        if (row->row.class != VERDICT_NONE && row->row.counter != NULL) {
            sum += verdict_counter(row, counters);
        }
    }
    return sum;
}

size_t verdict_row_count(void)
{
    return VERDICT_ROWS;
}

struct verdict_row verdict_row(size_t i)
{
    assert(i < VERDICT_ROWS);
    return verdict_table[i].row;
}
