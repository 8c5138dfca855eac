#include "rank.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client_report.h"

/* Ends in the year 2100. */
#define RANK_UNIX_MAX 4102444800.0

/* Seconds of a run. */
#define RANK_SECONDS_MAX (3650.0 * 86400)

/* ---- what it is ---------------------------------------------------------------------------- */

/* Whether it is the report of a client. Says what else it is. */
static bool rank_is_report(const struct part *root)
{
    const char *type = part_has(root, "type") ? part_member_text(root, "type") : "report";
    const char *program = part_has(root, "program") ? part_member_text(root, "program") : "";
    if (strcmp(type, "report") != 0) {
        part_fail(root, "it begins with a line '%s' of --json-stream; give the file of --json",
                  type);
    } else if (strcmp(program, "echo-server") == 0) {
        part_fail(root, "it is a report of echo-server; give it by --server");
    } else if (strcmp(program, "echo-client") != 0) {
        part_fail(root, "it is no report of echo-client");
    } else if (part_member_count(root, "format", INT64_MAX) != CLIENT_REPORT_FORMAT) {
        part_fail(root, "its format is %" PRIu64 ", and this echo-client reads %d",
                  part_member_count(root, "format", INT64_MAX), CLIENT_REPORT_FORMAT);
    }
    return root->file->error[0] == '\0';
}

/* ---- --share ------------------------------------------------------------------------------- */

static enum rank_start rank_read_start(const struct part *share)
{
    static const char *const names[] = {"own", "start_at", "barrier"};
    struct part start = part_member(share, "start");
    const char *name = part_text(&start);
    for (int i = 0; i < (int)LENGTH(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum rank_start)i;
        }
    }
    part_fail(&start, "it takes own, start_at or barrier");
    return RANK_OWN;
}

/* False: it has none, which has been reported. */
static bool rank_read_share(struct rank *rank, const struct part *root)
{
    struct part share = part_member(root, "share");
    struct client_whole *whole = &rank->whole;
    if (part_is_null(&share)) {
        bool merged = part_has(root, "clients") && part_has(root, "server");
        struct part clients = merged ? part_member(root, "clients") : (struct part){0};
        part_fail(root, "%s",
                  merged && !part_is_null(&clients)
                      ? "it is the result of a merge; give the reports of all clients"
                      : "its client was not started with --share");
        return false;
    }
    rank->share.ranks = part_member_count(&share, "ranks", SHARE_RANKS_MAX);
    rank->share.rank = part_member_count(&share, "rank", SHARE_RANKS_MAX);
    rank->host = part_member_text(&share, "host");
    rank->start = rank_read_start(&share);
    rank->run_id = part_member_count_if(&share, "run_id", INT64_MAX);
    whole->connections = part_member_count(&share, "connections", RANK_COUNT_MAX);
    whole->rate = part_member_number(&share, "rate", 0, 1e15);
    whole->connect_rate = part_member_number(&share, "connect_rate", 0, 1e15);
    whole->bandwidth = part_member_count(&share, "bandwidth", RANK_COUNT_MAX);
    whole->requests = part_member_count(&share, "requests", RANK_COUNT_MAX);
    if (rank->share.rank >= rank->share.ranks) {
        part_fail(&share, "`rank` is not below `ranks`");
    }
    return true;
}

/* ---- times --------------------------------------------------------------------------------- */

static void rank_read_times(struct rank *rank, const struct part *root)
{
    struct part measured = part_member(root, "measured");
    rank->started_unix = part_member_number(root, "started_unix", 0, RANK_UNIX_MAX);
    rank->ended_unix = part_member_number(root, "ended_unix", 0, RANK_UNIX_MAX);
    rank->first_message_unix = part_member_number_if(root, "first_message_unix", 0, RANK_UNIX_MAX);
    rank->from_seconds = rank->until_seconds = (double)NAN;
    if (!part_is_null(&measured)) {
        rank->from_seconds = part_member_number(&measured, "from_seconds", 0, RANK_SECONDS_MAX);
        rank->until_seconds = part_member_number(&measured, "until_seconds", 0, RANK_SECONDS_MAX);
        if (!(rank->until_seconds > rank->from_seconds)) {
            part_fail(&measured, "it ends before it begins");
        }
    }
}

double rank_rate(const struct rank *rank)
{
    return (double)rank->stats->measured_messages / (rank->until_seconds - rank->from_seconds);
}

/* ---- what it was judged to be -------------------------------------------------------------- */

static enum verdict_class rank_read_class(const struct part *failure)
{
    struct part class = part_member(failure, "class");
    const char *name = part_text(&class);
    for (int i = 0; i < VERDICT_NONE; i++) {
        if (strcmp(verdict_class_name((enum verdict_class)i), name) == 0) {
            return (enum verdict_class)i;
        }
    }
    part_fail(&class, "there is no such class");
    return VERDICT_FAILED;
}

static void rank_read_failure(const struct part *part, struct verdict_failure *failure)
{
    failure->class = rank_read_class(part);
    failure->count = part_member_count(part, "count", RANK_COUNT_MAX);
    (void)snprintf(failure->text, sizeof(failure->text), "%s", part_member_text(part, "text"));
}

static void rank_read_verdict(struct rank *rank, const struct part *root)
{
    struct part failures = part_member(root, "failures");
    struct part ok = part_member(root, "ok");
    rank->verdict.ok = part_bool(&ok);
    rank->verdict.count = part_items(&failures, VERDICT_ROWS_MAX);
    for (size_t i = 0; i < rank->verdict.count; i++) {
        struct part failure = part_item(&failures, i);
        rank_read_failure(&failure, &rank->verdict.failures[i]);
        if (rank->verdict.failures[i].class == VERDICT_GAVE_UP && rank->stats != NULL) {
            rank->stats->gave_up = true;
        }
    }
    if (rank->verdict.ok != (rank->verdict.count == 0)) {
        part_fail(&ok, "it does not agree with `failures`");
    }
}

