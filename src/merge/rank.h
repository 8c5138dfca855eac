#ifndef ECHOPORT_RANK_H
#define ECHOPORT_RANK_H

/*
 * The report of one client that had a share of a load (--share), read from its file. It is checked
 * by itself here: what ranks must agree on is in fleet.h. Main thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client_options.h"
#include "json_file.h"
#include "report.h"
#include "stats.h"
#include "trust.h"
#include "verdict.h"

/* The most that a counter may have, in a file and in the sum of all: the sums of several counters
 * still fit 64 bits. */
#define RANK_COUNT_MAX (UINT64_C(1) << 59)

/* How the clients began together. */
enum rank_start {
    RANK_OWN,      /* each when it was started */
    RANK_START_AT, /* at a given time, each by its clock */
    RANK_BARRIER   /* at the same moment */
};

struct rank_bucket {
    uint64_t upper;
    uint64_t count;
};

/* An element of `intervals`. */
struct rank_interval {
    uint64_t from_ns; /* since the run began */
    uint64_t until_ns;
    uint64_t messages;
    uint64_t bytes;
    uint64_t failures;
    uint64_t up; /* at its end */
    uint64_t backlog;
    uint64_t min_ns; /* of the latency, as the following */
    uint64_t max_ns;
    size_t bucket_count;
    struct rank_bucket *buckets;
};

struct rank_intervals {
    size_t count;
    struct rank_interval *list;  /* in order of time; NULL: the client kept none */
    struct rank_bucket *buckets; /* of all in the list */
    uint64_t dropped;            /* how many were before the first in the list */
};

/* Times are seconds. The texts belong to `file`. */
struct rank {
    struct json_file file;
    struct share share;
    const char *host;
    enum rank_start start;
    uint64_t run_id; /* that the clients of a barrier have in common; 0: none */
    struct client_whole whole;
    struct client_options options; /* of this client: see rank_read_options() */
    struct text *shown;            /* for each row of client_program: the value, "" if none */
    char **words;                  /* to which the options point */
    size_t word_count;
    double started_unix;
    double ended_unix;
    double first_message_unix; /* NAN: it sent none */
    double from_seconds;       /* of the measured time, since the run began; NAN: there was none */
    double until_seconds;
    const char *address;
    struct verdict verdict;
    struct client_stats *stats;
    struct report_worker *workers;
    size_t worker_count;
    struct trust trust; /* without precision */
    struct rank_intervals intervals;
    struct report_backend backend;
    struct report_process process;
    struct report_environment environment;
};

/* Reads the file. Its name must stay. False: it is no such report, and file.error says why. Call
 * rank_free() in any case. */
bool rank_read(struct rank *rank, const char *file);
void rank_free(struct rank *rank);

/* Messages of its measured time per second; NAN: there was no such time. */
double rank_rate(const struct rank *rank);

/* The latencies of an interval, in a histogram that is empty. It has no exact mean. False: they
 * can't be those of a histogram. */
bool rank_interval_latency(const struct rank_interval *interval, struct histogram *histogram);

/* ---- rank_options.c, rank_stats.c and rank_intervals.c, for rank.c --------------------------- */

/* Each reads members of the report `root`. The first leaves `share` and `whole` of the options
 * empty. */
void rank_read_options(struct rank *rank, const struct part *root);
void rank_free_options(struct rank *rank);
void rank_read_stats(struct rank *rank, const struct part *root);
void rank_read_intervals(struct rank *rank, const struct part *root);

/* Reads an array of pairs of an upper bound and a count into an empty histogram; then its minimum,
 * maximum and mean. */
void rank_read_buckets(const struct part *of, struct histogram *histogram);

/* Reads a time of 0 to ten years, in seconds, as nanoseconds. */
uint64_t rank_read_ns(const struct part *of, const char *name);

#endif
