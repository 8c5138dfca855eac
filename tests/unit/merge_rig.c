#include "merge_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "log.h"
#include "random.h"
#include "report_rig.h"
#include "units.h"

#define BEGAN_NS (UINT64_C(1795944171) * NS_PER_S)

struct rig_rank *rig_ranks[RIG_RANKS_MAX];

static char names[RIG_RANKS_MAX][512];
static FILE *messages;
static char message_text[20000];
static uint64_t state_of_random;

static uint64_t random_ns(void)
{
    return random_next(&state_of_random) >> (24 + random_next(&state_of_random) % 30);
}

static void on_interval(void *context, const struct interval *interval)
{
    (void)context;
    (void)interval;
}

/* ---- results ------------------------------------------------------------------------------- */

static void fill_counters(struct rig_rank *rank, uint64_t number)
{
    (void)rig_fill(&stats_client_list, &rank->stats.counters, number);
    (void)rig_fill(&stats_figure_list, &rank->stats, number + 100);
    rank->stats.not_up = 0;
    rank->stats.unsent = 1;
    struct client_counters *n = &rank->stats.counters;
    n->connect_failures = n->mismatches = n->lost = n->timeouts = n->end_timeouts = 0;
    n->unanswered = n->failed = 0;
    stats_error_count(&rank->stats.errors, STATS_CONNECT, UV_ECONNREFUSED);
    stats_error_count(&rank->stats.errors, STATS_RECV, UV_ECONNRESET);
    rank->stats.connect_error = UV_ECONNREFUSED;
    for (size_t i = 0; i < RIG_WORKERS; i++) {
        rig_fill_io(&rank->workers[i].work.io, number + 200 + 50 * i);
        rank->workers[i].work.cpu_ns = number * NS_PER_MS;
        rank->workers[i].cpu = -1;
    }
}

/* Ten intervals of a second with 50 messages each. */
static void fill_latencies(struct rig_rank *rank)
{
    assert_true(
        intervals_init(&rank->intervals, NS_PER_S, &rank->options.percentile, on_interval, NULL));
    intervals_keep_buckets(&rank->intervals);
    intervals_begin(&rank->intervals, rank->began_unix_ns);
    struct slice *slice = slice_make();
    assert_non_null(slice);
    for (uint64_t i = 0; i < 100; i++) {
        slice_clear(slice);
        slice->first = slice->index = i;
        slice->from_ns = i * SLICE_NS;
        slice->until_ns = slice->from_ns + SLICE_NS;
        slice->phase = SLICE_MEASURED;
        slice->messages = 5;
        slice->bytes = 320;
        slice->up = 2;
        for (size_t j = 0; j < 5; j++) {
            histogram_record(&slice->latency, random_ns());
            histogram_record(&rank->stats.since_sent, random_ns());
            histogram_record(&rank->stats.lateness, random_ns() / 1000);
        }
        histogram_merge(&rank->stats.latency, &slice->latency);
        intervals_on_slice(&rank->intervals, slice);
    }
    free(slice);
    histogram_record(&rank->stats.fairness, 240 + random_next(&state_of_random) % 20);
    histogram_record(&rank->stats.fairness, 250);
    rank->stats.measured_messages = 500;
    rank->stats.measured_bytes = 32000;
}

/* ---- clients ------------------------------------------------------------------------------- */

