#include "fleet.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

struct rank_name rank_name(const struct rank *rank)
{
    struct rank_name name;
    (void)snprintf(name.text, sizeof(name.text), "rank %" PRIu64 " (%s, %s)", rank->share.rank,
                   rank->host, rank->file.name);
    return name;
}

/* ---- reading ------------------------------------------------------------------------------- */

void fleet_read(struct fleet *fleet, char *const *files, size_t count, struct refusals *refusals)
{
    *fleet = (struct fleet){.ranks = calloc(count + 1, sizeof(*fleet->ranks))};
    if (fleet->ranks == NULL) {
        refuse(refusals, "out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct rank *rank = &fleet->ranks[fleet->count];
        if (rank_read(rank, files[i])) {
            fleet->count++;
        } else {
            refuse(refusals, "%s: %s", files[i], rank->file.error);
            rank_free(rank);
        }
    }
}

void fleet_free(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->count; i++) {
        rank_free(&fleet->ranks[i]);
    }
    free(fleet->ranks);
    *fleet = (struct fleet){.count = 0};
}

/* ---- all ranks ----------------------------------------------------------------------------- */

static int fleet_compare(const void *left, const void *right)
{
    uint64_t one = ((const struct rank *)left)->share.rank;
    uint64_t other = ((const struct rank *)right)->share.rank;
    return (one > other) - (one < other);
}

/* A value in the file of a rank and in that of the first one. */
static void fleet_refuse_difference(struct refusals *refusals, const char *what,
                                    const struct rank *first, const char *first_value,
                                    const struct rank *rank, const char *value)
{
    refuse(refusals, "%s differs: %.80s of %s, and %.80s of %s", what, first_value,
           rank_name(first).text, value, rank_name(rank).text);
}

/* Whether all say that there are as many clients. */
static bool fleet_check_ranks(const struct fleet *fleet, struct refusals *refusals)
{
    char first[UNITS_TEXT_SIZE];
    char other[UNITS_TEXT_SIZE];
    bool same = true;
    for (size_t i = 1; i < fleet->count; i++) {
        uint64_t ranks = fleet->ranks[i].share.ranks;
        if (ranks != fleet->ranks[0].share.ranks) {
            (void)snprintf(first, sizeof(first), "%" PRIu64, fleet->ranks[0].share.ranks);
            (void)snprintf(other, sizeof(other), "%" PRIu64, ranks);
            fleet_refuse_difference(refusals, "the number of clients", &fleet->ranks[0], first,
                                    &fleet->ranks[i], other);
            same = false;
        }
    }
    return same;
}

/* Whether each is there once. Numbers from `next` on are missing before rank i. */
static void fleet_check_numbers(const struct fleet *fleet, struct refusals *refusals)
{
    uint64_t ranks = fleet->ranks[0].share.ranks;
    uint64_t next = 0;
    for (size_t i = 0; i <= fleet->count; i++) {
        uint64_t number = i < fleet->count ? fleet->ranks[i].share.rank : ranks;
        for (; next < number; next++) {
            refuse(refusals, "rank %" PRIu64 " of %" PRIu64 " is missing", next, ranks);
        }
        if (i < fleet->count && number < next) {
            refuse(refusals, "two files are of rank %" PRIu64 ": %s and %s", number,
                   fleet->ranks[i - 1].file.name, fleet->ranks[i].file.name);
        }
        next = number + 1;
    }
}

/* ---- one load ------------------------------------------------------------------------------ */

/* What each client may have its own of: its part of the load; its server and its way there; what
 * suits its machine. Of these a barrier demands no agreement either (agreement.h). */
