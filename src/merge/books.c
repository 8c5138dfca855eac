#include "books.h"

#include <inttypes.h>
#include <string.h>

#include "json_file.h"
#include "rank.h"
#include "units.h"

/* How often a server may have been restarted. */
#define BOOKS_GENERATIONS_MAX 4096

/* ---- reading ------------------------------------------------------------------------------- */

/* The generations of a process, which report when their last connection has ended: in any order. */
struct books_process {
    bool seen[BOOKS_GENERATIONS_MAX + 1];
    uint64_t last; /* with which the process ended; 0: not known */
};

static void books_note(const struct part *root, struct books_process *process)
{
    struct part generation = part_member(root, "generation");
    struct part last = part_member(root, "last");
    uint64_t number = part_count(&generation, BOOKS_GENERATIONS_MAX);
    if (process->seen[number] || number == 0) {
        part_fail(&generation, "there are two of generation %" PRIu64 ", or it is 0", number);
    }
    process->seen[number] = true;
    process->last = part_bool(&last) ? number : process->last;
}

/* Whether all are there. */
static void books_check(const struct part *root, const struct books_process *process)
{
    if (process->last == 0) {
        part_fail(root, "the report of the last generation is missing; end the server first");
    }
    for (uint64_t i = 1; i <= process->last; i++) {
        if (!process->seen[i]) {
            part_fail(root, "the report of generation %" PRIu64 " of %" PRIu64 " is missing", i,
                      process->last);
        }
    }
}

static void books_add(struct books *books, const struct part *root)
{
    struct part counters = part_member(root, "counters");
    for (size_t i = 0; i < stats_server_list.count; i++) {
        const struct counter *counter = &stats_server_list.rows[i];
        struct part part = part_member(&counters, counter->name);
        uint64_t sum = counter_value(counter, &books->counters) + part_count(&part, RANK_COUNT_MAX);
        if (sum > RANK_COUNT_MAX) {
            part_fail(&part, "it is too large to be added to that of other reports");
        } else {
            counter_set(counter, &books->counters, sum);
        }
    }
    books->generations++;
}

static void books_read_report(struct books *books, const struct part *root,
                              struct books_process *process)
{
    const char *program = part_has(root, "program") ? part_member_text(root, "program") : "";
    if (strcmp(program, "echo-client") == 0) {
        part_fail(root, "it is a report of echo-client; give it without --server");
    } else if (strcmp(program, "echo-server") != 0) {
        part_fail(root, "it is no report of echo-server");
    } else {
        books_note(root, process);
        books_add(books, root);
    }
}

static void books_read_file(struct books *books, const char *name, struct refusals *refusals)
{
    struct json_file file;
    struct books_process process = {.last = 0};
    bool more = json_file_open(&file, name);
    while (more && json_file_next(&file)) {
        books_read_report(books, &file.root, &process);
        more = file.error[0] == '\0';
    }
    books_check(&file.root, &process); /* does nothing after another error */
    if (file.error[0] != '\0') {
        refuse(refusals, "%s: %s", name, file.error);
    }
    json_file_close(&file);
}

void books_read(struct books *books, const struct option_strings *files, struct refusals *refusals)
{
    *books = (struct books){.generations = 0};
    for (size_t i = 0; i < files->count; i++) {
        books_read_file(books, files->items[i], refusals);
    }
}

/* ---- comparing ----------------------------------------------------------------------------- */

/* "the servers received 5 bytes more than the clients sent: WHY" */
static void books_fail(struct fleet_server *server, const char *more, struct units_counted count,
                       const char *than, const char *why)
{
    server->balance = FLEET_UNBALANCED;
    (void)snprintf(server->reason, sizeof(server->reason),
                   "the books do not balance: %s %s more than %s: %s", more, count.text, than, why);
}

/* What no reset can explain. */
static void books_judge_bounds(const struct server_counters *s, const struct client_counters *c,
                               struct fleet_server *server)
{
    if (s->received > c->sent) {
        books_fail(server, "the servers received", units_counted(s->received - c->sent, "byte"),
                   "the clients sent", "another client was at a server, or its report is missing");
    } else if (c->verified > s->sent) {
        books_fail(server, "the clients verified", units_counted(c->verified - s->sent, "byte"),
                   "the servers sent", "the report of a server is missing, or is of another run");
    } else if (s->sent > s->received) {
        books_fail(server, "the servers sent back", units_counted(s->sent - s->received, "byte"),
                   "they received", "their reports are wrong");
    }
}

/* Without a reset every byte has a fate that both sides know. */
static bool books_are_clean(const struct server_counters *s, const struct client_counters *c)
{
    uint64_t client = c->connect_failures + c->abandoned + c->reset_at_end + c->reset + c->cut +
                      c->mismatches + c->lost + c->timeouts + c->end_timeouts + c->unanswered +
                      c->failed + c->drained;
    uint64_t own = s->idle + s->stalled + s->failed + s->cut + s->accept_errors + s->refused;
    return client + own == 0;
}

static void books_judge_exactly(const struct server_counters *s, const struct client_counters *c,
                                struct fleet_server *server)
{
    if (c->sent > s->received) {
        books_fail(server, "the clients sent", units_counted(c->sent - s->received, "byte"),
                   "the servers received", "the report of a server is missing");
    } else if (s->sent > c->verified) {
        books_fail(server, "the servers sent back", units_counted(s->sent - c->verified, "byte"),
                   "the clients verified", "the report of a client is missing");
    } else if (s->accepted > c->connected) {
        books_fail(server, "the servers had",
                   units_counted(s->accepted - c->connected, "connection"), "the clients",
                   "another client was at a server");
    } else if (c->connected > s->accepted) {
        books_fail(server, "the clients had",
                   units_counted(c->connected - s->accepted, "connection"), "the servers",
                   "the report of a server is missing");
    }
}

void books_judge(const struct books *books, const struct client_counters *clients,
                 struct fleet_server *server)
{
    const struct server_counters *s = &books->counters;
    bool clean = books_are_clean(s, clients);
    *server = (struct fleet_server){.generations = books->generations,
                                    .accepted = s->accepted,
                                    .received = s->received,
                                    .sent = s->sent,
                                    .discarded = s->discarded,
                                    .balance = clean ? FLEET_BALANCED : FLEET_BOUNDED};
    books_judge_bounds(s, clients, server);
    if (clean && server->balance != FLEET_UNBALANCED) {
        books_judge_exactly(s, clients, server);
    }
}