static void parse(struct rig_rank *rank, size_t number, size_t count)
{
    char *argv[40];
    int argc = 0;
    struct option_error error;
    (void)snprintf(
        rank->words, sizeof(rank->words),
        "echo-client 10.0.0.1:6001 --share %zu/%zu -c %zu -t %d -s 64..128 -R 200 -d 10s "
        "--seed 7 -i 1s --fail-if max>1h --busy-poll 1ms --percentiles 0,50,99,100",
        number, count, 2 * count, RIG_WORKERS);
    for (char *at = rank->words; at != NULL;) {
        argv[argc++] = at;
        at = strchr(at, ' ');
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    assert_int_equal(client_options_parse(&rank->options, argc, argv, &error), 0);
}

void rig_make(size_t count)
{
    assert_true(count <= RIG_RANKS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct rig_rank *rank = calloc(1, sizeof(*rank));
        assert_non_null(rank);
        rig_ranks[i] = rank;
        parse(rank, i, count);
        client_stats_init(&rank->stats);
        rank->began_unix_ns = BEGAN_NS + i * NS_PER_MS;
        rank->until_ns = 10 * NS_PER_S;
        fill_counters(rank, 1000 * (i + 1));
        fill_latencies(rank);
        rig_compose(i);
    }
}

void rig_compose(size_t number)
{
    struct rig_rank *rank = rig_ranks[number];
    struct text text = {0};
    struct json json;
    const struct trust trust = {.busy_share_max = 0.5, .wait_ns = 1000, .steal_ns = TRUST_UNKNOWN};
    struct until until;
    until_init(&until, NULL);
    const struct client_report report = {
        .options = &rank->options,
        .backend = report_backend_of(&rig_backend, 1),
        .process = {NS_PER_S, 2 * NS_PER_S, 1 << 20},
        .address = "10.0.0.1:6001",
        .seed = 7,
        .seconds = (double)(rank->until_ns - rank->from_ns) / 1e9,
        .began_unix_ns = rank->began_unix_ns,
        .ended_unix_ns = rank->began_unix_ns + rank->until_ns,
        .first_message_unix_ns = rank->began_unix_ns + NS_PER_MS,
        .measured_from_ns = rank->from_ns,
        .measured_until_ns = rank->until_ns,
        .intervals = &rank->intervals,
        .stats = &rank->stats,
        .workers = rank->workers,
        .worker_count = RIG_WORKERS,
        .trust = &trust,
        .until = &until,
    };
    json_begin(&json, &text);
    json_object(&json, NULL);
    client_report_json_members(&report, &json);
    json_null(&json, "find_rate");
    json_end_object(&json);
    assert_false(text.failed);
    free(rank->text);
    rank->text = text.data;
}

void rig_edit(size_t number, const char *from, const char *to)
{
    struct rig_rank *rank = rig_ranks[number];
    char *at = strstr(rank->text, from);
    if (at == NULL) {
        fail_msg("no '%s' in the report", from);
    }
    size_t size = strlen(rank->text) - strlen(from) + strlen(to) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    (void)snprintf(text, size, "%.*s%s%s", (int)(at - rank->text), rank->text, to,
                   at + strlen(from));
    free(rank->text);
    rank->text = text;
}

char *rig_file(size_t number)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "c%zu.json", number);
    folder_add(name, rig_ranks[number]->text);
    (void)snprintf(names[number], sizeof(names[number]), "%s", folder_path(name));
    return names[number];
}

/* ---- life ---------------------------------------------------------------------------------- */

int rig_merge_set_up(void **state)
{
    static bool set_up;
    state_of_random = 88172645463325252;
    if (!set_up) {
        log_setup("echo-client", false);
        set_up = true;
    }
    messages = tmpfile();
    log_redirect(messages);
    return messages == NULL ? -1 : folder_set_up(state);
}

const char *rig_messages(void)
{
    rewind(messages);
    size_t length = fread(message_text, 1, sizeof(message_text) - 1, messages);
    message_text[length] = '\0';
    return message_text;
}

int rig_merge_tear_down(void **state)
{
    log_redirect(NULL);
    (void)fclose(messages);
    for (size_t i = 0; i < RIG_RANKS_MAX && rig_ranks[i] != NULL; i++) {
        intervals_free(&rig_ranks[i]->intervals);
        client_options_free(&rig_ranks[i]->options);
        free(rig_ranks[i]->text);
        free(rig_ranks[i]);
        rig_ranks[i] = NULL;
    }
    return folder_tear_down(state);
}