static bool fleet_may_differ(const char *name)
{
    static const char *const own[] = {
        "connections", "rate",        "connect-rate", "bandwidth", "requests", "start-at",
        "wait",        "host",        "port",         "ipv4",      "ipv6",     "source",
        "cpus",        "buffer-size", "busy-poll",    "sndbuf",    "rcvbuf"};
    for (size_t i = 0; i < LENGTH(own); i++) {
        if (strcmp(own[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void fleet_check_options(const struct rank *first, const struct rank *rank,
                                struct refusals *refusals)
{
    char name[OPTION_NAME_MAX + sizeof "--"];
    for (size_t i = 0; i < client_program.row_count; i++) {
        const struct option_row *row = &client_program.rows[i];
        const char *one = first->shown[i].data;
        const char *other = rank->shown[i].data;
        if (one != NULL && other != NULL && !fleet_may_differ(row->name) &&
            strcmp(one, other) != 0) {
            (void)snprintf(name, sizeof(name), "--%s", row->name);
            fleet_refuse_difference(refusals, name, first, one, rank, other);
        }
    }
}

static void fleet_check_whole(const struct rank *first, const struct rank *rank,
                              struct refusals *refusals)
{
    const struct client_whole *one = &first->whole;
    const struct client_whole *other = &rank->whole;
    const struct {
        const char *what;
        double one;
        double other;
    } rows[] = {
        {"--connections of all clients", (double)one->connections, (double)other->connections},
        {"--rate of all clients", one->rate, other->rate},
        {"--connect-rate of all clients", one->connect_rate, other->connect_rate},
        {"--bandwidth of all clients", (double)one->bandwidth, (double)other->bandwidth},
        {"--requests of all clients", (double)one->requests, (double)other->requests},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char one_text[UNITS_TEXT_SIZE];
        char other_text[UNITS_TEXT_SIZE];
        if (rows[i].one < rows[i].other || rows[i].one > rows[i].other) {
            (void)snprintf(one_text, sizeof(one_text), "%.17g", rows[i].one);
            (void)snprintf(other_text, sizeof(other_text), "%.17g", rows[i].other);
            fleet_refuse_difference(refusals, rows[i].what, first, one_text, rank, other_text);
        }
    }
}

static void fleet_check_program(const struct rank *first, const struct rank *rank,
                                struct refusals *refusals)
{
    static const char *const starts[] = {"own", "start_at", "barrier"};
    if (strcmp(first->environment.version, rank->environment.version) != 0) {
        fleet_refuse_difference(refusals, "the version", first, first->environment.version, rank,
                                rank->environment.version);
    }
    if (first->start != rank->start) {
        fleet_refuse_difference(refusals, "the start", first, starts[first->start], rank,
                                starts[rank->start]);
    } else if (first->run_id != rank->run_id) {
        refuse(refusals, "%s is of another run than %s: they did not meet at a barrier",
               rank_name(rank).text, rank_name(first).text);
    }
    if ((first->intervals.list == NULL) != (rank->intervals.list == NULL)) {
        const struct rank *without = first->intervals.list == NULL ? first : rank;
        refuse(refusals, "%s has no intervals, and others have; give all clients --interval",
               rank_name(without).text);
    }
}

/* ---- the parts are the whole --------------------------------------------------------------- */

/* Rates are numbers with a fraction, so that their sum may be slightly off. */
static void fleet_check_sum(const char *what, double sum, double whole, struct refusals *refusals)
{
    if (fabs(sum - whole) > 1e-9 * whole) {
        refuse(refusals, "the %s of all clients are %.17g together, and %.17g were asked for", what,
               sum, whole);
    }
}

static void fleet_check_sums(const struct fleet *fleet, struct refusals *refusals)
{
    const struct client_whole *whole = &fleet->ranks[0].whole;
    struct client_whole sum = {0};
    for (size_t i = 0; i < fleet->count; i++) {
        const struct client_options *options = &fleet->ranks[i].options;
        sum.connections += options->connections;
        sum.rate += options->rate;
        sum.connect_rate += options->connect_rate;
        sum.requests += options->requests;
    }
    fleet_check_sum("--connections", (double)sum.connections, (double)whole->connections, refusals);
    fleet_check_sum("--rate", sum.rate, whole->rate, refusals);
    fleet_check_sum("--connect-rate", sum.connect_rate, whole->connect_rate, refusals);
    fleet_check_sum("--requests", (double)sum.requests, (double)whole->requests, refusals);
}

void fleet_check(struct fleet *fleet, struct refusals *refusals)
{
    if (fleet->count == 0) {
        return;
    }
    qsort(fleet->ranks, fleet->count, sizeof(*fleet->ranks), fleet_compare);
    for (size_t i = 0; i < fleet->count; i++) {
        fleet->ranks[i].file.root.file = &fleet->ranks[i].file; /* they have moved */
    }
    if (fleet_check_ranks(fleet, refusals)) {
        fleet_check_numbers(fleet, refusals);
    }
    for (size_t i = 1; i < fleet->count; i++) {
        fleet_check_whole(&fleet->ranks[0], &fleet->ranks[i], refusals);
        fleet_check_options(&fleet->ranks[0], &fleet->ranks[i], refusals);
        fleet_check_program(&fleet->ranks[0], &fleet->ranks[i], refusals);
    }
    if (refusals->count == 0) {
        fleet_check_sums(fleet, refusals);
        fleet_make_timeline(fleet, refusals);
    }
}