static enum trust_class rank_read_doubt(const struct part *finding)
{
    struct part class = part_member(finding, "class");
    const char *name = part_text(&class);
    for (int i = 0; i < TRUST_CLASSES; i++) {
        if (strcmp(trust_class_name((enum trust_class)i), name) == 0) {
            return (enum trust_class)i;
        }
    }
    part_fail(&class, "there is no such class");
    return TRUST_TOO_FEW;
}

/* Seconds, or null: not known. */
static uint64_t rank_read_ns_if(const struct part *of, const char *name)
{
    struct part part = part_member(of, name);
    return part_is_null(&part) ? TRUST_UNKNOWN : rank_read_ns(of, name);
}

static void rank_read_trust(struct rank *rank, const struct part *root)
{
    struct part part = part_member(root, "trust");
    struct part findings = part_member(&part, "findings");
    struct trust *trust = &rank->trust;
    trust->count = part_items(&findings, TRUST_CLASSES);
    for (size_t i = 0; i < trust->count; i++) {
        struct part finding = part_item(&findings, i);
        trust->findings[i].class = rank_read_doubt(&finding);
        (void)snprintf(trust->findings[i].text, sizeof(trust->findings[i].text), "%s",
                       part_member_text(&finding, "text"));
    }
    trust->busy_share_max = part_member_number_if(&part, "busy_share_max", 0, 1e6);
    trust->wait_ns = rank_read_ns_if(&part, "run_queue_wait_seconds");
    trust->steal_ns = rank_read_ns_if(&part, "steal_seconds");
    trust->step_seconds =
        part_member_number_if(&part, "clock_step_seconds", -RANK_UNIX_MAX, RANK_UNIX_MAX);
}

/* ---- where it ran -------------------------------------------------------------------------- */

static void rank_read_machine(struct rank *rank, const struct part *root)
{
    struct part process = part_member(root, "process");
    struct part machine = part_member(root, "environment");
    struct part wine = part_member(&machine, "wine");
    struct part estimated = part_member(root, "system_calls_estimated");
    rank->backend = (struct report_backend){.name = part_member_text(root, "backend"),
                                            .recv = part_member_text_if(root, "recv"),
                                            .estimates_calls = part_bool(&estimated)};
    rank->process = (struct report_process){
        .user_ns = rank_read_ns(&process, "cpu_user_seconds"),
        .system_ns = rank_read_ns(&process, "cpu_system_seconds"),
        .peak_rss_bytes = part_member_count(&process, "peak_rss_bytes", RANK_COUNT_MAX)};
    rank->environment =
        (struct report_environment){.system = part_member_text(&machine, "system"),
                                    .release = part_member_text(&machine, "release"),
                                    .machine = part_member_text(&machine, "machine"),
                                    .cpu = part_member_text(&machine, "cpu"),
                                    .cpus = part_member_count(&machine, "cpus", INT32_MAX),
                                    .wine = part_bool(&wine),
                                    .version = part_member_text(&machine, "version"),
                                    .commit = part_member_text(&machine, "commit"),
                                    .compiler = part_member_text(&machine, "compiler"),
                                    .build = part_member_text(&machine, "build"),
                                    .libuv = part_member_text(&machine, "libuv")};
}

/* ---- all ----------------------------------------------------------------------------------- */

/* What else must agree with each other. */
static void rank_check(const struct rank *rank, const struct part *root)
{
    double seconds = part_member_number(root, "seconds", 0, RANK_SECONDS_MAX);
    double window = rank->until_seconds - rank->from_seconds;
    if (fabs(seconds - (isnan(window) ? 0 : window)) > 1e-6) {
        part_fail(root, "`seconds` are not those of `measured`");
    } else if (isnan(window) && rank->stats->measured_messages > 0) {
        part_fail(root, "it has `measured_messages`, and `measured` is null");
    }
}

/* The large members; texts of the others stay in use. */
static void rank_forget(const struct part *root)
{
    static const char *const names[] = {
        "latency_ns", "latency_since_sent_ns", "lateness_ns", "fairness", "intervals", "workers"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        part_forget(root, names[i]);
    }
}

bool rank_read(struct rank *rank, const char *file)
{
    *rank = (struct rank){.share = {.ranks = 0}};
    struct part *root = &rank->file.root;
    if (!json_file_open(&rank->file, file) || !json_file_next(&rank->file)) {
        if (rank->file.error[0] == '\0') {
            part_fail(root, "it is empty; perhaps its client has not ended");
        }
        return false;
    }
    if (!rank_is_report(root)) {
        return false;
    }
    if (!json_file_is_over(&rank->file)) {
        part_fail(root, "it has more than one report");
        return false;
    }
    if (!rank_read_share(rank, root)) {
        return false;
    }
    rank_read_options(rank, root);
    rank_read_stats(rank, root);
    rank_read_times(rank, root);
    rank_read_verdict(rank, root);
    rank_read_trust(rank, root);
    rank_read_machine(rank, root);
    rank->address = part_member_text(root, "address");
    rank_read_intervals(rank, root);
    if (rank->file.error[0] == '\0') {
        rank_check(rank, root);
    }
    rank_forget(root);
    return rank->file.error[0] == '\0';
}

void rank_free(struct rank *rank)
{
    rank_free_options(rank);
    free(rank->stats);
    free(rank->workers);
    free(rank->intervals.list);
    free(rank->intervals.buckets);
    json_file_close(&rank->file);
    *rank = (struct rank){.share = {.ranks = 0}};
}
