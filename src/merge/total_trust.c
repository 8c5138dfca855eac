#include "total.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "units.h"

/* Below this share of the measured time the clients were apart. */
#define TOGETHER_SHARE 0.9

static struct trust_finding *total_find(struct trust *trust, enum trust_class class)
{
    assert(trust->count < TRUST_FINDINGS_MAX);
    struct trust_finding *finding = &trust->findings[trust->count++];
    *finding = (struct trust_finding){.class = class};
    return finding;
}

/* Clients that began apart, and ran equally long, ended apart as well. */
static void total_judge_time(struct total *total)
{
    const struct timeline *timeline = &total->fleet->timeline;
    double seconds = timeline->until - timeline->from;
    double together = timeline->together_until - timeline->together_from;
    double began_apart = timeline->together_from - timeline->from;
    double ended_apart = timeline->until - timeline->together_until;
    struct trust_finding *finding = NULL;
    if (timeline->measured < total->fleet->count) {
        finding = total_find(&total->trust, TRUST_APART);
        (void)snprintf(finding->text, sizeof(finding->text),
                       "apart: only %zu of %s measured anything; their own reports say why",
                       timeline->measured, units_counted(total->fleet->count, "client").text);
    } else if (together < TOGETHER_SHARE * seconds) {
        finding = total_find(&total->trust, TRUST_APART);
        (void)snprintf(finding->text, sizeof(finding->text),
                       "apart: the clients measured together for only %.0f %% of the time; %s",
                       100 * together / seconds,
                       ended_apart > 2 * began_apart
                           ? "let all run for the same --duration"
                           : "start them at one time, by --barrier or --start-at");
    }
}

/* Why there is no interval of p99, if it is not for lack of messages. */
static void total_explain(struct total *total)
{
    const char *why = NULL;
    if (!total->has_intervals) {
        why = "without --interval the reports do not say how the latency varied; give the clients "
              "--interval";
    } else if (total->intervals.dropped > 0) {
        why = "the reports lack the first intervals, so they do not say how the latency varied; "
              "give the clients a longer --interval";
    } else if (total->batches.count < PRECISION_BATCHES_MIN) {
        why = "too few intervals are in the measured time to see how the latency varied; give the "
              "clients a shorter --interval, or measure longer";
    }
    for (size_t i = 0; i < total->trust.count && why != NULL; i++) {
        struct trust_finding *finding = &total->trust.findings[i];
        if (finding->class == TRUST_TOO_FEW) {
            (void)snprintf(finding->text, sizeof(finding->text), "cannot tell: %s", why);
        }
    }
}

static uint64_t longer(uint64_t one_ns, uint64_t other_ns)
{
    if (one_ns == TRUST_UNKNOWN || other_ns == TRUST_UNKNOWN) {
        return one_ns == TRUST_UNKNOWN ? other_ns : one_ns;
    }
    return one_ns > other_ns ? one_ns : other_ns;
}

/* Takes over the worst figures of a client. */
static void total_add_figures(struct trust *trust, const struct trust *own)
{
    trust->busy_share_max = fmax(trust->busy_share_max, own->busy_share_max); /* not of NAN */
    trust->wait_ns = longer(trust->wait_ns, own->wait_ns);
    trust->steal_ns = longer(trust->steal_ns, own->steal_ns);
    if (fabs(own->step_seconds) > fabs(trust->step_seconds)) {
        trust->step_seconds = own->step_seconds;
    }
}

/* What was found of that class; NULL: nothing. */
static const struct trust_finding *find_doubt(const struct trust *trust, enum trust_class class)
{
    for (size_t i = 0; i < trust->count; i++) {
        if (trust->findings[i].class == class) {
            return &trust->findings[i];
        }
    }
    return NULL;
}

/* Adds what was found of the first client of which something of this class was. */
static void total_add_doubt(struct total *total, enum trust_class class)
{
    const struct rank *first = NULL;
    size_t count = 0;
    for (size_t i = total->fleet->count; i > 0; i--) {
        const struct rank *rank = &total->fleet->ranks[i - 1];
        bool has = find_doubt(&rank->trust, class) != NULL;
        first = has ? rank : first;
        count += has;
    }
    if (first != NULL) {
        struct trust_finding *finding = total_find(&total->trust, class);
        total_name_rank(first, count - 1, find_doubt(&first->trust, class)->text, finding->text,
                        sizeof(finding->text));
    }
}

void total_judge(struct total *total)
{
    const struct client_stats *stats = total->stats;
    const struct batches none = {.slices = 1};
    bool complete = total->has_intervals && total->intervals.dropped == 0;
    const struct trust_run run = {.batches = complete ? &total->batches : &none,
                                  .cpus = 1,
                                  .scheduled = total->options.rate > 0,
                                  .begun = stats->begun,
                                  .unsent = stats->unsent,
                                  .late = stats->late,
                                  .blocked = stats->blocked,
                                  .lateness = &stats->lateness,
                                  .steal_ns = TRUST_UNKNOWN};
    trust_judge(&run, &total->trust);
    total_explain(total);
    total_judge_time(total);
    for (size_t i = 0; i < total->fleet->count; i++) {
        total_add_figures(&total->trust, &total->fleet->ranks[i].trust);
    }
    for (int class = 0; class < TRUST_CLASSES; class ++) {
        if (class != TRUST_TOO_FEW) { /* of one client it says nothing of all */
            total_add_doubt(total, (enum trust_class) class);
        }
    }
}
